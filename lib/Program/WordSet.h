//===- WordSet.h - Sets of words of tensor memory ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Exactly which words a tensor or an operand takes: a mask over the banks for
/// every row. The verifier's questions (inside? overlapping? written?) are
/// questions about such sets, whatever shape either side gives its indices.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PROGRAM_WORDSET_H
#define FETTA_LIB_PROGRAM_WORDSET_H

#include "fetta/Program/Program.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace fetta {

/// Words with indices inside all edges, of a legal layout.
struct Footprint {
  llvm::SmallVector<DimLayout, 8> dims;
  llvm::SmallVector<BankBit, 8> banks;
  int64_t slab = 0, baseRow = 0;
  int64_t planes = 1; ///< Physical rows per row: 2 for FP32.

  explicit Footprint(const TensorEntry &tensor);
  explicit Footprint(const Operand &operand);

  using RowMask = llvm::ArrayRef<uint64_t>;
  /// Calls `visit` with every physical row and its mask over the banks until
  /// one call returns false; returns whether none did.
  bool
  forEachRow(llvm::function_ref<bool(int64_t row, RowMask mask)> visit) const;

  /// All but slab and base row as numbers: equal for footprints of equal words.
  std::vector<int64_t> shape() const;

private:
  std::vector<uint64_t> banksUsed(uint32_t lastChunks) const;
};

/// A set of words of some rows of a slab.
class WordSet {
public:
  WordSet(int64_t lanes, int64_t firstRow, int64_t rows)
      : wordsPerRow((lanes + 63) / 64), firstRow(firstRow), rows(rows),
        bits(size_t(wordsPerRow * rows)) {}

  bool containsAll(const Footprint &footprint) const;
  bool containsNone(const Footprint &footprint) const;
  void insert(const Footprint &footprint);

private:
  const uint64_t *row(int64_t r) const {
    return r < firstRow || r >= firstRow + rows
               ? nullptr
               : &bits[size_t((r - firstRow) * wordsPerRow)];
  }
  int64_t wordsPerRow, firstRow, rows;
  std::vector<uint64_t> bits;
};

} // namespace fetta

#endif // FETTA_LIB_PROGRAM_WORDSET_H

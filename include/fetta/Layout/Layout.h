//===- Layout.h - How a tensor lies in tensor memory ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Bit layouts (docs/Machine.md, section 2). The index of every dimension
/// splits as `index = chunk * 2^lowBits + low`: low bits go to bank bits,
/// chunks to rows. Dimension permutations are relabelings and cost nothing.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LAYOUT_LAYOUT_H
#define FETTA_LAYOUT_LAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdint>
#include <optional>
#include <string>

namespace fetta {

/// Bit `bit` of the index of mode (or dimension) `mode`.
struct ModeBit {
  unsigned mode = 0;
  unsigned bit = 0;
  bool operator==(const ModeBit &o) const {
    return mode == o.mode && bit == o.bit;
  }
  bool operator!=(const ModeBit &o) const { return !(*this == o); }
};

/// One dimension of a tensor in memory.
struct DimLayout {
  int64_t size = 1;      ///< Number of index values, at least 1.
  unsigned lowBits = 0;  ///< Bits of the index that go to bank bits.
  int64_t rowStride = 0; ///< Rows between neighbouring chunks.

  int64_t chunks() const {
    return int64_t(llvm::divideCeil(uint64_t(size), uint64_t(1) << lowBits));
  }
  bool operator==(const DimLayout &o) const {
    return size == o.size && lowBits == o.lowBits && rowStride == o.rowStride;
  }
};

/// What drives one bit of the bank number: an index bit, or a constant.
struct BankBit {
  std::optional<ModeBit> source;
  bool constant = false; ///< Used when there is no source.
  bool operator==(const BankBit &o) const {
    return source == o.source && (source || constant == o.constant);
  }
};

/// Layout of one tensor. Row and bank are relative to the tensor's base row.
/// An FP32 tensor takes two physical rows for each row here: high halves in
/// row 2i, low halves in row 2i+1.
struct Layout {
  llvm::SmallVector<DimLayout, 6> dims;
  /// One entry per bank bit, lowest first; as many as the machine has.
  llvm::SmallVector<BankBit, 8> banks;

  /// Row (relative) of an element; `index` has one value per dimension.
  int64_t rowOf(llvm::ArrayRef<int64_t> index) const;
  /// Bank of an element.
  uint32_t bankOf(llvm::ArrayRef<int64_t> index) const;
  /// Rows from the base row to the last row that is used, inclusive.
  int64_t rows() const;
  int64_t elements() const;

  /// Every low bit of every dimension on exactly one bank bit, bank bits only
  /// from low bits, chunks of different index never in the same row, sizes
  /// positive. The message names dimension and bit.
  llvm::Error verify(unsigned bankBits) const;

  bool operator==(const Layout &o) const {
    return dims == o.dims && banks == o.banks;
  }
  bool operator!=(const Layout &o) const { return !(*this == o); }

  /// A layout with the given low bits on the given bank bits and the chunks
  /// packed densely, the last dimension of `rowOrder` fastest.
  static Layout packed(llvm::ArrayRef<int64_t> sizes,
                       llvm::ArrayRef<BankBit> banks,
                       llvm::ArrayRef<unsigned> rowOrder);

  /// Dimension i of the result is dimension permutation[i] of this layout.
  Layout permuted(llvm::ArrayRef<unsigned> permutation) const;
};

/// Whether viewing dimension sizes `from` as `to` (row-major reshape) keeps
/// every chunk/low split of `layout`, so that it costs nothing; returns the
/// layout over `to` then. 12 -> (3, 4) with 2 low bits does, (4, 3) does not.
std::optional<Layout> relabel(const Layout &layout, llvm::ArrayRef<int64_t> to);

/// Whether a transfer may walk a tensor in these blocks (`Dma::blocks`): at
/// most one for each dimension, none larger than what it is of. Errors say what
/// is wrong with which.
llvm::Error verifyBlocks(llvm::ArrayRef<int64_t> blocks,
                         llvm::ArrayRef<DimLayout> dims);

/// `[d1:0, d1:1, d0:0, 0] rows (4*d0/2 + d1/4)`: for remarks and tests.
void print(llvm::raw_ostream &os, const Layout &layout);

} // namespace fetta

#endif // FETTA_LAYOUT_LAYOUT_H

//===- Footprint.h - Which words of tensor memory something takes -*- C++ -*-=//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Exactly which words a tensor or an operand takes: a set of banks for every
/// row. The verifier's questions (inside? overlapping? written?) are questions
/// about such sets, whatever shape either side gives its indices. A sliced
/// program asks about few shapes at many places, so each is walked once.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PROGRAM_FOOTPRINT_H
#define FETTA_LIB_PROGRAM_FOOTPRINT_H

#include "fetta/Program/Program.h"

#include "llvm/ADT/DenseMap.h"

#include <deque>
#include <map>

namespace fetta {

/// Numbers for lists of numbers, from 0 in the order in which they are met.
class Interner {
public:
  /// The number of a list, and whether it is new.
  std::pair<uint32_t, bool> intern(llvm::ArrayRef<int64_t> list);

private:
  llvm::DenseMap<llvm::ArrayRef<int64_t>, uint32_t> numbers;
  /// Not a BumpPtrAllocator: instantiated with AddressSanitizer, it would
  /// poison memory that LLVM's library, built without, hands out.
  std::deque<std::vector<int64_t>> lists;
};

/// Sets of banks by number; 0 is the empty set.
class BankSets {
public:
  uint32_t intern(const std::vector<uint64_t> &mask);
  /// Banks of both; of a and not of b; of either.
  uint32_t both(uint32_t a, uint32_t b) {
    return a == b ? a : combine(And, a, b);
  }
  uint32_t without(uint32_t a, uint32_t b) {
    return a == b ? 0 : combine(Without, a, b);
  }
  uint32_t either(uint32_t a, uint32_t b) { return combine(Or, a, b); }
  int64_t first(uint32_t set) const; ///< The lowest bank; the set is not empty.

private:
  enum Operation : unsigned { And, Without, Or };
  uint32_t combine(Operation operation, uint32_t a, uint32_t b);

  std::vector<std::vector<uint64_t>> masks = {{}};
  std::map<std::vector<uint64_t>, uint32_t> numbers;
  llvm::DenseMap<std::pair<uint64_t, unsigned>, uint32_t> results;
};

/// Words of a legal layout with indices inside all edges, relative to the base
/// row.
struct Footprint {
  struct Row {
    int64_t row; ///< Physical; each comes once.
    uint32_t banks;
  };
  std::vector<Row> rows;
  /// Physical rows from the base row to the last, inclusive.
  int64_t height = 0;
  /// Equal for footprints of equal words, in whatever order.
  uint32_t words = 0;
};

/// The footprints of a program, by number.
class Footprints {
public:
  /// Both must be legal.
  uint32_t of(const TensorEntry &tensor);
  uint32_t of(const Operand &operand);
  const Footprint &operator[](uint32_t number) const { return all[number]; }
  BankSets &bankSets() { return sets; }

  /// Whether `inner` takes words of `outer` only, `distance` rows behind it.
  bool contains(uint32_t outer, uint32_t inner, int64_t distance);

private:
  uint32_t of(llvm::ArrayRef<DimLayout> dims, llvm::ArrayRef<BankBit> banks,
              int64_t planes);
  Footprint walk(llvm::ArrayRef<DimLayout> dims, llvm::ArrayRef<BankBit> banks,
                 int64_t planes);

  BankSets sets;
  Interner shapes, words;
  std::deque<Footprint> all;
};

} // namespace fetta

#endif // FETTA_LIB_PROGRAM_FOOTPRINT_H

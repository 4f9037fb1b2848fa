//===- SymbolicMemory.h - Formulas and the words that hold them -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What a symbolic run computes with, and tensor memory by the names of its
/// words.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_SIMULATOR_SYMBOLICMEMORY_H
#define FETTA_UNITTESTS_SIMULATOR_SYMBOLICMEMORY_H

#include "SymbolicRun.h"

#include <algorithm>

namespace fetta::test {

/// SplitMix64's finaliser (Steele, Lea, Flood 2014).
inline uint64_t mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9;
  x ^= x >> 27;
  x *= 0x94d049bb133111eb;
  return x ^ x >> 31;
}
inline Formula node(uint64_t tag, uint64_t a, uint64_t b) {
  return mix(mix(mix(tag + 0x9e3779b97f4a7c15) + a) + b) | 1;
}
inline Formula add(Formula a, Formula b) {
  if (a == 0 || b == 0)
    return a | b;
  return node(1, std::min(a, b), std::max(a, b));
}
inline Formula multiply(Formula a, Formula b) {
  if (a == 0 || b == 0)
    return 0;
  return node(2, std::min(a, b), std::max(a, b));
}

/// Names of words; only rows that were written are kept.
class Memory {
public:
  explicit Memory(const Machine &machine)
      : slabs(machine.slabs), rows(machine.rowsPerSlab),
        lanes(size_t(machine.lanes())) {}
  bool contains(int64_t slab, int64_t row) const {
    return slab >= 0 && slab < slabs && row >= 0 && row < rows;
  }
  /// Names of the words of a row, those it started with where `row` is null.
  const std::vector<Formula> *row(int64_t slab, int64_t row) const {
    auto it = written.find({slab, row});
    return it == written.end() ? nullptr : &it->second;
  }
  static Formula initial(int64_t slab, int64_t row, size_t bank) {
    return node(3, uint64_t(slab) << 32 | uint64_t(row), bank);
  }
  void write(int64_t slab, int64_t row, size_t bank, Formula word) {
    auto [it, isNew] = written.try_emplace({slab, row});
    if (isNew)
      for (size_t b = 0; b < lanes; ++b)
        it->second.push_back(initial(slab, row, b));
    it->second[bank] = word;
  }

  Formula read(int64_t slab, int64_t row, size_t bank) const {
    const std::vector<Formula> *words = this->row(slab, row);
    return words ? (*words)[bank] : initial(slab, row, bank);
  }
  /// The halves of an FP32 word, and the word of two halves.
  Formula high(Formula word) {
    halves[node(5, word, 0)] = word;
    return node(5, word, 0);
  }
  static Formula low(Formula word) { return node(6, word, 0); }
  Formula whole(Formula high, Formula low) const {
    auto it = halves.find(high);
    return it != halves.end() && Memory::low(it->second) == low
               ? it->second
               : node(7, high, low);
  }

private:
  int64_t slabs, rows;
  size_t lanes;
  std::map<std::pair<int64_t, int64_t>, std::vector<Formula>> written;
  std::map<Formula, Formula> halves;
};

} // namespace fetta::test

#endif // FETTA_UNITTESTS_SIMULATOR_SYMBOLICMEMORY_H

//===- Candidates.h - Good mappings of one contraction ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the joint search chooses from: for one contraction the mappings whose
/// occupancy is close to the best one, and the low bits of every operand that
/// each needs to be free of conflicts.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_CANDIDATES_H
#define FETTA_LIB_MAPPING_CANDIDATES_H

#include "Search.h"

namespace fetta::mapping {

/// Instructions hold as many modes.
constexpr unsigned maxDims = 32;

/// Low bits by dimension (or mode): what a use of a value needs, or what its
/// layout has.
struct LowBits {
  std::array<uint8_t, maxDims> bits = {};

  uint8_t &operator[](unsigned i) { return bits[i]; }
  uint8_t operator[](unsigned i) const { return bits[i]; }
  bool operator==(const LowBits &o) const { return bits == o.bits; }
  bool operator<(const LowBits &o) const { return bits < o.bits; }
  unsigned sum() const {
    unsigned total = 0;
    for (uint8_t b : bits)
      total += b;
    return total;
  }
  void unite(const LowBits &o) {
    for (unsigned i = 0; i < maxDims; ++i)
      bits[i] = std::max(bits[i], o.bits[i]);
  }
  /// Bits that a use which needs `need` lacks here.
  unsigned missing(const LowBits &need) const {
    unsigned total = 0;
    for (unsigned i = 0; i < maxDims; ++i)
      total += need.bits[i] > bits[i] ? need.bits[i] - bits[i] : 0;
    return total;
  }
};

/// A mapping for the joint search: its best cut for throughput or for latency.
struct Choice {
  Candidate candidate;
  std::array<LowBits, 3> needs; ///< By mode of the contraction.
};

/// How far occupancy may exceed the best one.
struct Tolerance {
  double factor = 1.05;
  int64_t cycles = 2;
};

/// Cheapest first by throughput, at most `most`. Short lists are a Pareto front
/// of cost and needs.
/// `produced`: A, B are written by other contractions.
std::vector<Choice> collectChoices(const ContractionSpec &spec,
                                   std::array<bool, 2> produced,
                                   const Machine &machine, Tolerance tolerance,
                                   size_t most);

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_CANDIDATES_H

//===- LargeSearch.h - Trees for large networks -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What searchTree does beyond the exact limit: greedy trees, annealing and
/// exactly solved windows, within a budget.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_LARGESEARCH_H
#define FETTA_LIB_CONTRACTION_LARGESEARCH_H

#include "fetta/Contraction/Search.h"

namespace fetta {

/// How a greedy tree departs from the greedy one.
struct GreedyNoise {
  double operandWeight; ///< Of the operands' sizes against the result's.
  double temperature;   ///< In units of the logarithm of the score.
  uint64_t seed;
};

ContractionTree randomGreedyTree(const ClosedNetwork &network,
                                 unsigned rootLeaf, const GreedyNoise &noise);

struct LargeResult {
  std::optional<ContractionTree> tree; ///< The best; always there.
  Cost value = 0, flops = 0;           ///< Certified.
  HeuristicWork work;                  ///< Does the same again.
  bool stopped = false; ///< By shouldStop, or before the time was filled.
};

/// The best of the greedy tree, randomized ones, and what annealing and
/// windows make of them; by the objective never worse than the greedy tree.
/// Error: all trees that were found exceed 128 bits.
llvm::Expected<LargeResult> searchLarge(const ClosedNetwork &network,
                                        unsigned rootLeaf,
                                        const Objective &objective,
                                        const HeuristicOptions &options);

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_LARGESEARCH_H

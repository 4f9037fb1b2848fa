//===- RandomSearch.h - Trees for large networks ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Randomized greedy trees and their improvement by exactly solved windows:
/// what searchTree does beyond the exact limit.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_RANDOMSEARCH_H
#define FETTA_LIB_CONTRACTION_RANDOMSEARCH_H

#include "fetta/Contraction/Search.h"

namespace fetta {

/// How a greedy tree departs from the greedy one.
struct GreedyNoise {
  double operandWeight; ///< Of the operands' sizes against the result's.
  double temperature;   ///< In units of the logarithm of the score.
  uint64_t seed;
};

llvm::Expected<ContractionTree> randomGreedyTree(const ClosedNetwork &network,
                                                 unsigned rootLeaf,
                                                 const GreedyNoise &noise);

/// The best of \p greedy, randomized greedy trees and what windows make of the
/// best of them; by the objective never worse than \p greedy, whose value must
/// fit in 128 bits. The same for any number of threads.
llvm::Expected<ContractionTree> searchAtRandom(const ClosedNetwork &network,
                                               ContractionTree greedy,
                                               const Objective &objective,
                                               const HeuristicOptions &options);

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_RANDOMSEARCH_H

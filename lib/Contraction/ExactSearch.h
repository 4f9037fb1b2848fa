//===- ExactSearch.h - Optimal trees, certified -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The exact solvers behind searchTree. Apart from it so that they can be
/// read, and replaced, by themselves. Sets of tensors are bit masks here; the
/// root leaf is bit n of a phase of n tensors.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_EXACTSEARCH_H
#define FETTA_LIB_CONTRACTION_EXACTSEARCH_H

#include "fetta/Contraction/Search.h"

namespace fetta {

/// Tensors by bit.
using TensorMask = uint32_t;

/// All indices with the same ends act as one.
struct Bundle {
  TensorMask ends;
  Cost size;
};

/// Steps as pairs of sets of tensors, operands first.
using SplitList = std::vector<std::pair<TensorMask, TensorMask>>;

/// A phase as the solvers see it.
struct Phase {
  unsigned numTensors;
  std::vector<Bundle> bundles;
  /// Asked now and then; once true, a solver ends without a solution.
  std::function<bool()> shouldStop = nullptr;

  bool mustStop() const { return shouldStop && shouldStop(); }

  TensorMask root() const { return TensorMask(1) << numTensors; }
  TensorMask full() const { return root() - 1; }
};

/// The indices of size 2 and more. Error: a bundle, and with it a step,
/// exceeds 128 bits.
llvm::Expected<Phase> makePhase(const ClosedNetwork &network,
                                unsigned rootLeaf);

/// A tree from its steps; the tensors are the leaves without the root leaf.
llvm::Expected<ContractionTree>
makeTree(unsigned numLeaves, unsigned rootLeaf,
         llvm::ArrayRef<std::pair<TensorMask, TensorMask>> splits);

/// Costs of steps in integers; none beyond 128 bits.
struct IntegerCosts {
  const Phase &phase;
  const Objective &objective;

  std::optional<Cost> volumeOf(TensorMask set) const;
  /// The objective's share of the step.
  std::optional<Cost> stepCost(TensorMask a, TensorMask b) const;
  std::optional<Cost> sum(const SplitList &splits) const;
};

/// Bounds the relative error of every sum of step costs that a solver takes
/// in doubles (docs/Search.md counts the roundings).
double relativeErrorOf(const Phase &phase);

/// The objective of the best of some greedy trees, in doubles. Takes
/// microseconds; infinite at worst.
double boundByGreedy(const Phase &phase, const Objective &objective);

/// What a solver has found.
struct ExactSolution {
  SplitList splits;
  Cost value = 0; ///< Of the objective.
  uint64_t pairs = 0, sets = 0, tableBytes = 0;
  Enumeration enumeration = Enumeration::AllSubsets;
};

/// The optimum over all trees by an additive objective. No tree of more than
/// \p upperBound is looked for; there must be one within it. With \p cap, only
/// over the trees whose intermediates (the result, too) have at most so many
/// elements. None: the optimum exceeds 128 bits; stopped.
std::optional<ExactSolution>
solveDensely(const Phase &phase, const Objective &objective, double upperBound,
             std::optional<Cost> cap = std::nullopt);

/// Whether solveSparsely may be asked: no index on more than two leaves, and
/// the tensors hang together without the root leaf.
bool isConnectedGraph(const Phase &phase);

/// The same for multiply-adds on a connected graph, from connected sets and
/// absorbed outer products only, which loses nothing (docs/Search.md).
/// \p giveUp: set when there are too many sets for it; nothing is returned.
std::optional<ExactSolution> solveSparsely(const Phase &phase,
                                           double upperBound, bool &giveUp);

struct ExactResult {
  ContractionTree tree;
  Cost value; ///< Of the objective.
  ExactCertificate certificate;
};

/// The optimum over all trees, by whichever solver suits. Errors: it exceeds
/// 128 bits; stopped.
llvm::Expected<ExactResult>
solveExactly(const ClosedNetwork &network, unsigned rootLeaf,
             const Objective &objective,
             const std::function<bool()> &shouldStop = nullptr);

/// The least largest intermediate over all trees, and a tree that has it.
/// None: it exceeds 128 bits; stopped.
std::optional<ExactSolution> solveLargest(const Phase &phase,
                                          double upperBound);

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_EXACTSEARCH_H

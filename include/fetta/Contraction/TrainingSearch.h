//===- TrainingSearch.h - One tree for a training step ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The tree that serves forward pass and gradients together. With all gradients
/// wanted that is the tree of one phase; when some are not, when contractions
/// of weights serve several micro-batches, or when what the forward pass keeps
/// has a price, another tree is better. Method and proofs: docs/Search.md.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_TRAININGSEARCH_H
#define FETTA_CONTRACTION_TRAININGSEARCH_H

#include "fetta/Contraction/Search.h"
#include "fetta/Contraction/SharedPlan.h"

namespace fetta {

/// What a training step of a closed network {X, cores, dY} has to compute
/// besides the forward pass.
struct TrainingGoal {
  unsigned outputLeaf = 0; ///< dY
  /// The leaves that are new for each micro-batch (X), as is dY; the others
  /// are weights.
  LeafSet activations;
  LeafSet gradients; ///< The leaves whose gradients are wanted; not dY.
  /// Micro-batches, or time steps, that use the same weights. Contractions of
  /// weights alone are done once for all of them, and so are their adjoints,
  /// after the gradients that come in have been summed up.
  uint64_t repeats = 1;

  /// X first, then the cores, dY last; all gradients.
  static TrainingGoal allGradients(const ClosedNetwork &network,
                                   unsigned inputLeaf, unsigned outputLeaf);
};

/// What becomes of a forward result until the gradients have been computed.
enum class Retention : uint8_t {
  Dropped,   ///< No gradient reads it: freed within the forward pass.
  Stored,    ///< Kept from the forward pass.
  Recomputed ///< Dropped, and computed again once when a gradient reads it.
};

/// A forward tree (the root leaf is dY) and the fate of its results. The
/// gradients are the same tree re-rooted.
struct TrainingTree {
  ContractionTree tree;
  std::vector<Retention> retention; ///< By step of the tree.
};

/// Exact figures of a training tree. Elements are those of one repeat.
struct TrainingFigures {
  /// Multiply-adds of everything: all repeats, recomputation included.
  Cost flops = 0;
  Cost recomputedFlops = 0; ///< The part that is done a second time.
  /// Forward results that are kept for the gradients: those that depend on
  /// activations, and those of weights alone. X and the cores come on top.
  Cost storedActivations = 0, storedWeights = 0;
  /// Elements of gradients that repeats after the first add to a sum: the price
  /// of micro-batches besides multiply-adds.
  Cost accumulations = 0;
};

/// Errors: the tree is not one of the network rooted at goal.outputLeaf, or
/// the retention does not serve the gradients (names the step); beyond 128
/// bits.
llvm::Expected<TrainingFigures>
computeTrainingFigures(const ClosedNetwork &network, const TrainingGoal &goal,
                       const TrainingTree &tree);

/// The retention that stores whatever a gradient reads.
std::vector<Retention> storeAll(const TrainingGoal &goal,
                                const ContractionTree &tree);

struct TrainingOptions {
  /// Up to this many tensors (leaves without dY) the best tree is found;
  /// beyond, the tree of the forward search is kept and only the retention is
  /// chosen.
  unsigned exactLimit = 18;
  /// Of the search that finds the first tree.
  HeuristicOptions heuristic = {};
  /// Multiply-adds that a stored element is worth.
  uint32_t storedPrice = 0;
  /// Stored elements at most.
  std::optional<Cost> storedLimit;
  /// Store as little as possible with at most this many per cent more
  /// multiply-adds than the fewest. Not together with the two above.
  std::optional<double> flopSlack;
  /// Whether forward results may be recomputed instead of stored. Of results
  /// of weights alone only if there are no repeats: otherwise the next one
  /// needs them anyway.
  bool recompute = true;
  /// Whether results of weights alone count as stored elements.
  bool countWeights = false;
};

/// A given tree with the best retention by the options; flopSlack counts from
/// the tree's own multiply-adds. Exact to 24 steps, within 1 % of the front
/// beyond. Errors as computeTrainingFigures and searchTraining.
llvm::Expected<TrainingTree> chooseRetention(const ClosedNetwork &network,
                                             const TrainingGoal &goal,
                                             ContractionTree tree,
                                             const TrainingOptions &options);

struct TrainingResult {
  TrainingTree tree;
  TrainingFigures figures;
  /// Least multiply-adds of the goal over all trees, everything stored; no
  /// bound if not proven.
  Cost fewestFlops = 0;
  /// Multiply-adds of one phase, from the forward search; the plan without
  /// repeats and with all gradients is three of them.
  Cost phaseFlops = 0;
  /// The best over all trees and retentions, by the options.
  bool proven = false;
  std::string reason; ///< Why not proven.
};

/// The best training tree: the fewest multiply-adds plus storedPrice times the
/// stored elements; or the fewest multiply-adds within storedLimit; or the
/// fewest stored elements within flopSlack. Never more multiply-adds than three
/// times the optimum of a phase when all gradients are wanted, nothing repeats
/// and no price or limit is set. Deterministic. Errors: a goal that is not one
/// of the network; storedLimit cannot be met (says what can); beyond 128 bits.
llvm::Expected<TrainingResult> searchTraining(const ClosedNetwork &network,
                                              const TrainingGoal &goal,
                                              const TrainingOptions &options);

} // namespace fetta

#endif // FETTA_CONTRACTION_TRAININGSEARCH_H

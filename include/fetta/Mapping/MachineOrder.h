//===- MachineOrder.h - The contraction order for a machine -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The tree of a training step, or of one phase, that a machine executes best.
/// The search is exact for a machine that does one step after the other
/// (MachineCost.h); since contractions overlap, the best trees by it and some
/// others are scheduled and compared (docs/Search.md, "Orders for a machine").
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_MAPPING_MACHINEORDER_H
#define FETTA_MAPPING_MACHINEORDER_H

#include "fetta/Mapping/MachineCost.h"

namespace fetta {

struct MachineOrderOptions {
  ModelObjective objective = ModelObjective::Latency;
  /// Layout classes of a tensor, 1 to CostModel::maxLayouts; 1: each step finds
  /// each tensor as it suits it. 0: eight up to 9 tensors, four up to 12, else
  /// one, so that a search takes less than a second.
  unsigned layouts = 0;
  /// Trees from the search that are scheduled, besides the tree of the fewest
  /// multiply-adds and the fixed orders.
  unsigned candidates = 8;
  /// Also map and schedule the tree of the fewest multiply-adds and the two
  /// best candidates that promise to beat it, and take what is then the best:
  /// tens of milliseconds, and none where nothing promises to.
  bool confirm = true;
  /// What is taken without a machine and has to be beaten, if the caller knows
  /// it: there may be several trees of the fewest multiply-adds. None: that of
  /// searchTraining.
  std::optional<ContractionTree> fewestFlops;
  /// Up to this many tensors the search by the model is done. Beyond, the best
  /// of the other candidates is taken.
  unsigned exactLimit = 16;
};

/// A tree and what it takes.
struct OrderCandidate {
  ContractionTree tree;
  /// "fewest multiply-adds", "search", or the name of a fixed order.
  llvm::StringRef origin;
  /// Sums over all steps of the closed form, each tensor as it suits each step.
  Price serial;
  /// Cycles of a list schedule of these steps; transfers take no time.
  double scheduled = 0;
  /// The same of mapped contractions, where that was looked at.
  std::optional<double> mapped;
};

struct MachineOrder {
  /// The tree of the fewest multiply-adds first; then, by the objective, those
  /// of the search, and fixed orders. No tree twice.
  std::vector<OrderCandidate> candidates;
  size_t chosen = 0;

  /// The search by the model: the optimum of the serial closed form over all
  /// trees and layout classes, and the layouts of its tree. None beyond the
  /// limit.
  std::optional<ModelTree> optimum;
  unsigned layouts = 1;       ///< Classes that were searched.
  Price fewestFlopsInClasses; ///< The best layouts of that tree likewise.
  uint64_t splits = 0, allSplits = 0;
  double staticPower = 0; ///< Picojoules a cycle; in no other figure.
  std::string reason;     ///< Why there is no optimum.

  const OrderCandidate &best() const { return candidates[chosen]; }
  /// The chosen one (0), or of those that come close to it as scheduled the
  /// next ones, the best first; the chosen one where there are not so many.
  size_t alternative(unsigned number, ModelObjective objective) const;
  const OrderCandidate &fewestFlops() const { return candidates.front(); }
};

/// By the objective: scheduled cycles, picojoules, or their product.
double valueOf(ModelObjective objective, const OrderCandidate &candidate);

/// The order of the phases {goal.outputLeaf} and goal.gradients. Leaf 0 is X
/// and the last one dY where fixed orders are concerned. Deterministic. Errors:
/// no energy table of the machine's; a goal that is not one of the network;
/// sizes beyond floating point.
llvm::Expected<MachineOrder>
orderForMachine(const ClosedNetwork &network, const TrainingGoal &goal,
                const Machine &machine,
                const MachineOrderOptions &options = {});

/// The front of latency and energy, both serial, of trees with layout classes.
/// Up to 8 tensors it is exact; beyond, each tree has a point at most 1 % worse
/// in both. Errors as above; more tensors than exactLimit.
llvm::Expected<std::vector<ModelTree>>
frontForMachine(const ClosedNetwork &network, const TrainingGoal &goal,
                const Machine &machine,
                const MachineOrderOptions &options = {});

} // namespace fetta

#endif // FETTA_MAPPING_MACHINEORDER_H

//===- Windows.h - Exactly solved parts of a tree ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Improves a tree too large for the exact solver part by part: a step and
/// some of the steps below it are one small closed network.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_WINDOWS_H
#define FETTA_LIB_CONTRACTION_WINDOWS_H

#include "fetta/Contraction/Search.h"

namespace fetta {

/// The objective, and multiply-adds between equals.
using TreeValue = std::pair<Cost, Cost>;

/// A tree whose subtrees can be exchanged. Value numbers are those of
/// ContractionTree, but a step may stand before its operands.
class EditableTree {
public:
  /// \p cost is computeCost of the tree.
  EditableTree(const ClosedNetwork &network, const ContractionTree &tree,
               const TreeCost &cost, const Objective &objective,
               unsigned windowSize);

  /// Solves the window below every step once, but for those that were solved
  /// before and have not changed since. Whether one became better; ends early,
  /// with a whole tree, once \p stop.
  bool improveOnce(llvm::function_ref<bool()> stop);
  ContractionTree toTree() const;

private:
  std::vector<unsigned> postOrder() const;
  bool improveWindow(unsigned top);
  std::optional<TreeValue> valueOfSteps(llvm::ArrayRef<unsigned> values) const;

  unsigned numLeaves() const { return network.numLeaves(); }
  const StepCost &costOf(unsigned value) const {
    return costs[value - numLeaves()];
  }

  const ClosedNetwork &network;
  const Objective &objective;
  unsigned windowSize, root, result;
  std::vector<ContractionTree::Step> steps;
  std::vector<StepCost> costs;
  /// When a step was last exchanged, and the window below it last solved.
  std::vector<uint64_t> changedAt, solvedAt;
  uint64_t now = 0;
};

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_WINDOWS_H

//===- TrainingTree.h - What is known of a training tree --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What several programmes ask of a given tree and of a goal.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_TRAININGTREE_H
#define FETTA_LIB_CONTRACTION_TRAININGTREE_H

#include "fetta/Contraction/TrainingSearch.h"

namespace fetta {

llvm::Error checkGoal(const ClosedNetwork &network, const TrainingGoal &goal);

/// By value of the tree.
struct TreeFacts {
  TreeFacts(const TrainingGoal &goal, const ContractionTree &tree);
  std::vector<LeafSet> sets;
  std::vector<bool> wantsGradient; ///< A leaf below has a gradient.
  std::vector<bool> isActivation;  ///< A leaf below is new in every repeat.
};

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_TRAININGTREE_H

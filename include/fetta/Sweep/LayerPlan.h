//===- LayerPlan.h - The training step of a layer, unmapped -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// From the forward einsum of a tensorized layer to the contractions of its
/// training step: what a sweep works out once for all machines.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SWEEP_LAYERPLAN_H
#define FETTA_SWEEP_LAYERPLAN_H

#include "fetta/Contraction/Einsum.h"
#include "fetta/Contraction/FixedOrder.h"
#include "fetta/Contraction/SearchCache.h"
#include "fetta/Contraction/SharedPlan.h"
#include "fetta/Mapping/Program.h"

namespace fetta {

/// The forward einsum of a layer: X first, then the cores. The first index of X
/// counts tokens.
struct Layer {
  EinsumSpec einsum;
  std::vector<int64_t> sizes; ///< As einsum.names.
};

struct OrderChoice {
  ContractionOrder order = ContractionOrder::CSSE;
  Objective objective; ///< Of csse.
  /// Of csse instead: an objective that takes a machine to know it.
  std::optional<ModelObjective> model;
  std::string objectiveName = "flops"; ///< As it was written.
};

/// Einsum, sizes and order as text: equal for equal ones only.
std::string contentOf(const Layer &layer, const OrderChoice &choice);

/// A training step: forward pass, gradient of X, gradients of all cores.
struct LayerPlan {
  ClosedNetwork network; ///< X, cores, dY.
  unsigned tokens;       ///< The index that counts tokens.
  SharedPlan plan;       ///< Phases: dY, X, then the cores in their order.
  std::string content;   ///< Einsum, sizes and steps: equal for equal plans.

  int64_t tokenCount() const { return network.getIndices()[tokens].size; }
  unsigned outputLeaf() const { return network.numLeaves() - 1; }
  /// Whether a step is done for every slice of tokens: X or dY is in it.
  bool perSlice(const SharedPlan::Step &step) const;
  /// Multiply-adds of the whole step.
  Cost multiplyAdds() const { return plan.totalFlops(); }
};

/// Errors: no core, sizes below 1, a layer whose first index does not count
/// tokens (it must lie on X and on the result, and on no core), indices on one
/// tensor only, costs beyond 128 bits, an order that needs something else.
/// The machine is looked at by objectives that take one only.
llvm::Expected<LayerPlan> planLayer(const Layer &layer,
                                    const OrderChoice &choice,
                                    const Machine &machine, SearchCache &cache);

/// The program of one slice of \p tokens tokens. Values are numbered as those
/// of the plan. With \p sliced the gradients of cores go on from the sums
/// before.
ProgramSpec buildProgram(const LayerPlan &plan, int64_t tokens, bool sliced);

} // namespace fetta

#endif // FETTA_SWEEP_LAYERPLAN_H

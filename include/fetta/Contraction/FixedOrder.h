//===- FixedOrder.h - Contraction orders without a search -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The orders that people fix by hand for a tensorized layer, as trees, so
/// that the search can be compared with them. Each is defined by its forward
/// pass; the gradients are the same tree re-rooted.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_FIXEDORDER_H
#define FETTA_CONTRACTION_FIXEDORDER_H

#include "fetta/Contraction/Search.h"

namespace fetta {

/// What decides the order.
enum class ContractionOrder {
  CSSE,        ///< Searched.
  RightToLeft, ///< ((X.G_K).G_{K-1})...G_1
  BTT,         ///< (X.(input cores)).(output cores), each side a chain.
  CoresFirst,  ///< X.(((G_1.G_2).G_3)...G_K): the dense weight is rebuilt.
  Greedy,      ///< greedyTree.
  Given        ///< A path written by hand.
};

/// An order as command lines and pass options name and explain it.
struct ContractionOrderName {
  ContractionOrder order;
  llvm::StringLiteral name, description;
};

/// All of them, csse first. The names have no other home.
llvm::ArrayRef<ContractionOrderName> contractionOrderNames();

/// In place of llvm::cl::values for an option that takes an order.
struct ContractionOrderValues {
  template <typename Option> void apply(Option &option) const {
    for (const ContractionOrderName &entry : contractionOrderNames())
      option.getParser().addLiteralOption(entry.name, entry.order,
                                          entry.description);
  }
};

/// "csse", "right-to-left", "btt", "cores-first", "greedy", "given".
llvm::StringRef stringifyContractionOrder(ContractionOrder order);
std::optional<ContractionOrder> parseContractionOrder(llvm::StringRef name);

/// The leaves of a layer's closed network by what they are.
struct LayerRoles {
  unsigned input = 0;                   ///< X
  llvm::SmallVector<unsigned, 8> cores; ///< G_1 .. G_K, in their order.
  unsigned outputGradient = 0;          ///< dY
};

/// Forward tree (dY is the root leaf) of a fixed order. For BTT a core that
/// holds an input mode (an index of X that dY does not hold) belongs to the
/// input side, any other to the output side; within a side cores are merged in
/// a chain from the end of the train towards its middle (output cores in their
/// order, input cores in reverse), as in bidirectional tensor-train training
/// (arXiv 2501.06663). A layer without a core on one side skips it.
/// Errors: the roles are not a permutation of the leaves; no core; the order
/// is CSSE or Given, which need searchTree or fromLinearPath.
llvm::Expected<ContractionTree> fixedOrderTree(const ClosedNetwork &network,
                                               const LayerRoles &roles,
                                               ContractionOrder order);

} // namespace fetta

#endif // FETTA_CONTRACTION_FIXEDORDER_H

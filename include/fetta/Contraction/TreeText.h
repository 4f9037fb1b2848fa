//===- TreeText.h - Contraction trees to look at ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A contraction tree as indented ASCII text and as a Graphviz graph. Apart
/// from the tool, so that passes and other programs can draw the same.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_TREETEXT_H
#define FETTA_CONTRACTION_TREETEXT_H

#include "fetta/Contraction/ContractionTree.h"

#include "llvm/Support/raw_ostream.h"

namespace fetta {

/// 1234567 as 1,234,567.
std::string groupDigits(Cost cost);

/// A label for each value of the tree: its indices, as many as numValues().
/// Leaves and the final result keep their own order of indices, other results
/// are in index order.
std::vector<std::string> labelValues(const ClosedNetwork &network,
                                     const ContractionTree &tree,
                                     const TreeCost &cost,
                                     llvm::StringRef separator = " ");

/// The tree with its result first and the operands of a step indented below
/// it, one value a line: label, then the operand's number, or the step's
/// number, multiply-adds and share of the total. Only ASCII apart from labels.
/// \p cost is computeCost of the tree, \p labels is labelValues.
void printTree(const ClosedNetwork &network, const ContractionTree &tree,
               const TreeCost &cost, llvm::ArrayRef<std::string> labels,
               llvm::raw_ostream &os);

/// The tree as a Graphviz digraph with edges from operands to results.
/// \p title labels the graph.
void printTreeAsDot(const ClosedNetwork &network, const ContractionTree &tree,
                    const TreeCost &cost, llvm::ArrayRef<std::string> labels,
                    llvm::StringRef title, llvm::raw_ostream &os);

} // namespace fetta

#endif // FETTA_CONTRACTION_TREETEXT_H

//===- ExactSearch.h - Dynamic programming over subsets ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The exact solvers behind searchTree. Apart from it so that they can be
/// read, and replaced, by themselves.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_EXACTSEARCH_H
#define FETTA_LIB_CONTRACTION_EXACTSEARCH_H

#include "fetta/Contraction/Search.h"

namespace fetta {

/// All indices with the same ends act as one.
struct Bundle {
  uint32_t ends; ///< Tensors by bit, in their order; the root leaf is bit n.
  Cost size;
};

/// The indices of size 2 and more. Error: a bundle, and with it a step,
/// exceeds 128 bits.
llvm::Expected<std::vector<Bundle>> collectBundles(const ClosedNetwork &network,
                                                   unsigned rootLeaf);

/// A tree from its steps as pairs of sets of tensors, operands first.
llvm::Expected<ContractionTree>
makeTree(unsigned numLeaves, unsigned rootLeaf,
         llvm::ArrayRef<std::pair<uint32_t, uint32_t>> splits);

struct ExactResult {
  ContractionTree tree;
  Cost value; ///< Of the objective.
  uint64_t pairs;
};

/// The optimum over all trees by an additive objective. \p upperBound is the
/// value of some tree; it only saves work. With \p cap, only over the trees
/// whose intermediates (the result, too) have at most so many elements; there
/// must be one. None when the sizes leave the range of floating point (no
/// double could rank the trees). Error: the optimum exceeds 128 bits.
llvm::Expected<std::optional<ExactResult>>
solveExactly(const ClosedNetwork &network, unsigned rootLeaf,
             const Objective &objective, std::optional<Cost> upperBound,
             std::optional<Cost> cap = std::nullopt);

/// The least largest intermediate over all trees, and a tree that has it.
/// \p upperBound is that of some tree. Error: it exceeds 128 bits.
llvm::Expected<ExactResult> solveLargest(const ClosedNetwork &network,
                                         unsigned rootLeaf,
                                         std::optional<Cost> upperBound);

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_EXACTSEARCH_H

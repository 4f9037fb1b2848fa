//===- ExactSearch.h - Dynamic programming over subsets ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The exact solver behind searchTree. Apart from it so that the solver can be
/// read, and replaced, by itself.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_EXACTSEARCH_H
#define FETTA_LIB_CONTRACTION_EXACTSEARCH_H

#include "fetta/Contraction/Search.h"

namespace fetta {

struct ExactResult {
  ContractionTree tree;
  Cost flops;
  uint64_t pairs;
};

/// The optimum over all trees. \p upperBound is the cost of some tree; it only
/// saves work. None when the sizes leave the range of floating point (no
/// double could rank the trees). Error: the optimum exceeds 128 bits.
llvm::Expected<std::optional<ExactResult>>
solveExactly(const ClosedNetwork &network, unsigned rootLeaf,
             std::optional<Cost> upperBound);

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_EXACTSEARCH_H

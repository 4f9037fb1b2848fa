//===- Slicing.h - Contractions within a memory limit -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The order of evaluation with the smallest peak, and trees that are run once
/// for each piece of some indices when even that is too much.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_SLICING_H
#define FETTA_CONTRACTION_SLICING_H

#include "fetta/Contraction/Search.h"

namespace fetta {

/// An order of a tree's steps and the most elements of results that are alive
/// in it. A step's operands and its result are alive together; the network's
/// own tensors are not counted.
struct EvaluationOrder {
  std::vector<unsigned> steps;
  Cost peak = 0;
};

/// The smallest peak over all orders in which operands come first, whether or
/// not they finish one subtree before they begin another: Liu 1987,
/// "An application of generalized tree pebbling to sparse matrix
/// factorization". \p elements: of the result of each step. Error: their sum
/// exceeds 128 bits.
llvm::Expected<EvaluationOrder>
smallestPeakOrder(const ContractionTree &tree, llvm::ArrayRef<Cost> elements);

/// An index that is cut into equal pieces.
struct Slice {
  unsigned index;
  int64_t pieces; ///< A divisor of the size, above 1.
};

/// A tree that is run once for each combination of pieces. With slices the
/// result has its place from the beginning, and the last step of each run adds
/// to it there.
struct SlicedPlan {
  ContractionTree tree;
  std::vector<Slice> slices;   ///< Ascending by index; none: runs once.
  std::vector<unsigned> order; ///< Of the tree's steps in each run.
  Cost runs = 1;               ///< Product of the pieces.
  Cost flops = 0;              ///< Multiply-adds of all runs.
  /// Elements of the result that a run adds to what an earlier one has left
  /// there: their reads are the price of slicing a summed index.
  Cost accumulations = 0;
  Cost peak = 0;          ///< Elements, the result included.
  Cost unslicedFlops = 0; ///< Of the best tree without a limit.
  /// The best of all trees and slices whose subtrees are evaluated one after
  /// the other.
  bool proven = false;
};

struct SlicingOptions {
  /// Up to this many tensors trees and slices are searched together.
  unsigned exactLimit = 10;
  /// And with at most this many combinations of pieces.
  unsigned maxCombinations = 4096;
  /// Multiply-adds that an accumulation is worth.
  uint32_t accumulationPrice = 1;
  /// Of the search for trees beyond.
  SearchOptions search = {};
};

/// Figures of given slices. Errors: pieces that do not divide their index; an
/// index twice; beyond 128 bits.
llvm::Expected<SlicedPlan> computeSliced(const ClosedNetwork &network,
                                         const ContractionTree &tree,
                                         llvm::ArrayRef<Slice> slices);

/// The least flops + accumulationPrice * accumulations with no more than
/// \p limit elements alive. Beyond the exact limits: slices are added one by
/// one, each the one that costs least for what it saves, to the tree of the
/// fewest multiply-adds and to that of the least largest intermediate. Error:
/// the limit cannot be met (says what can).
llvm::Expected<SlicedPlan> searchSliced(const ClosedNetwork &network,
                                        unsigned rootLeaf, Cost limit,
                                        const SlicingOptions &options = {});

} // namespace fetta

#endif // FETTA_CONTRACTION_SLICING_H

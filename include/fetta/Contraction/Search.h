//===- Search.h - The best contraction tree ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Finds the tree with the fewest multiply-adds. Exact, by dynamic programming
/// over subsets with outer products allowed, to a limit of tensors; greedy
/// beyond. Method, proofs and what "proven" means: docs/Search.md.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_SEARCH_H
#define FETTA_CONTRACTION_SEARCH_H

#include "fetta/Contraction/ContractionTree.h"

namespace fetta {

/// Above this many tensors in a phase the tables alone take gigabytes.
constexpr unsigned maxExactTensors = 24;

struct SearchOptions {
  /// Phases of up to this many tensors (leaves without the root) are solved
  /// exactly. Each further one triples the time; at most maxExactTensors.
  unsigned exactLimit = 20;
};

struct SearchResult {
  ContractionTree tree;
  Cost flops = 0;      ///< Exact cost of \c tree, in multiply-adds.
  Cost lowerBound = 0; ///< No tree costs less. Equals flops when proven.
  /// flops is the optimum over all trees, outer products included, certified
  /// in integers.
  bool proven = false;
  /// Why not proven ("25 tensors exceed the exact limit of 20"); else empty.
  std::string reason;
  uint64_t pairs = 0; ///< Pairs of subsets that were weighed.
};

/// The best tree for the phase that leaves \p rootLeaf out. Its cost is the
/// optimum of every other phase, too: UnrootedTree(result.tree).reroot(leaf).
/// Deterministic. Errors: rootLeaf out of range; the best cost exceeds 128
/// bits.
llvm::Expected<SearchResult> searchTree(const ClosedNetwork &network,
                                        unsigned rootLeaf,
                                        const SearchOptions &options = {});

/// The tree that contracts next the pair which shrinks memory most (size of
/// the result less that of its operands), as opt_einsum's "greedy" does; pairs
/// that share nothing come last, smallest first. Ties go to the smaller step
/// cost, then to the older values. Any number of tensors. Error: sizes beyond
/// 128 bits.
llvm::Expected<ContractionTree> greedyTree(const ClosedNetwork &network,
                                           unsigned rootLeaf);

/// A bound that costs nothing: every leaf must be read by a step, and a step
/// reads at most two.
Cost cheapLowerBound(const ClosedNetwork &network);

} // namespace fetta

#endif // FETTA_CONTRACTION_SEARCH_H

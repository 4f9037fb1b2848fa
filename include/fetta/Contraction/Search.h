//===- Search.h - The best contraction tree ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Finds the tree with the fewest multiply-adds, or the best one by another
/// objective. Exact, by dynamic programming over subsets with outer products
/// allowed, to a limit of tensors; beyond, greedy, or randomized greedy with
/// exactly solved windows. Method, proofs and what "proven" means:
/// docs/Search.md.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_SEARCH_H
#define FETTA_CONTRACTION_SEARCH_H

#include "fetta/Contraction/Heuristic.h"
#include "fetta/Contraction/Objective.h"

namespace fetta {

/// Above this many tensors in a phase the tables alone take gigabytes.
constexpr unsigned maxExactTensors = 24;

struct SearchOptions {
  /// Phases of up to this many tensors (leaves without the root) are solved
  /// exactly. Each further one at worst triples the time; at most
  /// maxExactTensors.
  unsigned exactLimit = 20;
  /// What is minimized.
  Objective objective = {};
  HeuristicOptions heuristic = {};
};

/// What an exact search looks at.
enum class Enumeration {
  None,          ///< It was not exact.
  AllSubsets,    ///< Every subset, every split.
  ConnectedPairs ///< Connected sets and absorbed outer products.
};

/// How an optimum was proven; docs/Search.md says why each way is sound.
struct ExactCertificate {
  Enumeration enumeration = Enumeration::None;
  uint64_t pairs = 0; ///< Pairs of sets that were weighed.
  uint64_t sets = 0;  ///< Sets that the upper bound did not rule out.
  /// Bytes of the tables at their largest.
  uint64_t tableBytes = 0;
  /// Tensors multiplied into another one with the same indices beforehand.
  unsigned fusedTensors = 0;
};

struct SearchResult {
  ContractionTree tree;
  Cost flops = 0; ///< Exact cost of \c tree, in multiply-adds.
  /// No tree has a smaller value. Equals value when proven.
  Cost lowerBound = 0;
  /// value is the optimum over all trees, outer products included, certified
  /// in integers.
  bool proven = false;
  /// Why not proven ("25 tensors exceed the exact limit of 20"); else empty.
  std::string reason;
  uint64_t pairs = 0; ///< Pairs of sets that were weighed.
  Cost value = 0;     ///< The objective; equals flops where that is minimized.
  /// If the heuristics ran: the work that gives the same tree again.
  std::optional<HeuristicWork> work = std::nullopt;
  bool stopped = false; ///< By HeuristicOptions::shouldStop.
  ExactCertificate certificate = {};
};

/// The best tree for the phase that leaves \p rootLeaf out. If multiply-adds
/// are minimized, their number is the optimum of every other phase, too:
/// UnrootedTree(result.tree).reroot(leaf); other objectives depend on the
/// phase. Deterministic. Errors: rootLeaf out of range; the best value or its
/// multiply-adds exceed 128 bits.
llvm::Expected<SearchResult> searchTree(const ClosedNetwork &network,
                                        unsigned rootLeaf,
                                        const SearchOptions &options = {});

/// The tree that contracts next the pair which shrinks memory most (size of
/// the result less that of its operands), as opt_einsum's "greedy" does; pairs
/// that share nothing come last, smallest first. Ties go to the smaller step
/// cost, then to the older values. Of an index on very many values only the
/// smallest of them are partners. Any number of tensors; its cost may exceed
/// 128 bits. Error: rootLeaf out of range.
llvm::Expected<ContractionTree> greedyTree(const ClosedNetwork &network,
                                           unsigned rootLeaf);

} // namespace fetta

#endif // FETTA_CONTRACTION_SEARCH_H

//===- Search.cpp - The best contraction tree -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Search.h"

#include "ExactSearch.h"
#include "LargeSearch.h"
#include "fetta/Contraction/LowerBound.h"

#include "llvm/ADT/STLExtras.h"

#include <chrono>

using namespace llvm;
using namespace fetta;

/// For any objective: the last result is written by every tree.
static Cost lowerBoundOf(const ClosedNetwork &network, unsigned rootLeaf,
                         const Objective &objective) {
  if (objective.isFlops())
    return lowerBound(network);
  if (network.numLeaves() < 3)
    return 0;
  TreeCost least;
  least.flops = lowerBound(network);
  least.write = least.largestIntermediate =
      network.volume(network.getLeaves()[rootLeaf]).value_or(~Cost(0));
  return valueOf(objective, least).value_or(~Cost(0));
}

/// The optimum, as a tree whose form does not depend on how it was found.
static Expected<SearchResult> searchExactly(const ClosedNetwork &network,
                                            unsigned rootLeaf,
                                            const Objective &objective,
                                            const std::function<bool()> &stop) {
  Expected<ExactResult> found =
      solveExactly(network, rootLeaf, objective, stop);
  if (!found)
    return found.takeError();
  ContractionTree tree = UnrootedTree(found->tree).reroot(rootLeaf);
  Cost flops = found->value;
  if (!objective.isFlops()) {
    Expected<TreeCost> cost = computeCost(network, tree);
    if (!cost)
      return cost.takeError();
    flops = cost->flops;
  }
  return SearchResult{std::move(tree),       flops,
                      found->value,
                      /*proven=*/true,
                      /*reason=*/"",         found->certificate.pairs,
                      found->value,
                      /*work=*/std::nullopt,
                      /*stopped=*/false,     found->certificate};
}

Expected<SearchResult> fetta::searchTree(const ClosedNetwork &network,
                                         unsigned rootLeaf,
                                         const SearchOptions &options) {
  if (options.exactLimit > maxExactTensors)
    return createStringError("the exact limit of " + Twine(options.exactLimit) +
                             " tensors exceeds " + Twine(maxExactTensors));
  const Objective &objective = options.objective;
  if (options.heuristic.work.window < 3 || options.heuristic.work.window > 16)
    return createStringError("a window of " +
                             Twine(options.heuristic.work.window) +
                             " tensors: 3 to 16 are possible");
  if (rootLeaf >= network.numLeaves())
    return createStringError("there is no leaf " + Twine(rootLeaf) +
                             ": the network has " + Twine(network.numLeaves()) +
                             " leaves");
  unsigned numTensors = network.numLeaves() - 1;
  std::string reason = std::to_string(numTensors) +
                       " tensors exceed the exact limit of " +
                       std::to_string(options.exactLimit);
  HeuristicOptions heuristic = options.heuristic;
  bool isStopped = false;
  if (numTensors <= options.exactLimit) {
    auto begin = std::chrono::steady_clock::now();
    auto stop = [&] {
      std::chrono::duration<double> elapsed =
          std::chrono::steady_clock::now() - begin;
      bool isLate =
          heuristic.seconds > 0 && elapsed.count() > heuristic.seconds;
      isStopped |= isLate || (heuristic.shouldStop && heuristic.shouldStop());
      return isStopped;
    };
    Expected<SearchResult> exact =
        searchExactly(network, rootLeaf, objective, stop);
    if (exact || !isStopped)
      return exact;
    consumeError(exact.takeError());
    reason = "the exact search of " + std::to_string(numTensors) +
             " tensors was stopped";
    // Networks of this size take the heuristics a moment.
    heuristic.seconds = 0;
    heuristic.shouldStop = nullptr;
  }
  Cost bound = lowerBoundOf(network, rootLeaf, objective);
  Expected<LargeResult> found =
      searchLarge(network, rootLeaf, objective, heuristic);
  if (!found && bound == ~Cost(0) && objective.isFlops()) {
    consumeError(found.takeError());
    return createStringError(
        "the multiply-adds of every order exceed 128 bits");
  }
  if (!found)
    return found.takeError();
  bool proven = bound == found->value;
  return SearchResult{UnrootedTree(*found->tree).reroot(rootLeaf),
                      found->flops,
                      bound,
                      proven,
                      proven ? "" : reason,
                      /*pairs=*/0,
                      found->value,
                      std::move(found->work),
                      found->stopped || isStopped};
}

//===- Search.cpp - The best contraction tree -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Search.h"

#include "ExactSearch.h"
#include "LargeSearch.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace fetta;

Cost fetta::cheapLowerBound(const ClosedNetwork &network) {
  unsigned n = network.numLeaves();
  if (n < 3)
    return 0;
  // The root counts, too: the last step writes it. A step costs at least the
  // volume of each leaf at its vertex. With four leaves or more a vertex has
  // at most two, so the cheapest way is to pair them in order of volume.
  std::vector<Cost> volumes;
  for (const IndexList &leaf : network.getLeaves())
    volumes.push_back(network.volume(leaf).value_or(~Cost(0)));
  llvm::sort(volumes, std::greater<Cost>());
  if (n == 3)
    return volumes.front();
  Cost total = 0;
  unsigned vertices = 0;
  for (size_t k = 0; k < volumes.size(); k += 2, ++vertices) {
    std::optional<Cost> sum = addCosts(total, volumes[k]);
    if (!sum)
      return ~Cost(0);
    total = *sum;
  }
  return total;
}

/// Cheap for any objective: the last result is written by every tree.
static Cost lowerBoundOf(const ClosedNetwork &network, unsigned rootLeaf,
                         const Objective &objective) {
  if (objective.isFlops())
    return cheapLowerBound(network);
  if (network.numLeaves() < 3)
    return 0;
  TreeCost least;
  least.flops = cheapLowerBound(network);
  least.write = least.largestIntermediate =
      network.volume(network.getLeaves()[rootLeaf]).value_or(~Cost(0));
  return valueOf(objective, least).value_or(~Cost(0));
}

/// The optimum, as a tree whose form does not depend on how it was found.
static Expected<SearchResult> searchExactly(const ClosedNetwork &network,
                                            unsigned rootLeaf,
                                            const Objective &objective) {
  Expected<ExactResult> found = solveExactly(network, rootLeaf, objective);
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
  if (numTensors <= options.exactLimit)
    return searchExactly(network, rootLeaf, objective);
  std::string reason = std::to_string(numTensors) +
                       " tensors exceed the exact limit of " +
                       std::to_string(options.exactLimit);
  Cost lowerBound = lowerBoundOf(network, rootLeaf, objective);
  Expected<LargeResult> found =
      searchLarge(network, rootLeaf, objective, options.heuristic);
  if (!found)
    return found.takeError();
  bool proven = lowerBound == found->value;
  return SearchResult{UnrootedTree(*found->tree).reroot(rootLeaf),
                      found->flops,
                      lowerBound,
                      proven,
                      proven ? "" : reason,
                      /*pairs=*/0,
                      found->value,
                      std::move(found->work),
                      found->stopped};
}

//===- Search.cpp - The best contraction tree -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Search.h"

#include "ExactSearch.h"

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

Expected<SearchResult> fetta::searchTree(const ClosedNetwork &network,
                                         unsigned rootLeaf,
                                         const SearchOptions &options) {
  if (options.exactLimit > maxExactTensors)
    return createStringError("the exact limit of " + Twine(options.exactLimit) +
                             " tensors exceeds " + Twine(maxExactTensors));
  // Greedy may leave 128 bits where a better tree does not.
  std::optional<Cost> greedyFlops;
  Expected<ContractionTree> greedy = greedyTree(network, rootLeaf);
  Error greedyError = greedy.takeError();
  if (!greedyError) {
    Expected<TreeCost> cost = computeCost(network, *greedy);
    greedyError = cost.takeError();
    if (!greedyError)
      greedyFlops = cost->flops;
  }
  if (rootLeaf >= network.numLeaves())
    return greedyError;

  unsigned numTensors = network.numLeaves() - 1;
  std::string reason;
  if (numTensors <= options.exactLimit) {
    Expected<std::optional<ExactResult>> exact =
        solveExactly(network, rootLeaf, greedyFlops);
    if (!exact || *exact)
      consumeError(std::move(greedyError));
    if (!exact)
      return exact.takeError();
    if (ExactResult *found = exact->has_value() ? &**exact : nullptr)
      return SearchResult{UnrootedTree(found->tree).reroot(rootLeaf),
                          found->flops,
                          found->flops,
                          /*proven=*/true,
                          /*reason=*/"",
                          found->pairs};
    reason = "the product of all index sizes leaves the range of long double";
  } else {
    reason = std::to_string(numTensors) +
             " tensors exceed the exact limit of " +
             std::to_string(options.exactLimit);
  }
  if (greedyError)
    return greedyError;
  Cost lowerBound = cheapLowerBound(network);
  bool proven = lowerBound == *greedyFlops;
  return SearchResult{UnrootedTree(*greedy).reroot(rootLeaf),
                      *greedyFlops,
                      lowerBound,
                      proven,
                      proven ? "" : reason,
                      /*pairs=*/0};
}

//===- LargestSearch.cpp - The least largest intermediate -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A maximum over steps has no rounding and many ties, so this solver works in
// integers from the start: with v(S) the volume of the open indices of S,
//
//   largest(S) = max(v(S), min over splits of max(largest(A), largest(B))).
//
//===----------------------------------------------------------------------===//

#include "ExactSearch.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace fetta;

using Mask = uint32_t;

Expected<ExactResult> fetta::solveLargest(const ClosedNetwork &network,
                                          unsigned rootLeaf,
                                          std::optional<Cost> upperBound) {
  Expected<std::vector<Bundle>> bundles = collectBundles(network, rootLeaf);
  if (!bundles)
    return bundles.takeError();
  unsigned n = network.numLeaves() - 1;
  constexpr Cost none = ~Cost(0);
  Mask full = (Mask(1) << n) - 1;
  Cost limit = upperBound ? *upperBound : none - 1;
  // A tensor is no intermediate: 0. A set that no tree within the limit
  // contracts: none.
  std::vector<Cost> largest(size_t(full) + 1, 0);
  std::vector<Mask> split(largest.size(), 0);
  uint64_t pairs = 0;
  for (Mask set = 1; set <= full; ++set) {
    Mask low = set & -set, rest = set ^ low;
    if (rest == 0)
      continue;
    std::optional<Cost> volume = 1;
    for (const Bundle &bundle : *bundles)
      if (volume && (bundle.ends & set) && (bundle.ends & ~set))
        volume = multiplyCosts(*volume, bundle.size);
    largest[set] = none;
    if (!volume || *volume > limit)
      continue;
    Cost best = none;
    // No split makes the set smaller than it is.
    for (Mask part = (rest - 1) & rest; best > *volume;
         part = (part - 1) & rest) {
      ++pairs;
      Cost cost = std::max(largest[low | part], largest[rest ^ part]);
      if (cost < best) {
        best = cost;
        split[set] = low | part;
      }
      if (part == 0)
        break;
    }
    if (best != none)
      largest[set] = std::max(best, *volume);
  }
  if (n > 1 && largest[full] == none)
    return createStringError(
        "the largest intermediate of the best tree exceeds 128 bits");

  // Operands before the steps that use them: each set's halves are smaller
  // numbers than it is.
  std::vector<Mask> todo = {full}, sets;
  while (!todo.empty()) {
    Mask set = todo.back();
    todo.pop_back();
    if ((set & (set - 1)) == 0)
      continue;
    sets.push_back(set);
    todo.push_back(split[set]);
    todo.push_back(set ^ split[set]);
  }
  llvm::sort(sets);
  std::vector<std::pair<Mask, Mask>> splits;
  for (Mask set : sets)
    splits.push_back({split[set], set ^ split[set]});
  Expected<ContractionTree> tree =
      makeTree(network.numLeaves(), rootLeaf, splits);
  if (!tree)
    return tree.takeError();
  return ExactResult{std::move(*tree), largest[full], pairs};
}

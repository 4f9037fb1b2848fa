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

using Mask = TensorMask;

std::optional<ExactSolution> fetta::solveLargest(const Phase &phase,
                                                 double upperBound) {
  unsigned n = phase.numTensors;
  constexpr Cost none = ~Cost(0);
  Mask full = phase.full();
  // The bound comes from doubles.
  double bound = upperBound * (1 + relativeErrorOf(phase)) + 1;
  Cost limit = bound < 0x1p127 ? static_cast<Cost>(bound) : none - 1;
  Objective size = Objective::size();
  IntegerCosts costs{phase, size};
  // A tensor is no intermediate: 0. A set that no tree within the limit
  // contracts: none.
  std::vector<Cost> largest(size_t(full) + 1, 0);
  std::vector<Mask> split(largest.size(), 0);
  uint64_t pairs = 0;
  constexpr Mask setsBetweenStops = 1 << 12;
  for (Mask set = 1; set <= full; ++set) {
    if (set % setsBetweenStops == 0 && phase.mustStop())
      return std::nullopt;
    Mask low = set & -set, rest = set ^ low;
    if (rest == 0)
      continue;
    std::optional<Cost> volume = costs.volumeOf(set);
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
    return std::nullopt;

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
  ExactSolution solution;
  for (Mask set : sets)
    solution.splits.push_back({split[set], set ^ split[set]});
  solution.value = largest[full];
  solution.pairs = pairs;
  solution.sets = count_if(largest, [](Cost cost) { return cost != none; });
  solution.tableBytes = largest.size() * (sizeof(Cost) + sizeof(Mask));
  return solution;
}

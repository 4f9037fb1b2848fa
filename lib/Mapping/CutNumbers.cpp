//===- CutNumbers.cpp - What lanes and a cut of the loops cost -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;
using llvm::SmallVector;

unsigned mapping::spatialBits(const Problem &problem, unsigned mode,
                              LaneShare share, OperandId operand) {
  bool rowsAreTemporal = problem.onRows(mode) && operand != problem.streamed;
  return rowsAreTemporal ? share.ce : share.total();
}

SmallVector<unsigned, 8> mapping::operandLowBits(const Problem &problem,
                                                 ArrayRef<LaneShare> lanes,
                                                 OperandId operand) {
  if (problem.lowBits[operand])
    return *problem.lowBits[operand];
  SmallVector<unsigned, 8> lowBits(problem.modes.size(), 0);
  unsigned left = problem.machine.laneBits();
  for (unsigned m = 0; m < problem.modes.size(); ++m) {
    if (problem.modes[m].in[operand])
      lowBits[m] = spatialBits(problem, m, lanes[m], operand);
    left -= lowBits[m];
  }
  for (; left > 0; --left) {
    // Compares chunks / ceil(chunks / 2) without division.
    std::optional<unsigned> best;
    int64_t bestBefore = 0, bestAfter = 1;
    for (unsigned m = 0; m < problem.modes.size(); ++m) {
      const Mode &mode = problem.modes[m];
      int64_t before = chunksOf(mode.size, lowBits[m]);
      if (!mode.in[operand] || before == 1)
        continue;
      int64_t after = (before + 1) / 2;
      int64_t ours = before * bestAfter, theirs = bestBefore * after;
      if (!best || ours > theirs || (ours == theirs && before > bestBefore)) {
        best = m;
        bestBefore = before;
        bestAfter = after;
      }
    }
    if (!best)
      break;
    ++lowBits[*best];
  }
  return lowBits;
}

int64_t mapping::rowsOfExtent(int64_t extent, int64_t size, unsigned lowBits) {
  int64_t all = chunksOf(size, lowBits), row = int64_t(1) << lowBits;
  if (extent >= size)
    return all;
  if (extent % row == 0)
    return extent / row;
  if (row % extent == 0)
    return 1;
  return std::min(all, (extent + row - 1) / row + 1);
}

MappingCost CutNumbers::cost(unsigned beatBits, unsigned transferBits,
                             unsigned fillBits) const {
  MappingCost cost;
  cost.transfer = rowsInUse << transferBits;
  int64_t tiles = beats / tile;
  int64_t stall = std::max<int64_t>(0, cost.transfer - (tile << beatBits));
  int64_t scopeCycles = beats / scopes << beatBits;
  if (tiles >= scopes)
    scopeCycles += stall * (tiles / scopes);
  cost.occupancy = (beats << beatBits) + (tiles - 1) * stall +
                   (scopes - 1) * std::max<int64_t>(0, drain - scopeCycles);
  cost.drain = lastDrain + (int64_t(1) << fillBits) - 1;
  cost.wait = wait(cost);
  return cost;
}

int64_t CutNumbers::wait(const MappingCost &cost) const {
  // What comes before the last rows of the operands runs while these are on
  // their way. Stalls are spread over the beats; a held operand is loaded
  // first.
  auto waitFor = [&](int64_t late, int64_t latency) {
    if (late == 0)
      return int64_t(0);
    // Up to 2^48 beats: the product needs more than 64 bits.
    auto before = int64_t(__int128(beats - late) * cost.occupancy / beats);
    return std::max<int64_t>(0, latency - before);
  };
  return std::max(
      waitFor(streamedWait, latency),
      waitFor(heldWait, latency + (outputStationary ? 0 : cost.transfer)));
}

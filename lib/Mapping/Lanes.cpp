//===- Lanes.cpp - Lane assignments of a contraction ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <tuple>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;

LaneSpace::LaneSpace(const Problem &problem, Kind kind, LaneCatalogs &catalogs)
    : problem(problem), machine(problem.machine), kind(kind),
      catalogs(catalogs) {
  const auto &resultBits = problem.lowBits[OperandC];
  Group tileGroup =
      problem.outputStationary() ? Group::Reduced : Group::StreamFree;
  for (auto [m, mode] : llvm::enumerate(problem.modes)) {
    if (mode.bits > 0)
      order.push_back(unsigned(m));
    beatsWithoutLanes *= mode.size;
    if (mode.group != tileGroup)
      tilesWithoutLanes *= mode.size;
    if (mode.in[OperandC])
      resultRows *=
          resultBits ? chunksOf(mode.size, (*resultBits)[m]) : mode.size;
    rowBits += problem.onRows(m) ? mode.bits : 0;
    columnBits += problem.onColumns(m) ? mode.bits : 0;
  }
  if (!resultBits)
    resultRows = chunksOf(resultRows, machine.laneBits());
  // Modes that may use rows or columns first, large ones first: such
  // assignments are found first.
  llvm::stable_sort(order, [&](unsigned a, unsigned b) {
    auto key = [&](unsigned m) {
      return std::make_tuple(!problem.onRows(m) && !problem.onColumns(m),
                             -problem.modes[m].size);
    };
    return key(a) < key(b);
  });
}

LaneCatalog &LaneSpace::getCatalog() {
  if (catalog)
    return *catalog;
  std::array<OperandId, 3> operands = OperandUse(problem).all();
  auto lowBits = [&](Use use, unsigned m) -> std::optional<unsigned> {
    OperandId id = operands[unsigned(use)];
    if (!problem.modes[m].in[id] || !problem.lowBits[id])
      return std::nullopt;
    return (*problem.lowBits[id])[m];
  };
  llvm::SmallVector<LaneMode, 8> modes;
  for (unsigned m : order) {
    const Mode &mode = problem.modes[m];
    unsigned cap = mode.bits;
    if (kind == FreeBeats)
      for (Use use : {Use::Streamed, Use::PerBeat})
        cap = std::min(cap, lowBits(use, m).value_or(cap));
    modes.push_back({mode.size, mode.group, cap, mode.position, mode.ce, {}});
    for (Use use : {Use::Streamed, Use::PerBeat, Use::PerTile})
      modes.back().low[unsigned(use)] =
          std::min(cap, lowBits(use, m).value_or(cap));
  }
  catalog = &catalogs.get(problem.outputStationary(), modes);
  return *catalog;
}

MappingCost LaneSpace::leastCost(unsigned rowBits) const {
  unsigned lanes =
      machine.ceBits + rowBits + std::min(columnBits, machine.peColumnBits);
  MappingCost cost;
  cost.occupancy = chunksOf(beatsWithoutLanes, lanes);
  cost.transfer = int64_t(1) << rowBits;
  cost.drain = problem.planes;
  // The streamed operand in every beat, all rows of the result, and the held
  // operand once per tile; or both operands in every beat.
  cost.rowAccesses = cost.occupancy * (problem.outputStationary() ? 2 : 1) +
                     problem.planes * resultRows;
  if (!problem.outputStationary())
    cost.rowAccesses += chunksOf(tilesWithoutLanes, lanes) * cost.transfer;
  return cost;
}

bool LaneSpace::isPromising(const CandidateVisitor &visitor,
                            bool conflictsOnly) const {
  for (unsigned bits = 0; bits <= mostRowBits(); ++bits) {
    MappingCost least = leastCost(bits);
    // Sub-beats at least double the cycles.
    least.occupancy <<= conflictsOnly ? 1 : 0;
    if (!visitor.skip(least))
      return true;
  }
  return false;
}

void LaneSpace::grow(int64_t upTo, int64_t mostOccupancy) {
  heap.clear();
  if (upTo <= covered || exhausted())
    return;
  auto list = [&](int64_t most) {
    latest = &getCatalog().list(most);
    listed = most;
    return latest->complete;
  };
  if (upTo > listed) {
    // What is found among the fewest beats may make the rest of no interest.
    bool isAhead = listed > 0 && mostOccupancy > upTo && !isAheadTooFar;
    if (isAhead)
      isAheadTooFar = !list(mostOccupancy);
    if (!isAhead || isAheadTooFar)
      isAheadTooFar |= !list(upTo);
  }
  for (const LaneAssignment &assignment : latest->found) {
    int64_t beats = assignment.beats << assignment.beatBits;
    if (beats > covered && beats <= upTo &&
        assignment.occupancy <= mostOccupancy)
      heap.push_back({assignment.occupancy, assignment.tile,
                      assignment.rowBits + assignment.transferBits,
                      unsigned(assignment.index)});
  }
  std::make_heap(heap.begin(), heap.end());
  covered = upTo;
}

const LaneAssignment *LaneSpace::next() {
  if (heap.empty())
    return nullptr;
  std::pop_heap(heap.begin(), heap.end());
  unsigned number = heap.back().number;
  heap.pop_back();
  return &latest->found[number];
}

ArrayRef<LaneShare> LaneSpace::shares(const LaneAssignment &assignment) {
  lanes.assign(problem.modes.size(), LaneShare());
  const LaneShare *share =
      latest->shares.data() + assignment.index * order.size();
  for (unsigned m : order)
    lanes[m] = *share++;
  return lanes;
}

LaneAssignment mapping::assessLanes(const Problem &problem,
                                    ArrayRef<LaneShare> lanes) {
  int64_t beats = 1, tile = 1;
  unsigned rowBits = 0;
  std::array<unsigned, 3> missing = {};
  std::array<OperandId, 3> operands = OperandUse(problem).all();
  Group tileGroup =
      problem.outputStationary() ? Group::Reduced : Group::StreamFree;
  for (auto [m, mode] : llvm::enumerate(problem.modes)) {
    int64_t chunks = chunksOf(mode.size, lanes[m].total());
    beats *= chunks;
    tile *= mode.group == tileGroup ? chunks : 1;
    rowBits += problem.onRows(m) ? lanes[m].position : 0;
    for (auto [use, id] : llvm::enumerate(operands)) {
      if (!mode.in[id] || !problem.lowBits[id])
        continue;
      unsigned bits = spatialBits(problem, m, lanes[m], id);
      unsigned low = (*problem.lowBits[id])[m];
      missing[use] += bits > low ? bits - low : 0;
    }
  }
  return LaneAssignment(beats, tile, rowBits, missing);
}

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

LaneSpace::LaneSpace(const Problem &problem, Kind kind)
    : problem(problem), machine(problem.machine), use(problem),
      numModes(problem.modes.size()), current(numModes) {
  for (unsigned m = 0; m < numModes; ++m)
    if (problem.modes[m].bits > 0)
      order.push_back(m);
  // Modes that may use rows or columns first, large ones first: such
  // assignments are found first.
  llvm::stable_sort(order, [&](unsigned a, unsigned b) {
    auto key = [&](unsigned m) {
      return std::make_tuple(!problem.onRows(m) && !problem.onColumns(m),
                             -problem.modes[m].size);
    };
    return key(a) < key(b);
  });
  for (unsigned m : order) {
    const Mode &mode = problem.modes[m];
    unsigned bits = mode.bits;
    if (kind == FreeBeats)
      for (OperandId id : {use.streamed, use.perBeat})
        if (mode.in[id] && problem.lowBits[id])
          bits = std::min(bits, (*problem.lowBits[id])[m]);
    addOptions(m, bits);
    beatsWithoutLanes *= mode.size;
  }
  states = ceStep() * (machine.ceBits + 1);
  full = states - 1;
}

/// Spatial bits of an operand that its layout, if it is given, lacks.
unsigned LaneSpace::missingBits(unsigned m, LaneShare share,
                                OperandId id) const {
  if (!problem.modes[m].in[id] || !problem.lowBits[id])
    return 0;
  unsigned bits = spatialBits(problem, m, share, id);
  unsigned low = (*problem.lowBits[id])[m];
  return bits > low ? bits - low : 0;
}

void LaneSpace::addOptions(unsigned m, unsigned cap) {
  const Mode &mode = problem.modes[m];
  ModeOptions list{
      m,
      problem.onRows(m),
      problem.onColumns(m),
      problem.onRows(m)      ? 1u
      : problem.onColumns(m) ? 2u
                             : 0u,
      mode.group ==
          (problem.outputStationary() ? Group::Reduced : Group::StreamFree),
      {}};
  unsigned lanes = list.rows      ? machine.peRowBits
                   : list.columns ? machine.peColumnBits
                                  : 0;
  size_t step = list.rows ? rowStep() : columnStep();
  list.options.reserve((std::min(lanes, cap) + 1) *
                       (std::min(machine.ceBits, cap) + 1));
  for (unsigned position = std::min(lanes, cap) + 1; position-- > 0;)
    for (unsigned ce = std::min(machine.ceBits, cap - position) + 1;
         ce-- > 0;) {
      if (mode.position.value_or(position) != position ||
          mode.ce.value_or(ce) != ce)
        continue;
      Option option{chunksOf(mode.size, position + ce),
                    {position, ce},
                    unsigned(position * step + ce * ceStep())};
      for (OperandId id : {OperandA, OperandB, OperandC})
        option.missing |= packMissing(id, missingBits(m, option.share, id));
      list.options.push_back(option);
    }
  options.push_back(std::move(list));
}

int64_t LaneSpace::roughLeast() const {
  unsigned rows = 0, columns = 0;
  for (unsigned m : order) {
    rows += problem.onRows(m) ? problem.modes[m].bits : 0;
    columns += problem.onColumns(m) ? problem.modes[m].bits : 0;
  }
  return chunksOf(beatsWithoutLanes,
                  machine.ceBits + std::min(rows, machine.peRowBits) +
                      std::min(columns, machine.peColumnBits));
}

void LaneSpace::tabulate() {
  if (!least.empty())
    return;
  least.assign((order.size() + 1) * states, unreachable);
  std::fill_n(least.begin() + order.size() * states, states, 1);
  for (size_t depth = order.size(); depth-- > 0;) {
    const int64_t *rest = &least[(depth + 1) * states];
    int64_t *out = &least[depth * states];
    const ModeOptions &list = options[depth];
    for (const Option &option : list.options) {
      unsigned position = option.share.position;
      for (unsigned ces = option.share.ce; ces <= machine.ceBits; ++ces)
        for (unsigned c = list.columns ? position : 0;
             c <= machine.peColumnBits; ++c) {
          size_t first = ces * ceStep() + c * columnStep();
          for (size_t left = first + (list.rows ? position : 0);
               left < first + columnStep(); ++left)
            if (int64_t after = rest[left - option.lanes]; after != unreachable)
              out[left] = std::min(out[left], option.chunks * after);
        }
    }
  }
}

bool LaneSpace::list(int64_t upTo) {
  latest.clear();
  pool.clear();
  wanted = listed = upTo;
  budget = searchBudget;
  std::fill(current.begin(), current.end(), LaneShare());
  if (rests.empty()) {
    rests.resize(order.size() + 1);
    for (size_t depth = order.size(); depth-- > 0;) {
      const ModeOptions &list = options[depth];
      Rest &rest = rests[depth] = rests[depth + 1];
      int64_t size = problem.modes[list.mode].size;
      rest.beats *= size;
      rest.tile *= list.tile ? size : 1;
      for (const Option &option : list.options) {
        rest.uses[list.kind] |= option.share.position > 0;
        rest.usesCEs |= option.share.ce > 0;
      }
    }
  }
  Part start;
  start.left = unsigned(full);
  start.free = {0, machine.peRowBits, machine.peColumnBits};
  start.ces = machine.ceBits;
  assign(0, start);
  return budget > 0;
}

void LaneSpace::grow(int64_t upTo, int64_t mostOccupancy) {
  heap.clear();
  if (upTo <= covered || exhausted())
    return;
  longest = mostOccupancy;
  tabulate();
  if (upTo > listed) {
    // What is found among the fewest beats may make the rest of no interest.
    bool isAhead = listed > 0 && longest > upTo && !isAheadTooFar;
    if (isAhead)
      isAheadTooFar = !list(longest);
    if (!isAhead || isAheadTooFar)
      isAheadTooFar |= !list(upTo);
  }
  for (const LaneAssignment &assignment : latest) {
    int64_t beats = assignment.beats << assignment.beatBits;
    if (beats > covered && beats <= upTo && assignment.occupancy <= longest)
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
  return &latest[number];
}

void LaneSpace::assign(size_t depth, const Part &part) {
  if (depth == order.size()) {
    finish(part);
    return;
  }
  const ModeOptions &list = options[depth];
  const int64_t *leastAfter = &least[(depth + 1) * states];
  const Rest &rest = rests[depth + 1];
  const unsigned free = part.free[list.kind];
  const int64_t mostBeats = wanted >> beatBits(part.missing);
  for (const Option &option : list.options) {
    if (option.share.position > free || option.share.ce > part.ces)
      continue;
    if (budget <= 0)
      return;
    const unsigned left = part.left - option.lanes;
    const int64_t after = leastAfter[left];
    if (after == unreachable)
      continue;
    const int64_t beats = part.beats * option.chunks;
    const int64_t fewest = beats * after;
    if (fewest > mostBeats)
      continue;
    const MissingBits missing = part.missing + option.missing;
    if (fewest > wanted >> beatBits(missing))
      continue;
    Part next;
    next.beats = beats;
    next.tile = list.tile ? part.tile * option.chunks : part.tile;
    next.left = left;
    next.free = part.free;
    next.free[list.kind] -= option.share.position;
    next.ces = part.ces - option.share.ce;
    next.rowBits = part.rowBits + (list.rows ? option.share.position : 0);
    next.missing = missing;
    current[list.mode] = option.share;
    if (hasLanesFor(rest, next)) {
      assign(depth + 1, next);
      continue;
    }
    // The modes that are left stay without lanes, for which the table stands.
    next.beats *= rest.beats;
    next.tile *= rest.tile;
    finish(next);
  }
  current[list.mode] = {};
}

void LaneSpace::finish(const Part &part) {
  // Those of an earlier call count, too: they have been visited.
  --budget;
  if (part.beats << beatBits(part.missing) <= covered)
    return;
  LaneAssignment assignment = assess(part);
  if (assignment.occupancy > longest)
    return;
  assignment.index = latest.size();
  pool.insert(pool.end(), current.begin(), current.end());
  latest.push_back(assignment);
}

LaneAssignment LaneSpace::assess(const Part &part) const {
  LaneAssignment result;
  for (OperandId id : {OperandA, OperandB, OperandC})
    result.missing[id] = missingOf(id, part.missing);
  result.beatBits = beatBits(part.missing);
  result.transferBits = missingOf(use.perTile, part.missing);
  result.beats = part.beats;
  result.tile = part.tile;
  result.rowBits = part.rowBits;
  result.occupancy = part.beats << result.beatBits;
  int64_t transfer = int64_t(1) << (result.rowBits + result.transferBits);
  int64_t stall = transfer - (result.tile << result.beatBits);
  if (stall > 0)
    result.occupancy += (result.beats / result.tile - 1) * stall;
  return result;
}

LaneAssignment LaneSpace::assess(ArrayRef<LaneShare> lanes) {
  Part part;
  for (unsigned m = 0; m < numModes; ++m)
    for (OperandId id : {OperandA, OperandB, OperandC})
      part.missing += packMissing(id, missingBits(m, lanes[m], id));
  for (const ModeOptions &list : options) {
    LaneShare share = lanes[list.mode];
    int64_t chunks = chunksOf(problem.modes[list.mode].size, share.total());
    part.beats *= chunks;
    part.tile *= list.tile ? chunks : 1;
    part.rowBits += list.rows ? share.position : 0;
  }
  return assess(part);
}

LaneAssignment LaneSpace::withoutLanes() {
  return assess(llvm::SmallVector<LaneShare, 8>(numModes));
}

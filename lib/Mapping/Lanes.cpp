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

void LaneSpace::addOptions(unsigned m, unsigned cap) {
  const Mode &mode = problem.modes[m];
  ModeOptions list{problem.onRows(m), problem.onColumns(m), {}};
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
      Option option{{position, ce},
                    position * step + ce * ceStep(),
                    chunksOf(mode.size, position + ce),
                    {}};
      for (unsigned id = 0; id < 3; ++id)
        if (mode.in[id] && problem.lowBits[id]) {
          unsigned bits = spatialBits(problem, m, option.share, OperandId(id));
          unsigned low = (*problem.lowBits[id])[m];
          option.missing[id] = bits > low ? bits - low : 0;
        }
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
  missing = {};
  assign(0, full, 1);
  return budget > 0;
}

void LaneSpace::grow(int64_t upTo, int64_t mostOccupancy) {
  heap.clear();
  if (upTo <= covered || exhausted())
    return;
  longest = mostOccupancy;
  tabulate();
  if (upTo > listed) {
    bool isAhead = longest != std::numeric_limits<int64_t>::max() &&
                   longest > upTo && !isAheadTooFar;
    if (isAhead)
      isAheadTooFar = !list(longest);
    if (!isAhead || isAheadTooFar)
      list(upTo);
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

void LaneSpace::assign(size_t depth, size_t left, int64_t product) {
  if (depth == order.size()) {
    finish(product);
    return;
  }
  const ModeOptions &list = options[depth];
  auto ces = unsigned(left / ceStep());
  unsigned free = list.rows      ? unsigned(left % columnStep())
                  : list.columns ? unsigned(left % ceStep() / columnStep())
                                 : 0;
  auto saved = missing;
  for (const Option &option : list.options) {
    if (option.share.position > free || option.share.ce > ces)
      continue;
    if (budget <= 0)
      return;
    size_t rest = left - option.lanes;
    int64_t after = most(depth + 1, rest);
    if (after == unreachable)
      continue;
    int64_t beats = product * option.chunks;
    int64_t all = beats * after;
    if (all > wanted)
      continue;
    for (unsigned id = 0; id < 3; ++id)
      missing[id] = saved[id] + option.missing[id];
    if (all > wanted >> std::max(missing[use.streamed], missing[use.perBeat]))
      continue;
    current[order[depth]] = option.share;
    assign(depth + 1, rest, beats);
  }
  missing = saved;
  current[order[depth]] = {};
}

void LaneSpace::finish(int64_t beats) {
  // Those of an earlier call count, too: they have been visited.
  --budget;
  unsigned beatBits = std::max(missing[use.streamed], missing[use.perBeat]);
  if (beats << beatBits <= covered)
    return;
  LaneAssignment assignment = assessCurrent();
  if (assignment.occupancy > longest)
    return;
  assignment.index = latest.size();
  pool.insert(pool.end(), current.begin(), current.end());
  latest.push_back(assignment);
}

LaneAssignment LaneSpace::assessCurrent() const {
  LaneAssignment result;
  result.missing = missing;
  result.beatBits = std::max(missing[use.streamed], missing[use.perBeat]);
  result.transferBits = missing[use.perTile];
  int64_t reduced = 1, streams = 1;
  for (unsigned m : order) {
    int64_t chunks = chunksOf(problem.modes[m].size, current[m].total());
    result.beats *= chunks;
    if (problem.modes[m].group == Group::Reduced)
      reduced *= chunks;
    else if (problem.modes[m].group == Group::StreamFree)
      streams *= chunks;
    if (problem.onRows(m))
      result.rowBits += current[m].position;
  }
  result.tile = problem.outputStationary() ? reduced : streams;
  int64_t transfer = int64_t(1) << (result.rowBits + result.transferBits);
  int64_t stall =
      std::max<int64_t>(0, transfer - (result.tile << result.beatBits));
  result.occupancy = (result.beats << result.beatBits) +
                     (result.beats / result.tile - 1) * stall;
  return result;
}

LaneAssignment LaneSpace::assess(ArrayRef<LaneShare> lanes) {
  current.assign(lanes.begin(), lanes.end());
  missing = {};
  for (unsigned id = 0; id < 3; ++id)
    for (unsigned m = 0; m < numModes && problem.lowBits[id]; ++m)
      if (problem.modes[m].in[id]) {
        unsigned bits = spatialBits(problem, m, current[m], OperandId(id));
        unsigned low = (*problem.lowBits[id])[m];
        missing[id] += bits > low ? bits - low : 0;
      }
  return assessCurrent();
}

LaneAssignment LaneSpace::withoutLanes() {
  return assess(llvm::SmallVector<LaneShare, 8>(numModes));
}

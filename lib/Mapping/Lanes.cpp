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
    cap.push_back(bits);
    beatsWithoutLanes *= mode.size;
  }

  states = ceStep() * (machine.ceBits + 1);
  full = states - 1;
  least.assign((order.size() + 1) * states, 1);
  for (size_t depth = order.size(); depth-- > 0;) {
    unsigned m = order[depth];
    bool rows = problem.onRows(m), columns = problem.onColumns(m);
    size_t step = rows ? rowStep() : columnStep();
    const int64_t *rest = &least[(depth + 1) * states];
    int64_t *out = &least[depth * states];
    std::array<int64_t, 64> chunks;
    for (unsigned bits = 0; bits <= cap[depth]; ++bits)
      chunks[bits] = chunksOf(problem.modes[m].size, bits);
    size_t left = 0;
    for (unsigned ces = 0; ces <= machine.ceBits; ++ces)
      for (unsigned c = 0; c <= machine.peColumnBits; ++c)
        for (unsigned r = 0; r <= machine.peRowBits; ++r, ++left) {
          unsigned free = rows ? r : columns ? c : 0;
          int64_t best = unreachable;
          unsigned most = std::min(free, cap[depth]);
          for (unsigned position = 0; position <= most; ++position) {
            unsigned mostCE = std::min(ces, cap[depth] - position);
            for (unsigned ce = 0; ce <= mostCE; ++ce) {
              int64_t after = rest[left - position * step - ce * ceStep()];
              if (after != unreachable &&
                  allows(problem.modes[m], position, ce))
                best = std::min(best, chunks[position + ce] * after);
            }
          }
          out[left] = best;
        }
  }
}

void LaneSpace::grow(int64_t upTo) {
  latest.clear();
  pool.clear();
  if (upTo <= covered || exhausted())
    return;
  wanted = upTo;
  budget = searchBudget;
  missing = {};
  assign(0, full, 1);
  covered = upTo;
  llvm::stable_sort(latest, [](const LaneAssignment &a,
                               const LaneAssignment &b) {
    return std::make_tuple(a.occupancy, a.rowBits + a.transferBits, -a.tile) <
           std::make_tuple(b.occupancy, b.rowBits + b.transferBits, -b.tile);
  });
}

void LaneSpace::assign(size_t depth, size_t left, int64_t product) {
  if (depth == order.size()) {
    finish(product);
    return;
  }
  unsigned m = order[depth];
  const Mode &mode = problem.modes[m];
  bool rows = problem.onRows(m), columns = problem.onColumns(m);
  size_t step = rows ? rowStep() : columnStep();
  unsigned ces = unsigned(left / ceStep());
  unsigned free = 0;
  if (rows)
    free = unsigned(left % columnStep());
  else if (columns)
    free = unsigned(left % ceStep() / columnStep());
  auto saved = missing;
  for (unsigned position = std::min(free, cap[depth]) + 1; position-- > 0;)
    for (unsigned ce = std::min(ces, cap[depth] - position) + 1; ce-- > 0;) {
      if (budget <= 0)
        return;
      size_t rest = left - position * step - ce * ceStep();
      if (!allows(mode, position, ce) || most(depth + 1, rest) == unreachable)
        continue;
      LaneShare share{position, ce};
      for (unsigned id = 0; id < 3; ++id)
        if (mode.in[id] && problem.lowBits[id]) {
          unsigned bits = spatialBits(problem, m, share, OperandId(id));
          unsigned low = (*problem.lowBits[id])[m];
          missing[id] = saved[id] + (bits > low ? bits - low : 0);
        }
      int64_t beats = product * chunksOf(mode.size, position + ce);
      unsigned beatBits = std::max(missing[use.streamed], missing[use.perBeat]);
      if (beats * most(depth + 1, rest) > wanted >> beatBits)
        continue;
      current[m] = share;
      assign(depth + 1, rest, beats);
    }
  missing = saved;
  current[m] = {};
}

void LaneSpace::finish(int64_t beats) {
  // Those of an earlier call count, too: they have been visited.
  --budget;
  unsigned beatBits = std::max(missing[use.streamed], missing[use.perBeat]);
  if (beats << beatBits <= covered)
    return;
  LaneAssignment assignment = assessCurrent();
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

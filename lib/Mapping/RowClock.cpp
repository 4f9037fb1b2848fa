//===- RowClock.cpp - When beats read rows and drains write them ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Mapping/RowClock.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <limits>

using namespace fetta;
using llvm::SmallVector;

RowWalk::RowWalk(const Nest &nest, const Machine &machine)
    : dataflow(nest.dataflow), sizes(nest.sizes), loops(nest.loops),
      scopeLevel(nest.scopeLevel),
      planes(nest.c().elementType == ElementType::F32 ? 2 : 1),
      drains(nest.drainAtEnd) {
  for (const std::optional<ModeBit> &bit : nest.lanes.row)
    if (bit)
      peRows.push_back(*bit);
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    const Operand &operand = nest.operands[id];
    for (auto [mode, dim] : llvm::enumerate(operand.modes))
      if (dim)
        dims[id].push_back(
            {unsigned(mode), dim->lowBits, dim->rowStride,
             id == OperandC ? nest.accumulatorStrides[mode] : 0});
    auto lanes = laneBits(nest, netOf(nest.dataflow, id), machine);
    for (auto [lane, bit] : llvm::enumerate(lanes))
      if (operand.serialLanes >> lane & 1)
        serial[id].push_back(
            bit && operand.holds(bit->mode) ? bit : std::optional<ModeBit>());
  }
}

static constexpr int64_t never = std::numeric_limits<int64_t>::max();

namespace {

using Index = SmallVector<int64_t, 8>;

/// What the drains do in a cycle in which the array reads `taken`.
void drainCycle(ArrayClock &clock, int64_t cycle,
                std::array<unsigned, 2> taken) {
  if (clock.drained == clock.drains.size())
    return;
  const ArrayClock::Access &access = clock.drains[clock.drained];
  if (access.date > cycle || (access.value != ArrayClock::none &&
                              llvm::is_contained(taken, access.value)))
    return;
  if (access.endsRow && access.value != ArrayClock::none)
    clock.values[access.value][size_t(access.row)] = cycle + 1;
  ++clock.drained;
  // One that is all written makes its half free.
  if (--clock.scopesLeft.front() == 0)
    clock.scopesLeft.erase(clock.scopesLeft.begin());
}

class Runner {
public:
  Runner(const RowWalk &walk, const Machine &machine, ArrayClock &clock,
         std::array<unsigned, 3> values)
      : walk(walk), clock(clock), values(values),
        pipeline(machine.pipelineCycles()),
        outputStationary(walk.dataflow == Dataflow::OutputStationary),
        streamed(operandOn(walk.dataflow, Net::Stream)),
        held(operandOn(walk.dataflow, Net::Hold)), index(walk.sizes.size(), 0),
        loadIndex(index), scopeStart(index), counters(walk.loops.size(), 0),
        loadCounters(counters) {
    auto subBeats = [&](OperandId id) {
      return int64_t(1) << walk.serial[id].size();
    };
    if (outputStationary) {
      beat = std::max(subBeats(streamed), subBeats(held));
    } else {
      beat = std::max(subBeats(streamed), subBeats(OperandC));
      pipeline += std::min(subBeats(streamed), subBeats(OperandC)) - 1;
    }
    loadSteps = subBeats(held) << walk.peRows.size();
    tileDrain = subBeats(OperandC) << walk.peRows.size();
    tileLevel = 0;
    for (unsigned l = walk.loops.size(); l-- > 0 && tileLevel == 0;)
      if (walk.loops[l].count > 1 &&
          holds(outputStationary ? OperandC : held, walk.loops[l].mode))
        tileLevel = l + 1;
    for (unsigned l = 0; l < tileLevel; ++l)
      tiles *= walk.loops[l].count;
  }

  WalkDates run();

private:
  bool holds(OperandId id, unsigned mode) const {
    return llvm::any_of(walk.dims[id], [&](const RowWalk::Dim &dim) {
      return dim.mode == mode;
    });
  }
  unsigned valueOf(OperandId id) const {
    return values[id] != ArrayClock::none && !clock.values[values[id]].empty()
               ? values[id]
               : ArrayClock::none;
  }

  /// The row of an access, or -1 beyond the tensor.
  int64_t rowOf(OperandId id, const Index &at, uint32_t subBeat) const {
    int64_t row = 0;
    for (const RowWalk::Dim &dim : walk.dims[id]) {
      int64_t i = at[dim.mode];
      for (auto [b, bit] : llvm::enumerate(walk.serial[id]))
        if (bit && bit->mode == dim.mode && (subBeat >> b & 1))
          i += int64_t(1) << bit->bit;
      int64_t chunk = i >> dim.lowBits;
      if (chunk << dim.lowBits >= walk.sizes[dim.mode])
        return -1;
      row += chunk * dim.rowStride;
    }
    return row;
  }
  bool isThere(OperandId id, const Index &at, uint32_t subBeat,
               int64_t cycle) const {
    int64_t row = rowOf(id, at, subBeat);
    const RowDates &dates = clock.values[values[id]];
    return row < 0 || size_t(row) >= dates.size() ||
           dates[size_t(row)] <= cycle;
  }

  bool beatIsThere(OperandId id, int64_t cycle) const {
    if (valueOf(id) == ArrayClock::none)
      return true;
    for (uint32_t s = 0; s < uint32_t(1) << walk.serial[id].size(); ++s)
      if (!isThere(id, index, s, cycle))
        return false;
    return true;
  }
  /// The value that a beat reads in its cycle `offset`, if a drain could want
  /// its slab.
  unsigned taken(OperandId id, int64_t offset) const {
    if (offset >= int64_t(1) << walk.serial[id].size())
      return ArrayClock::none;
    unsigned value = valueOf(id);
    return value != ArrayClock::none && rowOf(id, index, uint32_t(offset)) >= 0
               ? value
               : ArrayClock::none;
  }

  /// One step of the loader, unless the row is not there or the slab is taken;
  /// `reads` becomes the value whose slab it takes.
  bool loadStep(int64_t cycle, unsigned takenValue, unsigned &reads) {
    if (valueOf(held) != ArrayClock::none) {
      auto subBits = unsigned(walk.serial[held].size());
      Index at = loadIndex;
      for (auto [b, bit] : llvm::enumerate(walk.peRows))
        if (step >> subBits >> b & 1)
          at[bit.mode] += int64_t(1) << bit.bit;
      auto subBeat = uint32_t(step & ((int64_t(1) << subBits) - 1));
      bool inside = rowOf(held, at, subBeat) >= 0;
      if (!isThere(held, at, subBeat, cycle) ||
          (inside && takenValue == values[held]))
        return false;
      if (inside)
        reads = values[held];
    }
    if (++step == loadSteps) {
      step = 0;
      ++loaded;
      advance(loadIndex, loadCounters, tileLevel);
    }
    return true;
  }

  /// Whether the half of a scope is free for what issues in this cycle.
  bool halfFree(int64_t cycle) const { return halfFreeFrom(cycle) <= cycle; }
  /// From which cycle on it is free, this one at the earliest, if nothing holds
  /// the drains up any more.
  int64_t halfFreeFrom(int64_t cycle) const {
    // All but one of the scopes so far must have drained by then.
    int64_t at = cycle;
    size_t next = clock.drained;
    for (size_t s = 0; s + 1 < clock.scopesLeft.size(); ++s)
      for (int64_t i = 0; i < clock.scopesLeft[s]; ++i)
        at = std::max(at, clock.drains[next++].date) + 1;
    return next == clock.drained ? cycle : std::max(cycle, at - pipeline);
  }

  /// The drain of a scope whose sums have left the array at `end`.
  void drainScope(int64_t end);
  void findChunks(const RowWalk::Dim &dim, int64_t start);

  /// The outermost loop that advances, or -1 at the end.
  int advance(Index &at, Index &counts, size_t level) const {
    for (size_t l = level; l-- > 0;) {
      const Loop &loop = walk.loops[l];
      if (++counts[l] < loop.count) {
        at[loop.mode] += loop.weight;
        return int(l);
      }
      counts[l] = 0;
      at[loop.mode] -= (loop.count - 1) * loop.weight;
    }
    return -1;
  }

  const RowWalk &walk;
  ArrayClock &clock;
  std::array<unsigned, 3> values;
  int64_t pipeline;
  bool outputStationary;
  OperandId streamed, held;
  unsigned tileLevel = 0;
  int64_t beat = 1, loadSteps = 1, tileDrain = 1, tiles = 1;
  int64_t loaded = 0, step = 0; ///< Tiles, and steps of the one at hand.
  Index index, loadIndex, scopeStart, counters, loadCounters;
  SmallVector<int64_t, 32> parts, chunks;
  SmallVector<std::pair<int64_t, int64_t>, 32> scopeRows;
};

} // namespace

/// Chunks of a mode that the scope reaches.
void Runner::findChunks(const RowWalk::Dim &dim, int64_t start) {
  parts.assign(1, start);
  auto extend = [&](int64_t count, int64_t weight) {
    size_t old = parts.size();
    for (int64_t c = 1; c < count; ++c)
      for (size_t i = 0; i < old; ++i)
        parts.push_back(parts[i] + c * weight);
  };
  for (size_t l = walk.scopeLevel; l < walk.loops.size(); ++l)
    if (walk.loops[l].mode == dim.mode)
      extend(walk.loops[l].count, walk.loops[l].weight);
  for (const std::optional<ModeBit> &bit : walk.serial[OperandC])
    if (bit && bit->mode == dim.mode)
      extend(2, int64_t(1) << bit->bit);
  if (outputStationary)
    for (ModeBit bit : walk.peRows)
      if (bit.mode == dim.mode)
        extend(2, int64_t(1) << bit.bit);
  chunks.clear();
  for (int64_t part : parts)
    if (part < walk.sizes[dim.mode])
      chunks.push_back(part >> dim.lowBits);
  llvm::sort(chunks);
  chunks.erase(std::unique(chunks.begin(), chunks.end()), chunks.end());
}

void Runner::drainScope(int64_t end) {
  scopeRows.assign(1, {0, 0});
  for (const RowWalk::Dim &dim : walk.dims[OperandC]) {
    findChunks(dim, scopeStart[dim.mode]);
    size_t old = scopeRows.size();
    for (size_t c = 1; c < chunks.size(); ++c)
      for (size_t i = 0; i < old; ++i)
        scopeRows.push_back({scopeRows[i].first + chunks[c] * dim.drainStride,
                             scopeRows[i].second + chunks[c] * dim.rowStride});
    for (size_t i = 0; i < old; ++i) {
      scopeRows[i].first += chunks[0] * dim.drainStride;
      scopeRows[i].second += chunks[0] * dim.rowStride;
    }
  }
  llvm::sort(scopeRows);
  clock.scopesLeft.push_back(int64_t(scopeRows.size()) * walk.planes);
  for (auto [place, row] : scopeRows) {
    if (values[OperandC] != ArrayClock::none) {
      RowDates &dates = clock.values[values[OperandC]];
      if (size_t(row) >= dates.size())
        dates.resize(size_t(row) + 1, 0);
      // Another scope's visit to the row may still be under way.
      if (dates[size_t(row)] == never)
        for (size_t i = clock.drained; i < clock.drains.size(); ++i)
          if (ArrayClock::Access &access = clock.drains[i];
              access.value == values[OperandC] && access.row == row)
            access.endsRow = false;
      dates[size_t(row)] = never;
    }
    for (int64_t plane = 0; plane < walk.planes; ++plane)
      clock.drains.push_back(
          {end + pipeline, values[OperandC], row, plane + 1 == walk.planes});
  }
}

WalkDates Runner::run() {
  WalkDates dates;
  // The first load begins with the last tile of the contraction before.
  if (!outputStationary)
    for (int64_t t = std::max(clock.load, clock.tileBegin);
         t < clock.now && loaded == 0; ++t)
      if (unsigned reads; loadStep(t, ArrayClock::none, reads))
        clock.load = t + 1;
  bool newTile = true, newScope = true, begun = false, beating = false;
  bool firstBeat = true, tileOpensScope = true;
  enum class TileDrain { Idle, Waiting, Runs } tile = TileDrain::Idle;
  Index drainStart = scopeStart;
  bool drainOpens = true, drainEnds = false, drainLast = false, atEnd = false;
  int64_t beatBegin = 0, tilesBegun = 0, t = clock.now;
  if (outputStationary && clock.tileDrain > t)
    tile = TileDrain::Runs;
  bool foreign = tile == TileDrain::Runs; // Of the contraction before.
  bool last = false;                      // All beats have been.
  while (true) {
    // What ends and begins in this cycle.
    for (bool changed = true; changed;) {
      changed = false;
      if (tile == TileDrain::Runs && clock.tileDrain <= t) {
        tile = TileDrain::Idle;
        changed = true;
        if (!foreign && drainEnds && (!drainLast || walk.drains)) {
          std::swap(scopeStart, drainStart);
          drainScope(clock.tileDrain);
          std::swap(scopeStart, drainStart);
        }
        foreign = false;
      }
      if (tile == TileDrain::Waiting && (!drainOpens || halfFree(t))) {
        tile = TileDrain::Runs;
        clock.tileDrain = t + tileDrain;
        changed = true;
      }
      if (beating && t == beatBegin + beat) {
        beating = false;
        dates.end = t;
        int level = advance(index, counters, walk.loops.size());
        last = level < 0;
        newTile = level < int(tileLevel);
        newScope = level < int(walk.scopeLevel);
        if (outputStationary) {
          atEnd = newTile;
        } else {
          if (newScope && (!last || walk.drains))
            drainScope(t);
          if (newScope)
            scopeStart = index;
          begun = !newTile && !newScope;
        }
        changed = true;
      }
      if (atEnd && tile == TileDrain::Idle) {
        atEnd = false;
        begun = false;
        tile = TileDrain::Waiting;
        drainStart = scopeStart;
        drainOpens = tileOpensScope;
        drainEnds = newScope;
        drainLast = last;
        tileOpensScope = newScope;
        if (newScope)
          scopeStart = index;
        changed = true;
      }
      if (last || atEnd || beating)
        continue;
      if (!begun) {
        if (!outputStationary &&
            ((newTile && loaded == tilesBegun) || clock.tileDrain > t ||
             (newScope && !halfFree(t))))
          continue;
        tilesBegun += newTile;
        if (newTile)
          clock.tileBegin = t;
        newTile = newScope = false;
        begun = changed = true;
      }
      if (beatIsThere(streamed, t) &&
          (!outputStationary || beatIsThere(held, t))) {
        if (firstBeat)
          dates.first = t;
        firstBeat = false;
        beating = changed = true;
        beatBegin = t;
      }
    }
    if (last && !atEnd)
      break;
    // The cycle itself.
    std::array<unsigned, 2> reads = {ArrayClock::none, ArrayClock::none};
    if (beating) {
      reads[0] = taken(streamed, t - beatBegin);
      if (outputStationary)
        reads[1] = taken(held, t - beatBegin);
    }
    if (!outputStationary && loaded <= tilesBegun && loaded < tiles &&
        t >= std::max(clock.load, clock.tileBegin) &&
        loadStep(t, reads[0], reads[1]))
      clock.load = t + 1;
    drainCycle(clock, t, reads);
    ++t;
  }
  clock.now = t;
  if (!outputStationary)
    return dates;
  // Others may go on while the last tile drains.
  clock.load = std::max(clock.load, t);
  if (tile == TileDrain::Waiting) {
    if (drainOpens)
      t = halfFreeFrom(t);
    clock.tileDrain = t + tileDrain;
  }
  scopeStart = drainStart;
  if (walk.drains)
    drainScope(clock.tileDrain);
  return dates;
}

WalkDates fetta::runWalk(const RowWalk &walk, const Machine &machine,
                         ArrayClock &clock, std::array<unsigned, 3> values) {
  clock.drains.erase(clock.drains.begin(),
                     clock.drains.begin() + ptrdiff_t(clock.drained));
  clock.drained = 0;
  return Runner(walk, machine, clock, values).run();
}

void fetta::waitForRows(ArrayClock &clock, unsigned value) {
  auto drains = [&] {
    for (size_t i = clock.drained; i < clock.drains.size(); ++i)
      if (clock.drains[i].value == value)
        return true;
    return false;
  };
  for (; drains(); ++clock.now)
    drainCycle(clock, clock.now, {ArrayClock::none, ArrayClock::none});
  for (int64_t date : clock.values[value])
    clock.now = std::max(clock.now, date);
  clock.tileBegin = clock.now;
}

int64_t fetta::finishDrains(ArrayClock &clock) {
  int64_t t = clock.now;
  for (; clock.drained < clock.drains.size(); ++t)
    drainCycle(clock, t, {ArrayClock::none, ArrayClock::none});
  return t;
}

Following fetta::followingOf(const Nest &producer, const Nest &consumer,
                             std::array<bool, 2> reads,
                             const Machine &machine) {
  ArrayClock clock;
  clock.values.resize(1);
  constexpr unsigned none = ArrayClock::none;
  WalkDates before =
      runWalk(RowWalk(producer, machine), machine, clock, {none, none, 0});
  WalkDates after = runWalk(RowWalk(consumer, machine), machine, clock,
                            {reads[0] ? 0 : none, reads[1] ? 0 : none, none});
  return {after.first - before.end, after.end - before.end};
}

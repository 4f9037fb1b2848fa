//===- ContractTimer.cpp - Cycles of one contraction ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContractTimer.h"

#include <algorithm>
#include <set>
#include <utility>

using namespace fetta;

ContractTimer::ContractTimer(const Nest &nest, const Machine &machine)
    : nest(nest), machine(machine), levels(nest, machine),
      ports{OperandPort(nest, OperandA, machine),
            OperandPort(nest, OperandB, machine),
            OperandPort(nest, OperandC, machine)},
      subBeats{ports[0].subBeats(), ports[1].subBeats(), ports[2].subBeats()},
      streamSlab(nest.operands[levels.streamed].slab),
      holdSlab(nest.operands[levels.held].slab), resultSlab(nest.c().slab) {}

//===----------------------------------------------------------------------===//
// Counts
//===----------------------------------------------------------------------===//

std::vector<int64_t> ContractTimer::indexParts(unsigned mode, OperandId id,
                                               size_t from, size_t to,
                                               bool peRows) const {
  std::vector<int64_t> parts = {0};
  auto extend = [&](int64_t count, int64_t weight) {
    size_t old = parts.size();
    for (int64_t i = 1; i < count; ++i)
      for (size_t j = 0; j < old; ++j)
        parts.push_back(parts[j] + i * weight);
  };
  for (size_t l = from; l < to; ++l)
    if (nest.loops[l].mode == mode)
      extend(nest.loops[l].count, nest.loops[l].weight);
  auto extendByBit = [&](const std::optional<ModeBit> &bit) {
    if (bit && bit->mode == mode)
      extend(2, int64_t(1) << bit->bit);
  };
  auto lanes = laneBits(nest, netOf(nest.dataflow, id), machine);
  for (size_t l = 0; l < lanes.size(); ++l)
    if (nest.operands[id].serialLanes >> l & 1)
      extendByBit(lanes[l]);
  if (peRows)
    for (const auto &bit : nest.lanes.row)
      extendByBit(bit);
  return parts;
}

int64_t ContractTimer::accesses(OperandId id) const {
  const Operand &operand = nest.operands[id];
  bool load = !levels.outputStationary && id == levels.held;
  size_t level = load ? levels.tileLevel : nest.loops.size();
  // Everything that is visited: iterations, sub-beats, PE rows.
  int64_t count = NestLevels::iterationsOutside(nest, unsigned(level)) *
                  subBeats[id] * (load ? levels.peRowsInUse : 1);
  // Of that, in each mode, the part that lies inside the tensor.
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
    if (!operand.holds(mode))
      continue;
    const DimLayout &dim = *operand.modes[mode];
    std::vector<int64_t> parts = indexParts(mode, id, 0, level, load);
    count /= int64_t(parts.size());
    count *= std::count_if(parts.begin(), parts.end(), [&](int64_t i) {
      return i >> dim.lowBits < dim.chunks();
    });
  }
  return count;
}

int64_t ContractTimer::drainAccesses(const ModeIndex &scopeStart) {
  int64_t rows = nest.c().elementType == ElementType::F32 ? 2 : 1;
  for (unsigned mode : ports[OperandC].heldModes()) {
    auto [it, isNew] = chunksOfScope.try_emplace({mode, scopeStart[mode]}, 0);
    if (isNew) {
      const DimLayout &dim = *nest.c().modes[mode];
      std::set<int64_t> chunks;
      for (int64_t part :
           indexParts(mode, OperandC, levels.scopeLevel, nest.loops.size(),
                      levels.outputStationary))
        if (scopeStart[mode] + part < nest.sizes[mode])
          chunks.insert((scopeStart[mode] + part) >> dim.lowBits);
      it->second = int64_t(chunks.size());
    }
    rows *= it->second;
  }
  return rows;
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

void ContractTimer::pass(int64_t cycles, int64_t streamAccesses) {
  now += cycles;
  loadIdeal = std::max<int64_t>(0, loadIdeal - cycles);
  // The drain before the last goes first.
  auto drain = [](int64_t &first, int64_t &second, int64_t cycles) {
    int64_t done = std::min(first, cycles);
    first -= done;
    second -= std::min(second, cycles - done);
  };
  drain(drainIdeal, nextIdeal, cycles);
  int64_t loadFree = cycles - (streamSlab == holdSlab ? streamAccesses : 0);
  int64_t loaded = std::min(loadLeft, loadFree);
  loadLeft -= loaded;
  int64_t drainFree = cycles - (streamSlab == resultSlab ? streamAccesses : 0) -
                      (holdSlab == resultSlab ? loaded : 0);
  drain(drainLeft, nextLeft, std::max<int64_t>(0, drainFree));
}

void ContractTimer::stall(CycleClass cycleClass, int64_t cycles) {
  queue[cycleClass] += cycles;
  pass(cycles, 0);
}

void ContractTimer::waitForDrain() {
  // While the array waits the stationary load goes on, and may want the slab
  // of the drain.
  while (drainLeft > 0) {
    bool ideal = drainIdeal > 0;
    stall(ideal ? CycleClass::DrainBusy : CycleClass::SlabConflict,
          ideal ? drainIdeal : drainLeft);
  }
  drainLeft = std::exchange(nextLeft, 0);
  drainIdeal = std::exchange(nextIdeal, 0);
}

void ContractTimer::waitForWords(const ModeIndex &index,
                                 const ModeIndex &scopeStart) {
  RowAccess access = ports[OperandC].access(index, 0);
  int64_t row = 0;
  ModeIndex full = ports[OperandC].serialIndex(index, 0);
  for (unsigned mode : ports[OperandC].heldModes()) {
    unsigned b = nest.c().modes[mode]->lowBits;
    row += ((full[mode] >> b) - (scopeStart[mode] >> b)) *
           nest.accumulatorStrides[mode];
  }
  auto [it, isNew] = touched.try_emplace({row, access.flips}, now);
  if (isNew)
    return;
  stall(CycleClass::AccHazard,
        std::max<int64_t>(0, it->second + machine.latency.fp32Add - now));
  it->second = now;
}

void ContractTimer::stationary() {
  int64_t beatCycles = std::max(subBeats[levels.streamed], subBeats[OperandC]);
  int64_t load = levels.peRowsInUse * subBeats[levels.held];
  int64_t allTiles = NestLevels::iterationsOutside(nest, levels.tileLevel);
  bool hazards = machine.latency.fp32Add > 1;
  // Tile and scope do not change inside this level.
  unsigned level = hazards ? unsigned(nest.loops.size())
                           : std::max(levels.tileLevel, levels.scopeLevel);
  int64_t steps = NestLevels::beatsInside(nest, level);
  LoopCounters loops(nest);
  ModeIndex scopeStart = loops.index();

  stall(CycleClass::FirstLoad, load);
  loadBeats += load;
  bool newTile = true;
  while (true) {
    if (newTile && ++tiles < allTiles) {
      loadLeft = loadIdeal = load;
      loadBeats += load;
    }
    if (hazards)
      waitForWords(loops.index(), scopeStart);
    queue[CycleClass::Beat] += steps;
    queue[CycleClass::BankConflict] += steps * (beatCycles - 1);
    pass(steps * beatCycles, steps * subBeats[levels.streamed]);
    int changed = loops.advance(level);
    if (changed < 0)
      break;
    newTile = changed < int(levels.tileLevel);
    bool newScope = changed < int(levels.scopeLevel);
    if (newScope) {
      nextLeft = nextIdeal = drainAccesses(scopeStart);
      drained += nextLeft;
    }
    if (newTile) {
      int64_t conflict = loadLeft - loadIdeal;
      stall(CycleClass::StationaryReload, loadIdeal);
      // What is still left was kept back by conflicts.
      stall(CycleClass::SlabConflict, std::min(conflict, loadLeft));
    }
    if (newScope) {
      // The next scope takes the half that is being drained.
      waitForDrain();
      scopeStart = loops.index();
      touched.clear();
    }
  }
  waitForDrain();
  int64_t rows = nest.drainAtEnd ? drainAccesses(scopeStart) : 0;
  drained += rows;
  stall(CycleClass::Drain, rows);
  stall(CycleClass::Fill, machine.pipelineCycles());
}

void ContractTimer::outputStationary() {
  int64_t both = std::max(subBeats[OperandA], subBeats[OperandB]);
  int64_t beatCycles =
      streamSlab == holdSlab ? subBeats[OperandA] + subBeats[OperandB] : both;
  int64_t beats = NestLevels::beatsInside(nest, levels.tileLevel);
  int64_t tileDrain = levels.peRowsInUse * subBeats[OperandC];
  // One register per PE: consecutive beats of a tile add to the same word.
  int64_t hazard =
      std::max<int64_t>(0, machine.latency.fp32Add - beatCycles) * (beats - 1);
  bool shared = resultSlab == streamSlab || resultSlab == holdSlab;
  LoopCounters loops(nest);
  ModeIndex scopeStart = loops.index();
  // Ends of the drain of the latest tile, and of the last scope in each half.
  int64_t tileDrained = 0, scopeDrained[2] = {0, 0};
  int64_t scope = 0;
  bool firstOfScope = true;
  auto endScope = [&](int64_t rows) {
    drained += rows;
    scopeDrained[scope & 1] =
        std::max(tileDrained, scopeDrained[~scope & 1]) + rows;
  };
  while (true) {
    ++tiles;
    queue[CycleClass::Beat] += beats;
    queue[CycleClass::BankConflict] += beats * (both - 1);
    queue[CycleClass::SlabConflict] += beats * (beatCycles - both);
    now += beats * beatCycles;
    stall(CycleClass::AccHazard, hazard);
    stall(CycleClass::DrainBusy, std::max<int64_t>(0, tileDrained - now));
    if (machine.latency.fp32Add > 1)
      waitForWords(loops.index(), scopeStart);
    // The first drain of a scope needs its half of the accumulators.
    tileDrained =
        std::max(now, firstOfScope ? scopeDrained[scope & 1] : 0) + tileDrain;
    int changed = loops.advance(levels.tileLevel);
    if (changed < 0)
      break;
    firstOfScope = changed < int(levels.scopeLevel);
    if (firstOfScope) {
      int64_t rows = drainAccesses(scopeStart);
      endScope(rows);
      // Beats keep a slab busy: the rows of the result go in between.
      if (shared)
        stall(CycleClass::SlabConflict, rows);
      ++scope;
      scopeStart = loops.index();
      touched.clear();
    }
  }
  int64_t rows = nest.drainAtEnd ? drainAccesses(scopeStart) : 0;
  drained += rows;
  // Drains go one after another.
  int64_t before = scopeDrained[~scope & 1];
  stall(CycleClass::DrainBusy, std::max<int64_t>(0, before - tileDrained));
  stall(CycleClass::Drain, std::max(tileDrained, before) + rows - now);
  stall(CycleClass::Fill, machine.pipelineCycles());
}

void ContractTimer::run(InstructionTiming &timing) {
  if (levels.outputStationary)
    outputStationary();
  else
    stationary();
  timing.queue = queue;
  timing.tiles = tiles;
  timing.loadBeats = loadBeats;

  // A network that serves beats: what the queue does, with the beats split
  // into its own sub-beats and those of others.
  auto serving = [&](int64_t busy) {
    CycleClasses classes = queue;
    classes[CycleClass::BankConflict] += classes[CycleClass::Beat] - busy;
    classes[CycleClass::Beat] = 0;
    classes[CycleClass::Busy] = busy;
    return classes;
  };
  // A network that works beside the beats.
  auto beside = [&](int64_t busy) {
    CycleClasses classes;
    classes[CycleClass::Busy] = busy;
    classes[CycleClass::IdleNoWork] = queue.total() - busy;
    return classes;
  };
  int64_t beats = queue[CycleClass::Beat];
  auto &networks = timing.networks;
  networks[size_t(Net::Stream)] = serving(beats * subBeats[levels.streamed]);
  if (levels.outputStationary) {
    networks[size_t(Net::Hold)] = serving(beats * subBeats[levels.held]);
    networks[size_t(Net::Reduce)] =
        beside(tiles * levels.peRowsInUse * subBeats[OperandC]);
  } else {
    networks[size_t(Net::Hold)] = beside(loadBeats);
    networks[size_t(Net::Reduce)] = serving(beats * subBeats[OperandC]);
  }
}

//===- ArrayWindow.cpp - A window of cycles on the array ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArrayEngine.h"

#include <algorithm>

using namespace fetta;

//===----------------------------------------------------------------------===//
// Length
//===----------------------------------------------------------------------===//

bool ArrayEngine::someoneWaitsForRows() const {
  return (blocked && blocked->cycleClass == CycleClass::WaitRow) ||
         loadWaits == CycleClass::WaitRow ||
         (reloadBlocked && reloadBlocked->cycleClass == CycleClass::WaitRow);
}

int64_t ArrayEngine::nextEvent(int64_t now) const {
  int64_t next = never;
  bool slabs = false;
  if (state == State::Beating) {
    next = std::min(next, blockEnd);
    slabs = true;
  }
  if (blocked)
    next = std::min(next, blocked->until);
  if (tileDrainBlocked)
    next = std::min(next, tileDrainBlocked->until);
  if (tileDrain == TileDrain::Runs)
    next = std::min(next, tileDrainEnd);
  if (loadRuns) {
    slabs = true;
    if (!loadWaits)
      next = std::min(next, now + (loadStepwise ? 1 : loadLeft));
  }
  if (reloadBlocked)
    next = std::min(next, reloadBlocked->until);
  else if (reloadRuns) {
    const Work &work = *workOf(reloadAt);
    int64_t left = int64_t(reloadRows.size()) * work.plan.planes - reloadNext;
    slabs = true;
    next =
        std::min(next, now + (reloadStepwise ? 1 : std::max<int64_t>(1, left)));
  }
  if (!drains.empty()) {
    const Drain &front = drains.front();
    int64_t start = std::max({now, front.firstDate, drainsEnd});
    if (someoneWaitsForRows())
      next = std::min(next, start + 1);
    int64_t end = std::max(now, drainsEnd);
    for (const Drain &drain : drains) {
      end = std::max(end, drain.firstDate) + drain.left();
      if (drain.last) {
        next = std::min(next, end);
        break;
      }
    }
    // Without beats the class of the queue's cycles changes with the drains.
    if (!workOf(arrayAt)) {
      next = std::min(next, start + std::max<int64_t>(1, front.left()));
      if (drains.back().firstDate > now)
        next = std::min(next, drains.back().firstDate);
    }
    if (slabs || start - now < windowCycles)
      slabs = true;
    else
      next = std::min(next, start);
  }
  for (const RouteQueue &queue : routeQueues)
    if (queue.runs)
      next = std::min(next, queue.end);
  return slabs ? std::min(next, now + windowCycles) : next;
}

//===----------------------------------------------------------------------===//
// Beats
//===----------------------------------------------------------------------===//

uint64_t ArrayEngine::blockBits(int64_t from, int64_t to, OperandId id) const {
  const Work &work = *workOf(arrayAt);
  const ContractPlan &plan = work.plan;
  int64_t period = plan.beatCycles, subBeats = plan.subBeats[id];
  if (subBeats >= period && !plan.overhangs(id))
    return lowBits(to - from);
  // Two operands in one slab take turns.
  bool second = period > plan.plainCycles && id == plan.levels.held;
  int64_t begin = second ? plan.subBeats[plan.levels.streamed] : 0;
  uint64_t bits = 0;
  for (int64_t cycle = from; cycle < to; ++cycle) {
    int64_t beat = (cycle - blockBegin) / period,
            subBeat = (cycle - blockBegin) % period - begin;
    if (subBeat < 0 || subBeat >= subBeats)
      continue;
    // A sub-beat beyond the tensor takes its cycle, but no slab.
    bool reads =
        !plan.overhangs(id) ||
        plan.rowOf(id,
                   plan.beatIndex(work.beats.index(), work.blockBeat + beat),
                   subBeat)
            .inside;
    bits |= uint64_t(reads) << (cycle - from);
  }
  return bits;
}

int64_t ArrayEngine::blockCount(int64_t from, int64_t to,
                                int64_t subBeats) const {
  int64_t period = workOf(arrayAt)->plan.beatCycles;
  auto upTo = [&](int64_t cycles) {
    return cycles / period * subBeats + std::min(cycles % period, subBeats);
  };
  return upTo(to - blockBegin) - upTo(from - blockBegin);
}

CycleClass ArrayEngine::waitingClass(int64_t now,
                                     uint32_t waitsForTokens) const {
  if (blocked)
    return blocked->cycleClass;
  if (state == State::TileEnd)
    return tileDrainBlocked ? tileDrainBlocked->cycleClass
                            : CycleClass::DrainBusy;
  if (waitsForTokens != nobody)
    return CycleClass::WaitSemaphore;
  if (tileDrain != TileDrain::Idle)
    return tileDrainBlocked &&
                   tileDrainBlocked->cycleClass == CycleClass::WaitRoute
               ? CycleClass::WaitRoute
               : CycleClass::Drain;
  if (drains.empty())
    return loading ? CycleClass::WaitRoute : CycleClass::IdleNoWork;
  if (now < drains.back().firstDate)
    return CycleClass::Fill;
  return drains.size() > 1 ? CycleClass::DrainBusy : CycleClass::Drain;
}

void ArrayEngine::passBeats(int64_t now, int64_t next, SlabBits &taken,
                            uint32_t waitsForTokens) {
  ResourceTrack &stream = *tracks.networks[size_t(Net::Stream)];
  ResourceTrack &hold = *tracks.networks[size_t(Net::Hold)];
  ResourceTrack &reduce = *tracks.networks[size_t(Net::Reduce)];
  const Work *work = workOf(arrayAt);
  uint32_t before = queueOwner;
  if (work)
    queueOwner = uint32_t(work->instruction);
  else if (waitsForTokens != nobody)
    queueOwner = waitsForTokens;
  if (queueOwner != before)
    timing[queueOwner].start = now;
  if (state != State::Beating || !work) {
    CycleClass waits = waitingClass(now, waitsForTokens);
    tracks.contract->add(next, waits, queueOwner);
    if (queueOwner != nobody)
      timing[queueOwner].queue[waits] += next - now;
    stream.add(next, waits, queueOwner);
    return;
  }
  const ContractPlan &plan = work->plan;
  bool both = plan.outputStationary();
  uint64_t streams = blockBits(now, next, plan.levels.streamed);
  uint64_t holds = both ? blockBits(now, next, plan.levels.held) : 0;
  InstructionTiming &t = timing[work->instruction];
  uint64_t &streamSlab = taken[size_t(plan.streamSlab())];
  uint64_t &holdSlab = taken[size_t(plan.holdSlab())];
  if ((streams & streamSlab) || (holds & holdSlab)) {
    // DMA takes a cycle of the array: the window has no other.
    blockBegin += next - now;
    blockEnd += next - now;
    t.queue[CycleClass::SlabConflict] += next - now;
    for (ResourceTrack *track : {tracks.contract, &stream})
      track->add(next, CycleClass::SlabConflict, queueOwner);
    (both ? hold : reduce).add(next, CycleClass::SlabConflict, queueOwner);
    return;
  }
  streamSlab |= streams;
  holdSlab |= holds;

  int64_t cycles = next - now;
  int64_t begun = blockCount(now, next, 1);
  int64_t plain = blockCount(now, next, plan.plainCycles);
  t.queue[CycleClass::Beat] += begun;
  t.queue[CycleClass::BankConflict] += plain - begun;
  t.queue[CycleClass::SlabConflict] += cycles - plain;
  tracks.contract->add(next, CycleClass::Beat, queueOwner);
  tracks.contract->recount(CycleClass::Beat, CycleClass::BankConflict,
                           plain - begun);
  tracks.contract->recount(CycleClass::Beat, CycleClass::SlabConflict,
                           cycles - plain);
  auto serve = [&](ResourceTrack &track, OperandId id) {
    track.add(next, CycleClass::Busy, queueOwner);
    int64_t busy = blockCount(now, next, plan.subBeats[id]);
    track.recount(CycleClass::Busy, CycleClass::SlabConflict, cycles - plain);
    track.recount(CycleClass::Busy, CycleClass::BankConflict, plain - busy);
  };
  serve(stream, plan.levels.streamed);
  serve(both ? hold : reduce, both ? plan.levels.held : OperandC);
}

//===----------------------------------------------------------------------===//
// Beside the beats
//===----------------------------------------------------------------------===//

void ArrayEngine::passTileDrain(int64_t now, int64_t next) {
  ResourceTrack &reduce = *tracks.networks[size_t(Net::Reduce)];
  if (tileDrain == TileDrain::Runs)
    reduce.add(std::min(next, tileDrainEnd), CycleClass::Busy,
               uint32_t(tileWork->instruction));
  reduce.add(next, CycleClass::IdleNoWork, nobody);
  (void)now;
}

void ArrayEngine::passLoader(int64_t now, int64_t next, SlabBits &taken) {
  ResourceTrack &hold = *tracks.networks[size_t(Net::Hold)];
  Work *work = workOf(released[size_t(Net::Hold)]);
  uint32_t owner = work ? uint32_t(work->instruction) : nobody;
  if (loadWaits && work)
    hold.add(next, *loadWaits, owner);
  if (!loadRuns || loadWaits || !work) {
    hold.add(next, CycleClass::IdleNoWork, nobody);
    return;
  }
  const ContractPlan &plan = work->plan;
  uint64_t &slab = taken[size_t(plan.holdSlab())];
  bool beyond =
      loadStepwise &&
      !plan.rowOfLoad(work->loads.index(), plan.loadBeats - loadLeft).inside;
  uint64_t free = beyond ? 1 : ~slab & lowBits(next - now);
  uint64_t used = firstBits(free, loadLeft);
  if (!beyond)
    slab |= used;
  loadLeft -= llvm::popcount(used);
  int64_t end = loadLeft ? next : now + bitsEnd(used);
  hold.add(end, CycleClass::Busy, owner);
  hold.recount(CycleClass::Busy, CycleClass::SlabConflict,
               end - now - llvm::popcount(used));
  hold.add(next, CycleClass::IdleNoWork, nobody);
  if (loadLeft)
    return;
  loadRuns = false;
  work->loads.advance(plan.levels.tileLevel);
  if (++work->tilesLoaded == plan.tiles)
    released[size_t(Net::Hold)] = work->id + 1;
}

void ArrayEngine::passDrains(int64_t now, int64_t next, SlabBits &taken) {
  int64_t cycles = next - now;
  while (!drains.empty()) {
    Drain &drain = drains.front();
    int64_t begin = std::max({now, drain.firstDate, drainsEnd});
    if (begin >= next)
      return;
    if (drain.start < 0)
      drain.start = begin;
    if (drain.left() == 0) {
      endDrain(begin);
      continue;
    }
    const ContractPlan &plan = drain.work->plan;
    uint64_t &slab = taken[size_t(plan.slab(OperandC))];
    uint64_t free = ~slab & lowBits(cycles) & ~lowBits(begin - now);
    uint64_t used = firstBits(free, drain.left());
    slab |= used;
    int64_t count = llvm::popcount(used);
    std::vector<int32_t> &pending = pendingRows[size_t(plan.slab(OperandC))];
    for (int64_t i = drain.next; i < drain.next + count; ++i) {
      int64_t row = drain.rows[size_t(i / plan.planes)] + i % plan.planes;
      --pending[size_t(row)];
    }
    drain.next += count;
    if (drain.left()) {
      drain.conflicts += next - begin - count;
      return;
    }
    int64_t end = now + bitsEnd(used);
    drain.conflicts += end - begin - count;
    endDrain(end);
  }
}

void ArrayEngine::passReload(int64_t now, int64_t next, SlabBits &taken) {
  if (!reloadRuns || reloadBlocked)
    return;
  Work &work = *workOf(reloadAt);
  size_t sums = size_t(work.contract.nest.sumsPlace().slab);
  uint64_t &slab = taken[sums];
  int64_t left =
      int64_t(reloadRows.size()) * ContractPlan::sumPlanes - reloadNext;
  uint64_t used = firstBits(~slab & lowBits(next - now), left);
  slab |= used;
  int64_t count = llvm::popcount(used);
  reloadNext += count;
  int64_t scope = work.firstScope + work.scopesReloaded;
  int64_t end = count == left && count ? now + bitsEnd(used) : next;
  ResourceTrack &half = *tracks.halves[size_t(scope & 1)];
  half.add(now, CycleClass::IdleNoWork, nobody);
  half.add(end, CycleClass::Reload, uint32_t(work.instruction));
  half.recount(CycleClass::Reload, CycleClass::SlabConflict, end - now - count);
  timing[work.instruction].reloadedRows += count;
  accesses[sums][0] += count;
  if (count < left)
    return;
  reloadRuns = false;
  ++work.scopesReloaded;
  work.reloads.advance(work.plan.levels.scopeLevel);
}

void ArrayEngine::passRoutes(int64_t next) {
  for (size_t net = 0; net < 3; ++net) {
    const RouteQueue &queue = routeQueues[net];
    ResourceTrack &track = *tracks.routes[net];
    if (queue.requests.empty())
      track.add(next, CycleClass::IdleNoWork, nobody);
    else
      track.add(next, queue.runs ? CycleClass::Busy : CycleClass::WaitSlot,
                uint32_t(queue.requests.front().instruction));
  }
}

void ArrayEngine::advance(int64_t now, int64_t next, SlabBits &taken,
                          uint32_t waitsForTokens) {
  // In order of precedence on the slabs.
  passBeats(now, next, taken, waitsForTokens);
  passLoader(now, next, taken);
  passTileDrain(now, next);
  passDrains(now, next, taken);
  passReload(now, next, taken);
  passRoutes(next);
}

//===- ArrayEngine.cpp - What begins and ends on the array ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArrayEngine.h"

#include "fetta/Simulator/Functional.h"

#include <algorithm>

using namespace fetta;

ArrayEngine::ArrayEngine(const Program &program, ArrayTracks tracks,
                         std::vector<InstructionTiming> &timing)
    : program(program), machine(program.machine), tracks(tracks),
      timing(timing), pipeline(machine.pipelineCycles()),
      pendingRows(size_t(machine.slabs)), accesses(size_t(machine.slabs)),
      writers(program.tensors.size(), 0), lossOf(program.tensors.size(), -1) {
  for (size_t t = 0; t < program.tensors.size(); ++t) {
    llvm::StringRef name = program.tensors[t].name;
    if (!isPreloaded(program.tensors[t].role) || !name.consume_front("d_"))
      continue;
    for (size_t r = 0; r < program.tensors.size(); ++r)
      if (program.tensors[r].role == TensorRole::Result &&
          program.tensors[r].name == name)
        lossOf[t] = int64_t(r);
  }
}

ArrayEngine::Work *ArrayEngine::workOf(uint64_t id) const {
  bool live = id >= firstWork && id < firstWork + works.size();
  return live ? works[size_t(id - firstWork)].get() : nullptr;
}

//===----------------------------------------------------------------------===//
// Issue
//===----------------------------------------------------------------------===//

bool ArrayEngine::shadowFree() const {
  const Work *last = issuedWorks ? workOf(issuedWorks - 1) : nullptr;
  return !last || last->tilesBegun == last->plan.tiles;
}

void ArrayEngine::issueRoute(size_t instruction, int64_t now) {
  const auto &load = std::get<LoadRoute>(program.code[instruction]);
  RouteQueue &queue = routeQueues[size_t(load.net)];
  int64_t cycles =
      int64_t(llvm::divideCeil(uint64_t(routeBytes(program.routes[load.route])),
                               uint64_t(machine.routeBytesPerCycle)));
  queue.requests.push_back(
      {++queue.asked, instruction, cycles, queue.slotUser[load.slot]});
  queue.slotRequest[load.slot] = queue.asked;
  timing[instruction].start = now;
  ++loading;
}

void ArrayEngine::issueContract(size_t instruction, int64_t now) {
  const auto &contract = std::get<Contract>(program.code[instruction]);
  auto work = std::make_unique<Work>(instruction, contract, machine);
  work->id = issuedWorks++;
  work->firstScope = scopesIssued - (contract.nest.clearAtStart ? 0 : 1);
  work->newScope = work->newScopeOfTile =
      contract.nest.clearAtStart || contract.nest.accumulate;
  scopesIssued = work->firstScope + work->plan.scopes;
  if (contract.nest.clearAtStart || !lastTouched)
    lastTouched = std::make_shared<Touched>();
  work->touched = lastTouched;
  for (size_t net = 0; net < 3; ++net) {
    RouteQueue &queue = routeQueues[net];
    work->routeNumber[net] = queue.slotRequest[contract.slots[net]];
    queue.slotUser[contract.slots[net]] = issuedWorks;
  }
  for (OperandId id : {OperandA, OperandB}) {
    uint32_t tensor = contract.tensors[id];
    if (tensor < lossOf.size() && lossOf[tensor] >= 0)
      work->lossAfter[id] = writers[size_t(lossOf[tensor])];
  }
  if (contract.tensors[OperandC] < writers.size())
    writers[contract.tensors[OperandC]] = issuedWorks;
  InstructionTiming &t = timing[instruction];
  t.issued = now;
  t.tiles = work->plan.tiles;
  t.loadBeats = work->plan.tiles * work->plan.loadBeats;
  for (OperandId id : {OperandA, OperandB})
    accesses[size_t(work->plan.slab(id))][0] += work->plan.accesses(id);
  works.push_back(std::move(work));
}

//===----------------------------------------------------------------------===//
// Rows, routes, losses, accumulators
//===----------------------------------------------------------------------===//

void ArrayEngine::markPending(Work &work) {
  const Nest &nest = work.contract.nest;
  std::vector<int32_t> rows;
  std::vector<int32_t> &pending = pendingRows[size_t(nest.c().slab)];
  LoopCounters scopes(nest);
  do {
    work.plan.scopeRows(scopes.index(), rows);
    for (int32_t row : rows)
      for (int64_t plane = 0; plane < work.plan.planes; ++plane) {
        size_t at = size_t(row + plane);
        if (at >= pending.size())
          pending.resize(at + 1, 0);
        ++pending[at];
      }
  } while (scopes.advance(nest.scopeLevel) >= 0);
  auto [first, last] = work.plan.rowRange(OperandC);
  pendings.push_back({work.id, nest.c().slab, first, last});
}

bool ArrayEngine::mayBePending(const Work &work, int64_t slab,
                               std::pair<int64_t, int64_t> rows) const {
  return llvm::any_of(pendings, [&](const Pending &pending) {
    return pending.work != work.id && pending.slab == slab &&
           pending.first <= rows.second && rows.first <= pending.last;
  });
}

bool ArrayEngine::isPending(int64_t slab, const ContractPlan::Row &row) const {
  const std::vector<int32_t> &pending = pendingRows[size_t(slab)];
  return row.inside && row.row < int64_t(pending.size()) &&
         pending[size_t(row.row)] > 0;
}

bool ArrayEngine::routeReady(const Work &work, Net net) const {
  return routeQueues[size_t(net)].served >= work.routeNumber[size_t(net)];
}

bool ArrayEngine::lossPassed(const Work &work, OperandId id) const {
  for (uint64_t w = firstWork; w < work.lossAfter[id]; ++w)
    if (const Work *writer = workOf(w); writer && !writer->completed)
      return false;
  return true;
}

int64_t ArrayEngine::drainEnd(int64_t scope, int64_t now,
                              int64_t &conflicts) const {
  int64_t end = std::max(now, drainsEnd);
  conflicts = 0;
  for (const Drain &drain : drains) {
    end = std::max(end, drain.firstDate) + drain.left();
    conflicts += drain.conflicts;
    if (drain.scope >= scope)
      return end;
  }
  return never;
}

std::optional<ArrayEngine::Blocked>
ArrayEngine::waitsForHalf(const Work &work, int64_t scope, int64_t now) const {
  if (work.contract.nest.accumulate) {
    if (work.scopesReloaded > scope)
      return std::nullopt;
    if (!reloadRuns || reloadBlocked)
      return Blocked{reloadBlocked ? reloadBlocked->cycleClass
                                   : CycleClass::DrainBusy,
                     never};
    return Blocked{CycleClass::Reload, never};
  }
  int64_t before = work.firstScope + scope - 2;
  if (drainedScopes > before)
    return std::nullopt;
  // What is issued now reaches the accumulators a pipeline later.
  int64_t conflicts;
  int64_t free = drainEnd(before, now, conflicts) - pipeline - work.plan.sumLag;
  if (free <= now)
    return std::nullopt;
  if (now < free - conflicts)
    return Blocked{CycleClass::DrainBusy, free - conflicts};
  return Blocked{CycleClass::SlabConflict, free};
}

std::optional<ArrayEngine::Blocked>
ArrayEngine::waitsForWords(Work &work, const ModeIndex &index,
                           const ModeIndex &scopeStart, int64_t now) {
  if (machine.latency.fp32Add <= 1)
    return std::nullopt;
  bool touches = false; // A beat beyond the result adds to nothing.
  for (int64_t s = 0; s < work.plan.subBeats[OperandC]; ++s)
    touches |= work.plan.ports[OperandC].access(index, uint32_t(s)).inside;
  if (!touches)
    return std::nullopt;
  auto it = work.touched->find(work.plan.words(index, scopeStart));
  if (it == work.touched->end())
    return std::nullopt;
  int64_t free = it->second + machine.latency.fp32Add;
  if (now < free)
    return Blocked{CycleClass::AccHazard, free};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Beats
//===----------------------------------------------------------------------===//

std::optional<ArrayEngine::Blocked>
ArrayEngine::waitsForLoad(const Work &work, int64_t now) const {
  if (work.tilesLoaded > work.tilesBegun)
    return std::nullopt;
  if (loadWaits)
    return Blocked{*loadWaits, never};
  if (now >= loadIdealEnd)
    return Blocked{CycleClass::SlabConflict, never};
  return Blocked{work.tilesBegun == 0 ? CycleClass::FirstLoad
                                      : CycleClass::StationaryReload,
                 loadIdealEnd};
}

std::optional<ArrayEngine::Blocked> ArrayEngine::tileBlocker(int64_t now) {
  Work &work = *workOf(arrayAt);
  const ContractPlan &plan = work.plan;
  if (!plan.outputStationary()) {
    if (work.newTile)
      if (auto blocked = waitsForLoad(work, now))
        return blocked;
    if (tileDrain != TileDrain::Idle)
      return tileDrainBlocked ? tileDrainBlocked
                              : Blocked{CycleClass::DrainBusy, tileDrainEnd};
  }
  Net other = plan.outputStationary() ? Net::Hold : Net::Reduce;
  if (!routeReady(work, Net::Stream) || !routeReady(work, other))
    return Blocked{CycleClass::WaitRoute, never};
  if (!plan.outputStationary() && work.newScope)
    if (auto blocked = waitsForHalf(work, work.scope, now))
      return blocked;
  return plan.outputStationary()
             ? std::nullopt
             : waitsForWords(work,
                             plan.beatIndex(work.beats.index(), work.blockBeat),
                             work.scopeStart, now);
}

void ArrayEngine::beginTile(int64_t now) {
  Work &work = *workOf(arrayAt);
  if (work.tilesBegun == 0 && work.contract.nest.drainAtEnd)
    markPending(work);
  if (work.newTile)
    ++work.tilesBegun;
  if (!work.plan.outputStationary() && work.newScope)
    scopeBegin[size_t(work.scopeNumber() & 1)] = now;
  work.newTile = work.newScope = false;
  work.tileBegun = true;
}

std::optional<ArrayEngine::Blocked> ArrayEngine::beatBlocker(int64_t now) {
  Work &work = *workOf(arrayAt);
  const ContractPlan &plan = work.plan;
  if (!lossPassed(work, plan.levels.streamed) ||
      (plan.outputStationary() && !lossPassed(work, plan.levels.held)))
    return Blocked{CycleClass::WaitLoss, never};
  if (now < earliestBeat)
    return Blocked{CycleClass::AccHazard, earliestBeat};
  if (!beatByBeat(work))
    return std::nullopt;
  ModeIndex index = plan.beatIndex(work.beats.index(), work.blockBeat);
  auto operandWaits = [&](OperandId id) {
    for (int64_t s = 0; s < plan.subBeats[id]; ++s)
      if (isPending(plan.slab(id), plan.rowOf(id, index, s)))
        return true;
    return false;
  };
  if (operandWaits(plan.levels.streamed) ||
      (plan.outputStationary() && operandWaits(plan.levels.held)))
    return Blocked{CycleClass::WaitRow, never};
  return plan.outputStationary()
             ? std::nullopt
             : waitsForWords(work, index, work.scopeStart, now);
}

bool ArrayEngine::beatByBeat(const Work &work) const {
  const ContractPlan &plan = work.plan;
  return machine.latency.fp32Add > 1 ||
         mayBePending(work, plan.levels.streamed) ||
         (plan.outputStationary() && mayBePending(work, plan.levels.held));
}

void ArrayEngine::beginBlock(int64_t now) {
  Work &work = *workOf(arrayAt);
  const ContractPlan &plan = work.plan;
  chunkBeats = beatByBeat(work) ? 1 : plan.blockBeats - work.blockBeat;
  if (machine.latency.fp32Add > 1) {
    if (!plan.outputStationary())
      (*work.touched)[plan.words(
          plan.beatIndex(work.beats.index(), work.blockBeat),
          work.scopeStart)] = now;
    // One register per PE: neighbouring beats of a tile add to the same word.
    else if (work.blockBeat + 1 < plan.blockBeats)
      earliestBeat = now + machine.latency.fp32Add;
  }
  blockBegin = now;
  blockEnd = now + chunkBeats * plan.beatCycles;
  state = State::Beating;
  ++eventCount;
}

void ArrayEngine::endBlock(int64_t now) {
  Work &work = *workOf(arrayAt);
  state = State::Ready;
  work.blockBeat += chunkBeats;
  if (work.blockBeat < work.plan.blockBeats)
    return;
  work.blockBeat = 0;
  if (work.plan.outputStationary()) {
    state = State::TileEnd;
    return;
  }
  int changed = work.beats.advance(work.plan.blockLevel);
  if (changed < 0) {
    released[size_t(Net::Stream)] = released[size_t(Net::Reduce)] = work.id + 1;
    ++arrayAt;
    endScope(work, work.scopeStart, work.scopeNumber(), now, true);
    return;
  }
  work.newTile = changed < int(work.plan.levels.tileLevel);
  work.newScope = changed < int(work.plan.levels.scopeLevel);
  work.tileBegun = false;
  if (!work.newScope)
    return;
  endScope(work, work.scopeStart, work.scopeNumber(), now, false);
  work.scopeStart = work.beats.index();
  ++work.scope;
  work.touched->clear();
}

/// The output-stationary tile hands its sums to the tile drain.
void ArrayEngine::endTile() {
  Work &work = *workOf(arrayAt);
  state = State::Ready;
  tileDrain = TileDrain::Waiting;
  tileWork = &work;
  tileIndex = work.beats.index();
  tileScopeStart = work.scopeStart;
  tileScope = work.scope;
  tileFirstOfScope = work.newScopeOfTile;
  int changed = work.beats.advance(work.plan.blockLevel);
  tileLast = changed < 0;
  tileEndsScope = changed < int(work.plan.levels.scopeLevel);
  work.newTile = true;
  work.tileBegun = false;
  work.newScopeOfTile = tileEndsScope;
  if (tileLast) {
    released[size_t(Net::Stream)] = released[size_t(Net::Hold)] = work.id + 1;
    ++arrayAt;
  } else if (tileEndsScope) {
    work.scopeStart = work.beats.index();
    ++work.scope;
    work.touched->clear();
  }
}

//===----------------------------------------------------------------------===//
// Drains and the end of a contraction
//===----------------------------------------------------------------------===//

void ArrayEngine::endScope(Work &work, const ModeIndex &scopeStart,
                           int64_t scope, int64_t end, bool last) {
  Drain drain;
  drain.work = &work;
  drain.scope = scope;
  drain.firstDate = end + pipeline + work.plan.sumLag;
  drain.begin = scopeBegin[size_t(scope & 1)];
  drain.last = last;
  drain.stays = last && !work.contract.nest.drainAtEnd;
  if (!drain.stays)
    work.plan.scopeRows(scopeStart, drain.rows);
  timing[work.instruction].drainedRows +=
      int64_t(drain.rows.size()) * work.plan.planes;
  accesses[size_t(work.plan.slab(OperandC))][1] += drain.left();
  drains.push_back(std::move(drain));
  ++eventCount;
}

void ArrayEngine::endDrain(int64_t end) {
  Drain &drain = drains.front();
  Work &work = *drain.work;
  if (!drain.stays) {
    ResourceTrack &half = *tracks.halves[size_t(drain.scope & 1)];
    uint32_t owner = uint32_t(work.instruction);
    half.add(drain.begin + pipeline, CycleClass::IdleNoWork, nobody);
    half.add(drain.firstDate, CycleClass::Busy, owner);
    half.add(drain.start < 0 ? end : drain.start, CycleClass::DrainBusy, owner);
    half.add(end, CycleClass::Drain, owner);
    half.recount(CycleClass::Drain, CycleClass::SlabConflict, drain.conflicts);
    drainedScopes = drain.scope + 1;
  }
  drainsEnd = std::max(drainsEnd, end);
  bool last = drain.last;
  drains.pop_front();
  if (last)
    finishWork(work, end);
}

void ArrayEngine::finishWork(Work &work, int64_t now) {
  work.completed = true;
  timing[work.instruction].end = now;
  completed.push_back(work.instruction);
  llvm::erase_if(pendings, [&](const Pending &p) { return p.work == work.id; });
}

/// Those that write nothing; the others end in a window.
bool ArrayEngine::settleDrains(int64_t now) {
  bool changed = false;
  while (!drains.empty() && drains.front().left() == 0 &&
         drains.front().firstDate <= now) {
    endDrain(now);
    changed = true;
  }
  return changed;
}

bool ArrayEngine::settleTileDrain(int64_t now) {
  tileDrainBlocked.reset();
  if (tileDrain == TileDrain::Runs && tileDrainEnd <= now) {
    tileDrain = TileDrain::Idle;
    Work &work = *tileWork;
    if (tileEndsScope)
      endScope(work, tileScopeStart, work.firstScope + tileScope, tileDrainEnd,
               tileLast);
    if (tileLast)
      released[size_t(Net::Reduce)] = work.id + 1;
    return true;
  }
  if (tileDrain != TileDrain::Waiting)
    return false;
  Work &work = *tileWork;
  if (!routeReady(work, Net::Reduce))
    tileDrainBlocked = Blocked{CycleClass::WaitRoute, never};
  else if (tileFirstOfScope)
    tileDrainBlocked = waitsForHalf(work, tileScope, now);
  if (!tileDrainBlocked)
    tileDrainBlocked = waitsForWords(work, tileIndex, tileScopeStart, now);
  if (tileDrainBlocked)
    return false;
  if (machine.latency.fp32Add > 1)
    (*work.touched)[work.plan.words(tileIndex, tileScopeStart)] = now;
  if (tileFirstOfScope)
    scopeBegin[size_t((work.firstScope + tileScope) & 1)] = now;
  tileDrain = TileDrain::Runs;
  tileDrainEnd = now + work.plan.tileDrain;
  ++eventCount;
  return true;
}

bool ArrayEngine::settle(int64_t now) {
  bool changed = settleRoutes(now);
  changed |= settleTileDrain(now);
  changed |= settleDrains(now);
  if (state == State::Beating && blockEnd <= now) {
    endBlock(now);
    changed = true;
  }
  if (state == State::TileEnd && tileDrain == TileDrain::Idle) {
    endTile();
    settleTileDrain(now);
    changed = true;
  }
  // What the array says it waits for, these must have settled.
  changed |= settleLoader(now);
  changed |= settleReload(now);
  blocked.reset();
  if (state == State::Ready && workOf(arrayAt)) {
    if (!workOf(arrayAt)->tileBegun) {
      blocked = tileBlocker(now);
      if (!blocked) {
        beginTile(now);
        changed = true;
      }
    }
    if (!blocked)
      blocked = beatBlocker(now);
    if (!blocked) {
      beginBlock(now);
      changed = true;
    }
  }
  while (!works.empty() && works.front()->completed &&
         works.front()->id < arrayAt) {
    works.pop_front();
    ++firstWork;
  }
  return changed;
}

//===- Level2Beats.cpp - Beats, cycle by cycle ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Level2Engine.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace fetta;
using namespace fetta::level2;

SumTarget Engine::target(size_t job, Access access, size_t scope) const {
  SumTarget target;
  target.route = jobs[job].routes[size_t(Net::Reduce)]->route;
  target.access = std::move(access);
  target.job = job;
  target.scope = scope;
  return target;
}

/// Sub-beat s of the targets adds s cycles after the first. With a slow adder
/// two additions to one word keep their distance.
bool Engine::mayTouchWords(const std::vector<SumTarget> &targets,
                           int64_t first) {
  if (machine.latency.fp32Add == 1)
    return true;
  for (size_t s = 0; s < targets.size(); ++s) {
    const Access &access = targets[s].access;
    const NestView &view = jobs[targets[s].job].view;
    for (uint32_t lane = 0; lane < access.lanes.size() && access.inside; ++lane)
      if (access.lanes[lane] &&
          touched[targets[s].scope & 1]
                 [size_t(access.accumulatorRow * machine.lanes()) +
                  view.resultBank(lane, access.flips)] +
                  machine.latency.fp32Add >
              first + int64_t(s))
        return false;
  }
  return true;
}

void Engine::touchWords(const std::vector<SumTarget> &targets, int64_t first) {
  for (const SumTarget &target : targets)
    if (target.access.inside && llvm::is_contained(target.access.lanes, 1))
      scopes[target.scope].rows.insert(target.access.accumulatorRow);
  if (machine.latency.fp32Add == 1)
    return;
  for (size_t s = 0; s < targets.size(); ++s) {
    const Access &access = targets[s].access;
    const NestView &view = jobs[targets[s].job].view;
    for (uint32_t lane = 0; lane < access.lanes.size() && access.inside; ++lane)
      if (access.lanes[lane])
        touched[targets[s].scope & 1]
               [size_t(access.accumulatorRow * machine.lanes()) +
                view.resultBank(lane, access.flips)] = first + int64_t(s);
  }
}

bool Engine::mayBeginBeat() {
  if (beatJob >= jobs.size() || beatEnded >= now)
    return false;
  Job &job = jobs[beatJob];
  const NestView &view = job.view;
  bool output = view.outputStationary();
  // Prepared once, however long it waits.
  if (!control) {
    beat = view.beat(beatNumber);
    control = std::make_shared<BeatControl>();
    control->instruction = job.instruction;
    control->outputStationary = output;
    control->firstOfTile = beat.firstOfTile;
  }
  if (!isReady(job, Net::Stream) ||
      !isReady(job, output ? Net::Hold : Net::Reduce))
    return false;
  if (!output && beat.firstOfTile && job.loaded[size_t(job.tilesBegun)] >= now)
    return false;
  // The reduction network works in order.
  if (!output && beatNumber == 0 &&
      (!tileDrains.empty() || tileDrainEnd >= now))
    return false;
  // Output-stationary beats do not touch the accumulators, their drains do.
  bool newScope =
      beat.firstOfScope && (beatNumber > 0 || job.contract->nest.clearAtStart);
  if (newScope && !output && !halfIsFree(view))
    return false;
  if (output && !beat.firstOfTile) { // Each PE adds to its register.
    int64_t a = view.subBeats(OperandA), b = view.subBeats(OperandB);
    bool oneSlab = view.nest().a().slab == view.nest().b().slab;
    int64_t cycles = oneSlab ? a + b : std::max(a, b);
    if (tileTouched + machine.latency.fp32Add > now + cycles - 1)
      return false;
  }
  if (!output) {
    size_t next = scopes.size() - !newScope;
    targets.clear();
    for (int64_t s = 0; s < view.subBeats(OperandC); ++s)
      targets.push_back(target(beatJob, view.result(beat, s), next));
    // The first sums of a scope are assigned, not added.
    if (!newScope &&
        !mayTouchWords(targets, now + view.subBeats(view.streamed()) - 1))
      return false;
  }
  return true;
}

void Engine::beginBeat() {
  Job &job = jobs[beatJob];
  const Nest &nest = job.contract->nest;
  if (beatNumber == 0) {
    job.firstBeat = now;
    bool wide = nest.c().elementType == ElementType::F32;
    for (auto [row, drains] : job.view.writtenRows())
      for (int64_t plane = 0; plane < (wide ? 2 : 1); ++plane)
        unwritten[size_t(nest.c().slab)][size_t(row + plane)] +=
            job.unwritten[row + plane] = drains;
  }
  bool newScope = beat.firstOfScope && (beatNumber > 0 || nest.clearAtStart);
  if (job.view.outputStationary()) {
    if (beat.firstOfTile)
      tileOpensScope = newScope;
  } else if (newScope) {
    openScope(beatJob);
  }
  if (beat.firstOfTile) {
    if (job.view.outputStationary())
      sumRegisters ^= 1;
    else
      control->weights = job.registers[size_t(job.tilesBegun)];
    ++job.tilesBegun;
  } else if (!job.view.outputStationary()) {
    control->weights = job.registers[size_t(job.tilesBegun - 1)];
  }
  control->sums = sumRegisters;
  inBeat = true;
  beatBegan = now;
  streamedSubBeat = heldSubBeat = 0;
}

/// A tile may not end before the drain of the one before has.
bool Engine::mayEndTile() const {
  return !beat.lastOfTile || (tileDrains.empty() && tileDrainEnd <= now);
}

void Engine::sendStreamed() {
  Job &job = jobs[beatJob];
  const NestView &view = job.view;
  bool output = view.outputStationary();
  int64_t count = view.subBeats(view.streamed());
  if (streamedSubBeat == count)
    return;
  bool last = streamedSubBeat + 1 == count;
  // Sums leave the columns after the last word has entered them.
  if (last && !output && reduceTaken >= now)
    return;
  if (last && output && heldSubBeat == view.subBeats(view.held()) &&
      !mayEndTile())
    return;
  Access access = view.read(view.streamed(), beat.index, streamedSubBeat);
  if (!claim(job, view.streamed(), access))
    return;
  auto row =
      readRow(access, *job.routes[size_t(Net::Stream)]->route, view.streamed());
  row->beat = control;
  row->first = streamedSubBeat == 0;
  row->last = last;
  if (last && !output) {
    bool ends = beat.lastOfScope && (beatNumber + 1 < view.beats() ||
                                     job.contract->nest.drainAtEnd);
    targets.back().endsScope = ends;
    targets.back().endsJob = beatNumber + 1 == view.beats();
    touchWords(targets, now);
    reduceTaken = now + int64_t(targets.size()) - 1;
    if (ends)
      closeScope(scopes.size() - 1, beatJob, targets.back().endsJob);
    row->targets = std::move(targets);
    targets.clear();
  }
  stream.pipe().enter(std::move(row));
  streamedAt = now;
  ++streamedSubBeat;
}

void Engine::sendHeld() {
  Job &job = jobs[beatJob];
  const NestView &view = job.view;
  int64_t count = view.subBeats(view.held());
  if (heldSubBeat == count)
    return;
  bool last = heldSubBeat + 1 == count;
  if (last && streamedSubBeat == view.subBeats(view.streamed()) &&
      !mayEndTile())
    return;
  // Operands in one slab take turns, beyond an edge too.
  if (streamedAt == now && view.nest().a().slab == view.nest().b().slab)
    return;
  Access access = view.read(view.held(), beat.index, heldSubBeat);
  if (!claim(job, view.held(), access))
    return;
  auto row =
      readRow(access, *job.routes[size_t(Net::Hold)]->route, view.held());
  row->beat = control;
  row->first = heldSubBeat == 0;
  row->last = last;
  hold.pipe().enter(std::move(row));
  ++heldSubBeat;
}

void Engine::endBeat() {
  Job &job = jobs[beatJob];
  const NestView &view = job.view;
  bool output = view.outputStationary();
  inBeat = false;
  beatEnded = now;
  tileTouched = now;
  ++counters.beats;
  counters.tiles += beat.firstOfTile;
  bool last = beatNumber + 1 == view.beats();
  if (output && beat.lastOfTile) {
    bool ends = beat.lastOfScope && (!last || job.contract->nest.drainAtEnd);
    tileDrains.push_back(
        {beatJob, beat, control, tileOpensScope, ends, last, now});
  }
  control.reset();
  ++beatNumber;
  if (!last)
    return;
  job.beatsEnd = now;
  beatNumber = 0;
  ++beatJob;
}

void Engine::beats() {
  if (!inBeat && mayBeginBeat())
    beginBeat();
  if (!inBeat)
    return;
  const NestView &view = jobs[beatJob].view;
  bool output = view.outputStationary();
  sendStreamed();
  if (output)
    sendHeld();
  bool sent = streamedSubBeat == view.subBeats(view.streamed()) &&
              (!output || heldSubBeat == view.subBeats(view.held()));
  int64_t least = output ? 1 : view.subBeats(OperandC);
  if (sent && now >= beatBegan + least - 1)
    endBeat();
}

void Engine::drainTiles() {
  if (tileDrains.empty())
    return;
  TileDrain &drain = tileDrains.front();
  Job &job = jobs[drain.job];
  const NestView &view = job.view;
  // Begins in the cycle after the tile's last beat.
  if (drain.ended >= now || reduceTaken >= now || !isReady(job, Net::Reduce))
    return;
  bool opens = tileDrainRow == 0 && drain.opensScope;
  if (opens && !halfIsFree(view))
    return;
  size_t scope = scopes.size() - !opens;
  std::vector<SumTarget> sums;
  uint32_t peRow = view.peRowsInUse()[tileDrainRow];
  for (int64_t s = 0; s < view.subBeats(OperandC); ++s)
    sums.push_back(target(drain.job, view.drain(drain.beat, peRow, s), scope));
  if (!opens && !mayTouchWords(sums, now))
    return;
  if (opens)
    openScope(drain.job);
  touchWords(sums, now);
  bool last = tileDrainRow + 1 == view.peRowsInUse().size();
  sums.back().endsScope = last && drain.endsScope;
  sums.back().endsJob = last && drain.endsJob;
  reduceTaken = now + int64_t(sums.size()) - 1;
  if (sums.back().endsScope)
    closeScope(scope, drain.job, drain.endsJob);
  lastActivity = now;
  counters.tileDrainBeats += int64_t(sums.size());
  auto packet = std::make_unique<ColumnPacket>();
  packet->beat = drain.control;
  packet->drainsTile = true;
  packet->peRow = peRow;
  packet->targets = std::move(sums);
  array.drainTile(std::move(packet));
  ++tileDrainRow;
  if (!last)
    return;
  tileDrainRow = 0;
  tileDrainEnd = reduceTaken;
  if (drain.endsJob)
    job.tileDrainsEnd = tileDrainEnd;
  tileDrains.pop_front();
}

//===- Level2.cpp - The machine cycle by cycle ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Level2Engine.h"

#include "fetta/Simulator/Functional.h"
#include "fetta/Support/BFloat16.h"
#include "fetta/Support/Error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"

#include <algorithm>

using namespace fetta;
using namespace fetta::level2;

int64_t Job::lastUse(Net net) const {
  bool output = view.outputStationary();
  switch (net) {
  case Net::Stream:
    return beatsEnd;
  case Net::Hold:
    return output ? beatsEnd : loadsEnd;
  case Net::Reduce:
    return output ? tileDrainsEnd : beatsEnd;
  }
  return Never;
}

Engine::Engine(const Program &program, TensorMemory &memory, DramMemory &dram,
               DramModel model)
    : program(program), machine(program.machine), memory(memory), dram(dram),
      model(model), portTaken(size_t(machine.slabs)),
      unwritten(size_t(machine.slabs),
                std::vector<int64_t>(size_t(machine.rowsPerSlab), 0)),
      stream(machine), hold(machine), array(machine, counters),
      reduction(machine), accumulators(machine.accumulationCycles()) {
  for (unsigned net = 0; net < 3; ++net) {
    slots[net].resize(size_t(machine.routeSlots));
    slotUsers[net].resize(size_t(machine.routeSlots));
  }
  sortQueues();
  size_t lanes = size_t(machine.lanes());
  for (unsigned h = 0; h < 2; ++h) {
    halves[h].rows.assign(size_t(machine.accumulatorRows),
                          {std::vector<float>(lanes), {}, -1});
    for (SumRow &row : halves[h].rows)
      row.valid.assign(lanes, 0);
    if (machine.latency.fp32Add > 1)
      touched[h].assign(halves[h].rows.size() * lanes,
                        -machine.latency.fp32Add);
  }
}

//===----------------------------------------------------------------------===//
// Slabs
//===----------------------------------------------------------------------===//

bool Engine::claim(const Job &job, OperandId operand, const Access &access) {
  if (!lossPassed(job, operand))
    return false;
  if (!access.inside)
    return true;
  if (portTaken[size_t(access.slab)] ||
      unwritten[size_t(access.slab)][size_t(access.row)] > 0)
    return false;
  portTaken[size_t(access.slab)] = 1;
  ++counters.rowReads;
  return true;
}

std::unique_ptr<RowPacket>
Engine::readRow(const Access &access, const Route &route, OperandId operand) {
  auto row = std::make_unique<RowPacket>();
  row->route = &route;
  row->flips = access.flips;
  row->captures = access.lanes;
  row->reads = access.inside;
  row->operand = operand;
  row->slab = access.slab;
  row->row = access.row;
  if (access.inside) {
    const uint16_t *words = memory.row(access.slab, access.row);
    const uint8_t *known = memory.written(access.slab, access.row);
    row->words.assign(words, words + machine.lanes());
    row->known.assign(known, known + machine.lanes());
  }
  lastActivity = now;
  return row;
}

//===----------------------------------------------------------------------===//
// Stationary loads
//===----------------------------------------------------------------------===//

void Engine::loads() {
  if (loadJob >= jobs.size())
    return;
  Job *job = &jobs[loadJob];
  if (job->view.outputStationary()) {
    // Its beats use the network.
    if (job->beatsEnd >= now || loadJob + 1 >= jobs.size())
      return;
    job = &jobs[++loadJob];
    if (job->view.outputStationary())
      return;
  }
  if (!loading) {
    const Job *before = loadJob > 0 ? &jobs[loadJob - 1] : nullptr;
    bool begun = loadTile > 0 ? job->tilesBegun >= loadTile
                 : !before    ? true
                 : before->view.outputStationary()
                     ? before->beatsEnd < now
                     : before->tilesBegun == before->view.tiles();
    if (!begun || !isReady(*job, Net::Hold))
      return;
    loading = true;
    loadRow = 0;
    loadSubBeat = 0;
    job->registers[size_t(loadTile)] = nextRegisters;
    nextRegisters ^= 1;
  }
  const NestView &view = job->view;
  Beat first = view.beat(loadTile * (view.beats() / view.tiles()));
  uint32_t peRow = view.peRowsInUse()[loadRow];
  Access access = view.load(first.index, peRow, loadSubBeat);
  if (!claim(*job, view.held(), access))
    return;
  auto row =
      readRow(access, *job->routes[size_t(Net::Hold)]->route, view.held());
  row->isLoad = true;
  row->peRow = peRow;
  row->first = loadSubBeat == 0;
  row->last = loadSubBeat + 1 == view.subBeats(view.held());
  row->firstOfTile = loadRow == 0;
  row->beat = std::make_shared<BeatControl>();
  row->beat->instruction = job->instruction;
  row->beat->weights = job->registers[size_t(loadTile)];
  bool last = row->last;
  hold.pipe().enter(std::move(row));
  ++counters.loadBeats;
  ++loadSubBeat;
  if (!last)
    return;
  loadSubBeat = 0;
  if (++loadRow < view.peRowsInUse().size())
    return;
  loading = false;
  job->loaded[size_t(loadTile)] = now;
  if (++loadTile < view.tiles())
    return;
  job->loadsEnd = now;
  loadTile = 0;
  ++loadJob;
}

//===----------------------------------------------------------------------===//
// Cycles
//===----------------------------------------------------------------------===//

llvm::Error Engine::clock() {
  // From the accumulators back to the slabs, so that every register is read
  // before it is written.
  if (auto packet = accumulators.clock([](SumPacket &, int64_t) {})) {
    accumulate(*packet);
    Job &job = jobs[packet->target.job];
    if (packet->target.endsScope)
      scopes[packet->target.scope].accumulated = now;
    else if (packet->target.endsJob) // Its last scope stays open.
      job.completed = now + machine.latency.convertWrite + 1;
  }
  if (auto packet = reduction.clock(counters))
    accumulators.enter(std::move(packet));
  if (auto packet = array.clock())
    reduction.pipe().enter(std::move(packet));
  for (bool throughHold : {false, true}) {
    auto row = (throughHold ? hold : stream).clock();
    if (!row)
      continue;
    std::optional<uint32_t> lane = array.arrive(*row, throughHold);
    if (!lane)
      continue;
    const auto &contract =
        std::get<Contract>(program.code[row->beat->instruction]);
    return makeError(
        "{0} (instruction {1}): operand {2}, tensor '{3}': lane {4} takes a "
        "word of row {5} in slab {6} that was never written",
        program.ops[contract.op].name, row->beat->instruction,
        llvm::StringRef("ABC").substr(row->operand, 1),
        program.tensors[contract.tensors[row->operand]].name, *lane, row->row,
        row->slab);
  }
  return llvm::Error::success();
}

bool Engine::isDone() const {
  bool routes =
      llvm::all_of(loaders, [](auto &queue) { return queue.empty(); });
  bool issued = true;
  for (size_t q = 0; q < QueueCount; ++q)
    issued &= queues[q].empty() && running[q].empty();
  return issued && routes && beatJob >= jobs.size() && tileDrains.empty() &&
         drainingScope >= scopes.size() && !inBeat && array.isIdle() &&
         accumulators.isEmpty() && stream.isIdle() && hold.isIdle() &&
         reduction.isIdle();
}

llvm::Expected<Level2Run>
Engine::run(const std::function<void(int64_t)> &progress) {
  // Nothing takes longer than a route or the pipeline without doing anything.
  int64_t patience = 16 + machine.pipelineCycles() + machine.dramLatencyCycles;
  for (const Route &route : program.routes)
    patience =
        std::max(patience, 16 + machine.pipelineCycles() +
                               routeBytes(route) / machine.routeBytesPerCycle);
  for (; !isDone(); ++now) {
    if (progress && now % 1024 == 0)
      progress(now);
    std::fill(portTaken.begin(), portTaken.end(), 0);
    reservePorts();
    signal();
    drainTiles(); // Takes no port; a tile may end with the drain before it.
    beats();
    if (llvm::Error error = issue())
      return error;
    loadRoutes();
    loads();
    drainScopes();
    reload();
    if (llvm::Error error = moveTransfers())
      return error;
    if (llvm::Error error = clock())
      return error;
    if (now - lastActivity > patience)
      return makeError("nothing has moved since cycle {0}: the program cannot "
                       "end",
                       lastActivity);
  }
  Level2Run result;
  result.cycles = std::max(lastWrite, lastTransfer) + 1;
  for (const Job &job : jobs) {
    result.cycles = std::max(result.cycles, job.completed + 1);
    result.contractions.push_back(
        {job.instruction, job.issued, job.firstBeat,
         job.view.outputStationary() ? job.tileDrainsEnd : job.beatsEnd,
         job.completed});
  }
  result.counters = counters;
  return result;
}

llvm::Expected<Level2Run>
fetta::runLevel2(const Program &program, TensorMemory &memory, DramMemory &dram,
                 DramModel model,
                 const std::function<void(int64_t)> &progress) {
  return Engine(program, memory, dram, model).run(progress);
}

double fetta::level2Seconds(const Machine &machine, int64_t cycles) {
  double switches =
      double(machine.networkStages()) * double(machine.lanes()) / 2;
  return double(cycles) * switches * 9e-9;
}

llvm::Error fetta::checkLevel2Duration(const Machine &machine, int64_t cycles) {
  double hours = level2Seconds(machine, cycles) / 3600;
  if (hours <= 1)
    return llvm::Error::success();
  return makeError("level 2 would step through about {0} cycles, which takes "
                   "about {1:F1} hours; --long runs it, --level=1 is quick",
                   cycles, hours);
}

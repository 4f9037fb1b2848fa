//===- Scheduled.h - Cycles of a mapped training step -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// From a mapped training step to the cycles of the tile-event model, without
/// the compiler: tensors in tensor memory from start to end, the three of each
/// contraction in different slabs where a greedy colouring finds them, the
/// order of the list scheduler. Shows what a mapping is worth when contractions
/// overlap.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_BENCHMARKS_MAPPING_SCHEDULED_H
#define FETTA_BENCHMARKS_MAPPING_SCHEDULED_H

#include "TrainingProgram.h"
#include "fetta/Mapping/RowOrder.h"
#include "fetta/Program/Program.h"
#include "fetta/Schedule/ListSchedule.h"
#include "fetta/Simulator/Limits.h"
#include "fetta/Simulator/Timing.h"

namespace fetta::test {

struct ScheduledStep {
  int64_t cycles = 0;
  Limits limits;
  CycleClasses contract; ///< Of the queue.
};

/// `program` is a training step of makeTrainingProgram: the last leaf is dY.
/// Slabs are as large as need be.
inline ScheduledStep scheduleStep(const ProgramSpec &program,
                                  const MappedProgram &mapped,
                                  Machine machine) {
  auto numSteps = unsigned(program.steps.size());
  auto leaves = unsigned(program.values.size()) - numSteps;
  unsigned dY = leaves - 1;
  std::vector<int> writer(program.values.size(), -1);
  for (unsigned s = 0; s < numSteps; ++s)
    writer[program.steps[s].values[OperandC]] = int(s);
  // The forward pass comes first; the steps after Y are those that need dY.
  unsigned y = 0;
  auto needsDY = [&](unsigned s) {
    llvm::SmallVector<unsigned, 16> stack = {s};
    while (!stack.empty()) {
      unsigned step = stack.pop_back_val();
      for (unsigned id = 0; id < 2; ++id) {
        unsigned v = program.steps[step].values[id];
        if (v == dY)
          return true;
        if (writer[v] >= 0)
          stack.push_back(unsigned(writer[v]));
      }
    }
    return false;
  };
  std::vector<bool> behind;
  for (unsigned s = 0; s < numSteps; ++s) {
    behind.push_back(needsDY(s));
    if (!behind.back() && (s == 0 || !behind[s - 1]))
      y = s;
  }

  std::vector<ScheduleTask> tasks;
  for (unsigned s = 0; s < numSteps; ++s) {
    const SerialCycles &cycles = mapped.steps[s].cycles;
    ScheduleTask task;
    task.occupancy = cycles.beats + cycles.bankConflict +
                     cycles.stationaryReload + cycles.drainBusy;
    task.drain = cycles.fill + cycles.drain;
    auto wait = [&](unsigned earlier, int64_t latency) {
      task.after.push_back({earlier, latency, 0});
    };
    for (unsigned id = 0; id < 2; ++id) {
      unsigned v = program.steps[s].values[id];
      if (writer[v] >= 0) {
        Following gap =
            followingOf(mapped.steps[unsigned(writer[v])].nest,
                        mapped.steps[s].nest, {id == 0, id == 1}, machine);
        task.after.push_back({unsigned(writer[v]), gap.start, gap.finish});
      }
      if (v == dY)
        wait(y, machine.pipelineCycles() + mapped.steps[y].cycles.drain);
    }
    tasks.push_back(std::move(task));
  }

  std::vector<RowTask> rowTasks;
  for (unsigned s = 0; s < numSteps; ++s) {
    RowTask task;
    task.walk = RowWalk(mapped.steps[s].nest, machine);
    task.values[OperandC] = s;
    for (unsigned id = 0; id < 2; ++id) {
      unsigned v = program.steps[s].values[id];
      if (writer[v] >= 0)
        task.values[id] = unsigned(writer[v]);
      if (v == dY)
        task.written.push_back(y);
    }
    for (const TaskWait &wait : tasks[s].after)
      task.before.push_back(wait.task);
    rowTasks.push_back(std::move(task));
  }
  std::vector<unsigned> order =
      improveOrder(rowTasks, listSchedule(tasks), /*window=*/24,
                   /*budget=*/1 << 20, machine);

  // Slabs: values that meet lie apart, those with most neighbours first.
  std::vector<std::vector<unsigned>> neighbours(program.values.size());
  for (const ProgramSpec::Step &step : program.steps)
    for (unsigned a : step.values)
      for (unsigned b : step.values)
        if (a != b)
          neighbours[a].push_back(b);
  std::vector<int> slab(program.values.size(), -1);
  for (size_t round = 0; round < slab.size(); ++round) {
    auto taken = [&](unsigned v) {
      unsigned mask = 0;
      for (unsigned n : neighbours[v])
        if (slab[n] >= 0)
          mask |= 1u << slab[n];
      return mask;
    };
    int best = -1;
    auto rank = [&](unsigned v) {
      return std::make_pair(llvm::popcount(taken(v)), neighbours[v].size());
    };
    for (unsigned v = 0; v < slab.size(); ++v)
      if (slab[v] < 0 && (best < 0 || rank(v) > rank(unsigned(best))))
        best = int(v);
    unsigned mask = taken(unsigned(best));
    int choice = 0;
    while (choice + 1 < machine.slabs && (mask >> choice & 1))
      ++choice;
    slab[best] = (mask >> choice & 1) ? best % int(machine.slabs) : choice;
  }

  std::vector<int64_t> used(machine.slabs, 0);
  std::vector<TensorEntry> tensors;
  for (unsigned v = 0; v < program.values.size(); ++v) {
    TensorEntry tensor;
    bool isY = writer[v] == int(y);
    tensor.name = v == dY ? "d_y" : isY ? "y" : "t" + std::to_string(v);
    tensor.shape.assign(program.values[v].sizes.begin(),
                        program.values[v].sizes.end());
    tensor.layout = mapped.layouts[v];
    tensor.role = v == dY         ? TensorRole::Target
                  : isY           ? TensorRole::Result
                  : writer[v] < 0 ? TensorRole::Input
                                  : TensorRole::Temporary;
    tensor.slab = slab[v];
    tensor.baseRow = used[slab[v]];
    used[slab[v]] += tensor.layout.rows();
    tensors.push_back(std::move(tensor));
  }
  machine.rowsPerSlab = std::max(machine.rowsPerSlab,
                                 *std::max_element(used.begin(), used.end()));

  ProgramBuilder builder(machine);
  for (const TensorEntry &tensor : tensors)
    builder.addTensor(tensor);
  for (unsigned s : order) {
    const ProgramSpec::Step &step = program.steps[s];
    Nest nest = mapped.steps[s].nest;
    std::array<uint32_t, 3> routes;
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      const TensorEntry &tensor = tensors[step.values[id]];
      nest.operands[id].slab = tensor.slab;
      nest.operands[id].baseRow = tensor.baseRow;
      Wiring wiring{machine.networks, machine.laneBits(),
                    id == OperandC ? NetKind::Reduction
                                   : NetKind::Distribution};
      uint32_t &serial = nest.operands[id].serialLanes;
      serial = serialLanesToRoute(wiring, bankMap(nest, id, machine), serial);
      routes[unsigned(netOf(nest.dataflow, id))] = builder.addRoute(
          must(routeAffine(wiring, bankMap(nest, id, machine))));
    }
    uint32_t op = builder.addOp({"contract" + std::to_string(s), "", "", {}});
    builder.addContract(nest, {step.values[0], step.values[1], step.values[2]},
                        routes, op);
  }
  Program timed = std::move(builder).finish();
  ProgramTiming timing = timeProgram(timed);
  return {timing.cycles, limitsOf(timed, 0), timing.of("contract")};
}

} // namespace fetta::test

#endif // FETTA_BENCHMARKS_MAPPING_SCHEDULED_H

//===- OrderSchedule.cpp - What a contraction order takes -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OrderSchedule.h"

#include "fetta/Mapping/Program.h"
#include "fetta/Mapping/RowClock.h"
#include "fetta/Schedule/ListSchedule.h"
#include "fetta/Support/Error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace fetta;
using namespace fetta::mapping;
using llvm::SmallVector;

llvm::Expected<SharedPlan> mapping::planOf(const ClosedNetwork &network,
                                           const TrainingGoal &goal,
                                           const ContractionTree &tree) {
  SmallVector<unsigned, 16> roots = {goal.outputLeaf};
  for (bool activations : {true, false})
    for (unsigned leaf : goal.gradients.set_bits())
      if (goal.activations.test(leaf) == activations)
        roots.push_back(leaf);
  return SharedPlan::create(network, UnrootedTree(tree), roots);
}

/// The modes of a step: those of A, then what else is in B.
static ContractionSpec specOf(const ClosedNetwork &network,
                              llvm::ArrayRef<const IndexList *> operands) {
  ContractionSpec spec;
  SmallVector<unsigned, 16> indices;
  for (unsigned id : llvm::seq(3u))
    for (unsigned index : *operands[id]) {
      auto position = unsigned(llvm::find(indices, index) - indices.begin());
      if (position == indices.size()) {
        indices.push_back(index);
        spec.sizes.push_back(network.getIndices()[index].size);
      }
      spec.modes[id].push_back(position);
    }
  return spec;
}

namespace {

/// What the scheduler has to know of a step.
struct Span {
  double occupancy, load, lastTile, tail;
  bool holdsA, holdsB;
};

} // namespace

/// As fetta-schedule-queues sees the program: a row can be read one cycle after
/// it was written, and a held operand is loaded before the first beat. The
/// gradient of the result is there once the result is.
static double scheduledCycles(const SharedPlan &plan,
                              llvm::ArrayRef<Span> spans,
                              const Machine &machine,
                              llvm::ArrayRef<MappedContraction> mapped = {}) {
  // Row by row takes time; as the scheduler, for small programs only.
  constexpr size_t mostFollowed = 64;
  bool follows = !mapped.empty() && spans.size() <= mostFollowed;
  std::vector<ScheduleTask> tasks;
  for (auto [number, step] : llvm::enumerate(plan.getSteps())) {
    const Span &span = spans[number];
    ScheduleTask task;
    task.occupancy = int64_t(span.occupancy);
    task.drain = int64_t(span.tail);
    for (bool left : {true, false}) {
      unsigned value = left ? step.lhs : step.rhs;
      bool isGradient = value == plan.rootLeaf(0);
      if (isGradient)
        value = plan.resultValue(0);
      if (value < plan.numLeaves())
        continue;
      unsigned before = value - plan.numLeaves();
      if (follows && !isGradient) {
        Following gap = followingOf(mapped[before].nest, mapped[number].nest,
                                    {left, !left}, machine);
        task.after.push_back({before, gap.start, gap.finish});
        continue;
      }
      double held = (left ? span.holdsA : span.holdsB) ? span.load : 0;
      task.after.push_back({before,
                            machine.pipelineCycles() + 1 +
                                int64_t(held + spans[before].lastTile),
                            0});
    }
    tasks.push_back(std::move(task));
  }
  return double(scheduleLength(tasks, listSchedule(tasks)));
}

llvm::Error mapping::estimate(const ClosedNetwork &network,
                              const SharedPlan &plan,
                              const MachineCostModel &model,
                              OrderCandidate &candidate) {
  std::vector<Span> spans;
  std::vector<IndexList> indices;
  for (unsigned leaf : llvm::seq(plan.numLeaves()))
    indices.push_back(network.getLeaves()[leaf]);
  candidate.serial = {};
  for (const SharedPlan::Step &step : plan.getSteps()) {
    indices.push_back(step.cost.result);
    StepModes modes;
    ContractionSpec spec = specOf(
        network, {&indices[step.lhs], &indices[step.rhs], &indices.back()});
    for (unsigned mode : llvm::seq<unsigned>(0, spec.sizes.size())) {
      if (spec.sizes[mode] == 1)
        continue;
      modes.sizes.push_back(spec.sizes[mode]);
      std::array<bool, 3> in;
      for (unsigned id : llvm::seq(3u))
        in[id] = llvm::is_contained(spec.modes[id], mode);
      modes.in.push_back(in);
    }
    StepEstimate found = model.estimate(modes, {});
    candidate.serial.latency += found.latency();
    candidate.serial.energy += found.energy;
    spans.push_back({found.occupancy(), found.load, found.lastTile,
                     found.fill + found.drain + found.lastTile,
                     found.dataflow == Dataflow::AStationary,
                     found.dataflow == Dataflow::BStationary});
  }
  // The scheduler counts in 64 bits.
  if (!(candidate.serial.latency < 0x1p62))
    return makeError("the steps of a contraction order take {0:e3} cycles on "
                     "machine '{1}', more than 2^62: smaller sizes are needed "
                     "to schedule them",
                     candidate.serial.latency, model.getMachine().name);
  candidate.scheduled = scheduledCycles(plan, spans, model.getMachine());
  return llvm::Error::success();
}

llvm::Expected<double> mapping::mappedCycles(const ClosedNetwork &network,
                                             const SharedPlan &plan,
                                             const Machine &machine) {
  ProgramSpec program;
  std::vector<IndexList> indices;
  auto addValue = [&](const IndexList &list) {
    ProgramSpec::Value value;
    for (unsigned index : list)
      value.sizes.push_back(network.getIndices()[index].size);
    program.values.push_back(std::move(value));
    indices.push_back(list);
  };
  for (unsigned leaf : llvm::seq(plan.numLeaves()))
    addValue(network.getLeaves()[leaf]);
  for (const SharedPlan::Step &step : plan.getSteps()) {
    addValue(step.cost.result);
    ProgramSpec::Step mapped;
    mapped.contraction = specOf(
        network, {&indices[step.lhs], &indices[step.rhs], &indices.back()});
    mapped.values = {step.lhs, step.rhs, unsigned(indices.size() - 1)};
    program.steps.push_back(std::move(mapped));
  }
  llvm::Expected<MappedProgram> mapped = mapProgram(program, machine);
  if (!mapped)
    return mapped.takeError();
  std::vector<Span> spans;
  for (const MappedContraction &step : mapped->steps) {
    const SerialCycles &cycles = step.cycles;
    bool outputStationary = step.nest.dataflow == Dataflow::OutputStationary;
    auto lastTile = double(
        outputStationary
            ? (int64_t(1) << llvm::count_if(
                   step.nest.lanes.row, [](auto &bit) { return bool(bit); })) *
                  subBeats(step.nest.c())
            : 0);
    spans.push_back({double(cycles.beats + cycles.bankConflict +
                            cycles.stationaryReload + cycles.drainBusy),
                     double(cycles.firstLoad), lastTile,
                     double(cycles.fill + cycles.drain),
                     step.nest.dataflow == Dataflow::AStationary,
                     step.nest.dataflow == Dataflow::BStationary});
  }
  return scheduledCycles(plan, spans, machine, mapped->steps);
}

//===- MappingBench.cpp - Layouts chosen together and one by one ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Maps the training steps of the layer suite on the default machine, with
// layouts chosen together (`joint`) and by the first contraction that touches
// a tensor (`separate`). Time is that of the mapper; the counters say what it
// found: `peak` = multiply-adds / (PEs * occupancy), where occupancy is what
// the array is taken for; `bound` compares with the sum of what each
// contraction takes alone; `cycles`, `utilization` and `limit` (share of it)
// are those of the simulator's tile-event model; `conflicts` counts operands
// with missing bits.
//
//===----------------------------------------------------------------------===//

#include "Scheduled.h"
#include "fetta/Machine/Machine.h"

#include "benchmark/benchmark.h"

#include <cmath>

using namespace fetta;
using namespace fetta::test;

/// Cycles of programs that take the array for longer are not simulated.
static constexpr int64_t maxTimed = 1000000;

static void mapLayer(benchmark::State &state, const KnownOptimum &layer,
                     int64_t tokens, LayoutChoice layouts) {
  Machine machine;
  ProgramSpec program = makeTrainingProgram(makeLayer(layer, tokens));
  MappedProgram mapped;
  for (auto _ : state)
    mapped = must(mapProgram(program, machine, {layouts}));
  state.counters["steps"] = double(program.steps.size());
  state.counters["peak"] = double(multiplyAdds(program)) /
                           (double(machine.pes()) * double(mapped.occupancy));
  state.counters["bound"] =
      double(mapped.occupancyBound) / double(mapped.occupancy);
  state.counters["occupancy"] = double(mapped.occupancy);
  state.counters["conflicts"] = mapped.conflicts;
  if (mapped.occupancy < maxTimed) {
    ScheduledStep step = scheduleStep(program, mapped, machine);
    state.counters["cycles"] = double(step.cycles);
    state.counters["utilization"] =
        double(multiplyAdds(program)) /
        (double(machine.pes()) * double(step.cycles));
    state.counters["limit"] =
        double(step.limits.largest()) / double(step.cycles);
    for (unsigned c = 0; c < numCycleClasses; ++c)
      if (step.contract[CycleClass(c)])
        state.counters[cycleClassName(CycleClass(c)).str()] =
            double(step.contract[CycleClass(c)]);
  }
  state.counters["classes"] = mapped.classes;
  state.counters["candidates"] = double(mapped.candidates);
  state.counters["states"] = double(mapped.states);
}

int main(int argc, char **argv) {
  for (const KnownOptimum &layer : layerSuite)
    for (int64_t tokens : {1, 32, 128, 2048})
      for (LayoutChoice layouts : {LayoutChoice::Joint, LayoutChoice::Separate})
        benchmark::RegisterBenchmark(
            (std::string(layer.name) + "/" + std::to_string(tokens) +
             (layouts == LayoutChoice::Joint ? "/joint" : "/separate"))
                .c_str(),
            mapLayer, layer, tokens, layouts)
            ->Unit(benchmark::kMillisecond);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

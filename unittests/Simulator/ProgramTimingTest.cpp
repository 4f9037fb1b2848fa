//===- ProgramTimingTest.cpp - What holds of every program ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChainProgram.h"
#include "RandomQueuedProgram.h"
#include "TestPrograms.h"
#include "fetta/Mapping/Mapping.h"
#include "fetta/Simulator/Limits.h"
#include "fetta/Simulator/Timing.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

Program draw(unsigned seed) {
  Machine machine = smallMachine(2 + seed % 3, 1 + seed / 3 % 2, 2);
  machine.rowsPerSlab = 4096;
  if (seed % 7 == 0)
    machine.stagingRows = 4;
  machine.routeSlots = seed % 5 == 0 ? 2 : 16;
  ChainOptions options;
  options.seed = seed;
  options.contractions = 2 + seed % 9;
  options.transfers = seed % 2;
  options.oneSlab = seed % 11 == 0;
  if (seed % 3 == 0) {
    options.independent = true;
    machine.slabs = 16;
  }
  return chainProgram(machine, options);
}

int64_t cyclesOf(const Program &program,
                 DramModel model = DramModel::Bandwidth) {
  TimingOptions options;
  options.dram = model;
  return timeProgram(program, options).cycles;
}

/// No program beats its limits, and the array beats no product of its loops.
void checkLimits(const Program &program) {
  ProgramTiming timing = timeProgram(program);
  int64_t bytes = 0, loops = 0, waits = 0;
  for (size_t i = 0; i < program.code.size(); ++i) {
    bytes += timing.instructions[i].dramBytes;
    waits += timing.instructions[i].cycles();
    if (const auto *contract = std::get_if<Contract>(&program.code[i]))
      loops += beats(contract->nest);
  }
  Limits limits = limitsOf(program, bytes);
  EXPECT_GE(timing.cycles, limits.largest()) << limits.binding().str();
  EXPECT_EQ(timing.of("contract")[CycleClass::Beat], loops);
  if (loops) {
    EXPECT_EQ(waits, timing.cycles);
  }
  int64_t ideal = cyclesOf(program, DramModel::Ideal);
  EXPECT_GE(ideal, limitsOf(program, 0).largest());
  EXPECT_LE(ideal, timing.cycles);
  for (const ResourceTiming &resource : timing.resources)
    EXPECT_EQ(resource.classes.total(), timing.cycles) << resource.name;
}

TEST(ProgramTiming, LimitsHold) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    checkLimits(draw(seed));
  }
}

/// Programs with every kind of instruction, split and accumulating sums.
TEST(ProgramTiming, LimitsHoldWithAllQueues) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Machine machine = smallMachine(2 + seed % 2, 1 + seed % 3, 2);
    QueuedProgramOptions options;
    options.seed = seed;
    options.jobs = 3 + seed % 8;
    checkLimits(randomQueuedProgram(machine, options).program);
  }
}

struct Worse {
  const char *name;
  void (*apply)(Machine &);
};
const Worse worse[] = {
    {"memory_read_cycles", [](Machine &m) { m.latency.memoryRead *= 2; }},
    {"multiply_cycles", [](Machine &m) { m.latency.multiply *= 2; }},
    {"column_add_cycles", [](Machine &m) { m.latency.columnAdd *= 2; }},
    {"reduction_add_cycles", [](Machine &m) { m.latency.reductionAdd *= 2; }},
    {"accumulate_cycles", [](Machine &m) { m.latency.accumulate *= 2; }},
    {"convert_write_cycles", [](Machine &m) { m.latency.convertWrite *= 2; }},
    {"switch_stages_per_cycle",
     [](Machine &m) { m.latency.switchStagesPerCycle /= 2; }},
    {"fp32_add_distance_cycles", [](Machine &m) { m.latency.fp32Add *= 2; }},
    {"route_bytes_per_cycle", [](Machine &m) { m.routeBytesPerCycle /= 2; }},
    {"dram_bytes_per_second", [](Machine &m) { m.dramBytesPerSecond /= 2; }},
    {"dram_latency_cycles", [](Machine &m) { m.dramLatencyCycles *= 2; }},
    {"dram_burst_bytes", [](Machine &m) { m.dramBurstBytes *= 2; }},
    {"staging_rows", [](Machine &m) { m.stagingRows = 1; }},
};

/// Whether two engines wanted one slab at once anywhere.
bool conflicts(const ProgramTiming &timing) {
  return llvm::any_of(timing.resources, [](const ResourceTiming &resource) {
    return resource.classes[CycleClass::SlabConflict] > 0;
  });
}

/// A slab serves who comes first, so that a later arrival may get past a
/// conflict: programs with conflicts may gain a little from a worse machine
/// (docs/Simulator.md), others may not.
TEST(ProgramTiming, WorseMachinesAreNeverFaster) {
  std::map<std::string, int> slower;
  int strict = 0;
  for (unsigned seed = 1; seed <= 120; ++seed) {
    Program program = draw(seed);
    program.machine.stagingRows = 64;
    ProgramTiming base = timeProgram(program);
    for (const Worse &w : worse) {
      Program slow = program;
      w.apply(slow.machine);
      ProgramTiming timing = timeProgram(slow);
      bool free = !conflicts(base) && !conflicts(timing);
      strict += free;
      EXPECT_GE(timing.cycles, free ? base.cycles : base.cycles * 98 / 100)
          << w.name << ", seed " << seed;
      slower[w.name] += timing.cycles > base.cycles;
    }
  }
  EXPECT_GT(strict, 100);
  for (const Worse &w : worse)
    EXPECT_GT(slower[w.name], 0) << w.name;
}

/// Adds up the intervals of every resource.
class Sums : public TimelineSink {
public:
  explicit Sums(const Machine &machine)
      : spent(resourceNames(machine).size()), last(spent.size(), 0) {}
  void interval(unsigned resource, CycleClass cycleClass, int64_t from,
                int64_t to, uint32_t) override {
    ASSERT_LT(resource, spent.size());
    EXPECT_LE(last[resource], from);
    EXPECT_LT(from, to);
    EXPECT_NE(cycleClass, CycleClass::IdleNoWork);
    last[resource] = to;
    spent[resource] += to - from;
  }
  std::vector<int64_t> spent, last;
};

/// What a sink sees is what is counted. For slabs that compares the cycles in
/// which a row was moved with the accesses that follow from the loop nests.
TEST(ProgramTiming, IntervalsAddUp) {
  auto check = [](const Program &program) {
    Sums sums(program.machine);
    TimingOptions options;
    options.sink = &sums;
    ProgramTiming timing = timeProgram(program, options);
    EXPECT_EQ(timing.cycles, timeProgram(program).cycles);
    for (size_t r = 0; r < timing.resources.size(); ++r) {
      const CycleClasses &classes = timing.resources[r].classes;
      EXPECT_EQ(sums.spent[r], timing.cycles - classes[CycleClass::IdleNoWork])
          << timing.resources[r].name;
    }
  };
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    check(draw(seed));
    QueuedProgramOptions options;
    options.seed = 500 + seed;
    check(randomQueuedProgram(smallMachine(2 + seed % 2, 1 + seed % 3, 2),
                              options)
              .program);
  }
}

/// Two nests by turns that need other words in `hold` and `reduce`. With one
/// slot the loader of `reduce` waits for the last beat of the one before, and
/// the next beats wait for the loader; with more slots all is there in time.
TEST(ProgramTiming, OneRouteSlotCosts) {
  auto byTurns = [](int64_t slots) {
    Machine machine = smallMachine(2, 2, 2);
    machine.routeSlots = slots;
    ContractionSpec spec;
    spec.sizes = {64, 4, 4};
    spec.modes = {llvm::SmallVector<unsigned, 8>{0, 1}, {1, 2}, {0, 2}};
    spec.dataflow = Dataflow::BStationary;
    MappedContraction mapped = must(mapContraction(spec, machine));
    ProgramBuilder builder(machine);
    std::array<uint32_t, 3> tensors;
    for (unsigned id = 0; id < 3; ++id) {
      TensorEntry tensor;
      tensor.name = std::string("ABC").substr(id, 1);
      tensor.layout = mapped.layouts[id];
      tensors[id] = builder.addTensor(tensor);
      mapped.nest.operands[id].slab = id;
    }
    uint32_t op = builder.addOp({"contract", "", "", {}});
    for (int turn = 0; turn < 4; ++turn) {
      auto words = routesOf(mapped.nest, machine);
      std::array<uint32_t, 3> routes;
      for (unsigned net = 0; net < 3; ++net)
        routes[net] = builder.addRoute(std::move(words[net]));
      builder.addContract(mapped.nest, tensors, routes, op);
      std::swap(mapped.nest.lanes.column[0], mapped.nest.lanes.column[1]);
    }
    return timeProgram(std::move(builder).finish());
  };
  // 7 stages of 8 switches with 2 bits are 14 bytes, masks take 2: a cycle.
  ProgramTiming one = byTurns(1), many = byTurns(2);
  EXPECT_EQ(many.of("contract")[CycleClass::WaitRoute], 1);
  EXPECT_EQ(one.of("contract")[CycleClass::WaitRoute], 1 + 3);
  EXPECT_EQ(one.cycles, many.cycles + 3);
}

TEST(ProgramTiming, FewerRouteSlotsAreNeverFaster) {
  int strict = 0, slower = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    Machine machine = smallMachine(2 + seed % 3, 1 + seed / 3 % 2, 2);
    machine.rowsPerSlab = 4096;
    machine.slabs = 16;
    ChainOptions options;
    options.seed = seed;
    options.independent = seed % 2;
    ProgramTiming many = timeProgram(chainProgram(machine, options));
    machine.routeSlots = 1;
    ProgramTiming one = timeProgram(chainProgram(machine, options));
    bool free = !conflicts(many) && !conflicts(one);
    strict += free;
    slower += one.cycles > many.cycles;
    EXPECT_GE(one.cycles, free ? many.cycles : many.cycles * 98 / 100)
        << "seed " << seed;
  }
  EXPECT_GT(strict, 20);
  EXPECT_GT(slower, 20);
}

} // namespace

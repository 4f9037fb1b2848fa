//===- ProgramTimingTest.cpp - What holds of every program ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChainProgram.h"
#include "RandomQueuedProgram.h"
#include "TestPrograms.h"
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

} // namespace

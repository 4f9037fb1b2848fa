//===- TimingTest.cpp - Invariants of the tile-event model ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Timing.h"

#include "TestPrograms.h"
#include "fetta/Simulator/Functional.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

/// Changes one parameter of a machine for the worse.
struct Worse {
  const char *name;
  void (*apply)(Machine &);
};
const Worse worse[] = {
    {"memory_read", [](Machine &m) { m.latency.memoryRead *= 2; }},
    {"multiply", [](Machine &m) { m.latency.multiply *= 2; }},
    {"column_add", [](Machine &m) { m.latency.columnAdd *= 2; }},
    {"reduction_add", [](Machine &m) { m.latency.reductionAdd *= 2; }},
    {"accumulate", [](Machine &m) { m.latency.accumulate *= 2; }},
    {"convert_write", [](Machine &m) { m.latency.convertWrite *= 2; }},
    {"switch stages", [](Machine &m) { m.latency.switchStagesPerCycle /= 2; }},
    {"fp32_add", [](Machine &m) { m.latency.fp32Add = 4; }},
    {"route bytes", [](Machine &m) { m.routeBytesPerCycle /= 2; }},
};

/// What must hold of any program.
void checkInvariants(const Program &program) {
  ProgramTiming timing = timeProgram(program);
  int64_t loops = 0, work = 0;
  for (size_t i = 0; i < program.code.size(); ++i) {
    const auto *contract = std::get_if<Contract>(&program.code[i]);
    if (!contract)
      continue;
    const InstructionTiming &t = timing.instructions[i];
    EXPECT_EQ(t.queue[CycleClass::Beat], beats(contract->nest));

    loops += beats(contract->nest);
    work += multiplyAdds(contract->nest);
  }
  EXPECT_GE(timing.cycles, loops);
  EXPECT_GE(timing.cycles * program.machine.pes(), work);
  for (const ResourceTiming &resource : timing.resources)
    EXPECT_EQ(resource.classes.total(), timing.cycles) << resource.name;
  for (const Worse &w : worse) {
    Program slow = program;
    w.apply(slow.machine);
    EXPECT_GE(timeProgram(slow).cycles, timing.cycles) << w.name;
  }
  // Operands that share slabs never help.
  Program shared = program;
  for (Instruction &instruction : shared.code)
    if (auto *contract = std::get_if<Contract>(&instruction))
      for (Operand &operand : contract->nest.operands)
        operand.slab = 0;
  EXPECT_GE(timeProgram(shared).cycles, timing.cycles);
}

TEST(Timing, InvariantsOnRandomNests) {
  for (unsigned draw = 0; draw < 300; ++draw) {
    Machine machine =
        smallMachine(2 + draw % 3, 1 + draw / 3 % 3, 1 + draw / 9 % 3);
    RandomNestOptions options;
    options.seed = 5000 + draw;
    options.missingBits = draw % 4;
    options.splitReduction = draw % 5 == 0;
    RandomContraction contraction = randomContraction(machine, options);
    SCOPED_TRACE("seed " + std::to_string(options.seed) + ": " +
                 describe(contraction));
    checkInvariants(programOf(contraction, machine));
  }
}

/// Values and timing count tiles, loads and row accesses separately.
TEST(Timing, AgreesWithTheCountersOfTheValues) {
  for (unsigned draw = 0; draw < 200; ++draw) {
    Machine machine =
        smallMachine(2 + draw % 3, 1 + draw / 3 % 3, 1 + draw / 9 % 3);
    RandomNestOptions options;
    options.seed = 9000 + draw;
    options.missingBits = draw % 4;
    options.maxMultiplyAdds = 2000;
    if (draw % 2)
      options.slabs = {1, 1, 1};
    RandomContraction contraction = randomContraction(machine, options);
    SCOPED_TRACE("seed " + std::to_string(options.seed) + ": " +
                 describe(contraction));
    Program program = programOf(contraction, machine);
    TensorMemory memory(machine);
    for (unsigned t : {0, 1})
      must(memory.store(
          program.tensors[t],
          std::vector<float>(size_t(program.tensors[t].layout.elements()))));
    auto counters = runProgram(program, memory);
    ASSERT_TRUE(bool(counters)) << llvm::toString(counters.takeError());
    ProgramTiming timing = timeProgram(program);
    Counters total;
    int64_t tiles = 0, loadBeats = 0, reads = 0, writes = 0;
    for (size_t i = 0; i < program.code.size(); ++i) {
      total += (*counters)[i];
      tiles += timing.instructions[i].tiles;
      loadBeats += timing.instructions[i].loadBeats;
    }
    for (const ResourceTiming &resource : timing.resources) {
      reads += resource.classes[CycleClass::Read];
      writes += resource.classes[CycleClass::Write];
    }
    EXPECT_EQ(total.tiles, tiles);
    EXPECT_EQ(total.loadBeats, loadBeats);
    EXPECT_EQ(total.rowReads, reads);
    EXPECT_EQ(total.rowWrites, writes);
  }
}

} // namespace

//===- ClosedFormTest.cpp - Closed form against tile events ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The mapper's closed form and the tile-event model are written apart. The
// first is a lower bound of the second, and equal where nothing contends: here
// every operand has a slab of its own.
//
//===----------------------------------------------------------------------===//

#include "fetta/Mapping/Mapping.h"
#include "fetta/Simulator/Timing.h"

#include "TestPrograms.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

/// One instruction whose routes lie in their slots already.
InstructionTiming timeOf(const Nest &nest, const Machine &machine,
                         bool sharedSlab = false) {
  Contract contract;
  contract.nest = nest;
  for (unsigned id = 0; id < 3; ++id)
    contract.nest.operands[id].slab = sharedSlab ? 0 : id;
  Program program;
  program.machine = machine;
  program.code = {contract, Halt()};
  return timeProgram(program).instructions[0];
}

void compare(const Nest &nest, const Machine &machine) {
  SCOPED_TRACE(describe(nest, {}));
  SerialCycles closed = serialCycles(nest, machine);
  InstructionTiming timing = timeOf(nest, machine);
  const CycleClasses &events = timing.queue;
  EXPECT_EQ(closed.beats, events[CycleClass::Beat]);
  EXPECT_EQ(closed.bankConflict, events[CycleClass::BankConflict]);
  EXPECT_EQ(closed.firstLoad, events[CycleClass::FirstLoad]);
  EXPECT_EQ(closed.stationaryReload, events[CycleClass::StationaryReload]);
  EXPECT_EQ(closed.fill, events[CycleClass::Fill]);
  EXPECT_EQ(closed.tiles, timing.tiles);
  EXPECT_EQ(closed.loadBeats, timing.loadBeats);
  EXPECT_EQ(closed.drainBusy, events[CycleClass::DrainBusy]);
  EXPECT_EQ(closed.drain, events[CycleClass::Drain]);
  EXPECT_EQ(closed.total(), events.total());

  // Contention: one slab for all, and an adder of several cycles.
  EXPECT_LE(closed.total(), timeOf(nest, machine, true).queue.total());
  Machine slow = machine;
  slow.latency.fp32Add = 3;
  EXPECT_LE(serialCycles(nest, slow).total(), timeOf(nest, slow).queue.total());
}

Machine machineOf(unsigned draw) {
  return smallMachine(2 + draw % 3, 1 + draw / 3 % 3, 1 + draw / 9 % 3);
}

TEST(ClosedForm, RandomNests) {
  for (unsigned draw = 0; draw < 300; ++draw) {
    Machine machine = machineOf(draw);
    RandomNestOptions options;
    options.seed = 7000 + draw;
    options.missingBits = draw % 4;
    options.splitReduction = draw % 5 == 0;
    SCOPED_TRACE("seed " + std::to_string(options.seed));
    for (const Nest &nest : randomContraction(machine, options).nests)
      compare(nest, machine);
    if (::testing::Test::HasFailure())
      return;
  }
}

TEST(ClosedForm, MappedNests) {
  for (unsigned draw = 0; draw < 300; ++draw) {
    Machine machine = machineOf(draw);
    if (draw % 3 == 0)
      machine.accumulatorRows = 8;
    RandomNestOptions options;
    options.seed = 8000 + draw;
    SCOPED_TRACE("seed " + std::to_string(options.seed));
    RandomContraction contraction = randomContraction(machine, options);
    ContractionSpec spec;
    spec.sizes = contraction.sizes;
    spec.modes = contraction.modes;
    spec.resultType = contraction.resultType;
    if (draw % 2)
      spec.layouts[draw / 2 % 3] = contraction.layouts[draw / 2 % 3];
    if (draw % 4 < 3)
      spec.dataflow = Dataflow(draw % 4);
    llvm::Expected<MappedContraction> mapped = mapContraction(spec, machine);
    if (!mapped) {
      // A given result may need more rows than the few there are.
      llvm::consumeError(mapped.takeError());
      EXPECT_EQ(machine.accumulatorRows, 8);
      continue;
    }
    compare(mapped->nest, machine);
    if (::testing::Test::HasFailure())
      return;
  }
}

} // namespace

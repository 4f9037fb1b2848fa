//===- ClosedForm.h - Closed form against tile events -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The mapper's closed form and the tile-event model are written apart. The
/// first is a lower bound of the second, and equal where nothing contends: here
/// every operand has a slab of its own.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_SIMULATOR_CLOSEDFORM_H
#define FETTA_UNITTESTS_SIMULATOR_CLOSEDFORM_H

#include "fetta/Mapping/Mapping.h"
#include "fetta/Simulator/Timing.h"

#include "gtest/gtest.h"

namespace fetta::test {

/// One instruction whose routes lie in their slots already.
inline InstructionTiming timeOf(const Nest &nest, const Machine &machine,
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

inline void compareLevels(const Nest &nest, const Machine &machine) {
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

} // namespace fetta::test

#endif // FETTA_UNITTESTS_SIMULATOR_CLOSEDFORM_H

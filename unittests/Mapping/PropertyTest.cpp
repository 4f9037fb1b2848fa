//===- PropertyTest.cpp - Random ragged contractions ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BruteForce.h"
#include "RandomSpecs.h"

#include "fetta/Machine/Machine.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {
class MapperProperty : public RandomSpecs {};
} // namespace

TEST_F(MapperProperty, NestsComputeTheContraction) {
  std::array<int, 3> reached = {0, 0, 0};
  int conflicts = 0, blocked = 0;
  for (int round = 0; round < 250; ++round) {
    Machine machine = randomMachine();
    ContractionSpec spec = randomSpec(6000, 6);
    if (chance(40))
      machine.accumulatorRows = uniform(1, 12);
    for (unsigned id = 0; id < 3; ++id)
      if (chance(30))
        spec.layouts[id] = randomLayout(spec, id, machine);
    llvm::Expected<MappedContraction> mapped = mapContraction(spec, machine);
    ASSERT_TRUE(bool(mapped)) << llvm::toString(mapped.takeError());
    const Nest &nest = mapped->nest;
    SCOPED_TRACE(show(spec, nest));
    Walk w = walk(nest, machine);
    EXPECT_EQ(w.broken, "");
    if (llvm::Error error = verifyNest(nest, machine))
      ADD_FAILURE() << llvm::toString(std::move(error));
    const SerialCycles &c = mapped->cycles;
    EXPECT_EQ(c.total(), w.total);
    EXPECT_EQ(c.beats, w.beats);
    EXPECT_EQ(c.beats + c.bankConflict, w.beatCycles);
    EXPECT_EQ(c.tiles, w.tiles);
    EXPECT_EQ(c.loadBeats, w.loadBeats);
    EXPECT_EQ(c.networkAdditions, w.networkAdditions);
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      EXPECT_FALSE(mapped->layouts[id].verify(machine.laneBits()));
      if (spec.layouts[id])
        EXPECT_EQ(mapped->layouts[id], *spec.layouts[id]);
      else
        EXPECT_EQ(missingLanes(nest, id, machine), 0u);
      EXPECT_EQ(nest.operands[id].serialLanes, missingLanes(nest, id, machine));
    }
    if (spec.dataflow)
      EXPECT_EQ(nest.dataflow, *spec.dataflow);
    else
      ++reached[unsigned(nest.dataflow)];
    conflicts += c.bankConflict > 0;
    blocked += nest.scopeLevel > 0;
    if (HasFailure())
      return;
  }
  std::printf("chosen freely: A %d, B %d, output %d; conflicts in %d, several "
              "scopes in %d\n",
              reached[0], reached[1], reached[2], conflicts, blocked);
  EXPECT_GT(conflicts, 5);
  EXPECT_GT(blocked, 20);
}

TEST_F(MapperProperty, ClosedFormOfAnyLoopOrder) {
  for (int round = 0; round < 250; ++round) {
    Machine machine = randomMachine();
    ContractionSpec spec = randomSpec(4000, 5);
    for (unsigned id = 0; id < 3; ++id)
      if (chance(50))
        spec.layouts[id] = randomLayout(spec, id, machine);
    if (chance(30))
      machine.accumulatorRows = uniform(4, 12);
    llvm::Expected<MappedContraction> mapped = mapContraction(spec, machine);
    ASSERT_TRUE(bool(mapped)) << llvm::toString(mapped.takeError());
    // Any order, any scope: where the accumulators end is not of interest.
    Nest nest = mapped->nest;
    std::shuffle(nest.loops.begin(), nest.loops.end(), engine);
    unsigned most = 0;
    while (most < nest.loops.size() && !nest.isReduced(nest.loops[most].mode))
      ++most;
    nest.scopeLevel = unsigned(uniform(0, most));
    SCOPED_TRACE(show(spec, nest));
    SerialCycles c = serialCycles(nest, machine);
    Walk w = walk(nest, machine);
    EXPECT_EQ(c.total(), w.total);
    EXPECT_EQ(c.beats + c.bankConflict, w.beatCycles);
    EXPECT_EQ(c.tiles, w.tiles);
    EXPECT_EQ(c.loadBeats, w.loadBeats);
    EXPECT_EQ(c.networkAdditions, w.networkAdditions);
    EXPECT_GE(c.stationaryReload, 0);
    EXPECT_GE(c.drainBusy, 0);
    EXPECT_GE(c.drain, 0);
    if (HasFailure())
      return;
  }
}

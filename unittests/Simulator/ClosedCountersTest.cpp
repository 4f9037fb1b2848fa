//===- ClosedCountersTest.cpp - Counters with and without a run -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The counters of a nest in closed form against those of the functional run,
// one by one, on nests that no mapper would choose and on mapped ones.
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/ClosedCounters.h"
#include "fetta/Mapping/Mapping.h"
#include "fetta/Simulator/Functional.h"

#include "TestPrograms.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

void compare(const Program &program) {
  std::vector<Counters> counted = must(countProgram(program));
  for (size_t i = 0; i < program.code.size(); ++i) {
    const auto *contract = std::get_if<Contract>(&program.code[i]);
    if (!contract)
      continue;
    SCOPED_TRACE(describe(contract->nest, {}));
    Counters run = counted[i];
    run.routeBytes = run.activeRouteBytes = run.instructionBytes = 0;
    std::vector<int64_t> expected;
    run.forEach([&](const char *, const char *, int64_t value) {
      expected.push_back(value);
    });
    size_t at = 0;
    closedCounters(contract->nest, program.machine)
        .forEach([&](const char *name, const char *, int64_t value) {
          EXPECT_EQ(value, expected[at++]) << name;
        });
  }
}

TEST(ClosedCounters, RandomNests) {
  for (unsigned draw = 0; draw < 400; ++draw) {
    // Up to 64 lanes: rows of several macros.
    Machine machine = smallMachine(1 + draw % 4, draw / 4 % 3, draw / 12 % 3);
    if (machine.laneBits() < 1)
      continue;
    if (draw % 7 == 0)
      machine.networks = NetworkTopology::Butterfly;
    RandomNestOptions options;
    options.seed = 91000 + draw;
    options.missingBits = draw % 4;
    SCOPED_TRACE("seed " + std::to_string(options.seed));
    RandomContraction contraction = randomContraction(machine, options);
    serialiseForNetworks(contraction, machine);
    compare(programOf(contraction, machine));
    if (::testing::Test::HasFailure())
      return;
  }
}

// Sums that go on from the sums before: rows are reloaded.
TEST(ClosedCounters, AccumulatingNests) {
  Machine machine = smallMachine(4, 2, 2);
  for (int64_t n : {5, 12, 24}) {
    ContractionSpec spec;
    spec.sizes = {n, 7, 20};
    spec.modes = {{{0, 2}, {2, 1}, {0, 1}}};
    spec.resultType = ElementType::F32;
    spec.accumulates = true;
    MappedContraction mapped = must(mapContraction(spec, machine));
    ASSERT_TRUE(mapped.nest.accumulate);
    Counters n1 = closedCounters(mapped.nest, machine);
    Nest fresh = mapped.nest;
    fresh.accumulate = false;
    Counters n0 = closedCounters(fresh, machine);
    EXPECT_EQ(n1.accumulatorAdds - n0.accumulatorAdds, n * 7);
    EXPECT_EQ(n1.accumulatorWrites - n0.accumulatorWrites, n * 7);
    EXPECT_EQ(n1.accumulatorReads - n0.accumulatorReads, n * 7);
    EXPECT_EQ(n1.rowReads - n0.rowReads, 2 * n0.drainedRows);
    EXPECT_EQ(n1.macroReads - n0.macroReads, n0.macroWrites);
  }
}

} // namespace

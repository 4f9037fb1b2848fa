//===- ClosedFormTest.cpp - Closed form against tile events ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ClosedForm.h"
#include "TestPrograms.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

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
      compareLevels(nest, machine);
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
    compareLevels(mapped->nest, machine);
    if (::testing::Test::HasFailure())
      return;
  }
}

} // namespace

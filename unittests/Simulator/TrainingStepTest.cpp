//===- TrainingStepTest.cpp - Timing of mapped training steps -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ClosedForm.h"
#include "TrainingProgram.h"
#include "fetta/Mapping/Program.h"

#include <cstdlib>

using namespace fetta;
using namespace fetta::test;

namespace {

/// Whole training steps of all einsum families, with layouts chosen together.
TEST(ClosedForm, TrainingSteps) {
  bool isLong = std::getenv("FETTA_LONG");
  const std::string folder = FETTA_SOURCE_DIR "/machines/";
  const char *small[] = {"small-4ce.yaml", "small-16ce-2x8.yaml",
                         "small-4ce-8x2.yaml"};
  unsigned draw = 0;
  for (const KnownOptimum &layer : layerSuite)
    for (int64_t tokens : {1, 2, 4}) {
      // The quick run takes the small layers at one token.
      if (!isLong && (layer.optimum > 2.5e8 || tokens != 1))
        continue;
      Machine machine = ++draw % 2
                            ? must(Machine::load(folder + "fetta-edge.yaml"))
                            : must(Machine::load(folder + small[draw / 2 % 3]));
      SCOPED_TRACE(std::string(layer.name) + ", " + std::to_string(tokens) +
                   " tokens, machine " + machine.name);
      MappedProgram mapped = must(
          mapProgram(makeTrainingProgram(makeLayer(layer, tokens)), machine));
      for (const MappedContraction &step : mapped.steps)
        compareLevels(step.nest, machine);
      if (::testing::Test::HasFailure())
        return;
    }
}

} // namespace

//===- VerifyTest.cpp - Programs that break one rule ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NestProgram.h"
#include "RandomProgram.h"

#include "fetta/Program/Container.h"

#include "gtest/gtest.h"

using namespace fetta;

namespace {

/// Code of the refusal, 0 if there is none; its text.
std::pair<unsigned, std::string> refusal(const Program &program) {
  std::pair<unsigned, std::string> result = {0, ""};
  llvm::handleAllErrors(verifyProgram(program), [&](const LoadError &e) {
    result = {e.code, e.message};
  });
  return result;
}

std::vector<Machine> machines() {
  Machine small = test::smallMachine();
  Machine wide = small;
  wide.peRowBits = 1;
  wide.peColumnBits = 3;
  Machine tall = small;
  tall.peRowBits = 3;
  tall.peColumnBits = 1;
  Machine many = small;
  many.ceBits = 4;
  many.rowsPerSlab = 256;
  return {small, wide, tall, many};
}

TEST(Verify, RandomContractionsPass) {
  unsigned split = 0;
  for (const Machine &machine : machines())
    for (uint64_t seed = 0; seed < 80; ++seed) {
      SCOPED_TRACE(seed);
      test::RandomNestOptions options;
      options.seed = seed;
      options.missingBits = seed % 4;
      options.splitReduction = seed % 5 == 0;
      auto contraction = test::randomContraction(machine, options);
      split += contraction.nests.size() > 1;
      auto [code, message] = refusal(test::programOf(contraction, machine));
      EXPECT_EQ(code, 0u) << message;
    }
  EXPECT_GT(split, 10u);
}

} // namespace

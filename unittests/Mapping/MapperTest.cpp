//===- MapperTest.cpp - Mapped contractions -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BruteForce.h"

#include "fetta/Machine/Machine.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

MappedContraction mapOrDie(const ContractionSpec &spec,
                           const Machine &machine) {
  llvm::Expected<MappedContraction> mapped = mapContraction(spec, machine);
  if (!mapped) {
    ADD_FAILURE() << llvm::toString(mapped.takeError());
    return {};
  }
  Walk w = walk(mapped->nest, machine);
  EXPECT_EQ(w.broken, "");
  EXPECT_EQ(w.total, mapped->cycles.total());
  return *mapped;
}

} // namespace

TEST(Mapper, ReachesPeakOnWorkedExample1) {
  // X [b, i0, i1, i2] * E [i1, i2, r] -> [b, i0, r].
  Machine machine;
  ContractionSpec spec;
  spec.sizes = {32, 8, 8, 12, 12};
  spec.modes = {{{0, 1, 2, 3}, {2, 3, 4}, {0, 1, 4}}};
  MappedContraction mapped = mapOrDie(spec, machine);
  EXPECT_EQ(mapped.cycles.beats, 288);
  EXPECT_EQ(mapped.cycles.bankConflict, 0);
  EXPECT_EQ(mapped.cycles.stationaryReload, 0);
  // No worse than the mapping by hand.
  EXPECT_LE(mapped.cycles.total(), 288 + 4 + 24 + 12);
}

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

/// X [b, i0, i1, i2] * E [i1, i2, r] -> [b, i0, r] of worked example 1.
static ContractionSpec example1() {
  ContractionSpec spec;
  spec.sizes = {32, 8, 8, 12, 12};
  spec.modes = {{{0, 1, 2, 3}, {2, 3, 4}, {0, 1, 4}}};
  return spec;
}

static ContractionSpec matmul(int64_t m, int64_t n, int64_t k) {
  ContractionSpec spec;
  spec.sizes = {m, n, k};
  spec.modes = {{{0, 2}, {2, 1}, {0, 1}}};
  return spec;
}

TEST(Mapper, ReachesPeakOnWorkedExample1) {
  Machine machine;
  MappedContraction mapped = mapOrDie(example1(), machine);
  EXPECT_EQ(mapped.cycles.beats, 288);
  EXPECT_EQ(mapped.cycles.bankConflict, 0);
  EXPECT_EQ(mapped.cycles.stationaryReload, 0);
  // No worse than the mapping by hand.
  EXPECT_LE(mapped.cycles.total(), 288 + 4 + 24 + 12);
}

TEST(Mapper, GivenLayoutsOfTheWorkedExamples) {
  // Banks as in docs/Machine.md: X {i2:2, i1:3, i0:3}, Y1 {r:2, i0:3, b:3}.
  Machine machine;
  ContractionSpec spec = example1();
  Layout x = lowBitLayout({32, 8, 8, 12}, {0, 3, 3, 2}, machine);
  Layout y1 = lowBitLayout({32, 8, 12}, {3, 3, 2}, machine);
  spec.layouts = {x, std::nullopt, y1};
  EXPECT_EQ(mapOrDie(spec, machine).cycles.beats, 288);

  // dE [i1, i2, r] = X * dY1.
  spec.modes = {{{0, 1, 2, 3}, {0, 1, 4}, {2, 3, 4}}};
  spec.layouts = {x, y1, std::nullopt};
  MappedContraction gradient = mapOrDie(spec, machine);
  EXPECT_EQ(gradient.cycles.beats, 288);
  EXPECT_EQ(gradient.cycles.bankConflict, 0);
  EXPECT_EQ(gradient.cycles.stationaryReload, 0);
  EXPECT_EQ(gradient.cycles.drainBusy, 0);
  spec.dataflow = Dataflow::OutputStationary;
  EXPECT_LE(mapOrDie(spec, machine).cycles.total(), 288 + 24 + 4 + 9);
}

TEST(Mapper, DataflowsMirror) {
  // With A and B swapped the same mapping is the other stationary one.
  Machine machine;
  ContractionSpec spec = matmul(96, 4, 12);
  MappedContraction b = mapOrDie(spec, machine);
  EXPECT_EQ(b.nest.dataflow, Dataflow::BStationary);
  std::swap(spec.modes[OperandA], spec.modes[OperandB]);
  MappedContraction a = mapOrDie(spec, machine);
  EXPECT_EQ(a.nest.dataflow, Dataflow::AStationary);
  EXPECT_EQ(a.cycles.total(), b.cycles.total());
}

TEST(Mapper, PicksOutputStationary) {
  // One tile: m on 4 rows and 2 CEs, n on 4 columns and 16 CEs, 2 of k on CEs,
  // 6 beats, 4 beats of drain and two rows of the result. A stationary tile
  // that uses all PEs streams 2 beats and loads for 4.
  Machine machine;
  MappedContraction mapped = mapOrDie(matmul(8, 64, 12), machine);
  EXPECT_EQ(mapped.nest.dataflow, Dataflow::OutputStationary);
  EXPECT_EQ(mapped.cycles.beats, 6);
  EXPECT_EQ(mapped.cycles.total(), 6 + 24 + 4 + 2);
}

TEST(Mapper, DegenerateContractions) {
  struct {
    const char *what;
    llvm::SmallVector<int64_t, 8> sizes;
    std::array<llvm::SmallVector<unsigned, 8>, 3> modes;
    int64_t leastBeats; ///< On 64 CEs of 4x4, whatever the dataflow.
  } cases[] = {
      {"scalars", {}, {{{}, {}, {}}}, 1},
      {"modes of size 1", {1, 1, 1}, {{{0, 2}, {2, 1}, {0, 1}}}, 1},
      {"scalar times tensor", {100}, {{{0}, {}, {0}}}, 1},
      {"tensor times scalar", {100}, {{{}, {0}, {0}}}, 1},
      {"dot product", {1000}, {{{0}, {0}, {}}}, 4},
      {"outer product", {30, 50}, {{{0}, {1}, {0, 1}}}, 2},
      {"batch only", {9, 50}, {{{0, 1}, {1, 0}, {0, 1}}}, 8},
      {"one token", {1, 96, 32}, {{{0, 2}, {2, 1}, {0, 1}}}, 3},
      {"matrix times vector", {50, 30}, {{{0, 1}, {1}, {0}}}, 2},
      {"batched matmul", {3, 5, 6, 7}, {{{0, 1, 3}, {0, 3, 2}, {0, 1, 2}}}, 1},
  };
  Machine machine;
  for (const auto &c : cases)
    for (int dataflow = -1; dataflow < 3; ++dataflow) {
      SCOPED_TRACE(c.what);
      ContractionSpec spec;
      spec.sizes = c.sizes;
      spec.modes = c.modes;
      if (dataflow >= 0)
        spec.dataflow = Dataflow(dataflow);
      for (ElementType type : {ElementType::BF16, ElementType::F32}) {
        spec.resultType = type;
        MappedContraction mapped = mapOrDie(spec, machine);
        EXPECT_GE(mapped.cycles.beats, c.leastBeats);
        EXPECT_EQ(mapped.cycles.bankConflict, 0);
      }
    }
}

TEST(Mapper, PaysForAGivenLayout) {
  // A without bank bits: each beat reads one word of it, on any lane.
  Machine machine;
  ContractionSpec spec = matmul(16, 16, 16);
  spec.layouts[OperandA] = lowBitLayout({16, 16}, {0, 0}, machine);
  MappedContraction mapped = mapOrDie(spec, machine);
  // 256 words of A at one word a sub-beat.
  EXPECT_GE(mapped.cycles.total() - mapped.cycles.fill, 256);
  // Enough bits for 16 lanes: a sixteenth of it, and a little.
  spec.layouts[OperandA] = lowBitLayout({16, 16}, {0, 4}, machine);
  mapped = mapOrDie(spec, machine);
  EXPECT_GE(mapped.cycles.total() - mapped.cycles.fill, 16);
  EXPECT_LE(mapped.cycles.total() - mapped.cycles.fill, 40);
}

TEST(Mapper, BlocksWhatExceedsTheAccumulators) {
  Machine machine;
  machine.accumulatorRows = 8;
  // A prime number of rows: blocks run over its end.
  MappedContraction mapped = mapOrDie(matmul(1021, 12, 24), machine);
  EXPECT_GT(mapped.nest.scopeLevel, 0u);
  // 1021 * 12 * 24 / 1024 = 287.2.
  EXPECT_GE(mapped.cycles.beats, 288);
  EXPECT_LE(mapped.cycles.total(), 288 * 5 / 4);
}

TEST(Mapper, Refuses) {
  Machine machine;
  auto refused = [&](const ContractionSpec &spec) {
    llvm::Expected<MappedContraction> mapped = mapContraction(spec, machine);
    return mapped ? std::string("mapped") : llvm::toString(mapped.takeError());
  };
  EXPECT_EQ(refused(matmul(4, 0, 4)), "mode 1: size 0 is not positive");
  EXPECT_EQ(refused(matmul(int64_t(1) << 20, int64_t(1) << 20, 1 << 20)),
            "more than 2^48 multiply-adds: split the contraction");
  ContractionSpec spec = matmul(4, 4, 4);
  spec.modes[OperandB] = {2, 2};
  EXPECT_EQ(refused(spec),
            "operand B names mode 2 twice: a diagonal is no contraction");
  spec.modes[OperandB] = {2, 3};
  EXPECT_EQ(refused(spec), "operand B names mode 3, but there are 3 modes");
  spec.modes[OperandB] = {2};
  EXPECT_EQ(refused(spec),
            "mode 1 belongs to fewer than two of A, B and C: sum or broadcast "
            "it in an operation of its own");
  spec = matmul(4, 4, 4);
  spec.layouts[OperandB] = lowBitLayout({4, 8}, {2, 2}, machine);
  EXPECT_EQ(refused(spec), "layout of operand B: dimension 1 has size 8, its "
                           "mode has 4");
  spec.layouts[OperandB] = lowBitLayout({4}, {2}, machine);
  EXPECT_EQ(refused(spec), "layout of operand B: 1 dimensions for 2 modes");
  spec.layouts[OperandB] = lowBitLayout({4, 4}, {2, 2}, machine);
  spec.layouts[OperandB]->banks.pop_back();
  EXPECT_EQ(refused(spec), "layout of operand B: the layout names 7 bank bits, "
                           "the machine has 8");
}

//===- RepeatedProgramTest.cpp - A repeat is what it stands for -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SteadyProgram.h"
#include "TestPrograms.h"
#include "fetta/Simulator/Functional.h"
#include "fetta/Simulator/Level2.h"
#include "fetta/Simulator/Limits.h"
#include "fetta/Simulator/Timing.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

/// What a run gives.
struct RunFigures {
  std::vector<float> y, s;
  std::vector<int64_t> cycles;
  int64_t instructionBytes = 0;
};

RunFigures figuresOf(const Program &program, const std::vector<float> &x,
                     const std::vector<float> &w) {
  RunFigures result;
  auto fill = [&](DramMemory &dram) {
    must(dram.store(0, x));
    must(dram.store(1, w));
  };
  TensorMemory memory(program.machine);
  DramMemory dram(program);
  fill(dram);
  Counters all;
  for (const Counters &c :
       must(runProgram(program, memory, dram, ExecutionOptions())))
    all += c;
  result.y = must(dram.load(2));
  result.s = must(dram.load(3));
  for (DramModel model : {DramModel::Ideal, DramModel::Bandwidth}) {
    TimingOptions options;
    options.dram = model;
    ProgramTiming timing = timeProgram(program, options);
    result.cycles.push_back(timing.cycles);
    int64_t bytes = 0;
    for (const InstructionTiming &t : timing.instructions)
      bytes += t.dramBytes;
    Limits limits = limitsOf(program, bytes);
    result.cycles.insert(
        result.cycles.end(),
        {limits.compute, limits.array, limits.dram, limits.criticalPath});
    TensorMemory tensors(program.machine);
    DramMemory regions(program);
    fill(regions);
    result.cycles.push_back(
        must(runLevel2(program, tensors, regions, model)).cycles);
    EXPECT_EQ(must(regions.load(2)), result.y);
    EXPECT_EQ(must(regions.load(3)), result.s);
  }
  result.instructionBytes = all.instructionBytes;
  return result;
}

/// Small whole numbers: every sum is exact.
std::vector<float> wholeNumbers(std::mt19937_64 &random, int64_t count) {
  std::vector<float> values;
  for (; count; --count)
    values.push_back(float(random() % 7) - 3);
  return values;
}

TEST(Repeat, SameValuesAndCyclesAsWrittenOut) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    Machine machine = smallMachine(1 + seed % 2, 1, 1 + seed % 3 / 2);
    SteadyOptions options;
    options.seed = seed;
    options.iterations = 2 + seed % 6;
    Program rolled = throughBinary(steadyProgram(machine, options));
    options.form = SteadyOptions::OwnTensors;
    Program flat = throughBinary(steadyProgram(machine, options));
    EXPECT_LT(rolled.code.size(), flat.code.size());
    Program expanded = must(expandRepeats(rolled));
    EXPECT_EQ(expanded.code.size(), flat.code.size());

    std::mt19937_64 random(seed);
    const auto &x = rolled.regions[0], &w = rolled.regions[1];
    std::vector<float> xs = wholeNumbers(random, x.elements()),
                       ws = wholeNumbers(random, w.elements());
    RunFigures run1 = figuresOf(expanded, xs, ws),
               run2 = figuresOf(flat, xs, ws);
    EXPECT_EQ(run1.cycles, run2.cycles);
    EXPECT_EQ(run1.instructionBytes, run2.instructionBytes);
    EXPECT_EQ(run1.y, run2.y);
    EXPECT_EQ(run1.s, run2.s);

    int64_t slices = x.shape[0], m = x.shape[1], k = x.shape[2], n = w.shape[2];
    std::vector<float> y(size_t((slices - 1) * m * n)), s(size_t(m * n));
    for (int64_t slice = 0; slice < slices; ++slice)
      for (int64_t row = 0; row < m; ++row)
        for (int64_t column = 0; column < n; ++column)
          for (int64_t i = 0; i < k; ++i) {
            float product = xs[size_t((slice * m + row) * k + i)] *
                            ws[size_t(i * n + column)];
            s[size_t(row * n + column)] += product;
            if (slice)
              y[size_t(((slice - 1) * m + row) * n + column)] += product;
          }
    EXPECT_EQ(run1.y, y);
    EXPECT_EQ(run1.s, s);
  }
}

TEST(Repeat, IsRefusedWhereItIsNotWrittenOut) {
  Program program = steadyProgram(smallMachine(1, 1, 1), SteadyOptions());
  EXPECT_EQ(
      llvm::toString(countProgram(program).takeError()).find("instruction"),
      0u);
}

} // namespace

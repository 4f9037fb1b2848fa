//===- FunctionalTest.cpp - Values against the scalar reference -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Functional.h"

#include "TestPrograms.h"
#include "fetta/Support/BFloat16.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace fetta;
using namespace fetta::test;

namespace {

struct Run {
  std::vector<float> values;
  std::vector<Counters> counters;
};

/// Runs a contraction with NaN in every word that nobody wrote.
llvm::Expected<Run> run(const Program &program, llvm::ArrayRef<float> a,
                        llvm::ArrayRef<float> b, ValuePath path) {
  TensorMemory memory(program.machine);
  if (llvm::Error error = memory.store(program.tensors[0], a))
    return error;
  if (llvm::Error error = memory.store(program.tensors[1], b))
    return error;
  memory.poison(0xFFA5);
  auto counters = runProgram(program, memory, nullptr,
                             std::numeric_limits<int64_t>::max(), path);
  if (!counters)
    return counters.takeError();
  auto values = memory.load(program.tensors[2]);
  if (!values)
    return values.takeError();
  return Run{std::move(*values), std::move(*counters)};
}

/// Both ways through the simulator must agree in every bit and every counter.
void expectSame(const Run &x, const Run &y) {
  ASSERT_EQ(x.values.size(), y.values.size());
  for (size_t i = 0; i < x.values.size(); ++i)
    ASSERT_EQ(floatToBits(x.values[i]), floatToBits(y.values[i])) << i;
  ASSERT_EQ(x.counters.size(), y.counters.size());
  for (size_t i = 0; i < x.counters.size(); ++i) {
#define FETTA_COUNTER(name, text)                                              \
  EXPECT_EQ(x.counters[i].name, y.counters[i].name) << #name;
    FETTA_COUNTERS(FETTA_COUNTER)
#undef FETTA_COUNTER
  }
}

void checkAgainstReference(const RandomContraction &contraction,
                           const Machine &machine, std::mt19937_64 &random,
                           bool special) {
  Program program = throughBinary(programOf(contraction, machine));
  ModeArray a = arrayOf(contraction, OperandA);
  ModeArray b = arrayOf(contraction, OperandB);
  ModeArray c = arrayOf(contraction, OperandC);
  a.values = randomValues(random, program.tensors[0].layout.elements());
  b.values = randomValues(random, program.tensors[1].layout.elements());
  if (special) {
    a.values[random() % a.values.size()] = INFINITY;
    b.values[random() % b.values.size()] = bitsToFloat(0xFFC10000);
  }
  auto ran = run(program, a.values, b.values, ValuePath::Tables);
  ASSERT_TRUE(bool(ran)) << llvm::toString(ran.takeError());
  auto byLanes = run(program, a.values, b.values, ValuePath::Lanes);
  ASSERT_TRUE(bool(byLanes)) << llvm::toString(byLanes.takeError());
  expectSame(*ran, *byLanes);

  ReferenceSums sums(c);
  for (size_t i = 0; i < contraction.nests.size(); ++i)
    referenceContract(
        contraction.nests[i],
        {contraction.offsets[i].begin(), contraction.offsets[i].end()}, a, b,
        sums);
  std::vector<float> expected = referenceDrain(sums, contraction.resultType);
  ASSERT_EQ(ran->values.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_EQ(floatToBits(ran->values[i]), floatToBits(expected[i]))
        << "element " << i << ": " << ran->values[i] << " instead of "
        << expected[i];

  int64_t work = 1, reduced = 1;
  for (unsigned mode = 0; mode < contraction.sizes.size(); ++mode) {
    work *= contraction.sizes[mode];
    if (contraction.nests[0].isReduced(mode))
      reduced *= contraction.sizes[mode];
  }
  Counters total;
  for (const Counters &counters : ran->counters)
    total += counters;
  EXPECT_EQ(total.multiplyAdds, work);
  EXPECT_GE(total.idleMultiplyAdds, 0);
  EXPECT_EQ(total.drainedWords, int64_t(expected.size()));
  if (special)
    return;
  DoubleResult exact = doubleContract(
      {contraction.sizes.begin(), contraction.sizes.end()}, a, b, c);
  double eps = std::ldexp(1.0, -24);
  for (size_t i = 0; i < expected.size(); ++i) {
    double bound = 2 * eps * double(reduced) * exact.magnitude[i] + 1e-40;
    if (contraction.resultType == ElementType::BF16)
      bound += std::ldexp(std::abs(exact.value[i]) + bound, -8);
    ASSERT_LE(std::abs(double(ran->values[i]) - exact.value[i]), bound)
        << "element " << i;
  }
}

struct MachineSize {
  unsigned ce, rows, columns;
  NetworkTopology networks = NetworkTopology::Benes;
};

class RandomNests : public ::testing::TestWithParam<MachineSize> {};

TEST_P(RandomNests, BitForBitAndWithinTheBound) {
  MachineSize size = GetParam();
  Machine machine = smallMachine(size.ce, size.rows, size.columns);
  machine.networks = size.networks;
  // 3 dataflows x 4 numbers of missing bits x 8 draws.
  for (unsigned draw = 0; draw < 96; ++draw) {
    RandomNestOptions options;
    options.seed =
        1000 * size.ce + 100 * size.rows + 10 * size.columns + 7919 * draw;
    options.dataflow = Dataflow(draw % 3);
    options.missingBits = draw / 3 % 4;
    options.splitReduction = draw / 12 % 2;
    options.maxMultiplyAdds = 3000;
    RandomContraction contraction = randomContraction(machine, options);
    serialiseForNetworks(contraction, machine);
    SCOPED_TRACE("seed " + std::to_string(options.seed) + ": " +
                 describe(contraction));
    std::mt19937_64 random(options.seed);
    checkAgainstReference(contraction, machine, random, draw % 16 == 5);
    if (HasFatalFailure())
      return;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Machines, RandomNests,
    ::testing::Values(MachineSize{2, 2, 2}, MachineSize{2, 1, 3},
                      MachineSize{4, 1, 1}, MachineSize{5, 0, 2},
                      MachineSize{3, 3, 1}, MachineSize{4, 2, 2},
                      MachineSize{4, 3, 1}, MachineSize{6, 2, 2},
                      MachineSize{3, 2, 2, NetworkTopology::Butterfly}));

/// One small contraction whose memory and program a test may spoil.
class Refusals : public ::testing::Test {
protected:
  Machine machine = smallMachine(2, 1, 1);
  RandomContraction contraction = randomContraction(machine, {});
  Program program = programOf(contraction, machine);
  TensorMemory memory{machine};

  void store(unsigned tensor) {
    size_t count = size_t(program.tensors[tensor].layout.elements());
    must(memory.store(program.tensors[tensor], std::vector<float>(count)));
  }
  /// What both ways through the simulator say.
  std::string messageOfRun() {
    std::string messages[2];
    for (ValuePath path : {ValuePath::Tables, ValuePath::Lanes}) {
      auto ran = runProgram(program, memory, nullptr,
                            std::numeric_limits<int64_t>::max(), path);
      if (!ran)
        messages[size_t(path)] = llvm::toString(ran.takeError());
    }
    EXPECT_EQ(messages[0], messages[1]);
    return messages[0];
  }
};

TEST_F(Refusals, WordThatNobodyWrote) {
  store(0);
  std::string message = messageOfRun();
  EXPECT_NE(message.find("operand B, tensor 'B': reads word"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("which was never written"), std::string::npos);
  store(1);
  EXPECT_EQ(messageOfRun(), "");
}

TEST_F(Refusals, EmptySlot) {
  store(0);
  store(1);
  for (Instruction &instruction : program.code)
    if (auto *contract = std::get_if<Contract>(&instruction))
      contract->slots[0] = 7;
  EXPECT_NE(messageOfRun().find("slot 7 of network 0, into which no route"),
            std::string::npos);
}

TEST_F(Refusals, ResultThatNobodyWrote) {
  auto values = memory.load(program.tensors[2]);
  ASSERT_FALSE(bool(values));
  EXPECT_NE(llvm::toString(values.takeError()).find("was never written"),
            std::string::npos);
}

} // namespace

//===- WorkedExamplesTest.cpp - Examples 1 and 2 of docs/Machine.md -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layouts, lanes and loops are given by hand as the examples describe them;
// all expected figures are worked out there.
//
//===----------------------------------------------------------------------===//

#include "TestPrograms.h"
#include "WorkedExample.h"
#include "fetta/Simulator/Functional.h"
#include "fetta/Simulator/Timing.h"
#include "fetta/Support/BFloat16.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;
using namespace fetta::test::example1;

namespace {

class WorkedExamples : public ::testing::Test {
protected:
  Machine machine = loadMachine("fetta-edge");
  ProgramBuilder builder{machine};
  std::vector<TensorEntry> tensors;

  uint32_t add(TensorEntry tensor) {
    tensors.push_back(tensor);
    return builder.addTensor(std::move(tensor));
  }
  void contract(Nest nest, std::array<uint32_t, 3> ids) {
    std::array<uint32_t, 3> routes;
    auto words = routesOf(nest, machine);
    for (unsigned net = 0; net < 3; ++net)
      routes[net] = builder.addRoute(std::move(words[net]));
    uint32_t op = builder.addOp(
        {"step" + std::to_string(nests.size()), "", "", Phase::Forward});
    nests.push_back(nest);
    builder.addContract(std::move(nest), ids, routes, op);
  }
  void finish() { program = throughBinary(std::move(builder).finish()); }

  /// Random values for everything the host places; runs; checks the last
  /// tensor of every contraction bit for bit.
  void runAndCompare(
      llvm::ArrayRef<std::array<std::vector<unsigned>, 3>> modesOfSteps) {
    TensorMemory memory(machine);
    std::mt19937_64 random(20);
    for (const TensorEntry &tensor : program.tensors)
      if (isPreloaded(tensor.role))
        must(memory.store(
            tensor, randomValues(random, size_t(tensor.layout.elements()))));
    memory.poison(0xFFA5);
    auto ran = runProgram(program, memory);
    ASSERT_TRUE(bool(ran)) << llvm::toString(ran.takeError());
    size_t step = 0;
    for (size_t i = 0; i < program.code.size(); ++i) {
      const auto *contract = std::get_if<Contract>(&program.code[i]);
      if (!contract)
        continue;
      counters.push_back((*ran)[i]);
      std::array<ModeArray, 3> arrays;
      for (OperandId id : {OperandA, OperandB, OperandC}) {
        const TensorEntry &tensor = program.tensors[contract->tensors[id]];
        arrays[id].modes = modesOfSteps[step][id];
        for (const DimLayout &dim : tensor.layout.dims)
          arrays[id].sizes.push_back(dim.size);
        arrays[id].values = must(memory.load(tensor));
      }
      ReferenceSums sums(arrays[OperandC]);
      referenceContract(nests[step],
                        std::vector<int64_t>(nests[step].modeCount(), 0),
                        arrays[OperandA], arrays[OperandB], sums);
      std::vector<float> expected = referenceDrain(sums, ElementType::BF16);
      for (size_t e = 0; e < expected.size(); ++e)
        ASSERT_EQ(floatToBits(arrays[OperandC].values[e]),
                  floatToBits(expected[e]));
      ++step;
    }
    timing = timeProgram(program);
    for (const InstructionTiming &t : timing.instructions)
      if (t.tiles > 0)
        steps.push_back(t);
  }

  std::vector<Nest> nests;
  Program program;
  std::vector<Counters> counters;
  ProgramTiming timing;
  std::vector<InstructionTiming> steps;
};

TEST_F(WorkedExamples, TwoForwardSteps) {
  ForwardSteps example = forwardSteps();
  EXPECT_EQ(example.tensors[0].layout.rows(), 96); // X
  EXPECT_EQ(example.tensors[1].layout.rows(), 9);  // E
  EXPECT_EQ(example.tensors[2].layout.rows(), 12); // Y1
  for (const TensorEntry &tensor : example.tensors)
    add(tensor);
  for (size_t step = 0; step < example.nests.size(); ++step)
    contract(example.nests[step], example.operands[step]);
  for (const Nest &nest : nests)
    for (OperandId id : {OperandA, OperandB, OperandC})
      EXPECT_EQ(missingLanes(nest, id, machine), 0u);
  finish();
  runAndCompare({{{{B, I0, I1, I2}, {I1, I2, R}, {B, I0, R}}},
                 {{{B2, I02, R2}, {I02, R2, S2}, {B2, S2}}}});

  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].queue[CycleClass::Beat], 288);
  EXPECT_EQ(steps[0].tiles, 9);
  EXPECT_EQ(steps[0].loadBeats, 36);
  EXPECT_EQ(steps[0].queue[CycleClass::FirstLoad], 4);
  EXPECT_EQ(steps[0].queue[CycleClass::StationaryReload], 0);
  EXPECT_EQ(steps[0].queue[CycleClass::BankConflict], 0);
  EXPECT_EQ(steps[0].queue[CycleClass::SlabConflict], 0);
  // By hand: the routes of a network take 488 bytes, 16 cycles, and those of
  // the second step follow them; the first load ends in cycle 20, the last beat
  // is that of cycle 307. Row 0 of Y1 is written in cycle 307 + 24 + 1.
  EXPECT_EQ(steps[0].queue[CycleClass::WaitRoute], 16);
  EXPECT_EQ(steps[0].cycles(), 16 + 4 + 288);
  // The second step's loads hide. Its beats read rows 0, 3, 6 and 9 three
  // times, then 1, 4, 7 and 10, then 2, 5, 8 and 11, in a slab that they share
  // with the drain of these rows: row 0 is read in cycle 333, rows 1 to 3 are
  // written in 334 to 336, row 3 is read in 337, row 6 in 341, row 9 in 345.
  // Then a row is read in each cycle, so that row 10 is written when the beat
  // of cycle 357 finds nothing to read, and row 11 in cycle 370.
  EXPECT_EQ(steps[1].queue[CycleClass::FirstLoad], 0);
  EXPECT_EQ(steps[1].queue[CycleClass::WaitRow], (333 - 308) + 3 * 3 + 2);
  EXPECT_EQ(steps[0].end, 371);
  EXPECT_EQ(steps[1].queue[CycleClass::Fill], 24);
  EXPECT_EQ(timing.cycles, 308 + 36 + 36 + 24 + 12);
  EXPECT_EQ(counters[0].networkAdds, 64512);
  EXPECT_EQ(counters[0].multiplyAdds, 294912);
  EXPECT_EQ(counters[0].idleMultiplyAdds, 0);
  EXPECT_EQ(counters[0].drainedRows, 12);
  EXPECT_EQ(steps[1].queue[CycleClass::Beat], 36);
  EXPECT_EQ(steps[1].queue[CycleClass::StationaryReload], 0);
  EXPECT_EQ(steps[1].queue[CycleClass::BankConflict], 0);
}

TEST_F(WorkedExamples, CoreGradientBStationary) {
  TensorEntry x = tensorOf("X", layoutOfX(), TensorRole::Input, 0);
  TensorEntry dy = tensorOf("dY1", layoutOfY1(), TensorRole::Input, 1);
  TensorEntry de = tensorOf("dE", layoutOfE(), TensorRole::Gradient, 2);
  uint32_t xId = add(x), dyId = add(dy), deId = add(de);
  Nest nest;
  nest.sizes = {32, 8, 8, 12, 12};
  nest.loops = {{B, 32, 1}, {R, 3, 4}, {I2, 3, 4}};
  nest.lanes.row = lanesOf({{I0, 2}});
  nest.lanes.column = lanesOf({{R, 2}});
  nest.lanes.ce = lanesOf({{I1, 3}, {I2, 2}});
  nest.lanes.ce.push_back(ModeBit{I0, 2});
  nest.operands = {operandOf(x, {B, I0, I1, I2}, 5),
                   operandOf(dy, {B, I0, R}, 5), operandOf(de, {I1, I2, R}, 5)};
  nest.accumulatorStrides = {0, 0, 0, 1, 3};
  contract(nest, {xId, dyId, deId});
  finish();
  runAndCompare({{{{B, I0, I1, I2}, {B, I0, R}, {I1, I2, R}}}});
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].queue[CycleClass::Beat], 288);
  EXPECT_EQ(steps[0].queue[CycleClass::BankConflict], 0);
  EXPECT_EQ(steps[0].tiles, 96);
  EXPECT_EQ(steps[0].queue[CycleClass::FirstLoad], 4);
  EXPECT_EQ(steps[0].queue[CycleClass::StationaryReload], 95);
}

TEST_F(WorkedExamples, CoreGradientOutputStationary) {
  TensorEntry x = tensorOf("X", layoutOfX(), TensorRole::Input, 0);
  TensorEntry dy = tensorOf("dY1", layoutOfY1(), TensorRole::Input, 1);
  TensorEntry de = tensorOf("dE", layoutOfE(), TensorRole::Gradient, 2);
  uint32_t xId = add(x), dyId = add(dy), deId = add(de);
  Nest nest;
  nest.dataflow = Dataflow::OutputStationary;
  nest.sizes = {32, 8, 8, 12, 12};
  nest.loops = {{I2, 3, 4}, {R, 3, 4}, {B, 32, 1}};
  nest.lanes.row = lanesOf({{I2, 2}});
  nest.lanes.column = lanesOf({{R, 2}});
  nest.lanes.ce = lanesOf({{I1, 3}, {I0, 3}});
  nest.operands = {operandOf(x, {B, I0, I1, I2}, 5),
                   operandOf(dy, {B, I0, R}, 5), operandOf(de, {I1, I2, R}, 5)};
  nest.accumulatorStrides = {0, 0, 0, 1, 3};
  contract(nest, {xId, dyId, deId});
  finish();
  runAndCompare({{{{B, I0, I1, I2}, {B, I0, R}, {I1, I2, R}}}});
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].queue[CycleClass::Beat], 288);
  EXPECT_EQ(steps[0].tiles, 9);
  EXPECT_EQ(steps[0].queue[CycleClass::DrainBusy], 0);
  EXPECT_EQ(timing.of("reduce")[CycleClass::Busy], 36);
  // The last tile's 4 beats, then 9 accumulator rows.
  EXPECT_EQ(steps[0].queue[CycleClass::Drain], 4 + 9);
  EXPECT_EQ(steps[0].cycles() - steps[0].queue[CycleClass::WaitRoute],
            288 + 4 + 9 + 24);
}

} // namespace

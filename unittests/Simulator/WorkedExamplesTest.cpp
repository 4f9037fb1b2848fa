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
#include "fetta/Simulator/Functional.h"
#include "fetta/Simulator/Timing.h"
#include "fetta/Support/BFloat16.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

/// Banks from the lowest: `bits[i]` low bits of dimension `dims[i]`.
Layout layoutOf(llvm::ArrayRef<int64_t> sizes,
                llvm::ArrayRef<std::pair<unsigned, unsigned>> dimBits,
                llvm::ArrayRef<unsigned> rowOrder) {
  llvm::SmallVector<BankBit, 8> banks;
  for (auto [dim, bits] : dimBits)
    for (unsigned bit = 0; bit < bits; ++bit)
      banks.push_back({ModeBit{dim, bit}, false});
  banks.resize(8);
  return Layout::packed(sizes, banks, rowOrder);
}

TensorEntry tensorOf(const char *name, Layout layout, TensorRole role,
                     int64_t slab) {
  TensorEntry tensor;
  tensor.name = name;
  for (const DimLayout &dim : layout.dims)
    tensor.shape.push_back(dim.size);
  tensor.layout = std::move(layout);
  tensor.role = role;
  tensor.slab = slab;
  return tensor;
}

/// `bits` low bits of a mode, for lane tables.
llvm::SmallVector<std::optional<ModeBit>, 6>
lanesOf(llvm::ArrayRef<std::pair<unsigned, unsigned>> modeBits) {
  llvm::SmallVector<std::optional<ModeBit>, 6> lanes;
  for (auto [mode, bits] : modeBits)
    for (unsigned bit = 0; bit < bits; ++bit)
      lanes.push_back(ModeBit{mode, bit});
  return lanes;
}

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

enum : unsigned { B, I0, I1, I2, R }; // Modes.

Layout layoutOfX() {
  return layoutOf({32, 8, 8, 12}, {{3, 2}, {2, 3}, {1, 3}}, {3, 0, 1, 2});
}
Layout layoutOfY1() { // (b, i0, r)
  return layoutOf({32, 8, 12}, {{2, 2}, {1, 3}, {0, 3}}, {2, 0, 1});
}
Layout layoutOfE() { // (i1, i2, r)
  return layoutOf({8, 12, 12}, {{2, 2}, {0, 3}, {1, 2}}, {2, 1, 0});
}

TEST_F(WorkedExamples, TwoForwardSteps) {
  TensorEntry x = tensorOf("X", layoutOfX(), TensorRole::Input, 0);
  TensorEntry e = tensorOf("E", layoutOfE(), TensorRole::Param, 1);
  TensorEntry y1 = tensorOf("Y1", layoutOfY1(), TensorRole::Temporary, 2);
  TensorEntry g = // (i0, r, s)
      tensorOf("G", layoutOf({8, 12, 12}, {{2, 2}, {0, 3}, {1, 2}}, {2, 1, 0}),
               TensorRole::Param, 1);
  g.baseRow = 100;
  TensorEntry y2 = tensorOf("Y2", layoutOf({32, 12}, {{1, 2}, {0, 3}}, {1, 0}),
                            TensorRole::Result, 3);
  EXPECT_EQ(x.layout.rows(), 96);
  EXPECT_EQ(e.layout.rows(), 9);
  EXPECT_EQ(y1.layout.rows(), 12);
  uint32_t xId = add(x), eId = add(e), y1Id = add(y1), gId = add(g),
           y2Id = add(y2);

  Nest first;
  first.sizes = {32, 8, 8, 12, 12};
  first.loops = {{I2, 3, 4}, {R, 3, 4}, {B, 32, 1}};
  first.lanes.row = lanesOf({{I2, 2}});
  first.lanes.column = lanesOf({{R, 2}});
  first.lanes.ce = lanesOf({{I1, 3}, {I0, 3}});
  first.operands = {operandOf(x, {B, I0, I1, I2}, 5),
                    operandOf(e, {I1, I2, R}, 5), operandOf(y1, {B, I0, R}, 5)};
  first.accumulatorStrides = {1, 0, 0, 0, 4};
  contract(first, {xId, eId, y1Id});

  // The modes of the second step, renumbered: b, i0, r, s.
  enum : unsigned { B2, I02, R2, S2 };
  Nest second;
  second.sizes = {32, 8, 12, 12};
  second.loops = {{R2, 3, 4}, {S2, 3, 4}, {B2, 4, 8}};
  second.lanes.row = lanesOf({{R2, 2}});
  second.lanes.column = lanesOf({{S2, 2}});
  second.lanes.ce = lanesOf({{I02, 3}, {B2, 3}});
  second.operands = {operandOf(y1, {B2, I02, R2}, 4),
                     operandOf(g, {I02, R2, S2}, 4),
                     operandOf(y2, {B2, S2}, 4)};
  second.accumulatorStrides = {1, 0, 0, 4};
  contract(second, {y1Id, gId, y2Id});
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
  EXPECT_EQ(steps[0].queue[CycleClass::Fill], 24);
  EXPECT_EQ(steps[0].queue[CycleClass::Drain], 12);
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
  EXPECT_EQ(steps[0].networks[size_t(Net::Reduce)][CycleClass::Busy], 36);
  // The last tile's 4 beats, then 9 accumulator rows.
  EXPECT_EQ(steps[0].queue[CycleClass::Drain], 4 + 9);
  EXPECT_EQ(steps[0].cycles() - steps[0].queue[CycleClass::WaitRoute],
            288 + 4 + 9 + 24);
}

} // namespace

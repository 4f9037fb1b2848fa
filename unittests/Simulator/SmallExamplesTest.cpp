//===- SmallExamplesTest.cpp - Examples 10.3 to 10.6 of docs/Machine.md ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bank conflicts, ragged edges and a split reduction on small-4ce. The figures
// were worked out by hand in the document.
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

using Bits = llvm::ArrayRef<std::pair<unsigned, unsigned>>;

/// The `count` low bits of each mode, ascending.
template <typename Container> void lowBits(Container &lanes, Bits modeBits) {
  for (auto [mode, count] : modeBits)
    for (unsigned bit = 0; bit < count; ++bit)
      lanes.push_back(ModeBit{mode, bit});
}

class SmallExamples : public ::testing::Test {
protected:
  SmallExamples() : machine(loadMachine("small-4ce")) {
    example.nests.emplace_back();
  }

  /// Operand `id` of the only nest so far: modes in dimension order, bank bits
  /// as (mode, count), rows packed with the last of `rowOrder` fastest.
  void operand(OperandId id, llvm::ArrayRef<unsigned> modes, Bits banks,
               llvm::ArrayRef<unsigned> rowOrder) {
    llvm::SmallVector<int64_t, 4> sizes;
    for (unsigned mode : modes)
      sizes.push_back(example.sizes[mode]);
    auto dimOf = [&](unsigned mode) {
      return unsigned(llvm::find(modes, mode) - modes.begin());
    };
    llvm::SmallVector<BankBit, 4> bits;
    for (auto [mode, count] : banks)
      for (unsigned bit = 0; bit < count; ++bit)
        bits.push_back({ModeBit{dimOf(mode), bit}, false});
    bits.resize(machine.laneBits());
    llvm::SmallVector<unsigned, 4> order;
    for (unsigned mode : rowOrder)
      order.push_back(dimOf(mode));
    TensorEntry tensor;
    if (id == OperandC)
      tensor.elementType = example.resultType;
    tensor.layout = Layout::packed(sizes, bits, order);
    tensor.slab = id;
    example.layouts[id] = tensor.layout;
    example.modes[id].assign(modes.begin(), modes.end());
    Nest &nest = example.nests[0];
    nest.operands[id] = operandOf(tensor, modes, example.sizes.size());
    if (id == OperandC) {
      nest.accumulatorStrides.assign(example.sizes.size(), 0);
      for (unsigned mode : modes)
        nest.accumulatorStrides[mode] =
            nest.operands[id].modes[mode]->rowStride;
    }
  }
  int64_t rows(OperandId id) const { return example.layouts[id].rows(); }

  void start(llvm::ArrayRef<int64_t> sizes, Bits row, Bits column, Bits ce,
             llvm::ArrayRef<Loop> loops) {
    example.sizes.assign(sizes.begin(), sizes.end());
    Nest &nest = example.nests[0];
    nest.dataflow = Dataflow::BStationary;
    nest.sizes.assign(sizes.begin(), sizes.end());
    nest.loops.assign(loops.begin(), loops.end());
    lowBits(nest.lanes.row, row);
    lowBits(nest.lanes.column, column);
    lowBits(nest.lanes.ce, ce);
  }

  /// Through the binary; values against the scalar reference.
  void run() {
    for (Nest &nest : example.nests)
      for (OperandId id : {OperandA, OperandB, OperandC})
        nest.operands[id].serialLanes = missingLanes(nest, id, machine);
    if (example.offsets.empty())
      example.offsets.emplace_back(example.sizes.size(), 0);
    Program program = throughBinary(programOf(example, machine));
    TensorMemory memory(machine);
    std::mt19937_64 random(3);
    std::array<ModeArray, 3> arrays;
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      arrays[id] = arrayOf(example, id);
      if (id == OperandC)
        continue;
      const TensorEntry &tensor = program.tensors[id];
      arrays[id].values =
          randomValues(random, size_t(tensor.layout.elements()));
      ASSERT_FALSE(bool(memory.store(tensor, arrays[id].values)));
    }
    memory.poison(0xFFA5);
    auto ran = runProgram(program, memory);
    ASSERT_TRUE(bool(ran)) << llvm::toString(ran.takeError());
    auto values = memory.load(program.tensors[OperandC]);
    ASSERT_TRUE(bool(values)) << llvm::toString(values.takeError());
    ReferenceSums sums(arrays[OperandC]);
    for (size_t i = 0; i < example.nests.size(); ++i)
      referenceContract(example.nests[i],
                        {example.offsets[i].begin(), example.offsets[i].end()},
                        arrays[OperandA], arrays[OperandB], sums);
    std::vector<float> expected = referenceDrain(sums, example.resultType);
    ASSERT_EQ(values->size(), expected.size());
    for (size_t e = 0; e < expected.size(); ++e)
      ASSERT_EQ(floatToBits((*values)[e]), floatToBits(expected[e])) << e;
    ProgramTiming timing = timeProgram(program);
    for (size_t i = 0; i < program.code.size(); ++i)
      if (std::holds_alternative<Contract>(program.code[i])) {
        counters.push_back((*ran)[i]);
        steps.push_back(timing.instructions[i]);
      }
  }

  /// Cycles of an instruction by class.
  int64_t of(size_t step, CycleClass cycleClass) const {
    return steps[step].queue[cycleClass];
  }

  int64_t waitRoute() const { return steps[0].queue[CycleClass::WaitRoute]; }

  Machine machine;
  RandomContraction example;
  std::vector<Counters> counters; ///< Of every contract instruction.
  std::vector<InstructionTiming> steps;
};

TEST_F(SmallExamples, ConflictOnARead) {
  enum : unsigned { M, N, K, J };
  start({8, 4, 4, 4}, {{K, 2}}, {{N, 2}}, {{J, 2}}, {{M, 8, 1}});
  operand(OperandA, {M, K, J}, {{K, 2}, {J, 1}, {M, 1}}, {K, M, J});
  operand(OperandB, {K, J, N}, {{N, 2}, {J, 2}}, {N, J, K});
  operand(OperandC, {M, N}, {{N, 2}, {M, 2}}, {N, M});
  EXPECT_EQ(rows(OperandA), 8);
  EXPECT_EQ(rows(OperandB), 4);
  EXPECT_EQ(rows(OperandC), 2);
  // A[5, 1, 2].
  EXPECT_EQ(example.layouts[OperandA].rowOf({5, 1, 2}), 5);
  EXPECT_EQ(example.layouts[OperandA].bankOf({5, 1, 2}), 9u);
  EXPECT_EQ(missingLanes(example.nests[0], OperandA, machine), 8u);
  run();
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(of(0, CycleClass::Beat), 8);
  EXPECT_EQ(of(0, CycleClass::BankConflict), 8);
  EXPECT_EQ(of(0, CycleClass::FirstLoad), 4);
  EXPECT_EQ(of(0, CycleClass::StationaryReload), 0);
  EXPECT_EQ(of(0, CycleClass::Fill), 17);
  EXPECT_EQ(of(0, CycleClass::Drain), 2);
  EXPECT_EQ(steps[0].tiles, 1);
  EXPECT_EQ(counters[0].networkAdds, 96);
  EXPECT_EQ(counters[0].multiplyAdds, 512);
  EXPECT_EQ(counters[0].idleMultiplyAdds, 0);
  // 16 sub-beats of A and 4 load beats of B.
  EXPECT_EQ(counters[0].rowReads, 16 + 4);
  EXPECT_EQ(counters[0].drainedWords, 32);
}

TEST_F(SmallExamples, ConflictOnAResult) {
  enum : unsigned { M, N, K };
  start({16, 4, 4}, {{K, 2}}, {{N, 2}}, {{M, 2}}, {{M, 4, 4}});
  operand(OperandA, {M, K}, {{K, 2}, {M, 2}}, {K, M});
  operand(OperandB, {K, N}, {{N, 2}}, {N, K});
  operand(OperandC, {M, N}, {{N, 2}, {M, 1}}, {N, M});
  EXPECT_EQ(rows(OperandA), 4);
  EXPECT_EQ(rows(OperandB), 4);
  EXPECT_EQ(rows(OperandC), 8);
  EXPECT_EQ(missingLanes(example.nests[0], OperandC, machine), 8u);
  run();
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(of(0, CycleClass::Beat), 4);
  EXPECT_EQ(of(0, CycleClass::BankConflict), 4);
  EXPECT_EQ(of(0, CycleClass::FirstLoad), 4);
  EXPECT_EQ(of(0, CycleClass::Drain), 8);
  EXPECT_EQ(counters[0].networkAdds, 0);
  EXPECT_EQ(counters[0].accumulatorAdds, 0);
  EXPECT_EQ(counters[0].multiplyAdds, 256);
  EXPECT_EQ(counters[0].idleMultiplyAdds, 0);
  EXPECT_EQ(counters[0].drainedRows, 8);
  EXPECT_EQ(counters[0].drainedWords, 64);
}

TEST_F(SmallExamples, RaggedEdges) {
  enum : unsigned { M, N, K, J };
  start({3, 6, 4, 3}, {{K, 2}}, {{N, 2}}, {{J, 2}}, {{N, 2, 4}, {M, 3, 1}});
  operand(OperandA, {M, K, J}, {{K, 2}, {J, 2}}, {K, J, M});
  operand(OperandB, {K, J, N}, {{N, 2}, {J, 2}}, {J, K, N});
  operand(OperandC, {M, N}, {{N, 2}, {M, 2}}, {M, N});
  EXPECT_EQ(rows(OperandA), 3);
  EXPECT_EQ(rows(OperandB), 8);
  EXPECT_EQ(rows(OperandC), 2);
  run();
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(of(0, CycleClass::Beat), 6);
  EXPECT_EQ(of(0, CycleClass::BankConflict), 0);
  EXPECT_EQ(of(0, CycleClass::FirstLoad), 4);
  EXPECT_EQ(of(0, CycleClass::StationaryReload), 1);
  EXPECT_EQ(of(0, CycleClass::Drain), 2);
  EXPECT_EQ(steps[0].tiles, 2);
  EXPECT_EQ(steps[0].loadBeats, 8);
  EXPECT_EQ(counters[0].networkAdds, 54);
  EXPECT_EQ(counters[0].multiplyAdds, 216);
  EXPECT_EQ(counters[0].idleMultiplyAdds, 168);
  EXPECT_EQ(counters[0].drainedWords, 18);
}

TEST_F(SmallExamples, SplitReduction) {
  enum : unsigned { M, N, K };
  start({8, 4, 12}, {{K, 2}}, {{N, 2}}, {{M, 2}}, {{K, 2, 4}, {M, 2, 4}});
  operand(OperandA, {M, K}, {{K, 2}, {M, 2}}, {M, K});
  operand(OperandB, {K, N}, {{N, 2}}, {N, K});
  operand(OperandC, {M, N}, {{N, 2}, {M, 2}}, {N, M});
  EXPECT_EQ(rows(OperandA), 6);
  EXPECT_EQ(rows(OperandB), 12);
  EXPECT_EQ(rows(OperandC), 2);
  auto part = [&](Nest &nest, int64_t size) {
    nest.sizes[K] = size;
    nest.operands[OperandA].modes[K]->size = size;
    nest.operands[OperandB].modes[K]->size = size;
  };
  Nest second = example.nests[0];
  part(example.nests[0], 8);
  example.nests[0].drainAtEnd = false;
  part(second, 4);
  second.loops[0].count = 1;
  second.operands[OperandA].baseRow += 2;
  second.operands[OperandB].baseRow += 8;
  second.clearAtStart = false;
  example.nests.push_back(second);
  example.offsets = {{0, 0, 0}, {0, 0, 8}};
  run();
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(of(0, CycleClass::Beat), 4);
  EXPECT_EQ(of(0, CycleClass::StationaryReload), 2);
  EXPECT_EQ(of(0, CycleClass::Drain), 0);
  EXPECT_EQ(steps[0].tiles, 2);
  EXPECT_EQ(steps[0].loadBeats, 8);
  EXPECT_EQ(counters[0].accumulatorAdds, 32);
  EXPECT_EQ(counters[0].accumulatorWrites, 64);
  EXPECT_EQ(counters[0].drainedWords, 0);
  EXPECT_EQ(of(1, CycleClass::Beat), 2);
  EXPECT_EQ(of(1, CycleClass::StationaryReload), 0);
  EXPECT_EQ(of(1, CycleClass::Drain), 2);
  EXPECT_EQ(steps[1].tiles, 1);
  EXPECT_EQ(steps[1].loadBeats, 4);
  EXPECT_EQ(counters[1].accumulatorAdds, 32);
  EXPECT_EQ(counters[1].drainedWords, 32);
  EXPECT_EQ(counters[0].networkAdds + counters[1].networkAdds, 0);
  EXPECT_EQ(counters[0].multiplyAdds + counters[1].multiplyAdds, 384);
  EXPECT_EQ(counters[0].idleMultiplyAdds + counters[1].idleMultiplyAdds, 0);
}

/// The drain of a scope starts with its last beat, not after the reload that
/// the tile change costs: scope 0 drains 4 rows behind 2 cycles of reload and
/// the 2 beats of scope 1, so that nothing waits.
TEST_F(SmallExamples, DrainBehindAReload) {
  enum : unsigned { M, N, K };
  example.resultType = ElementType::F32;
  start({8, 8, 4}, {{K, 2}}, {{N, 2}}, {{M, 2}}, {{N, 2, 4}, {M, 2, 4}});
  operand(OperandA, {M, K}, {{K, 2}, {M, 2}}, {K, M});
  operand(OperandB, {K, N}, {{N, 2}}, {N, K});
  operand(OperandC, {M, N}, {{N, 2}, {M, 2}}, {N, M});
  example.nests[0].scopeLevel = 1;
  run();
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(of(0, CycleClass::FirstLoad), 4);
  EXPECT_EQ(of(0, CycleClass::Beat), 4);
  EXPECT_EQ(of(0, CycleClass::StationaryReload), 2);
  EXPECT_EQ(of(0, CycleClass::DrainBusy), 0);
  EXPECT_EQ(of(0, CycleClass::Drain), 4);
  EXPECT_EQ(of(0, CycleClass::Fill), 17);
  EXPECT_EQ(steps[0].cycles(), 4 + 4 + 2 + 4 + 17 + waitRoute());
}

/// One program, and for each parameter what it costs when it gets worse.
TEST_F(SmallExamples, EveryParameterCosts) {
  enum : unsigned { M, N, K };
  start({16, 4, 4}, {{K, 2}}, {{N, 2}}, {{M, 2}}, {{M, 4, 4}});
  operand(OperandA, {M, K}, {{K, 2}, {M, 2}}, {K, M});
  operand(OperandB, {K, N}, {{N, 2}}, {N, K});
  operand(OperandC, {M, N}, {{N, 2}, {M, 2}}, {N, M});
  Program program = programOf(example, machine);
  int64_t base = timeProgram(program).cycles;
  auto costs = [&](void (*change)(Machine &)) {
    Program worse = program;
    change(worse.machine);
    return timeProgram(worse).cycles - base;
  };
  // 4 rows of PEs, 16 lanes: 7 stages, 4 of them add.
  EXPECT_EQ(costs([](Machine &m) { m.latency.memoryRead = 4; }), 2);
  EXPECT_EQ(costs([](Machine &m) { m.latency.multiply = 2; }), 1);
  EXPECT_EQ(costs([](Machine &m) { m.latency.columnAdd = 2; }), 4);
  EXPECT_EQ(costs([](Machine &m) { m.latency.reductionAdd = 2; }), 4);
  EXPECT_EQ(costs([](Machine &m) { m.latency.accumulate = 2; }), 1);
  EXPECT_EQ(costs([](Machine &m) { m.latency.convertWrite = 4; }), 2);
  // 7 stages in 4 cycles instead of 2, 3 in 2 instead of 1.
  EXPECT_EQ(costs([](Machine &m) { m.latency.switchStagesPerCycle = 2; }), 3);
  EXPECT_EQ(costs([](Machine &m) { m.latency.fp32Add = 4; }), 3);
  // 14 bytes of words and 2 of masks in 16 cycles instead of 1.
  EXPECT_EQ(costs([](Machine &m) { m.routeBytesPerCycle = 1; }), 15);
}

} // namespace

//===- DmaTimingTest.cpp - Transfers and tokens, timed by hand ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On small-4ce a row has 16 words, 32 bytes as BF16. A burst of 64 bytes takes
// 2.5 cycles at 25.6 GB/s and 1 GHz, the latency is 100 cycles.
//
//===----------------------------------------------------------------------===//

#include "fetta/Program/TransferPlan.h"
#include "fetta/Simulator/Limits.h"
#include "fetta/Simulator/Timing.h"

#include "TestPrograms.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

class DmaTiming : public ::testing::Test {
protected:
  DmaTiming() {
    program.machine = loadMachine("small-4ce");
    EXPECT_EQ(program.machine.dramBytesPerSecond, 25600000000);
    EXPECT_EQ(program.machine.dramLatencyCycles, 100);
    EXPECT_EQ(program.machine.dramBurstBytes, 64);
  }

  /// A tensor of whole rows, row-major, and a region of the same shape.
  uint32_t addRows(int64_t rows, int64_t slab,
                   ElementType type = ElementType::BF16) {
    TensorEntry tensor;
    tensor.name = "t" + std::to_string(program.tensors.size());
    tensor.shape = {rows, 16};
    tensor.elementType = type;
    llvm::SmallVector<BankBit, 4> banks;
    for (unsigned bit = 0; bit < 4; ++bit)
      banks.push_back({ModeBit{1, bit}, false});
    tensor.layout = Layout::packed({rows, 16}, banks, {1, 0});
    tensor.slab = slab;
    DramRegion region;
    region.name = tensor.name;
    region.shape = tensor.shape;
    region.elementType = type;
    region.byteAddress = 4096 * int64_t(program.regions.size());
    program.tensors.push_back(tensor);
    program.regions.push_back(region);
    return uint32_t(program.tensors.size() - 1);
  }

  static Token token(unsigned semaphore) { return {uint8_t(semaphore), 1}; }
  Dma &dma(bool store, uint32_t tensor) {
    Dma dma;
    dma.store = store;
    dma.tensor = tensor;
    while (program.regions[dma.region].name != program.tensors[tensor].name)
      ++dma.region;
    dma.strides = {16, 1};
    program.code.push_back(dma);
    return std::get<Dma>(program.code.back());
  }

  ProgramTiming run(DramModel model = DramModel::Bandwidth) {
    program.code.push_back(Halt());
    TimingOptions options;
    options.dram = model;
    return timeProgram(program, options);
  }

  Program program;
};

/// 8 rows are 4 bursts: 10 cycles on the link. The last two rows arrive in
/// cycle 110 and are written in 110 and 111.
TEST_F(DmaTiming, Load) {
  dma(false, addRows(8, 0));
  ProgramTiming timing = run();
  EXPECT_EQ(timing.cycles, 112);
  EXPECT_EQ(timing.instructions[0].dramBytes, 256);
  EXPECT_EQ(timing.of("dram")[CycleClass::Load], 10);
  EXPECT_EQ(timing.of("dram")[CycleClass::IdleNoWork], 102);
  EXPECT_EQ(timing.of("slab0")[CycleClass::DmaWrite], 8);
  EXPECT_EQ(timing.of("load")[CycleClass::Busy], 112);
  EXPECT_EQ(limitsOf(program, 256).dram, 10);
}

/// The first burst holds two rows, which are fetched in cycles 0 and 1; then
/// the link sends for 10 cycles.
TEST_F(DmaTiming, Store) {
  dma(true, addRows(8, 0));
  ProgramTiming timing = run();
  EXPECT_EQ(timing.cycles, 112);
  EXPECT_EQ(timing.of("dram")[CycleClass::WaitStaging], 2);
  EXPECT_EQ(timing.of("dram")[CycleClass::Store], 10);
  EXPECT_EQ(timing.of("slab0")[CycleClass::DmaRead], 8);
}

/// 6 rows are 3 bursts, 7.5 cycles: the second transfer ends in cycle 15, not
/// 16. Its last two rows are written in cycles 115 and 116. Latencies overlap.
TEST_F(DmaTiming, FractionsGoOn) {
  dma(false, addRows(6, 0));
  dma(false, addRows(6, 1));
  ProgramTiming timing = run();
  // Rows 4 and 5 of the first arrive in cycle ceil(7.5) + 100.
  EXPECT_EQ(timing.instructions[0].end, 110);
  EXPECT_EQ(timing.cycles, 117);
  EXPECT_EQ(timing.of("dram")[CycleClass::Load], 15);
}

/// FP32 rows have two planes: a row of 64 bytes is one burst, and two accesses.
TEST_F(DmaTiming, TwoPlanes) {
  dma(false, addRows(4, 0, ElementType::F32));
  ProgramTiming timing = run();
  // The last row arrives in cycle 110.
  EXPECT_EQ(timing.cycles, 112);
  EXPECT_EQ(timing.of("slab0")[CycleClass::DmaWrite], 8);
}

/// Every second element: no two are neighbours, and each run costs a burst.
TEST_F(DmaTiming, StridesCostBursts) {
  uint32_t tensor = addRows(2, 0);
  program.regions[0].shape = {2, 32};
  dma(false, tensor).strides = {32, 2};
  ProgramTiming timing = run();
  EXPECT_EQ(timing.instructions[0].dramBytes, 32 * 64);
  EXPECT_EQ(timing.cycles, 80 + 100 + 1);
}

/// A run that begins inside a burst costs it wholly.
TEST_F(DmaTiming, UnalignedRunsCostWholeBursts) {
  uint32_t tensor = addRows(2, 0);
  program.regions[0].shape = {4, 16};
  dma(false, tensor).offset = 16;
  ProgramTiming timing = run();
  EXPECT_EQ(timing.instructions[0].dramBytes, 2 * 64);
}

/// The tensor is transposed in DRAM: its 128 rows are open at once, and 64 fit.
/// In each of the first 15 passes every row comes, and pushes out the one that
/// it needs next. In the last one row 0 still does so; from then on rows leave
/// as they are complete: rows 0 to 64 come, the others are there.
TEST_F(DmaTiming, EvictionCostsAccesses) {
  uint32_t tensor = addRows(128, 0);
  TensorEntry &entry = program.tensors[tensor];
  llvm::SmallVector<BankBit, 4> banks;
  for (unsigned bit = 0; bit < 4; ++bit)
    banks.push_back({ModeBit{0, bit}, false});
  entry.shape = {16, 128};
  entry.layout = Layout::packed({16, 128}, banks, {0, 1});
  program.regions[tensor].shape = entry.shape;
  dma(false, tensor).strides = {128, 1};
  ProgramTiming timing = run();
  EXPECT_EQ(timing.instructions[0].dramBytes, 128 * 16 * 2);
  int64_t stays = 15 * 128 + 65;
  EXPECT_EQ(timing.of("slab0")[CycleClass::DmaWrite], stays);
  EXPECT_EQ(timing.of("slab0")[CycleClass::DmaRead], stays - 128);
}

/// The same in blocks of 32 rows: a run is 64 bytes, each row comes once. The
/// last block ends in cycle 128 * 16 * 2 / 25.6 + 100, and its rows, which are
/// complete with the last burst, are written one by one.
TEST_F(DmaTiming, BlocksKeepRowsTogether) {
  uint32_t tensor = addRows(128, 0);
  TensorEntry &entry = program.tensors[tensor];
  llvm::SmallVector<BankBit, 4> banks;
  for (unsigned bit = 0; bit < 4; ++bit)
    banks.push_back({ModeBit{0, bit}, false});
  entry.shape = {16, 128};
  entry.layout = Layout::packed({16, 128}, banks, {0, 1});
  program.regions[tensor].shape = entry.shape;
  Dma &load = dma(false, tensor);
  load.strides = {128, 1};
  load.blocks = {16, 32};
  EXPECT_EQ(chooseBlocks(shapeOf(program, load), program.machine), load.blocks);
  ProgramTiming timing = run();
  EXPECT_EQ(timing.instructions[0].dramBytes, 128 * 16 * 2);
  EXPECT_EQ(timing.of("slab0")[CycleClass::DmaWrite], 128);
  EXPECT_EQ(timing.of("slab0")[CycleClass::DmaRead], 0);
  EXPECT_EQ(timing.cycles, 160 + 100 + 32);
}

TEST_F(DmaTiming, IdealTakesNoTime) {
  dma(false, addRows(8, 0));
  dma(true, 0);
  ProgramTiming timing = run(DramModel::Ideal);
  EXPECT_EQ(timing.cycles, 0);
  EXPECT_EQ(timing.instructions[0].dramBytes, 256);
}

/// A store waits for a load that ends in cycle 112: rows in 112 and 113, the
/// link from 114 to 124. A sync of another queue in between takes no time.
TEST_F(DmaTiming, TokensOrderQueues) {
  uint32_t tensor = addRows(8, 0);
  dma(false, tensor).tokens.signals[0] = token(3);
  Sync sync;
  sync.queue = Queue::Vector;
  sync.tokens.waits[0] = token(3);
  sync.tokens.signals[0] = token(4);
  program.code.push_back(sync);
  dma(true, tensor).tokens.waits[0] = token(4);
  ProgramTiming timing = run();
  EXPECT_EQ(timing.instructions[1].end, 112);
  EXPECT_EQ(timing.cycles, 224);
  EXPECT_EQ(timing.of("store")[CycleClass::WaitSemaphore], 112);
  EXPECT_EQ(timing.of("vector")[CycleClass::WaitSemaphore], 112);
}

/// A signal waits for all that came before in its queue: the second load ends
/// in cycle 113 + 1, though it is the shorter one.
TEST_F(DmaTiming, SignalsComeInOrder) {
  dma(false, addRows(8, 0)).tokens.signals[0] = token(0);
  dma(false, addRows(1, 1)).tokens.signals[0] = token(1);
  Sync sync;
  sync.tokens.waits = {token(0), token(1)};
  program.code.push_back(sync);
  ProgramTiming timing = run();
  // One burst more on the link: 12.5 cycles, so row 0 arrives in cycle 113.
  EXPECT_EQ(timing.instructions[2].end, 114);
}

/// With 2 rows in the buffer and a row every 1.25 cycles that the array leaves
/// no cycle for: the array loses one for each row that finds no place.
TEST_F(DmaTiming, AFullBufferTakesCyclesFromTheArray) {
  Machine &machine = program.machine;
  machine.stagingRows = 2;
  // B-stationary, rows k:2, columns n:2, CEs m:2; 64 beats over m.
  RandomContraction c;
  c.sizes = {256, 4, 4};
  uint32_t other = addRows(40, 0);
  Nest nest;
  nest.sizes = c.sizes;
  nest.loops = {{0, 64, 4}};
  nest.lanes.row = {ModeBit{2, 0}, ModeBit{2, 1}};
  nest.lanes.column = {ModeBit{1, 0}, ModeBit{1, 1}};
  nest.lanes.ce = {ModeBit{0, 0}, ModeBit{0, 1}};
  auto tensor = [&](int64_t rows, int64_t columns,
                    llvm::ArrayRef<std::pair<unsigned, unsigned>> bits,
                    int64_t slab) {
    TensorEntry entry;
    entry.name = "c" + std::to_string(program.tensors.size());
    entry.shape = {rows, columns};
    llvm::SmallVector<BankBit, 4> banks;
    for (auto [dim, count] : bits)
      for (unsigned bit = 0; bit < count; ++bit)
        banks.push_back({ModeBit{dim, bit}, false});
    banks.resize(4);
    entry.layout = Layout::packed({rows, columns}, banks, {0, 1});
    entry.slab = slab;
    entry.baseRow = 100;
    program.tensors.push_back(entry);
    return uint32_t(program.tensors.size() - 1);
  };
  uint32_t a = tensor(256, 4, {{1, 2}, {0, 2}}, 0);
  uint32_t b = tensor(4, 4, {{1, 2}}, 1);
  uint32_t r = tensor(256, 4, {{1, 2}, {0, 2}}, 2);
  nest.operands = {operandOf(program.tensors[a], {0, 2}, 3),
                   operandOf(program.tensors[b], {2, 1}, 3),
                   operandOf(program.tensors[r], {0, 1}, 3)};
  nest.accumulatorStrides = {1, 0, 0};
  Contract contract;
  contract.nest = nest;
  contract.tensors = {a, b, r};
  program.ops.emplace_back();

  // The load alone: 40 rows, 20 bursts, 50 cycles, from cycle 100 on.
  // The contraction waits for a first load of one row, which ends in cycle
  // 100 + 3 + 1 = 104 (2.5 cycles on the link), and begins its beats in 108.
  uint32_t first = addRows(1, 3);
  dma(false, first).tokens.signals[0] = token(0);
  contract.tokens.waits[0] = token(0);
  program.code.push_back(contract);
  Dma load;
  load.region = 0;
  load.tensor = other;
  load.strides = {16, 1};
  program.code.push_back(load);
  ProgramTiming timing = run();
  const CycleClasses &queue = timing.of("contract");
  EXPECT_EQ(queue[CycleClass::WaitSemaphore], 104);
  EXPECT_EQ(queue[CycleClass::FirstLoad], 4);
  EXPECT_EQ(queue[CycleClass::Beat], 64);
  // Burst k of 20 brings two rows in cycle 100 + 2.5 + 2.5 k. Those of k = 1
  // are written in 105 and 106, before the beats; those of k = 2 stay. From
  // k = 3 on (cycle 110) two rows that come make two others leave.
  EXPECT_EQ(queue[CycleClass::SlabConflict], 18 * 2);
  EXPECT_EQ(timing.of("dram")[CycleClass::WaitStaging], 0);
  EXPECT_EQ(timing.of("slab0")[CycleClass::DmaWrite], 40);
}

/// For each parameter of the DRAM a program that it makes slower, and by how
/// much.
TEST_F(DmaTiming, EveryParameterCosts) {
  dma(false, addRows(8, 0));
  program.code.push_back(Halt());
  int64_t base = timeProgram(program).cycles;
  auto costs = [&](void (*change)(Machine &)) {
    Program worse = program;
    change(worse.machine);
    return timeProgram(worse).cycles - base;
  };
  EXPECT_EQ(costs([](Machine &m) { m.dramBytesPerSecond /= 2; }), 10);
  EXPECT_EQ(costs([](Machine &m) { m.dramLatencyCycles *= 2; }), 100);
  // The same 256 bytes; now all rows come with the first burst of 512, whose
  // second half is wasted: 20 cycles, and 8 writes behind them.
  EXPECT_EQ(costs([](Machine &m) { m.dramBurstBytes = 512; }), 10 + 6);
}

/// 16 rows, each in two halves of DRAM: bursts 1 to 4 bring the first halves of
/// four rows each, bursts 5 to 8 the second ones, the fifth in cycle 112.5.
TEST_F(DmaTiming, FewStagingRowsCostAccesses) {
  uint32_t tensor = addRows(16, 0);
  TensorEntry &entry = program.tensors[tensor];
  llvm::SmallVector<BankBit, 4> banks = {{ModeBit{2, 0}, false},
                                         {ModeBit{2, 1}, false},
                                         {ModeBit{2, 2}, false},
                                         {ModeBit{0, 0}, false}};
  entry.shape = {2, 16, 8};
  entry.layout = Layout::packed({2, 16, 8}, banks, {0, 1, 2});
  program.regions[tensor].shape = entry.shape;
  dma(false, tensor).strides = {128, 8, 1};
  program.code.push_back(Halt());
  // From then on four rows come in 2.5 cycles, and one is written in each.
  EXPECT_EQ(timeProgram(program).cycles, 113 + 16);
  program.machine.stagingRows = 8;
  ProgramTiming few = timeProgram(program);
  // Rows 0 to 7 leave for rows 8 to 15, and row 8 leaves for row 0; then rows
  // are complete, and there is room.
  EXPECT_EQ(few.of("slab0")[CycleClass::DmaWrite], 16 + 9);
  EXPECT_EQ(few.of("slab0")[CycleClass::DmaRead], 9);
  // The nine that come back take two accesses when they are complete.
  EXPECT_EQ(few.cycles, 113 + 16 + 9);
}

} // namespace

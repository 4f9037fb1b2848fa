//===- DmaTest.cpp - Values of transfers ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPrograms.h"
#include "fetta/Simulator/Functional.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

/// A 2x3 tensor "t" in tensor memory, the regions "in" (4x5, filled with 10 *
/// row + column) and "out" (3x2), and one load and one store between them.
class Transfers : public ::testing::Test {
protected:
  Transfers() {
    TensorEntry t;
    t.name = "t";
    t.shape = {2, 3};
    BankBit d1b0{ModeBit{1, 0}, false}, d1b1{ModeBit{1, 1}, false};
    t.layout = Layout::packed({2, 3}, {d1b0, BankBit(), d1b1}, {0, 1});
    t.baseRow = 7;
    program.tensors.push_back(t);
    program.regions.push_back(
        {"in", {4, 5}, ElementType::BF16, TensorRole::Input, 0});
    program.regions.push_back(
        {"out", {3, 2}, ElementType::BF16, TensorRole::Result, 128});
    Dma load;
    load.offset = 6; // Row 1, column 1.
    load.strides = {5, 1};
    Dma store;
    store.store = true;
    store.region = 1;
    store.strides = {1, 2}; // Transposed.
    load.tokens.signals[0] = {4, 1};
    store.tokens.waits[0] = {4, 1};
    program.code.emplace_back(load);
    program.code.emplace_back(store);
    program.code.emplace_back(Halt());
  }
  static Machine machineOf() { return smallMachine(1, 1, 2); }
  Dma &dma(size_t i) { return std::get<Dma>(program.code[i]); }
  llvm::Expected<std::vector<float>> run() {
    TensorMemory memory(program.machine);
    DramMemory dram(program);
    std::vector<float> values;
    for (int row = 0; row < 4; ++row)
      for (int column = 0; column < 5; ++column)
        values.push_back(float(10 * row + column));
    must(dram.store(0, values));
    auto counters = runProgram(program, memory, dram, {});
    if (!counters)
      return counters.takeError();
    return dram.load(1);
  }
  std::string message() {
    auto result = run();
    return result ? "" : llvm::toString(result.takeError());
  }

  Program program{machineOf(), {}, {}, {}, {}, {}, ""};
};

TEST_F(Transfers, WindowAndTransposition) {
  program = throughBinary(program);
  EXPECT_EQ(must(run()), (std::vector<float>{11, 21, 12, 22, 13, 23}));
}

TEST_F(Transfers, ElementsOfOnePlaceMayBeLoadedTwice) {
  dma(0).strides = {0, 1};
  EXPECT_EQ(must(run()), (std::vector<float>{11, 11, 12, 12, 13, 13}));
}

TEST_F(Transfers, Float32KeepsItsBits) {
  for (DramRegion &region : program.regions)
    region.elementType = ElementType::F32;
  program.tensors[0].elementType = ElementType::F32;
  program = throughBinary(program);
  TensorMemory memory(program.machine);
  DramMemory dram(program);
  std::vector<float> values(20, 1.0f);
  values[6] = 1.00000012f;
  values[13] = -3.14159274f;
  must(dram.store(0, values));
  must(runProgram(program, memory, dram, {}));
  EXPECT_EQ(must(dram.load(1)),
            (std::vector<float>{1.00000012f, 1, 1, 1, 1, -3.14159274f}));
}

TEST_F(Transfers, RoundsToBF16InDram) {
  DramMemory dram(program);
  must(dram.store(1, std::vector<float>(6, 1.01f)));
  EXPECT_EQ(must(dram.load(1))[0], 1.0078125f);
}

TEST_F(Transfers, Refusals) {
  auto contains = [&](const char *text) {
    std::string m = message();
    EXPECT_NE(m.find(text), std::string::npos) << m;
  };
  EXPECT_EQ(message(), "");
  dma(0).offset = 8; // 13 + 3 is the last element but three; row 3 is outside.
  EXPECT_EQ(message(), "");
  dma(0).offset = 13;
  contains("instruction 0 (dma-load, tensor 't', region 'in'): element 5 of "
           "the tensor lies outside the region");
  dma(0).offset = -1;
  contains("element 0 of the tensor lies outside the region");
  dma(0) = dma(1);
  contains("instruction 0 (dma-store, tensor 't', region 'out'): element 0 of "
           "tensor 't' (row-major, of 6) was never written");
  dma(0).store = false;
  contains("an element of the region was never written");
  dma(0).region = 2;
  contains("region 2 of 2");
}

} // namespace

//===- VerifyTest.cpp - Programs that break one rule ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NestProgram.h"
#include "RandomProgram.h"

#include "fetta/Program/Container.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <functional>

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
      auto [code, message] = refusal(test::routedProgram(contraction, machine));
      EXPECT_EQ(code, 0u) << message;
    }
  EXPECT_GT(split, 10u);
}

//===----------------------------------------------------------------------===//
// Every code
//===----------------------------------------------------------------------===//

// Instructions of the tiny program: three loads, the contraction, the halt.
// Tensors: a in slab 0, b in slab 1, c in slab 2, all from row 0.
Contract &contractOf(Program &program, unsigned at = 3) {
  return std::get<Contract>(program.code[at]);
}

unsigned after(const std::function<void(Program &)> &change) {
  Program program = test::tinyProgram();
  change(program);
  auto [code, message] = refusal(program);
  return code;
}

#define EXPECT_REFUSED(code, ...)                                              \
  EXPECT_EQ(after([](Program &p) { __VA_ARGS__; }), unsigned(LoadCode::code))

TEST(VerifyCodes, TinyProgramPasses) {
  EXPECT_EQ(after([](Program &) {}), 0u);
}

TEST(VerifyCodes, Machine) {
  EXPECT_REFUSED(MachineText, p.machine.ceBits = 40);
  EXPECT_REFUSED(MemoryLimit, p.machine.rowsPerSlab = 1 << 20;
                 p.machine.ceBits = 8);
}

TEST(VerifyCodes, Tensors) {
  EXPECT_REFUSED(TensorLayout, p.tensors[0].layout.banks[0] = BankBit());
  EXPECT_REFUSED(TensorLayout, p.tensors[0].layout.dims[0].rowStride = 0);
  EXPECT_REFUSED(TensorLayout, p.tensors[0].shape = {7});
  EXPECT_REFUSED(TensorLayout, p.tensors[0].shape = {-3, -2});
  EXPECT_EQ(after([](Program &p) { p.tensors[0].shape = {6}; }), 0u);
  EXPECT_REFUSED(TensorPlace, p.tensors[0].slab = 4);
  EXPECT_REFUSED(TensorPlace, p.tensors[0].baseRow = 14);
  EXPECT_REFUSED(TensorPlace, p.tensors[0].baseRow = -1);
  EXPECT_REFUSED(TensorName, p.tensors[0].name = "");
  EXPECT_REFUSED(TensorName, p.tensors[0].name = "../a");
  EXPECT_REFUSED(TensorName, p.tensors[0].name = "..");
  EXPECT_REFUSED(TensorName, p.tensors[0].name = "b");
  EXPECT_REFUSED(TensorOverlap, p.tensors.push_back(p.tensors[0]);
                 p.tensors.back().name = "d");
  // The other constant of the unused bank bit: the same rows, other words.
  EXPECT_EQ(after([](Program &p) {
              p.tensors.push_back(p.tensors[0]);
              p.tensors.back().name = "d";
              p.tensors.back().layout.banks[1].constant = true;
            }),
            0u);
}

TEST(VerifyCodes, References) {
  EXPECT_REFUSED(Reference, contractOf(p).tensors[OperandB] = 3);
  EXPECT_REFUSED(Reference, contractOf(p).op = 1);
  EXPECT_REFUSED(Reference, contractOf(p).slots[1] = 2);
  EXPECT_REFUSED(Reference, std::get<LoadRoute>(p.code[0]).slot = 2);
  EXPECT_REFUSED(Reference, std::get<LoadRoute>(p.code[0]).route = 3);
  EXPECT_REFUSED(SlotEmpty, contractOf(p).slots[1] = 1);
  EXPECT_REFUSED(SlotEmpty, p.code.erase(p.code.begin()));
  EXPECT_REFUSED(NestRule, contractOf(p).nest.loops[0].count = 2);
}

TEST(VerifyCodes, Operands) {
  EXPECT_REFUSED(OperandType, p.tensors[2].elementType = ElementType::F32);
  EXPECT_REFUSED(OperandType, p.tensors[2].slab = 3);
  EXPECT_REFUSED(OperandWindow,
                 contractOf(p).nest.operands[OperandA].baseRow = 1);
  EXPECT_REFUSED(OperandWindow,
                 contractOf(p).nest.operands[OperandA].modes[0]->rowStride = 2);
  EXPECT_REFUSED(OperandWindow,
                 contractOf(p).nest.operands[OperandA].banks[1].constant =
                     true);
  EXPECT_REFUSED(OperandWindow, p.tensors[2].baseRow = 1;
                 contractOf(p).nest.operands[OperandC].baseRow = 0);
  EXPECT_REFUSED(ResultRole, p.tensors[2].role = TensorRole::Param);
  // The planes of an FP32 result, one row off.
  EXPECT_REFUSED(OperandWindow, {
    p.tensors[2].elementType = ElementType::F32;
    p.tensors[2].shape = {4, 2};
    p.tensors[2].layout.dims[0].size = 4;
    contractOf(p).nest.operands[OperandC].elementType = ElementType::F32;
    contractOf(p).nest.operands[OperandC].baseRow = 1;
  });
}

TEST(VerifyCodes, Routes) {
  EXPECT_REFUSED(RouteWiring,
                 p.routes[0].wiring.topology = NetworkTopology::Butterfly);
  EXPECT_REFUSED(RouteWiring, p.routes[0].codes.pop_back());
  EXPECT_REFUSED(RouteWiring, p.routes[0].codes[0] = 4);
  EXPECT_REFUSED(RouteWiring, p.routes[0].masks.pop_back());
  EXPECT_REFUSED(RouteWiring, p.routes[0].masks[0] = 4);
  // The last stage of a reduction has no adders.
  EXPECT_REFUSED(RouteWiring, p.routes[2].codes.back() = SumToUpper);
  // A route for the other direction, one for another operand.
  EXPECT_REFUSED(RouteMap, std::get<LoadRoute>(p.code[0]).route = 2);
  EXPECT_REFUSED(RouteMap, std::get<LoadRoute>(p.code[0]).route = 1);
}

/// All routes have a switch for which every other code is noticed by replay or
/// connects the same banks and lanes; never by chance of the values.
TEST(VerifyCodes, EverySwitchOfEveryRoute) {
  Machine machine = test::smallMachine();
  test::RandomNestOptions options;
  options.seed = 3;
  options.missingBits = 1;
  Program program =
      test::routedProgram(test::randomContraction(machine, options), machine);
  ASSERT_EQ(refusal(program).first, 0u);
  auto outputs = [](const Route &route, uint32_t constant) {
    std::vector<std::vector<uint32_t>> result;
    if (route.wiring.kind == NetKind::Distribution) {
      result.push_back(replayDistribution(route, constant));
      return result;
    }
    for (auto &list : replayReduction(
             route, constant, std::vector<bool>(route.wiring.lines(), true)))
      result.emplace_back(list.begin(), list.end());
    for (auto &list : result) // Addition commutes.
      llvm::sort(list);
    return result;
  };
  unsigned noticed = 0, equivalent = 0;
  for (Route &route : program.routes) {
    auto before = outputs(route, 0);
    for (uint8_t &code : route.codes) {
      uint8_t right = code;
      for (uint8_t wrong = 0; wrong < 4; ++wrong) {
        if (wrong == right)
          continue;
        code = wrong;
        bool changed = outputs(route, 0) != before;
        bool refused = refusal(program).first != 0;
        EXPECT_TRUE(refused || !changed);
        noticed += refused;
        equivalent += !refused;
      }
      code = right;
    }
  }
  EXPECT_GT(noticed, equivalent);
}

TEST(VerifyCodes, Halt) {
  EXPECT_REFUSED(Halt, p.code.pop_back());
  EXPECT_REFUSED(Halt, p.code.clear());
  EXPECT_REFUSED(Halt, p.code.push_back(p.code.back()));
  EXPECT_REFUSED(Halt, p.code.insert(p.code.begin(), p.code.back()));
}

/// The tiny contraction with k split: two instructions, one result.
Program splitProgram() {
  Program p = test::tinyProgram();
  contractOf(p).nest.drainAtEnd = false;
  p.code.insert(p.code.begin() + 4, p.code[3]);
  contractOf(p, 4).nest.drainAtEnd = true;
  contractOf(p, 4).nest.clearAtStart = false;
  return p;
}

TEST(VerifyCodes, OpenScopes) {
  EXPECT_REFUSED(OpenScope, contractOf(p).nest.drainAtEnd = false);
  EXPECT_REFUSED(OpenScope, contractOf(p).nest.clearAtStart = false);
  auto afterSplit = [](const std::function<void(Program &)> &change) {
    Program p = splitProgram();
    change(p);
    return refusal(p).first;
  };
  unsigned open = unsigned(LoadCode::OpenScope);
  EXPECT_EQ(afterSplit([](Program &) {}), 0u);
  EXPECT_EQ(
      afterSplit([](Program &p) { contractOf(p, 4).nest.clearAtStart = true; }),
      open);
  EXPECT_EQ(
      afterSplit([](Program &p) { contractOf(p, 4).nest.drainAtEnd = false; }),
      open);
  EXPECT_EQ(
      afterSplit([](Program &p) { contractOf(p, 4).nest.accumulatorBase = 1; }),
      open);
  EXPECT_EQ(afterSplit([](Program &p) {
              p.tensors.push_back(p.tensors[2]);
              p.tensors.back().name = "d";
              p.tensors.back().baseRow = 8;
              contractOf(p, 4).tensors[OperandC] = 3;
              contractOf(p, 4).nest.operands[OperandC].baseRow = 8;
            }),
            open);
}

TEST(VerifyCodes, WrittenAndRead) {
  EXPECT_REFUSED(WrittenTwice, p.code.insert(p.code.begin() + 4, p.code[3]));
  EXPECT_REFUSED(ReadBeforeWrite, p.tensors[0].role = TensorRole::Temporary);
  EXPECT_REFUSED(NotWritten, p.tensors.push_back(p.tensors[2]);
                 p.tensors.back().name = "d"; p.tensors.back().slab = 3);
  // One row of the result is missing.
  EXPECT_REFUSED(NotWritten, p.tensors[2].shape = {4, 2};
                 p.tensors[2].layout.dims[0].size = 4);
}

} // namespace

//===- RoundTripTest.cpp - Programs to bytes and back ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomProgram.h"

#include "fetta/Program/Container.h"
#include "fetta/Program/InstructionCoding.h"

#include "gtest/gtest.h"

using namespace fetta;
using Bytes = std::vector<uint8_t>;

namespace {

std::string text(const Program &program) {
  std::string result;
  llvm::raw_string_ostream os(result);
  print(os, program);
  return result;
}

Bytes encoded(const Program &program) {
  auto bytes = encodeProgram(program);
  if (!bytes) {
    ADD_FAILURE() << llvm::toString(bytes.takeError());
    return {};
  }
  return std::move(*bytes);
}

TEST(RoundTrip, RandomProgramsAreByteIdentical) {
  const unsigned seed = 20;
  SCOPED_TRACE(seed);
  std::mt19937 rng(seed);
  for (unsigned i = 0; i < 300; ++i) {
    Program program = test::randomProgram(rng, test::smallMachine());
    Bytes bytes = encoded(program);
    auto decoded = decodeUnverified(bytes);
    ASSERT_TRUE(bool(decoded)) << llvm::toString(decoded.takeError());
    EXPECT_EQ(encoded(*decoded), bytes);
    EXPECT_EQ(text(*decoded), text(program));
  }
}

// The bits of one instruction by hand, from docs/ISA.md.
TEST(Encoding, LoadRouteBits) {
  auto code = isa::encodeCode({LoadRoute{Net::Reduce, 5, 0x01020304}});
  ASSERT_TRUE(bool(code)) << llvm::toString(code.takeError());
  Bytes expected = {1, 1, 0, 0, 0, 0, 0, 0, 2, 0, 5, 0, 4, 3, 2, 1};
  EXPECT_EQ(*code, expected);
}

TEST(Encoding, ValueThatDoesNotFit) {
  Contract contract;
  contract.nest.sizes = {int64_t(1) << 32};
  contract.nest.accumulatorStrides = {0};
  for (Operand &operand : contract.nest.operands)
    operand.modes.resize(1);
  auto code = isa::encodeCode({contract});
  ASSERT_FALSE(bool(code));
  EXPECT_EQ(llvm::toString(code.takeError()),
            "instruction 0 cannot be encoded: field Mode.size: the value "
            "4294967296 does not fit (at most 4294967295)");
}

TEST(Encoding, ListsOfDifferentLength) {
  Contract contract;
  contract.nest.sizes = {4, 4};
  auto code = isa::encodeCode({contract});
  ASSERT_FALSE(bool(code));
  EXPECT_EQ(llvm::toString(code.takeError()),
            "instruction 0 cannot be encoded: one accumulator stride per mode "
            "is needed");
}

TEST(Builder, RoutesAreSharedAndSlotsReusedLeastRecentlyFirst) {
  Machine machine = test::smallMachine();
  machine.routeSlots = 2;
  ProgramBuilder builder(machine);
  uint32_t routes[4];
  for (unsigned i = 0; i < 4; ++i) {
    Route route;
    route.wiring = {machine.networks, machine.laneBits(),
                    NetKind::Distribution};
    route.codes.assign(route.wiring.stages() * route.wiring.switches(), i);
    routes[i] = builder.addRoute(route);
    EXPECT_EQ(builder.addRoute(route), routes[i]);
  }
  auto run = [&](unsigned stream) {
    builder.addContract(Nest(), {0, 0, 0},
                        {routes[stream], routes[0], routes[0]}, 0);
  };
  for (unsigned stream : {0, 1, 0, 2, 1})
    run(stream);
  Program program = std::move(builder).finish();
  // (slot, route) of the loads of the stream network, by hand: 0 and 1 fill
  // the slots, 2 takes the slot of 1, then 1 that of 0.
  std::vector<std::pair<unsigned, unsigned>> loads,
      expected = {
          {0, routes[0]}, {1, routes[1]}, {1, routes[2]}, {0, routes[1]}};
  std::vector<unsigned> used, expectedUsed = {0, 1, 0, 1, 0};
  for (const Instruction &instruction : program.code) {
    if (auto *load = std::get_if<LoadRoute>(&instruction))
      if (load->net == Net::Stream)
        loads.emplace_back(load->slot, load->route);
    if (auto *contract = std::get_if<Contract>(&instruction))
      used.push_back(contract->slots[0]);
  }
  EXPECT_EQ(loads, expected);
  EXPECT_EQ(used, expectedUsed);
  EXPECT_EQ(program.routes.size(), 4u);
  EXPECT_TRUE(std::holds_alternative<Halt>(program.code.back()));
  // The first two loads go to the front; those that take a slot again stand
  // right behind the last contraction that used it.
  std::string order;
  for (const Instruction &instruction : program.code) {
    if (auto *load = std::get_if<LoadRoute>(&instruction))
      order += load->net == Net::Stream ? "s" : "x";
    if (std::holds_alternative<Contract>(instruction))
      order += "C";
  }
  EXPECT_EQ(order, "sxxsCCsCsCC");
}

} // namespace

//===- RepeatTest.cpp - Programs with repeats -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomProgram.h"
#include "SteadyProgram.h"
#include "VerifyQueues.h"

#include "fetta/Program/Container.h"
#include "fetta/Program/Contractions.h"
#include "fetta/Program/InstructionCoding.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <map>
#include <set>

using namespace fetta;
using Bytes = std::vector<uint8_t>;

namespace {

std::string text(const Program &program) {
  std::string result;
  llvm::raw_string_ostream os(result);
  print(os, program);
  return result;
}

// The bits of a repeat by hand, from docs/ISA.md.
TEST(Repeat, Bits) {
  auto code = isa::encodeCode({Repeat{5, 0x01020304}});
  ASSERT_TRUE(bool(code)) << llvm::toString(code.takeError());
  Bytes expected = {7, 1, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 4, 3, 2, 1};
  EXPECT_EQ(*code, expected);
}

/// A load from element `offset` on.
Dma load(int64_t offset, int64_t advance = 0) {
  Dma dma;
  dma.offset = offset;
  dma.advance = advance;
  dma.tokens.signals[0] = {1, 1};
  return dma;
}

TEST(Repeat, ExpansionIsTheWrittenOutProgram) {
  Program rolled, flat;
  Sync sync{Queue::Contract, {}};
  sync.tokens.waits[0] = {1, 1};
  rolled.code = {load(7), Repeat{3, 3}, load(10, 4), sync,  load(5),
                 sync,    Repeat{1, 2}, load(1, 1),  Halt()};
  flat.code = {load(7),  load(10), sync,    load(5), load(14), sync,    load(5),
               load(18), sync,     load(5), sync,    load(1),  load(2), Halt()};
  auto expanded = expandRepeats(rolled);
  ASSERT_TRUE(bool(expanded)) << llvm::toString(expanded.takeError());
  EXPECT_EQ(text(*expanded), text(flat));
  auto again = expandRepeats(flat);
  ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
  EXPECT_EQ(text(*again), text(flat));
}

TEST(Repeat, ExpansionOfWhatTheBuilderMakes) {
  Machine machine = test::smallMachine();
  machine.routeSlots = 8;
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    test::SteadyOptions options;
    options.seed = seed;
    options.iterations = 2 + seed % 5;
    Program rolled = test::steadyProgram(machine, options);
    auto [code, message] = test::refusal(rolled);
    EXPECT_EQ(code, 0u) << message;
    options.form = test::SteadyOptions::WrittenOut;
    Program flat = test::steadyProgram(machine, options);
    EXPECT_EQ(text(llvm::cantFail(expandRepeats(rolled))), text(flat));
    auto contractions = llvm::count_if(flat.code, [](const auto &each) {
      return std::holds_alternative<Contract>(each);
    });
    EXPECT_GT(contractions, 0);
    EXPECT_EQ(countContractions(rolled.code), uint64_t(contractions));
    EXPECT_EQ(countContractions(flat.code), uint64_t(contractions));
    options.form = test::SteadyOptions::OwnTensors;
    std::tie(code, message) =
        test::refusal(test::steadyProgram(machine, options));
    EXPECT_EQ(code, 0u) << message;
    // Through the file it stays what it was.
    auto decoded = decodeProgram(llvm::cantFail(encodeProgram(rolled)));
    ASSERT_TRUE(bool(decoded)) << llvm::toString(decoded.takeError());
    EXPECT_EQ(text(*decoded), text(rolled));
  }
}

// Two repeats in a row, and what stands behind a repeat counts once.
TEST(Repeat, ContractionsThatRun) {
  EXPECT_EQ(countContractions({Contract(), Repeat{3, 5}, Contract(), load(0),
                               Contract(), Repeat{1, 7}, Contract(), Contract(),
                               Halt()}),
            1u + 5 * 2 + 7 * 1 + 1);
}

// Bodies stand further in.
TEST(Repeat, Text) {
  Program program;
  Sync sync{Queue::Store, {}};
  program.code = {Repeat{1, 2}, load(3, 4), sync};
  std::string all = text(program);
  EXPECT_EQ(all.substr(all.find('\n') + 1),
            "0: repeat length=1 count=2\n"
            "  1: dma-load signal=1*1 region=0 tensor=0 offset=3 advance=4 "
            "dims=0 blocks=0\n"
            "2: sync queue=store\n");
  program.code = {Repeat{1, 2}, load(3, 4)};
  std::get<Dma>(program.code[1]).strides = {1};
  all = text(program);
  EXPECT_NE(all.find("blocks=0\n    stride stride=1\n"), all.npos) << all;
}

// Instructions of the tiny program with a repeat.
enum At : unsigned { FirstSync = 3, TheRepeat, LoadA, LoadB, Multiply, StoreC };

unsigned after(const std::function<void(Program &)> &change) {
  Program program = test::tinyRepeatProgram();
  change(program);
  auto [code, message] = test::refusal(program);
  EXPECT_TRUE(code == 0 || code / 100 == 7 || code >= 523 ||
              llvm::StringRef(message).ends_with("written out"))
      << message;
  return code;
}

// The rules of programs hold across iterations.
TEST(Repeat, VerifiedAsWrittenOut) {
  auto dma = [](Program &p, unsigned at) -> Dma & {
    return std::get<Dma>(p.code[at]);
  };
  EXPECT_EQ(after([](Program &) {}), 0u);
  EXPECT_EQ(after([](Program &p) { std::get<Repeat>(p.code[4]).count = 3; }),
            unsigned(LoadCode::DmaRange));
  EXPECT_EQ(after([&](Program &p) { dma(p, LoadA).advance = 7; }),
            unsigned(LoadCode::DmaRange));
  EXPECT_EQ(after([&](Program &p) { dma(p, StoreC).advance = 5; }),
            unsigned(LoadCode::RegionNotWritten));
  EXPECT_EQ(after([&](Program &p) { dma(p, LoadA).tokens.waits = {}; }),
            unsigned(LoadCode::TokensLeft));
  EXPECT_EQ(after([](Program &p) { p.code.erase(p.code.begin() + FirstSync); }),
            unsigned(LoadCode::Deadlock));
  EXPECT_EQ(after([](Program &p) { p.code.erase(p.code.end() - 2); }),
            unsigned(LoadCode::TokensLeft));
  // The second load of a into words that the first contraction may read.
  EXPECT_EQ(after([&](Program &p) {
              for (unsigned at : {unsigned(FirstSync), unsigned(StoreC) + 1})
                p.code[at] = Sync{Queue::Vector, {}};
              dma(p, LoadA).tokens.waits = {};
              dma(p, StoreC).tokens.signals = {};
            }),
            unsigned(LoadCode::Unordered));
}

/// Code of the refusal, 0 if there is none.
unsigned refusal(std::vector<Instruction> code) {
  Program program;
  program.code = std::move(code);
  unsigned result = 0;
  llvm::handleAllErrors(expandRepeats(std::move(program)).takeError(),
                        [&](const LoadError &e) { result = e.code; });
  return result;
}

TEST(Repeat, EveryRuleBroken) {
  auto shape = unsigned(LoadCode::RepeatShape),
       advance = unsigned(LoadCode::RepeatAdvance),
       limit = unsigned(LoadCode::RepeatLimit);
  EXPECT_EQ(refusal({Repeat{1, 2}, load(0), Halt()}), 0u);
  EXPECT_EQ(refusal({Repeat{1, 1}, load(0), Halt()}), shape);
  EXPECT_EQ(refusal({Repeat{1, 0}, load(0), Halt()}), shape);
  EXPECT_EQ(refusal({Repeat{0, 2}, load(0), Halt()}), shape);
  EXPECT_EQ(refusal({Repeat{2, 2}, load(0), Halt()}), shape);
  EXPECT_EQ(refusal({Repeat{3, 2}, load(0), Halt()}), shape);
  EXPECT_EQ(refusal({Repeat{~0u, 2}, load(0), Halt()}), shape);
  EXPECT_EQ(refusal({Repeat{2, 2}, Repeat{1, 2}, load(0), Halt()}), shape);
  EXPECT_EQ(refusal({load(0), Halt(), Repeat{1, 2}}), shape);
  EXPECT_EQ(refusal({Repeat{1, 2}, load(0, -1), Halt()}), advance);
  EXPECT_EQ(refusal({Repeat{1, 2}, load(0), load(0, 1), Halt()}), advance);
  EXPECT_EQ(refusal({load(0, 1), Repeat{1, 2}, load(0), Halt()}), advance);
  int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(refusal({Repeat{1, 2}, load(1, most - 1), Halt()}), 0u);
  EXPECT_EQ(refusal({Repeat{1, 2}, load(1, most), Halt()}), advance);
  EXPECT_EQ(refusal({Repeat{1, 4}, load(0, most / 3 + 1), Halt()}), advance);
  auto all = uint32_t(MaxExpandedInstructions);
  EXPECT_EQ(refusal({Repeat{1, all - 1}, load(0), Halt()}), 0u);
  EXPECT_EQ(refusal({Repeat{1, all}, load(0), Halt()}), limit);
  EXPECT_EQ(refusal({Repeat{1, ~0u}, load(0), Halt()}), limit);
  EXPECT_EQ(refusal({Repeat{2, all / 4}, load(0), load(0), Repeat{1, all / 2},
                     load(0), Halt()}),
            limit);
}

/// Programs of random routes with a repeat: a contraction names its routes by
/// its operation, which the loads before it must have put into its slots.
TEST(Builder, RoutesOfARepeat) {
  unsigned seed = 8;
  SCOPED_TRACE(seed);
  std::mt19937 rng(seed);
  for (unsigned round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    Machine machine = test::smallMachine();
    machine.routeSlots = 1 + rng() % 5;
    unsigned routeCount = 1 + rng() % 8;
    ProgramBuilder builder(machine);
    for (unsigned i = 0; i < routeCount; ++i) {
      Route route;
      route.wiring = {machine.networks, machine.laneBits(),
                      NetKind::Distribution};
      route.codes.assign(route.wiring.stages() * route.wiring.switches(), 0);
      route.codes[0] = uint8_t(i % 4);
      route.codes[1] = uint8_t(i / 4);
      ASSERT_EQ(builder.addRoute(route), i);
    }
    std::vector<std::array<uint32_t, 3>> needs;
    std::array<std::set<uint32_t>, 3> inBody;
    auto add = [&](unsigned count, bool body) {
      for (unsigned n = 0; n < count; ++n) {
        auto draw = [&] { return uint32_t(rng() % routeCount); };
        needs.push_back({draw(), draw(), draw()});
        for (unsigned net = 0; body && net < 3; ++net)
          inBody[net].insert(needs.back()[net]);
        builder.addContract(Nest(), {0, 0, 0}, needs.back(),
                            uint32_t(needs.size() - 1));
        if (rng() % 3 == 0)
          builder.addDma(load(0));
      }
    };
    add(rng() % 4, false);
    builder.beginRepeat(2 + rng() % 3);
    add(1 + rng() % 6, true);
    builder.endRepeat();
    add(rng() % 4, false);
    Program program = std::move(builder).finish();

    auto repeat = llvm::find_if(program.code, [](const Instruction &i) {
      return std::holds_alternative<Repeat>(i);
    });
    ASSERT_NE(repeat, program.code.end());
    uint32_t length = std::get<Repeat>(*repeat).length;
    for (auto it = repeat + 1; it != repeat + 1 + length; ++it)
      if (auto *load = std::get_if<LoadRoute>(&*it)) {
        EXPECT_GT(inBody[unsigned(load->net)].size(),
                  size_t(machine.routeSlots));
      }
    program = llvm::cantFail(expandRepeats(std::move(program)));
    std::map<std::pair<Net, uint16_t>, uint32_t> slots;
    unsigned contractions = 0;
    for (const Instruction &instruction : program.code) {
      if (auto *load = std::get_if<LoadRoute>(&instruction)) {
        ASSERT_LT(load->slot, machine.routeSlots);
        slots[{load->net, load->slot}] = load->route;
      }
      if (auto *contract = std::get_if<Contract>(&instruction)) {
        ++contractions;
        for (unsigned net = 0; net < 3; ++net) {
          auto slot = slots.find({Net(net), contract->slots[net]});
          ASSERT_NE(slot, slots.end());
          EXPECT_EQ(slot->second, needs[contract->op][net]);
        }
      }
    }
    EXPECT_GE(contractions, needs.size() + 1);
  }
}

} // namespace

//===- OrderTest.cpp - Tokens and races by brute force --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The order of instructions by reachability over single tokens, and races by
// sets of single words, against what vector clocks and masks say.
//
//===----------------------------------------------------------------------===//

#include "RaceOracle.h"
#include "RandomQueuedProgram.h"

#include "fetta/Program/Order.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <set>

using namespace fetta;
using namespace fetta::test;

namespace {

Tokens &tokensIn(Instruction &instruction) {
  if (auto *contract = std::get_if<Contract>(&instruction))
    return contract->tokens;
  if (auto *dma = std::get_if<Dma>(&instruction))
    return dma->tokens;
  return std::get<Sync>(instruction).tokens;
}

/// Takes a signal and the wait for it away; in the programs drawn here the n-th
/// signal of a semaphore has as many tokens as its n-th wait takes.
bool dropEdge(Program &program, std::mt19937_64 &random) {
  std::vector<Token *> waits;
  for (Instruction &instruction : program.code)
    for (const Token &token : tokensOf(instruction).waits)
      if (token.count)
        for (Token &own : tokensIn(instruction).waits)
          if (own == token)
            waits.push_back(&own);
  if (waits.empty())
    return false;
  Token *wait = waits[random() % waits.size()];
  uint8_t semaphore = wait->semaphore;
  size_t number = 0;
  for (Token *other : waits) {
    if (other == wait)
      break;
    number += other->semaphore == semaphore;
  }
  *wait = {};
  for (Instruction &instruction : program.code)
    for (unsigned i = 0; i < 2; ++i) {
      Token token = tokensOf(instruction).signals[i];
      if (token.count && token.semaphore == semaphore && number-- == 0)
        tokensIn(instruction).signals[i] = {};
    }
  return true;
}

TEST(Order, IsReachability) {
  for (uint64_t seed = 700; seed < 720; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    QueuedProgramOptions options;
    options.seed = seed;
    Program program =
        randomQueuedProgram(smallMachine(2, 1, 1), options).program;
    QueueOrder order = must(QueueOrder::replay(program));
    auto before = reachability(program);
    for (uint32_t u = 0; u < program.code.size(); ++u)
      for (uint32_t v = 0; v < program.code.size(); ++v)
        ASSERT_EQ(order.before(u, v), before[u][v]) << u << ' ' << v;
  }
}

TEST(Order, RacesAreThoseOfSingleWords) {
  unsigned races = 0, none = 0;
  for (uint64_t seed = 800; seed < 840; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    QueuedProgramOptions options;
    options.seed = seed;
    options.jobs = 4;
    options.maxMultiplyAdds = 200;
    Program original =
        randomQueuedProgram(smallMachine(2, 1, 1), options).program;
    ASSERT_FALSE(hasRace(original, reachability(original)));
    for (unsigned draw = 0; draw < 6; ++draw) {
      Program program = original;
      if (!dropEdge(program, random))
        break;
      bool race = hasRace(program, reachability(program));
      unsigned code = 0;
      llvm::handleAllErrors(verifyProgram(program),
                            [&](const LoadError &e) { code = e.code; });
      // A gradient that is read too early is no race on words.
      if (code == unsigned(LoadCode::LossOrder))
        continue;
      EXPECT_EQ(code, race ? unsigned(LoadCode::Unordered) : 0u);
      races += race;
      none += !race;
    }
  }
  EXPECT_GT(races, 50u);
  EXPECT_GT(none, 5u);
}

TEST(Order, ShufflesAreLegalAndDiffer) {
  QueuedProgramOptions options;
  options.seed = 7;
  Program program = randomQueuedProgram(smallMachine(2, 1, 1), options).program;
  QueueOrder order = must(QueueOrder::replay(program));
  std::set<std::vector<uint32_t>> seen;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    auto shuffled = shuffledOrder(program, seed);
    ASSERT_EQ(shuffled.size(), program.code.size());
    for (size_t i = 0; i < shuffled.size(); ++i)
      for (size_t j = i + 1; j < shuffled.size(); ++j)
        ASSERT_FALSE(order.before(shuffled[j], shuffled[i]));
    seen.insert(shuffled);
  }
  EXPECT_GT(seen.size(), 8u);
}

} // namespace

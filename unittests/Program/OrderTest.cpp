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

#include "RandomQueuedProgram.h"

#include "fetta/Program/Order.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <set>

using namespace fetta;
using namespace fetta::test;

namespace {

/// before[u][v]: by the edges of queues and of every single token.
std::vector<std::vector<bool>> reachability(const Program &program) {
  size_t n = program.code.size();
  std::vector<std::vector<bool>> before(n, std::vector<bool>(n));
  std::array<std::vector<size_t>, SemaphoreCount> given, taken;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < i; ++j)
      before[j][i] = queueOf(program.code[i]) == queueOf(program.code[j]);
    Tokens tokens = tokensOf(program.code[i]);
    for (const Token &t : tokens.waits)
      taken[t.semaphore].insert(taken[t.semaphore].end(), t.count, i);
    for (const Token &t : tokens.signals)
      given[t.semaphore].insert(given[t.semaphore].end(), t.count, i);
  }
  for (unsigned s = 0; s < SemaphoreCount; ++s)
    for (auto [u, v] : llvm::zip(given[s], taken[s]))
      before[u][v] = true;
  for (size_t k = 0; k < n; ++k)
    for (size_t u = 0; u < n; ++u)
      if (before[u][k])
        for (size_t v = 0; v < n; ++v)
          before[u][v] = before[u][v] || before[k][v];
  return before;
}

/// Words of tensor memory and, with slab -1 - region, elements.
using Words = std::set<std::array<int64_t, 3>>;
struct Touched {
  Words reads, writes;
};

void addWords(Words &words, const Layout &layout, ElementType type,
              int64_t slab, int64_t baseRow, const Dma *dma = nullptr) {
  std::vector<int64_t> index(layout.dims.size(), 0);
  for (int64_t left = layout.elements(); left; --left) {
    if (dma) {
      int64_t at = dma->offset;
      for (size_t d = 0; d < index.size(); ++d)
        at += index[d] * dma->strides[d];
      words.insert({-1 - int64_t(dma->region), at, 0});
    } else {
      int64_t planes = type == ElementType::F32 ? 2 : 1;
      for (int64_t plane = 0; plane < planes; ++plane)
        words.insert({slab, baseRow + planes * layout.rowOf(index) + plane,
                      layout.bankOf(index)});
    }
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < layout.dims[d].size)
        break;
      index[d] = 0;
    }
  }
}

Touched touchedBy(const Program &program, const Instruction &instruction) {
  Touched touched;
  if (const auto *contract = std::get_if<Contract>(&instruction)) {
    const Nest &nest = contract->nest;
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      const Operand &operand = nest.operands[id];
      Layout layout;
      for (const auto &dim : operand.modes)
        layout.dims.push_back(dim.value_or(DimLayout()));
      layout.banks.assign(operand.banks.begin(), operand.banks.end());
      if (id != OperandC || nest.accumulate)
        addWords(touched.reads, layout, operand.elementType, operand.slab,
                 operand.baseRow);
      if (id == OperandC && nest.drainAtEnd)
        addWords(touched.writes, layout, operand.elementType, operand.slab,
                 operand.baseRow);
    }
  } else if (const auto *dma = std::get_if<Dma>(&instruction)) {
    const TensorEntry &t = program.tensors[dma->tensor];
    addWords(dma->store ? touched.reads : touched.writes, t.layout,
             t.elementType, t.slab, t.baseRow);
    addWords(dma->store ? touched.writes : touched.reads, t.layout,
             t.elementType, 0, 0, dma);
  }
  return touched;
}

bool meet(const Words &a, const Words &b) {
  return llvm::any_of(a, [&](const auto &word) { return b.count(word); });
}

/// Whether two queues touch one word in no order.
bool hasRace(const Program &program,
             const std::vector<std::vector<bool>> &before) {
  std::vector<Touched> touched;
  for (const Instruction &instruction : program.code)
    touched.push_back(touchedBy(program, instruction));
  for (size_t u = 0; u < touched.size(); ++u)
    for (size_t v = u + 1; v < touched.size(); ++v)
      if (!before[u][v] && (meet(touched[u].writes, touched[v].reads) ||
                            meet(touched[u].writes, touched[v].writes) ||
                            meet(touched[u].reads, touched[v].writes)))
        return true;
  return false;
}

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

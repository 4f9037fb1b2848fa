//===- Order.cpp - What comes before what in a program --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Program/Order.h"

#include "Refuse.h"
#include "Repeats.h"

#include "llvm/ADT/STLExtras.h"

#include <random>

using namespace fetta;
using llvm::Error;

std::string fetta::describe(const Program &program, size_t instruction) {
  const Instruction &i = program.code[instruction];
  const char *name = "halt";
  if (std::holds_alternative<LoadRoute>(i))
    name = "load-route";
  else if (std::holds_alternative<Contract>(i))
    name = "contract";
  else if (const auto *dma = std::get_if<Dma>(&i))
    name = dma->store ? "dma-store" : "dma-load";
  else if (std::holds_alternative<Sync>(i))
    name = "sync";
  else if (std::holds_alternative<Repeat>(i))
    name = "repeat";
  return llvm::formatv("instruction {0} ({1}, {2} queue)", instruction, name,
                       queueName(queueOf(i)));
}

namespace {

struct Semaphore {
  std::optional<Queue> producer, consumer;
  /// Tokens signalled up to and with an instruction: (total, instruction).
  std::vector<std::pair<uint64_t, uint32_t>> signalled;
  /// Tokens taken up to and with a position of the consuming queue.
  std::vector<std::pair<uint32_t, uint64_t>> taken;

  uint64_t produced() const {
    return signalled.empty() ? 0 : signalled.back().first;
  }
  uint64_t consumed() const { return taken.empty() ? 0 : taken.back().second; }
  /// Taken by the first `count` instructions of the consuming queue.
  uint64_t consumedBy(uint32_t count) const {
    auto it = llvm::partition_point(
        taken, [&](const auto &entry) { return entry.first < count; });
    return it == taken.begin() ? 0 : std::prev(it)->second;
  }
};

using Semaphores = std::array<Semaphore, SemaphoreCount>;

/// One producing and one consuming queue, each in an instruction once.
Error assignQueues(const Program &program, Semaphores &semaphores) {
  for (auto [i, instruction] : llvm::enumerate(program.code)) {
    Tokens tokens = tokensOf(instruction);
    Queue queue = queueOf(instruction);
    auto refused = [&, i = i](const Token &token, const llvm::Twine &what) {
      return refuse(LoadCode::SemaphoreUse, "code", "{0}, semaphore {1}: {2}",
                    describe(program, i), unsigned(token.semaphore),
                    what.str());
    };
    if (unsigned(queue) >= QueueCount)
      return refused({}, "there are 4 queues");
    for (bool signals : {false, true}) {
      const auto &list = signals ? tokens.signals : tokens.waits;
      if (list[0].count && list[1].count &&
          list[0].semaphore == list[1].semaphore)
        return refused(list[0], "it is named twice");
      for (const Token &token : list) {
        if (!token.count)
          continue;
        if (token.semaphore >= SemaphoreCount || token.count > MaxTokens)
          return refused(token, "there are 32 semaphores, an instruction "
                                "names 1 to 7 tokens");
        Semaphore &s = semaphores[token.semaphore];
        std::optional<Queue> &own = signals ? s.producer : s.consumer;
        if (own && *own != queue)
          return refused(token, llvm::Twine("the ") + queueName(*own) +
                                    " queue " +
                                    (signals ? "signals" : "waits for") +
                                    " it already; take another semaphore");
        own = queue;
        if (s.producer == s.consumer)
          return refused(token, "one queue signals it and waits for it; a "
                                "queue is in order by itself");
      }
    }
  }
  return Error::success();
}

Error deadlock(const Program &program, uint32_t at, const Token &token,
               uint64_t there) {
  std::string where = "nothing signals it";
  uint64_t later = 0;
  for (size_t i = at; i < program.code.size(); ++i)
    for (const Token &t : tokensOf(program.code[i]).signals)
      if (t.count && t.semaphore == token.semaphore) {
        if (!later)
          where = "the next signal is that of " + describe(program, i) +
                  ", behind it in the stream";
        later += t.count;
      }
  return refuse(LoadCode::Deadlock, "code",
                "{0} waits for {1} token(s) of semaphore {2}, of which {3} are "
                "there: {4}; {5}",
                describe(program, at), unsigned(token.count),
                unsigned(token.semaphore), there, where,
                later ? "move it behind what it waits for"
                      : "it would wait for ever");
}

} // namespace

llvm::Expected<QueueOrder> QueueOrder::replay(const Program &program) {
  Semaphores semaphores;
  if (Error error = assignQueues(program, semaphores))
    return error;
  assert(!hasRepeats(program) && "the order of what is written out");
  QueueOrder order;
  size_t count = program.code.size();
  order.queues.reserve(count);
  order.positions.reserve(count);
  order.clocks.reserve(count);
  std::array<std::array<uint32_t, QueueCount>, QueueCount> latest = {};
  for (uint32_t i = 0; i < count; ++i) {
    Queue queue = queueOf(program.code[i]);
    Tokens tokens = tokensOf(program.code[i]);
    auto &clock = latest[unsigned(queue)];
    uint32_t position = clock[unsigned(queue)];
    for (const Token &token : tokens.waits) {
      if (!token.count)
        continue;
      Semaphore &s = semaphores[token.semaphore];
      uint64_t total = s.consumed() + token.count;
      if (s.produced() < total)
        return deadlock(program, i, token, s.produced() - s.consumed());
      // The first signal with which there are enough: tokens are taken in the
      // order in which they are given.
      uint32_t giver =
          llvm::partition_point(s.signalled, [&](const auto &entry) {
            return entry.first < total;
          })->second;
      for (unsigned q = 0; q < QueueCount; ++q)
        clock[q] = std::max(clock[q], order.clocks[giver][q]);
      uint32_t &producer = clock[unsigned(order.queues[giver])];
      producer = std::max(producer, order.positions[giver] + 1);
      s.taken.push_back({position, total});
    }
    order.queues.push_back(queue);
    order.positions.push_back(position);
    order.clocks.push_back(clock);
    for (const Token &token : tokens.signals) {
      if (!token.count)
        continue;
      Semaphore &s = semaphores[token.semaphore];
      s.signalled.push_back({s.produced() + token.count, i});
      uint64_t taken =
          s.consumer ? s.consumedBy(clock[unsigned(*s.consumer)]) : 0;
      if (s.produced() - taken > MaxCount)
        return refuse(LoadCode::SemaphoreOverflow, "code",
                      "{0}: semaphore {1} could count to {2}, more than {3}, "
                      "if the {4} queue is slow; let it wait for that queue "
                      "before",
                      describe(program, i), unsigned(token.semaphore),
                      s.produced() - taken, MaxCount,
                      s.consumer ? queueName(*s.consumer) : "consuming");
    }
    ++clock[unsigned(queue)];
  }
  for (auto [number, s] : llvm::enumerate(semaphores))
    if (s.produced() != s.consumed())
      return refuse(LoadCode::TokensLeft, "code",
                    "{0} token(s) of semaphore {1} are left over at the end, "
                    "the last from {2}; let something wait for them or signal "
                    "less",
                    s.produced() - s.consumed(), number,
                    describe(program, s.signalled.back().second));
  return order;
}

std::vector<uint32_t> fetta::shuffledOrder(const Program &program,
                                           uint64_t seed) {
  std::mt19937_64 random(seed);
  std::array<std::vector<uint32_t>, QueueCount> queues;
  std::vector<uint32_t> order;
  for (auto [i, instruction] : llvm::enumerate(program.code))
    if (!std::holds_alternative<Halt>(instruction))
      queues[unsigned(queueOf(instruction))].push_back(uint32_t(i));
  std::array<size_t, QueueCount> next = {};
  std::array<uint64_t, SemaphoreCount> counts = {};
  while (true) {
    llvm::SmallVector<unsigned, QueueCount> ready;
    for (unsigned q = 0; q < QueueCount; ++q) {
      if (next[q] == queues[q].size())
        continue;
      Tokens tokens = tokensOf(program.code[queues[q][next[q]]]);
      if (llvm::all_of(tokens.waits, [&](const Token &t) {
            return counts[t.semaphore] >= t.count;
          }))
        ready.push_back(q);
    }
    if (ready.empty())
      break;
    unsigned q = ready[random() % ready.size()];
    uint32_t i = queues[q][next[q]++];
    order.push_back(i);
    Tokens tokens = tokensOf(program.code[i]);
    for (const Token &t : tokens.waits)
      counts[t.semaphore] -= t.count;
    for (const Token &t : tokens.signals)
      counts[t.semaphore] += t.count;
  }
  for (auto [i, instruction] : llvm::enumerate(program.code))
    if (std::holds_alternative<Halt>(instruction))
      order.push_back(uint32_t(i));
  return order;
}

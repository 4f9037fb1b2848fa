//===- TokenPlanTest.cpp - Tokens under any speed of the queues -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/TokenPlan.h"

#include "gtest/gtest.h"

#include <map>
#include <random>

using namespace fetta;

namespace {

/// Runs the queues with random delays: any number of instructions of a queue
/// may be in flight, they complete in any order, signals come when all before
/// have completed. Checks each `after` at issue; false on deadlock.
bool execute(llvm::ArrayRef<QueueItem> items, llvm::ArrayRef<ItemTokens> tokens,
             std::mt19937 &random) {
  std::array<std::vector<unsigned>, QueueCount> queues;
  for (unsigned i = 0; i < items.size(); ++i)
    queues[items[i].queue].push_back(i);
  std::array<size_t, QueueCount> issued = {}, retired = {};
  std::vector<bool> completed(items.size());
  std::map<unsigned, int> semaphores;
  size_t left = items.size();
  while (left) {
    // Moves: issue the head of a queue, or complete something in flight.
    std::vector<std::pair<bool, unsigned>> moves;
    for (unsigned q = 0; q < QueueCount; ++q) {
      if (issued[q] < queues[q].size()) {
        unsigned head = queues[q][issued[q]];
        bool ready = true;
        for (unsigned s : tokens[head].waits)
          ready &= semaphores[s] > 0;
        if (ready)
          moves.push_back({true, head});
      }
      for (size_t i = retired[q]; i < issued[q]; ++i)
        if (!completed[queues[q][i]])
          moves.push_back({false, queues[q][i]});
    }
    if (moves.empty())
      return false;
    auto [issue, item] = moves[random() % moves.size()];
    unsigned q = items[item].queue;
    if (issue) {
      for (unsigned before : items[item].after)
        if (items[before].queue != q) {
          EXPECT_TRUE(completed[before]) << before << " before " << item;
        }
      for (unsigned s : tokens[item].waits)
        --semaphores[s];
      ++issued[q];
      continue;
    }
    completed[item] = true;
    --left;
    while (retired[q] < issued[q] && completed[queues[q][retired[q]]])
      for (unsigned s : tokens[queues[q][retired[q]++]].signals)
        ++semaphores[s];
  }
  for (auto [semaphore, count] : semaphores)
    EXPECT_EQ(count, 0) << "left over in semaphore " << semaphore;
  return true;
}

size_t countWaits(llvm::ArrayRef<ItemTokens> tokens) {
  size_t count = 0;
  for (const ItemTokens &t : tokens)
    count += t.waits.size();
  return count;
}

} // namespace

TEST(TokenPlan, SemaphoresHaveOneProducerAndOneConsumer) {
  std::vector<unsigned> seen;
  for (unsigned p = 0; p < QueueCount; ++p)
    for (unsigned c = 0; c < QueueCount; ++c)
      if (p != c)
        seen.push_back(semaphoreBetween(p, c));
  EXPECT_EQ(seen,
            (std::vector<unsigned>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
}

TEST(TokenPlan, NoTokenForWhatFollows) {
  // Loads 0 and 1; contraction 2 needs both, 3 needs the first: one token.
  std::vector<QueueItem> items = {
      {1, {}}, {1, {}}, {0, {0, 1}}, {0, {0}}, {2, {3, 0}}};
  auto tokens = planTokens(items);
  ASSERT_TRUE(bool(tokens));
  EXPECT_EQ((*tokens)[0].signals.size(), 0u);
  EXPECT_EQ((*tokens)[1].signals.size(), 1u);
  EXPECT_EQ((*tokens)[3].waits.size(), 0u);
  // The store waits for 3, which came after both loads.
  EXPECT_EQ((*tokens)[4].waits.size(), 1u);
  EXPECT_EQ(countWaits(*tokens), 2u);
}

TEST(TokenPlan, RandomPrograms) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<QueueItem> items;
    for (unsigned i = 0; i < 60; ++i) {
      QueueItem item;
      item.queue = unsigned(random() % 3);
      for (unsigned before = i > 12 ? i - 12 : 0; before < i; ++before)
        if (random() % 5 == 0)
          item.after.push_back(before);
      items.push_back(item);
    }
    auto tokens = planTokens(items);
    ASSERT_TRUE(bool(tokens));
    for (const ItemTokens &t : *tokens) {
      EXPECT_LE(t.waits.size(), 2u);
      EXPECT_LE(t.signals.size(), 2u);
    }
    for (unsigned run = 0; run < 5; ++run)
      EXPECT_TRUE(execute(items, *tokens, random));
  }
}

/// `count` loads that nothing holds back, each with a contraction.
static std::vector<QueueItem> makeRunAhead(unsigned count) {
  std::vector<QueueItem> items(count, {1, {}});
  for (unsigned i = 0; i < count; ++i)
    items.push_back({0, {i}});
  return items;
}

TEST(TokenPlan, ARunAheadOf256TokensTakesTwoSemaphores) {
  std::mt19937 random(7);
  for (unsigned count : {MaxCount, MaxCount + 1, 3 * MaxCount}) {
    std::vector<QueueItem> items = makeRunAhead(count);
    auto tokens = planTokens(items);
    ASSERT_TRUE(bool(tokens));
    std::map<unsigned, unsigned> signals;
    for (unsigned i = 0; i < count; ++i)
      for (unsigned semaphore : (*tokens)[i].signals)
        ++signals[semaphore];
    EXPECT_EQ(signals.size(), (count + MaxCount - 1) / MaxCount);
    for (auto [semaphore, uses] : signals)
      EXPECT_LE(uses, MaxCount);
    EXPECT_TRUE(execute(items, *tokens, random));
  }
}

TEST(TokenPlan, MoreTokensThanAllSemaphoresCountAreRefused) {
  // Twelve semaphores are those of pairs of queues.
  unsigned most = (1 + SemaphoreCount - 12) * MaxCount;
  EXPECT_TRUE(bool(planTokens(makeRunAhead(most))));
  auto tokens = planTokens(makeRunAhead(most + 1));
  ASSERT_FALSE(bool(tokens));
  EXPECT_NE(llvm::toString(tokens.takeError()).find("21 semaphores"),
            std::string::npos);
}

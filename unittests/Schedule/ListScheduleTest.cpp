//===- ListScheduleTest.cpp - Against every order -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/ListSchedule.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <numeric>
#include <random>

using namespace fetta;

namespace {

/// The length of an order, step by step; nothing when it is not legal.
std::optional<int64_t> lengthOf(llvm::ArrayRef<ArrayTask> tasks,
                                llvm::ArrayRef<unsigned> order) {
  std::vector<std::optional<int64_t>> end(tasks.size());
  int64_t now = 0, length = 0;
  for (unsigned t : order) {
    for (auto [before, latency, finish] : tasks[t].after) {
      if (!end[before])
        return std::nullopt;
      now = std::max(now, *end[before] + latency);
    }
    now += tasks[t].occupancy;
    for (const TaskWait &wait : tasks[t].after)
      now = std::max(now, *end[wait.task] + wait.finish);
    end[t] = now;
    length = std::max(length, now + tasks[t].drain);
  }
  return length;
}

std::vector<ArrayTask> randomTasks(std::mt19937 &random, unsigned count) {
  std::vector<ArrayTask> tasks(count);
  for (unsigned t = 0; t < count; ++t) {
    tasks[t].occupancy = 1 + int64_t(random() % 30);
    tasks[t].drain = 25 + int64_t(random() % 4);
    for (unsigned before = 0; before < t; ++before)
      if (random() % 3 == 0)
        tasks[t].after.push_back(
            {before, int64_t(random() % 33), int64_t(random() % 50)});
  }
  return tasks;
}

} // namespace

TEST(ListSchedule, HidesLatencyBehindIndependentTasks) {
  // 0 -> 1 and, independent of them, 2: 0 2 1 waits 26 - 20 cycles.
  std::vector<ArrayTask> tasks = {
      {10, 25, {}}, {10, 25, {{0, 26, 0}}}, {20, 25, {}}};
  EXPECT_EQ(scheduleLength(tasks, {0, 1, 2}), 10 + 26 + 10 + 20 + 25);
  EXPECT_EQ(scheduleLength(tasks, {0, 2, 1}), 10 + 26 + 10 + 25);
  EXPECT_EQ(listSchedule(tasks), (std::vector<unsigned>{0, 2, 1}));
}

TEST(ListSchedule, BeatsMayWaitBehindTheFirst) {
  // 1 may begin behind 0 at once, but ends 30 cycles behind it: 2 in between
  // costs nothing.
  std::vector<ArrayTask> tasks = {
      {10, 25, {}}, {10, 25, {{0, 0, 30}}}, {20, 25, {}}};
  EXPECT_EQ(scheduleLength(tasks, {0, 1, 2}), 10 + 30 + 20 + 25);
  EXPECT_EQ(scheduleLength(tasks, {0, 2, 1}), 10 + 30 + 25);
  EXPECT_EQ(listSchedule(tasks), (std::vector<unsigned>{0, 2, 1}));
}

TEST(ListSchedule, EveryOrder) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<ArrayTask> tasks = randomTasks(random, 2 + seed % 6);
    std::vector<unsigned> order(tasks.size());
    std::iota(order.begin(), order.end(), 0u);
    int64_t best = *lengthOf(tasks, order);
    do {
      if (auto length = lengthOf(tasks, order))
        best = std::min(best, *length);
    } while (std::next_permutation(order.begin(), order.end()));
    std::vector<unsigned> found = listSchedule(tasks);
    auto length = lengthOf(tasks, found);
    ASSERT_TRUE(length);
    EXPECT_EQ(*length, best);
    EXPECT_EQ(scheduleLength(tasks, found), best);
  }
}

TEST(ListSchedule, WindowBoundsHowFarATaskMoves) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<ArrayTask> tasks = randomTasks(random, 100);
    for (unsigned t = 0; t < tasks.size(); ++t)
      llvm::erase_if(tasks[t].after,
                     [&](const TaskWait &w) { return w.task + 5 < t; });
    std::vector<unsigned> found = listSchedule(tasks, 8);
    ASSERT_TRUE(lengthOf(tasks, found));
    std::vector<bool> done(tasks.size());
    unsigned first = 0;
    for (unsigned t : found) {
      EXPECT_LT(t, first + 8);
      done[t] = true;
      while (first < tasks.size() && done[first])
        ++first;
    }
  }
}

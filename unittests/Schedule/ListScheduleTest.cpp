//===- ListScheduleTest.cpp - Against every order -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/ListSchedule.h"

#include "SteadyOrder.h"

#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

using namespace fetta;

namespace {

/// The length of an order, step by step; nothing when it is not legal.
std::optional<int64_t> lengthOf(llvm::ArrayRef<ScheduleTask> tasks,
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

std::vector<ScheduleTask> randomTasks(std::mt19937 &random, unsigned count) {
  std::vector<ScheduleTask> tasks(count);
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
  std::vector<ScheduleTask> tasks = {
      {10, 25, {}}, {10, 25, {{0, 26, 0}}}, {20, 25, {}}};
  EXPECT_EQ(scheduleLength(tasks, {0, 1, 2}), 10 + 26 + 10 + 20 + 25);
  EXPECT_EQ(scheduleLength(tasks, {0, 2, 1}), 10 + 26 + 10 + 25);
  EXPECT_EQ(listSchedule(tasks), (std::vector<unsigned>{0, 2, 1}));
}

TEST(ListSchedule, BeatsMayWaitBehindTheFirst) {
  // 1 may begin behind 0 at once, but ends 30 cycles behind it: 2 in between
  // costs nothing.
  std::vector<ScheduleTask> tasks = {
      {10, 25, {}}, {10, 25, {{0, 0, 30}}}, {20, 25, {}}};
  EXPECT_EQ(scheduleLength(tasks, {0, 1, 2}), 10 + 30 + 20 + 25);
  EXPECT_EQ(scheduleLength(tasks, {0, 2, 1}), 10 + 30 + 25);
  EXPECT_EQ(listSchedule(tasks), (std::vector<unsigned>{0, 2, 1}));
}

TEST(ListSchedule, EveryOrder) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<ScheduleTask> tasks = randomTasks(random, 2 + seed % 6);
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
    std::vector<ScheduleTask> tasks = randomTasks(random, 100);
    for (unsigned t = 0; t < tasks.size(); ++t)
      llvm::erase_if(tasks[t].after,
                     [&](const TaskWait &w) { return w.task + 5 < t; });
    std::vector<unsigned> found = listSchedule(tasks, ScheduleOptions{8});
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

//===----------------------------------------------------------------------===//
// The link
//===----------------------------------------------------------------------===//

namespace {

ScheduleTask transfer(Engine engine, int64_t occupancy,
                      llvm::SmallVector<TaskWait, 4> after = {}) {
  ScheduleTask task{occupancy, 100, std::move(after)};
  task.engine = engine;
  return task;
}

/// Cycle by cycle: every engine takes its next task when all that it waits for
/// allows it, and the link what came first, a load before a store.
int64_t runCycles(llvm::ArrayRef<ScheduleTask> tasks,
                  llvm::ArrayRef<unsigned> order) {
  std::array<std::vector<unsigned>, 3> queues;
  for (unsigned t : order)
    queues[size_t(tasks[t].engine)].push_back(t);
  std::array<size_t, 3> heads = {};
  std::vector<std::optional<int64_t>> end(tasks.size());
  std::vector<unsigned> link; // Issued, in that order.
  size_t served = 0, done = 0;
  int64_t arrayFree = 0, linkFree = 0, length = 0;
  auto finish = [&](unsigned t, int64_t start) {
    end[t] = start + tasks[t].occupancy;
    length = std::max(length, *end[t] + tasks[t].drain);
    ++done;
    return *end[t];
  };
  for (int64_t now = 0; done < tasks.size(); ++now) {
    // What ends in this cycle may let others issue in it.
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t q = 0; q < 3; ++q) {
        if (heads[q] == queues[q].size())
          continue;
        unsigned t = queues[q][heads[q]];
        bool ready = llvm::all_of(tasks[t].after, [&](const TaskWait &w) {
          return end[w.task] && *end[w.task] + w.latency <= now;
        });
        if (!ready || (q == 0 && arrayFree > now))
          continue;
        ++heads[q];
        changed = true;
        if (q == 0)
          arrayFree = finish(t, now);
        else
          link.push_back(t);
      }
      while (served < link.size() && linkFree <= now) {
        linkFree = finish(link[served++], now);
        changed = true;
      }
    }
  }
  return length;
}

/// Slices that are loaded, go through two contractions around a loss, and are
/// stored.
std::vector<ScheduleTask> randomSlices(std::mt19937 &random, unsigned slices) {
  std::vector<ScheduleTask> tasks;
  auto add = [&](ScheduleTask task) {
    tasks.push_back(std::move(task));
    return unsigned(tasks.size() - 1);
  };
  auto length = [&] { return int64_t(1 + random() % 200); };
  int64_t x = length(), y = length(), f = length(), b = length();
  std::optional<unsigned> sum;
  std::vector<unsigned> loads;
  for (unsigned s = 0; s < slices; ++s) {
    unsigned load = add(transfer(Engine::Load, x));
    if (s >= 2)
      tasks[load].behind = loads[s - 2];
    loads.push_back(load);
    unsigned forward = add({f, 30, {{load, 101, 0}}});
    unsigned store = add(transfer(Engine::Store, y, {{forward, 30, 0}}));
    unsigned gradient = add(transfer(Engine::Load, y, {{store, 100, 0}}));
    ScheduleTask backward{b, 30, {{gradient, 101, 0}, {load, 101, 0}}};
    if (sum)
      backward.after.push_back({*sum, 0, 0});
    sum = add(backward);
    add(transfer(Engine::Store, x, {{*sum, 30, 0}}));
  }
  return tasks;
}

} // namespace

TEST(ListSchedule, LinkServesInOrderOfIssue) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<ScheduleTask> tasks = randomSlices(random, 1 + seed % 5);
    std::vector<unsigned> order(tasks.size());
    std::iota(order.begin(), order.end(), 0u);
    EXPECT_EQ(scheduleLength(tasks, order), runCycles(tasks, order));
    std::vector<unsigned> found = listSchedule(tasks);
    ASSERT_TRUE(lengthOf(tasks, found)) << "not legal";
    EXPECT_EQ(scheduleLength(tasks, found), runCycles(tasks, found));
    EXPECT_LE(scheduleLength(tasks, found), scheduleLength(tasks, order));
    EXPECT_LE(scheduleLength(tasks, found, LinkModel::Ideal),
              scheduleLength(tasks, order, LinkModel::Ideal));
  }
}

// Where the link takes longest it has to be busy all the time, but for the
// round trip of the last slice.
TEST(ListSchedule, LinkIsNeverIdle) {
  const unsigned slices = 12;
  std::mt19937 random(1);
  std::vector<ScheduleTask> tasks = randomSlices(random, slices);
  int64_t busy = 0;
  for (ScheduleTask &task : tasks)
    if (task.engine == Engine::Array)
      task.occupancy = 50;
    else
      busy += task.occupancy = 100;
  // Forward, store, loss, gradient, backward, store; and the first load.
  EXPECT_LE(scheduleLength(tasks, listSchedule(tasks)),
            busy + 50 + 2 * 30 + 4 * 100 + 50);
}

// From an order in which slices come as chance has it: orders in which those in
// the middle come in the order of one of them, legal all the same.
TEST(ListSchedule, SlicesInTheSameOrder) {
  const unsigned slices = 24, each = 6;
  unsigned found = 0, alike = 0, alikeBefore = 0;
  auto areAlike = [&](llvm::ArrayRef<unsigned> order) {
    std::vector<unsigned> place(order.size());
    for (unsigned position = 0; position < order.size(); ++position)
      place[order[position]] = position;
    bool same = true;
    for (unsigned t = 10 * each; t < 13 * each; ++t)
      same &= place[t + each] == place[t] + each;
    return same;
  };
  for (unsigned seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<ScheduleTask> tasks = randomSlices(random, slices);
    std::vector<unsigned> order;
    std::vector<bool> done(tasks.size(), false);
    while (order.size() < tasks.size()) {
      unsigned first = 0, task = 0;
      while (done[first])
        ++first;
      do
        task = first + unsigned(random() % 12);
      while (task >= tasks.size() || done[task] ||
             !llvm::all_of(tasks[task].after, [&](const TaskWait &wait) {
               return done[wait.task];
             }));
      done[task] = true;
      order.push_back(task);
    }
    alikeBefore += areAlike(order);
    forEachSteadyOrder(tasks, order, [&](std::vector<unsigned> steady) {
      EXPECT_TRUE(lengthOf(tasks, steady)) << "not legal";
      ++found;
      alike += areAlike(steady);
      return false;
    });
  }
  EXPECT_EQ(alikeBefore, 0u);
  EXPECT_GT(found, 30u);
  EXPECT_EQ(alike, found);
}

// For an ideal link nothing but the array counts.
TEST(ListSchedule, OrdersForAnIdealLink) {
  ScheduleOptions options;
  options.link = LinkModel::Ideal;
  unsigned different = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<ScheduleTask> tasks = randomSlices(random, 1 + seed % 5);
    std::vector<unsigned> order(tasks.size()),
        found = listSchedule(tasks, options);
    std::iota(order.begin(), order.end(), 0u);
    ASSERT_TRUE(lengthOf(tasks, found)) << "not legal";
    EXPECT_LE(scheduleLength(tasks, found, LinkModel::Ideal),
              scheduleLength(tasks, order, LinkModel::Ideal));
    // Times of transfers do not matter.
    for (ScheduleTask &task : tasks)
      if (task.engine != Engine::Array)
        task.occupancy *= 3;
    EXPECT_EQ(listSchedule(tasks, options), found);
    different += found != listSchedule(tasks);
  }
  EXPECT_GT(different, 0u);
}

// In a sample that is to repeat, where the link decides how long all orders
// are: that of the source, as the array alone would like to hide latencies.
TEST(ListSchedule, SourceOrderWhereTheLinkDecides) {
  ScheduleOptions steady;
  steady.steady = true;
  auto slices = [](int64_t cycles) {
    std::vector<ScheduleTask> tasks;
    for (unsigned s = 0; s < 24; ++s) {
      const auto load = unsigned(tasks.size());
      tasks.push_back(transfer(Engine::Load, cycles));
      if (s >= 6)
        tasks.back().behind = load - 6 * 4;
      tasks.push_back({20, 30, {{load, 101, 0}}});
      tasks.push_back({20, 30, {{load + 1, 40, 0}}});
      tasks.push_back(transfer(Engine::Store, cycles, {{load + 2, 30, 0}}));
    }
    return tasks;
  };
  auto inSourceOrder = [&](llvm::ArrayRef<ScheduleTask> tasks,
                           const ScheduleOptions &options) {
    std::vector<unsigned> array = listSchedule(tasks, options);
    llvm::erase_if(
        array, [&](unsigned t) { return tasks[t].engine != Engine::Array; });
    return llvm::is_sorted(array);
  };
  EXPECT_TRUE(inSourceOrder(slices(500), steady));
  EXPECT_FALSE(inSourceOrder(slices(500), ScheduleOptions()));
  steady.link = LinkModel::Ideal;
  EXPECT_FALSE(inSourceOrder(slices(500), steady));
  steady.link = LinkModel::Tasks;
  // A round of the array takes 80 cycles, of the link 120: less than twice.
  EXPECT_FALSE(inSourceOrder(slices(60), steady));
}

// Not where the link is idle in the order of the source: each gradient is
// loaded before the next slice, and waits for a result to be stored.
TEST(ListSchedule, SourceOrderIsNoLongerThanEdges) {
  ScheduleOptions steady;
  steady.steady = true;
  std::mt19937 random(1);
  std::vector<ScheduleTask> tasks = randomSlices(random, 24);
  int64_t busy = 0;
  for (ScheduleTask &task : tasks) {
    task.occupancy = task.engine == Engine::Array ? 50 : 1000;
    busy += task.engine == Engine::Array ? 0 : 1000;
  }
  std::vector<unsigned> source(tasks.size());
  std::iota(source.begin(), source.end(), 0u);
  const int64_t given = scheduleLength(tasks, source),
                found = scheduleLength(tasks, listSchedule(tasks, steady));
  ASSERT_GT(given, busy + busy / 50);
  EXPECT_LT(found, busy + busy / 50);
}

// What a store needs comes late; another load has no reason to wait for it.
TEST(ListSchedule, LoadsInOrderOfNeed) {
  std::vector<ScheduleTask> tasks = {
      transfer(Engine::Load, 100),        // 0: needed last.
      transfer(Engine::Load, 10),         // 1: needed first.
      {200, 30, {{1, 101, 0}}},           // 2
      {20, 30, {{0, 101, 0}, {2, 1, 0}}}, // 3
  };
  EXPECT_EQ(listSchedule(tasks), (std::vector<unsigned>{1, 0, 2, 3}));
}

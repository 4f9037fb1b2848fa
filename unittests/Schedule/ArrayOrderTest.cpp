//===- ArrayOrderTest.cpp - Against a schedule step by step ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArrayOrder.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <random>

using namespace fetta;

namespace {

bool isArray(const ScheduleTask &task) { return task.engine == Engine::Array; }

/// Contractions and transfers that take no time; stores in chains, of which
/// some are loaded from and some lead nowhere.
std::vector<ScheduleTask> randomTasks(std::mt19937 &random, unsigned count) {
  std::vector<ScheduleTask> tasks(count);
  std::optional<unsigned> lastStore;
  for (unsigned t = 0; t < count; ++t) {
    ScheduleTask &task = tasks[t];
    task.engine = Engine(random() % 3);
    unsigned waits = t == 0 ? 0 : unsigned(random() % 4);
    for (unsigned w = 0; w < waits; ++w) {
      unsigned before = t - 1 - unsigned(random()) % std::min(t, 12u);
      bool timed = isArray(tasks[before]);
      task.after.push_back(
          {before, timed ? int64_t(random() % 33) : 0,
           timed && isArray(task) ? int64_t(random() % 50) : 0});
    }
    if (isArray(task)) {
      task.occupancy = 1 + int64_t(random() % 30);
      task.drain = 25 + int64_t(random() % 4);
    } else if (task.engine == Engine::Store) {
      if (lastStore)
        task.after.push_back({*lastStore, 0, 0});
      lastStore = t;
    }
  }
  return tasks;
}

/// The same order by its definition: times and paths are found anew in each
/// step, from all tasks.
std::vector<unsigned> stepByStep(llvm::ArrayRef<ScheduleTask> tasks,
                                 unsigned window) {
  size_t count = tasks.size();
  // Paths end at tasks of the array.
  std::vector<std::optional<int64_t>> tail(count);
  for (bool changed = true; changed;) {
    changed = false;
    for (unsigned t = 0; t < count; ++t) {
      std::optional<int64_t> found;
      if (isArray(tasks[t]))
        found = tasks[t].occupancy + tasks[t].drain;
      for (unsigned f = 0; f < count; ++f)
        for (const TaskWait &wait : tasks[f].after)
          if (wait.task == t && tail[f]) {
            int64_t behind =
                std::max(wait.latency + *tail[f],
                         wait.finish + *tail[f] - tasks[f].occupancy);
            found = std::max(found.value_or(0), tasks[t].occupancy + behind);
          }
      changed |= found != tail[t];
      tail[t] = found;
    }
  }
  std::vector<unsigned> array, order;
  for (unsigned t = 0; t < count; ++t)
    if (isArray(tasks[t]))
      array.push_back(t);
  std::vector<std::optional<int64_t>> end(count);
  int64_t now = 0;
  while (order.size() < array.size()) {
    // Tasks follow what they wait for.
    std::vector<std::optional<int64_t>> ready(count);
    for (unsigned t = 0; t < count; ++t) {
      ready[t] = 0;
      for (const TaskWait &wait : tasks[t].after) {
        std::optional<int64_t> before =
            isArray(tasks[wait.task]) ? end[wait.task] : ready[wait.task];
        if (before && ready[t])
          ready[t] = std::max(*ready[t], *before + wait.latency);
        else
          ready[t].reset();
      }
    }
    auto *first = std::find_if(array.data(), array.data() + array.size(),
                               [&](unsigned t) { return !end[t]; });
    std::optional<std::tuple<int64_t, int64_t, unsigned>> best;
    for (auto *t = first;
         t != array.data() + array.size() && t - first < int64_t(window); ++t)
      if (!end[*t] && ready[*t]) {
        std::tuple choice(std::max(now, *ready[*t]), -*tail[*t], *t);
        best = best ? std::min(*best, choice) : choice;
      }
    auto [start, behind, task] = *best;
    now = start + tasks[task].occupancy;
    for (const TaskWait &wait : tasks[task].after)
      if (isArray(tasks[wait.task]))
        now = std::max(now, *end[wait.task] + wait.finish);
    end[task] = now;
    order.push_back(task);
  }
  return order;
}

} // namespace

TEST(ArrayOrder, ThroughTransfers) {
  unsigned moved = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<ScheduleTask> tasks = randomTasks(random, 1 + seed * 2);
    unsigned window = 1 + seed % 24;
    std::vector<unsigned> order = orderThroughTransfers(tasks, window);
    EXPECT_EQ(order, stepByStep(tasks, window));
    moved += !std::is_sorted(order.begin(), order.end());
  }
  EXPECT_GT(moved, 20u);
}

TEST(ArrayOrder, StoresThatLeadNowhereDoNotCount) {
  // 0 and 1 are alike but for a store at the end, which waits long for 1.
  std::vector<ScheduleTask> tasks(3);
  tasks[0].occupancy = tasks[1].occupancy = 10;
  tasks[2].engine = Engine::Store;
  tasks[2].after = {{1, 1000, 0}};
  EXPECT_EQ(orderThroughTransfers(tasks, 24), (std::vector<unsigned>{0, 1}));
  // If a contraction needs what is stored, 1 comes first.
  tasks.emplace_back();
  tasks[3].occupancy = 1;
  tasks[3].after = {{2, 0, 0}};
  EXPECT_EQ(orderThroughTransfers(tasks, 24), (std::vector<unsigned>{1, 0, 3}));
}

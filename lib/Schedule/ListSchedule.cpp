//===- ListSchedule.cpp - The order of instructions -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/ListSchedule.h"

#include "ArrayOrder.h"
#include "LinkSchedule.h"
#include "SteadyOrder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"

#include <algorithm>
#include <numeric>
#include <tuple>

using namespace fetta;

/// How long an order in which slices repeat may be where the best one takes so
/// many cycles.
static int64_t longest(int64_t cycles) { return cycles + cycles / 2048; }

/// Where the link takes this many times as long as all else, the order of the
/// source may take a part longer than the best one: of a few slices these are
/// cycles at the beginning and the end, and little of as many as they stand
/// for.
static constexpr int64_t linkDecides = 2, edgesAsLong = 64;

/// The tasks with transfers that take no time.
static std::vector<ScheduleTask>
withIdealLink(llvm::ArrayRef<ScheduleTask> tasks) {
  std::vector<ScheduleTask> ideal(tasks.begin(), tasks.end());
  for (ScheduleTask &task : ideal) {
    if (task.engine != Engine::Array)
      task.occupancy = task.drain = 0;
    for (TaskWait &wait : task.after)
      if (tasks[wait.task].engine != Engine::Array)
        wait.latency = wait.finish = 0;
  }
  return ideal;
}

/// Cycles of tasks that take what they say.
static int64_t lengthOf(llvm::ArrayRef<ScheduleTask> tasks,
                        llvm::ArrayRef<unsigned> order) {
  std::array<std::vector<unsigned>, numEngines> queues;
  for (unsigned task : order)
    queues[size_t(tasks[task].engine)].push_back(task);
  Timeline timeline(tasks);
  std::array<size_t, numEngines> heads = {};
  for (size_t left = order.size(); left > 0; --left) {
    // The head that issues first; what cannot be known yet comes later.
    std::optional<std::pair<int64_t, size_t>> next;
    for (size_t q = 0; q < numEngines; ++q) {
      if (heads[q] == queues[q].size())
        continue;
      if (std::optional<int64_t> issue = timeline.issue(queues[q][heads[q]]))
        if (!next || *issue < next->first)
          next = {*issue, q};
    }
    if (!next)
      llvm::report_fatal_error("an order in which a task comes before one that "
                               "it waits for");
    timeline.begin(queues[next->second][heads[next->second]], next->first);
    ++heads[next->second];
  }
  return timeline.length;
}

int64_t fetta::scheduleLength(llvm::ArrayRef<ScheduleTask> tasks,
                              llvm::ArrayRef<unsigned> order, LinkModel link) {
  return link == LinkModel::Ideal ? lengthOf(withIdealLink(tasks), order)
                                  : lengthOf(tasks, order);
}

int64_t fetta::peakRows(llvm::ArrayRef<ScheduleTask> tasks,
                        llvm::ArrayRef<unsigned> order) {
  std::vector<unsigned> last(tasks.size());
  for (auto [position, task] : llvm::enumerate(order)) {
    last[task] = unsigned(position);
    for (unsigned used : tasks[task].uses)
      last[used] = unsigned(position);
  }
  std::vector<int64_t> freed(order.size(), 0);
  int64_t alive = 0, peak = 0;
  for (auto [position, task] : llvm::enumerate(order)) {
    freed[last[task]] += tasks[task].rows;
    peak = std::max(peak, alive += tasks[task].rows);
    alive -= freed[position];
  }
  return peak;
}

/// The array's tasks alone: what they wait for through transfers, they wait for
/// with what contractions on that way take. `ideal`: tasks with transfers that
/// take no time.
static std::vector<unsigned>
orderWithIdealLink(llvm::ArrayRef<ScheduleTask> ideal, unsigned window) {
  std::vector<unsigned> taskOf;
  for (unsigned t = 0; t < ideal.size(); ++t)
    if (ideal[t].engine == Engine::Array)
      taskOf.push_back(t);
  if (taskOf.size() > beamTasks)
    return orderThroughTransfers(ideal, window);
  std::vector<ScheduleTask> array;
  std::vector<unsigned> numberOf(ideal.size());
  std::vector<llvm::SmallVector<TaskWait, 4>> waits(ideal.size());
  for (unsigned t = 0; t < ideal.size(); ++t) {
    llvm::SmallVector<TaskWait, 4> &own = waits[t];
    auto add = [&](unsigned number, int64_t latency, int64_t finish) {
      auto *known = llvm::find_if(
          own, [&](const TaskWait &wait) { return wait.task == number; });
      if (known == own.end())
        known = own.insert(known, {number, 0, 0});
      known->latency = std::max(known->latency, latency);
      known->finish = std::max(known->finish, finish);
    };
    for (const TaskWait &wait : ideal[t].after)
      if (ideal[wait.task].engine == Engine::Array)
        add(numberOf[wait.task], wait.latency, wait.finish);
      else
        for (const TaskWait &through : waits[wait.task])
          add(through.task, through.latency + wait.latency, 0);
    if (ideal[t].engine != Engine::Array)
      continue;
    numberOf[t] = unsigned(array.size());
    array.push_back(ideal[t]);
    array.back().after = std::move(own);
  }
  std::vector<unsigned> order = orderArray(array, window);
  for (unsigned &task : order)
    task = taskOf[task];
  return order;
}

std::vector<unsigned> fetta::listSchedule(llvm::ArrayRef<ScheduleTask> tasks,
                                          const ScheduleOptions &options) {
  const std::vector<ScheduleTask> ideal = withIdealLink(tasks);
  if (options.link == LinkModel::Ideal)
    tasks = ideal;
  std::vector<unsigned> given(tasks.size()), givenArray;
  std::iota(given.begin(), given.end(), 0u);
  for (unsigned t : given)
    if (tasks[t].engine == Engine::Array)
      givenArray.push_back(t);
  if (givenArray.empty())
    return given;
  std::vector<unsigned> best = given;
  auto lengths = [&](llvm::ArrayRef<unsigned> order) {
    return std::pair(lengthOf(tasks, order), lengthOf(ideal, order));
  };
  const auto [givenTasks, givenIdeal] = lengths(given);
  const int64_t rows = std::max(options.rows, peakRows(tasks, given));
  double bestShare = 2;
  auto weigh = [&](std::vector<unsigned> order) {
    auto [withTasks, withIdeal] = lengths(order);
    if (withTasks > givenTasks || withIdeal > givenIdeal ||
        peakRows(tasks, order) > rows)
      return;
    double share =
        double(withTasks) / double(std::max<int64_t>(1, givenTasks)) +
        double(withIdeal) / double(std::max<int64_t>(1, givenIdeal));
    if (share < bestShare) {
      bestShare = share;
      best = std::move(order);
    }
  };
  // Of orders that are as good, one in which slices are alike.
  auto repeated = [&]() {
    if (!options.steady)
      return best;
    const auto [bestTasks, bestIdeal] = lengths(best);
    forEachSteadyOrder(tasks, best, [&](std::vector<unsigned> order) {
      auto [withTasks, withIdeal] = lengths(order);
      if (withTasks > std::min(givenTasks, longest(bestTasks)) ||
          withIdeal > std::min(givenIdeal, longest(bestIdeal)) ||
          peakRows(tasks, order) > rows)
        return false;
      best = std::move(order);
      return true;
    });
    return best;
  };
  std::vector<unsigned> searched = orderWithIdealLink(ideal, options.window);
  if (givenArray.size() == tasks.size()) {
    weigh(searched);
    return repeated();
  }
  LinkScheduler scheduler(tasks, options);
  weigh(scheduler.run(givenArray));
  weigh(scheduler.run(searched));
  weigh(scheduler.run({}));
  // In an order that fills the memory, a few slices are all beginning and end.
  if (options.steady && options.link != LinkModel::Ideal &&
      givenIdeal * linkDecides <= givenTasks)
    if (const int64_t least = lengthOf(tasks, best);
        givenTasks <= least + least / edgesAsLong)
      best = given;
  return repeated();
}

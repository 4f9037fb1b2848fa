//===- ArrayOrder.cpp - Contractions without transfers --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArrayOrder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <unordered_set>

using namespace fetta;

/// Orders that are followed, at most.
static constexpr size_t beamWidth = 32;
/// Orders times tasks: the work of a step grows with the tasks.
static constexpr size_t beamWork = 640;

namespace {

/// The beginning of an order. `first` is the first task that is not in it.
struct Prefix {
  std::vector<bool> done;
  std::vector<int64_t> end; ///< Of the last beat of every task.
  std::vector<unsigned> order;
  unsigned first = 0;
  int64_t now = 0;
  int64_t length = 0;    ///< Last write so far.
  int64_t remaining = 0; ///< Occupancy of what is not done.
  int64_t bound = 0;     ///< No completion is shorter.

  bool operator<(const Prefix &o) const {
    return std::tie(bound, now, order) < std::tie(o.bound, o.now, o.order);
  }
};

class Scheduler {
public:
  Scheduler(llvm::ArrayRef<ScheduleTask> tasks, unsigned window)
      : tasks(tasks), window(window), tail(tasks.size(), 0) {
    // Tasks follow what they wait for, so one backward sweep gives the tails.
    for (size_t i = tasks.size(); i-- > 0;) {
      int64_t behind = std::max(tail[i], tasks[i].drain);
      tail[i] = tasks[i].occupancy + behind;
      for (const TaskWait &wait : tasks[i].after)
        tail[wait.task] = std::max(
            {tail[wait.task], wait.latency + tail[i], wait.finish + behind});
    }
  }

  std::vector<unsigned> run(size_t width);

private:
  bool isReady(const Prefix &prefix, unsigned task) const {
    return llvm::all_of(tasks[task].after,
                        [&](const TaskWait &w) { return prefix.done[w.task]; });
  }
  int64_t start(const Prefix &prefix, unsigned task) const {
    int64_t start = prefix.now;
    for (const TaskWait &wait : tasks[task].after)
      if (prefix.done[wait.task])
        start = std::max(start, prefix.end[wait.task] + wait.latency);
    return start;
  }
  int64_t finish(const Prefix &prefix, unsigned task) const {
    int64_t end = start(prefix, task) + tasks[task].occupancy;
    for (const TaskWait &wait : tasks[task].after)
      if (prefix.done[wait.task])
        end = std::max(end, prefix.end[wait.task] + wait.finish);
    return end;
  }
  Prefix extended(Prefix prefix, unsigned task) const;

  llvm::ArrayRef<ScheduleTask> tasks;
  unsigned window;
  /// Longest path from the first beat of a task to the last write behind it.
  std::vector<int64_t> tail;
};

} // namespace

Prefix Scheduler::extended(Prefix prefix, unsigned task) const {
  prefix.end[task] = prefix.now = finish(prefix, task);
  prefix.done[task] = true;
  prefix.order.push_back(task);
  prefix.remaining -= tasks[task].occupancy;
  while (prefix.first < tasks.size() && prefix.done[prefix.first])
    ++prefix.first;
  prefix.length = std::max(prefix.length, prefix.now + tasks[task].drain);
  prefix.bound = std::max(prefix.now + prefix.remaining, prefix.length);
  unsigned end = std::min<unsigned>(tasks.size(), prefix.first + 2 * window);
  for (unsigned t = prefix.first; t < end; ++t)
    if (!prefix.done[t])
      prefix.bound =
          std::max({prefix.bound, start(prefix, t) + tail[t],
                    finish(prefix, t) + tail[t] - tasks[t].occupancy});
  return prefix;
}

std::vector<unsigned> Scheduler::run(size_t width) {
  std::vector<Prefix> beam(1);
  beam[0].done.assign(tasks.size(), false);
  beam[0].end.assign(tasks.size(), 0);
  for (const ScheduleTask &task : tasks)
    beam[0].remaining += task.occupancy;
  for (size_t step = 0; step < tasks.size(); ++step) {
    std::vector<Prefix> next;
    // Prefixes with equal ends of all tasks (0 for those to come) go on alike.
    // Should two others have one hash, one of them is not pursued.
    std::unordered_set<uint64_t> seen;
    for (Prefix &prefix : beam) {
      unsigned end = std::min<unsigned>(tasks.size(), prefix.first + window);
      std::vector<unsigned> choices;
      for (unsigned t = prefix.first; t < end; ++t)
        if (!prefix.done[t] && isReady(prefix, t))
          choices.push_back(t);
      for (unsigned t : choices) {
        Prefix longer = extended(prefix, t);
        llvm::ArrayRef<uint8_t> ends(
            reinterpret_cast<const uint8_t *>(longer.end.data()),
            longer.end.size() * sizeof(int64_t));
        if (seen.insert(llvm::xxh3_64bits(ends)).second)
          next.push_back(std::move(longer));
      }
    }
    llvm::sort(next);
    if (next.size() > width)
      next.resize(width);
    beam = std::move(next);
  }
  return beam.front().order;
}

std::vector<unsigned> fetta::orderArray(llvm::ArrayRef<ScheduleTask> tasks,
                                        unsigned window) {
  if (tasks.empty())
    return {};
  assert(tasks.size() <= beamTasks && "more are ordered one by one");
  return Scheduler(tasks, window)
      .run(std::min(beamWidth, beamWork / tasks.size()));
}

//===----------------------------------------------------------------------===//
// Many tasks
//===----------------------------------------------------------------------===//

namespace {

/// Tasks of the array that are ready, with the time that they wait for. What a
/// task is waited for by is known from the start, so that each wait is met
/// once.
class ReadyTasks {
public:
  explicit ReadyTasks(llvm::ArrayRef<ScheduleTask> tasks);

  /// Longest path from the first beat of a task to the last write behind it.
  int64_t tail(unsigned task) const { return tails[task]; }
  bool isReady(unsigned task) const { return open[task] == 0; }
  /// When a task that is ready can begin, as far as others decide it.
  int64_t time(unsigned task) const { return times[task]; }
  /// A task of the array ends; transfers behind it complete.
  void end(unsigned task, int64_t time);

private:
  struct Follower {
    unsigned task;
    int64_t latency;
  };

  llvm::ArrayRef<ScheduleTask> tasks;
  /// Transfers that a task of the array waits for. What a program stores at its
  /// end is not among them, and its chains are the longest.
  std::vector<bool> matters;
  std::vector<int64_t> tails, times;
  std::vector<unsigned> open; ///< Waits that are not met.
  /// Of task t: [first[t], first[t + 1]).
  std::vector<size_t> first;
  std::vector<Follower> followers;
  std::vector<std::pair<unsigned, int64_t>> ending; ///< Empty between calls.
};

} // namespace

ReadyTasks::ReadyTasks(llvm::ArrayRef<ScheduleTask> tasks)
    : tasks(tasks), matters(tasks.size()), tails(tasks.size(), 0),
      times(tasks.size(), 0), open(tasks.size(), 0),
      first(tasks.size() + 1, 0) {
  // Tasks follow what they wait for, so one backward sweep finds what matters
  // and gives the tails.
  for (size_t i = tasks.size(); i-- > 0;) {
    const ScheduleTask &task = tasks[i];
    bool isArray = task.engine == Engine::Array;
    if (!isArray && !matters[i])
      continue;
    int64_t behind = std::max(tails[i], task.drain);
    tails[i] = task.occupancy + behind;
    open[i] = unsigned(task.after.size());
    for (const TaskWait &wait : task.after) {
      matters[wait.task] = true;
      ++first[wait.task + 1];
      tails[wait.task] = std::max(tails[wait.task], wait.latency + tails[i]);
      if (isArray)
        tails[wait.task] = std::max(tails[wait.task], wait.finish + behind);
    }
  }
  for (size_t i = 0; i < tasks.size(); ++i)
    first[i + 1] += first[i];
  followers.resize(first.back());
  std::vector<size_t> next(first.begin(), first.end() - 1);
  for (unsigned t = 0; t < tasks.size(); ++t)
    if (tasks[t].engine == Engine::Array || matters[t])
      for (const TaskWait &wait : tasks[t].after)
        followers[next[wait.task]++] = {t, wait.latency};
  for (unsigned t = 0; t < tasks.size(); ++t)
    if (tasks[t].engine != Engine::Array && matters[t] &&
        tasks[t].after.empty())
      end(t, 0);
}

void ReadyTasks::end(unsigned task, int64_t time) {
  for (ending.push_back({task, time}); !ending.empty();) {
    auto [ended, at] = ending.back();
    ending.pop_back();
    for (size_t f = first[ended]; f < first[ended + 1]; ++f) {
      unsigned follower = followers[f].task;
      times[follower] = std::max(times[follower], at + followers[f].latency);
      if (--open[follower] == 0 && tasks[follower].engine != Engine::Array)
        ending.push_back({follower, times[follower]});
    }
  }
}

/// Whatever starts first comes next; of those, what most depends on.
std::vector<unsigned>
fetta::orderThroughTransfers(llvm::ArrayRef<ScheduleTask> tasks,
                             unsigned window) {
  ReadyTasks ready(tasks);
  std::vector<unsigned> array;
  for (unsigned t = 0; t < tasks.size(); ++t)
    if (tasks[t].engine == Engine::Array)
      array.push_back(t);
  std::vector<bool> done(array.size(), false);
  std::vector<int64_t> ends(tasks.size(), 0);
  std::vector<unsigned> order;
  order.reserve(array.size());
  size_t first = 0;
  int64_t now = 0;
  while (order.size() < array.size()) {
    std::optional<std::tuple<int64_t, int64_t, size_t>> best;
    size_t last = std::min(array.size(), first + window);
    for (size_t number = first; number < last; ++number) {
      unsigned task = array[number];
      if (done[number] || !ready.isReady(task))
        continue;
      std::tuple choice(std::max(now, ready.time(task)), -ready.tail(task),
                        number);
      if (!best || choice < *best)
        best = choice;
    }
    auto [start, behind, number] = *best;
    unsigned task = array[number];
    now = start + tasks[task].occupancy;
    for (const TaskWait &wait : tasks[task].after)
      if (tasks[wait.task].engine == Engine::Array)
        now = std::max(now, ends[wait.task] + wait.finish);
    ends[task] = now;
    ready.end(task, now);
    done[number] = true;
    order.push_back(task);
    while (first < array.size() && done[first])
      ++first;
  }
  return order;
}

//===- ArrayOrder.cpp - Contractions without transfers --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArrayOrder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>
#include <tuple>
#include <unordered_set>

using namespace fetta;

/// Tasks up to which more than one order is followed, and how many at most.
static constexpr size_t beamTasks = 64, beamWidth = 32;
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
  /// The same for one order, which is followed in place.
  std::vector<unsigned> runOne();

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

/// Whatever starts first comes next; of those, what most depends on.
std::vector<unsigned> Scheduler::runOne() {
  std::vector<int64_t> end(tasks.size(), -1); ///< -1: not done.
  // Waits of a task that are done, and until when it waits for them.
  std::vector<std::pair<unsigned, int64_t>> met(tasks.size());
  std::vector<unsigned> order;
  unsigned first = 0;
  int64_t now = 0;
  while (order.size() < tasks.size()) {
    std::optional<std::tuple<int64_t, int64_t, unsigned>> best;
    unsigned last = std::min<unsigned>(tasks.size(), first + window);
    for (unsigned t = first; t < last; ++t) {
      if (end[t] >= 0)
        continue;
      auto &[waits, time] = met[t];
      const auto &after = tasks[t].after;
      for (; waits < after.size() && end[after[waits].task] >= 0; ++waits)
        time = std::max(time, end[after[waits].task] + after[waits].latency);
      if (waits < after.size())
        continue;
      std::tuple choice(std::max(now, time), -tail[t], t);
      if (!best || choice < *best)
        best = choice;
    }
    auto [start, behind, task] = *best;
    now = start + tasks[task].occupancy;
    for (const TaskWait &wait : tasks[task].after)
      now = std::max(now, end[wait.task] + wait.finish);
    end[task] = now;
    order.push_back(task);
    while (first < tasks.size() && end[first] >= 0)
      ++first;
  }
  return order;
}

std::vector<unsigned> fetta::orderArray(llvm::ArrayRef<ScheduleTask> tasks,
                                        unsigned window) {
  if (tasks.empty())
    return {};
  size_t width = tasks.size() > beamTasks
                     ? 1
                     : std::min(beamWidth, beamWork / tasks.size());
  Scheduler scheduler(tasks, window);
  return width == 1 ? scheduler.runOne() : scheduler.run(width);
}

//===- SteadyOrder.cpp - Slices in the same order -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SteadyOrder.h"

#include "Repetition.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/xxhash.h"

#include <queue>

using namespace fetta;

/// Slices that there are at least, and tasks at most: long programs are samples
/// first, and what follows from these repeats by itself.
static constexpr size_t fewestPeriods = 8, mostTasks = 4096;

/// Slices whose order is taken for all, in parts of the repetition.
static constexpr size_t patterns = 4;

/// Slices before its first use that a load may come, as tried: each holds rows.
static constexpr int64_t slicesAhead[] = {1, 2, 6};

/// Slices at the beginning whose loads must not come before those of
/// parameters.
static constexpr size_t firstSlices = 3;

static uint64_t lookOf(const ScheduleTask &task) {
  llvm::SmallVector<int64_t, 16> look = {task.occupancy, task.drain, task.rows,
                                         int64_t(task.engine)};
  for (const TaskWait &wait : task.after)
    look.append({wait.latency, wait.finish});
  return llvm::xxh3_64bits(
      llvm::ArrayRef<uint8_t>(reinterpret_cast<const uint8_t *>(look.data()),
                              look.size() * sizeof(int64_t)));
}

/// Tasks by `place`, behind what they wait for.
static std::vector<unsigned> sortBy(llvm::ArrayRef<ScheduleTask> tasks,
                                    llvm::ArrayRef<int64_t> place) {
  std::vector<unsigned> open(tasks.size());
  std::vector<llvm::SmallVector<unsigned, 4>> followers(tasks.size());
  using Entry = std::pair<int64_t, unsigned>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
  for (unsigned t = 0; t < tasks.size(); ++t) {
    open[t] = unsigned(tasks[t].after.size());
    for (const TaskWait &wait : tasks[t].after)
      followers[wait.task].push_back(t);
    if (open[t] == 0)
      ready.push({place[t], t});
  }
  std::vector<unsigned> order;
  while (!ready.empty()) {
    order.push_back(ready.top().second);
    ready.pop();
    for (unsigned follower : followers[order.back()])
      if (--open[follower] == 0)
        ready.push({place[follower], follower});
  }
  return order;
}

void fetta::forEachSteadyOrder(
    llvm::ArrayRef<ScheduleTask> tasks, llvm::ArrayRef<unsigned> order,
    llvm::function_ref<bool(std::vector<unsigned>)> take) {
  if (tasks.size() > mostTasks)
    return;
  std::vector<uint64_t> looks;
  for (const ScheduleTask &task : tasks)
    looks.push_back(lookOf(task));
  std::optional<Repetition> slices =
      findRepetition(llvm::ArrayRef(looks), fewestPeriods);
  if (!slices)
    return;
  std::vector<int64_t> given(tasks.size());
  for (auto [position, task] : llvm::enumerate(order))
    given[task] = int64_t(position);
  const auto length = int64_t(slices->period);
  for (int64_t ahead : slicesAhead)
    for (size_t part = 1; part < patterns; ++part) {
      const size_t slice = slices->count() * part / patterns;
      std::vector<int64_t> place = given;
      for (size_t t = slices->first; t < slices->end; ++t) {
        const size_t number = (t - slices->first) / slices->period;
        place[t] = given[t + (slice - number) * slices->period] +
                   (int64_t(number) - int64_t(slice)) * length;
        // The first ones come between what comes before all of them.
        if (number < std::min(slice, firstSlices))
          place[t] = std::max(place[t], given[t]);
      }
      std::vector<int64_t> firstUse(tasks.size(), INT64_MAX);
      for (unsigned t = 0; t < tasks.size(); ++t)
        for (unsigned used : tasks[t].uses)
          firstUse[used] = std::min(firstUse[used], place[t]);
      for (size_t t = slices->first; t < slices->end; ++t)
        if (tasks[t].engine == Engine::Load && firstUse[t] != INT64_MAX)
          place[t] = std::max(place[t], firstUse[t] - ahead * length);
      if (take(sortBy(tasks, place)))
        return;
    }
}

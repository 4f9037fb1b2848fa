//===- LinkSchedule.cpp - Array and link together -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinkSchedule.h"

#include "llvm/ADT/STLExtras.h"

#include <cassert>
#include <tuple>

using namespace fetta;

LinkScheduler::LinkScheduler(llvm::ArrayRef<ScheduleTask> tasks,
                             const ScheduleOptions &options)
    : tasks(tasks), options(options), tail(tasks.size(), 0),
      loadsOf(tasks.size()) {
  // Tasks follow what they wait for, so one backward sweep gives the tails.
  for (size_t i = tasks.size(); i-- > 0;) {
    int64_t behind = std::max(tail[i], tasks[i].drain);
    tail[i] = tasks[i].occupancy + behind;
    for (const TaskWait &wait : tasks[i].after) {
      tail[wait.task] = std::max(
          {tail[wait.task], wait.latency + tail[i], wait.finish + behind});
      if (tasks[i].engine == Engine::Array &&
          tasks[wait.task].engine == Engine::Load)
        loadsOf[i].push_back(wait.task);
    }
  }
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// Lifetimes on the array's order. A value that nothing on the array reads
/// later has none: it waits for its store.
void LinkScheduler::planRows() {
  const std::vector<unsigned> &array = queues[size_t(Engine::Array)].tasks;
  firstUse.assign(tasks.size(), unsigned(array.size()));
  lastUse.assign(tasks.size(), 0);
  for (auto [position, task] : llvm::enumerate(array)) {
    for (unsigned used : tasks[task].uses) {
      firstUse[used] = std::min(firstUse[used], unsigned(position));
      lastUse[used] = unsigned(position);
    }
    lastUse[task] = std::max(lastUse[task], unsigned(position));
  }
  madeRows.assign(array.size() + 1, 0);
  loadedRows.assign(array.size() + 1, 0);
  std::vector<int64_t> change(array.size() + 2, 0);
  for (auto [position, task] : llvm::enumerate(array)) {
    change[position] += tasks[task].rows;
    change[lastUse[task] + 1] -= tasks[task].rows;
  }
  int64_t alive = 0;
  for (size_t position = 0; position < array.size(); ++position)
    madeRows[position] = alive += change[position];
  openStores.assign(tasks.size(), 0);
  for (const ScheduleTask &task : tasks)
    if (task.engine == Engine::Store)
      for (unsigned used : task.uses)
        ++openStores[used];
  waitingRows = 0;
}

/// Whether there are rows for a load until it is needed.
bool LinkScheduler::hasRoom(unsigned load) const {
  size_t now = queues[size_t(Engine::Array)].first;
  if (firstUse[load] <= now)
    return true;
  int64_t most = options.rows - waitingRows - tasks[load].rows;
  size_t end = std::min(size_t(firstUse[load]), madeRows.size() - 1);
  for (size_t position = now; position <= end; ++position)
    if (madeRows[position] + loadedRows[position] > most)
      return false;
  return true;
}

/// `task` has begun.
void LinkScheduler::takeRows(unsigned task) {
  const ScheduleTask &t = tasks[task];
  size_t now = queues[size_t(Engine::Array)].first;
  // A value waits from its last use on the array on until it is stored.
  auto wait = [&](unsigned value) {
    if (lastUse[value] == now && openStores[value] > 0)
      waitingRows += tasks[value].rows;
  };
  if (t.engine == Engine::Array) {
    wait(task);
    for (unsigned used : t.uses)
      wait(used);
  } else if (t.engine == Engine::Load) {
    for (size_t position = now; position <= lastUse[task]; ++position)
      loadedRows[position] += t.rows;
  } else {
    for (unsigned used : t.uses)
      if (--openStores[used] == 0 && lastUse[used] < now)
        waitingRows -= tasks[used].rows;
  }
}

//===----------------------------------------------------------------------===//
// The schedule
//===----------------------------------------------------------------------===//

/// Of the next `count` tasks that have not begun: what can begin first; of
/// those, what most depends on.
std::optional<LinkScheduler::Choice>
LinkScheduler::choose(const Queue &queue, unsigned count,
                      bool mindMemory) const {
  std::optional<Choice> best;
  size_t end = std::min(queue.tasks.size(), queue.first + count);
  for (size_t i = queue.first; i < end; ++i) {
    unsigned task = queue.tasks[i];
    if (timeline->hasBegun(task))
      continue;
    const ScheduleTask &t = tasks[task];
    if (mindMemory && t.behind && !inUse[*t.behind])
      continue;
    std::optional<int64_t> issue = timeline->issue(task);
    if (!issue)
      continue;
    Choice choice{timeline->start(task, *issue), *issue, task};
    if (best && std::tuple(best->start, -tail[best->task]) <=
                    std::tuple(choice.start, -tail[task]))
      continue;
    if (mindMemory && t.engine == Engine::Load && !firstUse.empty() &&
        !hasRoom(task))
      continue;
    best = choice;
  }
  return best;
}

std::vector<unsigned> LinkScheduler::run(llvm::ArrayRef<unsigned> arrayOrder) {
  for (Queue &queue : queues)
    queue = {};
  queues[size_t(Engine::Array)].tasks.assign(arrayOrder.begin(),
                                             arrayOrder.end());
  for (unsigned t = 0; t < tasks.size(); ++t)
    if (tasks[t].engine != Engine::Array || arrayOrder.empty())
      queues[size_t(tasks[t].engine)].tasks.push_back(t);
  firstUse.clear();
  if (!arrayOrder.empty())
    planRows();
  const std::array<unsigned, numEngines> counts = {
      arrayOrder.empty() ? options.window : 1, options.window, options.window};
  inUse.assign(tasks.size(), false);
  timeline.emplace(tasks);
  std::vector<unsigned> order;
  while (order.size() < tasks.size()) {
    std::optional<Choice> next;
    // Without a choice nothing but a load that was to wait can go on, or what
    // is beyond the window.
    for (auto [mindMemory, all] :
         {std::pair(true, false), {false, false}, {false, true}}) {
      for (size_t q = 0; q < numEngines; ++q) {
        std::optional<Choice> choice = choose(
            queues[q], all ? unsigned(tasks.size()) : counts[q], mindMemory);
        if (choice && (!next || std::tuple(choice->start, choice->issue) <
                                    std::tuple(next->start, next->issue)))
          next = choice;
      }
      if (next)
        break;
    }
    assert(next && "tasks come in a legal order");
    timeline->begin(next->task, next->issue);
    order.push_back(next->task);
    for (unsigned load : loadsOf[next->task])
      inUse[load] = true;
    if (!firstUse.empty())
      takeRows(next->task);
    Queue &queue = queues[size_t(tasks[next->task].engine)];
    while (queue.first < queue.tasks.size() &&
           timeline->hasBegun(queue.tasks[queue.first])) {
      ++queue.first;
    }
  }
  return order;
}

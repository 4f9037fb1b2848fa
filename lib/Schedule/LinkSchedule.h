//===- LinkSchedule.h - Array and link together -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// When tasks begin on the array and the DRAM link, and a list schedule that
/// decides it.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SCHEDULE_LINKSCHEDULE_H
#define FETTA_LIB_SCHEDULE_LINKSCHEDULE_H

#include "fetta/Schedule/ListSchedule.h"

#include <algorithm>
#include <array>

namespace fetta {

inline constexpr size_t numEngines = 3;

/// Times of tasks that have begun.
class Timeline {
public:
  explicit Timeline(llvm::ArrayRef<ScheduleTask> tasks)
      : tasks(tasks), ends(tasks.size(), -1), met(tasks.size()) {}

  bool hasBegun(unsigned task) const { return ends[task] >= 0; }
  /// When the task could issue as the next of its queue; nothing while a task
  /// that it waits for has not begun.
  std::optional<int64_t> issue(unsigned task) const {
    const ScheduleTask &t = tasks[task];
    Met &known = met[task];
    for (; known.waits < t.after.size(); ++known.waits) {
      const TaskWait &wait = t.after[known.waits];
      if (!hasBegun(wait.task))
        return std::nullopt;
      known.time = std::max(known.time, ends[wait.task] + wait.latency);
    }
    return std::max(issued[size_t(t.engine)], known.time);
  }
  /// When it could begin, issued then.
  int64_t start(unsigned task, int64_t issue) const {
    return tasks[task].engine == Engine::Array ? issue
                                               : std::max(issue, linkFree);
  }
  void begin(unsigned task, int64_t issue) {
    const ScheduleTask &t = tasks[task];
    int64_t end = start(task, issue) + t.occupancy;
    for (const TaskWait &wait : t.after)
      end = std::max(end, ends[wait.task] + wait.finish);
    ends[task] = end;
    if (t.engine == Engine::Array) {
      issued[size_t(Engine::Array)] = end;
    } else {
      issued[size_t(t.engine)] = issue;
      linkFree = end;
    }
    length = std::max(length, end + t.drain);
  }

  int64_t length = 0;

private:
  llvm::ArrayRef<ScheduleTask> tasks;
  std::vector<int64_t> ends; ///< Of the occupancy; -1: has not begun.
  /// Waits of a task that are known to have begun, and until when the task has
  /// to wait for them: it is asked for again and again.
  struct Met {
    unsigned waits = 0;
    int64_t time = 0;
  };
  mutable std::vector<Met> met;
  /// When the next task of an engine can issue at the earliest.
  std::array<int64_t, numEngines> issued = {};
  int64_t linkFree = 0;
};

class LinkScheduler {
public:
  LinkScheduler(llvm::ArrayRef<ScheduleTask> tasks,
                const ScheduleOptions &options);

  /// With `arrayOrder`, the array's tasks keep that order, and what is loaded
  /// before it is needed leaves them the rows that they need until then.
  std::vector<unsigned> run(llvm::ArrayRef<unsigned> arrayOrder);

private:
  struct Choice {
    int64_t start = 0, issue = 0;
    unsigned task = 0;
  };
  /// Tasks of an engine in the order in which they are looked at; those before
  /// `first` have begun.
  struct Queue {
    std::vector<unsigned> tasks;
    size_t first = 0;
  };

  void planRows();
  bool hasRoom(unsigned load) const;
  void takeRows(unsigned task);
  std::optional<Choice> choose(const Queue &queue, unsigned count,
                               bool mindMemory) const;

  llvm::ArrayRef<ScheduleTask> tasks;
  const ScheduleOptions &options;
  /// Longest path from the beginning of a task to the last completion behind
  /// it.
  std::vector<int64_t> tail;
  std::vector<llvm::SmallVector<unsigned, 2>> loadsOf; ///< Of array tasks.

  // A run.
  std::optional<Timeline> timeline;
  std::array<Queue, numEngines> queues;
  std::vector<bool> inUse; ///< Loads.
  /// Positions in the array's order; empty where that is free.
  std::vector<unsigned> firstUse, lastUse; ///< Of values.
  /// Rows at each position: of values that contractions make, without those
  /// that only wait for a store; of what is loaded.
  std::vector<int64_t> madeRows, loadedRows;
  std::vector<unsigned> openStores; ///< Of values.
  int64_t waitingRows = 0;          ///< Of values that only wait for a store.
};

} // namespace fetta

#endif // FETTA_LIB_SCHEDULE_LINKSCHEDULE_H

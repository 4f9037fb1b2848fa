//===- ListSchedule.h - The order of instructions ----------------*- C++-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// In which order contractions go to the array and transfers to the DRAM link.
/// Beats of one contraction follow the beats of the one before at once, but
/// what it writes can be read only when its last beat has gone through the
/// pipeline (docs/Queues.md, section 3); a transfer holds the link and
/// completes a latency later (section 2). An order that puts independent work
/// in between hides both.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SCHEDULE_LISTSCHEDULE_H
#define FETTA_SCHEDULE_LISTSCHEDULE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace fetta {

/// Who does a task, each in the order in which it gets them. Loads and stores
/// share the link, which serves what comes first.
enum class Engine : uint8_t { Array, Load, Store };

/// A task waits for another one.
struct TaskWait {
  unsigned task = 0;
  /// Cycles from the end of that task's occupancy to the beginning of the
  /// waiting one.
  int64_t latency = 0;
  /// At least so many cycles from the end of that task's occupancy to the end
  /// of the waiting one's: beats may have to wait behind the first one, too.
  int64_t finish = 0;
};

/// A contraction or a transfer for the scheduler.
struct ScheduleTask {
  int64_t occupancy = 0; ///< Cycles for which it holds the array or the link.
  int64_t drain = 0;     ///< From the end of its occupancy to its completion.
  llvm::SmallVector<TaskWait, 4> after;
  Engine engine = Engine::Array;
  /// Of a load: it begins once this task, a load too, is in use, so that few
  /// tensors wait in memory.
  std::optional<unsigned> behind = std::nullopt;
  int64_t rows = 0; ///< Of tensor memory, for a value that the task makes.
  /// Tasks whose values it reads, or goes on from.
  llvm::SmallVector<unsigned, 3> uses = {};
};

/// What transfers take.
enum class LinkModel : uint8_t {
  Tasks, ///< What the tasks say.
  Ideal, ///< Nothing, and they complete at once.
};

/// Cycles to the last completion, for an order in which every task follows
/// those that it waits for. `behind` is no wait here: it is a matter of memory.
int64_t scheduleLength(llvm::ArrayRef<ScheduleTask> tasks,
                       llvm::ArrayRef<unsigned> order,
                       LinkModel link = LinkModel::Tasks);

/// Rows of the values that are alive together, at most: each from its task on
/// to the last task that uses it, in the order given.
int64_t peakRows(llvm::ArrayRef<ScheduleTask> tasks,
                 llvm::ArrayRef<unsigned> order);

struct ScheduleOptions {
  /// A task of the array moves ahead of fewer others of the array than this,
  /// which keeps the values of a sliced program short-lived.
  unsigned window = 24;
  /// Rows that may be alive. What is loaded before it is needed stays within;
  /// no order needs more unless the given one does.
  int64_t rows = INT64_MAX;
  /// What the order is for: with `Ideal`, only its length with transfers that
  /// take no time is weighed.
  LinkModel link = LinkModel::Tasks;
  /// Of orders that are about as short, one in which slices are alike.
  bool steady = false;
};

/// A topological order of small length. Tasks come in an order that is legal
/// already. Orders that are weighed: the given one; the array's tasks in the
/// given order, and in one that a beam search finds with transfers that take no
/// time, with transfers as early as dependences and rows allow; and a list
/// schedule of array and link, which takes what can begin first, and of that
/// what most depends on. Never longer than the given order, with either link;
/// of those that are not, the one that gains most over both. For an ideal link,
/// its length with that alone counts. Deterministic.
std::vector<unsigned> listSchedule(llvm::ArrayRef<ScheduleTask> tasks,
                                   const ScheduleOptions &options = {});

} // namespace fetta

#endif // FETTA_SCHEDULE_LISTSCHEDULE_H

//===- ListSchedule.h - The order of contractions ----------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// In which order contractions go to the array. Beats of one follow the beats
/// of the one before at once, but what a contraction writes can be read only
/// when its last beat has gone through the pipeline (docs/Queues.md, section
/// 3). An order that puts independent contractions in between hides that.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SCHEDULE_LISTSCHEDULE_H
#define FETTA_SCHEDULE_LISTSCHEDULE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <vector>

namespace fetta {

/// A task waits for another one.
struct TaskWait {
  unsigned task = 0;
  /// Cycles from the end of that task's last beat to the first beat of the
  /// waiting one.
  int64_t latency = 0;
  /// At least so many cycles from the end of that task's last beat to the end
  /// of the waiting one's: beats may have to wait behind the first one, too.
  int64_t finish = 0;
};

/// One contraction for the scheduler.
struct ArrayTask {
  int64_t occupancy = 0; ///< Cycles for which it holds the array.
  int64_t drain = 0;     ///< From the end of its last beat to its last write.
  llvm::SmallVector<TaskWait, 4> after;
};

/// Cycles from the first beat to the last write, for an order in
/// which every task follows those that it waits for.
int64_t scheduleLength(llvm::ArrayRef<ArrayTask> tasks,
                       llvm::ArrayRef<unsigned> order);

/// A topological order of small length: beam search, guided by the longest path
/// behind every task. Tasks come in an order that is legal already. A task may
/// move ahead of at most `window` others, which keeps the values of a sliced
/// program short-lived; beyond 64 tasks the beam is one order wide. Never worse
/// than the given order. Deterministic.
std::vector<unsigned> listSchedule(llvm::ArrayRef<ArrayTask> tasks,
                                   unsigned window = 24);

} // namespace fetta

#endif // FETTA_SCHEDULE_LISTSCHEDULE_H

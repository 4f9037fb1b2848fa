//===- ArrayOrder.h - Contractions without transfers ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The order of contractions on the array alone: by beam search, or, of many,
/// one after the other.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SCHEDULE_ARRAYORDER_H
#define FETTA_LIB_SCHEDULE_ARRAYORDER_H

#include "fetta/Schedule/ListSchedule.h"

namespace fetta {

/// Tasks of the array up to which more than one order is followed.
inline constexpr size_t beamTasks = 64;

/// An order of tasks of the array, guided by the longest path behind every
/// task. The beam gets narrower the more tasks there are. Not always shorter
/// than the given order.
std::vector<unsigned> orderArray(llvm::ArrayRef<ScheduleTask> tasks,
                                 unsigned window);

/// The same one order wide, for many tasks, with transfers between them that
/// take no time: the tasks of the array, as numbers of `tasks`. Transfers are
/// followed as they stand: chains of stores lead from each task to many.
std::vector<unsigned> orderThroughTransfers(llvm::ArrayRef<ScheduleTask> tasks,
                                            unsigned window);

} // namespace fetta

#endif // FETTA_LIB_SCHEDULE_ARRAYORDER_H

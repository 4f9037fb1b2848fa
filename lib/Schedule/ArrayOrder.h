//===- ArrayOrder.h - Contractions without transfers ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The order of contractions on the array alone, by beam search.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SCHEDULE_ARRAYORDER_H
#define FETTA_LIB_SCHEDULE_ARRAYORDER_H

#include "fetta/Schedule/ListSchedule.h"

namespace fetta {

/// An order of tasks of the array, guided by the longest path behind every
/// task. The beam gets narrower the more tasks there are; beyond 64 it is one
/// order wide. Not always shorter than the given order.
std::vector<unsigned> orderArray(llvm::ArrayRef<ScheduleTask> tasks,
                                 unsigned window);

} // namespace fetta

#endif // FETTA_LIB_SCHEDULE_ARRAYORDER_H

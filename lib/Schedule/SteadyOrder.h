//===- SteadyOrder.h - Slices in the same order -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Orders that repeat: what comes next in a list schedule depends on how far
/// its end is, so slices that do the same may come in different orders, and a
/// program of many slices has no period.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SCHEDULE_STEADYORDER_H
#define FETTA_LIB_SCHEDULE_STEADYORDER_H

#include "fetta/Schedule/ListSchedule.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace fetta {

/// Orders in which slices follow each other as one of them does in `order`, but
/// that loads come late, are given to `take` until that takes one: those that
/// need least memory first. None where tasks do not repeat often.
void forEachSteadyOrder(llvm::ArrayRef<ScheduleTask> tasks,
                        llvm::ArrayRef<unsigned> order,
                        llvm::function_ref<bool(std::vector<unsigned>)> take);

} // namespace fetta

#endif // FETTA_LIB_SCHEDULE_STEADYORDER_H

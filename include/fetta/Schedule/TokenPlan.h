//===- TokenPlan.h - Semaphores that order queues ----------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Turns "this instruction comes after those" into semaphore waits and signals
/// (docs/Queues.md, section 1), with no token for what follows from the order
/// within queues or from other tokens.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SCHEDULE_TOKENPLAN_H
#define FETTA_SCHEDULE_TOKENPLAN_H

#include "fetta/Machine/Queues.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace fetta {

/// An instruction of one queue. `after`: earlier instructions of the program
/// that must have completed before it issues. Those of its own queue are
/// ignored: a queue keeps its order.
struct QueueItem {
  unsigned queue = 0;
  llvm::SmallVector<unsigned, 4> after;
};

/// Semaphores that an instruction waits for and signals, one token each.
struct ItemTokens {
  llvm::SmallVector<unsigned, 2> waits, signals;
};

/// The first semaphore from one queue to another, of twelve.
unsigned semaphoreBetween(unsigned producer, unsigned consumer);

/// Tokens for the instructions of a program, in program order. Two queues get
/// another semaphore where one runs more tokens ahead of the other than theirs
/// count. An error, when all are taken.
llvm::Expected<std::vector<ItemTokens>>
planTokens(llvm::ArrayRef<QueueItem> items);

} // namespace fetta

#endif // FETTA_SCHEDULE_TOKENPLAN_H

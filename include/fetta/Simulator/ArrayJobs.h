//===- ArrayJobs.h - Contractions that share one array -----------*- C++ -*-==//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A chain of dependent contractions bounds a program, and so do all of its
/// beats; between the two lies what one array needs for jobs that have to wait
/// for each other. Used for programs and for layers that are only mapped.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_ARRAYJOBS_H
#define FETTA_SIMULATOR_ARRAYJOBS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace fetta {

/// A contraction by its dates (docs/Queues.md, section 4), in beats.
struct ArrayJob {
  enum Date : unsigned {
    Start, ///< No beat of it multiplies before.
    First, ///< No word of its result is complete before.
    Last,  ///< Its last sum leaves.
  };
  /// A date of a later job comes at least so many cycles after one of this.
  struct Behind {
    unsigned job;
    Date from, to;
    int64_t cycles;
  };
  int64_t start = 0, beats = 0;
  llvm::SmallVector<Behind, 4> behind;
};

/// Cycles that the jobs take at least where the array issues one beat a cycle
/// and `tail` cycles follow the last sum of each. Beats have an earliest date,
/// and some time must pass behind the last of them; so it is what one machine
/// takes for jobs with heads and tails that may be interrupted: of those that
/// may run, always the one with the longest tail (Jackson's preemptive
/// schedule; Carlier, 1982). `jobs` are in an order in which they may run.
int64_t oneBeatACycle(llvm::ArrayRef<ArrayJob> jobs, int64_t tail);

} // namespace fetta

#endif // FETTA_SIMULATOR_ARRAYJOBS_H

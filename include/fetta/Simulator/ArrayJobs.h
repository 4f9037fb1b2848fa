//===- ArrayJobs.h - Contractions that share one array -----------*- C++ -*-==//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A chain of dependent contractions bounds a program, and so does what each of
/// them asks of the array and of the drain at least; between the two lies what
/// one array and one drain need for jobs that have to wait for each other. Used
/// for programs and for layers that are only mapped.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_ARRAYJOBS_H
#define FETTA_SIMULATOR_ARRAYJOBS_H

#include "fetta/Layout/Nest.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <map>

namespace fetta {

/// What no mapping of a contraction goes below, in cycles (docs/Queues.md,
/// section 4, rules 3 and 4).
struct LeastCycles {
  int64_t window = 1; ///< From its first beat to its last: for it alone.
  int64_t word = 1;   ///< Beats until the sum of a word can be complete.
  int64_t drain = 1;  ///< Rows of its result, twice for FP32.
  /// As a window, with the first load before it or, output-stationary, the last
  /// tile's drain behind it; less the cycle that every contraction has there.
  int64_t alone = 1;
};

/// Asks once for contractions of equal sizes.
class LeastCyclesOf {
public:
  explicit LeastCyclesOf(const Machine &machine) : machine(machine) {}
  /// Of the contraction that `nest` maps; only its sizes and modes count.
  const LeastCycles &operator()(const Nest &nest);

private:
  const Machine &machine;
  std::map<llvm::SmallVector<int64_t, 12>, LeastCycles> known;
};

/// A contraction by its dates (docs/Queues.md, section 4), in beats.
struct ArrayJob {
  enum Date : unsigned {
    Start, ///< No beat of it multiplies before.
    First, ///< No word of its result is complete before.
    Last,  ///< Its last beat.
    Done,  ///< Its last row is written a pipeline and a cycle later.
  };
  /// A date of a later job comes at least so many cycles after one of this.
  struct Behind {
    unsigned job;
    Date from, to;
    int64_t cycles;
  };
  int64_t start = 0, first = 0;
  LeastCycles least;
  bool drains = true; ///< Otherwise its scope stays open.
  /// Stands for so many that differ in nothing and do not wait for each other.
  int64_t times = 1;
  llvm::SmallVector<Behind, 4> behind;
};

/// Cycles that the jobs take at least where the array serves one window after
/// the other and the drain one row a cycle, and `tail` cycles follow the last
/// row's sums. Windows and drains have an earliest date, and some time must
/// pass behind the last of them; so each of the two takes what one machine
/// takes for jobs with heads and tails that may be interrupted: of those that
/// may run, always the one with the longest tail (Jackson's preemptive
/// schedule; Carlier, 1982). `jobs` are in an order in which they may run.
int64_t sharedArray(llvm::ArrayRef<ArrayJob> jobs, int64_t tail);

} // namespace fetta

#endif // FETTA_SIMULATOR_ARRAYJOBS_H

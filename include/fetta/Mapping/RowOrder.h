//===- RowOrder.h - Orders of contractions, row by row ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// How long an order of mapped contractions takes, and orders that take less.
/// The list scheduler knows what each contraction takes and how closely one
/// follows another; where a dependent chain binds, cycles are lost to what it
/// does not know: loads that find the loader taken, rows that drain while
/// others wait, what comes third. Small programs are run instead.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_MAPPING_ROWORDER_H
#define FETTA_MAPPING_ROWORDER_H

#include "fetta/Mapping/RowClock.h"

namespace fetta {

/// One contraction.
struct RowTask {
  RowWalk walk;
  /// Values of A, B and C, numbered from 0; ArrayClock::none if no contraction
  /// writes it.
  std::array<unsigned, 3> values = {ArrayClock::none, ArrayClock::none,
                                    ArrayClock::none};
  /// Tasks that come before it: those that write what it reads, and others.
  llvm::SmallVector<unsigned, 4> before;
  /// Values that must be written when it issues, such as a result whose
  /// gradient it reads.
  llvm::SmallVector<unsigned, 1> written;
};

/// Cycles from the first beat to the last row. In \p order every task follows
/// those that come before it.
int64_t runOrder(llvm::ArrayRef<RowTask> tasks, llvm::ArrayRef<unsigned> order,
                 const Machine &machine);

/// Moves one task at a time to another place near its own while that makes the
/// run shorter, but none ahead of more than \p window others that are numbered
/// lower; stops when all runs together have taken \p budget cycles, and begins
/// only if that is about enough to try every move once. A run begins where the
/// order differs, and ends soon behind if it has lost time by then.
/// Deterministic.
std::vector<unsigned> improveOrder(llvm::ArrayRef<RowTask> tasks,
                                   std::vector<unsigned> order, unsigned window,
                                   int64_t budget, const Machine &machine);

} // namespace fetta

#endif // FETTA_MAPPING_ROWORDER_H

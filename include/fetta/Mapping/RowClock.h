//===- RowClock.h - When beats read rows and drains write them --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The dates of one contraction behind others, row by row: what a consumer can
/// do before the last row of its operand is there, and what it cannot. It is
/// the array of docs/Queues.md, section 3, cycle by cycle, with a slab for each
/// value (so that drains and reads of one value contend), and without routes:
/// a lower bound of the tile-event model for contractions in the same order,
/// and equal to it where nothing else contends.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_MAPPING_ROWCLOCK_H
#define FETTA_MAPPING_ROWCLOCK_H

#include "fetta/Layout/Nest.h"
#include "fetta/Machine/Machine.h"

#include <vector>

namespace fetta {

/// By row of a tensor, from its base row on: the first cycle in which it can be
/// read. Rows beyond the end are there from the start.
using RowDates = std::vector<int64_t>;

/// What a contraction's dates depend on: its loops, and where its operands'
/// rows change. A nest is one; the mapper makes some without a nest.
struct RowWalk {
  /// One mode of an operand; chunks of 2^lowBits indices share a row.
  struct Dim {
    unsigned mode = 0;
    unsigned lowBits = 0;
    int64_t rowStride = 0;
    /// Rows of a scope drain in the order of these (the result only).
    int64_t drainStride = 0;
  };
  Dataflow dataflow = Dataflow::BStationary;
  llvm::SmallVector<int64_t, 8> sizes; ///< By mode.
  llvm::SmallVector<Loop, 8> loops;    ///< Outermost first.
  unsigned scopeLevel = 0;
  llvm::SmallVector<ModeBit, 4> peRows; ///< Index bits on PE rows.
  std::array<llvm::SmallVector<Dim, 8>, 3> dims;
  /// Index bits that are visited in sub-beats; none for a sub-beat that
  /// serves no mode of the operand.
  std::array<llvm::SmallVector<std::optional<ModeBit>, 4>, 3> serial;
  int64_t planes = 1; ///< Memory rows per row of the result.
  bool drains = true; ///< Otherwise the scope stays open.

  RowWalk() = default;
  RowWalk(const Nest &nest, const Machine &machine);
};

/// The array between two contractions.
struct ArrayClock {
  /// A row, or a plane of one, that a drain writes from `date` on.
  struct Access {
    int64_t date = 0;
    unsigned value = 0;
    int64_t row = 0;
    bool endsRow = true;
  };
  int64_t now = 0;       ///< First cycle in which the next may have beats.
  int64_t load = 0;      ///< The stationary loader is free.
  int64_t tileBegin = 0; ///< Of the latest tile.
  int64_t tileDrain = 0; ///< End of the last tile drain.
  /// In order; those before `drained` are done.
  std::vector<Access> drains;
  size_t drained = 0;
  /// Accesses that are left of each scope that still drains.
  llvm::SmallVector<int64_t, 4> scopesLeft;
  std::vector<RowDates> values;         ///< By value; empty if it was there.
  static constexpr unsigned none = ~0u; ///< No value.
};

struct WalkDates {
  int64_t first = 0; ///< Cycle of the first beat.
  int64_t end = 0;   ///< First cycle after the last beat.
};

/// Runs one contraction on \p values (of A, B and C in the clock; `none` for
/// what was there from the start or is not of interest). A first load that runs
/// beside the beats of the contraction before delays no drain. What the
/// result's drains have not written at the end of the beats is written while
/// later contractions run. Takes time in proportion to the cycles.
WalkDates runWalk(const RowWalk &walk, const Machine &machine,
                  ArrayClock &clock, std::array<unsigned, 3> values);

/// Nothing issues before all rows of \p value are written.
void waitForRows(ArrayClock &clock, unsigned value);

/// Lets the drains end; returns the first cycle after them.
int64_t finishDrains(ArrayClock &clock);

/// How closely one contraction can follow another whose result it reads, if
/// nothing comes in between.
struct Following {
  int64_t start = 0;  ///< From the end of the first's beats to its first beat.
  int64_t finish = 0; ///< From there to the end of its beats.
};

/// \p reads: which of A and B are the result of \p producer.
Following followingOf(const Nest &producer, const Nest &consumer,
                      std::array<bool, 2> reads, const Machine &machine);

} // namespace fetta

#endif // FETTA_MAPPING_ROWCLOCK_H

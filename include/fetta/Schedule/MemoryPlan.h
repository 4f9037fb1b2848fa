//===- MemoryPlan.h - Slabs and rows over time -------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Gives every value of a program a slab and rows for as long as it lives, so
/// that values which are accessed in the same cycles lie in different slabs and
/// rows are used again when a value is dead. Knows neither tensors nor
/// instructions: values are numbers of rows on a time axis of positions in the
/// program.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SCHEDULE_MEMORYPLAN_H
#define FETTA_SCHEDULE_MEMORYPLAN_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace fetta {

/// Where a value lies: rows [row, row + rows) of a slab.
struct SlabRows {
  int64_t slab = 0;
  int64_t row = 0;
  bool operator==(const SlabRows &o) const {
    return slab == o.slab && row == o.row;
  }
};

/// A value that occupies rows from one position of the program to another, both
/// inclusive: a result and the operands of the contraction that makes it are
/// alive together.
struct LiveValue {
  int64_t rows = 0;
  int64_t begin = 0;
  int64_t end = 0;
  /// Moved by DMA: prefers the last slab, which the array then uses less.
  bool streamed = false;
  /// Cycles lost where a transfer fills it right after its rows were free, or
  /// where another value follows in its rows right after a transfer stored it:
  /// queues then wait for each other.
  int64_t loadCycles = 0, storeCycles = 0;
  std::optional<SlabRows> fixed; ///< Placed by hand.

  bool operator==(const LiveValue &o) const {
    return rows == o.rows && begin == o.begin && end == o.end &&
           streamed == o.streamed && loadCycles == o.loadCycles &&
           storeCycles == o.storeCycles && fixed == o.fixed;
  }
};

/// Two values that are accessed in the same cycles, `cycles` of them: what it
/// costs when they share a slab.
struct Meeting {
  unsigned a = 0, b = 0;
  int64_t cycles = 0;

  bool operator==(const Meeting &o) const {
    return a == o.a && b == o.b && cycles == o.cycles;
  }
};

struct MemoryPlan {
  std::vector<SlabRows> places; ///< As the values.
  int64_t conflictCycles = 0;   ///< Of meetings in one slab.
  /// Of rows that pass to or from a transfer at once, a part of it where a few
  /// positions lie between.
  int64_t waitCycles = 0;

  int64_t cycles() const { return conflictCycles + waitCycles; }
};

/// What did not fit.
struct MemoryShortage {
  unsigned value = 0;      ///< The first value that found no place.
  int64_t position = 0;    ///< Where most rows are alive.
  int64_t liveRows = 0;    ///< Rows alive there.
  int64_t missing = 0;     ///< Rows too many: alive at that position beyond the
                           ///< memory, or beyond the largest gap for the value.
  bool fragmented = false; ///< The rows would do, but not in one piece.
};

/// Values that are looked at to improve one order's plan; some 2 ns each.
inline constexpr uint64_t defaultPlanWork = 2000000;

/// Colours the meetings with slabs and packs rows first fit over time: once the
/// most constrained value first (DSATUR, Brelaz 1979, weighted by cycles), once
/// larger ones first, once earlier ones. From each of these that finds a place
/// for all, values that cost cycles are moved to where they cost less, and what
/// is in the way elsewhere, while that saves cycles. Takes what costs least. In
/// long programs a part in the middle is planned first, and the whole like it.
/// With no work, the first of the three that finds a place for all.
/// Deterministic.
std::variant<MemoryPlan, MemoryShortage>
planMemory(llvm::ArrayRef<LiveValue> values, llvm::ArrayRef<Meeting> meetings,
           int64_t slabs, int64_t rowsPerSlab,
           uint64_t mostWork = defaultPlanWork);

/// The same for the values of many slices of a batch, with places that repeat:
/// values of the slices in the middle lie where their like lay 1, 2 or 4
/// periods of the program before, whichever costs least, so that the program
/// repeats, too. They are planned as values of a circle of that length, and the
/// others around them. No plan where values do not repeat, or do not fit so.
std::optional<MemoryPlan> planSteadyMemory(llvm::ArrayRef<LiveValue> values,
                                           llvm::ArrayRef<Meeting> meetings,
                                           int64_t slabs, int64_t rowsPerSlab,
                                           uint64_t mostWork = defaultPlanWork);

/// A map of the memory over time: for every slab a strip of at most
/// `height` lines, as high as the highest row in use in any slab, one
/// column for a few positions of the program, and the share of the rows that is
/// occupied in each cell (' ' none, '.' some, ':' a third, '+' two thirds, '#'
/// all). `positions` is the length of the program.
std::string drawOccupancy(llvm::ArrayRef<LiveValue> values,
                          llvm::ArrayRef<SlabRows> places, int64_t slabs,
                          int64_t rowsPerSlab, int64_t positions,
                          unsigned width = 72, unsigned height = 8);

} // namespace fetta

#endif // FETTA_SCHEDULE_MEMORYPLAN_H

//===- RowPlanner.h - Places of values, and better ones ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Gives values slabs and rows one after the other, and then moves them while
/// that saves cycles.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SCHEDULE_ROWPLANNER_H
#define FETTA_LIB_SCHEDULE_ROWPLANNER_H

#include "fetta/Schedule/MemoryPlan.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <algorithm>
#include <array>
#include <utility>

namespace fetta {

class RowPlanner {
public:
  RowPlanner(llvm::ArrayRef<LiveValue> values, llvm::ArrayRef<Meeting> meetings,
             int64_t slabs, int64_t rowsPerSlab);

  enum class Order { Saturation, Rows, Time };

  /// The first value without a place, or nothing.
  std::optional<unsigned> run(Order order);

  /// Where the values of a part of the program lie well.
  struct Pattern {
    /// Of values that live from before the part until after it.
    llvm::DenseMap<unsigned, SlabRows> places;
    /// Of the others, by signature.
    llvm::DenseMap<uint64_t, llvm::SmallVector<SlabRows, 4>> alike;
    int64_t cycles = 0; ///< What the part costs.
  };
  /// The same with the places of a pattern where that costs no more than
  /// another one: long lives first, then larger values. Others move where there
  /// is no room.
  std::optional<unsigned> run(const Pattern &pattern);

  /// Equal for values of as many rows that meet values of as many rows in as
  /// many cycles.
  uint64_t signature(unsigned value) const;

  /// Moves values that cost cycles, and what is in the way elsewhere, while
  /// that saves cycles, or until so many values were looked at.
  void improve(uint64_t mostWork);

  int64_t totalCycles() const { return conflictCycles + waitCycles; }
  MemoryPlan plan() const;

  /// Rows of the largest gap in any slab while the value lives.
  int64_t largestGap(unsigned value) const;

private:
  using Rows = std::pair<int64_t, int64_t>; ///< First, and behind the last.

  /// Rows of the slab that are taken while the value lives, or so many
  /// positions around a life that begins or ends with a transfer; sorted.
  std::vector<Rows> taken(unsigned value, size_t slab, int64_t distance) const;
  std::optional<int64_t> firstFit(unsigned value, size_t slab,
                                  int64_t distance) const;
  int64_t waits(unsigned value, SlabRows where) const;
  void start();
  bool place(unsigned value, llvm::ArrayRef<SlabRows> wanted = {});
  void put(unsigned value, SlabRows where);
  void take(unsigned value);
  bool relocate(unsigned value);
  bool moveTo(unsigned value, SlabRows where);
  void goBack();
  llvm::SmallVector<int64_t, 8> crowdedRows(unsigned value, size_t slab) const;
  bool makeRoom(unsigned value);

  /// Positions between a transfer and who has the rows before or after it that
  /// cost nothing.
  static constexpr int64_t farApart = 12;
  /// Values that may make room for one, and values that there are while it
  /// lives; beyond, a move takes long and seldom helps.
  static constexpr size_t mostInTheWay = 8, mostBeside = 48;
  /// Positions that a value in the way lives, or fewer than the one that moves:
  /// the same.
  static constexpr int64_t mostLife = 256;
  int64_t life(unsigned value) const {
    return values[value].end - values[value].begin;
  }
  /// The program in periods of equal length, so that only values of the same
  /// time are looked at.
  static constexpr int64_t numPeriods = 256;
  size_t periodOf(int64_t position) const {
    return size_t(std::clamp<int64_t>((position - firstPosition) / periodLength,
                                      0, numPeriods - 1));
  }
  template <typename Function>
  void forEachIn(int64_t begin, int64_t end, size_t slab,
                 Function function) const;

  llvm::ArrayRef<LiveValue> values;
  int64_t rowsPerSlab;
  size_t slabs;
  bool transfers = false; ///< Some value waits for what others do.
  int64_t firstPosition = 0, periodLength = 1;
  llvm::SmallVector<llvm::SmallVector<std::pair<unsigned, int64_t>, 8>, 0>
      neighbours;

  std::vector<std::optional<SlabRows>> places;
  int64_t conflictCycles = 0, waitCycles = 0;
  /// What searches ask of a value in every period, side by side in memory.
  struct Occupant {
    int64_t begin, end;
    unsigned firstPeriod, value;
  };
  /// Values by slab and period, in each period in which they live.
  std::vector<std::array<std::vector<Occupant>, numPeriods>> occupants;
  std::vector<int64_t> used; ///< Highest row, by slab.
  /// Conflict cycles that a slab would cost a value: [value][slab].
  std::vector<llvm::SmallVector<int64_t, 4>> cost;

  mutable uint64_t work = 0; ///< Values that were looked at.
  /// How to go back: a value, and its place before it was taken, or nothing
  /// where it was put.
  llvm::SmallVector<std::pair<unsigned, std::optional<SlabRows>>, 16> undo;
};

} // namespace fetta

#endif // FETTA_LIB_SCHEDULE_ROWPLANNER_H

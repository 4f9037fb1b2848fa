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

#include "RowTimeline.h"
#include "fetta/Schedule/MemoryPlan.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <algorithm>
#include <array>
#include <utility>

namespace fetta {

class RowPlanner {
public:
  /// With a `circle` of so many positions, at least as long as any life, every
  /// value lives again and again in its place, and begins in the first round.
  RowPlanner(llvm::ArrayRef<LiveValue> values, llvm::ArrayRef<Meeting> meetings,
             int64_t slabs, int64_t rowsPerSlab, int64_t circle = 0);

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
    /// `places` are taken where they are free, whatever they cost.
    bool isFirm = false;
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
  /// On a circle, cycles lost between a value and its like of the next round,
  /// which has the same rows whatever the plan.
  int64_t waitsForLike(unsigned value) const;
  MemoryPlan plan() const;

  /// Rows of the largest gap in any slab while the value lives.
  int64_t largestGap(unsigned value) const;

private:
  /// Rows that are taken while a value lives, or only shortly before or after.
  struct Taken {
    int64_t begin, end;
    /// Of those beside, the cycles lost if the value has them, too; else -1.
    int64_t wait;
    bool isBeside() const { return wait >= 0; }
  };
  /// The rows of the slab that are taken while the value lives, or so many
  /// positions around a life that begins or ends with a transfer; sorted. Valid
  /// until the next call for the slab.
  llvm::ArrayRef<Taken> taken(unsigned value, size_t slab,
                              int64_t distance) const;
  /// The lowest rows that are free for the value's life, `beside` and for some
  /// positions around it, too.
  std::optional<int64_t> firstFit(unsigned value, llvm::ArrayRef<Taken> rows,
                                  bool beside) const;
  int64_t waits(unsigned value, SlabRows where) const;
  /// The same from what is taken, `farApart` included.
  int64_t waits(unsigned value, int64_t row, llvm::ArrayRef<Taken> rows) const;
  void start();
  bool isFree(unsigned value, SlabRows where) const;
  bool place(unsigned value, llvm::ArrayRef<SlabRows> wanted = {});
  /// The value has this place from now on, for so many cycles that are lost.
  void put(unsigned value, SlabRows where, int64_t wait);
  /// The reverse; `used` and `waitCycles` stay.
  void take(unsigned value);
  bool relocate(unsigned value);
  bool moveTo(unsigned value, SlabRows where);
  void goBack(int64_t waitCyclesBefore);
  llvm::SmallVector<int64_t, 8> crowdedRows(unsigned value, size_t slab) const;
  bool makeRoom(unsigned value);
  /// On a circle, which is short, others may have to move.
  bool placeSomehow(unsigned value) {
    return place(value) || (circle && makeRoom(value));
  }

  /// Positions between a transfer and who has the rows before or after it that
  /// cost nothing.
  static constexpr int64_t farApart = 12;
  /// Rounds of a circle before and after the first that matter to a life in it,
  /// which may end in the next one.
  static constexpr int64_t roundsAround = 2;
  /// Values that may make room for one, and values that there are while it
  /// lives; beyond, a move takes long and seldom helps.
  static constexpr size_t mostInTheWay = 8, mostBeside = 48;
  /// Positions that a value in the way lives, or fewer than the one that moves:
  /// the same.
  static constexpr int64_t mostLife = 256;
  int64_t life(unsigned value) const {
    return values[value].end - values[value].begin;
  }
  /// The program in periods of equal length: a search is worth the values of
  /// all periods that it looks at.
  static constexpr int64_t numPeriods = 256;
  size_t periodOf(int64_t position) const {
    // Tabulated: this is asked all the time, and a division takes long.
    return periodAt[size_t(std::clamp<int64_t>(position - firstPosition, 0,
                                               int64_t(periodAt.size()) - 1))];
  }
  void addWork(int64_t begin, int64_t end, size_t slab) const;
  /// Of looking at the value's life, or so many positions around it.
  void addWork(unsigned value, size_t slab, int64_t distance) const {
    addWork(values[value].begin - distance, values[value].end + distance, slab);
  }
  /// Of looking at who waits for the value.
  void addWaitWork(unsigned value, size_t slab) const;

  llvm::ArrayRef<LiveValue> values;
  int64_t rowsPerSlab, circle;
  size_t slabs;
  bool transfers = false; ///< Some value waits for what others do.
  int64_t firstPosition = 0, lastPosition = 0;
  /// By position, from the first on to beyond the last.
  std::vector<uint8_t> periodAt;
  int64_t firstAsked = 0, lastAsked = 0; ///< Of all lives and around them.
  llvm::SmallVector<llvm::SmallVector<std::pair<unsigned, int64_t>, 8>, 0>
      neighbours;

  std::vector<std::optional<SlabRows>> places;
  int64_t conflictCycles = 0, waitCycles = 0;
  using Occupant = RowTimeline::Occupant;
  /// A placed value, once; on a circle in each of the rounds in which a life,
  /// or what lies around it, may touch it.
  template <typename Function>
  void forEachRound(unsigned value, Function function) const;
  int64_t waitOf(const LiveValue &v, const Occupant &o) const;

  std::vector<RowTimeline> occupants; ///< By slab.
  /// Values by slab and period, in each period in which they live.
  std::vector<std::array<unsigned, numPeriods>> periods;
  mutable std::vector<std::vector<Taken>> found; ///< By slab, for `taken`.
  std::vector<int64_t> used;                     ///< Highest row, by slab.
  /// Conflict cycles that a slab would cost a value: [value][slab].
  std::vector<llvm::SmallVector<int64_t, 4>> cost;

  mutable uint64_t work = 0; ///< Values that were looked at.
  /// How to go back: a value, and its place before it was taken, or nothing
  /// where it was put.
  llvm::SmallVector<std::pair<unsigned, std::optional<SlabRows>>, 16> undo;
};

} // namespace fetta

#endif // FETTA_LIB_SCHEDULE_ROWPLANNER_H

//===- RowTimeline.h - Who has rows when ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The values of a slab by time, for searches that ask again and again who is
/// there while a value lives.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SCHEDULE_ROWTIMELINE_H
#define FETTA_LIB_SCHEDULE_ROWTIMELINE_H

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace fetta {

/// Cells of a level are four times as long as those of the one below; a value
/// lies in the cells that it touches on the level whose cells are about as long
/// as its life: a few. So only values of about the same time are looked at,
/// each once.
class RowTimeline {
public:
  /// What searches ask of a value, side by side in memory.
  struct Occupant {
    int64_t begin, end; ///< Positions, both inclusive.
    int64_t row, behind;
    unsigned value;
    bool loads, stores; ///< Others may have to wait.
  };

  /// Without values, for lives inside these positions.
  void clear(int64_t first, int64_t last);
  void insert(const Occupant &occupant);
  void erase(const Occupant &occupant);

  /// Calls `function` once for each value that lives in these positions, both
  /// inclusive.
  template <typename Function>
  void forEachIn(int64_t begin, int64_t end, Function function) const;

private:
  static constexpr unsigned firstShift = 4, shiftStep = 2;
  using Cell = std::vector<Occupant>;
  struct Level {
    std::vector<Cell> cells;
    size_t occupants = 0; ///< In cells, each counted once per cell.
  };
  template <typename Function>
  void forEachCell(const Occupant &occupant, Function function);

  int64_t first = 0, last = 0;
  std::vector<Level> levels;
};

inline void RowTimeline::clear(int64_t from, int64_t to) {
  first = from;
  last = to;
  levels.clear();
  for (unsigned shift = firstShift;; shift += shiftStep) {
    levels.emplace_back().cells.resize(size_t((last - first) >> shift) + 1);
    if (levels.back().cells.size() == 1)
      break;
  }
}

template <typename Function>
void RowTimeline::forEachCell(const Occupant &occupant, Function function) {
  const int64_t length = occupant.end - occupant.begin + 1;
  size_t level = 0;
  unsigned shift = firstShift;
  while (level + 1 < levels.size() && length >> (shift + shiftStep) > 0) {
    ++level;
    shift += shiftStep;
  }
  for (int64_t cell = (occupant.begin - first) >> shift,
               end = (occupant.end - first) >> shift;
       cell <= end; ++cell)
    function(levels[level], levels[level].cells[size_t(cell)]);
}

inline void RowTimeline::insert(const Occupant &occupant) {
  forEachCell(occupant, [&](Level &level, Cell &cell) {
    cell.push_back(occupant);
    ++level.occupants;
  });
}

inline void RowTimeline::erase(const Occupant &occupant) {
  forEachCell(occupant, [&](Level &level, Cell &cell) {
    auto it = llvm::find_if(cell, [&](const Occupant &other) {
      return other.value == occupant.value;
    });
    *it = cell.back();
    cell.pop_back();
    --level.occupants;
  });
}

template <typename Function>
void RowTimeline::forEachIn(int64_t begin, int64_t end,
                            Function function) const {
  begin = std::max(begin, first);
  end = std::min(end, last);
  if (begin > end)
    return;
  unsigned shift = firstShift - shiftStep;
  for (const Level &level : levels) {
    shift += shiftStep;
    if (level.occupants == 0)
      continue;
    const int64_t firstCell = (begin - first) >> shift,
                  lastCell = (end - first) >> shift;
    for (int64_t cell = firstCell; cell <= lastCell; ++cell) {
      // In the first cell of both.
      const int64_t from =
          cell == firstCell ? INT64_MIN : first + (cell << shift);
      for (const Occupant &o : level.cells[size_t(cell)])
        if (o.begin <= end && begin <= o.end && from <= o.begin)
          function(o);
    }
  }
}

} // namespace fetta

#endif // FETTA_LIB_SCHEDULE_ROWTIMELINE_H

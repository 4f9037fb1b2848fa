//===- RowMoves.cpp - Better places of values -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowPlanner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <algorithm>
#include <tuple>

using namespace fetta;

/// Puts an open value somewhere and what lies there wherever it costs least.
/// Whether that found places for all.
bool RowPlanner::moveTo(unsigned value, SlabRows where) {
  const LiveValue &v = values[value];
  llvm::SmallVector<unsigned, 8> inTheWay;
  bool mayMove = true;
  addWork(value, size_t(where.slab), 0);
  occupants[size_t(where.slab)].forEachIn(
      v.begin, v.end, [&](const Occupant &o) {
        if (o.row >= where.row + v.rows || where.row >= o.behind)
          return;
        mayMove &= !values[o.value].fixed &&
                   life(o.value) <= std::max(mostLife, life(value));
        if (!circle || !llvm::is_contained(inTheWay, o.value))
          inTheWay.push_back(o.value);
      });
  if (!mayMove || inTheWay.size() > mostInTheWay)
    return false;
  for (unsigned other : inTheWay) {
    undo.push_back({other, *places[other]});
    take(other);
    waitCycles -= waits(other, undo.back().second.value());
  }
  undo.push_back({value, std::nullopt});
  put(value, where, waits(value, where));
  std::sort(inTheWay.begin(), inTheWay.end(), [&](unsigned a, unsigned b) {
    return std::tuple(-values[a].rows, a) < std::tuple(-values[b].rows, b);
  });
  for (unsigned other : inTheWay) {
    if (!place(other))
      return false;
    undo.push_back({other, std::nullopt});
  }
  return true;
}

void RowPlanner::goBack(int64_t waitCyclesBefore) {
  while (!undo.empty()) {
    auto [moved, place] = undo.pop_back_val();
    if (place)
      put(moved, *place, 0);
    else
      take(moved);
  }
  waitCycles = waitCyclesBefore;
}

/// Rows at which few others are in the way of the value: beside whatever there
/// is.
llvm::SmallVector<int64_t, 8> RowPlanner::crowdedRows(unsigned value,
                                                      size_t slab) const {
  const int64_t height = values[value].rows;
  addWork(value, slab, 0);
  llvm::ArrayRef<Taken> inTheWay = taken(value, slab, 0);
  if (inTheWay.size() > mostBeside)
    return {}; // A long life, in which there is always something.
  llvm::SmallVector<int64_t, 8> rows = {0, rowsPerSlab - height};
  for (const Taken &t : inTheWay) {
    rows.push_back(t.end);
    rows.push_back(t.begin - height);
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(llvm::unique(rows), rows.end());
  llvm::erase_if(rows, [&](int64_t row) {
    work += inTheWay.size();
    return row < 0 || row + height > rowsPerSlab ||
           size_t(llvm::count_if(inTheWay, [&](const Taken &t) {
             return t.begin < row + height && row < t.end;
           })) > mostInTheWay;
  });
  return rows;
}

/// Places an open value where others have to move.
bool RowPlanner::makeRoom(unsigned value) {
  auto all = llvm::to_vector(llvm::seq<size_t>(0, slabs));
  llvm::stable_sort(
      all, [&](size_t a, size_t b) { return cost[value][a] < cost[value][b]; });
  const int64_t before = waitCycles;
  for (size_t slab : all)
    for (int64_t row : crowdedRows(value, slab)) {
      undo.clear();
      if (moveTo(value, {int64_t(slab), row}))
        return true;
      goBack(before);
    }
  return false;
}

/// Whether the value moved, and all together costs less then.
bool RowPlanner::relocate(unsigned value) {
  const int64_t before = totalCycles(), waitCyclesBefore = waitCycles;
  const SlabRows home = *places[value];
  addWaitWork(value, size_t(home.slab));
  const int64_t waitsHere = waits(value, home),
                costsHere = cost[value][size_t(home.slab)] + waitsHere;
  const std::vector<int64_t> usedBefore = used;
  llvm::SmallVector<size_t, 4> others;
  for (size_t slab = 0; slab < slabs; ++slab)
    if (cost[value][slab] < costsHere)
      others.push_back(slab);
  llvm::stable_sort(others, [&](size_t a, size_t b) {
    return cost[value][a] < cost[value][b];
  });
  for (size_t slab : others) {
    // Where there is room, or else beside whatever there is.
    llvm::SmallVector<int64_t, 8> rows;
    addWork(value, slab, farApart);
    if (std::optional<int64_t> row =
            firstFit(value, taken(value, slab, farApart), /*beside=*/true)) {
      rows.push_back(*row);
    } else {
      rows = crowdedRows(value, slab);
    }
    for (int64_t row : rows) {
      SlabRows where{int64_t(slab), row};
      if (where == home)
        continue;
      undo.assign(1, {value, home});
      take(value);
      waitCycles -= waitsHere;
      if (moveTo(value, where) && totalCycles() < before)
        return true;
      goBack(waitCyclesBefore);
      used = usedBefore;
    }
  }
  return false;
}

void RowPlanner::improve(uint64_t mostWork) {
  work = 0;
  for (bool improved = mostWork > 0; improved && totalCycles() > 0;) {
    improved = false;
    // What costs most for its life first, as long lives are hard to move; of
    // two that conflict, the smaller one.
    std::vector<std::tuple<int64_t, int64_t, unsigned>> costly;
    for (unsigned v = 0; v < values.size(); ++v)
      if (!values[v].fixed) {
        addWaitWork(v, size_t(places[v]->slab));
        if (int64_t cycles =
                cost[v][size_t(places[v]->slab)] + waits(v, *places[v]))
          costly.push_back({-cycles / (1 + int64_t(periodOf(values[v].end) -
                                                   periodOf(values[v].begin))),
                            values[v].rows, v});
      }
    llvm::sort(costly);
    for (auto [cycles, rows, value] : costly) {
      if (work > mostWork)
        return;
      improved |= relocate(value);
    }
  }
}

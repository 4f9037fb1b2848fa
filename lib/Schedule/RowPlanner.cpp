//===- RowPlanner.cpp - Places of values, and better ones -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowPlanner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>
#include <set>
#include <tuple>

using namespace fetta;

RowPlanner::RowPlanner(llvm::ArrayRef<LiveValue> values,
                       llvm::ArrayRef<Meeting> meetings, int64_t slabs,
                       int64_t rowsPerSlab)
    : values(values), rowsPerSlab(rowsPerSlab), slabs(size_t(slabs)),
      neighbours(values.size()) {
  int64_t last = 0;
  for (const LiveValue &value : values) {
    firstPosition = std::min(firstPosition, value.begin);
    last = std::max(last, value.end);
  }
  transfers = llvm::any_of(values, [](const LiveValue &value) {
    return value.loadCycles || value.storeCycles;
  });
  periodLength = (last - firstPosition) / numPeriods + 1;
  for (const Meeting &meeting : meetings) {
    if (meeting.a == meeting.b)
      continue;
    neighbours[meeting.a].push_back({meeting.b, meeting.cycles});
    neighbours[meeting.b].push_back({meeting.a, meeting.cycles});
  }
  // Two values may meet many times.
  for (auto &list : neighbours) {
    llvm::sort(list);
    size_t kept = 0;
    for (auto [other, cycles] : list) {
      if (kept > 0 && list[kept - 1].first == other)
        list[kept - 1].second += cycles;
      else
        list[kept++] = {other, cycles};
    }
    list.truncate(kept);
  }
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// Calls `function` once for each value of the slab that lives in these
/// positions, both inclusive.
template <typename Function>
void RowPlanner::forEachIn(int64_t begin, int64_t end, size_t slab,
                           Function function) const {
  size_t first = periodOf(begin), last = periodOf(end);
  for (size_t period = first; period <= last; ++period) {
    work += occupants[slab][period].size();
    for (const Occupant &o : occupants[slab][period])
      // In the first period of both.
      if (o.begin <= end && begin <= o.end &&
          std::max(first, size_t(o.firstPeriod)) == period)
        function(o.value);
  }
}

std::vector<RowPlanner::Rows> RowPlanner::taken(unsigned value, size_t slab,
                                                int64_t distance) const {
  std::vector<Rows> rows;
  const LiveValue &v = values[value];
  forEachIn(v.begin - distance, v.end + distance, slab, [&](unsigned other) {
    const LiveValue &o = values[other];
    if ((o.end < v.begin && !o.storeCycles && !v.loadCycles) ||
        (v.end < o.begin && !v.storeCycles && !o.loadCycles))
      return;
    rows.push_back({places[other]->row, places[other]->row + o.rows});
  });
  llvm::sort(rows);
  return rows;
}

std::optional<int64_t> RowPlanner::firstFit(unsigned value, size_t slab,
                                            int64_t distance) const {
  int64_t begin = 0, rows = values[value].rows;
  for (auto [takenBegin, takenEnd] : taken(value, slab, distance)) {
    if (takenBegin - begin >= rows)
      return begin;
    begin = std::max(begin, takenEnd);
  }
  return rowsPerSlab - begin >= rows ? std::optional(begin) : std::nullopt;
}

int64_t RowPlanner::largestGap(unsigned value) const {
  int64_t largest = 0;
  for (size_t slab = 0; slab < slabs; ++slab) {
    int64_t begin = 0;
    for (auto [takenBegin, takenEnd] : taken(value, slab, 0)) {
      largest = std::max(largest, takenBegin - begin);
      begin = std::max(begin, takenEnd);
    }
    largest = std::max(largest, rowsPerSlab - begin);
  }
  return largest;
}

/// Cycles lost to who has rows of `where` shortly before or after the value.
int64_t RowPlanner::waits(unsigned value, SlabRows where) const {
  if (!transfers)
    return 0;
  const LiveValue &v = values[value];
  int64_t sum = 0;
  auto add = [&](unsigned other, int64_t gap, int64_t cycles) {
    int64_t row = places[other]->row;
    if (gap > 0 && row < where.row + v.rows &&
        where.row < row + values[other].rows)
      sum += cycles * (farApart + 1 - gap) / farApart;
  };
  size_t slab = size_t(where.slab);
  forEachIn(v.begin - farApart, v.begin - 1, slab, [&](unsigned other) {
    const LiveValue &o = values[other];
    add(other, v.begin - o.end, o.storeCycles + v.loadCycles);
  });
  forEachIn(v.end + 1, v.end + farApart, slab, [&](unsigned other) {
    const LiveValue &o = values[other];
    add(other, o.begin - v.end, v.storeCycles + o.loadCycles);
  });
  return sum;
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

void RowPlanner::put(unsigned value, SlabRows where) {
  size_t slab = size_t(where.slab);
  waitCycles += waits(value, where);
  conflictCycles += cost[value][slab];
  places[value] = where;
  const LiveValue &v = values[value];
  const Occupant occupant = {v.begin, v.end, unsigned(periodOf(v.begin)),
                             value};
  for (size_t period = occupant.firstPeriod, last = periodOf(v.end);
       period <= last; ++period)
    occupants[slab][period].push_back(occupant);
  used[slab] = std::max(used[slab], where.row + values[value].rows);
  for (auto [other, cycles] : neighbours[value])
    cost[other][slab] += cycles;
}

/// The reverse of `put`; `used` stays.
void RowPlanner::take(unsigned value) {
  SlabRows where = *places[value];
  size_t slab = size_t(where.slab);
  for (size_t period = periodOf(values[value].begin),
              last = periodOf(values[value].end);
       period <= last; ++period) {
    std::vector<Occupant> &here = occupants[slab][period];
    here.erase(llvm::find_if(
        here, [&](const Occupant &o) { return o.value == value; }));
  }
  for (auto [other, cycles] : neighbours[value])
    cost[other][slab] -= cycles;
  places[value].reset();
  conflictCycles -= cost[value][slab];
  waitCycles -= waits(value, where);
}

bool RowPlanner::place(unsigned value, llvm::ArrayRef<SlabRows> wanted) {
  // What costs least; DMA in the last slab and the rest elsewhere; then where
  // it lies lowest, so that slabs fill evenly.
  using Score = std::tuple<int64_t, bool, int64_t, size_t>;
  std::optional<std::pair<Score, SlabRows>> best;
  for (SlabRows where : wanted) {
    std::vector<Rows> rows = taken(value, size_t(where.slab), 0);
    if (llvm::any_of(rows, [&](Rows r) {
          return r.first < where.row + values[value].rows &&
                 where.row < r.second;
        }))
      continue;
    Score score(cost[value][size_t(where.slab)] + waits(value, where), false,
                -1, 0);
    if (!best || score < best->first)
      best = {score, where};
  }
  for (size_t slab = 0; slab < slabs; ++slab)
    for (int64_t distance : {farApart, int64_t(0)}) {
      std::optional<int64_t> row = firstFit(value, slab, distance);
      if (!row)
        continue;
      bool last = slab + 1 == slabs;
      SlabRows where{int64_t(slab), *row};
      int64_t cycles = cost[value][slab] + (distance ? 0 : waits(value, where));
      Score score(cycles, last != values[value].streamed,
                  std::max(used[slab], *row + values[value].rows), slab);
      if (!best || score < best->first)
        best = {score, where};
      break;
    }
  if (!best)
    return false;
  put(value, best->second);
  return true;
}

void RowPlanner::start() {
  places.assign(values.size(), std::nullopt);
  occupants.assign(slabs, {});
  used.assign(slabs, 0);
  cost.assign(values.size(), llvm::SmallVector<int64_t, 4>(slabs, 0));
  conflictCycles = waitCycles = 0;
  for (unsigned v = 0; v < values.size(); ++v)
    if (values[v].fixed)
      put(v, *values[v].fixed);
}

uint64_t RowPlanner::signature(unsigned value) const {
  const LiveValue &v = values[value];
  llvm::SmallVector<std::pair<int64_t, int64_t>, 8> met;
  for (auto [other, cycles] : neighbours[value])
    met.push_back({cycles, values[other].rows});
  llvm::sort(met);
  llvm::SmallVector<int64_t, 20> looks = {v.rows, v.streamed, v.loadCycles,
                                          v.storeCycles};
  for (auto [cycles, rows] : met)
    looks.append({cycles, rows});
  return llvm::xxh3_64bits(
      llvm::ArrayRef<uint8_t>(reinterpret_cast<const uint8_t *>(looks.data()),
                              looks.size() * sizeof(int64_t)));
}

std::optional<unsigned> RowPlanner::run(const Pattern &pattern) {
  start();
  std::vector<unsigned> open;
  for (unsigned v = 0; v < values.size(); ++v) {
    auto known = pattern.places.find(v);
    if (places[v])
      continue;
    if (known != pattern.places.end()) {
      if (!place(v, known->second))
        return v;
    } else {
      open.push_back(v);
    }
  }
  llvm::stable_sort(open, [&](unsigned a, unsigned b) {
    return std::tuple(-values[a].rows, values[a].begin) <
           std::tuple(-values[b].rows, values[b].begin);
  });
  for (unsigned value : open) {
    auto known = pattern.alike.find(signature(value));
    if (!place(value, known == pattern.alike.end() ? llvm::ArrayRef<SlabRows>()
                                                   : known->second) &&
        !makeRoom(value))
      return value;
  }
  return std::nullopt;
}

std::optional<unsigned> RowPlanner::run(Order order) {
  start();
  std::vector<unsigned> open;
  for (unsigned v = 0; v < values.size(); ++v)
    if (!places[v])
      open.push_back(v);
  if (order != Order::Saturation) {
    llvm::stable_sort(open, [&](unsigned a, unsigned b) {
      return order == Order::Rows ? values[a].rows > values[b].rows
                                  : values[a].begin < values[b].begin;
    });
    for (unsigned value : open)
      if (!place(value))
        return value;
    return std::nullopt;
  }
  // Most slabs that cost something, then what meets others for longest.
  std::vector<int64_t> meetings(values.size(), 0);
  for (unsigned v : open)
    for (auto [other, cycles] : neighbours[v])
      meetings[v] += cycles;
  auto rank = [&](unsigned v) {
    return std::tuple(-llvm::count_if(cost[v], [](int64_t c) { return c > 0; }),
                      -meetings[v], -values[v].rows, v);
  };
  std::set<decltype(rank(0))> ranks;
  for (unsigned v : open)
    ranks.insert(rank(v));
  while (!ranks.empty()) {
    unsigned value = std::get<3>(*ranks.begin());
    ranks.erase(ranks.begin());
    // Its neighbours may rank higher then.
    llvm::SmallVector<unsigned, 8> changed;
    for (auto [other, cycles] : neighbours[value])
      if (ranks.erase(rank(other)))
        changed.push_back(other);
    if (!place(value))
      return value;
    for (unsigned other : changed)
      ranks.insert(rank(other));
  }
  return std::nullopt;
}

MemoryPlan RowPlanner::plan() const {
  MemoryPlan plan;
  for (const std::optional<SlabRows> &place : places)
    plan.places.push_back(*place);
  plan.conflictCycles = conflictCycles;
  plan.waitCycles = waitCycles;
  return plan;
}

//===----------------------------------------------------------------------===//
// Better places
//===----------------------------------------------------------------------===//

/// Puts an open value somewhere and what lies there wherever it costs least.
/// Whether that found places for all.
bool RowPlanner::moveTo(unsigned value, SlabRows where) {
  const LiveValue &v = values[value];
  llvm::SmallVector<unsigned, 8> inTheWay;
  bool mayMove = true;
  forEachIn(v.begin, v.end, size_t(where.slab), [&](unsigned other) {
    if (places[other]->row >= where.row + v.rows ||
        where.row >= places[other]->row + values[other].rows)
      return;
    mayMove &=
        !values[other].fixed && life(other) <= std::max(mostLife, life(value));
    inTheWay.push_back(other);
  });
  if (!mayMove || inTheWay.size() > mostInTheWay)
    return false;
  for (unsigned other : inTheWay) {
    undo.push_back({other, *places[other]});
    take(other);
  }
  undo.push_back({value, std::nullopt});
  put(value, where);
  llvm::sort(inTheWay, [&](unsigned a, unsigned b) {
    return std::tuple(-values[a].rows, a) < std::tuple(-values[b].rows, b);
  });
  for (unsigned other : inTheWay) {
    if (!place(other))
      return false;
    undo.push_back({other, std::nullopt});
  }
  return true;
}

void RowPlanner::goBack() {
  while (!undo.empty()) {
    auto [moved, place] = undo.pop_back_val();
    if (place)
      put(moved, *place);
    else
      take(moved);
  }
}

/// Rows at which few others are in the way of the value: beside whatever there
/// is.
llvm::SmallVector<int64_t, 8> RowPlanner::crowdedRows(unsigned value,
                                                      size_t slab) const {
  const int64_t height = values[value].rows;
  std::vector<Rows> inTheWay = taken(value, slab, 0);
  if (inTheWay.size() > mostBeside)
    return {}; // A long life, in which there is always something.
  llvm::SmallVector<int64_t, 8> rows = {0, rowsPerSlab - height};
  for (auto [begin, end] : inTheWay) {
    rows.push_back(end);
    rows.push_back(begin - height);
  }
  llvm::sort(rows);
  rows.erase(llvm::unique(rows), rows.end());
  llvm::erase_if(rows, [&](int64_t row) {
    work += inTheWay.size();
    return row < 0 || row + height > rowsPerSlab ||
           size_t(llvm::count_if(inTheWay, [&](Rows r) {
             return r.first < row + height && row < r.second;
           })) > mostInTheWay;
  });
  return rows;
}

/// Places an open value where others have to move.
bool RowPlanner::makeRoom(unsigned value) {
  auto all = llvm::to_vector(llvm::seq<size_t>(0, slabs));
  llvm::stable_sort(
      all, [&](size_t a, size_t b) { return cost[value][a] < cost[value][b]; });
  for (size_t slab : all)
    for (int64_t row : crowdedRows(value, slab)) {
      undo.clear();
      if (moveTo(value, {int64_t(slab), row}))
        return true;
      goBack();
    }
  return false;
}

/// Whether the value moved, and all together costs less then.
bool RowPlanner::relocate(unsigned value) {
  const int64_t before = totalCycles();
  const SlabRows home = *places[value];
  const int64_t costsHere = cost[value][size_t(home.slab)] + waits(value, home);
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
    if (std::optional<int64_t> row = firstFit(value, slab, farApart)) {
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
      if (moveTo(value, where) && totalCycles() < before)
        return true;
      goBack();
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
      if (!values[v].fixed)
        if (int64_t cycles =
                cost[v][size_t(places[v]->slab)] + waits(v, *places[v]))
          costly.push_back({-cycles / (1 + int64_t(periodOf(values[v].end) -
                                                   periodOf(values[v].begin))),
                            values[v].rows, v});
    llvm::sort(costly);
    for (auto [cycles, rows, value] : costly) {
      if (work > mostWork)
        return;
      improved |= relocate(value);
    }
  }
}

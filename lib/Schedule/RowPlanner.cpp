//===- RowPlanner.cpp - Places of values ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowPlanner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>
#include <functional>
#include <tuple>

using namespace fetta;

RowPlanner::RowPlanner(llvm::ArrayRef<LiveValue> values,
                       llvm::ArrayRef<Meeting> meetings, int64_t slabs,
                       int64_t rowsPerSlab, int64_t circle)
    : values(values), rowsPerSlab(rowsPerSlab), circle(circle),
      slabs(size_t(slabs)), neighbours(values.size()), found(size_t(slabs)) {
  for (const LiveValue &value : values) {
    firstPosition = std::min(firstPosition, value.begin);
    lastPosition = std::max(lastPosition, value.end);
  }
  firstAsked = firstPosition - farApart;
  lastAsked = lastPosition + farApart;
  firstPosition -= roundsAround * circle;
  lastPosition += roundsAround * circle;
  transfers = llvm::any_of(values, [](const LiveValue &value) {
    return value.loadCycles || value.storeCycles;
  });
  const int64_t periodLength = (lastPosition - firstPosition) / numPeriods + 1;
  static_assert(numPeriods - 1 <= UINT8_MAX);
  const int64_t asked = lastPosition - firstPosition + 1 + farApart;
  periodAt.resize(size_t(asked), uint8_t(numPeriods - 1));
  for (int64_t period = 0; period * periodLength < asked; ++period)
    std::fill(periodAt.begin() + period * periodLength,
              periodAt.begin() + std::min((period + 1) * periodLength, asked),
              uint8_t(std::min(period, numPeriods - 1)));
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

void RowPlanner::addWork(int64_t begin, int64_t end, size_t slab) const {
  const unsigned *counts = periods[slab].data();
  uint64_t sum = 0;
  for (size_t period = periodOf(begin), last = periodOf(end); period <= last;
       ++period)
    sum += counts[period];
  work += sum;
}

void RowPlanner::addWaitWork(unsigned value, size_t slab) const {
  if (!transfers)
    return;
  const LiveValue &v = values[value];
  addWork(v.begin - farApart, v.begin - 1, slab);
  addWork(v.end + 1, v.end + farApart, slab);
}

llvm::ArrayRef<RowPlanner::Taken> RowPlanner::taken(unsigned value, size_t slab,
                                                    int64_t distance) const {
  std::vector<Taken> &list = found[slab];
  list.clear();
  const LiveValue &v = values[value];
  occupants[slab].forEachIn(
      v.begin - distance, v.end + distance, [&](const Occupant &o) {
        const bool before = o.end < v.begin, after = v.end < o.begin;
        int64_t wait = -1;
        if (before || after) {
          if (!(before ? o.stores || v.loadCycles : v.storeCycles || o.loads))
            return;
          wait = waitOf(v, o);
        }
        // Written in place: a copy would wait for its parts.
        Taken &taken = list.emplace_back();
        taken.begin = o.row;
        taken.end = o.behind;
        taken.wait = wait;
      });
  std::sort(list.begin(), list.end(),
            [](const Taken &a, const Taken &b) { return a.begin < b.begin; });
  return list;
}

std::optional<int64_t> RowPlanner::firstFit(unsigned value,
                                            llvm::ArrayRef<Taken> rows,
                                            bool beside) const {
  int64_t begin = 0, height = values[value].rows;
  for (const Taken &t : rows) {
    if (t.isBeside() && !beside)
      continue;
    if (t.begin - begin >= height)
      return begin;
    begin = std::max(begin, t.end);
  }
  return rowsPerSlab - begin >= height ? std::optional(begin) : std::nullopt;
}

int64_t RowPlanner::largestGap(unsigned value) const {
  int64_t largest = 0;
  for (size_t slab = 0; slab < slabs; ++slab) {
    int64_t begin = 0;
    addWork(value, slab, 0);
    for (const Taken &t : taken(value, slab, 0)) {
      largest = std::max(largest, t.begin - begin);
      begin = std::max(begin, t.end);
    }
    largest = std::max(largest, rowsPerSlab - begin);
  }
  return largest;
}

/// Cycles lost where two values that do not live together have the same rows.
int64_t RowPlanner::waitOf(const LiveValue &v, const Occupant &o) const {
  const LiveValue &other = values[o.value];
  const bool before = o.end < v.begin;
  const int64_t gap = before ? v.begin - o.end : o.begin - v.end;
  if (gap <= 0 || gap > farApart)
    return 0;
  const int64_t cycles = before ? other.storeCycles + v.loadCycles
                                : v.storeCycles + other.loadCycles;
  return cycles * (farApart + 1 - gap) / farApart;
}

int64_t RowPlanner::waitsForLike(unsigned value) const {
  const LiveValue &v = values[value];
  Occupant like = {};
  like.begin = v.begin + circle;
  like.end = v.end + circle;
  like.value = value;
  return waitOf(v, like);
}

/// Cycles lost to who has rows of `where` shortly before or after the value.
int64_t RowPlanner::waits(unsigned value, SlabRows where) const {
  if (!transfers)
    return 0;
  const LiveValue &v = values[value];
  const size_t slab = size_t(where.slab);
  int64_t sum = 0;
  auto add = [&](const Occupant &o) {
    if (o.value != value && o.row < where.row + v.rows && where.row < o.behind)
      sum += waitOf(v, o);
  };
  occupants[slab].forEachIn(v.begin - farApart, v.begin - 1, add);
  occupants[slab].forEachIn(v.end + 1, v.end + farApart, add);
  return sum;
}

int64_t RowPlanner::waits(unsigned value, int64_t row,
                          llvm::ArrayRef<Taken> rows) const {
  int64_t sum = 0;
  for (const Taken &t : rows)
    if (t.isBeside() && t.begin < row + values[value].rows && row < t.end)
      sum += t.wait;
  return sum;
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

template <typename Function>
void RowPlanner::forEachRound(unsigned value, Function function) const {
  const LiveValue &v = values[value];
  const int64_t row = places[value]->row;
  Occupant occupant = {v.begin,           v.end, row,
                       row + v.rows,      value, v.loadCycles != 0,
                       v.storeCycles != 0};
  const int64_t rounds = circle ? roundsAround : 0;
  occupant.begin -= rounds * circle;
  occupant.end -= rounds * circle;
  for (int64_t round = -rounds; round <= rounds; ++round) {
    if (!circle || (firstAsked <= occupant.end && occupant.begin <= lastAsked))
      function(occupant);
    occupant.begin += circle;
    occupant.end += circle;
  }
}

void RowPlanner::put(unsigned value, SlabRows where, int64_t wait) {
  size_t slab = size_t(where.slab);
  addWaitWork(value, slab);
  waitCycles += wait;
  conflictCycles += cost[value][slab];
  places[value] = where;
  const LiveValue &v = values[value];
  forEachRound(value, [&](const Occupant &o) { occupants[slab].insert(o); });
  for (size_t period = periodOf(v.begin), last = periodOf(v.end);
       period <= last; ++period)
    ++periods[slab][period];
  used[slab] = std::max(used[slab], where.row + values[value].rows);
  for (auto [other, cycles] : neighbours[value])
    cost[other][slab] += cycles;
}

void RowPlanner::take(unsigned value) {
  SlabRows where = *places[value];
  size_t slab = size_t(where.slab);
  forEachRound(value, [&](const Occupant &o) { occupants[slab].erase(o); });
  for (size_t period = periodOf(values[value].begin),
              last = periodOf(values[value].end);
       period <= last; ++period)
    --periods[slab][period];
  for (auto [other, cycles] : neighbours[value])
    cost[other][slab] -= cycles;
  places[value].reset();
  conflictCycles -= cost[value][slab];
  addWaitWork(value, slab);
}

bool RowPlanner::isFree(unsigned value, SlabRows where) const {
  const LiveValue &v = values[value];
  bool isFree = true;
  occupants[size_t(where.slab)].forEachIn(
      v.begin, v.end, [&](const Occupant &o) {
        isFree &= o.behind <= where.row || where.row + v.rows <= o.row;
      });
  return isFree;
}

bool RowPlanner::place(unsigned value, llvm::ArrayRef<SlabRows> wanted) {
  // What costs least; DMA in the last slab and the rest elsewhere; then where
  // it lies lowest, so that slabs fill evenly.
  using Score = std::tuple<int64_t, bool, int64_t, size_t>;
  struct Choice {
    Score score;
    SlabRows where;
    int64_t wait;
  };
  std::optional<Choice> best;
  auto weigh = [&](const Choice &choice) {
    if (!best || choice.score < best->score)
      best = choice;
  };
  const int64_t height = values[value].rows;
  // Several places may be in one slab, and each slab is looked at once more.
  llvm::SmallVector<std::optional<llvm::ArrayRef<Taken>>, 8> known(slabs);
  auto takenIn = [&](size_t slab) {
    if (!known[slab])
      known[slab] = taken(value, slab, farApart);
    return *known[slab];
  };
  for (SlabRows where : wanted) {
    size_t slab = size_t(where.slab);
    llvm::ArrayRef<Taken> rows = takenIn(slab);
    addWork(value, slab, 0);
    if (llvm::any_of(rows, [&](const Taken &t) {
          return !t.isBeside() && t.begin < where.row + height &&
                 where.row < t.end;
        }))
      continue;
    addWaitWork(value, slab);
    int64_t wait = waits(value, where.row, rows);
    weigh({Score(cost[value][slab] + wait, false, -1, 0), where, wait});
  }
  for (size_t slab = 0; slab < slabs; ++slab) {
    llvm::ArrayRef<Taken> rows = takenIn(slab);
    addWork(value, slab, farApart);
    int64_t wait = 0;
    std::optional<int64_t> row = firstFit(value, rows, /*beside=*/true);
    if (!row) {
      addWork(value, slab, 0);
      row = firstFit(value, rows, /*beside=*/false);
      if (!row)
        continue;
      addWaitWork(value, slab);
      wait = waits(value, *row, rows);
    }
    bool last = slab + 1 == slabs;
    weigh({Score(cost[value][slab] + wait, last != values[value].streamed,
                 std::max(used[slab], *row + height), slab),
           SlabRows{int64_t(slab), *row}, wait});
  }
  if (!best)
    return false;
  put(value, best->where, best->wait);
  return true;
}

void RowPlanner::start() {
  places.assign(values.size(), std::nullopt);
  occupants.resize(slabs);
  for (RowTimeline &timeline : occupants)
    timeline.clear(firstPosition, lastPosition);
  periods.assign(slabs, {});
  used.assign(slabs, 0);
  cost.assign(values.size(), llvm::SmallVector<int64_t, 4>(slabs, 0));
  conflictCycles = waitCycles = 0;
  for (unsigned v = 0; v < values.size(); ++v)
    if (values[v].fixed)
      put(v, *values[v].fixed, waits(v, *values[v].fixed));
}

uint64_t RowPlanner::signature(unsigned value) const {
  const LiveValue &v = values[value];
  llvm::SmallVector<std::pair<int64_t, int64_t>, 8> met;
  for (auto [other, cycles] : neighbours[value])
    met.push_back({cycles, values[other].rows});
  std::sort(met.begin(), met.end());
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
      if (pattern.isFirm && isFree(v, known->second))
        put(v, known->second, waits(v, known->second));
      else if (!place(v, known->second) && !makeRoom(v))
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
      if (!placeSomehow(value))
        return value;
    return std::nullopt;
  }
  // Most slabs that cost something, then what meets others for longest. A heap
  // of numbers of free slabs and places in that order; of a value that is in it
  // several times, the last one comes first.
  std::vector<int64_t> meetings(values.size(), 0);
  for (unsigned v : open)
    for (auto [other, cycles] : neighbours[v])
      meetings[v] += cycles;
  std::sort(open.begin(), open.end(), [&](unsigned a, unsigned b) {
    return std::tuple(-meetings[a], -values[a].rows, a) <
           std::tuple(-meetings[b], -values[b].rows, b);
  });
  std::vector<unsigned> placeOf(values.size(), 0);
  std::vector<uint64_t> heap;
  auto rank = [&](unsigned v) {
    auto free =
        uint64_t(llvm::count_if(cost[v], [](int64_t c) { return c <= 0; }));
    return free << 32 | placeOf[v];
  };
  for (auto [place, v] : llvm::enumerate(open)) {
    placeOf[v] = unsigned(place);
    heap.push_back(rank(v));
  }
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  std::vector<uint64_t> before;
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    unsigned value = open[size_t(heap.back() & UINT32_MAX)];
    heap.pop_back();
    if (places[value])
      continue;
    // Its neighbours may rank higher then.
    before.clear();
    for (auto [other, cycles] : neighbours[value])
      before.push_back(rank(other));
    if (!placeSomehow(value))
      return value;
    for (auto [neighbour, was] : llvm::zip_equal(neighbours[value], before))
      if (unsigned other = neighbour.first;
          !places[other] && rank(other) != was) {
        heap.push_back(rank(other));
        std::push_heap(heap.begin(), heap.end(), std::greater<>());
      }
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

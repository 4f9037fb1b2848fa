//===- MemoryPlan.cpp - Slabs and rows over time --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/MemoryPlan.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <tuple>

using namespace fetta;

namespace {

class Planner {
public:
  Planner(llvm::ArrayRef<LiveValue> values, llvm::ArrayRef<Meeting> meetings,
          int64_t slabs, int64_t rowsPerSlab)
      : values(values), rowsPerSlab(rowsPerSlab), slabs(size_t(slabs)),
        neighbours(values.size()) {
    int64_t last = 0;
    for (const LiveValue &value : values) {
      firstPosition = std::min(firstPosition, value.begin);
      last = std::max(last, value.end);
    }
    periodLength = (last - firstPosition) / numPeriods + 1;
    for (const Meeting &meeting : meetings) {
      if (meeting.a == meeting.b)
        continue;
      neighbours[meeting.a].push_back({meeting.b, meeting.cycles});
      neighbours[meeting.b].push_back({meeting.a, meeting.cycles});
    }
  }

  enum class Order { Saturation, Rows, Time };

  /// The first value without a place, or nothing.
  std::optional<unsigned> run(Order order);

  std::vector<std::optional<SlabRows>> places;
  int64_t conflictCycles = 0;

  /// Rows of the largest gap in any slab while the value lives.
  int64_t largestGap(unsigned value) const;

private:
  std::optional<int64_t> firstFit(unsigned value, size_t slab) const;
  std::vector<std::pair<int64_t, int64_t>> taken(unsigned value,
                                                 size_t slab) const;
  bool place(unsigned value);
  void put(unsigned value, SlabRows where);

  /// The program in periods of equal length, so that only values of the same
  /// time are looked at.
  static constexpr int64_t numPeriods = 256;
  size_t periodOf(int64_t position) const {
    return size_t((position - firstPosition) / periodLength);
  }

  llvm::ArrayRef<LiveValue> values;
  int64_t rowsPerSlab;
  size_t slabs;
  int64_t firstPosition = 0, periodLength = 1;
  /// Values by slab and period, in each period in which they live.
  std::vector<std::array<std::vector<unsigned>, numPeriods>> occupants;
  std::vector<int64_t> used; ///< Highest row, by slab.
  std::vector<llvm::SmallVector<std::pair<unsigned, int64_t>, 8>> neighbours;
  /// Conflict cycles that a slab would cost an open value: [value][slab].
  std::vector<llvm::SmallVector<int64_t, 4>> cost;
};

} // namespace

/// Rows of the slab that are taken while the value lives, sorted.
std::vector<std::pair<int64_t, int64_t>> Planner::taken(unsigned value,
                                                        size_t slab) const {
  std::vector<std::pair<int64_t, int64_t>> rows;
  const LiveValue &v = values[value];
  size_t first = periodOf(v.begin), last = periodOf(v.end);
  for (size_t period = first; period <= last; ++period)
    for (unsigned other : occupants[slab][period]) {
      const LiveValue &o = values[other];
      // Once, in the first period of both.
      if (o.begin <= v.end && v.begin <= o.end &&
          std::max(first, periodOf(o.begin)) == period)
        rows.push_back({places[other]->row, places[other]->row + o.rows});
    }
  llvm::sort(rows);
  return rows;
}

std::optional<int64_t> Planner::firstFit(unsigned value, size_t slab) const {
  int64_t begin = 0, rows = values[value].rows;
  for (auto [takenBegin, takenEnd] : taken(value, slab)) {
    if (takenBegin - begin >= rows)
      return begin;
    begin = std::max(begin, takenEnd);
  }
  return rowsPerSlab - begin >= rows ? std::optional(begin) : std::nullopt;
}

int64_t Planner::largestGap(unsigned value) const {
  int64_t largest = 0;
  for (size_t slab = 0; slab < slabs; ++slab) {
    int64_t begin = 0;
    for (auto [takenBegin, takenEnd] : taken(value, slab)) {
      largest = std::max(largest, takenBegin - begin);
      begin = std::max(begin, takenEnd);
    }
    largest = std::max(largest, rowsPerSlab - begin);
  }
  return largest;
}

void Planner::put(unsigned value, SlabRows where) {
  size_t slab = size_t(where.slab);
  places[value] = where;
  for (size_t period = periodOf(values[value].begin),
              last = periodOf(values[value].end);
       period <= last; ++period)
    occupants[slab][period].push_back(value);
  used[slab] = std::max(used[slab], where.row + values[value].rows);
  conflictCycles += cost[value][slab];
  for (auto [other, cycles] : neighbours[value])
    cost[other][slab] += cycles;
}

bool Planner::place(unsigned value) {
  // Least conflict; DMA in the last slab and the rest elsewhere; then where it
  // lies lowest, so that slabs fill evenly.
  using Score = std::tuple<int64_t, bool, int64_t, size_t>;
  std::optional<std::pair<Score, SlabRows>> best;
  for (size_t slab = 0; slab < slabs; ++slab) {
    std::optional<int64_t> row = firstFit(value, slab);
    if (!row)
      continue;
    bool last = slab + 1 == slabs;
    Score score(cost[value][slab], last != values[value].streamed,
                std::max(used[slab], *row + values[value].rows), slab);
    if (!best || score < best->first)
      best = {score, {int64_t(slab), *row}};
  }
  if (!best)
    return false;
  put(value, best->second);
  return true;
}

std::optional<unsigned> Planner::run(Order order) {
  places.assign(values.size(), std::nullopt);
  occupants.assign(slabs, {});
  used.assign(slabs, 0);
  cost.assign(values.size(), llvm::SmallVector<int64_t, 4>(slabs, 0));
  conflictCycles = 0;
  std::vector<unsigned> open;
  for (unsigned v = 0; v < values.size(); ++v) {
    if (values[v].fixed)
      put(v, *values[v].fixed);
    else
      open.push_back(v);
  }
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

std::variant<MemoryPlan, MemoryShortage>
fetta::planMemory(llvm::ArrayRef<LiveValue> values,
                  llvm::ArrayRef<Meeting> meetings, int64_t slabs,
                  int64_t rowsPerSlab) {
  // The position with most rows alive decides whether any packing could do.
  MemoryShortage shortage;
  std::vector<std::pair<int64_t, int64_t>> changes; // (position, rows)
  for (const LiveValue &value : values) {
    changes.push_back({value.begin, value.rows});
    changes.push_back({value.end + 1, -value.rows});
  }
  llvm::sort(changes); // Ends before beginnings.
  int64_t live = 0;
  for (auto [position, rows] : changes)
    if (live += rows; live > shortage.liveRows) {
      shortage.liveRows = live;
      shortage.position = position;
    }
  shortage.missing = shortage.liveRows - slabs * rowsPerSlab;
  if (shortage.missing > 0)
    return shortage;
  shortage.fragmented = true;
  Planner planner(values, meetings, slabs, rowsPerSlab);
  for (auto order : {Planner::Order::Saturation, Planner::Order::Rows,
                     Planner::Order::Time}) {
    std::optional<unsigned> failed = planner.run(order);
    if (!failed) {
      MemoryPlan plan;
      for (const std::optional<SlabRows> &place : planner.places)
        plan.places.push_back(*place);
      plan.conflictCycles = planner.conflictCycles;
      return plan;
    }
    if (order == Planner::Order::Saturation) {
      shortage.value = *failed;
      shortage.missing = values[*failed].rows - planner.largestGap(*failed);
    }
  }
  return shortage;
}

std::string fetta::drawOccupancy(llvm::ArrayRef<LiveValue> values,
                                 llvm::ArrayRef<SlabRows> places, int64_t slabs,
                                 int64_t rowsPerSlab, int64_t positions,
                                 unsigned width, unsigned height) {
  positions = std::max<int64_t>(positions, 1);
  int64_t step = int64_t(llvm::divideCeil(uint64_t(positions), width));
  int64_t columns = int64_t(llvm::divideCeil(uint64_t(positions), step));
  // As high as the fullest slab: rows that are never used need no line.
  int64_t top = 1;
  for (size_t v = 0; v < values.size(); ++v)
    top = std::max(top, places[v].row + values[v].rows);
  int64_t lineRows = int64_t(llvm::divideCeil(uint64_t(top), height));
  int64_t lines = int64_t(llvm::divideCeil(uint64_t(top), lineRows));
  std::string text;
  for (int64_t slab = 0; slab < slabs; ++slab) {
    // Row-positions that are occupied in each cell, and rows at each position.
    std::vector<int64_t> cells(size_t(columns * lines), 0);
    std::vector<int64_t> alive(size_t(positions), 0);
    for (size_t v = 0; v < values.size(); ++v) {
      if (places[v].slab != slab)
        continue;
      int64_t begin = std::max<int64_t>(values[v].begin, 0);
      int64_t end = std::min(values[v].end, positions - 1);
      for (int64_t p = begin; p <= end; ++p) {
        alive[size_t(p)] += values[v].rows;
        int64_t first = places[v].row, last = first + values[v].rows;
        for (int64_t line = first / lineRows; line * lineRows < last; ++line)
          cells[size_t(line * columns + p / step)] +=
              std::min(last, (line + 1) * lineRows) -
              std::max(first, line * lineRows);
      }
    }
    int64_t peak = *std::max_element(alive.begin(), alive.end());
    text += "slab " + std::to_string(slab) + ": at most " +
            std::to_string(peak) + " of " + std::to_string(rowsPerSlab) +
            " rows alive (" + std::to_string(100 * peak / rowsPerSlab) +
            " %)\n";
    for (int64_t line = lines - 1; line >= 0; --line) {
      std::string label = std::to_string(line * lineRows);
      text += std::string(label.size() < 6 ? 6 - label.size() : 0, ' ') +
              label + " |";
      for (int64_t column = 0; column < columns; ++column) {
        int64_t span = std::min(step, positions - column * step);
        int64_t full = span * (std::min(rowsPerSlab, (line + 1) * lineRows) -
                               line * lineRows);
        int64_t cell = cells[size_t(line * columns + column)];
        text += cell == 0             ? ' '
                : 3 * cell < full     ? '.'
                : 3 * cell < 2 * full ? ':'
                : cell < full         ? '+'
                                      : '#';
      }
      text += "|\n";
    }
  }
  text += "columns: " + std::to_string(step) +
          " instructions each, in program order; lines: " +
          std::to_string(lineRows) +
          " rows each; occupied: '.' below 1/3, ':' 2/3, '+' more, '#' all\n";
  return text;
}

//===- MemoryPlan.cpp - Slabs and rows over time --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/MemoryPlan.h"

#include "RowPlanner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <numeric>

using namespace fetta;

/// Values of a part of a program; those that live before and after it come on
/// top.
static constexpr size_t patternValues = 160;

/// Slices of a batch repeat: where the values of a part in the middle lie well,
/// with all the work for few values, is where others should.
static std::optional<RowPlanner::Pattern>
findPattern(llvm::ArrayRef<LiveValue> values, llvm::ArrayRef<Meeting> meetings,
            int64_t slabs, int64_t rowsPerSlab, uint64_t mostWork,
            const RowPlanner &whole) {
  std::vector<unsigned> byTime(values.size());
  std::iota(byTime.begin(), byTime.end(), 0u);
  llvm::stable_sort(byTime, [&](unsigned a, unsigned b) {
    return values[a].begin < values[b].begin;
  });
  const size_t first = (values.size() - patternValues) / 2;
  const int64_t begin = values[byTime[first]].begin,
                end = values[byTime[first + patternValues - 1]].begin;
  std::vector<LiveValue> part;
  std::vector<unsigned> valueOf;
  llvm::DenseMap<unsigned, unsigned> numberOf;
  for (unsigned v = 0; v < values.size(); ++v) {
    if (values[v].begin > end || values[v].end < begin)
      continue;
    numberOf[v] = unsigned(part.size());
    valueOf.push_back(v);
    part.push_back(values[v]);
    part.back().begin = std::max(begin, values[v].begin);
    part.back().end = std::min(end, values[v].end);
  }
  if (part.size() > 2 * patternValues)
    return std::nullopt; // Most live all the time.
  std::vector<Meeting> partMeetings;
  for (const Meeting &meeting : meetings) {
    auto a = numberOf.find(meeting.a), b = numberOf.find(meeting.b);
    if (a != numberOf.end() && b != numberOf.end())
      partMeetings.push_back({a->second, b->second, meeting.cycles});
  }
  auto result = planMemory(part, partMeetings, slabs, rowsPerSlab, mostWork);
  auto *plan = std::get_if<MemoryPlan>(&result);
  if (!plan)
    return std::nullopt;
  RowPlanner::Pattern pattern;
  pattern.cycles = plan->cycles();
  for (auto [v, place] : llvm::zip_equal(valueOf, plan->places)) {
    if (values[v].begin <= begin && values[v].end >= end)
      pattern.places[v] = place;
    llvm::SmallVector<SlabRows, 4> &alike = pattern.alike[whole.signature(v)];
    if (!llvm::is_contained(alike, place))
      alike.push_back(place);
  }
  return pattern;
}

std::variant<MemoryPlan, MemoryShortage>
fetta::planMemory(llvm::ArrayRef<LiveValue> values,
                  llvm::ArrayRef<Meeting> meetings, int64_t slabs,
                  int64_t rowsPerSlab, uint64_t mostWork) {
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
  RowPlanner planner(values, meetings, slabs, rowsPerSlab);
  std::optional<MemoryPlan> best;
  auto weigh = [&]() {
    planner.improve(mostWork);
    MemoryPlan plan = planner.plan();
    if (!best || plan.cycles() < best->cycles())
      best = std::move(plan);
  };
  if (mostWork > 0 && values.size() > 2 * patternValues)
    if (std::optional<RowPlanner::Pattern> pattern = findPattern(
            values, meetings, slabs, rowsPerSlab, mostWork, planner))
      if (!planner.run(*pattern)) {
        weigh();
        // As good as the part: no other order will be better by much.
        int64_t parts = int64_t(values.size() / patternValues);
        if (4 * best->cycles() <= 5 * parts * pattern->cycles)
          return *std::move(best);
      }
  for (auto order : {RowPlanner::Order::Saturation, RowPlanner::Order::Rows,
                     RowPlanner::Order::Time}) {
    if (best && (mostWork == 0 || best->cycles() == 0))
      break;
    if (std::optional<unsigned> failed = planner.run(order)) {
      if (order == RowPlanner::Order::Saturation) {
        shortage.value = *failed;
        shortage.missing = values[*failed].rows - planner.largestGap(*failed);
      }
      continue;
    }
    weigh();
  }
  if (best)
    return *std::move(best);
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

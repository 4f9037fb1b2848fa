//===- SteadyMemory.cpp - Places that repeat ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/MemoryPlan.h"

#include "Repetition.h"
#include "RowPlanner.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <tuple>

using namespace fetta;

/// Periods that there are at least.
static constexpr size_t fewestPeriods = 8;

/// Periods of values in one of places, at most, and the part of the cycles in
/// which values meet that a longer one has to save.
static constexpr size_t mostPeriods = 4;
static constexpr double worthLonger = 0.001;

/// Of the work that one plan may take, what each trial of a period may.
static constexpr uint64_t manyTrials = 4;

/// Periods at the beginning and at the end that may lie elsewhere, at most.
static constexpr size_t mostEdge = 2;
/// The part of the cycles that more of them may leave.
static constexpr double worthEdge = 0.98;

namespace {
/// Values that repeat, each one `length` positions after its like.
struct SteadyValues : Repetition {
  int64_t length = 0;
};
} // namespace

static std::optional<SteadyValues>
findSteadyValues(llvm::ArrayRef<LiveValue> values, const RowPlanner &whole) {
  using Look = std::tuple<uint64_t, int64_t, int64_t>;
  std::vector<Look> looks;
  for (unsigned v = 0; v < values.size(); ++v) {
    if (values[v].fixed)
      return std::nullopt;
    looks.emplace_back(whole.signature(v), values[v].end - values[v].begin,
                       v ? values[v].begin - values[v - 1].begin : 0);
  }
  std::optional<Repetition> found =
      findRepetition(llvm::ArrayRef(looks), fewestPeriods);
  if (!found)
    return std::nullopt;
  return SteadyValues{*found, values[found->first + found->period].begin -
                                  values[found->first].begin};
}

namespace {
/// One period of places, as values of a circle.
struct Circle {
  std::vector<LiveValue> values;
  std::vector<Meeting> meetings;
  std::vector<unsigned> longLived; ///< Their numbers, behind the others.
  size_t first = 0, count = 0;     ///< The values of the period.
  /// Of meetings with their likes of other periods, which have the same rows.
  int64_t likeCycles = 0;

  Circle(llvm::ArrayRef<LiveValue> all, llvm::ArrayRef<Meeting> allMeetings,
         const SteadyValues &steady, size_t periods);
  int64_t length = 0;

  /// Whether no value lives longer than the circle is.
  bool isPossible() const {
    return llvm::all_of(values, [&](const LiveValue &value) {
      return value.end - value.begin < length;
    });
  }
};
} // namespace

Circle::Circle(llvm::ArrayRef<LiveValue> all,
               llvm::ArrayRef<Meeting> allMeetings, const SteadyValues &steady,
               size_t periods)
    : count(periods * steady.period), length(int64_t(periods) * steady.length) {
  const size_t spare = steady.count() - periods;
  first = steady.first + spare / 2 * steady.period;
  const int64_t origin = all[first].begin;
  for (const LiveValue &value : all.slice(first, count)) {
    values.push_back(value);
    int64_t turns = (value.begin - origin) / length -
                    ((value.begin - origin) % length < 0 ? 1 : 0);
    values.back().begin -= origin + turns * length;
    values.back().end -= origin + turns * length;
  }
  const int64_t begin = all[first].begin, end = all[first + count - 1].end;
  std::vector<std::optional<unsigned>> numberOf(all.size());
  for (unsigned v = 0; v < all.size(); ++v) {
    if (steady.contains(v)) {
      numberOf[v] = unsigned((v + count - first % count) % count);
      continue;
    }
    if (all[v].begin > begin || all[v].end < end)
      continue;
    numberOf[v] = unsigned(values.size());
    longLived.push_back(v);
    values.push_back(all[v]);
    values.back().begin = 0;
    values.back().end = length - 1;
  }
  auto isInside = [&](unsigned v) { return v >= first && v < first + count; };
  // Of long lives that meet each other, all slices have a part.
  const double share = double(count) / double(all.size());
  for (const Meeting &meeting : allMeetings) {
    // Of two periods, the earlier one has it.
    auto [early, late] = std::minmax(meeting.a, meeting.b);
    if (!numberOf[early] || !numberOf[late])
      continue;
    if (numberOf[early] == numberOf[late]) {
      if (early != late && isInside(early))
        likeCycles += meeting.cycles;
      continue;
    }
    if (!steady.contains(early) && !steady.contains(late))
      meetings.push_back(
          {*numberOf[early], *numberOf[late],
           std::max<int64_t>(1, int64_t(double(meeting.cycles) * share))});
    else if (steady.contains(early) && steady.contains(late)
                 ? isInside(early)
                 : isInside(early) || isInside(late))
      meetings.push_back({*numberOf[early], *numberOf[late], meeting.cycles});
  }
}

namespace {
struct CirclePlan {
  Circle circle;
  MemoryPlan plan;
  double cycles; ///< Of a period of the values.
};
} // namespace

static std::optional<CirclePlan> planCircle(llvm::ArrayRef<LiveValue> values,
                                            llvm::ArrayRef<Meeting> meetings,
                                            int64_t slabs, int64_t rowsPerSlab,
                                            uint64_t mostWork,
                                            const SteadyValues &steady) {
  std::optional<CirclePlan> best;
  for (size_t periods = 1; periods <= mostPeriods; periods *= 2) {
    Circle circle(values, meetings, steady, periods);
    if (!circle.isPossible())
      continue;
    RowPlanner planner(circle.values, circle.meetings, slabs, rowsPerSlab,
                       circle.length);
    // What a longer period has to save.
    int64_t all = 0;
    for (const Meeting &meeting : circle.meetings)
      all += meeting.cycles;
    const double least = worthLonger * double(all) / double(periods);
    int64_t likeCycles = circle.likeCycles;
    for (unsigned v = 0; v < circle.count; ++v)
      likeCycles += planner.waitsForLike(v);
    if (best && best->cycles <= least)
      break;
    // After moves the first order is seldom worse than the others.
    for (auto order : {RowPlanner::Order::Saturation, RowPlanner::Order::Rows,
                       RowPlanner::Order::Time}) {
      if (planner.run(order))
        continue;
      planner.improve(mostWork / manyTrials);
      const double cycles =
          double(planner.totalCycles() + likeCycles) / double(periods);
      const bool isLonger = best && best->circle.count < circle.count;
      if (!best || cycles + (isLonger ? least : 0) < best->cycles)
        best = {circle, planner.plan(), cycles};
      break;
    }
  }
  return best;
}

std::optional<MemoryPlan>
fetta::planSteadyMemory(llvm::ArrayRef<LiveValue> values,
                        llvm::ArrayRef<Meeting> meetings, int64_t slabs,
                        int64_t rowsPerSlab, uint64_t mostWork) {
  const RowPlanner whole(values, meetings, slabs, rowsPerSlab);
  std::optional<SteadyValues> steady = findSteadyValues(values, whole);
  if (!steady)
    return std::nullopt;
  std::optional<CirclePlan> found =
      planCircle(values, meetings, slabs, rowsPerSlab, mostWork, *steady);
  if (!found)
    return std::nullopt;
  const Circle &circle = found->circle;
  llvm::ArrayRef<SlabRows> places = found->plan.places;
  auto likeOf = [&](size_t value) {
    return (value + circle.count - circle.first % circle.count) % circle.count;
  };
  auto placeOf = [&](size_t value) { return places[likeOf(value)]; };
  RowPlanner::Pattern pattern;
  pattern.isFirm = true;
  for (size_t v = circle.first; v < circle.first + circle.count; ++v) {
    llvm::SmallVector<SlabRows, 4> &alike =
        pattern.alike[whole.signature(unsigned(v))];
    if (!llvm::is_contained(alike, placeOf(v)))
      alike.push_back(placeOf(v));
  }
  std::vector<LiveValue> placed(values.begin(), values.end());
  for (auto [v, place] :
       llvm::zip_equal(circle.longLived, places.drop_front(circle.count)))
    placed[v].fixed = place;
  // What comes before and after may need some of their rows.
  std::optional<MemoryPlan> best;
  for (size_t lead = 0; lead <= mostEdge && !best; ++lead)
    for (size_t trail = 0; trail <= mostEdge; ++trail) {
      const size_t first = steady->first + lead * steady->period,
                   end = steady->end - trail * steady->period;
      pattern.places.clear();
      for (size_t v = 0; v < values.size(); ++v) {
        if (v < steady->first && placed[v].fixed)
          continue;
        const bool isLike = v + circle.count >= first &&
                            v < end + circle.count &&
                            values[v].rows == circle.values[likeOf(v)].rows;
        if (steady->contains(v))
          placed[v].fixed =
              v >= first && v < end ? std::optional(placeOf(v)) : std::nullopt;
        // Others are like these as far as their sizes are.
        if (!placed[v].fixed && isLike)
          pattern.places[unsigned(v)] = placeOf(v);
      }
      RowPlanner planner(placed, meetings, slabs, rowsPerSlab);
      if (planner.run(pattern))
        continue;
      planner.improve(mostWork);
      if (!best ||
          double(planner.totalCycles()) < worthEdge * double(best->cycles()))
        best = planner.plan();
    }
  return best;
}

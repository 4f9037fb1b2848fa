//===- SteadyState.cpp - The period of a schedule -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/SteadyState.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cassert>
#include <vector>

using namespace fetta;

/// Kinds in a row whose return is a sign of a period: enough that a piece of
/// one contraction's surroundings is not taken for another's.
static constexpr size_t kWindow = 6;
/// Periods that are tried: the true one is among the most frequent distances
/// unless nearly all of it is made of shorter repetitions.
static constexpr size_t kCandidates = 24;

/// Distances after which windows of kinds come again, most frequent first.
static std::vector<size_t> findCandidates(llvm::ArrayRef<PeriodicStep> steps) {
  llvm::DenseMap<uint64_t, size_t> last;
  llvm::DenseMap<size_t, size_t> times;
  for (size_t i = 0; i + kWindow <= steps.size(); ++i) {
    uint64_t hash = 0;
    for (const PeriodicStep &step : steps.slice(i, kWindow))
      hash = (hash ^ step.kind) * 0x9e3779b97f4a7c15u + (hash >> 29);
    // The map keeps its two largest keys for itself.
    auto [it, isNew] = last.try_emplace(hash >> 1, i);
    if (!isNew) {
      ++times[i - it->second];
      it->second = i;
    }
  }
  std::vector<std::pair<size_t, size_t>> order(times.begin(), times.end());
  llvm::sort(order, [](auto a, auto b) {
    return std::pair(b.second, a.first) < std::pair(a.second, b.first);
  });
  std::vector<size_t> periods;
  for (auto [distance, count] : order)
    if (periods.size() < kCandidates && distance <= steps.size() / 2)
      periods.push_back(distance);
  return periods;
}

namespace {
/// How a step relates to the one a period later.
struct Step {
  bool alike = false;
  uint32_t fixed = 0;  ///< Operands that are the same value.
  int64_t advance = 0; ///< Of the offset.
  int64_t latest = -1; ///< Step that makes the latest of the fixed operands.
  bool operator==(const Step &o) const {
    return alike == o.alike && fixed == o.fixed && advance == o.advance;
  }
};
} // namespace

static Step relate(llvm::ArrayRef<PeriodicStep> steps, size_t i,
                   size_t period) {
  const PeriodicStep &now = steps[i], &later = steps[i + period];
  Step step;
  if (now.kind != later.kind || now.chained != later.chained ||
      now.sources.size() != later.sources.size() || now.offset > later.offset)
    return step;
  step.advance = later.offset - now.offset;
  for (size_t k = 0; k < now.sources.size(); ++k) {
    int64_t source = now.sources[k];
    bool isChained = now.chained >> k & 1;
    if (source == later.sources[k] && !isChained) {
      step.fixed |= 1u << k;
      step.latest = std::max(step.latest, source);
    } else if (source < 0 || later.sources[k] != source + int64_t(period) ||
               int64_t(i) - source > int64_t(period)) {
      return step;
    }
  }
  step.alike = true;
  return step;
}

/// The steady state of this period that covers most.
static std::optional<SteadyState> findBest(llvm::ArrayRef<PeriodicStep> steps,
                                           size_t period) {
  assert(period > 0 && "a step comes again after another one");
  std::optional<SteadyState> best;
  // Steps from `begin` on, up to here, are alike those a period later.
  size_t begin = 0;
  auto close = [&](size_t end) {
    if (end < begin + period)
      return;
    SteadyState run{begin, period, (end + period - begin) / period};
    if (!best || run.count > best->count)
      best = run;
  };
  std::vector<Step> relations(steps.size() - period);
  for (size_t i = 0; i + period < steps.size(); ++i) {
    Step step = relations[i] = relate(steps, i, period);
    size_t from = begin;
    if (!step.alike)
      from = i + 1;
    else if (i >= begin + period && !(relations[i - period] == step))
      from = i - period + 1;
    // What stays the same is made before.
    if (step.alike && step.latest >= int64_t(from))
      from = size_t(step.latest) + 1;
    if (from != begin) {
      close(i);
      begin = from;
    }
  }
  close(steps.size() - period);
  return best;
}

std::optional<SteadyState>
fetta::findSteadyState(llvm::ArrayRef<PeriodicStep> steps,
                       llvm::ArrayRef<size_t> periods) {
  std::vector<size_t> candidates;
  if (periods.empty())
    candidates = findCandidates(steps);
  for (size_t period : periods)
    if (period > 0 && period <= steps.size() / 2)
      candidates.push_back(period);
  std::vector<SteadyState> found;
  size_t most = 0;
  for (size_t period : candidates)
    if (std::optional<SteadyState> state = findBest(steps, period)) {
      found.push_back(*state);
      most = std::max(most, state->period * state->count);
    }
  std::optional<SteadyState> best;
  for (const SteadyState &state : found)
    if (state.period * state.count * 4 >= most * 3 &&
        (!best || state.period < best->period))
      best = state;
  return best;
}

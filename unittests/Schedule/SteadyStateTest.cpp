//===- SteadyStateTest.cpp - Periods against their definition -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/SteadyState.h"

#include "gtest/gtest.h"

#include <random>

using namespace fetta;

namespace {

/// The definition, step by step.
bool isSteady(llvm::ArrayRef<PeriodicStep> steps, const SteadyState &state) {
  if (state.count < 2 || state.period == 0 || state.end() > steps.size())
    return false;
  for (size_t b = 0; b < state.period; ++b) {
    const PeriodicStep &first = steps[state.begin + b];
    int64_t advance =
        steps[state.begin + state.period + b].offset - first.offset;
    if (advance < 0)
      return false;
    for (size_t k = 0; k < first.sources.size(); ++k) {
      // One source for all, or one distance for all.
      bool fixed = first.sources[k] < int64_t(state.begin);
      bool moving =
          first.sources[k] >= 0 &&
          first.sources[k] + int64_t(state.period) >= int64_t(state.begin + b);
      for (size_t n = 0; n < state.count; ++n) {
        size_t i = state.begin + n * state.period + b;
        if (steps[i].sources.size() != first.sources.size())
          return false;
        fixed &= steps[i].sources[k] == first.sources[k];
        moving &=
            steps[i].sources[k] == first.sources[k] + int64_t(n * state.period);
      }
      if (!moving && (!fixed || (first.chained >> k & 1)))
        return false;
    }
    for (size_t n = 0; n < state.count; ++n) {
      const PeriodicStep &step = steps[state.begin + n * state.period + b];
      if (step.kind != first.kind || step.chained != first.chained ||
          step.offset != first.offset + int64_t(n) * advance)
        return false;
    }
  }
  return true;
}

/// `before` steps of kinds of their own, `count` periods, `behind` more steps.
/// A period holds a load that is used a step later, a chain from period to
/// period, and what reads a step from the beginning.
std::vector<PeriodicStep> makeSteps(size_t before, size_t period, size_t count,
                                    size_t behind, std::mt19937 &random) {
  std::vector<PeriodicStep> steps;
  uint32_t own = 1000;
  auto addOwn = [&] {
    PeriodicStep step;
    step.kind = own++;
    step.sources = {-1};
    steps.push_back(step);
  };
  for (size_t i = 0; i < before; ++i)
    addOwn();
  std::vector<uint32_t> kinds;
  std::vector<unsigned> forms;
  for (size_t b = 0; b < period; ++b) {
    // Few kinds, so that periods are not told by one step alone.
    kinds.push_back(random() % 4);
    forms.push_back(random() % 4);
  }
  for (size_t n = 0; n < count; ++n)
    for (size_t b = 0; b < period; ++b) {
      PeriodicStep step;
      int64_t i = steps.size();
      step.kind = kinds[b] * 4 + forms[b];
      if (forms[b] == 0) {
        step.offset = int64_t(n * 64 + b);
        step.sources = {-2};
      } else if (forms[b] == 1) {
        step.sources = {i - 1, 0};
      } else if (forms[b] == 2) {
        step.sources = {i - int64_t(period)};
        step.chained = 1;
      } else {
        step.sources = {i - 1, i - int64_t(period), -3};
      }
      steps.push_back(step);
    }
  for (size_t i = 0; i < behind; ++i)
    addOwn();
  return steps;
}

TEST(SteadyState, FindsWhatWasPlanted) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    size_t period = 6 + random() % 60, count = 2 + random() % 5;
    size_t before = period + random() % 100, behind = random() % 100;
    std::vector<PeriodicStep> steps =
        makeSteps(before, period, count, behind, random);
    std::optional<SteadyState> state = findSteadyState(steps);
    ASSERT_TRUE(state);
    EXPECT_TRUE(isSteady(steps, *state));
    // What repeats within the period repeats in all of it, or is shorter than
    // three quarters of what was planted.
    EXPECT_GE(state->period * state->count * 4, period * count * 3);
    EXPECT_LE(state->period, period);
  }
}

TEST(SteadyState, IsBrokenByWhatDiffers) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    size_t period = 8 + random() % 20, count = 6;
    std::vector<PeriodicStep> steps =
        makeSteps(period, period, count, 5, random);
    // A step of the last period but one.
    size_t at = period + period * (count - 2) + random() % period;
    PeriodicStep &step = steps[at];
    switch (random() % 4) {
    case 0:
      step.kind = 5000;
      break;
    case 1:
      step.offset += 3;
      break;
    case 2:
      step.sources[0] = -9;
      break;
    default:
      step.sources.push_back(-9);
      break;
    }
    std::optional<SteadyState> state = findSteadyState(steps);
    ASSERT_TRUE(state);
    EXPECT_TRUE(isSteady(steps, *state));
    EXPECT_TRUE(state->end() <= at || state->begin > at);
  }
}

TEST(SteadyState, StartsBehindWhatStaysTheSame) {
  // Each step reads the fourth one, whose like comes again as well.
  std::vector<PeriodicStep> steps;
  for (int64_t n = 0; n < 6; ++n)
    for (uint32_t b = 0; b < 8; ++b) {
      PeriodicStep step;
      step.kind = b;
      step.sources = {n == 0 && b <= 3 ? -1 : 3};
      steps.push_back(step);
    }
  std::optional<SteadyState> state = findSteadyState(steps);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->begin, 4u);
  EXPECT_EQ(state->period, 8u);
  EXPECT_EQ(state->count, 5u);
}

TEST(SteadyState, TriesGivenPeriods) {
  // A matrix that is walked in an inner loop, once for each turn of an outer
  // one: within a turn, a step of the inner loop is steady; the outer loop
  // covers no more than that here.
  for (int64_t inner = 2; inner <= 8; ++inner) {
    SCOPED_TRACE(inner);
    std::vector<PeriodicStep> steps;
    for (int64_t n = 0; n < 3; ++n)
      for (int64_t m = 0; m < inner; ++m)
        for (uint32_t b = 0; b < 7; ++b) {
          PeriodicStep step;
          step.kind = b;
          step.offset = m * 512 + (b == 0 ? n * 65536 : 0);
          step.sources = {-1};
          steps.push_back(step);
        }
    const size_t turn = size_t(7 * inner);
    std::optional<SteadyState> state =
        findSteadyState(steps, {0, turn, 2 * turn});
    ASSERT_TRUE(state);
    EXPECT_TRUE(isSteady(steps, *state));
    EXPECT_EQ(state->period, turn);
    EXPECT_EQ(state->count, 3u);
    // More than half of the list, and what no step has a like at.
    EXPECT_FALSE(findSteadyState(steps, {2 * turn}));
    EXPECT_FALSE(findSteadyState(steps, {turn + 1}));
  }
}

TEST(SteadyState, NeedsTwoPeriods) {
  unsigned seed = 1;
  std::mt19937 random(seed);
  EXPECT_FALSE(findSteadyState({}));
  EXPECT_FALSE(findSteadyState(makeSteps(40, 20, 1, 40, random)));
  // Offsets that go back.
  std::vector<PeriodicStep> steps;
  for (int64_t n = 0; n < 4; ++n)
    for (uint32_t b = 0; b < 8; ++b) {
      PeriodicStep step;
      step.kind = b;
      step.offset = -n;
      steps.push_back(step);
    }
  EXPECT_FALSE(findSteadyState(steps));
  // Distances of more than a period.
  for (size_t i = 0; i < steps.size(); ++i) {
    steps[i].offset = 0;
    steps[i].sources = {i < 9 ? -1 : int64_t(i) - 9};
  }
  EXPECT_FALSE(findSteadyState(steps));
}

} // namespace

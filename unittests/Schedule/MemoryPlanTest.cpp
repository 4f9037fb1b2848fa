//===- MemoryPlanTest.cpp - Rows, slabs and lifetimes ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/MemoryPlan.h"

#include "gtest/gtest.h"

#include <array>
#include <random>

using namespace fetta;

namespace {

LiveValue value(int64_t rows, int64_t begin, int64_t end) {
  LiveValue v;
  v.rows = rows;
  v.begin = begin;
  v.end = end;
  return v;
}

/// Every (slab, row, position) is taken at most once.
void expectDisjoint(llvm::ArrayRef<LiveValue> values, const MemoryPlan &plan,
                    int64_t rowsPerSlab) {
  for (size_t a = 0; a < values.size(); ++a) {
    EXPECT_GE(plan.places[a].row, 0);
    EXPECT_LE(plan.places[a].row + values[a].rows, rowsPerSlab);
    for (size_t b = 0; b < a; ++b) {
      bool time =
          values[a].begin <= values[b].end && values[b].begin <= values[a].end;
      bool rows = plan.places[a].slab == plan.places[b].slab &&
                  plan.places[a].row < plan.places[b].row + values[b].rows &&
                  plan.places[b].row < plan.places[a].row + values[a].rows;
      EXPECT_FALSE(time && rows) << a << " and " << b;
    }
  }
}

} // namespace

TEST(MemoryPlan, TensorsOfAContractionInDifferentSlabs) {
  std::vector<LiveValue> values = {value(8, 0, 3), value(8, 0, 3),
                                   value(8, 0, 3)};
  auto result = planMemory(values, {{0, 1, 5}, {1, 2, 5}, {0, 2, 5}}, 4, 8);
  const auto &plan = std::get<MemoryPlan>(result);
  EXPECT_EQ(plan.conflictCycles, 0);
  EXPECT_NE(plan.places[0].slab, plan.places[1].slab);
  EXPECT_NE(plan.places[1].slab, plan.places[2].slab);
  EXPECT_NE(plan.places[0].slab, plan.places[2].slab);
}

TEST(MemoryPlan, StreamedValuesInTheLastSlab) {
  std::vector<LiveValue> values = {value(8, 0, 3), value(8, 0, 3)};
  values[0].streamed = true;
  auto plan = std::get<MemoryPlan>(planMemory(values, {}, 4, 8));
  EXPECT_EQ(plan.places[0].slab, 3);
  EXPECT_NE(plan.places[1].slab, 3);
}

TEST(MemoryPlan, DeadRowsAreUsedAgain) {
  // Ten values of a whole slab, one after the other.
  std::vector<LiveValue> values;
  values.reserve(10);
  for (int64_t i = 0; i < 10; ++i)
    values.push_back(value(8, 2 * i, 2 * i + 1));
  auto result = planMemory(values, {}, 1, 8);
  expectDisjoint(values, std::get<MemoryPlan>(result), 8);
  // What dies in the position in which another is born shares none.
  values[1].begin = 1;
  auto shortage = std::get<MemoryShortage>(planMemory(values, {}, 1, 8));
  EXPECT_FALSE(shortage.fragmented);
  EXPECT_EQ(shortage.missing, 8);
  EXPECT_EQ(shortage.liveRows, 16);
  EXPECT_EQ(shortage.position, 1);
}

TEST(MemoryPlan, FixedPlacesStay) {
  std::vector<LiveValue> values = {value(4, 0, 9), value(3, 0, 9),
                                   value(3, 2, 5)};
  values[0].fixed = SlabRows{0, 3};
  auto plan = std::get<MemoryPlan>(planMemory(values, {}, 1, 10));
  EXPECT_EQ(plan.places[0], (SlabRows{0, 3}));
  expectDisjoint(values, plan, 10);
}

TEST(MemoryPlan, NotInOnePiece) {
  std::vector<LiveValue> values = {value(2, 0, 9), value(5, 0, 9)};
  values[0].fixed = SlabRows{0, 4};
  auto shortage = std::get<MemoryShortage>(planMemory(values, {}, 1, 10));
  EXPECT_TRUE(shortage.fragmented);
  EXPECT_EQ(shortage.value, 1u);
  EXPECT_EQ(shortage.missing, 1);
}

TEST(MemoryPlan, RandomPrograms) {
  unsigned fitted = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<LiveValue> values;
    std::vector<Meeting> meetings;
    for (unsigned i = 0; i < 60; ++i) {
      int64_t begin = int64_t(i) - int64_t(random() % 3);
      values.push_back(
          value(1 + int64_t(random() % 6), begin, i + int64_t(random() % 8)));
      for (unsigned other = i >= 2 ? i - 2 : 0; other < i; ++other)
        meetings.push_back({i, other, 1 + int64_t(random() % 9)});
    }
    auto result = planMemory(values, meetings, 4, 16);
    if (auto *plan = std::get_if<MemoryPlan>(&result)) {
      ++fitted;
      expectDisjoint(values, *plan, 16);
      int64_t conflicts = 0;
      for (const Meeting &m : meetings)
        if (plan->places[m.a].slab == plan->places[m.b].slab)
          conflicts += m.cycles;
      EXPECT_EQ(plan->conflictCycles, conflicts);
    }
  }
  EXPECT_GT(fitted, 50u);
}

/// Cycles of meetings in one slab, and of rows that pass to or from a transfer
/// with at most 12 positions between: all of them at once, less for each
/// position between.
std::pair<int64_t, int64_t> costOf(llvm::ArrayRef<LiveValue> values,
                                   llvm::ArrayRef<Meeting> meetings,
                                   llvm::ArrayRef<SlabRows> places) {
  int64_t conflicts = 0, waits = 0;
  for (const Meeting &m : meetings)
    if (m.a != m.b && places[m.a].slab == places[m.b].slab)
      conflicts += m.cycles;
  for (size_t a = 0; a < values.size(); ++a)
    for (size_t b = 0; b < values.size(); ++b) {
      int64_t gap = values[b].begin - values[a].end;
      if (gap >= 1 && gap <= 12 && places[a].slab == places[b].slab &&
          places[a].row < places[b].row + values[b].rows &&
          places[b].row < places[a].row + values[a].rows)
        waits +=
            (values[a].storeCycles + values[b].loadCycles) * (13 - gap) / 12;
    }
  return {conflicts, waits};
}

/// Values like those of slices: each step makes one and reads the two before.
std::vector<LiveValue> chain(std::mt19937 &random, unsigned count, int64_t rows,
                             std::vector<Meeting> &meetings) {
  std::vector<LiveValue> values;
  for (unsigned i = 0; i < count; ++i) {
    values.push_back(value(1 + int64_t(random()) % rows, i, i + 2));
    if (random() % 4 == 0)
      values.back().loadCycles = 20;
    if (random() % 4 == 0)
      values.back().storeCycles = 20;
    for (unsigned other = i < 2 ? 0 : i - 2; other < i; ++other)
      meetings.push_back({i, other, 1 + int64_t(random() % 9)});
  }
  return values;
}

TEST(MemoryPlan, RowsRestAroundTransfers) {
  // Rows 0-3 were free a position ago, 4-7 always.
  std::vector<LiveValue> values = {value(4, 0, 3), value(4, 5, 6)};
  auto plan = std::get<MemoryPlan>(planMemory(values, {}, 1, 8));
  EXPECT_EQ(plan.places[1], (SlabRows{0, 0}));
  values[1].loadCycles = 10;
  plan = std::get<MemoryPlan>(planMemory(values, {}, 1, 8));
  EXPECT_EQ(plan.places[1], (SlabRows{0, 4}));
  EXPECT_EQ(plan.cycles(), 0);
  values[1].loadCycles = 0;
  values[0].storeCycles = 10;
  plan = std::get<MemoryPlan>(planMemory(values, {}, 1, 8));
  EXPECT_EQ(plan.places[1], (SlabRows{0, 4}));
  // What only contractions use passes at once; so does all without room.
  plan = std::get<MemoryPlan>(planMemory(values, {}, 1, 4));
  EXPECT_EQ(plan.waitCycles, 10 * 11 / 12);
  values[0].storeCycles = 0;
  plan = std::get<MemoryPlan>(planMemory(values, {}, 1, 4));
  EXPECT_EQ(plan.waitCycles, 0);
}

// Few values, with every assignment to slabs: first fit alone, and with moves.
TEST(MemoryPlan, AgainstEveryColouring) {
  unsigned optimal = 0, worse = 0, count = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<Meeting> meetings;
    std::vector<LiveValue> values = chain(random, 8, 1, meetings);
    for (LiveValue &v : values) {
      v.loadCycles = v.storeCycles = 0;
      v.end += int64_t(random() % 4);
    }
    for (unsigned n = 0; n < 6; ++n)
      meetings.push_back({unsigned(random() % 8), unsigned(random() % 8),
                          int64_t(random() % 9)});
    const int64_t rows = 3;
    auto first = planMemory(values, meetings, 2, rows, /*mostWork=*/0);
    auto result = planMemory(values, meetings, 2, rows);
    auto *plan = std::get_if<MemoryPlan>(&result);
    if (!plan)
      continue;
    expectDisjoint(values, *plan, rows);
    // Values of one row never lie in each other's way.
    int64_t least = INT64_MAX;
    for (unsigned colours = 0; colours < 256; ++colours) {
      bool fits = true;
      for (int64_t position = 0; position < 14; ++position) {
        std::array<int64_t, 2> alive = {};
        for (unsigned v = 0; v < 8; ++v)
          if (values[v].begin <= position && position <= values[v].end)
            ++alive[colours >> v & 1];
        fits &= alive[0] <= rows && alive[1] <= rows;
      }
      int64_t conflicts = 0;
      for (const Meeting &m : meetings)
        if (m.a != m.b && (colours >> m.a & 1) == (colours >> m.b & 1))
          conflicts += m.cycles;
      if (fits)
        least = std::min(least, conflicts);
    }
    ++count;
    ASSERT_GE(plan->conflictCycles, least);
    optimal += plan->conflictCycles == least;
    if (auto *before = std::get_if<MemoryPlan>(&first)) {
      EXPECT_LE(plan->conflictCycles, before->conflictCycles);
      worse += before->conflictCycles > least;
    }
  }
  EXPECT_GT(count, 100u);
  EXPECT_GE(optimal, count * 7 / 10) << "of " << count;
  EXPECT_GT(worse, count / 5) << "first fit alone leaves something to do";
}

TEST(MemoryPlan, CostsAreThoseOfThePlaces) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<Meeting> meetings;
    std::vector<LiveValue> values = chain(random, 50, 6, meetings);
    auto result = planMemory(values, meetings, 3, 9);
    auto *plan = std::get_if<MemoryPlan>(&result);
    if (!plan)
      continue;
    expectDisjoint(values, *plan, 9);
    EXPECT_EQ(std::pair(plan->conflictCycles, plan->waitCycles),
              costOf(values, meetings, plan->places));
  }
}

// Slices: three tensors that meet, and one that meets all and lives for ever.
TEST(MemoryPlan, LongProgramsRepeat) {
  std::vector<LiveValue> values = {value(6, 0, 3 * 200)};
  std::vector<Meeting> meetings;
  for (unsigned slice = 0; slice < 200; ++slice)
    for (unsigned n = 0; n < 3; ++n) {
      unsigned v = unsigned(values.size());
      values.push_back(value(4, 3 * slice + n, 3 * slice + n + 2));
      meetings.push_back({0, v, 5});
      for (unsigned before = 1; before <= 2 && before < v; ++before)
        meetings.push_back({v - before, v, 5});
    }
  auto plan = std::get<MemoryPlan>(planMemory(values, meetings, 4, 8));
  expectDisjoint(values, plan, 8);
  EXPECT_EQ(plan.conflictCycles, 0);
  // All of them alive together: no part is smaller.
  for (LiveValue &v : values)
    v.begin = 0, v.end = 600;
  plan = std::get<MemoryPlan>(planMemory(values, meetings, 4, 640));
  expectDisjoint(values, plan, 640);
}

// Slices of random values after and before others: where there is a plan, it is
// one, and from the second slice on to the last but one, places repeat.
TEST(MemoryPlan, SteadyPlacesRepeat) {
  unsigned planned = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const unsigned slices = 16, each = 3 + seed % 4, edge = 3;
    std::vector<LiveValue> values;
    std::vector<Meeting> meetings;
    const int64_t end = edge + slices * each + edge;
    for (unsigned v = 0; v < edge; ++v) // For ever, or until the slices begin.
      values.push_back(value(1 + int64_t(random() % 4), v, v ? end : 2 * edge));
    std::vector<LiveValue> slice;
    for (unsigned v = 0; v < each; ++v) {
      slice.push_back(value(1 + int64_t(random() % 5), v,
                            v + 1 + int64_t(random() % (2 * each))));
      if (random() % 3 == 0)
        slice.back().loadCycles = 20;
    }
    for (unsigned s = 0; s < slices; ++s)
      for (unsigned v = 0; v < each; ++v) {
        const auto number = unsigned(values.size());
        values.push_back(slice[v]);
        values.back().begin += edge + s * each;
        values.back().end = std::min(end, values.back().end + edge + s * each);
        meetings.push_back({number - 1, number, 4 + v});
        meetings.push_back({1, number, 2});
        meetings.push_back({1, 2, 3});
      }
    for (unsigned v = 0; v < edge; ++v)
      values.push_back(value(1 + int64_t(random() % 5), end - edge + v, end));
    std::optional<MemoryPlan> plan = planSteadyMemory(values, meetings, 3, 12);
    if (!plan)
      continue;
    ++planned;
    expectDisjoint(values, *plan, 12);
    EXPECT_EQ(std::pair(plan->conflictCycles, plan->waitCycles),
              costOf(values, meetings, plan->places));
    bool repeats = false;
    for (unsigned period : {1u, 2u, 4u}) {
      bool all = true;
      for (unsigned v = edge + 4 * each;
           v + period * each < edge + (slices - 4) * each; ++v)
        all &= plan->places[v] == plan->places[v + period * each];
      repeats |= all;
    }
    EXPECT_TRUE(repeats);
  }
  EXPECT_GT(planned, 20u);
  // What does not repeat has none.
  const unsigned seed = 1;
  std::mt19937 random(seed);
  std::vector<Meeting> meetings;
  EXPECT_FALSE(
      planSteadyMemory(chain(random, 60, 6, meetings), meetings, 4, 64));
}

// One value of each slice, behind that of the slice before: if it lay in the
// same rows, transfers would wait, or the two would meet in their slab.
TEST(MemoryPlan, SteadyPlacesKeepLikesApart) {
  const unsigned slices = 16;
  const int64_t length = 14;
  std::vector<LiveValue> values;
  std::vector<Meeting> meetings;
  for (unsigned s = 0; s < slices; ++s) {
    values.push_back(value(4, length * s, length * s + length - 1));
    if (s > 0)
      meetings.push_back({s - 1, s, 5});
  }
  auto expectPeriod = [&](const std::optional<MemoryPlan> &plan,
                          unsigned period) {
    ASSERT_TRUE(plan);
    for (unsigned v = 0; v + period < slices; ++v) {
      EXPECT_EQ(plan->places[v], plan->places[v + period]) << v;
      EXPECT_EQ(plan->places[v] == plan->places[v + 1], period == 1) << v;
    }
  };
  // Meetings: slabs in turn.
  std::optional<MemoryPlan> plan = planSteadyMemory(values, meetings, 2, 4);
  expectPeriod(plan, 2);
  EXPECT_EQ(plan->cycles(), 0);
  expectPeriod(planSteadyMemory(values, {}, 2, 4), 1);
  // Transfers: rows in turn, where there are any.
  for (bool loads : {true, false}) {
    for (LiveValue &v : values) {
      v.loadCycles = loads ? 24 : 0;
      v.storeCycles = loads ? 0 : 24;
    }
    plan = planSteadyMemory(values, {}, 1, 8);
    expectPeriod(plan, 2);
    EXPECT_EQ(plan->cycles(), 0);
    plan = planSteadyMemory(values, {}, 1, 4);
    expectPeriod(plan, 1);
    EXPECT_EQ(plan->cycles(), 24 * (slices - 1));
  }
}

TEST(MemoryPlan, Picture) {
  // Slab 0: rows 0-3 in positions 0-1, rows 2-3 in 2; slab 1 empty.
  std::vector<LiveValue> values = {value(4, 0, 1), value(2, 2, 2)};
  std::string text =
      drawOccupancy(values, {{0, 0}, {0, 2}}, 2, 8, 4, /*width=*/4,
                    /*height=*/2);
  EXPECT_EQ(text, "slab 0: at most 4 of 8 rows alive (50 %)\n"
                  "     2 |### |\n"
                  "     0 |##  |\n"
                  "slab 1: at most 0 of 8 rows alive (0 %)\n"
                  "     2 |    |\n"
                  "     0 |    |\n"
                  "columns: 1 instructions each, in program order; lines: 2 "
                  "rows each; occupied: '.' below 1/3, ':' 2/3, '+' more, '#' "
                  "all\n");
}

//===- MemoryPlanTest.cpp - Rows, slabs and lifetimes ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/MemoryPlan.h"

#include "gtest/gtest.h"

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

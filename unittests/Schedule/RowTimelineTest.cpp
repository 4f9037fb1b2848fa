//===- RowTimelineTest.cpp - Values by time, against a list ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowTimeline.h"

#include "gtest/gtest.h"

#include <random>

using namespace fetta;

namespace {

/// Values that come and go, of all lengths of life: what a search finds is what
/// a look at all of them finds, and each once.
TEST(RowTimeline, FindsWhatAListFinds) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    auto number = [&](int64_t low, int64_t high) {
      return std::uniform_int_distribution<int64_t>(low, high)(random);
    };
    const int64_t first = -number(0, 300), last = number(0, 3000);
    RowTimeline timeline;
    timeline.clear(first, last);
    std::vector<RowTimeline::Occupant> list;
    auto someLife = [&] {
      int64_t begin = number(first, last);
      return std::pair(
          begin,
          std::min(last, begin + (int64_t(1) << number(0, 12)) - number(0, 1)));
    };
    for (unsigned value = 0; value < 300; ++value) {
      auto [begin, end] = someLife();
      list.push_back({begin, end, 0, 1, value, false, false});
      timeline.insert(list.back());
      if (number(0, 2) == 0) {
        auto gone = list.begin() + number(0, int64_t(list.size()) - 1);
        timeline.erase(*gone);
        list.erase(gone);
      }
      auto [from, to] = someLife();
      // Searches may reach over both ends.
      from -= number(0, 20);
      to += number(0, 20);
      std::vector<unsigned> expected, found;
      for (const RowTimeline::Occupant &o : list)
        if (o.begin <= to && from <= o.end)
          expected.push_back(o.value);
      timeline.forEachIn(from, to, [&](const RowTimeline::Occupant &o) {
        found.push_back(o.value);
      });
      std::sort(found.begin(), found.end());
      ASSERT_EQ(found, expected) << from << " to " << to;
    }
  }
}

} // namespace

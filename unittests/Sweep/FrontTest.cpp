//===- FrontTest.cpp - Pareto fronts against all pairs --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/Front.h"

#include "gtest/gtest.h"

#include <random>

using namespace fetta;

namespace {

bool beats(const FrontFigures &a, const FrontFigures &b) {
  bool smaller = false;
  for (unsigned i = 0; i < 3; ++i) {
    if (a[i] > b[i])
      return false;
    smaller |= a[i] < b[i];
  }
  return smaller;
}

TEST(ParetoFront, RandomPointsAgainstAllPairs) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    // Few values make ties and equal points.
    int values = seed % 2 ? 4 : 1000;
    std::vector<FrontFigures> points(seed % 90);
    for (FrontFigures &point : points)
      for (double &figure : point)
        figure = double(random() % unsigned(values));
    std::vector<bool> front = paretoFront(points);
    ASSERT_EQ(front.size(), points.size());
    for (size_t i = 0; i < points.size(); ++i) {
      bool beaten = false;
      for (const FrontFigures &other : points)
        beaten |= beats(other, points[i]);
      EXPECT_EQ(front[i], !beaten) << "seed " << seed << " point " << i;
    }
  }
}

} // namespace

//===- EnergyComparisonTest.cpp - Which of two runs takes less energy -----===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Energy.h"

#include "gtest/gtest.h"

#include <random>

using namespace fetta;

namespace {

double energy(const EnergyWeights &weights, const std::vector<double> &values) {
  double sum = 0;
  for (unsigned i = 0; i < numEnergyEvents; ++i)
    sum += weights[i] * values[i];
  return sum;
}

// All corners of the box of ranges: the difference is linear in each entry, so
// its extremes are there. Eight entries differ; the others weigh nothing.
TEST(CompareEnergy, IsTheExtremesOverAllCorners) {
  constexpr unsigned used = 8;
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    auto uniform = [&](double from, double to) {
      return std::uniform_real_distribution<double>(from, to)(random);
    };
    EnergyWeights a = {}, b = {};
    EnergyRanges table = {}, other;
    for (unsigned i = 0; i < used; ++i) {
      a[i] = uniform(0, 1000);
      b[i] = seed % 3 ? uniform(0, 1000) : a[i] * uniform(0.9, 1.5);
      table[i].low = uniform(0, 1);
      table[i].nominal = table[i].low + uniform(0, 1);
      table[i].high = table[i].nominal + uniform(0, 1);
    }
    other = table;
    // In every other run the sides disagree about one entry: two unknowns.
    bool apart = seed % 2;
    if (apart)
      other[3] = {1, 0.5, 4};
    EnergyComparison found = compareEnergy(a, table, b, other);

    double least = 1e30, most = -1e30;
    for (unsigned corner = 0; corner < 1u << (used + 1); ++corner) {
      std::vector<double> x(numEnergyEvents, 0), y;
      for (unsigned i = 0; i < used; ++i)
        x[i] = corner >> i & 1 ? table[i].high : table[i].low;
      y = x;
      if (apart)
        y[3] = corner >> used & 1 ? other[3].high : other[3].low;
      double difference = energy(b, y) - energy(a, x);
      least = std::min(least, difference);
      most = std::max(most, difference);
    }
    EXPECT_NEAR(found.difference.low, least, 1e-6) << "seed " << seed;
    EXPECT_NEAR(found.difference.high, most, 1e-6) << "seed " << seed;
    EXPECT_EQ(found.certain(), least > 0 || most < 0) << "seed " << seed;
  }
}

// The ranges of the two energies overlap widely, but A does less of everything:
// no table turns that round.
TEST(CompareEnergy, OverlappingRangesMayBeCertain) {
  EnergyTable table = llvm::cantFail(EnergyTable::preset("tpu7nm"));
  EnergyRanges ranges = rangesOf(table);
  EnergyWeights a = {}, b = {};
  a[0] = a[6] = 100;
  b[0] = b[6] = 110;
  EnergyComparison c = compareEnergy(a, ranges, b, ranges);
  EXPECT_TRUE(c.certain());
  EXPECT_GT(100 * ranges[6].high, 110 * ranges[6].low);
  // More of one thing, less of another: the table decides.
  b[6] = 99;
  c = compareEnergy(a, ranges, b, ranges);
  EXPECT_FALSE(c.certain());
  EXPECT_EQ(c.widest, EnergyEvent::MemoryMacroRead);
}

TEST(CompareEnergy, StaticPowerWeighsTime) {
  Machine machine;
  EnergyTable table = llvm::cantFail(EnergyTable::preset("tpu7nm"));
  Counters counters;
  counters.multiplyAdds = 7;
  EnergyWeights weights = energyWeights(counters, machine, 50);
  EXPECT_EQ(weights[size_t(EnergyEvent::MultiplyBF16)], 7);
  EXPECT_EQ(weights[size_t(EnergyEvent::StaticPE)], 1024 * 50);
  // 1 mW for 1 ns is 1 pJ.
  double sum = energy(weights, [&] {
    std::vector<double> values;
    for (const TableEntry &entry : table.entries)
      values.push_back(entry.value);
    return values;
  }());
  EXPECT_NEAR(sum,
              dynamicEnergy(counters, machine, table).nominal +
                  staticPower(machine, table).nominal * 50,
              1e-6);
}

} // namespace

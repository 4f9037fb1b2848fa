//===- OrderPriceTest.cpp - Prices of contraction orders ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The energy by which contraction orders are searched against the counters of
// mapped contractions, event by event, times the same table.
//
//===----------------------------------------------------------------------===//

#include "fetta/Mapping/MachineCost.h"
#include "fetta/Mapping/Mapping.h"
#include "fetta/Simulator/ClosedCounters.h"
#include "fetta/Simulator/Energy.h"

#include "TestNetworks.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstdlib>
#include <random>

using namespace fetta;
using namespace fetta::test;

TEST(OrderPrice, EnergyAgainstCountersOfMappedContractions) {
  const char *text = std::getenv("FETTA_TEST_SEED");
  uint64_t seed = text ? std::strtoull(text, nullptr, 10) : 812;
  std::printf("seed %llu (FETTA_TEST_SEED)\n", (unsigned long long)seed);
  std::mt19937_64 random(seed);
  Machine machine;
  machine.energyPreset = "tpu7nm";
  EnergyTable table = must(EnergyTable::preset(machine.energyPreset));
  auto model = must(MachineCostModel::create(machine, /*layouts=*/1));
  unsigned count = std::getenv("FETTA_LONG") ? 1000 : 100;
  double logSum = 0, least = 1, most = 1;
  for (unsigned trial = 0; trial < count; ++trial) {
    // Layers of some size: what a small contraction takes is the pipeline.
    ContractionSpec spec;
    StepModes modes;
    static const std::array<bool, 3> groups[] = {
        {true, false, true}, {false, true, true}, {true, true, false},
        {true, false, true}, {false, true, true}, {true, true, false},
        {true, true, true}};
    unsigned numModes = 3 + random() % 4;
    for (unsigned m = 0; m < numModes; ++m) {
      int64_t size = random() % 2 ? int64_t(2) << random() % 5
                                  : int64_t(3 + random() % 20);
      const std::array<bool, 3> &in = groups[m < 3 ? m : random() % 7];
      spec.sizes.push_back(size);
      modes.sizes.push_back(size);
      modes.in.push_back(in);
      for (unsigned id = 0; id < 3; ++id)
        if (in[id])
          spec.modes[id].push_back(m);
    }
    double price = model->estimate(modes, {}).energy;
    MappedContraction mapped = must(mapContraction(spec, machine));
    double counted =
        dynamicEnergy(closedCounters(mapped.nest, machine), machine, table)
            .nominal;
    double ratio = counted / price;
    logSum += std::log(ratio);
    least = std::min(least, ratio);
    most = std::max(most, ratio);
  }
  double mean = std::exp(logSum / count);
  std::printf("counted / price: geometric mean %.4f, %.4f to %.4f\n", mean,
              least, most);
  EXPECT_GT(mean, 1);
  EXPECT_LT(mean, 1.15);
  EXPECT_GT(least, 0.4);
  EXPECT_LT(most, 4);
}

//===- ParetoTest.cpp - Fronts of multiply-adds and memory ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Pareto.h"
#include "LayerSuite.h"
#include "PlanExecutor.h"
#include "TrainingReference.h"

#include "llvm/ADT/Sequence.h"

#include "gtest/gtest.h"

#include <cstdlib>

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

using Pairs = TrainingReference::Pairs;

/// Those that no other beats, ascending.
static Pairs frontOf(Pairs pairs) {
  llvm::sort(pairs);
  Pairs front;
  for (auto pair : pairs)
    if (front.empty() || pair.second < front.back().second)
      front.push_back(pair);
  return front;
}

static Pairs pairsOf(const ParetoFront &front) {
  Pairs pairs;
  for (const ParetoPoint &point : front.points)
    pairs.push_back({static_cast<uint64_t>(point.flops),
                     static_cast<uint64_t>(point.elements)});
  return pairs;
}

TEST(Pareto, StoredAgainstAllTreesAndRetentions) {
  std::mt19937_64 random(31);
  unsigned count = std::getenv("FETTA_LONG") ? 1500 : 100;
  for (unsigned number : seq(count)) {
    SCOPED_TRACE(number);
    ClosedNetwork network = smallNetwork(random, 5);
    TrainingGoal goal = randomGoal(random, network);
    ParetoOptions options;
    options.recompute = random() % 3 != 0;
    options.countWeights = random() % 2;
    Pairs expected = frontOf(TrainingReference(network, goal, options.recompute,
                                               options.countWeights)
                                 .allPairs());
    ParetoFront front = must(searchPareto(network, goal, options));
    EXPECT_EQ(front.epsilon, 0);
    EXPECT_EQ(pairsOf(front), expected);
    options.flopSlack = 30;
    erase_if(expected, [&](auto pair) {
      return static_cast<double>(pair.first) >
             static_cast<double>(expected.front().first) * (1 + 30.0 / 100);
    });
    EXPECT_EQ(pairsOf(must(searchPareto(network, goal, options))), expected);
  }
}

TEST(Pareto, PeakAgainstAllTrees) {
  std::mt19937_64 random(32);
  unsigned count = std::getenv("FETTA_LONG") ? 600 : 60;
  for (unsigned number : seq(count)) {
    SCOPED_TRACE(number);
    ClosedNetwork network = smallNetwork(random, number % 8 == 0 ? 6 : 5);
    TrainingGoal goal = randomGoal(random, network);
    goal.repeats = 1;
    if (random() % 3 == 0)
      goal.gradients.reset();
    Pairs all;
    for (const ContractionTree &tree :
         everyTree(network.numLeaves(), goal.outputLeaf)) {
      TrainingTree training{tree, storeAll(goal, tree)};
      SharedPlan plan = must(planTraining(network, goal, training));
      all.push_back({static_cast<uint64_t>(plan.totalFlops()),
                     static_cast<uint64_t>(
                         must(measureMemory(network, plan, goal)).peak)});
    }
    ParetoOptions options;
    options.axis = MemoryAxis::Peak;
    ParetoFront front = must(searchPareto(network, goal, options));
    EXPECT_EQ(pairsOf(front), frontOf(all));
    for (const ParetoPoint &point : front.points) {
      SharedPlan plan = must(planTraining(network, goal, point.tree));
      PlanExecutor executor(network, plan, goal, 3);
      ASSERT_TRUE(executor.run()) << executor.problem;
      EXPECT_EQ(toString(executor.peak), toString(point.elements));
      EXPECT_EQ(toString(executor.multiplyAdds), toString(point.flops));
    }
  }
}

TEST(Pareto, ApproximateFrontsKeepTheirGuarantee) {
  std::mt19937_64 random(33);
  bool anyDropped = false;
  for (unsigned number : seq(24)) {
    SCOPED_TRACE(number);
    // Two layers with long fronts, then random networks.
    const KnownOptimum &layer = layerSuite[number < 2 ? 8 : 3];
    ClosedNetwork network = number < 4 ? makeClosed(layer.einsum, layer.sizes)
                                       : smallNetwork(random, 8);
    TrainingGoal goal = randomGoal(random, network);
    if (number < 4)
      goal = TrainingGoal::allGradients(network, 0, network.numLeaves() - 1);
    goal.repeats = 1;
    ParetoOptions options;
    options.axis = number % 2 ? MemoryAxis::Peak : MemoryAxis::Stored;
    Pairs exact = pairsOf(must(searchPareto(network, goal, options)));
    options.exactLimit = 0;
    options.epsilon = 0.25;
    ParetoFront front = must(searchPareto(network, goal, options));
    EXPECT_EQ(front.epsilon, 0.25);
    Pairs kept = pairsOf(front);
    anyDropped |= kept.size() < exact.size();
    for (auto [flops, elements] : exact)
      EXPECT_TRUE(any_of(kept,
                         [&](auto pair) {
                           return static_cast<double>(pair.first) <=
                                      1.25 * static_cast<double>(flops) &&
                                  static_cast<double>(pair.second) <=
                                      1.25 * static_cast<double>(elements);
                         }))
          << flops << " " << elements;
  }
  EXPECT_TRUE(anyDropped);
}

TEST(Pareto, LayersWithLittleStoredForFewMultiplyAdds) {
  // Established by another program: elements of activations at the fewest
  // multiply-adds of all gradients, and within 5 %.
  struct Case {
    const char *layer;
    double most, least;
  };
  const Case cases[] = {{"TTM_4096_d6", 2.7e8, 0}, {"TK_4096_d4", 6.7e7, 0}};
  for (const Case &test : cases)
    for (const KnownOptimum &layer : layerSuite) {
      if (StringRef(layer.name) != test.layer)
        continue;
      ClosedNetwork network = makeClosed(layer.einsum, layer.sizes);
      auto goal =
          TrainingGoal::allGradients(network, 0, network.numLeaves() - 1);
      ParetoOptions options;
      options.flopSlack = 5;
      options.recompute = false;
      ParetoFront front = must(searchPareto(network, goal, options));
      EXPECT_NEAR(toDouble(front.points.front().elements), test.most,
                  0.02 * test.most)
          << layer.name;
      EXPECT_EQ(toDouble(front.points.back().elements), test.least)
          << layer.name;
    }
}

TEST(Pareto, RefusesWhatItCannotDo) {
  ClosedNetwork network = makeClosed("bi,ir,ro->bo", "b=4,i=8,r=2,o=8");
  auto goal = TrainingGoal::allGradients(network, 0, 3);
  ParetoOptions options;
  options.axis = MemoryAxis::Peak;
  goal.repeats = 4;
  EXPECT_EQ(messageOf(searchPareto(network, goal, options)),
            "the front of the peak is one of a single repeat, not of 4");
  goal.repeats = 1;
  options.epsilon = -1;
  EXPECT_EQ(messageOf(searchPareto(network, goal, options)),
            "epsilon and slack are not negative");
}

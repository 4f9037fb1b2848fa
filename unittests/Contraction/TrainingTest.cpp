//===- TrainingTest.cpp - Training trees and their plans ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerSuite.h"
#include "PlanExecutor.h"
#include "TestNetworks.h"
#include "TrainingReference.h"

#include "llvm/ADT/Sequence.h"

#include "gtest/gtest.h"

#include <cstdlib>

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

/// Executes and compares everything that is claimed of a result.
static void expectExecutes(const ClosedNetwork &network,
                           const TrainingGoal &goal,
                           const TrainingTree &training) {
  SharedPlan plan = must(planTraining(network, goal, training));
  TrainingFigures figures =
      must(computeTrainingFigures(network, goal, training));
  PlanMemory memory = must(measureMemory(network, plan, goal));
  PlanExecutor executor(network, plan, goal, 7);
  ASSERT_TRUE(executor.run()) << executor.problem;
  EXPECT_EQ(toString(executor.multiplyAdds), toString(figures.flops));
  EXPECT_EQ(toString(executor.peak), toString(memory.peak));
  EXPECT_EQ(toString(executor.accumulations), toString(figures.accumulations));
  if (plan.numPhases() > 1) {
    EXPECT_EQ(toString(executor.storedActivations),
              toString(figures.storedActivations));
    if (goal.repeats == 1) {
      EXPECT_EQ(toString(executor.storedWeights),
                toString(figures.storedWeights));
    }
  }
}

TEST(Training, AllGradientsAreThreeOptima) {
  for (const KnownOptimum &layer : layerSuite) {
    ClosedNetwork network = makeClosed(layer.einsum, layer.sizes);
    if (network.numLeaves() > 12)
      continue;
    unsigned output = network.numLeaves() - 1;
    auto goal = TrainingGoal::allGradients(network, 0, output);
    TrainingResult result = must(searchTraining(network, goal, {}));
    EXPECT_TRUE(result.proven) << layer.name;
    EXPECT_EQ(toString(result.figures.flops), toString(3 * result.phaseFlops));
    // The dynamic programme says so, too, when it is made to run.
    TrainingOptions slack;
    slack.flopSlack = 0;
    TrainingResult least = must(searchTraining(network, goal, slack));
    EXPECT_EQ(toString(least.figures.flops), toString(3 * result.phaseFlops))
        << layer.name;
    EXPECT_LE(least.figures.storedActivations,
              result.figures.storedActivations);
  }
}

TEST(Training, KnownGoalsOfLayers) {
  // In units of the optimum of one phase; established by another program.
  struct Case {
    const char *layer;
    bool dX;
    uint64_t repeats;
    double expected, tolerance;
  };
  const Case cases[] = {
      {"TTM_4096_d6", false, 1, 2.05, 0.005},
      {"TK_4096_d4", false, 1, 2.04, 0.005},
      {"TRN_LeNet", true, 8, 0.75, 0.005},
      {"TRN_LeNet", true, 64, 0.26, 0.005},
  };
  for (const Case &test : cases)
    for (const KnownOptimum &layer : layerSuite) {
      if (StringRef(layer.name) != test.layer)
        continue;
      ClosedNetwork network = makeClosed(layer.einsum, layer.sizes);
      unsigned output = network.numLeaves() - 1;
      auto goal = TrainingGoal::allGradients(network, 0, output);
      if (!test.dX)
        goal.gradients.reset(0);
      goal.repeats = test.repeats;
      TrainingResult result = must(searchTraining(network, goal, {}));
      EXPECT_TRUE(result.proven);
      EXPECT_NEAR(toDouble(result.figures.flops) / test.repeats /
                      toDouble(result.phaseFlops),
                  test.expected, test.tolerance)
          << layer.name;
    }
}

TEST(Training, LeastOfAllTreesAndRetentions) {
  std::mt19937_64 random(20251);
  unsigned count = std::getenv("FETTA_LONG") ? 2000 : 120;
  for (unsigned number : seq(count)) {
    SCOPED_TRACE(number);
    ClosedNetwork network = smallNetwork(random, 5);
    TrainingGoal goal = randomGoal(random, network);
    bool countWeights = random() % 2, recompute = random() % 3 != 0;
    TrainingReference reference(network, goal, recompute, countWeights);
    std::vector<std::pair<uint64_t, uint64_t>> all = reference.allPairs();

    TrainingOptions options;
    options.countWeights = countWeights;
    options.recompute = recompute;
    auto counted = [&](const TrainingFigures &figures) {
      return figures.storedActivations +
             (countWeights ? figures.storedWeights : 0);
    };
    auto leastBy = [&](auto value, auto admits) {
      uint64_t least = ~uint64_t(0);
      for (auto [flops, stored] : all)
        if (admits(flops, stored))
          least = std::min<uint64_t>(least, value(flops, stored));
      return least;
    };
    auto always = [](uint64_t, uint64_t) { return true; };
    uint64_t fewest =
        leastBy([](uint64_t flops, uint64_t) { return flops; }, always);

    TrainingResult plain = must(searchTraining(network, goal, options));
    EXPECT_TRUE(plain.proven);
    EXPECT_EQ(toString(plain.figures.flops), toString(fewest));
    EXPECT_EQ(toString(plain.fewestFlops), toString(fewest));
    expectExecutes(network, goal, plain.tree);

    options.storedPrice = 1 + random() % 8;
    TrainingResult priced = must(searchTraining(network, goal, options));
    EXPECT_TRUE(priced.proven);
    EXPECT_EQ(toString(priced.figures.flops +
                       options.storedPrice * counted(priced.figures)),
              toString(leastBy(
                  [&](uint64_t flops, uint64_t stored) {
                    return flops + options.storedPrice * stored;
                  },
                  always)));
    expectExecutes(network, goal, priced.tree);

    options.storedPrice = 0;
    options.flopSlack = random() % 60;
    TrainingResult slack = must(searchTraining(network, goal, options));
    double cap = static_cast<double>(fewest) * (1 + *options.flopSlack / 100);
    EXPECT_EQ(toString(counted(slack.figures)),
              toString(leastBy([](uint64_t, uint64_t stored) { return stored; },
                               [&](uint64_t flops, uint64_t) {
                                 return static_cast<double>(flops) <= cap;
                               })));
    EXPECT_LE(toDouble(slack.figures.flops), cap);
    expectExecutes(network, goal, slack.tree);

    options.flopSlack = std::nullopt;
    uint64_t limit = random() % 40;
    options.storedLimit = limit;
    uint64_t within =
        leastBy([](uint64_t flops, uint64_t) { return flops; },
                [&](uint64_t, uint64_t stored) { return stored <= limit; });
    Expected<TrainingResult> limited = searchTraining(network, goal, options);
    ASSERT_EQ(bool(limited), within != ~uint64_t(0));
    if (!limited) {
      consumeError(limited.takeError());
      continue;
    }
    EXPECT_LE(toDouble(counted(limited->figures)), static_cast<double>(limit));
    EXPECT_EQ(toString(limited->figures.flops), toString(within));
    expectExecutes(network, goal, limited->tree);
  }
}

TEST(Training, RetentionOfAGivenTree) {
  std::mt19937_64 random(77);
  for (unsigned number : seq(60)) {
    SCOPED_TRACE(number);
    ClosedNetwork network = smallNetwork(random, 6);
    TrainingGoal goal = randomGoal(random, network);
    ContractionTree tree = must(greedyTree(network, goal.outputLeaf));
    // All retentions of the tree that serve its gradients.
    size_t numSteps = tree.getSteps().size();
    uint64_t combinations = 1;
    for (size_t k = 0; k < numSteps; ++k)
      combinations *= 3;
    TrainingOptions options;
    options.storedPrice = 1 + random() % 5;
    Cost least = ~Cost(0);
    for (uint64_t code = 0; code < combinations; ++code) {
      TrainingTree training{tree, {}};
      for (uint64_t rest = code; training.retention.size() < numSteps;
           rest /= 3)
        training.retention.push_back(static_cast<Retention>(rest % 3));
      Expected<TrainingFigures> figures =
          computeTrainingFigures(network, goal, training);
      if (figures)
        least =
            std::min(least, figures->flops + options.storedPrice *
                                                 figures->storedActivations);
      else
        consumeError(figures.takeError());
    }
    TrainingTree chosen = must(chooseRetention(network, goal, tree, options));
    TrainingFigures figures =
        must(computeTrainingFigures(network, goal, chosen));
    EXPECT_EQ(toString(figures.flops +
                       options.storedPrice * figures.storedActivations),
              toString(least));
    expectExecutes(network, goal, chosen);
  }
}

TEST(Training, OrdersAgainstEveryOrder) {
  std::mt19937_64 random(5);
  unsigned count = std::getenv("FETTA_LONG") ? 400 : 40;
  for (unsigned number : seq(count)) {
    SCOPED_TRACE(number);
    ClosedNetwork network = smallNetwork(random, 4);
    TrainingGoal goal = randomGoal(random, network);
    goal.repeats = 1;
    TrainingTree training{must(greedyTree(network, goal.outputLeaf)), {}};
    training.retention = storeAll(goal, training.tree);
    SharedPlan plan = must(planTraining(network, goal, training));
    uint64_t least = ~uint64_t(0);
    for (const SharedPlan &other : everyOrder(network, goal, training)) {
      PlanExecutor executor(network, other, goal, 1);
      ASSERT_TRUE(executor.run()) << executor.problem;
      least = std::min(least, executor.peak);
    }
    EXPECT_EQ(toString(must(measureMemory(network, plan, goal)).peak),
              toString(least));
  }
}

TEST(Training, BeyondTheExactLimit) {
  ClosedNetwork network =
      makeClosed("bi,ij,jk,kl,lo->bo", "b=9,i=8,j=2,k=7,l=2,o=8");
  auto goal = TrainingGoal::allGradients(network, 0, 5);
  goal.gradients.reset(0);
  TrainingOptions options;
  options.exactLimit = 3;
  TrainingResult result = must(searchTraining(network, goal, options));
  EXPECT_FALSE(result.proven);
  EXPECT_EQ(result.reason, "5 tensors exceed the exact limit of 3");
  options.storedLimit = 0;
  result = must(searchTraining(network, goal, options));
  EXPECT_EQ(toString(result.figures.storedActivations), "0");
  EXPECT_GT(result.figures.recomputedFlops, Cost(0));
  expectExecutes(network, goal, result.tree);
}

TEST(Training, RefusesBadGoals) {
  ClosedNetwork network = makeClosed("bi,ir,ro->bo", "b=4,i=8,r=2,o=8");
  auto goal = TrainingGoal::allGradients(network, 0, 3);
  auto refusal = [&](const TrainingGoal &bad) {
    return messageOf(searchTraining(network, bad, {}));
  };
  TrainingGoal bad = goal;
  bad.outputLeaf = 4;
  EXPECT_EQ(refusal(bad), "there is no leaf 4: the network has 4 leaves");
  bad = goal;
  bad.gradients.set(3);
  EXPECT_EQ(refusal(bad),
            "leaf 3 is the gradient of the output: it is neither an activation "
            "nor has it a gradient");
  bad = goal;
  bad.repeats = 0;
  EXPECT_EQ(refusal(bad), "a training step repeats at least once");
  bad.repeats = 2;
  bad.activations.reset();
  EXPECT_EQ(refusal(bad), "a training step that repeats needs a leaf that is "
                          "new in each repeat");
  TrainingOptions options;
  options.recompute = false;
  options.storedLimit = 7;
  // X.G1 has 8 elements, G1.G2 64 that do not count; without the first dY is
  // multiplied with the dense weight.
  EXPECT_EQ(toString(must(searchTraining(network, goal, options))
                         .figures.storedActivations),
            "0");
  options.countWeights = true;
  EXPECT_EQ(messageOf(searchTraining(network, goal, options)),
            "no tree keeps the gradients' operands within the limit of 7 "
            "elements; the least that was found is 8");
  options.storedPrice = 1;
  EXPECT_EQ(messageOf(searchTraining(network, goal, options)),
            "stored elements have either a price or a limit, not both");
  options.flopSlack = 5;
  EXPECT_EQ(messageOf(searchTraining(network, goal, options)),
            "a slack of multiply-adds goes neither with a price nor with a "
            "limit of stored elements");

  ContractionTree tree = must(greedyTree(network, 3));
  TrainingTree training{tree, {Retention::Dropped, Retention::Dropped}};
  EXPECT_EQ(messageOf(computeTrainingFigures(network, goal, training)),
            "the result of step 0 is dropped, but a gradient reads it");
  training.retention = {Retention::Stored, Retention::Stored};
  EXPECT_EQ(messageOf(computeTrainingFigures(network, goal, training)),
            "the result of step 1 is kept, but no gradient reads it");
}

TEST(SharedPlanSteps, RefusesWhatCannotBeExecuted) {
  ClosedNetwork network = makeClosed("bi,ir,ro->bo", "b=4,i=8,r=2,o=8");
  auto refusal = [&](ArrayRef<SharedPlan::PlannedStep> steps) {
    return messageOf(SharedPlan::fromSteps(network, steps, {3}));
  };
  EXPECT_EQ(refusal({{0, 1, 0}, {4, 2, 0}}), "");
  EXPECT_EQ(refusal({{0, 5, 0}}),
            "step 0 reads value 5, which is not there yet");
  EXPECT_EQ(refusal({{0, 1, 0}, {4, 1, 0}}),
            "the operands of step 1 have a leaf in common");
  EXPECT_EQ(refusal({{0, 1, 0}, {1, 0, 0}}),
            "step 1 makes a value a second time");
  EXPECT_EQ(refusal({{0, 1, 0, true}}),
            "step 0 recomputes a value that nothing made");
  EXPECT_EQ(refusal({{0, 1, 1}}), "step 0 is of phase 1, but there are 1");
  EXPECT_EQ(refusal({{0, 1, 0}}),
            "no step makes the result that leaves out leaf 3");
}

//===- MachineOrderTest.cpp - The contraction order for a machine ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Mapping/MachineOrder.h"
#include "TrainingProgram.h"
#include "TrainingReference.h"

#include "gtest/gtest.h"

#include <chrono>
#include <cstdlib>

using namespace fetta;
using namespace fetta::test;

namespace {

Machine machineOf(unsigned ceBits, unsigned rows, unsigned columns) {
  Machine machine;
  machine.ceBits = ceBits;
  machine.peRowBits = rows;
  machine.peColumnBits = columns;
  machine.energyPreset = "tpu7nm";
  return machine;
}

/// Two to `maxTensors` tensors and an output; sizes that fill lanes unevenly.
ClosedNetwork raggedNetwork(std::mt19937_64 &random, unsigned maxTensors) {
  unsigned numLeaves = 3 + random() % (maxTensors - 1);
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> leaves(numLeaves);
  auto add = [&](unsigned x, unsigned y) {
    auto index = unsigned(indices.size());
    indices.push_back({"i" + std::to_string(index), int64_t(2 + random() % 8)});
    leaves[x].push_back(index);
    leaves[y].push_back(index);
    if (random() % 8 == 0 && numLeaves > 3) { // A hyperedge.
      unsigned z = random() % numLeaves;
      if (z != x && z != y)
        leaves[z].push_back(index);
    }
  };
  for (unsigned leaf = 1; leaf < numLeaves; ++leaf)
    add(leaf, random() % leaf);
  for (unsigned k = random() % 4; k > 0; --k) {
    unsigned x = random() % numLeaves;
    add(x, (x + 1 + random() % (numLeaves - 1)) % numLeaves);
  }
  return must(ClosedNetwork::create(std::move(indices), std::move(leaves)));
}

/// The least figure of one tree over all layouts, from the leaves up. Prices of
/// a step are looked up as the model gives them; everything else is done here.
class TreeReference {
public:
  TreeReference(const ClosedNetwork &network, const TrainingGoal &goal,
                const CostModel &model, bool energy)
      : network(network), goal(goal), model(model), energy(energy) {}

  double least(const ContractionTree &tree) {
    std::vector<LeafSet> sets = tree.leafSets();
    std::vector<std::vector<double>> best(tree.numValues());
    for (unsigned leaf = 0; leaf < network.numLeaves(); ++leaf)
      best[leaf].assign(count(sets[leaf]), 0);
    for (auto [number, step] : llvm::enumerate(tree.getSteps())) {
      unsigned value = network.numLeaves() + unsigned(number);
      const LeafSet &a = sets[step.lhs], &b = sets[step.rhs], &s = sets[value];
      double times = s.anyCommon(goal.activations) ? double(goal.repeats) : 1;
      auto forward = prices(a, b, s);
      auto toA = prices(s, b, a), toB = prices(s, a, b);
      unsigned na = count(a), nb = count(b), ns = count(s);
      best[value].assign(ns, std::numeric_limits<double>::infinity());
      for (unsigned x = 0; x < na; ++x)
        for (unsigned y = 0; y < nb; ++y)
          for (unsigned z = 0; z < ns; ++z) {
            double price = pick(forward[(x * nb + y) * ns + z]);
            if (a.anyCommon(goal.gradients))
              price += pick(toA[(z * nb + y) * na + x]);
            if (b.anyCommon(goal.gradients))
              price += pick(toB[(z * na + x) * nb + y]);
            best[value][z] =
                std::min(best[value][z],
                         best[step.lhs][x] + best[step.rhs][y] + times * price);
          }
    }
    return *llvm::min_element(best[tree.resultValue()]);
  }

private:
  double pick(Price price) const {
    return energy ? price.energy : price.latency;
  }
  unsigned count(const LeafSet &set) const {
    return model.numLayouts(network, network.openIndices(set));
  }
  std::vector<Price> prices(const LeafSet &a, const LeafSet &b,
                            const LeafSet &r) const {
    IndexList lhs = network.openIndices(a), rhs = network.openIndices(b),
              made = network.openIndices(r);
    StepShape shape;
    for (unsigned index = 0; index < network.getIndices().size(); ++index) {
      auto size = double(network.getIndices()[index].size);
      bool inA = llvm::is_contained(lhs, index);
      bool inB = llvm::is_contained(rhs, index);
      bool inR = llvm::is_contained(made, index);
      if (inA + inB + inR >= 2)
        (inA && inB && inR ? shape.batch
         : inA && inR      ? shape.rows
         : inB && inR      ? shape.columns
                           : shape.summed) *= size;
    }
    std::vector<Price> table(count(a) * count(b) * count(r));
    model.stepPrices(
        {network, lhs, rhs, made, shape, count(a), count(b), count(r)}, table);
    Price bound = model.lowerBound(shape), rough = model.roughBound(shape);
    EXPECT_LE(rough.latency, bound.latency);
    EXPECT_LE(rough.energy, bound.energy);
    for (Price price : table) {
      EXPECT_LE(bound.latency, price.latency);
      EXPECT_LE(bound.energy, price.energy * (1 + 1e-12));
    }
    return table;
  }

  const ClosedNetwork &network;
  const TrainingGoal &goal;
  const CostModel &model;
  bool energy;
};

} // namespace

TEST(MachineOrder, ExactOverAllTreesAndLayouts) {
  const char *text = std::getenv("FETTA_TEST_SEED");
  uint64_t seed = text ? std::strtoull(text, nullptr, 10) : 90;
  std::printf("seed %llu (FETTA_TEST_SEED)\n", (unsigned long long)seed);
  std::mt19937_64 random(seed);
  bool isLong = std::getenv("FETTA_LONG") != nullptr;
  unsigned several = 0;
  for (unsigned trial = 0; trial < (isLong ? 200u : 25u); ++trial) {
    SCOPED_TRACE(trial);
    ClosedNetwork network = raggedNetwork(random, trial % 5 == 0 ? 6
                                                  : trial % 2    ? 4
                                                                 : 3);
    TrainingGoal goal = randomGoal(random, network);
    Machine machine = trial % 2 ? machineOf(2, 1, 1) : machineOf(1, 2, 2);
    auto model = must(MachineCostModel::create(machine));
    for (bool energy : {false, true}) {
      double least = std::numeric_limits<double>::infinity();
      TreeReference reference(network, goal, *model, energy);
      for (const ContractionTree &tree :
           everyTree(network.numLeaves(), goal.outputLeaf))
        least = std::min(least, reference.least(tree));
      ModelSearchOptions options;
      options.goal = goal;
      options.objective =
          energy ? ModelObjective::Energy : ModelObjective::Latency;
      ModelResult found =
          must(searchByModel(network, goal.outputLeaf, *model, options));
      EXPECT_NEAR(found.best.value, least, 1e-9 * least);
      several += llvm::any_of(found.best.layouts,
                              [](unsigned layout) { return layout > 0; });
    }
  }
  EXPECT_GT(several, 0u); // Layouts did decide something.
}

TEST(MachineOrder, LayersOfTheSuite) {
  Machine machine = machineOf(6, 2, 2);
  unsigned changed = 0;
  for (const KnownOptimum &layer : layerSuite) {
    SCOPED_TRACE(layer.name);
    for (int64_t tokens : {1, 32}) {
      ClosedNetwork network = makeLayer(layer, tokens);
      unsigned root = network.numLeaves() - 1;
      if (root > (std::getenv("FETTA_LONG") ? 20 : 8))
        continue;
      auto goal = TrainingGoal::allGradients(network, 0, root);
      MachineOrderOptions options;
      options.confirm = false;
      for (ModelObjective objective :
           {ModelObjective::Latency, ModelObjective::Energy,
            ModelObjective::EnergyDelay}) {
        options.objective = objective;
        MachineOrder order =
            must(orderForMachine(network, goal, machine, options));
        // Not above any other, but for what is not worth a change.
        for (const OrderCandidate &candidate : order.candidates)
          EXPECT_LE(valueOf(objective, order.best()) *
                        (order.chosen == 0 ? 0.995 : 1),
                    valueOf(objective, candidate));
        EXPECT_EQ(order.fewestFlops().origin, "fewest multiply-adds");
        changed += order.chosen != 0;
        if (!order.optimum)
          continue;
        // A schedule that overlaps never takes longer than one after the other.
        EXPECT_LE(order.best().scheduled, order.best().serial.latency);
        if (objective == ModelObjective::Latency) {
          EXPECT_LE(order.optimum->price.latency,
                    order.fewestFlopsInClasses.latency);
        }
      }
    }
  }
  EXPECT_GT(changed, 0u);
}

TEST(MachineOrder, FrontsHaveBothEnds) {
  Machine machine = machineOf(6, 2, 2);
  ClosedNetwork network = makeLayer(layerSuite[0], 32);
  unsigned root = network.numLeaves() - 1;
  auto goal = TrainingGoal::allGradients(network, 0, root);
  std::vector<ModelTree> front =
      must(frontForMachine(network, goal, machine, {}));
  ASSERT_FALSE(front.empty());
  for (size_t k = 1; k < front.size(); ++k) {
    EXPECT_GT(front[k].price.latency, front[k - 1].price.latency);
    EXPECT_LT(front[k].price.energy, front[k - 1].price.energy);
  }
  auto model = must(MachineCostModel::create(machine));
  ModelSearchOptions options;
  options.goal = goal;
  EXPECT_DOUBLE_EQ(
      front.front().price.latency,
      must(searchByModel(network, root, *model, options)).best.value);
  options.objective = ModelObjective::Energy;
  EXPECT_NEAR(front.back().price.energy,
              must(searchByModel(network, root, *model, options)).best.value,
              1e-9 * front.back().price.energy);
}

TEST(MachineOrder, Refusals) {
  ClosedNetwork network = makeLayer(layerSuite[0], 8);
  unsigned root = network.numLeaves() - 1;
  auto goal = TrainingGoal::allGradients(network, 0, root);
  Machine machine = machineOf(6, 2, 2);
  machine.name = "mine";
  machine.energyPreset = "nobody";
  std::string message = messageOf(orderForMachine(network, goal, machine, {}));
  EXPECT_NE(message.find("machine 'mine'"), std::string::npos) << message;
  EXPECT_NE(message.find("nobody"), std::string::npos) << message;
  MachineOrderOptions options;
  options.exactLimit = 3;
  machine.energyPreset = "tpu7nm";
  EXPECT_EQ(messageOf(frontForMachine(network, goal, machine, options)),
            "the front is searched up to 3 tensors, not for 7");
  MachineOrder order = must(orderForMachine(network, goal, machine, options));
  EXPECT_FALSE(order.optimum);
  EXPECT_EQ(order.reason, "7 tensors, beyond the limit of 3");
}

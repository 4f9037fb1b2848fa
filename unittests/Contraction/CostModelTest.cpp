//===- CostModelTest.cpp - Contraction orders for a machine ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/CostModel.h"
#include "LayerSuite.h"
#include "TrainingReference.h"

#include "gtest/gtest.h"

#include <cstdlib>
#include <map>
#include <set>

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

namespace {

/// Prices without rhyme or reason above a bound, and one to three layouts.
class ArbitraryModel : public CostModel {
public:
  explicit ArbitraryModel(uint64_t seed) : seed(seed) {}

  unsigned numLayouts(const ClosedNetwork &,
                      ArrayRef<unsigned> indices) const override {
    uint64_t hash = seed;
    for (unsigned index : indices)
      hash += (index + 1) * (index + 1); // Whatever their order.
    return 1 + mix(hash) % 3;
  }
  void stepPrices(const ModelStep &step,
                  MutableArrayRef<Price> prices) const override {
    // The same whichever operand comes first.
    auto hashOf = [&](ArrayRef<unsigned> indices, unsigned layout) {
      uint64_t hash = seed + layout * 977;
      for (unsigned index : indices)
        hash = mix(hash + index);
      return hash;
    };
    Price bound = lowerBound(step.shape);
    size_t at = 0;
    for (unsigned a = 0; a < step.lhsLayouts; ++a)
      for (unsigned b = 0; b < step.rhsLayouts; ++b)
        for (unsigned r = 0; r < step.resultLayouts; ++r) {
          uint64_t hash = mix(hashOf(step.lhs, a) + hashOf(step.rhs, b)) +
                          hashOf(step.result, r);
          Price price{bound.latency * (1 + mix(hash) % 4),
                      bound.energy * (1 + mix(hash + 1) % 4)};
          if (mix(hash + 2) % 16 == 0)
            price.latency = std::numeric_limits<double>::infinity();
          prices[at++] = price;
        }
  }
  Price lowerBound(const StepShape &shape) const override {
    return {shape.flops(), 3 + shape.resultElements()};
  }
  Price boundaryPrice(const ClosedNetwork &, ArrayRef<unsigned> indices,
                      unsigned layout) const override {
    return {static_cast<double>(mix(seed + layout + indices.size()) % 9), 1};
  }

private:
  static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15;
    return x ^ (x >> 29);
  }
  uint64_t seed;
};

double worth(Price price, ModelObjective objective) {
  if (objective == ModelObjective::Latency)
    return price.latency;
  if (objective == ModelObjective::Energy)
    return price.energy;
  return price.latency * price.energy;
}

/// The least over all trees and all layouts of all values, by definition.
double bruteForce(const ClosedNetwork &network, unsigned root,
                  const CostModel &model, ModelObjective objective) {
  double least = std::numeric_limits<double>::infinity();
  unsigned n = network.numLeaves();
  for (const ContractionTree &tree : everyTree(n, root)) {
    std::vector<LeafSet> sets = tree.leafSets();
    std::vector<IndexList> held;
    for (const LeafSet &set : sets)
      held.push_back(network.openIndices(set));
    auto layoutsOf = [&](unsigned value) {
      return model.numLayouts(network, held[value]);
    };
    std::vector<std::vector<Price>> tables;
    for (auto [number, step] : llvm::enumerate(tree.getSteps())) {
      StepShape shape;
      for (unsigned index = 0; index < network.getIndices().size(); ++index) {
        auto size = static_cast<double>(network.getIndices()[index].size);
        bool lhs = is_contained(held[step.lhs], index);
        bool rhs = is_contained(held[step.rhs], index);
        bool made = is_contained(held[n + number], index);
        if (lhs && rhs)
          (made ? shape.batch : shape.summed) *= size;
        else if (lhs || rhs)
          (lhs ? shape.rows : shape.columns) *= size;
      }
      tables.emplace_back(layoutsOf(step.lhs) * layoutsOf(step.rhs) *
                          layoutsOf(n + number));
      model.stepPrices({network, held[step.lhs], held[step.rhs],
                        held[n + number], shape, layoutsOf(step.lhs),
                        layoutsOf(step.rhs), layoutsOf(n + number)},
                       tables.back());
      for (Price price : tables.back()) {
        EXPECT_LE(model.lowerBound(shape).latency, price.latency);
        EXPECT_LE(model.lowerBound(shape).energy, price.energy);
      }
    }
    std::vector<unsigned> layouts(tree.numValues(), 0);
    std::function<void(unsigned)> choose = [&](unsigned value) {
      if (value < tree.numValues()) {
        unsigned count = value == root ? 1 : layoutsOf(value);
        for (layouts[value] = 0; layouts[value] < count; ++layouts[value])
          choose(value + 1);
        return;
      }
      Price total = model.boundaryPrice(network, network.getLeaves()[root],
                                        layouts[tree.resultValue()]);
      auto add = [&](Price price) {
        total.latency += price.latency;
        total.energy += price.energy;
      };
      for (unsigned leaf = 0; leaf < n; ++leaf)
        if (leaf != root)
          add(model.boundaryPrice(network, network.getLeaves()[leaf],
                                  layouts[leaf]));
      for (auto [number, step] : llvm::enumerate(tree.getSteps()))
        add(tables[number][(layouts[step.lhs] * layoutsOf(step.rhs) +
                            layouts[step.rhs]) *
                               layoutsOf(n + number) +
                           layouts[n + number]]);
      if (!std::isfinite(total.latency))
        return;
      least = std::min(least, worth(total, objective));
    };
    choose(0);
  }
  return least;
}

constexpr ModelObjective objectives[] = {ModelObjective::Latency,
                                         ModelObjective::Energy,
                                         ModelObjective::EnergyDelay};

void compare(const ClosedNetwork &network, unsigned root,
             const CostModel &model) {
  for (ModelObjective objective : objectives) {
    double least = bruteForce(network, root, model, objective);
    Expected<ModelResult> result =
        searchByModel(network, root, model, objective);
    ASSERT_EQ(bool(result), std::isfinite(least));
    if (!result) {
      consumeError(result.takeError());
      continue;
    }
    EXPECT_DOUBLE_EQ(result->best.value, least);
    double own = worth(result->best.price, objective);
    EXPECT_DOUBLE_EQ(own, least);
    EXPECT_LE(result->splits, result->allSplits);
  }
}

/// Undominated pairs of figures of a training step over all trees and layouts:
/// its steps from SharedPlan, each priced by definition. A value and its
/// adjoint, whose sets of leaves are complements, have the same layout.
std::vector<Price> bruteForceStep(const ClosedNetwork &network,
                                  const TrainingGoal &goal,
                                  const CostModel &model) {
  std::vector<Price> front;
  unsigned root = goal.outputLeaf;
  SmallVector<unsigned, 8> roots = {root};
  for (unsigned leaf : goal.gradients.set_bits())
    roots.push_back(leaf);
  for (const ContractionTree &tree : everyTree(network.numLeaves(), root)) {
    SharedPlan plan =
        must(SharedPlan::create(network, UnrootedTree(tree), roots));
    // Layouts are chosen by the half of the leaves without the root.
    std::map<std::string, unsigned> numberOf;
    std::vector<unsigned> counts;
    auto number = [&](LeafSet set) {
      if (set.test(root))
        set.flip();
      std::string key;
      for (unsigned leaf : set.set_bits())
        key += static_cast<char>('0' + leaf);
      auto [it, isNew] = numberOf.try_emplace(key, counts.size());
      if (isNew)
        counts.push_back(model.numLayouts(network, network.openIndices(set)));
      return it->second;
    };
    struct Priced {
      unsigned lhs, rhs, result;
      std::vector<Price> prices;
      double times;
    };
    std::vector<Priced> steps;
    std::vector<LeafSet> sets;
    for (unsigned leaf : seq(network.numLeaves())) {
      sets.push_back(network.onlyLeaf(leaf));
      number(sets.back());
    }
    for (const SharedPlan::Step &step : plan.getSteps()) {
      sets.push_back(step.leaves);
      IndexList lhs = network.openIndices(sets[step.lhs]);
      IndexList rhs = network.openIndices(sets[step.rhs]);
      IndexList made = network.openIndices(step.leaves);
      StepShape shape;
      for (unsigned index : seq<unsigned>(0, network.getIndices().size())) {
        auto size = static_cast<double>(network.getIndices()[index].size);
        unsigned in = 4 * is_contained(lhs, index) +
                      2 * is_contained(rhs, index) + is_contained(made, index);
        if (in != 0)
          (in == 7   ? shape.batch
           : in == 5 ? shape.rows
           : in == 3 ? shape.columns
                     : shape.summed) *= size;
      }
      Priced priced{number(sets[step.lhs]),
                    number(sets[step.rhs]),
                    number(step.leaves),
                    {},
                    stepTime(plan, goal, step) == StepTime::Each
                        ? static_cast<double>(goal.repeats)
                        : 1};
      priced.prices.resize(counts[priced.lhs] * counts[priced.rhs] *
                           counts[priced.result]);
      model.stepPrices({network, lhs, rhs, made, shape, counts[priced.lhs],
                        counts[priced.rhs], counts[priced.result]},
                       priced.prices);
      steps.push_back(std::move(priced));
    }
    std::vector<unsigned> layouts(counts.size(), 0);
    std::function<void(unsigned)> choose = [&](unsigned k) {
      if (k < counts.size()) {
        for (layouts[k] = 0; layouts[k] < counts[k]; ++layouts[k])
          choose(k + 1);
        return;
      }
      Price total;
      auto add = [&](double times, Price price) {
        total.latency += times * price.latency;
        total.energy += times * price.energy;
      };
      for (unsigned leaf : seq(network.numLeaves())) {
        bool both =
            leaf == root ? goal.gradients.any() : goal.gradients.test(leaf);
        add(both ? 2 : 1,
            model.boundaryPrice(network, network.getLeaves()[leaf],
                                layouts[number(network.onlyLeaf(leaf))]));
      }
      for (const Priced &step : steps)
        add(step.times, step.prices[(layouts[step.lhs] * counts[step.rhs] +
                                     layouts[step.rhs]) *
                                        counts[step.result] +
                                    layouts[step.result]]);
      if (!std::isfinite(total.latency) || any_of(front, [&](Price p) {
            return p.latency <= total.latency && p.energy <= total.energy;
          }))
        return;
      llvm::erase_if(front, [&](Price p) {
        return total.latency <= p.latency && total.energy <= p.energy;
      });
      front.push_back(total);
    };
    choose(0);
  }
  llvm::sort(front, [](Price x, Price y) { return x.latency < y.latency; });
  return front;
}

} // namespace

TEST(CostModel, TrainingStepsAndFronts) {
  std::mt19937_64 random(63);
  unsigned count = std::getenv("FETTA_LONG") ? 300 : 30;
  for (unsigned trial : seq(count)) {
    SCOPED_TRACE(trial);
    ClosedNetwork network = smallNetwork(random, 3);
    TrainingGoal goal = randomGoal(random, network);
    ArbitraryModel model(random());
    std::vector<Price> front = bruteForceStep(network, goal, model);
    ModelSearchOptions options;
    options.goal = goal;
    for (ModelObjective objective : objectives) {
      options.objective = objective;
      options.best = objective == ModelObjective::EnergyDelay ? 1 : 4;
      options.slack = 10;
      double least = std::numeric_limits<double>::infinity();
      for (Price price : front)
        least = std::min(least, worth(price, objective));
      Expected<ModelResult> found =
          searchByModel(network, goal.outputLeaf, model, options);
      ASSERT_EQ(bool(found), !front.empty());
      if (!found) {
        consumeError(found.takeError());
        continue;
      }
      EXPECT_DOUBLE_EQ(found->best.value, least);
      EXPECT_DOUBLE_EQ(worth(found->best.price, objective), least);
      double before = least;
      for (const ModelTree &other : found->others) {
        EXPECT_GE(other.value, before);
        before = other.value;
      }
    }
    if (front.empty())
      continue;
    std::vector<ModelTree> points =
        must(searchModelFront(network, goal.outputLeaf, model, options));
    ASSERT_EQ(points.size(), front.size());
    for (auto [point, price] : llvm::zip_equal(points, front)) {
      EXPECT_DOUBLE_EQ(point.price.latency, price.latency);
      EXPECT_DOUBLE_EQ(point.price.energy, price.energy);
    }
  }
}

TEST(CostModel, TheBestTreesWithoutLayouts) {
  // One layout each: the four best are the four best of all trees.
  class Plain : public ArbitraryModel {
  public:
    using ArbitraryModel::ArbitraryModel;
    unsigned numLayouts(const ClosedNetwork &,
                        ArrayRef<unsigned>) const override {
      return 1;
    }
  };
  std::mt19937_64 random(64);
  for (unsigned trial : seq(20)) {
    SCOPED_TRACE(trial);
    ClosedNetwork network = smallNetwork(random, 4);
    unsigned root = network.numLeaves() - 1;
    Plain model(random());
    std::set<double> values; // Trees may come twice.
    for (const ContractionTree &tree : everyTree(network.numLeaves(), root)) {
      std::vector<unsigned> layouts(tree.numValues(), 0);
      double value =
          priceOfTree(network, model, std::nullopt, tree, layouts).latency;
      if (std::isfinite(value))
        values.insert(value);
    }
    if (values.empty())
      continue;
    ModelSearchOptions options;
    options.best = 4;
    options.slack = 1e9;
    ModelResult found = must(searchByModel(network, root, model, options));
    std::vector<double> got = {found.best.value};
    for (const ModelTree &other : found.others)
      got.push_back(other.value);
    got.erase(std::unique(got.begin(), got.end()), got.end());
    auto expected = values.begin();
    for (double value : got)
      EXPECT_DOUBLE_EQ(value, *expected++);
  }
}

TEST(CostModel, BestOfAllTreesAndLayouts) {
  std::mt19937_64 random(61);
  unsigned count = std::getenv("FETTA_LONG") ? 400 : 40;
  for (unsigned number : seq(count)) {
    SCOPED_TRACE(number);
    ClosedNetwork network = smallNetwork(random, 4);
    compare(network, random() % network.numLeaves(), ArbitraryModel(random()));
  }
}

TEST(CostModel, MatrixEngineAgainstAllTreesAndLayouts) {
  std::mt19937_64 random(62);
  MatrixEngineModel::Constants constants;
  constants.height = constants.width = 2;
  constants.elementsPerCycle = 3;
  unsigned count = std::getenv("FETTA_LONG") ? 100 : 12;
  for (unsigned number : seq(count)) {
    SCOPED_TRACE(number);
    ClosedNetwork network = smallNetwork(random, number % 4 == 0 ? 4 : 3);
    compare(network, random() % network.numLeaves(),
            MatrixEngineModel(constants));
  }
}

TEST(CostModel, MatrixEngineByHand) {
  // ab.bc: a streams 32 rows, b fills the array twice, c once.
  ClosedNetwork network = makeClosed("ab,bc->ac", "a=32,b=32,c=16");
  MatrixEngineModel model;
  ModelResult result = must(searchByModel(network, 2, model));
  // 32 rows * 2 * 1, and nothing to transpose: b is innermost on the left, c
  // on the right and in the result.
  EXPECT_DOUBLE_EQ(result.best.value, 64);
  // Streaming c instead would need c.b and b.a the other way around: 16 * 2 * 2
  // cycles, the same, but with transpositions.
  network = makeClosed("ba,bc->ac", "a=32,b=32,c=16");
  result = must(searchByModel(network, 2, model));
  // The left operand has a innermost; it is 32 * 32 elements, moved at 16 a
  // cycle, read and written. With the places exchanged cb is transposed, 512
  // elements, and the result, which then has a innermost, too.
  EXPECT_DOUBLE_EQ(result.best.value, 64 + 2 * 32 * 32 / 16);
  // Energy: a multiply-add 1, an element 4.
  result = must(searchByModel(network, 2, model, ModelObjective::Energy));
  double least = 32 * 32 * 16 + 4 * (32 * 32 + 32 * 16 + 32 * 16);
  EXPECT_DOUBLE_EQ(result.best.value, least + 4 * 2 * 32 * 32);
}

TEST(CostModel, LayersAreFast) {
  // A few thousand of millions of splits pass the bound.
  for (const KnownOptimum &layer : layerSuite) {
    ClosedNetwork network = makeClosed(layer.einsum, layer.sizes);
    if (network.numLeaves() > 15)
      continue;
    ModelResult result = must(
        searchByModel(network, network.numLeaves() - 1, MatrixEngineModel()));
    EXPECT_LE(result.best.price.latency, result.treeOfFewestFlops.latency)
        << layer.name;
  }
}

//===- CostModelSearch.cpp - Contraction orders for a machine -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LabelFront.h"
#include "TrainingTables.h"
#include "fetta/Contraction/CostModel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/bit.h"

#include <cmath>
#include <functional>
#include <limits>
#include <map>

using namespace llvm;
using namespace fetta;

static constexpr double infinity = std::numeric_limits<double>::infinity();

namespace {

using Mask = SubsetVolumes::Mask;
using Splits = std::vector<std::pair<Mask, Mask>>;

/// K = 1: one of the two figures; K = 2: both, for their product.
template <size_t K> class ModelSearch {
public:
  using Values = std::array<double, K>;

  ModelSearch(const ClosedNetwork &network, unsigned rootLeaf,
              const CostModel &model, ModelObjective objective,
              const SubsetVolumes &volumes)
      : network(network), root(rootLeaf), model(model), objective(objective),
        volumes(volumes), layouts(size_t(volumes.full()) + 1) {
    for (unsigned bit : seq(volumes.numTensors()))
      leafOf.push_back(bit < root ? bit : bit + 1);
  }

  void searchBounds();
  /// The best tree of lower bounds.
  Splits boundSplits() const;
  /// Bounds what is looked at by the best layouts of a tree.
  void tryTree(const Splits &splits);
  void run();
  Expected<ModelResult> result();
  Price bestPrice() const;

  uint64_t numSplits = 0;

private:
  /// An infinite latency makes a step impossible, whatever is minimized.
  Values pick(Price price) const {
    if constexpr (K == 2)
      return {price.latency, price.energy};
    else if (objective == ModelObjective::Latency ||
             !std::isfinite(price.latency))
      return {price.latency};
    else
      return {price.energy};
  }
  static double worth(const Values &values) {
    if constexpr (K == 2)
      return values[0] * values[1];
    return values[0];
  }
  static Values sum(const Values &x, const Values &y) {
    Values total;
    for (size_t k = 0; k < K; ++k)
      total[k] = x[k] + y[k];
    return total;
  }
  StepShape shapeOf(Mask set, Mask a, Mask b, double flops) const {
    double left = volumes.elements(a), right = volumes.elements(b);
    double made = volumes.elements(set);
    // Quotients of whole numbers that are whole: exact.
    StepShape shape{1, flops / right, flops / left, flops / made};
    shape.batch = left / (shape.rows * shape.summed);
    return shape;
  }
  /// Indices and layouts of a set, looked up once.
  struct Tensor {
    IndexList indices;
    unsigned numLayouts = 0;
  };
  const Tensor &tensor(Mask set);
  void startLeaves(std::map<Mask, std::vector<Front<K>>> &fronts);
  void price(Mask set, Mask a, Mask b, const Values &rest,
             ArrayRef<Front<K>> first, ArrayRef<Front<K>> second,
             MutableArrayRef<Front<K>> to);
  bool isBeaten(const Values &bound) const { return !(worth(bound) <= limit); }
  void finish(ArrayRef<Front<K>> fronts);
  void appendBound(Mask set, Splits &splits) const;

  const ClosedNetwork &network;
  unsigned root;
  const CostModel &model;
  ModelObjective objective;
  const SubsetVolumes &volumes;
  std::vector<unsigned> leafOf;
  std::vector<Values> inside, around; ///< Lower bounds.
  std::vector<Tensor> layouts;
  /// By set, then layout.
  std::map<Mask, std::vector<Front<K>>> found;
  double limit = infinity; ///< Nothing worse than this is looked at.
  std::vector<Price> table;

  /// The best result of the last search: label and layout of the whole.
  double best = infinity;
  unsigned bestLayout = 0, bestLabel = 0;
};

} // namespace

template <size_t K>
const typename ModelSearch<K>::Tensor &ModelSearch<K>::tensor(Mask set) {
  Tensor &entry = layouts[set];
  if (entry.numLayouts == 0) {
    LeafSet leaves = network.noLeaves();
    for (Mask rest = set; rest != 0; rest &= rest - 1)
      leaves.set(leafOf[llvm::countr_zero(rest)]);
    entry.indices = network.openIndices(leaves);
    entry.numLayouts = model.numLayouts(network, entry.indices);
    assert(entry.numLayouts >= 1 && entry.numLayouts <= CostModel::maxLayouts &&
           "see CostModel");
  }
  return entry;
}

template <size_t K> void ModelSearch<K>::searchBounds() {
  Mask full = volumes.full();
  Values none, zero;
  none.fill(infinity);
  zero.fill(0);
  inside.assign(size_t(full) + 1, none);
  around.assign(size_t(full) + 1, none);
  around[full] = zero;
  auto stepBound = [&](Mask set, Mask a, Mask b, double scale) {
    double flops = volumes.flops(scale, a, b);
    return pick(model.lowerBound(shapeOf(set, a, b, flops)));
  };
  for (Mask set = 1; set <= full; ++set) {
    if (llvm::has_single_bit(set)) {
      inside[set] = zero;
      continue;
    }
    double scale = volumes.scale(set);
    forEachSplit(set, [&](Mask a, Mask b) {
      Values within = sum(inside[a], inside[b]);
      if (isBeaten(within))
        return;
      within = sum(within, stepBound(set, a, b, scale));
      for (size_t k = 0; k < K; ++k)
        inside[set][k] = std::min(inside[set][k], within[k]);
    });
    if (isBeaten(inside[set]))
      inside[set] = none;
  }
  for (Mask set = full; set != 0; --set) {
    if (llvm::has_single_bit(set) || isBeaten(sum(inside[set], around[set])))
      continue;
    double scale = volumes.scale(set);
    forEachSplit(set, [&](Mask a, Mask b) {
      Values rest = sum(around[set], sum(inside[a], inside[b]));
      if (isBeaten(rest))
        return;
      rest = sum(around[set], stepBound(set, a, b, scale));
      for (size_t k = 0; k < K; ++k) {
        around[a][k] = std::min(around[a][k], rest[k] + inside[b][k]);
        around[b][k] = std::min(around[b][k], rest[k] + inside[a][k]);
      }
    });
  }
}

template <size_t K>
void ModelSearch<K>::startLeaves(
    std::map<Mask, std::vector<Front<K>>> &fronts) {
  for (unsigned bit : seq(volumes.numTensors())) {
    Mask set = Mask(1) << bit;
    const IndexList &indices = network.getLeaves()[leafOf[bit]];
    unsigned count = tensor(set).numLayouts;
    std::vector<Front<K>> &leaf = fronts[set];
    leaf.assign(count, {});
    for (unsigned layout : seq(count)) {
      Label<K> label;
      label.value = pick(model.boundaryPrice(network, indices, layout));
      if (std::isfinite(worth(label.value)))
        leaf[layout].insert(label, 1);
    }
  }
}

template <size_t K>
void ModelSearch<K>::price(Mask set, Mask a, Mask b, const Values &rest,
                           ArrayRef<Front<K>> first, ArrayRef<Front<K>> second,
                           MutableArrayRef<Front<K>> to) {
  ++numSplits;
  const Tensor &left = tensor(a), &right = tensor(b), &made = tensor(set);
  table.resize(left.numLayouts * right.numLayouts * made.numLayouts);
  double flops = volumes.flops(volumes.scale(set), a, b);
  ModelStep step{network,
                 left.indices,
                 right.indices,
                 made.indices,
                 shapeOf(set, a, b, flops),
                 left.numLayouts,
                 right.numLayouts,
                 made.numLayouts};
  model.stepPrices(step, table);
  Values least = pick(model.lowerBound(step.shape));
  size_t at = 0;
  for (unsigned la : seq(left.numLayouts))
    for (unsigned lb : seq(right.numLayouts)) {
      const Price *row = &table[at];
      at += made.numLayouts;
      for (size_t i = 0; i < first[la].size(); ++i)
        for (size_t j = 0; j < second[lb].size(); ++j) {
          Values both = sum(first[la][i].value, second[lb][j].value);
          if (isBeaten(sum(sum(both, least), rest)))
            continue;
          for (unsigned lr : seq(made.numLayouts)) {
            Label<K> label;
            label.value = sum(both, pick(row[lr]));
            if (isBeaten(sum(label.value, rest)))
              continue;
            label.split = a;
            // A label of a half: its layout, then its number in the front.
            label.first = la + CostModel::maxLayouts * i;
            label.second = lb + CostModel::maxLayouts * j;
            to[lr].insert(label, 1);
          }
        }
    }
}

template <size_t K> void ModelSearch<K>::finish(ArrayRef<Front<K>> fronts) {
  best = infinity;
  for (unsigned layout : seq<unsigned>(0, fronts.size())) {
    Values last =
        pick(model.boundaryPrice(network, network.getLeaves()[root], layout));
    for (size_t k = 0; k < fronts[layout].size(); ++k) {
      double value = worth(sum(fronts[layout][k].value, last));
      if (value < best) {
        best = value;
        bestLayout = layout;
        bestLabel = k;
      }
    }
  }
}

template <size_t K> void ModelSearch<K>::tryTree(const Splits &splits) {
  found.clear();
  startLeaves(found);
  Values zero;
  zero.fill(0);
  for (auto [a, b] : splits) {
    std::vector<Front<K>> &to = found[a | b];
    to.assign(tensor(a | b).numLayouts, {});
    price(a | b, a, b, zero, found[a], found[b], to);
  }
  finish(found[volumes.full()]);
  limit = std::min(limit, best * (1 + 1e-9));
}

template <size_t K> void ModelSearch<K>::run() {
  found.clear();
  numSplits = 0;
  startLeaves(found);
  Mask full = volumes.full();
  // A map finds sets in logarithmic time; most sets are in none.
  std::vector<const std::vector<Front<K>> *> frontsOf(size_t(full) + 1);
  for (auto &[set, fronts] : found)
    frontsOf[set] = &fronts;
  for (Mask set = 1; set <= full; ++set) {
    if (llvm::has_single_bit(set) || isBeaten(sum(inside[set], around[set])))
      continue;
    std::vector<Front<K>> fronts(tensor(set).numLayouts);
    double scale = volumes.scale(set);
    forEachSplit(set, [&](Mask a, Mask b) {
      if (!frontsOf[a] || !frontsOf[b])
        return;
      Values bound = sum(sum(inside[a], inside[b]), around[set]);
      if (isBeaten(bound))
        return;
      double flops = volumes.flops(scale, a, b);
      Values step = pick(model.lowerBound(shapeOf(set, a, b, flops)));
      if (!isBeaten(sum(bound, step)))
        price(set, a, b, around[set], *frontsOf[a], *frontsOf[b], fronts);
    });
    if (all_of(fronts, [](const Front<K> &front) { return front.empty(); }))
      continue;
    frontsOf[set] = &(found[set] = std::move(fronts));
  }
  finish(found[full]);
}

template <size_t K>
void ModelSearch<K>::appendBound(Mask set, Splits &splits) const {
  if (llvm::has_single_bit(set))
    return;
  // Of two figures the first decides.
  Mask chosen = 0;
  double least = infinity;
  forEachSplit(set, [&](Mask a, Mask b) {
    double flops = volumes.flops(volumes.scale(set), a, b);
    double value = inside[a][0] + inside[b][0] +
                   pick(model.lowerBound(shapeOf(set, a, b, flops)))[0];
    if (value < least) {
      least = value;
      chosen = a;
    }
  });
  if (chosen == 0)
    return;
  appendBound(chosen, splits);
  appendBound(set ^ chosen, splits);
  splits.push_back({chosen, set ^ chosen});
}

template <size_t K> Splits ModelSearch<K>::boundSplits() const {
  Splits splits;
  appendBound(volumes.full(), splits);
  return splits;
}

template <size_t K> Expected<ModelResult> ModelSearch<K>::result() {
  if (best == infinity)
    return createStringError("the model has no finite price for any tree");
  // From the whole down to the leaves.
  Splits splits;
  std::map<Mask, unsigned> layoutOf;
  std::function<void(Mask, unsigned, unsigned)> walk =
      [&](Mask set, unsigned layout, unsigned number) {
        layoutOf[set] = layout;
        const Label<K> &label = found.at(set)[layout][number];
        if (label.split == 0)
          return;
        constexpr unsigned count = CostModel::maxLayouts;
        walk(label.split, label.first % count, label.first / count);
        walk(set ^ label.split, label.second % count, label.second / count);
        splits.push_back({label.split, set ^ label.split});
      };
  walk(volumes.full(), bestLayout, bestLabel);
  Expected<ContractionTree> tree = makeTree(network.numLeaves(), root, splits);
  if (!tree)
    return tree.takeError();
  ModelResult result{std::move(*tree), {}, {}, best, {}};
  result.layouts.assign(result.tree.numValues(), 0);
  for (auto [bit, leaf] : llvm::enumerate(leafOf))
    result.layouts[leaf] = layoutOf.at(Mask(1) << bit);
  for (auto [number, split] : llvm::enumerate(splits))
    result.layouts[network.numLeaves() + number] =
        layoutOf.at(split.first | split.second);
  return result;
}

/// Both figures of a tree with layouts.
static Price priceOf(const ClosedNetwork &network, const CostModel &model,
                     const ContractionTree &tree, ArrayRef<unsigned> layouts) {
  Price total;
  auto add = [&](Price price) {
    total.latency += price.latency;
    total.energy += price.energy;
  };
  for (unsigned leaf : seq(network.numLeaves()))
    if (leaf != tree.rootLeaf())
      add(model.boundaryPrice(network, network.getLeaves()[leaf],
                              layouts[leaf]));
  std::vector<LeafSet> sets = tree.leafSets();
  for (auto [number, step] : llvm::enumerate(tree.getSteps())) {
    unsigned value = network.numLeaves() + number;
    IndexList lhs = network.openIndices(sets[step.lhs]);
    IndexList rhs = network.openIndices(sets[step.rhs]);
    IndexList made = network.openIndices(sets[value]);
    StepShape shape;
    for (unsigned index : seq<unsigned>(0, network.getIndices().size())) {
      auto size = static_cast<double>(network.getIndices()[index].size);
      bool inLhs = is_contained(lhs, index), inRhs = is_contained(rhs, index);
      if (inLhs && inRhs)
        (is_contained(made, index) ? shape.batch : shape.summed) *= size;
      else if (inLhs || inRhs)
        (inLhs ? shape.rows : shape.columns) *= size;
    }
    ModelStep modelStep{network,
                        lhs,
                        rhs,
                        made,
                        shape,
                        model.numLayouts(network, lhs),
                        model.numLayouts(network, rhs),
                        model.numLayouts(network, made)};
    std::vector<Price> prices(modelStep.lhsLayouts * modelStep.rhsLayouts *
                              modelStep.resultLayouts);
    model.stepPrices(modelStep, prices);
    add(prices[(layouts[step.lhs] * modelStep.rhsLayouts + layouts[step.rhs]) *
                   modelStep.resultLayouts +
               layouts[value]]);
  }
  add(model.boundaryPrice(network, network.getLeaves()[tree.rootLeaf()],
                          layouts[tree.resultValue()]));
  return total;
}

template <size_t K>
static Expected<ModelResult>
searchFor(const ClosedNetwork &network, unsigned rootLeaf,
          const CostModel &model, ModelObjective objective,
          const SubsetVolumes &volumes, const SearchResult &fewest) {
  ModelSearch<K> search(network, rootLeaf, model, objective, volumes);
  // The tree of the fewest multiply-adds first, then that of the bounds.
  Splits splits;
  std::vector<LeafSet> sets = fewest.tree.leafSets();
  for (const ContractionTree::Step &step : fewest.tree.getSteps())
    splits.push_back(
        {volumes.maskOf(sets[step.lhs]), volumes.maskOf(sets[step.rhs])});
  search.tryTree(splits);
  Expected<ModelResult> known = search.result();
  Price knownPrice;
  if (known)
    knownPrice = priceOf(network, model, known->tree, known->layouts);
  else
    consumeError(known.takeError());
  search.searchBounds();
  splits = search.boundSplits();
  if (splits.size() + 1 == volumes.numTensors())
    search.tryTree(splits);
  search.run();
  Expected<ModelResult> result = search.result();
  if (!result)
    return result;
  result->price = priceOf(network, model, result->tree, result->layouts);
  result->treeOfFewestFlops = knownPrice;
  result->splits = search.numSplits;
  uint64_t power = 1;
  for (unsigned k = 0; k < volumes.numTensors(); ++k)
    power *= 3;
  result->allSplits = (power + 1) / 2 - (uint64_t(1) << volumes.numTensors());
  return result;
}

Expected<ModelResult> fetta::searchByModel(const ClosedNetwork &network,
                                           unsigned rootLeaf,
                                           const CostModel &model,
                                           ModelObjective objective) {
  Expected<SearchResult> fewest = searchTree(network, rootLeaf);
  if (!fewest)
    return fewest.takeError();
  Expected<SubsetVolumes> volumes = SubsetVolumes::create(network, rootLeaf);
  if (!volumes)
    return volumes.takeError();
  if (objective == ModelObjective::EnergyDelay)
    return searchFor<2>(network, rootLeaf, model, objective, *volumes, *fewest);
  return searchFor<1>(network, rootLeaf, model, objective, *volumes, *fewest);
}

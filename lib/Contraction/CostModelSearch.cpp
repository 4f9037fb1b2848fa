//===- CostModelSearch.cpp - Contraction orders for a machine -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelSearch.h"

#include "llvm/ADT/Sequence.h"

using namespace llvm;
using namespace fetta;

using Splits = ModelSearch<1>::Splits;

/// Whether a set of leaves has one of a goal's.
static bool meets(const LeafSet &set, const LeafSet &leaves) {
  return set.anyCommon(leaves);
}

Price fetta::priceOfTree(const ClosedNetwork &network, const CostModel &model,
                         const std::optional<TrainingGoal> &goal,
                         const ContractionTree &tree,
                         ArrayRef<unsigned> layouts) {
  Price total;
  auto wants = [&](const LeafSet &set) {
    return goal && meets(set, goal->gradients);
  };
  std::vector<LeafSet> sets = tree.leafSets();
  for (unsigned leaf : seq(network.numLeaves()))
    if (leaf != tree.rootLeaf())
      total =
          total + (wants(sets[leaf]) ? 2 : 1) *
                      model.boundaryPrice(network, network.getLeaves()[leaf],
                                          layouts[leaf]);
  std::vector<Price> prices;
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
    VertexUse use{goal && meets(sets[value], goal->activations)
                      ? static_cast<double>(goal->repeats)
                      : 1,
                  wants(sets[step.lhs]), wants(sets[step.rhs])};
    vertexPrices(model, modelStep, use, prices);
    total =
        total +
        prices[(layouts[step.lhs] * modelStep.rhsLayouts + layouts[step.rhs]) *
                   modelStep.resultLayouts +
               layouts[value]];
  }
  return total + (goal && goal->gradients.any() ? 2 : 1) *
                     model.boundaryPrice(network,
                                         network.getLeaves()[tree.rootLeaf()],
                                         layouts[tree.resultValue()]);
}

static Splits splitsOf(const SubsetVolumes &volumes,
                       const ContractionTree &tree) {
  Splits splits;
  std::vector<LeafSet> sets = tree.leafSets();
  for (const ContractionTree::Step &step : tree.getSteps())
    splits.push_back(
        {volumes.maskOf(sets[step.lhs]), volumes.maskOf(sets[step.rhs])});
  return splits;
}

namespace {

/// What all searches of a call have in common.
struct Setting {
  const ClosedNetwork &network;
  unsigned root;
  const CostModel &model;
  const ModelSearchOptions &options;
  SubsetVolumes volumes;
  ContractionTree fewest;

  Price priceOf(const ModelTree &tree) const {
    return priceOfTree(network, model, options.goal, tree.tree, tree.layouts);
  }
};

} // namespace

static Expected<Setting> prepare(const ClosedNetwork &network, unsigned root,
                                 const CostModel &model,
                                 const ModelSearchOptions &options) {
  if (options.goal && (options.goal->outputLeaf != root ||
                       options.goal->gradients.size() != network.numLeaves() ||
                       options.goal->activations.size() != network.numLeaves()))
    return createStringError("the goal is not one of the network");
  Expected<SearchResult> fewest = searchTree(network, root);
  if (!fewest)
    return fewest.takeError();
  Expected<SubsetVolumes> volumes = SubsetVolumes::create(network, root);
  if (!volumes)
    return volumes.takeError();
  return Setting{network,
                 root,
                 model,
                 options,
                 std::move(*volumes),
                 std::move(fewest->tree)};
}

template <size_t K>
static Expected<ModelResult> searchFor(const Setting &setting) {
  ModelSearch<K> search(setting.network, setting.root, setting.model,
                        setting.options, setting.volumes);
  // The tree of the fewest multiply-adds first, then that of the bounds.
  search.tryTree(splitsOf(setting.volumes, setting.fewest));
  Expected<std::vector<ModelTree>> known = search.trees();
  Price knownPrice;
  if (known)
    knownPrice = setting.priceOf(known->front());
  else
    consumeError(known.takeError());
  search.searchBounds();
  Splits splits = search.boundSplits();
  if (splits.size() + 1 == setting.volumes.numTensors())
    search.tryTree(splits);
  search.run();
  Expected<std::vector<ModelTree>> trees = search.trees();
  if (!trees)
    return trees.takeError();
  for (ModelTree &tree : *trees)
    tree.price = setting.priceOf(tree);
  ModelResult result{std::move(trees->front()), {}, knownPrice};
  result.others.assign(std::make_move_iterator(trees->begin() + 1),
                       std::make_move_iterator(trees->end()));
  result.splits = search.numSplits;
  uint64_t power = 1;
  for (unsigned k = 0; k < setting.volumes.numTensors(); ++k)
    power *= 3;
  result.allSplits =
      (power + 1) / 2 - (uint64_t(1) << setting.volumes.numTensors());
  return result;
}

Expected<ModelResult> fetta::searchByModel(const ClosedNetwork &network,
                                           unsigned rootLeaf,
                                           const CostModel &model,
                                           const ModelSearchOptions &options) {
  assert(options.best >= 1 && !options.front && "see searchModelFront");
  Expected<Setting> setting = prepare(network, rootLeaf, model, options);
  if (!setting)
    return setting.takeError();
  if (options.objective == ModelObjective::EnergyDelay)
    return searchFor<2>(*setting);
  return searchFor<1>(*setting);
}

Expected<ModelResult> fetta::searchByModel(const ClosedNetwork &network,
                                           unsigned rootLeaf,
                                           const CostModel &model,
                                           ModelObjective objective) {
  ModelSearchOptions options;
  options.objective = objective;
  return searchByModel(network, rootLeaf, model, options);
}

Expected<std::vector<ModelTree>>
fetta::searchModelFront(const ClosedNetwork &network, unsigned rootLeaf,
                        const CostModel &model,
                        const ModelSearchOptions &given) {
  ModelSearchOptions options = given;
  options.front = true;
  if (options.factor > 1 && network.numLeaves() > 2)
    options.factor =
        std::pow(options.factor, 1.0 / double(network.numLeaves() - 2));
  Expected<Setting> setting = prepare(network, rootLeaf, model, options);
  if (!setting)
    return setting.takeError();
  ModelSearch<2> search(network, rootLeaf, model, options, setting->volumes);
  search.tryTree(splitsOf(setting->volumes, setting->fewest));
  // Both ends, and something in between.
  for (ModelObjective objective :
       {ModelObjective::Latency, ModelObjective::Energy}) {
    ModelSearchOptions one = given;
    one.front = false;
    one.best = 1;
    one.objective = objective;
    Expected<ModelResult> end = searchByModel(network, rootLeaf, model, one);
    if (!end)
      return end.takeError();
    search.tryTree(splitsOf(setting->volumes, end->best.tree));
  }
  search.searchBounds();
  search.run();
  Expected<std::vector<ModelTree>> points = search.trees();
  if (!points)
    return points.takeError();
  std::vector<ModelTree> front;
  for (ModelTree &point : *points) {
    point.price = setting->priceOf(point);
    // Labels of different layouts of the result have not met.
    if (front.empty() || point.price.energy < front.back().price.energy)
      front.push_back(std::move(point));
  }
  return front;
}

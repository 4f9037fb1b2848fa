//===- TrainingTree.cpp - What a training tree costs and keeps ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainingTree.h"
#include "LabelFront.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>

using namespace llvm;
using namespace fetta;

TrainingGoal TrainingGoal::allGradients(const ClosedNetwork &network,
                                        unsigned inputLeaf,
                                        unsigned outputLeaf) {
  TrainingGoal goal;
  goal.outputLeaf = outputLeaf;
  goal.activations = network.onlyLeaf(inputLeaf);
  goal.gradients = network.onlyLeaf(outputLeaf);
  goal.gradients.flip();
  return goal;
}

Error fetta::checkGoal(const ClosedNetwork &network, const TrainingGoal &goal) {
  unsigned n = network.numLeaves();
  if (goal.outputLeaf >= n)
    return createStringError("there is no leaf " + Twine(goal.outputLeaf) +
                             ": the network has " + Twine(n) + " leaves");
  if (goal.activations.size() != n || goal.gradients.size() != n)
    return createStringError("a set of leaves of another network");
  if (goal.activations.test(goal.outputLeaf) ||
      goal.gradients.test(goal.outputLeaf))
    return createStringError("leaf " + Twine(goal.outputLeaf) +
                             " is the gradient of the output: it is neither an "
                             "activation nor has it a gradient");
  if (goal.repeats == 0)
    return createStringError("a training step repeats at least once");
  if (goal.repeats > 1 && goal.activations.none())
    return createStringError("a training step that repeats needs a leaf that "
                             "is new in each repeat");
  return Error::success();
}

TreeFacts::TreeFacts(const TrainingGoal &goal, const ContractionTree &tree)
    : sets(tree.leafSets()), wantsGradient(tree.numValues()),
      isActivation(tree.numValues()) {
  for (unsigned value : seq(tree.numValues())) {
    wantsGradient[value] = sets[value].anyCommon(goal.gradients);
    isActivation[value] = sets[value].anyCommon(goal.activations);
  }
}

std::vector<Retention> fetta::storeAll(const TrainingGoal &goal,
                                       const ContractionTree &tree) {
  TreeFacts facts(goal, tree);
  std::vector<Retention> retention(tree.getSteps().size(), Retention::Dropped);
  for (const ContractionTree::Step &step : tree.getSteps()) {
    if (step.lhs >= tree.numLeaves() && facts.wantsGradient[step.rhs])
      retention[step.lhs - tree.numLeaves()] = Retention::Stored;
    if (step.rhs >= tree.numLeaves() && facts.wantsGradient[step.lhs])
      retention[step.rhs - tree.numLeaves()] = Retention::Stored;
  }
  return retention;
}

/// Elements of a tensor of the network; a step that reads it was counted, so
/// they fit.
static Cost leafVolume(const ClosedNetwork &network, unsigned leaf) {
  return network.volume(network.getLeaves()[leaf]).value_or(~Cost(0));
}

/// Adds times * cost; false beyond 128 bits.
static bool addProduct(Cost &total, Cost times, Cost cost) {
  std::optional<Cost> product = multiplyCosts(times, cost);
  std::optional<Cost> sum = product ? addCosts(total, *product) : std::nullopt;
  total = sum.value_or(total);
  return sum.has_value();
}

Expected<TrainingFigures>
fetta::computeTrainingFigures(const ClosedNetwork &network,
                              const TrainingGoal &goal,
                              const TrainingTree &training) {
  if (Error error = checkGoal(network, goal))
    return error;
  const ContractionTree &tree = training.tree;
  Expected<TreeCost> cost = computeCost(network, tree);
  if (!cost)
    return cost.takeError();
  if (tree.rootLeaf() != goal.outputLeaf)
    return createStringError("the tree leaves out leaf " +
                             Twine(tree.rootLeaf()) + ", not the gradient of " +
                             "the output, leaf " + Twine(goal.outputLeaf));
  size_t numSteps = tree.getSteps().size();
  if (training.retention.size() != numSteps)
    return createStringError("the retention of " +
                             Twine(training.retention.size()) +
                             " steps for a tree of " + Twine(numSteps));
  TreeFacts facts(goal, tree);
  std::vector<bool> isNeeded(tree.numValues(), false);
  TrainingFigures figures;
  bool fits = true;
  // From the result down: readers before what they read.
  for (size_t k = numSteps; k-- > 0;) {
    auto [lhs, rhs] = tree.getSteps()[k];
    unsigned value = tree.numLeaves() + k;
    Retention retention = training.retention[k];
    if (isNeeded[value] != (retention != Retention::Dropped))
      return createStringError("the result of step " + Twine(k) +
                               (isNeeded[value]
                                    ? " is dropped, but a gradient reads it"
                                    : " is kept, but no gradient reads it"));
    bool again = retention == Retention::Recomputed;
    bool activation = facts.isActivation[value];
    if (again && goal.repeats > 1 && !activation)
      return createStringError("the result of step " + Twine(k) +
                               " is of weights alone and serves all repeats: "
                               "it cannot be recomputed");
    isNeeded[lhs] = again || facts.wantsGradient[rhs];
    isNeeded[rhs] = again || facts.wantsGradient[lhs];
    Cost times = activation ? goal.repeats : 1;
    unsigned directions =
        1u + facts.wantsGradient[lhs] + facts.wantsGradient[rhs] + again;
    Cost flops = cost->steps[k].flops;
    fits = fits && addProduct(figures.flops, times * directions, flops);
    if (again)
      fits = fits && addProduct(figures.recomputedFlops, times, flops);
    // A sum over repeats is made where an activation meets weights.
    for (unsigned side : {lhs, rhs})
      if (activation && !facts.isActivation[side] && facts.wantsGradient[side])
        fits =
            fits &&
            addProduct(figures.accumulations, goal.repeats - 1,
                       side < tree.numLeaves()
                           ? leafVolume(network, side)
                           : cost->steps[side - tree.numLeaves()].resultVolume);
    if (retention == Retention::Stored)
      fits = fits && addProduct(activation ? figures.storedActivations
                                           : figures.storedWeights,
                                1, cost->steps[k].resultVolume);
  }
  if (!fits)
    return createStringError(
        "the multiply-adds of the training step exceed 128 bits");
  return figures;
}

Expected<TrainingTree> fetta::chooseRetention(const ClosedNetwork &network,
                                              const TrainingGoal &goal,
                                              ContractionTree tree,
                                              const TrainingOptions &options) {
  TrainingTree all{std::move(tree), {}};
  all.retention = storeAll(goal, all.tree);
  Expected<TrainingFigures> figures =
      computeTrainingFigures(network, goal, all);
  if (!figures)
    return figures.takeError();
  if (options.storedPrice == 0 && !options.storedLimit && !options.flopSlack)
    return all;

  // By value, the fronts of multiply-adds done again and of stored elements:
  // where no gradient reads the value, and where one does. Long chains have
  // very many: theirs are thinned out to 1 %.
  size_t numSteps = all.tree.getSteps().size();
  double factor = numSteps <= 24 ? 1 : std::pow(1.01, 1.0 / numSteps);
  unsigned n = all.tree.numLeaves();
  TreeFacts facts(goal, all.tree);
  TreeCost cost = cantFail(computeCost(network, all.tree));
  std::vector<std::array<Front<2>, 2>> fronts(all.tree.numValues());
  for (unsigned leaf : seq(n))
    for (Front<2> &front : fronts[leaf])
      front.insert({}, 1);
  auto join = [&](const Front<2> &first, const Front<2> &second, double again,
                  Retention choice, Front<2> &to) {
    for (size_t i = 0; i < first.size(); ++i)
      for (size_t j = 0; j < second.size(); ++j) {
        Label<2> label;
        label.value = {first[i].value[0] + second[j].value[0] + again,
                       first[i].value[1] + second[j].value[1]};
        label.first = i;
        label.second = j;
        label.choice = static_cast<uint8_t>(choice);
        to.insert(label, factor);
      }
  };
  for (size_t k = 0; k < numSteps; ++k) {
    auto [lhs, rhs] = all.tree.getSteps()[k];
    bool activation = facts.isActivation[n + k];
    auto &[dropped, needed] = fronts[n + k];
    join(fronts[lhs][facts.wantsGradient[rhs]],
         fronts[rhs][facts.wantsGradient[lhs]], 0, Retention::Dropped, dropped);
    double stored = activation || options.countWeights
                        ? toDouble(cost.steps[k].resultVolume)
                        : 0;
    for (Label<2> label : dropped) {
      label.value[1] += stored;
      label.choice = static_cast<uint8_t>(Retention::Stored);
      needed.insert(label, factor);
    }
    if (options.recompute && (activation || goal.repeats == 1))
      join(fronts[lhs][1], fronts[rhs][1],
           toDouble(cost.steps[k].flops) *
               (activation ? static_cast<double>(goal.repeats) : 1),
           Retention::Recomputed, needed);
  }

  const Front<2> &found = fronts[all.tree.resultValue()][0];
  std::optional<size_t> best;
  double least = 0;
  double slack = toDouble(figures->flops) * options.flopSlack.value_or(0) / 100;
  auto worth = [&](const Label<2> &label) {
    return options.flopSlack
               ? label.value[1]
               : label.value[0] + options.storedPrice * label.value[1];
  };
  for (size_t k = 0; k < found.size(); ++k) {
    const Label<2> &label = found[k];
    least = k == 0 ? label.value[1] : std::min(least, label.value[1]);
    if ((options.storedLimit &&
         label.value[1] > toDouble(*options.storedLimit)) ||
        (options.flopSlack && label.value[0] > slack))
      continue;
    if (!best || worth(label) < worth(found[*best]))
      best = k;
  }
  if (!best)
    return createStringError(
        "the tree has to store " + toString(static_cast<Cost>(least)) +
        " elements for the gradients, more than the limit of " +
        toString(*options.storedLimit));
  std::vector<std::array<size_t, 2>> chosen(all.tree.numValues());
  chosen[all.tree.resultValue()] = {0, *best};
  for (size_t k = numSteps; k-- > 0;) {
    auto [lhs, rhs] = all.tree.getSteps()[k];
    auto [side, number] = chosen[n + k];
    const Label<2> &label = fronts[n + k][side][number];
    all.retention[k] = static_cast<Retention>(label.choice);
    bool again = all.retention[k] == Retention::Recomputed;
    chosen[lhs] = {again || facts.wantsGradient[rhs], label.first};
    chosen[rhs] = {again || facts.wantsGradient[lhs], label.second};
  }
  return all;
}

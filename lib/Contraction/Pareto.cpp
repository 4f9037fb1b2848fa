//===- Pareto.cpp - Multiply-adds against memory --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Pareto.h"

#include "TrainingFronts.h"
#include "TrainingTree.h"
#include "fetta/Contraction/TrainingPlan.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace fetta;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// A point's tree with exact figures.
static Expected<ParetoPoint> makePoint(const ClosedNetwork &network,
                                       const TrainingGoal &goal,
                                       const ParetoOptions &options,
                                       const FrontPoint &point) {
  Expected<ContractionTree> tree =
      makeTree(network.numLeaves(), goal.outputLeaf, point.splits);
  if (!tree)
    return tree.takeError();
  TrainingTree training{std::move(*tree), point.retention};
  if (options.axis == MemoryAxis::Peak)
    training.retention = storeAll(goal, training.tree);
  Expected<TrainingFigures> figures =
      computeTrainingFigures(network, goal, training);
  if (!figures)
    return figures.takeError();
  Cost elements = figures->storedActivations +
                  (options.countWeights ? figures->storedWeights : 0);
  if (options.axis == MemoryAxis::Peak) {
    Expected<SharedPlan> plan = planTraining(network, goal, training);
    if (!plan)
      return plan.takeError();
    Expected<PlanMemory> memory = measureMemory(network, *plan, goal);
    if (!memory)
      return memory.takeError();
    elements = memory->peak;
  }
  return ParetoPoint{std::move(training), figures->flops, elements};
}

/// Trees that are found without a front: of the fewest multiply-adds, as it is
/// and, for a front of stored elements, with nothing stored.
static Expected<std::vector<FrontPoint>>
findKnown(const ClosedNetwork &network, const TrainingGoal &goal,
          const ParetoOptions &options) {
  TrainingOptions search;
  search.exactLimit = maxExactTensors;
  search.recompute = options.recompute;
  search.countWeights = options.countWeights;
  Expected<TrainingResult> fewest = searchTraining(network, goal, search);
  if (!fewest)
    return fewest.takeError();
  std::vector<TrainingTree> trees = {fewest->tree};
  if (options.axis == MemoryAxis::Stored) {
    search.storedLimit = 0;
    Expected<TrainingTree> nothing =
        chooseRetention(network, goal, fewest->tree.tree, search);
    if (nothing)
      trees.push_back(std::move(*nothing));
    else
      consumeError(nothing.takeError());
  }
  std::vector<FrontPoint> points;
  for (TrainingTree &training : trees) {
    FrontPoint point{0, 0, {}, std::move(training.retention)};
    std::vector<LeafSet> sets = training.tree.leafSets();
    auto maskOf = [&](unsigned value) {
      uint32_t mask = 0;
      for (unsigned leaf : sets[value].set_bits())
        mask |= uint32_t(1) << (leaf < goal.outputLeaf ? leaf : leaf - 1);
      return mask;
    };
    for (const ContractionTree::Step &step : training.tree.getSteps())
      point.splits.push_back({maskOf(step.lhs), maskOf(step.rhs)});
    Expected<ParetoPoint> exact = makePoint(network, goal, options, point);
    if (!exact)
      return exact.takeError();
    point.flops = toDouble(exact->flops);
    point.elements = toDouble(exact->elements);
    points.push_back(std::move(point));
  }
  return points;
}

Expected<ParetoFront> fetta::searchPareto(const ClosedNetwork &network,
                                          const TrainingGoal &goal,
                                          const ParetoOptions &options) {
  if (Error error = checkGoal(network, goal))
    return error;
  if (options.axis == MemoryAxis::Peak && goal.repeats != 1)
    return createStringError("the front of the peak is one of a single repeat, "
                             "not of " +
                             Twine(goal.repeats));
  if (!(options.epsilon >= 0) ||
      (options.flopSlack && !(*options.flopSlack >= 0)))
    return createStringError("epsilon and slack are not negative");
  Expected<SubsetVolumes> volumes =
      SubsetVolumes::create(network, goal.outputLeaf);
  if (!volumes)
    return volumes.takeError();
  unsigned n = volumes->numTensors();
  double exactBelow = volumes->exactBelow();
  Expected<std::vector<FrontPoint>> known = findKnown(network, goal, options);
  if (!known)
    return known.takeError();
  // The first has the fewest multiply-adds, and no tree with an intermediate
  // as large as its peak is better.
  std::vector<FrontPoint> points = std::move(*known);
  double largest =
      options.axis == MemoryAxis::Peak ? points.front().elements : infinity;
  FrontOptions front{infinity, infinity, options.recompute,
                     options.countWeights};
  front.incumbents = Incumbents(points);
  front.flopCap = front.incumbents.flopCap(0);
  if (options.flopSlack) {
    front.flopCap = std::min(front.flopCap, points.front().flops *
                                                (1 + *options.flopSlack / 100));
    erase_if(points, [&](const FrontPoint &point) {
      return point.flops > front.flopCap;
    });
  }
  TrainingTables tables(std::move(*volumes), goal);
  tables.searchInside(front.flopCap, largest);
  tables.searchOutside();

  auto find = [&](double epsilon) {
    // A set's front is made of at most n-1 fronts on top of each other.
    front.factor = n < 2 ? 1 : std::pow(1 + epsilon, 1.0 / (n - 1));
    std::vector<FrontPoint> found = options.axis == MemoryAxis::Stored
                                        ? findStoredFront(tables, front)
                                        : findPeakFront(tables, front);
    return found;
  };
  ParetoFront result;
  result.epsilon = n <= options.exactLimit ? 0 : options.epsilon;
  // Coarse fronts first: what they reach bounds the finer ones. What a bound
  // turns away is no better than a tree in hand, so all of these stay.
  for (double epsilon : {1.0, 0.1}) {
    if (epsilon > 2 * result.epsilon && n > 5) {
      for (FrontPoint &point : find(epsilon))
        points.push_back(std::move(point));
      points = undominated(std::move(points));
      front.incumbents = Incumbents(points);
    }
  }
  for (FrontPoint &point : find(result.epsilon))
    points.push_back(std::move(point));
  for (const FrontPoint &point : undominated(std::move(points))) {
    if (point.flops >= exactBelow || point.elements >= exactBelow)
      return createStringError("sums beyond " +
                               toString(static_cast<Cost>(exactBelow)) +
                               " are not exact in floating point");
    Expected<ParetoPoint> made = makePoint(network, goal, options, point);
    if (!made)
      return made.takeError();
    result.points.push_back(std::move(*made));
  }
  return result;
}

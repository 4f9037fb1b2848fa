//===- TrainingSearch.cpp - One tree for a training step ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/TrainingSearch.h"

#include "TrainingFronts.h"
#include "TrainingTree.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace fetta;

static constexpr double infinity = std::numeric_limits<double>::infinity();

namespace {

using Splits = ArrayRef<std::pair<uint32_t, uint32_t>>;

/// One search; the steps of searchTraining.
class TrainingSearcher {
public:
  TrainingSearcher(const ClosedNetwork &network, const TrainingGoal &goal,
                   const TrainingOptions &options)
      : network(network), goal(goal), options(options) {}

  Expected<TrainingResult> run();

private:
  Expected<TrainingTree> makeTraining(Splits splits) const;
  Expected<TrainingTree> makeTraining(const FrontPoint &point) const;
  Expected<TrainingTree> searchAll(SubsetVolumes volumes, TrainingResult &base);
  Expected<TrainingTree> searchWithin(TrainingTables &tables,
                                      FrontOptions front);
  bool isPlain() const {
    return options.storedPrice == 0 && !options.storedLimit &&
           !options.flopSlack;
  }
  Cost counted(const TrainingFigures &figures) const {
    return figures.storedActivations +
           (options.countWeights ? figures.storedWeights : 0);
  }

  const ClosedNetwork &network;
  const TrainingGoal &goal;
  const TrainingOptions &options;
};

} // namespace

Expected<TrainingTree> TrainingSearcher::makeTraining(Splits splits) const {
  Expected<ContractionTree> tree =
      makeTree(network.numLeaves(), goal.outputLeaf, splits);
  if (!tree)
    return tree.takeError();
  std::vector<Retention> retention = storeAll(goal, *tree);
  return TrainingTree{std::move(*tree), std::move(retention)};
}

Expected<TrainingTree>
TrainingSearcher::makeTraining(const FrontPoint &point) const {
  Expected<TrainingTree> training = makeTraining(point.splits);
  if (training)
    training->retention = point.retention;
  return training;
}

Expected<TrainingTree> TrainingSearcher::searchWithin(TrainingTables &tables,
                                                      FrontOptions front) {
  // Ever dearer storage gives a tree within the limit, whose multiply-adds
  // bound those of the best one.
  double limit = toDouble(*options.storedLimit), least = infinity;
  for (double price = 1; price < 0x1p40; price *= 8) {
    std::optional<FrontPoint> point = findStoredOptimum(tables, price, front);
    if (!point)
      break;
    Expected<TrainingTree> training = makeTraining(*point);
    if (!training)
      return training.takeError();
    Expected<TrainingFigures> figures =
        computeTrainingFigures(network, goal, *training);
    if (!figures)
      return figures.takeError();
    double stored = toDouble(counted(*figures));
    least = std::min(least, stored);
    if (stored > limit)
      continue;
    front.flopCap = toDouble(figures->flops) * (1 + 1e-9);
    front.elementCap = limit;
    std::vector<FrontPoint> points = findStoredFront(tables, front);
    if (points.empty())
      return training;
    return makeTraining(points.front());
  }
  return createStringError(
      "no tree keeps the gradients' operands within the limit of " +
      toString(*options.storedLimit) + " elements; the least that was found " +
      "is " + toString(static_cast<Cost>(least)));
}

Expected<TrainingTree> TrainingSearcher::searchAll(SubsetVolumes volumes,
                                                   TrainingResult &base) {
  TrainingTables tables(std::move(volumes), goal);
  // The tree at hand is a bound on all others.
  double known = toDouble(base.figures.flops) * (1 + 1e-9);
  tables.searchInside(known);
  std::vector<std::pair<uint32_t, uint32_t>> splits;
  double fewest = tables.least(tables.getVolumes().full());
  Expected<TrainingTree> plain = base.tree;
  if (fewest < infinity) {
    plain = makeTraining(tables.bestSplits());
    if (!plain)
      return plain;
  }
  Expected<TrainingFigures> figures =
      computeTrainingFigures(network, goal, *plain);
  if (!figures)
    return figures.takeError();
  if (figures->flops > base.figures.flops) {
    plain = base.tree;
    figures = base.figures;
  }
  base.fewestFlops = figures->flops;
  if (isPlain())
    return plain;

  FrontOptions front{infinity, infinity, options.recompute,
                     options.countWeights, /*factor=*/1};
  if (options.flopSlack) {
    front.flopCap = toDouble(base.fewestFlops) * (1 + *options.flopSlack / 100);
    // The fewest themselves, however they were rounded.
    if (toDouble(base.fewestFlops) >= tables.getVolumes().exactBelow())
      front.flopCap *= 1 + 1e-9;
    tables.searchInside(front.flopCap);
    tables.searchOutside();
    std::vector<FrontPoint> points = findStoredFront(tables, front);
    return points.empty() ? std::move(plain) : makeTraining(points.back());
  }
  if (options.storedLimit) {
    if (counted(*figures) <= *options.storedLimit && options.storedPrice == 0)
      return plain;
    // What the tree of the fewest multiply-adds can do bounds the others.
    Expected<TrainingTree> known =
        chooseRetention(network, goal, plain->tree, options);
    if (known) {
      Expected<TrainingFigures> bound =
          computeTrainingFigures(network, goal, *known);
      if (!bound)
        return bound.takeError();
      front.flopCap = toDouble(bound->flops) * (1 + 1e-9);
      front.elementCap = toDouble(*options.storedLimit);
      tables.searchInside(front.flopCap);
      tables.searchOutside();
      std::vector<FrontPoint> points = findStoredFront(tables, front);
      return points.empty() ? std::move(known) : makeTraining(points.front());
    }
    consumeError(known.takeError());
    tables.searchInside(infinity);
    tables.searchOutside();
    return searchWithin(tables, front);
  }
  front.flopCap = (toDouble(figures->flops) +
                   options.storedPrice * toDouble(counted(*figures))) *
                  (1 + 1e-9);
  tables.searchInside(front.flopCap);
  tables.searchOutside();
  std::optional<FrontPoint> point =
      findStoredOptimum(tables, options.storedPrice, front);
  return point ? makeTraining(*point) : std::move(plain);
}

Expected<TrainingResult> TrainingSearcher::run() {
  if (Error error = checkGoal(network, goal))
    return error;
  if (options.flopSlack && (options.storedPrice != 0 || options.storedLimit))
    return createStringError("a slack of multiply-adds goes neither with a "
                             "price nor with a limit of stored elements");
  if (options.storedPrice != 0 && options.storedLimit)
    return createStringError(
        "stored elements have either a price or a limit, not both");
  if (options.flopSlack && !(*options.flopSlack >= 0))
    return createStringError("a slack of multiply-adds is not negative");
  SearchOptions forward;
  forward.heuristic = options.heuristic;
  Expected<SearchResult> phase = searchTree(network, goal.outputLeaf, forward);
  if (!phase)
    return phase.takeError();

  TrainingResult result{{phase->tree, storeAll(goal, phase->tree)},
                        {},
                        0,
                        phase->flops,
                        false,
                        ""};
  Expected<TrainingFigures> figures =
      computeTrainingFigures(network, goal, result.tree);
  if (!figures)
    return figures.takeError();
  result.figures = *figures;
  result.fewestFlops = figures->flops;

  // With all gradients every vertex counts three times: docs/Search.md.
  if (isPlain() && goal.repeats == 1 &&
      goal.gradients.count() + 1 == network.numLeaves()) {
    result.proven = phase->proven;
    result.reason = phase->reason;
    return result;
  }
  unsigned numTensors = network.numLeaves() - 1;
  std::optional<SubsetVolumes> volumes;
  if (numTensors > options.exactLimit) {
    result.reason = std::to_string(numTensors) +
                    " tensors exceed the exact limit of " +
                    std::to_string(options.exactLimit);
  } else {
    Expected<SubsetVolumes> found =
        SubsetVolumes::create(network, goal.outputLeaf);
    if (found)
      volumes = std::move(*found);
    else
      result.reason = llvm::toString(found.takeError());
  }
  double exactBelow = volumes ? volumes->exactBelow() : 0;
  Expected<TrainingTree> best =
      volumes ? searchAll(std::move(*volumes), result)
              : chooseRetention(network, goal, phase->tree, options);
  if (!best)
    return best.takeError();
  figures = computeTrainingFigures(network, goal, *best);
  if (!figures)
    return figures.takeError();
  result.tree = std::move(*best);
  result.figures = *figures;
  if (exactBelow != 0) {
    result.proven = toDouble(figures->flops) +
                        options.storedPrice * toDouble(counted(*figures)) <
                    exactBelow;
    if (!result.proven)
      result.reason = "sums beyond " + toString(static_cast<Cost>(exactBelow)) +
                      " are not exact in floating point";
  }
  return result;
}

Expected<TrainingResult> fetta::searchTraining(const ClosedNetwork &network,
                                               const TrainingGoal &goal,
                                               const TrainingOptions &options) {
  return TrainingSearcher(network, goal, options).run();
}

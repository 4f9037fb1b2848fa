//===- Slicing.cpp - Contractions within a memory limit -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Slicing.h"

#include "TrainingFronts.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace fetta;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// The network of one run.
static Expected<ClosedNetwork> cut(const ClosedNetwork &network,
                                   ArrayRef<Slice> slices) {
  std::vector<NetworkIndex> indices = network.getIndices().vec();
  LeafSet isCut(indices.size());
  for (const Slice &slice : slices) {
    if (slice.index >= indices.size())
      return createStringError("there is no index " + Twine(slice.index));
    NetworkIndex &index = indices[slice.index];
    if (isCut.test(slice.index))
      return createStringError("index '" + Twine(index.name) +
                               "' is sliced twice");
    isCut.set(slice.index);
    if (slice.pieces < 1 || index.size % slice.pieces != 0)
      return createStringError("index '" + Twine(index.name) + "' of size " +
                               Twine(index.size) + " cannot be cut into " +
                               Twine(slice.pieces) + " equal pieces");
    index.size /= slice.pieces;
  }
  return ClosedNetwork::create(std::move(indices), network.getLeaves().vec());
}

static Error exceeds() {
  return createStringError("the figures of the slices exceed 128 bits");
}

Expected<SlicedPlan> fetta::computeSliced(const ClosedNetwork &network,
                                          const ContractionTree &tree,
                                          ArrayRef<Slice> slices) {
  Expected<ClosedNetwork> piece = cut(network, slices);
  if (!piece)
    return piece.takeError();
  Expected<TreeCost> cost = computeCost(*piece, tree);
  if (!cost)
    return cost.takeError();
  SlicedPlan plan{tree, slices.vec(), {}};
  llvm::sort(plan.slices,
             [](const Slice &x, const Slice &y) { return x.index < y.index; });
  std::optional<Cost> runs = 1, sums = 1;
  for (const Slice &slice : slices) {
    runs = runs ? multiplyCosts(*runs, slice.pieces) : runs;
    if (!network.ends(slice.index).test(tree.rootLeaf()))
      sums = sums ? multiplyCosts(*sums, slice.pieces) : sums;
  }
  std::optional<Cost> flops =
      runs ? multiplyCosts(*runs, cost->flops) : std::nullopt;
  std::optional<Cost> result =
      network.volume(network.getLeaves()[tree.rootLeaf()]);
  std::optional<Cost> added =
      sums && result ? multiplyCosts(*sums - 1, *result) : std::nullopt;
  if (!flops || !added)
    return exceeds();
  plan.runs = *runs;
  plan.flops = *flops;
  plan.accumulations = *added;

  std::vector<Cost> elements;
  for (const StepCost &step : cost->steps)
    elements.push_back(step.resultVolume);
  bool inPlace = plan.runs > 1 && !elements.empty();
  if (inPlace)
    elements.back() = 0;
  Expected<EvaluationOrder> order = smallestPeakOrder(tree, elements);
  if (!order)
    return order.takeError();
  plan.order = std::move(order->steps);
  std::optional<Cost> peak = addCosts(order->peak, inPlace ? *result : 0);
  if (!peak)
    return exceeds();
  plan.peak = *peak;
  return plan;
}

namespace {

/// One search; the steps of searchSliced.
class Slicer {
public:
  Slicer(const ClosedNetwork &network, unsigned rootLeaf, Cost limit,
         const SlicingOptions &options)
      : network(network), root(rootLeaf), limit(limit), options(options) {}

  Expected<SlicedPlan> run();

private:
  /// Flops and accumulations together; the largest number beyond 128 bits.
  Cost priceOf(const SlicedPlan &plan) const {
    std::optional<Cost> added =
        multiplyCosts(plan.accumulations, options.accumulationPrice);
    return (added ? addCosts(plan.flops, *added) : added).value_or(~Cost(0));
  }
  void offer(SlicedPlan plan);
  bool collectCuts();
  Error tryTrees(ArrayRef<Slice> slices, bool &isMet);
  Error enumerate(size_t position, std::vector<Slice> &slices);
  Error slice(const ContractionTree &tree);

  const ClosedNetwork &network;
  unsigned root;
  Cost limit;
  const SlicingOptions &options;
  /// Indices of size 2 and more with the divisors of their size, ascending.
  std::vector<std::pair<unsigned, std::vector<int64_t>>> cuts;
  std::optional<SlicedPlan> best;
  Cost leastPeak = ~Cost(0);
};

} // namespace

void Slicer::offer(SlicedPlan plan) {
  leastPeak = std::min(leastPeak, plan.peak);
  if (plan.peak <= limit && (!best || priceOf(plan) < priceOf(*best)))
    best = std::move(plan);
}

/// False: more combinations than options admit.
bool Slicer::collectCuts() {
  uint64_t combinations = 1;
  for (auto [number, index] : llvm::enumerate(network.getIndices())) {
    if (network.ends(number).none() || index.size == 1)
      continue;
    std::vector<int64_t> divisors, large;
    for (int64_t k = 1; k <= index.size / k; ++k)
      if (index.size % k == 0) {
        divisors.push_back(k);
        if (k != index.size / k)
          large.push_back(index.size / k);
      }
    divisors.insert(divisors.end(), large.rbegin(), large.rend());
    if (combinations <= options.maxCombinations)
      combinations *= divisors.size();
    cuts.push_back({static_cast<unsigned>(number), std::move(divisors)});
  }
  return combinations <= options.maxCombinations;
}

/// The best tree for given slices. \p isMet: it is the best without a limit,
/// too, so that no finer slices can be better.
Error Slicer::tryTrees(ArrayRef<Slice> slices, bool &isMet) {
  isMet = false;
  Expected<ClosedNetwork> piece = cut(network, slices);
  if (!piece)
    return piece.takeError();
  Expected<SearchResult> fewest = searchTree(*piece, root, options.search);
  if (!fewest)
    return fewest.takeError();
  Expected<SlicedPlan> plan = computeSliced(network, fewest->tree, slices);
  if (!plan)
    return plan.takeError();
  // Slices never make a tree cheaper.
  isMet = plan->peak <= limit || (best && priceOf(*plan) >= priceOf(*best));
  Cost result = *network.volume(network.getLeaves()[root]);
  bool inPlace = !slices.empty() && fewest->tree.getSteps().size() != 0;
  Cost runs = plan->runs;
  offer(std::move(*plan));
  if (isMet || (inPlace && result > limit))
    return Error::success();

  TrainingGoal goal;
  goal.outputLeaf = root;
  goal.activations = goal.gradients = network.noLeaves();
  Expected<SubsetVolumes> volumes = SubsetVolumes::create(*piece, root);
  if (!volumes)
    return volumes.takeError();
  TrainingTables tables(std::move(*volumes), goal);
  double bound = infinity;
  if (best)
    bound = toDouble(priceOf(*best)) / toDouble(runs) * (1 + 1e-9);
  double cap = toDouble(limit - (inPlace ? result : 0));
  // The result itself may be larger when it is in place.
  tables.searchInside(bound, inPlace ? std::max(cap, toDouble(result)) : cap);
  tables.searchOutside();
  FrontOptions front{bound, cap};
  front.resultInPlace = inPlace;
  for (const FrontPoint &point : findPeakFront(tables, front)) {
    Expected<ContractionTree> tree =
        makeTree(network.numLeaves(), root, point.splits);
    if (!tree)
      return tree.takeError();
    Expected<SlicedPlan> found = computeSliced(network, *tree, slices);
    if (!found)
      return found.takeError();
    offer(std::move(*found));
  }
  return Error::success();
}

Error Slicer::enumerate(size_t position, std::vector<Slice> &slices) {
  bool isMet = false;
  if (Error error = tryTrees(slices, isMet))
    return error;
  if (isMet)
    return Error::success();
  for (size_t next = position; next < cuts.size(); ++next)
    for (int64_t pieces : ArrayRef(cuts[next].second).drop_front()) {
      slices.push_back({cuts[next].first, pieces});
      Error error = enumerate(next + 1, slices);
      slices.pop_back();
      if (error)
        return error;
    }
  return Error::success();
}

/// Adds slices to one tree until it fits.
Error Slicer::slice(const ContractionTree &tree) {
  std::vector<size_t> chosen(cuts.size(), 0);
  auto slicesOf = [&](ArrayRef<size_t> numbers) {
    std::vector<Slice> slices;
    for (auto [cut, number] : zip_equal(cuts, numbers))
      if (number != 0)
        slices.push_back({cut.first, cut.second[number]});
    return slices;
  };
  Expected<SlicedPlan> now = computeSliced(network, tree, {});
  if (!now)
    return now.takeError();
  offer(*now);
  while (now->peak > limit) {
    std::optional<size_t> next;
    double least = infinity;
    for (size_t k = 0; k < cuts.size(); ++k) {
      if (chosen[k] + 1 == cuts[k].second.size())
        continue;
      std::vector<size_t> more = chosen;
      ++more[k];
      Expected<SlicedPlan> plan = computeSliced(network, tree, slicesOf(more));
      if (!plan) {
        consumeError(plan.takeError());
        continue;
      }
      // What it costs for what it saves; a slice that saves nothing may be the
      // way to others.
      double costs =
          std::log2(toDouble(priceOf(*plan)) / toDouble(priceOf(*now)));
      double saves = std::log2(toDouble(now->peak) /
                               toDouble(std::max(plan->peak, Cost(1))));
      double score =
          saves > 0 ? (costs + 1e-9) / saves : 1e9 * (costs + 1) - saves;
      if (score < least) {
        least = score;
        next = k;
      }
    }
    if (!next)
      return Error::success();
    ++chosen[*next];
    now = computeSliced(network, tree, slicesOf(chosen));
    if (!now)
      return now.takeError();
    offer(*now);
  }
  return Error::success();
}

Expected<SlicedPlan> Slicer::run() {
  Expected<SearchResult> fewest = searchTree(network, root, options.search);
  if (!fewest)
    return fewest.takeError();
  bool isFew = collectCuts() && network.numLeaves() - 1 <= options.exactLimit;
  if (isFew) {
    std::vector<Slice> slices;
    if (Error error = enumerate(0, slices))
      return error;
  } else {
    SearchOptions smallest = options.search;
    smallest.objective = Objective::size();
    Expected<SearchResult> small = searchTree(network, root, smallest);
    if (!small)
      return small.takeError();
    for (const ContractionTree &tree : {fewest->tree, small->tree})
      if (Error error = slice(tree))
        return error;
  }
  if (!best)
    return createStringError(
        "no slices keep the elements alive within the limit of " +
        toString(limit) + "; the least that was found is " +
        toString(leastPeak));
  best->unslicedFlops = fewest->flops;
  best->proven = isFew || (best->slices.empty() &&
                           best->flops == fewest->flops && fewest->proven);
  return *best;
}

Expected<SlicedPlan> fetta::searchSliced(const ClosedNetwork &network,
                                         unsigned rootLeaf, Cost limit,
                                         const SlicingOptions &options) {
  if (options.search.objective.isLargest || !options.search.objective.isFlops())
    return createStringError(
        "slices are searched for the fewest multiply-adds");
  return Slicer(network, rootLeaf, limit, options).run();
}

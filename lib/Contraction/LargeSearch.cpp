//===- LargeSearch.cpp - Trees for large networks -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The work is a sequence of units, each of which depends on its number only: a
// greedy trial, a chain of annealing, a round of windows. Whenever the search
// is stopped, the result is made of the leading units that are complete, so
// that the same number of units gives it again.
//
//===----------------------------------------------------------------------===//

#include "LargeSearch.h"

#include "Annealing.h"
#include "Windows.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/ThreadPool.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>
#include <random>

using namespace llvm;
using namespace fetta;

/// A value of its own for each unit (SplitMix64's finalizer).
static uint64_t mix(uint64_t number) {
  number += 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

namespace {

/// A tree and its objective in floating point, which only ranks.
struct RankedTree {
  std::optional<ContractionTree> tree; ///< None: its unit was stopped.
  double value = std::numeric_limits<double>::infinity();
};

class LargeSearch {
public:
  LargeSearch(const ClosedNetwork &network, unsigned root,
              const Objective &objective, const HeuristicOptions &options)
      : network(network), root(root), objective(objective), options(options),
        pool(hardware_concurrency(options.threads)),
        begin(std::chrono::steady_clock::now()) {
    result.work = options.work;
  }

  Expected<LargeResult> run();

private:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         begin)
        .count();
  }
  bool isTimed() const { return options.seconds > 0; }
  bool mustStop();
  void report();
  void unitIsDone(double value);
  void startPhase(StringRef name, unsigned units);

  /// Runs units first .. first + count - 1 and appends the complete ones
  /// before the first that was stopped. Whether that is all of them.
  bool runUnits(StringRef phase, std::vector<RankedTree> &trees, size_t count,
                function_ref<RankedTree(size_t)> unit);
  RankedTree rank(ContractionTree tree) const;
  RankedTree tryGreedy(uint64_t trial) const;
  RankedTree annealTree(size_t chain, uint64_t sweeps);
  bool anneal(unsigned chains, uint64_t sweeps);
  void annealForTime();
  Error solveWindows();
  Error keepIfBest(const ContractionTree &tree);

  const ClosedNetwork &network;
  unsigned root;
  const Objective &objective;
  const HeuristicOptions &options;
  DefaultThreadPool pool;
  std::chrono::steady_clock::time_point begin;
  /// The greedy tree comes first.
  std::vector<RankedTree> trials, chains;
  LargeResult result;
  double deadline = std::numeric_limits<double>::infinity();

  std::mutex mutex;
  SearchProgress progress = {"", 0, 0, 0,
                             std::numeric_limits<double>::infinity()};
  double reportedAt = 0;
};

} // namespace

bool LargeSearch::mustStop() {
  if (options.shouldStop && options.shouldStop())
    return true;
  double now = seconds();
  if (options.onProgress) {
    constexpr double interval = 0.2;
    std::unique_lock<std::mutex> lock(mutex, std::try_to_lock);
    if (lock && now - reportedAt >= interval) {
      reportedAt = progress.seconds = now;
      options.onProgress(progress);
    }
  }
  return now > deadline;
}

void LargeSearch::startPhase(StringRef name, unsigned units) {
  std::lock_guard<std::mutex> lock(mutex);
  progress.phase = name;
  progress.unitsDone = 0;
  progress.unitsPlanned = units;
}

void LargeSearch::unitIsDone(double value) {
  std::lock_guard<std::mutex> lock(mutex);
  ++progress.unitsDone;
  progress.best = std::min(progress.best, value);
}

bool LargeSearch::runUnits(StringRef phase, std::vector<RankedTree> &trees,
                           size_t count,
                           function_ref<RankedTree(size_t)> unit) {
  size_t first = trees.size();
  trees.resize(first + count);
  startPhase(phase, count);
  // Each unit writes its own entry only.
  for (size_t number : seq(first, first + count))
    pool.async([&, number] {
      if (mustStop())
        return;
      trees[number] = unit(number);
      if (trees[number].tree)
        unitIsDone(trees[number].value);
    });
  pool.wait();
  size_t numComplete = first;
  while (numComplete < trees.size() && trees[numComplete].tree)
    ++numComplete;
  trees.resize(numComplete);
  return numComplete == first + count;
}

RankedTree LargeSearch::rank(ContractionTree tree) const {
  double value = AnnealingTree(network, tree, objective).value();
  return {std::move(tree), value};
}

RankedTree LargeSearch::tryGreedy(uint64_t trial) const {
  std::mt19937_64 random(mix(mix(result.work.seed) + trial));
  auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  // Trees differ in what suits them: from result only to operands first, from
  // hardly any noise to much.
  GreedyNoise noise;
  noise.operandWeight = 2 * uniform();
  noise.temperature = std::pow(10.0, 2 * uniform() - 2);
  noise.seed = random();
  return rank(randomGreedyTree(network, root, noise));
}

RankedTree LargeSearch::annealTree(size_t chain, uint64_t sweeps) {
  AnnealingTree tree(network, *trials[chain % trials.size()].tree, objective);
  // Apart from the seeds of the trials.
  uint64_t seed = mix(~mix(result.work.seed) + chain);
  AnnealingSchedule schedule;
  schedule.sweeps = sweeps;
  if (!tree.anneal(schedule, seed, [&] { return mustStop(); }))
    return {};
  return {tree.toTree(), tree.value()};
}

bool LargeSearch::anneal(unsigned count, uint64_t sweeps) {
  bool isComplete = runUnits("annealing", chains, count, [&](size_t chain) {
    return annealTree(chain, sweeps);
  });
  result.work.sweeps.resize(chains.size(), sweeps);
  return isComplete;
}

/// Longer and longer chains, the last ones as long as the time allows.
void LargeSearch::annealForTime() {
  unsigned count = std::max(2u, pool.getMaxConcurrency());
  constexpr uint64_t growth = 4;
  double before = seconds();
  for (uint64_t sweeps = 32; anneal(count, sweeps);) {
    double now = seconds(), took = std::max(now - before, 1e-6);
    before = now;
    constexpr double margin = 0.9;
    double factor = std::min<double>(growth, margin * (deadline - now) / took);
    if (factor < 0.5)
      return;
    sweeps = std::max<uint64_t>(static_cast<uint64_t>(factor * sweeps), 1);
  }
}

/// Error: the tree's value exceeds 128 bits.
Error LargeSearch::keepIfBest(const ContractionTree &tree) {
  Expected<TreeCost> cost = computeCost(network, tree);
  if (!cost)
    return cost.takeError();
  std::optional<Cost> value = valueOf(objective, *cost);
  if (!value)
    return createStringError(
        "the objective of the best tree found exceeds 128 bits");
  if (!result.tree ||
      std::pair(*value, cost->flops) < std::pair(result.value, result.flops)) {
    result.tree = tree;
    result.value = *value;
    result.flops = cost->flops;
  }
  return Error::success();
}

/// Rounds over the best trees; a round that is stopped counts as none. Error:
/// no tree fits in 128 bits.
Error LargeSearch::solveWindows() {
  constexpr size_t maxFinalists = 4;
  std::vector<const RankedTree *> order;
  for (const std::vector<RankedTree> *list : {&chains, &trials})
    for (const RankedTree &entry : *list)
      order.push_back(&entry);
  stable_sort(order, [](const RankedTree *a, const RankedTree *b) {
    return a->value < b->value;
  });
  // Of equal ones, which are often the same tree, the first.
  order.erase(std::unique(order.begin(), order.end(),
                          [](const RankedTree *a, const RankedTree *b) {
                            return b->value <= a->value * (1 + 1e-9);
                          }),
              order.end());
  // The greedy tree too, since ranks are in floating point.
  order.push_back(&trials.front());
  Error error = Error::success();
  std::vector<EditableTree> trees;
  for (const RankedTree *entry : order) {
    if (Error beyond = keepIfBest(*entry->tree)) {
      // Of the first, so the best.
      if (error)
        consumeError(std::move(beyond));
      else
        error = std::move(beyond);
    } else if (trees.size() < maxFinalists) {
      trees.emplace_back(network, *entry->tree,
                         cantFail(computeCost(network, *entry->tree)),
                         objective, result.work.window);
    }
  }
  if (trees.empty())
    return error;
  consumeError(std::move(error));
  unsigned round = 0;
  for (; round < result.work.rounds; ++round) {
    std::vector<EditableTree> next = trees;
    std::vector<RankedTree> unused;
    std::atomic<bool> isBetter = false;
    bool isComplete =
        runUnits("windows", unused, next.size(), [&](size_t number) {
          bool isWhole = true;
          auto stop = [&] {
            bool now = mustStop();
            isWhole &= !now;
            return now;
          };
          if (next[number].improveOnce(stop))
            isBetter = true;
          return isWhole ? rank(next[number].toTree()) : RankedTree();
        });
    if (!isComplete)
      break;
    trees = std::move(next);
    if (!isBetter)
      break;
  }
  if (round < result.work.rounds && mustStop())
    result.work.rounds = round;
  for (const EditableTree &tree : trees)
    cantFail(keepIfBest(tree.toTree()));
  return Error::success();
}

Expected<LargeResult> LargeSearch::run() {
  // One tree is always there.
  trials.push_back(rank(cantFail(greedyTree(network, root))));
  unitIsDone(trials.front().value);
  if (network.numLeaves() < 4) {
    if (Error error = keepIfBest(*trials.front().tree))
      return error;
    return std::move(result);
  }
  // Of the time, a share for each phase.
  constexpr double untilAnnealing = 0.1, untilWindows = 0.85;
  if (isTimed())
    deadline = options.seconds * untilAnnealing;
  bool isStopped = !runUnits("greedy", trials, result.work.trials,
                             [&](size_t trial) { return tryGreedy(trial); });
  result.work.trials = trials.size() - 1;
  auto isInterrupted = [&] {
    return options.shouldStop && options.shouldStop();
  };
  if (isTimed()) {
    deadline = options.seconds * untilWindows;
    result.work.sweeps.clear();
    if (!isInterrupted())
      annealForTime();
    deadline = options.seconds;
    isStopped = isInterrupted();
  } else {
    SmallVector<uint64_t, 8> sweeps;
    std::swap(sweeps, result.work.sweeps);
    for (size_t first = 0; first < sweeps.size() && !isStopped;) {
      size_t last = first;
      while (last < sweeps.size() && sweeps[last] == sweeps[first])
        ++last;
      isStopped = !anneal(last - first, sweeps[first]);
      first = last;
    }
  }
  if (Error error = solveWindows())
    return error;
  result.stopped = isStopped || isInterrupted();
  return std::move(result);
}

Expected<LargeResult> fetta::searchLarge(const ClosedNetwork &network,
                                         unsigned rootLeaf,
                                         const Objective &objective,
                                         const HeuristicOptions &options) {
  assert(rootLeaf < network.numLeaves() && "no such leaf");
  return LargeSearch(network, rootLeaf, objective, options).run();
}

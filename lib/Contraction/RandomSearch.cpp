//===- RandomSearch.cpp - Trees for large networks ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomSearch.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/ThreadPool.h"

#include <cmath>
#include <random>

using namespace llvm;
using namespace fetta;

namespace {

/// The objective, and multiply-adds between equals.
using Value = std::pair<Cost, Cost>;

/// A tree whose subtrees can be exchanged. Value numbers are those of
/// ContractionTree, but a step may stand before its operands.
class EditableTree {
public:
  EditableTree(const ClosedNetwork &network, const ContractionTree &tree,
               const TreeCost &cost, const Objective &objective,
               unsigned windowSize);

  /// Solves the window below every step once. Whether one became better.
  bool improveOnce();
  ContractionTree toTree() const;

private:
  std::vector<unsigned> postOrder() const;
  bool improveWindow(unsigned top);
  std::optional<Value> valueOfSteps(ArrayRef<unsigned> values) const;

  unsigned numLeaves() const { return network.numLeaves(); }
  const StepCost &costOf(unsigned value) const {
    return costs[value - numLeaves()];
  }

  const ClosedNetwork &network;
  const Objective &objective;
  unsigned windowSize, root, result;
  std::vector<ContractionTree::Step> steps;
  std::vector<StepCost> costs;
};

} // namespace

EditableTree::EditableTree(const ClosedNetwork &network,
                           const ContractionTree &tree, const TreeCost &cost,
                           const Objective &objective, unsigned windowSize)
    : network(network), objective(objective), windowSize(windowSize),
      root(tree.rootLeaf()), result(tree.resultValue()),
      steps(tree.getSteps().vec()), costs(cost.steps) {}

/// All steps' values, operands first.
std::vector<unsigned> EditableTree::postOrder() const {
  std::vector<unsigned> order, todo = {result};
  while (!todo.empty()) {
    unsigned value = todo.back();
    todo.pop_back();
    if (value < numLeaves())
      continue;
    order.push_back(value);
    todo.push_back(steps[value - numLeaves()].lhs);
    todo.push_back(steps[value - numLeaves()].rhs);
  }
  std::reverse(order.begin(), order.end());
  return order;
}

std::optional<Value>
EditableTree::valueOfSteps(ArrayRef<unsigned> values) const {
  TreeCost sum;
  for (unsigned value : values) {
    const StepCost &cost = costOf(value);
    // Parts of a tree whose total is known to fit.
    sum.flops += cost.flops;
    sum.write += cost.resultVolume;
    sum.largestIntermediate =
        std::max(sum.largestIntermediate, cost.resultVolume);
  }
  std::optional<Cost> value = valueOf(objective, sum);
  if (!value)
    return std::nullopt;
  return Value(*value, sum.flops);
}

bool EditableTree::improveWindow(unsigned top) {
  // Open the dearest step until the window is full.
  SmallVector<unsigned, 16> inner = {top}, outer;
  auto open = [&](unsigned value) {
    const ContractionTree::Step &step = steps[value - numLeaves()];
    outer.append({step.lhs, step.rhs});
  };
  open(top);
  while (outer.size() < windowSize) {
    auto *dearest = outer.end();
    for (auto *it = outer.begin(); it != outer.end(); ++it)
      if (*it >= numLeaves() && (dearest == outer.end() ||
                                 costOf(*it).flops > costOf(*dearest).flops))
        dearest = it;
    if (dearest == outer.end())
      break;
    unsigned value = *dearest;
    outer.erase(dearest);
    inner.push_back(value);
    open(value);
  }
  if (inner.size() < 2)
    return false;
  std::optional<Value> before = valueOfSteps(inner);

  // The window as a closed network: its values and the rest of the network,
  // which holds what the window's result holds. A step costs the same there.
  std::vector<NetworkIndex> indices;
  std::vector<unsigned> indexOf;
  DenseMap<unsigned, unsigned> numberOf;
  std::vector<IndexList> leaves;
  auto addLeaf = [&](ArrayRef<unsigned> list) {
    IndexList &leaf = leaves.emplace_back();
    for (unsigned index : list) {
      auto [entry, isNew] = numberOf.try_emplace(index, indices.size());
      if (isNew) {
        indices.push_back(network.getIndices()[index]);
        indexOf.push_back(index);
      }
      leaf.push_back(entry->second);
    }
  };
  for (unsigned value : outer)
    addLeaf(value < numLeaves() ? network.getLeaves()[value]
                                : costOf(value).result);
  addLeaf(costOf(top).result);
  unsigned rest = outer.size();
  ClosedNetwork window =
      cantFail(ClosedNetwork::create(std::move(indices), std::move(leaves)));
  SearchOptions options;
  options.objective = objective;
  Expected<SearchResult> found = searchTree(window, rest, options);
  if (!found || !before || Value(found->value, found->flops) >= *before) {
    consumeError(found.takeError());
    return false;
  }

  // The steps' numbers are used again; the window's result keeps its own.
  TreeCost cost = cantFail(computeCost(window, found->tree));
  SmallVector<unsigned, 16> numbers(inner.begin() + 1, inner.end());
  numbers.push_back(top);
  auto toValue = [&](unsigned value) {
    return value < rest ? outer[value] : numbers[value - window.numLeaves()];
  };
  for (auto [number, step] : enumerate(found->tree.getSteps())) {
    StepCost &entry = cost.steps[number];
    for (IndexList *list :
         {&entry.lhs, &entry.rhs, &entry.result, &entry.summed}) {
      for (unsigned &index : *list)
        index = indexOf[index];
      llvm::sort(*list);
    }
    unsigned slot = numbers[number] - numLeaves();
    steps[slot] = {toValue(step.lhs), toValue(step.rhs)};
    costs[slot] = std::move(entry);
  }
  return true;
}

bool EditableTree::improveOnce() {
  bool isBetter = false;
  // A window keeps the values at its rim, so those above are still there.
  for (unsigned value : postOrder())
    isBetter |= improveWindow(value);
  return isBetter;
}

ContractionTree EditableTree::toTree() const {
  std::vector<unsigned> valueOf(numLeaves() + steps.size());
  for (unsigned leaf : seq(numLeaves()))
    valueOf[leaf] = leaf;
  std::vector<ContractionTree::Step> ordered;
  for (unsigned value : postOrder()) {
    const ContractionTree::Step &step = steps[value - numLeaves()];
    valueOf[value] = numLeaves() + ordered.size();
    ordered.push_back({valueOf[step.lhs], valueOf[step.rhs]});
  }
  return cantFail(
      ContractionTree::create(numLeaves(), root, std::move(ordered)));
}

/// A value of its own for each trial (SplitMix64's finalizer).
static uint64_t mix(uint64_t number) {
  number += 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

Expected<ContractionTree>
fetta::searchAtRandom(const ClosedNetwork &network, ContractionTree greedy,
                      const Objective &objective,
                      const HeuristicOptions &options) {
  struct Entry {
    std::optional<ContractionTree> tree; ///< None: beyond 128 bits.
    std::optional<TreeCost> cost;
    Value value;
  };
  auto evaluate = [&](Entry &entry, Expected<ContractionTree> tree) {
    entry.tree.reset();
    if (tree) {
      if (Expected<TreeCost> cost = computeCost(network, *tree)) {
        if (std::optional<Cost> value = valueOf(objective, *cost)) {
          entry.value = {*value, cost->flops};
          entry.tree = std::move(*tree);
          entry.cost = std::move(*cost);
        }
      } else {
        consumeError(cost.takeError());
      }
    } else {
      consumeError(tree.takeError());
    }
  };
  // Each task writes its own entry only, so threads do not change results.
  DefaultThreadPool pool(hardware_concurrency(options.threads));
  auto forEach = [&](size_t count, auto task) {
    for (size_t number : seq(count))
      pool.async([&task, number] { task(number); });
    pool.wait();
  };

  unsigned root = greedy.rootLeaf();
  std::vector<Entry> entries(size_t(options.trials) + 1);
  evaluate(entries[0], std::move(greedy));
  assert(entries[0].tree && "the greedy tree fits");
  forEach(options.trials, [&](size_t trial) {
    std::mt19937_64 random(mix(mix(options.seed) + trial));
    auto uniform = [&] {
      return static_cast<double>(random() >> 11) * 0x1p-53;
    };
    // Trees differ in what suits them: from result only to operands first,
    // from hardly any noise to much.
    GreedyNoise noise;
    noise.operandWeight = 2 * uniform();
    noise.temperature = std::pow(10.0, 2 * uniform() - 2);
    noise.seed = random();
    evaluate(entries[trial + 1], randomGreedyTree(network, root, noise));
  });

  // The greedy tree and the best others, equals in order of their trials.
  stable_sort(MutableArrayRef(entries).drop_front(),
              [](const Entry &a, const Entry &b) {
                if (!a.tree || !b.tree)
                  return a.tree.has_value() && !b.tree.has_value();
                return a.value < b.value;
              });
  constexpr size_t trialsForOne = 8;
  entries.resize(std::min(entries.size(), 2 + options.trials / trialsForOne));
  forEach(entries.size(), [&](size_t number) {
    Entry &entry = entries[number];
    if (!entry.tree)
      return;
    EditableTree tree(network, *entry.tree, *entry.cost, objective,
                      options.window);
    for (unsigned round = 0; round < options.rounds && tree.improveOnce();)
      ++round;
    evaluate(entry, tree.toTree());
  });
  Entry *best = nullptr;
  for (Entry &entry : entries)
    if (entry.tree && (!best || entry.value < best->value))
      best = &entry;
  return std::move(*best->tree);
}

//===- Windows.cpp - Exactly solved parts of a tree -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Windows.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace llvm;
using namespace fetta;

EditableTree::EditableTree(const ClosedNetwork &network,
                           const ContractionTree &tree, const TreeCost &cost,
                           const Objective &objective, unsigned windowSize)
    : network(network), objective(objective), windowSize(windowSize),
      root(tree.rootLeaf()), result(tree.resultValue()),
      steps(tree.getSteps().vec()), costs(cost.steps),
      changedAt(steps.size(), 1), solvedAt(steps.size(), 0) {}

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

std::optional<TreeValue>
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
  return TreeValue(*value, sum.flops);
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
  // An unchanged window has an unchanged solution.
  uint64_t &solved = solvedAt[top - numLeaves()];
  if (all_of(inner, [&](unsigned value) {
        return changedAt[value - numLeaves()] <= solved;
      }))
    return false;
  solved = ++now;
  std::optional<TreeValue> before = valueOfSteps(inner);
  if (!before)
    return false;

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
  // Should the exact solver give up: no search within a search.
  options.heuristic.work = HeuristicWork::greedy();
  Expected<SearchResult> found = searchTree(window, rest, options);
  if (!found || TreeValue(found->value, found->flops) >= *before) {
    consumeError(found.takeError());
    return false;
  }

  // The steps' numbers are used again; the window's result keeps its own.
  SmallVector<unsigned, 16> numbers(inner.begin() + 1, inner.end());
  numbers.push_back(top);
  auto toValue = [&](unsigned value) {
    return value < rest ? outer[value] : numbers[value - window.numLeaves()];
  };
  TreeCost cost = cantFail(computeCost(window, found->tree));
  for (auto [number, step] : enumerate(found->tree.getSteps())) {
    StepCost &entry = cost.steps[number];
    for (IndexList *list :
         {&entry.lhs, &entry.rhs, &entry.result, &entry.summed}) {
      for (unsigned &index : *list)
        index = indexOf[index];
      llvm::sort(*list);
    }
    unsigned slot = numbers[number] - numLeaves();
    changedAt[slot] = now + 1;
    steps[slot] = {toValue(step.lhs), toValue(step.rhs)};
    costs[slot] = std::move(entry);
  }
  return true;
}

bool EditableTree::improveOnce(function_ref<bool()> stop) {
  bool isBetter = false;
  // A window keeps the values at its rim, so those above are still there.
  for (unsigned value : postOrder()) {
    if (stop())
      break;
    isBetter |= improveWindow(value);
  }
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

//===- SharedPlan.cpp - Several phases, common values once ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/SharedPlan.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <algorithm>

using namespace llvm;
using namespace fetta;

Expected<SharedPlan> SharedPlan::create(const ClosedNetwork &network,
                                        ArrayRef<ContractionTree> phases) {
  if (phases.empty())
    return createStringError("a shared plan needs at least one phase");
  unsigned n = network.numLeaves();
  SharedPlan plan;
  plan.leafCount = n;
  DenseMap<LeafSet, unsigned> valueOf;
  for (unsigned leaf : seq(n))
    valueOf[network.onlyLeaf(leaf)] = leaf;

  for (auto [phase, tree] : enumerate(phases)) {
    if (is_contained(plan.roots, tree.rootLeaf()))
      return createStringError("two phases leave out leaf " +
                               Twine(tree.rootLeaf()));
    Expected<TreeCost> cost = computeCost(network, tree);
    if (!cost)
      return cost.takeError();
    std::vector<LeafSet> sets = tree.leafSets();

    // From the result down: a set that is there needs nothing below it.
    std::vector<bool> isNeeded(tree.numValues(), false);
    isNeeded[tree.resultValue()] = true;
    for (size_t k = tree.getSteps().size(); k-- > 0;) {
      unsigned value = n + k;
      if (valueOf.contains(sets[value]))
        isNeeded[value] = false;
      if (!isNeeded[value])
        continue;
      isNeeded[tree.getSteps()[k].lhs] = true;
      isNeeded[tree.getSteps()[k].rhs] = true;
    }

    Cost phaseFlops = 0;
    for (auto [k, step] : enumerate(tree.getSteps())) {
      if (!isNeeded[n + k])
        continue;
      StepCost &stepCost = cost->steps[k];
      std::optional<Cost> total = addCosts(plan.total, stepCost.flops);
      if (!total)
        return createStringError(
            "the multiply-adds of all phases together exceed 128 bits");
      plan.total = *total;
      phaseFlops += stepCost.flops;
      unsigned lhs = valueOf.lookup(sets[step.lhs]);
      unsigned rhs = valueOf.lookup(sets[step.rhs]);
      valueOf[sets[n + k]] = n + plan.steps.size();
      plan.steps.push_back({lhs, rhs, sets[n + k], std::move(stepCost),
                            static_cast<unsigned>(phase)});
    }
    plan.byPhase.push_back(phaseFlops);
    plan.roots.push_back(tree.rootLeaf());
    plan.results.push_back(valueOf.lookup(sets[tree.resultValue()]));
  }
  return plan;
}

Expected<SharedPlan> SharedPlan::create(const ClosedNetwork &network,
                                        const UnrootedTree &tree,
                                        ArrayRef<unsigned> rootLeaves) {
  if (tree.numLeaves() != network.numLeaves())
    return createStringError("the tree has " + Twine(tree.numLeaves()) +
                             " leaves, but the network has " +
                             Twine(network.numLeaves()));
  std::vector<ContractionTree> phases;
  for (unsigned leaf : rootLeaves) {
    if (leaf >= network.numLeaves())
      return createStringError("there is no leaf " + Twine(leaf) +
                               ": the network has " +
                               Twine(network.numLeaves()) + " leaves");
    phases.push_back(tree.reroot(leaf));
  }
  return create(network, phases);
}

Expected<SharedPlan> SharedPlan::fromSteps(const ClosedNetwork &network,
                                           ArrayRef<PlannedStep> planned,
                                           ArrayRef<unsigned> rootLeaves) {
  if (rootLeaves.empty())
    return createStringError("a shared plan needs at least one phase");
  unsigned n = network.numLeaves();
  SharedPlan plan;
  plan.leafCount = n;
  plan.byPhase.assign(rootLeaves.size(), 0);
  std::vector<LeafSet> sets;
  DenseMap<LeafSet, unsigned> valueOf;
  for (unsigned leaf : seq(n)) {
    sets.push_back(network.onlyLeaf(leaf));
    valueOf[sets.back()] = leaf;
  }
  for (auto [number, step] : enumerate(planned)) {
    for (unsigned operand : {step.lhs, step.rhs})
      if (operand >= sets.size())
        return createStringError("step " + Twine(number) + " reads value " +
                                 Twine(operand) + ", which is not there yet");
    if (step.phase >= rootLeaves.size())
      return createStringError("step " + Twine(number) + " is of phase " +
                               Twine(step.phase) + ", but there are " +
                               Twine(rootLeaves.size()));
    const LeafSet &lhs = sets[step.lhs], &rhs = sets[step.rhs];
    if (lhs.anyCommon(rhs))
      return createStringError("the operands of step " + Twine(number) +
                               " have a leaf in common");
    LeafSet both = lhs;
    both |= rhs;
    if (valueOf.contains(both) != step.recomputes)
      return createStringError("step " + Twine(number) +
                               (step.recomputes
                                    ? " recomputes a value that nothing made"
                                    : " makes a value a second time"));
    StepCost cost;
    cost.lhs = network.openIndices(lhs);
    cost.rhs = network.openIndices(rhs);
    cost.result = network.openIndices(both);
    IndexList all;
    std::set_union(cost.lhs.begin(), cost.lhs.end(), cost.rhs.begin(),
                   cost.rhs.end(), std::back_inserter(all));
    std::set_difference(all.begin(), all.end(), cost.result.begin(),
                        cost.result.end(), std::back_inserter(cost.summed));
    std::optional<Cost> flops = network.volume(all);
    std::optional<Cost> total =
        flops ? addCosts(plan.total, *flops) : std::nullopt;
    if (!total)
      return createStringError(
          "the multiply-adds of all phases together exceed 128 bits");
    cost.flops = *flops;
    cost.resultVolume = *network.volume(cost.result);
    plan.total = *total;
    plan.byPhase[step.phase] += cost.flops;
    valueOf.try_emplace(both, sets.size());
    sets.push_back(both);
    plan.steps.push_back({step.lhs, step.rhs, std::move(both), std::move(cost),
                          step.phase, step.recomputes});
  }
  for (unsigned leaf : rootLeaves) {
    if (leaf >= n)
      return createStringError("there is no leaf " + Twine(leaf) +
                               ": the network has " + Twine(n) + " leaves");
    if (is_contained(plan.roots, leaf))
      return createStringError("two phases leave out leaf " + Twine(leaf));
    LeafSet others = network.onlyLeaf(leaf);
    others.flip();
    auto found = valueOf.find(others);
    if (found == valueOf.end())
      return createStringError(
          "no step makes the result that leaves out leaf " + Twine(leaf));
    plan.roots.push_back(leaf);
    plan.results.push_back(found->second);
  }
  return plan;
}

std::vector<unsigned> SharedPlan::storedValues() const {
  std::vector<bool> isStored(leafCount + steps.size(), false);
  for (const Step &step : steps)
    if (step.phase != 0)
      isStored[step.lhs] = isStored[step.rhs] = true;
  std::vector<unsigned> values;
  for (auto [number, step] : enumerate(steps))
    if (step.phase == 0 && isStored[leafCount + number])
      values.push_back(leafCount + number);
  return values;
}

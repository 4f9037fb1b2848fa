//===- TrainingPlan.cpp - A training step as it is executed ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/TrainingPlan.h"

#include "MemoryProfile.h"
#include "TrainingTree.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace llvm;
using namespace fetta;

namespace {

/// Writes the steps of a tree in order.
class PlanBuilder {
public:
  PlanBuilder(const ClosedNetwork &network, const TrainingGoal &goal,
              const TrainingTree &training)
      : network(network), training(training), tree(training.tree),
        facts(goal, tree), n(tree.numLeaves()), profiles(tree.numValues()),
        forwardOrders(tree.getSteps().size()),
        backwardOrders(tree.getSteps().size()), madeBy(tree.numValues()),
        phaseOf(tree.numValues(), ~0u) {
    roots = {goal.outputLeaf};
    for (bool activations : {true, false})
      for (unsigned leaf : goal.gradients.set_bits())
        if (goal.activations.test(leaf) == activations) {
          phaseOf[leaf] = roots.size();
          roots.push_back(leaf);
        }
    measure();
  }

  Expected<SharedPlan> build() {
    writeForward(tree.resultValue());
    if (roots.size() > 1)
      writeBackward(tree.resultValue(), tree.rootLeaf());
    return SharedPlan::fromSteps(network, steps, roots);
  }

private:
  const ContractionTree::Step &stepOf(unsigned value) const {
    return tree.getSteps()[value - n];
  }
  Retention retention(unsigned value) const {
    return training.retention[value - n];
  }
  double kept(unsigned value) const {
    return value >= n && retention(value) == Retention::Stored
               ? profiles[value].value
               : 0;
  }
  void measure();
  unsigned write(unsigned lhs, unsigned rhs, unsigned phase, bool again) {
    // The operand with the first leaf stands on the left.
    if (lowest(rhs) < lowest(lhs))
      std::swap(lhs, rhs);
    steps.push_back({lhs, rhs, phase, again});
    lowestOf.push_back(std::min(lowest(lhs), lowest(rhs)));
    return n + steps.size() - 1;
  }
  unsigned lowest(unsigned planValue) const {
    return planValue < n ? planValue : lowestOf[planValue - n];
  }
  void writeForward(unsigned value);
  void writeBackward(unsigned value, unsigned adjoint);
  /// Brings a forward value back if it was dropped to be recomputed.
  unsigned fetch(unsigned value, unsigned phase);

  const ClosedNetwork &network;
  const TrainingTree &training;
  const ContractionTree &tree;
  TreeFacts facts;
  unsigned n;
  std::vector<MemoryProfile> profiles;
  std::vector<ForwardOrder> forwardOrders;
  std::vector<BackwardOrder> backwardOrders;
  /// By value of the tree: the plan's value for it, as long as it is there.
  std::vector<std::optional<unsigned>> madeBy;
  std::vector<unsigned> phaseOf; ///< First phase that needs the adjoint.
  std::vector<SharedPlan::PlannedStep> steps;
  std::vector<unsigned> lowestOf; ///< By step: the lowest leaf in its result.
  SmallVector<unsigned, 8> roots;
};

} // namespace

void PlanBuilder::measure() {
  TreeCost cost = cantFail(computeCost(network, tree));
  for (unsigned value : seq(tree.numValues())) {
    MemoryProfile &profile = profiles[value];
    profile.wanted = facts.wantsGradient[value];
    if (value < n) {
      madeBy[value] = value;
      if (!profile.wanted)
        continue;
      profile.gradient = toDouble(
          network.volume(network.getLeaves()[value]).value_or(~Cost(0)));
      profile.results = profile.backwardPeak = profile.gradient;
      continue;
    }
    auto [lhs, rhs] = stepOf(value);
    const MemoryProfile &a = profiles[lhs], &b = profiles[rhs];
    profile.value = profile.gradient =
        toDouble(cost.steps[value - n].resultVolume);
    profile.results = a.results + b.results;
    profile.stored = a.stored + b.stored + kept(lhs) + kept(rhs);
    phaseOf[value] = std::min(phaseOf[lhs], phaseOf[rhs]);
    forwardOrders[value - n] = orderForward(a, b, profile.value);
    profile.forwardPeak = forwardOrders[value - n].peak;
    if (!profile.wanted)
      continue;
    double adjoint = value == tree.resultValue() ? 0 : profile.gradient;
    backwardOrders[value - n] =
        orderBackward(a, b, adjoint, kept(lhs), kept(rhs));
    profile.backwardPeak = backwardOrders[value - n].peak;
  }
}

void PlanBuilder::writeForward(unsigned value) {
  if (value < n)
    return;
  auto [lhs, rhs] = stepOf(value);
  bool secondFirst = forwardOrders[value - n].secondFirst;
  writeForward(secondFirst ? rhs : lhs);
  writeForward(secondFirst ? lhs : rhs);
  madeBy[value] = write(*madeBy[lhs], *madeBy[rhs], 0, false);
  // From here on only what is kept can be read.
  for (unsigned operand : {lhs, rhs})
    if (operand >= n && retention(operand) != Retention::Stored)
      madeBy[operand] = std::nullopt;
}

unsigned PlanBuilder::fetch(unsigned value, unsigned phase) {
  if (!madeBy[value]) {
    assert(retention(value) == Retention::Recomputed &&
           "what a gradient reads is kept");
    auto [lhs, rhs] = stepOf(value);
    unsigned first = fetch(lhs, phase), second = fetch(rhs, phase);
    madeBy[value] = write(first, second, phase, true);
  }
  return *madeBy[value];
}

void PlanBuilder::writeBackward(unsigned value, unsigned adjoint) {
  if (value < n || !profiles[value].wanted)
    return;
  auto [lhs, rhs] = stepOf(value);
  const BackwardOrder &order = backwardOrders[value - n];
  unsigned sides[] = {lhs, rhs};
  auto make = [&](bool second) {
    unsigned side = sides[second], other = sides[!second];
    unsigned phase = phaseOf[side];
    return write(adjoint, fetch(other, phase), phase, false);
  };
  bool first = order.makesSecondFirst;
  unsigned adjoints[2];
  adjoints[first] = make(first);
  if (!profiles[sides[!first]].wanted)
    return writeBackward(sides[first], adjoints[first]);
  if (order.isDeep) {
    writeBackward(sides[first], adjoints[first]);
    adjoints[!first] = make(!first);
    return writeBackward(sides[!first], adjoints[!first]);
  }
  adjoints[!first] = make(!first);
  bool enter = order.entersSecondFirst;
  writeBackward(sides[enter], adjoints[enter]);
  writeBackward(sides[!enter], adjoints[!enter]);
}

Expected<SharedPlan> fetta::planTraining(const ClosedNetwork &network,
                                         const TrainingGoal &goal,
                                         const TrainingTree &tree) {
  // Checks the goal and the tree.
  Expected<TrainingFigures> figures =
      computeTrainingFigures(network, goal, tree);
  if (!figures)
    return figures.takeError();
  return PlanBuilder(network, goal, tree).build();
}

std::vector<SmallVector<unsigned, 2>> fetta::freesOf(const SharedPlan &plan) {
  unsigned n = plan.numLeaves();
  std::vector<std::optional<unsigned>> lastRead(plan.getSteps().size());
  std::vector<bool> isResult(plan.getSteps().size(), false);
  for (unsigned phase : seq(plan.numPhases()))
    if (plan.resultValue(phase) >= n)
      isResult[plan.resultValue(phase) - n] = true;
  for (auto [number, step] : enumerate(plan.getSteps())) {
    // Nobody may read it.
    lastRead[number] = number;
    for (unsigned value : {step.lhs, step.rhs})
      if (value >= n)
        lastRead[value - n] = number;
  }
  std::vector<SmallVector<unsigned, 2>> frees(plan.getSteps().size());
  for (unsigned number : seq<unsigned>(0, plan.getSteps().size()))
    if (!isResult[number])
      frees[*lastRead[number]].push_back(n + number);
  return frees;
}

StepTime fetta::stepTime(const SharedPlan &plan, const TrainingGoal &goal,
                         const SharedPlan::Step &step) {
  if (goal.repeats == 1)
    return StepTime::Each;
  // The vertex of the tree joins three sets of leaves; without the one that
  // holds dY it contracts the other two in the forward pass.
  LeafSet forward = step.leaves;
  bool isForward = !forward.test(goal.outputLeaf);
  if (!isForward) {
    auto setOf = [&](unsigned value) {
      LeafSet set(plan.numLeaves());
      if (value < plan.numLeaves())
        set.set(value);
      else
        set = plan.getSteps()[value - plan.numLeaves()].leaves;
      return set;
    };
    // The adjoint among the operands is that of the vertex.
    forward = setOf(step.lhs);
    if (!forward.test(goal.outputLeaf))
      forward = setOf(step.rhs);
    forward.flip();
  }
  if (forward.anyCommon(goal.activations))
    return StepTime::Each;
  return isForward ? StepTime::Before : StepTime::After;
}

Expected<PlanMemory> fetta::measureMemory(const ClosedNetwork &network,
                                          const SharedPlan &plan,
                                          const TrainingGoal &goal) {
  unsigned n = plan.numLeaves();
  ArrayRef<SharedPlan::Step> steps = plan.getSteps();
  std::optional<Cost> all = 0, inputs = 0;
  LeafSet isRead = network.noLeaves();
  for (const SharedPlan::Step &step : steps) {
    all = all ? addCosts(*all, step.cost.resultVolume) : all;
    for (unsigned value : {step.lhs, step.rhs})
      if (value < n)
        isRead.set(value);
  }
  for (unsigned leaf : isRead.set_bits()) {
    std::optional<Cost> volume = network.volume(network.getLeaves()[leaf]);
    inputs = inputs && volume ? addCosts(*inputs, *volume) : std::nullopt;
  }
  if (!all || !inputs)
    return createStringError("the elements of a plan exceed 128 bits");

  // In the order of time; within a time, as planned.
  std::vector<StepTime> times;
  for (const SharedPlan::Step &step : steps)
    times.push_back(stepTime(plan, goal, step));
  std::vector<unsigned> order;
  for (StepTime time : {StepTime::Before, StepTime::Each, StepTime::After})
    for (unsigned number : seq<unsigned>(0, steps.size()))
      if (times[number] == time)
        order.push_back(number);

  constexpr unsigned never = ~0u;
  std::vector<unsigned> lastRead(steps.size(), never);
  std::vector<bool> isResult(steps.size(), false),
      isSummed(steps.size(), false);
  for (unsigned phase : seq(plan.numPhases()))
    if (plan.resultValue(phase) >= n)
      isResult[plan.resultValue(phase) - n] = true;
  for (unsigned number : order)
    for (unsigned value : {steps[number].lhs, steps[number].rhs})
      if (value >= n)
        lastRead[value - n] = number;
  // The adjoint of weights alone, made in every repeat: added up.
  for (unsigned number : order) {
    LeafSet below = steps[number].leaves;
    bool isAdjoint = below.test(goal.outputLeaf);
    below.flip();
    isSummed[number] = goal.repeats > 1 && isAdjoint &&
                       times[number] == StepTime::Each &&
                       !below.anyCommon(goal.activations);
  }

  PlanMemory memory;
  memory.inputs = *inputs;
  Cost alive = 0;
  auto volumeOf = [&](unsigned number) {
    return steps[number].cost.resultVolume;
  };
  // What was made before the repeats serves all of them.
  auto lastsForRepeats = [&](unsigned number) {
    return times[number] == StepTime::Before && lastRead[number] != never &&
           times[lastRead[number]] == StepTime::Each;
  };
  StepTime now = StepTime::Before;
  for (unsigned number : order) {
    if (now != times[number]) {
      // From the second repeat on, all sums have their place.
      if (times[number] == StepTime::Each)
        for (unsigned other : order)
          alive += isSummed[other] ? volumeOf(other) : 0;
      if (now == StepTime::Each)
        for (unsigned other : order)
          if (lastsForRepeats(other) ||
              (isResult[other] && times[other] == StepTime::Each &&
               !isSummed[other]))
            alive -= volumeOf(other);
      now = times[number];
    }
    if (!isSummed[number])
      alive += volumeOf(number);
    if (alive > memory.peak) {
      memory.peak = alive;
      memory.peakStep = number;
    }
    const SharedPlan::Step &step = steps[number];
    SmallVector<unsigned, 3> ending = {step.lhs};
    if (step.rhs != step.lhs)
      ending.push_back(step.rhs);
    for (unsigned value : ending) {
      if (value >= n && !isResult[value - n] && lastRead[value - n] == number &&
          !lastsForRepeats(value - n))
        alive -= volumeOf(value - n);
    }
    if (!isResult[number] && lastRead[number] == never && !isSummed[number])
      alive -= volumeOf(number);
  }
  return memory;
}

//===- PlanExecutor.cpp - Runs plans on numbers ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanExecutor.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <functional>
#include <set>

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

PlanExecutor::PlanExecutor(const ClosedNetwork &network, const SharedPlan &plan,
                           const TrainingGoal &goal, uint64_t seed)
    : network(network), plan(plan), goal(goal), random(seed),
      n(network.numLeaves()) {
  unsigned numValues = n + plan.getSteps().size();
  repeated.assign(numValues, false);
  summed.assign(numValues, false);
  isResult.assign(numValues, false);
  for (unsigned leaf : seq(n)) {
    sets.push_back(network.onlyLeaf(leaf));
    repeated[leaf] = goal.repeats > 1 &&
                     (leaf == goal.outputLeaf || goal.activations.test(leaf));
  }
  for (auto [number, step] : enumerate(plan.getSteps())) {
    LeafSet both = sets[step.lhs];
    both |= sets[step.rhs];
    // What comes in for a contraction of weights is summed over repeats.
    LeafSet below = both;
    below.flip();
    bool isAdjointOfWeights =
        both.test(goal.outputLeaf) && !below.anyCommon(goal.activations);
    bool each = repeated[step.lhs] || repeated[step.rhs];
    summed[n + number] = each && isAdjointOfWeights;
    repeated[n + number] = each && !isAdjointOfWeights;
    sets.push_back(both);
  }
  for (unsigned phase : seq(plan.numPhases()))
    isResult[plan.resultValue(phase)] = true;
}

uint64_t PlanExecutor::size(ArrayRef<unsigned> indices) const {
  uint64_t product = 1;
  for (unsigned index : indices)
    product *= network.getIndices()[index].size;
  return product;
}

Array PlanExecutor::makeLeaf(unsigned leaf) {
  Array array{network.getLeaves()[leaf], {}};
  array.data.resize(size(array.indices));
  // Small whole numbers: sums are exact in any order.
  for (double &x : array.data)
    x = static_cast<double>(random() % 5) - 2;
  return array;
}

/// Visits all values of the indices; the position in each array goes along.
static void forAll(const ClosedNetwork &network, ArrayRef<unsigned> all,
                   ArrayRef<IndexList> arrays,
                   function_ref<void(ArrayRef<uint64_t>)> visit) {
  std::vector<uint64_t> positions(arrays.size(), 0);
  std::function<void(size_t)> walk = [&](size_t depth) {
    if (depth == all.size())
      return visit(positions);
    std::vector<uint64_t> saved = positions, strides(arrays.size(), 0);
    for (size_t k = 0; k < arrays.size(); ++k) {
      uint64_t stride = 1;
      for (unsigned index : reverse(arrays[k])) {
        if (index == all[depth])
          strides[k] = stride;
        stride *= network.getIndices()[index].size;
      }
    }
    for (int64_t x = 0; x < network.getIndices()[all[depth]].size; ++x) {
      walk(depth + 1);
      for (size_t k = 0; k < arrays.size(); ++k)
        positions[k] += strides[k];
    }
    positions = saved;
  };
  walk(0);
}

void PlanExecutor::contract(const Array &a, const Array &b, Array &to) {
  std::set<unsigned> both(a.indices.begin(), a.indices.end());
  both.insert(b.indices.begin(), b.indices.end());
  std::vector<unsigned> all(both.begin(), both.end());
  forAll(network, all, {a.indices, b.indices, to.indices},
         [&](ArrayRef<uint64_t> at) {
           to.data[at[2]] += a.data[at[0]] * b.data[at[1]];
           ++multiplyAdds;
         });
}

bool PlanExecutor::execute(unsigned number) {
  const SharedPlan::Step &step = plan.getSteps()[number];
  unsigned value = n + number;
  for (unsigned operand : {step.lhs, step.rhs})
    if (!live.count(operand)) {
      problem = "step " + std::to_string(number) + " reads value " +
                std::to_string(operand) + ", which is not there";
      return false;
    }
  if (!live.count(value)) {
    // Its indices by definition: held by a leaf inside and one outside.
    Array array;
    for (unsigned index : seq<unsigned>(0, network.getIndices().size())) {
      unsigned inside = 0, outside = 0;
      for (unsigned leaf : seq(n))
        if (is_contained(network.getLeaves()[leaf], index))
          ++(sets[value].test(leaf) ? inside : outside);
      if (inside != 0 && outside != 0)
        array.indices.push_back(index);
    }
    array.data.assign(size(array.indices), 0);
    alive += array.data.size();
    live[value] = std::move(array);
  } else if (!summed[value]) {
    problem = "step " + std::to_string(number) + " finds its result there";
    return false;
  } else {
    accumulations += live[value].data.size();
  }
  peak = std::max(peak, alive);
  contract(live[step.lhs], live[step.rhs], live[value]);
  for (unsigned operand : {step.lhs, step.rhs})
    if (--readsLeft[operand] == 0 && operand >= n && !isResult[operand] &&
        !staysForRepeats(operand, number)) {
      alive -= live[operand].data.size();
      live.erase(operand);
    }
  return true;
}

Array PlanExecutor::sumDirectly(unsigned root) const {
  std::vector<unsigned> all;
  std::vector<IndexList> lists;
  for (unsigned index : seq<unsigned>(0, network.getIndices().size()))
    if (network.ends(index).any())
      all.push_back(index);
  for (unsigned leaf : seq(n))
    lists.push_back(network.getLeaves()[leaf]);
  Array result{network.getLeaves()[root], {}};
  result.data.assign(size(result.indices), 0);
  forAll(network, all, lists, [&](ArrayRef<uint64_t> at) {
    double product = 1;
    for (unsigned leaf : seq(n))
      if (leaf != root)
        product *= live.at(leaf).data[at[leaf]];
    result.data[at[root]] += product;
  });
  return result;
}

bool PlanExecutor::compare(const Array &got, const Array &expected,
                           unsigned leaf) {
  bool equal = true;
  forAll(network, expected.indices, {got.indices, expected.indices},
         [&](ArrayRef<uint64_t> at) {
           equal = equal && got.data[at[0]] == expected.data[at[1]];
         });
  if (!equal)
    problem = "wrong result for leaf " + std::to_string(leaf);
  return equal;
}

int PlanExecutor::timeOf(unsigned number) const {
  const SharedPlan::Step &step = plan.getSteps()[number];
  if (summed[step.lhs] || summed[step.rhs])
    return 2;
  if (goal.repeats == 1 || repeated[step.lhs] || repeated[step.rhs])
    return 1;
  // An adjoint of weights that no repeat adds to cannot be before them.
  bool late = false;
  for (unsigned operand : {step.lhs, step.rhs})
    late |= operand >= n && sets[operand].test(goal.outputLeaf);
  return late ? 2 : 0;
}

bool PlanExecutor::staysForRepeats(unsigned value, unsigned reader) const {
  return goal.repeats > 1 && timeOf(value - n) == 0 && timeOf(reader) == 1;
}

bool PlanExecutor::run() {
  unsigned numSteps = plan.getSteps().size();
  std::vector<unsigned> reads(n + numSteps, 0);
  for (unsigned number : seq(numSteps)) {
    const SharedPlan::Step &step = plan.getSteps()[number];
    for (unsigned operand : {step.lhs, step.rhs})
      reads[operand] += timeOf(number) == 1 ? goal.repeats : 1;
  }
  readsLeft = reads;
  for (unsigned leaf : seq(n))
    live[leaf] = makeLeaf(leaf);
  for (unsigned number : seq(numSteps))
    if (timeOf(number) == 0 && !execute(number))
      return false;
  std::vector<Array> expected(plan.numPhases());
  for (uint64_t repeat = 0; repeat < goal.repeats; ++repeat) {
    for (unsigned leaf : seq(n))
      if (repeat != 0 && repeated[leaf])
        live[leaf] = makeLeaf(leaf);
    // What a repeat makes, it reads itself.
    for (unsigned value : seq(n, n + numSteps))
      if (repeated[value])
        readsLeft[value] = reads[value] / goal.repeats;
    bool isForward = true;
    for (unsigned number : seq(numSteps)) {
      if (timeOf(number) != 1)
        continue;
      if (isForward && plan.getSteps()[number].phase != 0) {
        isForward = false;
        if (repeat == 0)
          for (auto &[value, array] : live)
            if (value >= n && !isResult[value])
              (sets[value].anyCommon(goal.activations) ? storedActivations
                                                       : storedWeights) +=
                  array.data.size();
      }
      if (!execute(number))
        return false;
    }
    for (unsigned phase : seq(plan.numPhases())) {
      unsigned value = plan.resultValue(phase), root = plan.rootLeaf(phase);
      Array direct = sumDirectly(root);
      if (goal.repeats == 1 || repeated[value]) {
        if (!compare(live[value], direct, root))
          return false;
        if (value >= n && goal.repeats > 1) {
          alive -= live[value].data.size();
          live.erase(value);
        }
      } else if (expected[phase].data.empty()) {
        expected[phase] = direct;
      } else {
        for (auto [x, y] : zip_equal(expected[phase].data, direct.data))
          x += y;
      }
    }
  }
  for (unsigned value : seq(n, n + numSteps))
    if (live.count(value) && !isResult[value] && readsLeft[value] == 0) {
      alive -= live[value].data.size();
      live.erase(value);
    }
  for (unsigned number : seq(numSteps))
    if (timeOf(number) == 2 && !execute(number))
      return false;
  for (unsigned phase : seq(plan.numPhases()))
    if (!expected[phase].data.empty() &&
        !compare(live[plan.resultValue(phase)], expected[phase],
                 plan.rootLeaf(phase)))
      return false;
  uint64_t results = 0;
  for (auto &[value, array] : live)
    if (value >= n)
      results += isResult[value] ? array.data.size() : ~uint64_t(0) / 4;
  if (results != alive) {
    problem = "something is left over";
    return false;
  }
  return true;
}

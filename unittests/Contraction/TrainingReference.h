//===- TrainingReference.h - Training trees by trying all -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What tests of training trees compare with: every tree, every retention,
/// every order, priced by definition.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_CONTRACTION_TRAININGREFERENCE_H
#define FETTA_UNITTESTS_CONTRACTION_TRAININGREFERENCE_H

#include "TestNetworks.h"
#include "fetta/Contraction/TrainingPlan.h"

#include "llvm/ADT/Sequence.h"

#include <functional>
#include <set>

namespace fetta::test {

/// A closed network of 2 to \p maxTensors tensors and an output with sizes of 1
/// to 3, hyperedges among them.
inline ClosedNetwork smallNetwork(std::mt19937_64 &random,
                                  unsigned maxTensors) {
  auto below = [&](unsigned bound) {
    return static_cast<unsigned>(random() % bound);
  };
  unsigned numLeaves = 3 + below(maxTensors - 1);
  unsigned numIndices = 1 + below(6);
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> leaves(numLeaves);
  for (unsigned index = 0; index < numIndices; ++index) {
    indices.push_back({"i" + std::to_string(index), 1 + below(3)});
    unsigned ends = 2 + (below(4) == 0 ? below(numLeaves - 1) : 0);
    std::set<unsigned> held;
    while (held.size() < ends)
      held.insert(below(numLeaves));
    for (unsigned leaf : held)
      leaves[leaf].push_back(index);
  }
  return must(ClosedNetwork::create(std::move(indices), std::move(leaves)));
}

/// Any gradients, one leaf or none new in each repeat, one to three repeats.
inline TrainingGoal randomGoal(std::mt19937_64 &random,
                               const ClosedNetwork &network) {
  TrainingGoal goal;
  goal.outputLeaf = random() % network.numLeaves();
  goal.activations = goal.gradients = network.noLeaves();
  for (unsigned leaf = 0; leaf < network.numLeaves(); ++leaf)
    if (leaf != goal.outputLeaf && random() % 4 != 0)
      goal.gradients.set(leaf);
  unsigned input = random() % network.numLeaves();
  if (input != goal.outputLeaf) {
    goal.activations.set(input);
    goal.repeats = 1 + random() % 3;
  }
  return goal;
}

/// Every tree over the leaves but the root.
inline std::vector<ContractionTree> everyTree(unsigned numLeaves,
                                              unsigned root) {
  std::vector<ContractionTree> trees;
  std::vector<unsigned> values;
  for (unsigned leaf : llvm::seq(numLeaves))
    if (leaf != root)
      values.push_back(leaf);
  std::vector<ContractionTree::Step> steps;
  // Of two steps that do not touch, the earlier pair comes first: each tree in
  // one order, or in some; a few twice do no harm.
  std::function<void(std::vector<unsigned>)> extend =
      [&](std::vector<unsigned> present) {
        if (present.size() < 2) {
          trees.push_back(
              must(ContractionTree::create(numLeaves, root, steps)));
          return;
        }
        for (size_t i = 0; i < present.size(); ++i)
          for (size_t j = i + 1; j < present.size(); ++j) {
            unsigned made = numLeaves + steps.size();
            if (!steps.empty() && present[j] != made - 1 &&
                std::pair(present[i], present[j]) <
                    std::pair(steps.back().lhs, steps.back().rhs))
              continue;
            steps.push_back({present[i], present[j]});
            std::vector<unsigned> next = present;
            next.erase(next.begin() + j);
            next.erase(next.begin() + i);
            next.push_back(made);
            extend(next);
            steps.pop_back();
          }
      };
  extend(values);
  return trees;
}

/// All pairs of multiply-adds and stored elements.
class TrainingReference {
public:
  TrainingReference(const ClosedNetwork &network, const TrainingGoal &goal,
                    bool recompute, bool countWeights)
      : network(network), goal(goal), recompute(recompute),
        countWeights(countWeights) {}

  using Pairs = std::vector<std::pair<uint64_t, uint64_t>>;
  Pairs allPairs() const {
    LeafSet all = network.onlyLeaf(goal.outputLeaf);
    all.flip();
    return pairs(all, false);
  }

private:
  uint64_t volume(std::set<unsigned> indices) const {
    uint64_t product = 1;
    for (unsigned index : indices)
      product *= network.getIndices()[index].size;
    return product;
  }
  std::set<unsigned> held(const LeafSet &set) const {
    std::set<unsigned> inside, outside, open;
    for (unsigned leaf = 0; leaf < network.numLeaves(); ++leaf)
      (set.test(leaf) ? inside : outside)
          .insert(network.getLeaves()[leaf].begin(),
                  network.getLeaves()[leaf].end());
    for (unsigned index : inside)
      if (outside.count(index))
        open.insert(index);
    return open;
  }
  /// Of a set whose value has to be there for the gradients, or not.
  Pairs pairs(const LeafSet &set, bool isNeeded) const {
    if (set.count() == 1)
      return {{0, 0}};
    Pairs result;
    std::vector<unsigned> members(set.set_bits_begin(), set.set_bits_end());
    for (uint32_t code = 1; code < (1u << (members.size() - 1)); ++code) {
      LeafSet a = network.noLeaves();
      for (unsigned k = 0; k + 1 < members.size(); ++k)
        if (code >> k & 1)
          a.set(members[k]);
      LeafSet b = set;
      b.reset(a);
      std::set<unsigned> both = held(a);
      for (unsigned index : held(b))
        both.insert(index);
      bool isActivation = set.anyCommon(goal.activations);
      bool aWants = a.anyCommon(goal.gradients);
      bool bWants = b.anyCommon(goal.gradients);
      uint64_t once = volume(both) * (isActivation ? goal.repeats : 1);
      auto add = [&](bool needA, bool needB, unsigned times, uint64_t stored) {
        for (auto [flopsA, storedA] : pairs(a, needA))
          for (auto [flopsB, storedB] : pairs(b, needB))
            result.push_back(
                {flopsA + flopsB + times * once, storedA + storedB + stored});
      };
      unsigned times = 1u + aWants + bWants;
      uint64_t elements =
          isNeeded && (isActivation || countWeights) ? volume(held(set)) : 0;
      add(bWants, aWants, times, elements);
      if (isNeeded && recompute && (isActivation || goal.repeats == 1))
        add(true, true, times + 1, 0);
    }
    return result;
  }

  const ClosedNetwork &network;
  const TrainingGoal &goal;
  bool recompute, countWeights;
};

/// The plans of a tree in every order that finishes one side of a vertex before
/// it begins the other; everything stored.
inline std::vector<SharedPlan> everyOrder(const ClosedNetwork &network,
                                          const TrainingGoal &goal,
                                          const TrainingTree &training) {
  using Sets = std::pair<LeafSet, LeafSet>;
  using Sequence = std::vector<Sets>; // Steps by their operands' leaves.
  const ContractionTree &tree = training.tree;
  unsigned n = tree.numLeaves();
  std::vector<LeafSet> sets = tree.leafSets();
  auto cross = [](const std::vector<Sequence> &x,
                  const std::vector<Sequence> &y) {
    std::vector<Sequence> all;
    for (const Sequence &first : x)
      for (const Sequence &second : y) {
        all.push_back(first);
        all.back().insert(all.back().end(), second.begin(), second.end());
      }
    return all;
  };
  auto append = [](std::vector<Sequence> &to, std::vector<Sequence> more) {
    to.insert(to.end(), more.begin(), more.end());
  };
  std::function<std::vector<Sequence>(unsigned)> forward =
      [&](unsigned value) -> std::vector<Sequence> {
    if (value < n)
      return {{}};
    auto [a, b] = tree.getSteps()[value - n];
    std::vector<Sequence> all = cross(forward(a), forward(b));
    append(all, cross(forward(b), forward(a)));
    return cross(all, {{{sets[a], sets[b]}}});
  };
  auto complement = [](LeafSet set) { return set.flip(); };
  std::function<std::vector<Sequence>(unsigned)> backward =
      [&](unsigned value) -> std::vector<Sequence> {
    if (value < n || !sets[value].anyCommon(goal.gradients))
      return {{}};
    auto [lhs, rhs] = tree.getSteps()[value - n];
    auto make = [&](unsigned other) -> std::vector<Sequence> {
      return {{{complement(sets[value]), sets[other]}}};
    };
    bool wantsA = sets[lhs].anyCommon(goal.gradients);
    bool wantsB = sets[rhs].anyCommon(goal.gradients);
    if (!wantsA)
      return cross(make(lhs), backward(rhs));
    if (!wantsB)
      return cross(make(rhs), backward(lhs));
    std::vector<Sequence> all;
    for (bool swap : {false, true}) {
      unsigned a = swap ? rhs : lhs, b = swap ? lhs : rhs;
      std::vector<Sequence> adjoints = cross(make(b), make(a));
      append(all, cross(adjoints, cross(backward(a), backward(b))));
      append(all, cross(adjoints, cross(backward(b), backward(a))));
      append(all,
             cross(cross(make(b), backward(a)), cross(make(a), backward(b))));
    }
    return all;
  };
  std::vector<unsigned> roots = {goal.outputLeaf};
  for (unsigned leaf : goal.gradients.set_bits())
    roots.push_back(leaf);
  std::vector<SharedPlan> plans;
  size_t numForward = tree.getSteps().size();
  for (const Sequence &sequence :
       cross(forward(tree.resultValue()), backward(tree.resultValue()))) {
    std::vector<LeafSet> made;
    for (unsigned leaf = 0; leaf < n; ++leaf)
      made.push_back(network.onlyLeaf(leaf));
    std::vector<SharedPlan::PlannedStep> steps;
    for (const Sets &operands : sequence) {
      auto find = [&](const LeafSet &set) {
        return static_cast<unsigned>(llvm::find(made, set) - made.begin());
      };
      steps.push_back({find(operands.first), find(operands.second),
                       steps.size() < numForward ? 0u : 1u});
      LeafSet both = operands.first;
      both |= operands.second;
      made.push_back(both);
    }
    plans.push_back(must(SharedPlan::fromSteps(network, steps, roots)));
  }
  return plans;
}

} // namespace fetta::test

#endif // FETTA_UNITTESTS_CONTRACTION_TRAININGREFERENCE_H

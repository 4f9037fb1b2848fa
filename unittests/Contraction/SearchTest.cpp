//===- SearchTest.cpp - Exactness of the search ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Search.h"
#include "LayerSuite.h"
#include "TestNetworks.h"
#include "fetta/Contraction/SharedPlan.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/Support/MathExtras.h"

#include "gtest/gtest.h"

#include <cmath>
#include <set>

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

/// The least cost over every order of pairwise steps, by definition: an index
/// goes when nothing that is left and not the output holds it.
static uint64_t bruteForce(const TensorNetwork &network) {
  // Operands as sets after their own diagonals and sums.
  std::vector<std::set<unsigned>> operands;
  std::set<unsigned> output(network.getOutput().begin(),
                            network.getOutput().end());
  auto holdersOf = [&](unsigned index) {
    unsigned count = output.count(index);
    for (const IndexList &tensor : network.getTensors())
      count += is_contained(tensor, index);
    return count;
  };
  for (const IndexList &tensor : network.getTensors()) {
    std::set<unsigned> held;
    for (unsigned index : tensor)
      if (holdersOf(index) > 1)
        held.insert(index);
    operands.push_back(held);
  }
  // Contracting a set of operands gives one result whatever the order, so a
  // multiset of results (by the operands in them) is a state.
  using State = std::set<unsigned>; // Masks of operands.
  std::map<State, uint64_t> memo;
  auto indicesOf = [&](unsigned mask) {
    std::set<unsigned> inside, outside = output, open;
    for (unsigned k : seq<unsigned>(0, operands.size()))
      (mask >> k & 1 ? inside : outside)
          .insert(operands[k].begin(), operands[k].end());
    for (unsigned index : inside)
      if (outside.count(index))
        open.insert(index);
    return open;
  };
  std::function<uint64_t(const State &)> solve = [&](const State &state) {
    if (state.size() == 1)
      return uint64_t(0);
    auto found = memo.find(state);
    if (found != memo.end())
      return found->second;
    uint64_t best = ~uint64_t(0);
    for (unsigned a : state)
      for (unsigned b : state) {
        if (a >= b)
          continue;
        std::set<unsigned> all = indicesOf(a);
        for (unsigned index : indicesOf(b))
          all.insert(index);
        uint64_t cost = 1;
        for (unsigned index : all)
          cost *= network.getIndices()[index].size;
        State next = state;
        next.erase(a);
        next.erase(b);
        next.insert(a | b);
        best = std::min(best, cost + solve(next));
      }
    return memo[state] = best;
  };
  State start;
  for (unsigned k : seq<unsigned>(0, operands.size()))
    start.insert(1u << k);
  return solve(start);
}

static bool agrees(Cost cost, const KnownOptimum &known) {
  double unit =
      std::pow(10, std::floor(std::log10(known.optimum)) - known.digits + 1);
  // Half a unit of the last digit, both ways of rounding a tie allowed.
  return std::fabs(toDouble(cost) - known.optimum) <= unit * 0.5000001;
}

static void checkAllPhases(const KnownOptimum &known) {
  SCOPED_TRACE(known.name);
  ClosedNetwork network = makeClosed(known.einsum, known.sizes);
  unsigned n = network.numLeaves();
  SearchResult best = cantFail(searchTree(network, n - 1));
  EXPECT_TRUE(best.proven);
  EXPECT_TRUE(agrees(best.flops, known))
      << toString(best.flops) << " is not " << known.optimum;
  UnrootedTree tree(best.tree);
  SmallVector<unsigned> phases;
  phases.push_back(n - 1);
  for (unsigned leaf : seq(n - 1))
    phases.push_back(leaf);
  for (unsigned leaf : phases) {
    ContractionTree phase = tree.reroot(leaf);
    EXPECT_EQ(phase.rootLeaf(), leaf);
    EXPECT_EQ(toString(cantFail(computeCost(network, phase)).flops),
              toString(best.flops))
        << "leaf " << leaf;
  }
  SharedPlan plan = cantFail(SharedPlan::create(network, tree, phases));
  EXPECT_EQ(toString(plan.totalFlops()), toString(3 * best.flops));
  EXPECT_EQ(plan.getSteps().size(), 3u * (n - 2));
  EXPECT_EQ(toString(plan.phaseFlops(0)), toString(best.flops));
}

TEST(Search, EqualsBruteForceOnRandomNetworks) {
  const uint64_t seed = 20260731;
  std::mt19937_64 random(seed);
  for (unsigned trial = 0; trial < 10000; ++trial) {
    TensorNetwork network = randomNetwork(random, trial % 10 == 0 ? 7 : 5);
    PreparedNetwork prepared = cantFail(prepareNetwork(network));
    SearchResult found = cantFail(
        searchTree(prepared.network, prepared.network.numLeaves() - 1));
    ASSERT_TRUE(found.proven);
    ASSERT_EQ(toString(found.flops), std::to_string(bruteForce(network)))
        << "seed " << seed << ", trial " << trial;
    ASSERT_EQ(
        toString(cantFail(computeCost(prepared.network, found.tree)).flops),
        toString(found.flops));
  }
}

TEST(Search, KnownOptimaOfLayersInAllPhases) {
  for (const KnownOptimum &known : layerSuite)
    checkAllPhases(known);
}

TEST(Search, KnownOptimaOfDecompositions) {
  for (const KnownOptimum &known : decompositions)
    checkAllPhases(known);
}

TEST(Search, KnownOptimaOfAdversarialCases) {
  for (const KnownOptimum &known : adversarial)
    checkAllPhases(known);
}

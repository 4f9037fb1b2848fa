//===- SearchTest.cpp - Exactness of the search ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Search.h"
#include "LayerSuite.h"
#include "TestNetworks.h"
#include "fetta/Contraction/LowerBound.h"
#include "fetta/Contraction/SharedPlan.h"

#include "llvm/ADT/Sequence.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <numeric>
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
  SearchResult best = must(searchTree(network, n - 1));
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
    EXPECT_EQ(toString(must(computeCost(network, phase)).flops),
              toString(best.flops))
        << "leaf " << leaf;
  }
  SharedPlan plan = must(SharedPlan::create(network, tree, phases));
  EXPECT_EQ(toString(plan.totalFlops()), toString(3 * best.flops));
  EXPECT_EQ(plan.getSteps().size(), 3u * (n - 2));
  EXPECT_EQ(toString(plan.phaseFlops(0)), toString(best.flops));
}

TEST(Search, EqualsBruteForceOnRandomNetworks) {
  const uint64_t seed = 20260731;
  std::mt19937_64 random(seed);
  // Brute force over 7 tensors takes time: of the quick run every tenth.
  const char *longRun = std::getenv("FETTA_LONG");
  const unsigned large = longRun && StringRef(longRun) == "1" ? 1 : 10;
  for (unsigned trial = 0; trial < 10000; ++trial) {
    TensorNetwork network = randomNetwork(random, trial % large == 0 ? 7 : 5);
    PreparedNetwork prepared = must(prepareNetwork(network));
    SearchResult found =
        must(searchTree(prepared.network, prepared.network.numLeaves() - 1));
    ASSERT_TRUE(found.proven);
    ASSERT_EQ(toString(found.flops), std::to_string(bruteForce(network)))
        << "seed " << seed << ", trial " << trial;
    ASSERT_EQ(toString(must(computeCost(prepared.network, found.tree)).flops),
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

TEST(Search, CostIsIndependentOfNamesAndOrder) {
  const uint64_t seed = 77;
  std::mt19937_64 random(seed);
  for (unsigned trial = 0; trial < 300; ++trial) {
    TensorNetwork network = randomNetwork(random, 8);
    // Renumber the indices, reorder tensors and dimensions.
    unsigned numIndices = network.getIndices().size();
    std::vector<unsigned> numbers(numIndices);
    std::iota(numbers.begin(), numbers.end(), 0);
    std::shuffle(numbers.begin(), numbers.end(), random);
    std::vector<NetworkIndex> indices(numIndices);
    for (auto [index, entry] : enumerate(network.getIndices()))
      indices[numbers[index]] = {"n" + std::to_string(numbers[index]),
                                 entry.size};
    auto shuffled = [&](IndexList list) {
      for (unsigned &index : list)
        index = numbers[index];
      std::shuffle(list.begin(), list.end(), random);
      return list;
    };
    std::vector<IndexList> tensors;
    for (const IndexList &tensor : network.getTensors())
      tensors.push_back(shuffled(tensor));
    std::shuffle(tensors.begin(), tensors.end(), random);
    TensorNetwork other = must(
        TensorNetwork::create(indices, tensors, shuffled(network.getOutput())));

    auto flops = [](const TensorNetwork &network) {
      ClosedNetwork closed = must(prepareNetwork(network)).network;
      return toString(must(searchTree(closed, closed.numLeaves() - 1)).flops);
    };
    ASSERT_EQ(flops(network), flops(other))
        << "seed " << seed << ", trial " << trial;
  }
}

TEST(Search, AnyRootGivesTheSameOptimum) {
  const uint64_t seed = 78;
  std::mt19937_64 random(seed);
  for (unsigned trial = 0; trial < 200; ++trial) {
    ClosedNetwork network =
        must(prepareNetwork(randomNetwork(random, 7))).network;
    unsigned n = network.numLeaves();
    Cost optimum = must(searchTree(network, n - 1)).flops;
    for (unsigned leaf : seq(n))
      ASSERT_EQ(toString(must(searchTree(network, leaf)).flops),
                toString(optimum))
          << "seed " << seed << ", trial " << trial << ", leaf " << leaf;
  }
}

TEST(Search, OuterProductIsFound) {
  // (a,b) first: 6 + 24; (a,abc) first: 24 + 12; (b,abc) first: 24 + 8.
  ClosedNetwork network = makeClosed("a,b,abc->c", "a=2,b=3,c=4");
  SearchResult found = must(searchTree(network, 3));
  EXPECT_EQ(toString(found.flops), "30");
  EXPECT_EQ(found.tree.linearPath(), (ContractionPath{{0, 1}, {0, 1}}));
}

/// A chain of a vector, m matrices d x d and a vector. A step that reads a
/// matrix costs d^2 or more, so m d^2 + d is the optimum.
TEST(Search, BeyondTheRangeOfDoubles) {
  const unsigned numMatrices = 17;
  const int64_t size = (int64_t(1) << 60) - 1;
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> tensors = {{0}};
  for (unsigned k = 0; k <= numMatrices; ++k) {
    indices.push_back({"i" + std::to_string(k), size});
    if (k < numMatrices)
      tensors.push_back({k, k + 1});
  }
  tensors.push_back({numMatrices});
  ClosedNetwork network =
      must(prepareNetwork(must(TensorNetwork::create(indices, tensors, {}))))
          .network;
  SearchResult found = must(searchTree(network, numMatrices + 2));
  EXPECT_TRUE(found.proven);
  EXPECT_EQ(toString(found.flops),
            toString(Cost(numMatrices) * size * size + size));
}

TEST(Search, LargeCostsAreComparedInIntegers) {
  // Two ways that differ by 2 in 10^26: no double tells them apart.
  // X(a)Y(ab)Z(b): left first a b + b, right first a b + a.
  const int64_t a = 10000000000003, b = 10000000000001;
  ClosedNetwork network = makeClosed("a,ab,b->", "a=10000000000003,"
                                                 "b=10000000000001");
  SearchResult found = must(searchTree(network, 3));
  EXPECT_TRUE(found.proven);
  EXPECT_EQ(toString(found.flops), toString(Cost(a) * b + b));
}

TEST(Search, OverflowIsAnError) {
  // 2^62 2^62 2^3 fits in 128 bits, 2^62 2^62 2^4 does not.
  const char *einsum = "ab,bc->ac";
  EXPECT_EQ(
      toString(must(searchTree(makeClosed(einsum, "a=4611686018427387904,"
                                                  "b=4611686018427387904,c=8"),
                               2))
                   .flops),
      toString(Cost(1) << 127));
  EXPECT_EQ(
      messageOf(searchTree(makeClosed(einsum, "a=4611686018427387904,"
                                              "b=4611686018427387904,c=16"),
                           2)),
      "the multiply-adds of the best tree exceed 128 bits");
  // The sum of two steps of 2^127 does not fit.
  EXPECT_EQ(messageOf(searchTree(makeClosed("ab,bc,cd->ad",
                                            "a=4611686018427387904,"
                                            "b=4611686018427387904,c=8,"
                                            "d=4611686018427387904"),
                                 3)),
            "the multiply-adds of the best tree exceed 128 bits");
}

TEST(Search, GreedyBeyondTheLimit) {
  ClosedNetwork network = makeClosed(layerSuite[0].einsum, layerSuite[0].sizes);
  unsigned root = network.numLeaves() - 1;
  Cost optimum = must(searchTree(network, root)).flops;
  SearchResult limited =
      must(searchTree(network, root, SearchOptions{/*exactLimit=*/6}));
  EXPECT_FALSE(limited.proven);
  EXPECT_EQ(limited.reason, "7 tensors exceed the exact limit of 6");
  EXPECT_GE(limited.flops, optimum);
  EXPECT_LE(limited.lowerBound, optimum);
  EXPECT_GT(limited.lowerBound, Cost(0));
  EXPECT_EQ(messageOf(searchTree(network, root, SearchOptions{25})),
            "the exact limit of 25 tensors exceeds 24");
  EXPECT_EQ(messageOf(searchTree(network, 8)),
            "there is no leaf 8: the network has 8 leaves");
}

TEST(Search, LowerBoundHoldsOnRandomNetworks) {
  std::mt19937_64 random(79);
  for (unsigned trial = 0; trial < 500; ++trial) {
    ClosedNetwork network =
        must(prepareNetwork(randomNetwork(random, 7))).network;
    Cost optimum = must(searchTree(network, network.numLeaves() - 1)).flops;
    ASSERT_LE(cheapLowerBound(network), optimum) << "seed 79, trial " << trial;
  }
}

TEST(Search, GreedyOnAThousandTensors) {
  // A closed chain of vectors and matrices of size 3: greedy is optimal there.
  const unsigned numMatrices = 1000;
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> tensors = {{0}};
  for (unsigned k = 0; k <= numMatrices; ++k) {
    indices.push_back({"i" + std::to_string(k), 3});
    if (k < numMatrices)
      tensors.push_back({k, k + 1});
  }
  tensors.push_back({numMatrices});
  ClosedNetwork network =
      must(prepareNetwork(must(TensorNetwork::create(indices, tensors, {}))))
          .network;
  SearchResult found = must(searchTree(network, numMatrices + 2));
  EXPECT_FALSE(found.proven);
  EXPECT_EQ(toString(found.flops), toString(Cost(numMatrices) * 9 + 3));
}

//===- ObjectiveTest.cpp - Objectives other than multiply-adds ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerSuite.h"
#include "TestNetworks.h"
#include "fetta/Contraction/Check.h"
#include "fetta/Contraction/Search.h"

#include "llvm/ADT/Sequence.h"

#include "gtest/gtest.h"

#include <map>
#include <set>
#include <tuple>

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

namespace {

/// Every tree of a phase, one after the other, straight from the definitions:
/// no subsets, no tables. Values fit in 64 bits by choice of the networks.
class BruteForce {
public:
  BruteForce(const ClosedNetwork &network, unsigned root) : network(network) {
    std::vector<std::vector<unsigned>> present;
    for (unsigned leaf : seq(network.numLeaves()))
      if (leaf != root)
        present.push_back({leaf});
    visit(present, 0, 0, 0);
  }

  uint64_t least(const Objective &objective) const {
    uint64_t best = ~uint64_t(0);
    for (auto [flops, write, largest] : trees)
      best = std::min(best, objective.isLargest
                                ? largest
                                : objective.flopWeight * flops +
                                      objective.writeWeight * write);
    return best;
  }
  /// The fewest multiply-adds with a largest intermediate of at most \p size.
  uint64_t leastFlopsWithin(uint64_t size) const {
    uint64_t best = ~uint64_t(0);
    for (auto [flops, write, largest] : trees)
      if (largest <= size)
        best = std::min(best, flops);
    return best;
  }

private:
  std::set<unsigned> indicesOf(const std::vector<unsigned> &leaves) const {
    std::set<unsigned> open;
    for (unsigned index : seq<unsigned>(0, network.getIndices().size())) {
      unsigned inside = 0;
      for (unsigned leaf : leaves)
        inside += is_contained(network.getLeaves()[leaf], index);
      if (inside > 0 && inside < network.ends(index).count())
        open.insert(index);
    }
    return open;
  }
  uint64_t volume(const std::set<unsigned> &indices) const {
    uint64_t product = 1;
    for (unsigned index : indices)
      product *= network.getIndices()[index].size;
    return product;
  }
  void visit(const std::vector<std::vector<unsigned>> &present, uint64_t flops,
             uint64_t write, uint64_t largest) {
    if (present.size() <= 1) {
      trees.insert({flops, write, largest});
      return;
    }
    for (unsigned a : seq<unsigned>(0, present.size()))
      for (unsigned b : seq(a)) {
        std::vector<std::vector<unsigned>> next;
        for (unsigned k : seq<unsigned>(0, present.size()))
          if (k != a && k != b)
            next.push_back(present[k]);
        std::vector<unsigned> merged = present[a];
        merged.insert(merged.end(), present[b].begin(), present[b].end());
        std::set<unsigned> touched = indicesOf(present[a]);
        touched.merge(indicesOf(present[b]));
        uint64_t elements = volume(indicesOf(merged));
        next.push_back(std::move(merged));
        visit(next, flops + volume(touched), write + elements,
              std::max(largest, elements));
      }
  }

  const ClosedNetwork &network;
  /// Multiply-adds, elements written and largest intermediate of each tree.
  std::set<std::tuple<uint64_t, uint64_t, uint64_t>> trees;
};

const Objective objectives[] = {Objective::flops(), Objective::size(),
                                Objective::write(), Objective::combo(64),
                                Objective{false, 3, 5}};

} // namespace

TEST(Objective, Names) {
  EXPECT_TRUE(parseObjective("flops")->isFlops());
  EXPECT_TRUE(parseObjective("combo-0")->isFlops());
  EXPECT_TRUE(parseObjective("size")->isLargest);
  EXPECT_EQ(parseObjective("write")->flopWeight, 0u);
  EXPECT_EQ(parseObjective("combo")->writeWeight, 64u);
  EXPECT_EQ(parseObjective("combo-4294967295")->writeWeight, 4294967295u);
  for (StringRef name :
       {"", "combo-", "combo-4294967296", "combo--1", "combo-0x4", "Flops"})
    EXPECT_FALSE(parseObjective(name)) << name.str();
}

TEST(Objective, EqualsBruteForceOnRandomNetworks) {
  uint64_t seed = 20261;
  std::mt19937_64 random(seed);
  for (unsigned trial : seq(300)) {
    ClosedNetwork network =
        must(prepareNetwork(randomNetwork(random, 6))).network;
    unsigned root = random() % network.numLeaves();
    // Whatever a tree costs must fit in 64 bits here.
    double all = 1;
    for (const NetworkIndex &index : network.getIndices())
      all *= static_cast<double>(index.size);
    if (all > 1e15)
      continue;
    BruteForce brute(network, root);
    for (const Objective &objective : objectives) {
      SearchResult found =
          must(searchTree(network, root, SearchOptions{20, objective}));
      std::string where = "seed " + std::to_string(seed) + ", trial " +
                          std::to_string(trial) + ", weights " +
                          std::to_string(objective.flopWeight) + " and " +
                          std::to_string(objective.writeWeight);
      ASSERT_TRUE(found.proven) << where;
      ASSERT_EQ(static_cast<uint64_t>(found.value), brute.least(objective))
          << where;
      TreeCost cost = must(computeCost(network, found.tree));
      ASSERT_TRUE(found.flops == cost.flops) << where;
      ASSERT_TRUE(*valueOf(objective, cost) == found.value) << where;
      if (objective.isLargest) {
        ASSERT_EQ(static_cast<uint64_t>(found.flops),
                  brute.leastFlopsWithin(static_cast<uint64_t>(found.value)))
            << where;
      }
      ASSERT_EQ(messageOf(checkTree(network, found.tree, found.value,
                                    /*claimedOptimal=*/true,
                                    CheckOptions{16, objective})),
                "")
          << where;
    }
  }
}

TEST(Objective, LayersAgreeWithTheChecker) {
  const char *names[] = {"flops", "size", "write", "combo"};
  for (const KnownOptimum &layer : layerSuite) {
    ClosedNetwork network = makeClosed(layer.einsum, layer.sizes);
    unsigned output = network.numLeaves() - 1;
    std::map<std::string, SearchResult> found;
    for (const char *name : names) {
      Objective objective = *parseObjective(name);
      SearchResult result =
          must(searchTree(network, output, SearchOptions{20, objective}));
      EXPECT_TRUE(result.proven) << layer.name << ' ' << name;
      CheckReport report = must(checkTree(network, result.tree, result.value,
                                          true, CheckOptions{8, objective}));
      EXPECT_EQ(report.optimalityChecked, output <= 8) << layer.name;
      found.emplace(name, std::move(result));
    }
    // Each is best at its own objective.
    for (const auto &[name, best] : found)
      for (const auto &[other, result] : found)
        EXPECT_TRUE(best.value <=
                    *valueOf(*parseObjective(name),
                             must(computeCost(network, result.tree))))
            << layer.name << ": " << name << " against " << other;
  }
}

TEST(Objective, ValuesThatFloatingPointCannotTellApart) {
  // Of A(pr) B(pq) C(qs) -> (rs), A.B writes 2r and B.C writes 2s; sizes near
  // 2^60 that differ by one decide, below a common 2^120.
  constexpr int64_t large = int64_t(1) << 60;
  for (int64_t difference : {-1, 1}) {
    ClosedNetwork network = must(ClosedNetwork::create(
        {{"p", 2}, {"q", 2}, {"r", large}, {"s", large + difference}},
        {{0, 2}, {0, 1}, {1, 3}, {2, 3}}));
    for (const char *name : {"write", "size", "combo-3"}) {
      Objective objective = *parseObjective(name);
      SearchResult found =
          must(searchTree(network, 3, SearchOptions{20, objective}));
      SmallVector<unsigned, 2> expected = {1, 2};
      if (difference > 0)
        expected = {0, 1};
      EXPECT_EQ(found.tree.linearPath()[0], expected) << name;
      EXPECT_EQ(messageOf(checkTree(network, found.tree, found.value, true,
                                    CheckOptions{16, objective})),
                "");
    }
  }
}

TEST(Objective, CheckerCatchesFalseClaims) {
  ClosedNetwork network = makeClosed("ab,bc,cd->ad", "a=100,b=2,c=50,d=3");
  // By hand: (ab.bc).cd makes 5000 elements and 300, ab.(bc.cd) 6 and 300.
  ContractionTree tree =
      must(ContractionTree::fromLinearPath(4, 3, {{0, 1}, {0, 1}}));
  auto check = [&](const char *name, Cost value, bool optimal) {
    return messageOf(checkTree(network, tree, value, optimal,
                               CheckOptions{16, *parseObjective(name)}));
  };
  EXPECT_EQ(check("size", 5000, false), "");
  EXPECT_EQ(check("size", 5000, true),
            "check: the optimum is 300 elements at most, not 5000");
  EXPECT_EQ(check("write", 5301, false),
            "check: the tree costs 5300 elements written, not 5301");
  EXPECT_EQ(check("write", 5300, true),
            "check: the optimum is 306 elements written, not 5300");
  // 25000 multiply-adds + 10 * 5300; 900 + 10 * 306 is the optimum.
  EXPECT_EQ(check("combo-10", 25000 + 53000, true),
            "check: the optimum is 3960 by the objective, not 78000");
}

TEST(Objective, BeyondTheLimit) {
  ClosedNetwork network = makeClosed("ab,bc,cd,de->ae", "a=9,b=3,c=4,d=5,e=6");
  for (const Objective &objective : objectives) {
    SearchResult best =
        must(searchTree(network, 4, SearchOptions{20, objective}));
    SearchResult found =
        must(searchTree(network, 4, SearchOptions{2, objective}));
    EXPECT_TRUE(found.lowerBound <= best.value);
    EXPECT_TRUE(found.value >= best.value);
    EXPECT_GT(found.lowerBound, Cost(0));
  }
}

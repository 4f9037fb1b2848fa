//===- TreeTest.cpp - Trees, fixed orders, shared plans, the checker ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerSuite.h"
#include "TestNetworks.h"
#include "fetta/Contraction/Check.h"
#include "fetta/Contraction/FixedOrder.h"
#include "fetta/Contraction/Search.h"
#include "fetta/Contraction/SharedPlan.h"

#include "llvm/ADT/Sequence.h"

#include "gtest/gtest.h"

#include <map>
#include <set>

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

/// TT layer 768x768: output modes (12,8,8), input modes (8,8,12), rank 12.
static ClosedNetwork atisLayer(unsigned tokens) {
  return makeClosed("abcd,ef,fgh,hij,jbk,kcl,ld->aegi",
                    "b=8,c=8,d=12,e=12,g=8,i=8,f=12,h=12,j=12,k=12,l=12,a=" +
                        std::to_string(tokens));
}

static LayerRoles layerRoles(const ClosedNetwork &network) {
  LayerRoles roles;
  roles.input = 0;
  roles.outputGradient = network.numLeaves() - 1;
  for (unsigned core : seq(1u, roles.outputGradient))
    roles.cores.push_back(core);
  return roles;
}

static std::string fixedCost(const ClosedNetwork &network,
                             ContractionOrder order) {
  ContractionTree tree =
      must(fixedOrderTree(network, layerRoles(network), order));
  std::string forward = toString(must(computeCost(network, tree)).flops);
  // The gradients of a fixed order are the same tree re-rooted.
  UnrootedTree unrooted(tree);
  for (unsigned leaf : seq(network.numLeaves()))
    EXPECT_EQ(toString(must(computeCost(network, unrooted.reroot(leaf))).flops),
              forward);
  return forward;
}

static Cost searchedCost(const ClosedNetwork &network) {
  return must(searchTree(network, network.numLeaves() - 1)).flops;
}

TEST(FixedOrder, AtisLayer) {
  using Order = ContractionOrder;
  ClosedNetwork tokens32 = atisLayer(32);
  EXPECT_EQ(toString(searchedCost(tokens32)), "691200");
  EXPECT_EQ(fixedCost(tokens32, Order::BTT), "838656");
  EXPECT_EQ(fixedCost(tokens32, Order::RightToLeft), "1253376");
  // Chain G1..G6 over modes and rank 12, then X: 12*8*12*12 + 96*8*12*12
  // + 768*8*12*12 + 6144*8*12*12 + 49152*12*12 + 32*768*768.
  EXPECT_EQ(
      fixedCost(tokens32, Order::CoresFirst),
      std::to_string(13824 + 110592 + 884736 + 7077888 + 7077888 + 18874368));

  ClosedNetwork token = atisLayer(1);
  EXPECT_EQ(toString(searchedCost(token)), "39168");
  EXPECT_EQ(fixedCost(token, Order::RightToLeft), "39168");
  // The cores' part of btt does not depend on the tokens: 838656 = f + 32 p
  // with p = 2 * 768 * 12.
  EXPECT_EQ(fixedCost(token, Order::BTT),
            std::to_string(838656 - 31 * 2 * 768 * 12));
  EXPECT_NEAR((838656 - 31 * 2 * 768 * 12) / 39168.0, 6.8, 0.05);

  for (unsigned tokens : {128, 256, 1024}) {
    ClosedNetwork network = atisLayer(tokens);
    EXPECT_EQ(fixedCost(network, Order::BTT), toString(searchedCost(network)));
  }
  EXPECT_NEAR(39168.0 * 128 / toDouble(searchedCost(atisLayer(128))), 1.9,
              0.05);
}

TEST(FixedOrder, TreesAsWritten) {
  ClosedNetwork network = atisLayer(2);
  LayerRoles roles = layerRoles(network);
  auto ssa = [&](ContractionOrder order) {
    return must(fixedOrderTree(network, roles, order)).ssaPath();
  };
  EXPECT_EQ(
      ssa(ContractionOrder::RightToLeft),
      (ContractionPath{{0, 6}, {7, 5}, {8, 4}, {9, 3}, {10, 2}, {11, 1}}));
  EXPECT_EQ(
      ssa(ContractionOrder::BTT),
      (ContractionPath{{6, 5}, {7, 4}, {0, 8}, {1, 2}, {10, 3}, {9, 11}}));
  EXPECT_EQ(
      ssa(ContractionOrder::CoresFirst),
      (ContractionPath{{1, 2}, {7, 3}, {8, 4}, {9, 5}, {10, 6}, {0, 11}}));
  for (ContractionOrder order :
       {ContractionOrder::CSSE, ContractionOrder::RightToLeft,
        ContractionOrder::BTT, ContractionOrder::CoresFirst,
        ContractionOrder::Greedy, ContractionOrder::Given})
    EXPECT_EQ(parseContractionOrder(stringifyContractionOrder(order)), order);
  EXPECT_FALSE(parseContractionOrder("left-to-right"));
}

TEST(FixedOrder, RefusesWrongRoles) {
  ClosedNetwork network = atisLayer(2);
  auto message = [&](LayerRoles roles,
                     ContractionOrder order = ContractionOrder::BTT) {
    return messageOf(fixedOrderTree(network, roles, order));
  };
  LayerRoles roles = layerRoles(network);
  EXPECT_EQ(message(roles, ContractionOrder::CSSE),
            "order 'csse' is not fixed by the layer's roles");
  LayerRoles missing = roles;
  missing.cores.pop_back();
  EXPECT_EQ(message(missing), "a leaf of the network has no role");
  LayerRoles twice = roles;
  twice.cores.back() = 0;
  EXPECT_EQ(message(twice), "leaf 0 has two roles");
  LayerRoles beyond = roles;
  beyond.input = 8;
  EXPECT_EQ(message(beyond), "there is no leaf 8: the network has 8 leaves");
  LayerRoles none = roles;
  none.cores.clear();
  EXPECT_EQ(message(none), "a layer needs at least one core");
}

TEST(ContractionTree, PathsRoundTrip) {
  const uint64_t seed = 80;
  std::mt19937_64 random(seed);
  for (unsigned trial = 0; trial < 300; ++trial) {
    unsigned n = 2 + random() % 9, root = random() % n;
    std::vector<unsigned> present;
    for (unsigned leaf : seq(n))
      if (leaf != root)
        present.push_back(leaf);
    std::vector<ContractionTree::Step> steps;
    while (present.size() > 1) {
      std::shuffle(present.begin(), present.end(), random);
      unsigned lhs = present.back();
      present.pop_back();
      unsigned rhs = present.back();
      present.back() = n + steps.size();
      steps.push_back({lhs, rhs});
    }
    ContractionTree tree = must(ContractionTree::create(n, root, steps));
    ContractionTree linear =
        must(ContractionTree::fromLinearPath(n, root, tree.linearPath()));
    ContractionTree ssa =
        must(ContractionTree::fromSsaPath(n, root, tree.ssaPath()));
    for (const ContractionTree &other : {linear, ssa}) {
      ASSERT_EQ(tree.leafSets(), other.leafSets());
      ASSERT_EQ(tree.resultValue(), other.resultValue());
    }
    // Re-rooting there and back changes nothing but the order of steps.
    UnrootedTree unrooted(tree);
    unsigned leaf = random() % n;
    ContractionTree back = UnrootedTree(unrooted.reroot(leaf)).reroot(root);
    auto keys = [](const ContractionTree &tree) {
      std::vector<std::string> keys;
      for (const LeafSet &set : tree.leafSets()) {
        std::string key;
        for (unsigned leaf : set.set_bits())
          key += std::to_string(leaf) + " ";
        keys.push_back(key);
      }
      llvm::sort(keys);
      return keys;
    };
    ASSERT_EQ(keys(tree), keys(back)) << "seed " << seed << ", trial " << trial;
  }
}

TEST(ContractionTree, OptEinsumExample) {
  // The convention by hand: of [A, B, C, D] the path (1,2),(0,2),(0,1)
  // contracts B.C, then A.(BC), then D.(A(BC)).
  ContractionTree tree =
      must(ContractionTree::fromLinearPath(5, 4, {{1, 2}, {0, 2}, {0, 1}}));
  EXPECT_EQ(tree.ssaPath(), (ContractionPath{{1, 2}, {0, 4}, {3, 5}}));
  EXPECT_EQ(must(ContractionTree::fromLinearPath(2, 1, {{0}})).linearPath(),
            (ContractionPath{{0}}));
}

TEST(ContractionTree, RefusesWhatIsNoTree) {
  using Tree = ContractionTree;
  EXPECT_EQ(messageOf(Tree::create(4, 3, {{0, 1}})),
            "3 tensors take 2 pairwise steps, but the tree has 1");
  EXPECT_EQ(messageOf(Tree::create(4, 3, {{0, 1}, {1, 4}})),
            "step 1 uses value 1 a second time");
  EXPECT_EQ(messageOf(Tree::create(4, 3, {{0, 0}, {1, 4}})),
            "step 0 uses value 0 a second time");
  EXPECT_EQ(messageOf(Tree::create(4, 3, {{0, 4}, {1, 2}})),
            "step 0 uses value 4 before it is there");
  EXPECT_EQ(messageOf(Tree::create(4, 3, {{0, 3}, {1, 2}})),
            "step 0 uses value 3, which is the root leaf");
  EXPECT_EQ(messageOf(Tree::create(4, 4, {{0, 1}, {2, 4}})),
            "root leaf 4 is out of range: the network has 4 leaves");
  EXPECT_EQ(messageOf(Tree::fromLinearPath(4, 3, {{0, 1, 2}})),
            "step 0 of the path has 3 operands: name two tensors in each step");
  EXPECT_EQ(messageOf(Tree::fromLinearPath(4, 3, {{0, 1}})),
            "3 tensors take 2 pairwise steps, but the path has 1");
  EXPECT_EQ(messageOf(Tree::fromLinearPath(4, 3, {{0, 1}, {0, 2}})),
            "step 1 of the path contracts (0, 2), but 2 tensors are left: a "
            "linear path names two different ones by their position");
  EXPECT_EQ(
      messageOf(computeCost(atisLayer(1), must(Tree::create(3, 2, {{0, 1}})))),
      "the tree has 3 leaves, but the network has 8");
}

TEST(ContractionTree, CostByStep) {
  ClosedNetwork network = makeClosed("ab,bc,bcd->ad", "a=2,b=3,c=5,d=7");
  ContractionTree tree =
      must(ContractionTree::fromLinearPath(4, 3, {{0, 1}, {0, 1}}));
  TreeCost cost = must(computeCost(network, tree));
  ASSERT_EQ(cost.steps.size(), 2u);
  // b stays in the first step: the third tensor holds it.
  EXPECT_EQ(toString(cost.steps[0].flops), "30");
  EXPECT_TRUE(cost.steps[0].summed.empty());
  EXPECT_EQ(cost.steps[0].result, (IndexList{0, 1, 2}));
  EXPECT_EQ(toString(cost.steps[1].flops), "210");
  EXPECT_EQ(cost.steps[1].summed, (IndexList{1, 2}));
  EXPECT_EQ(toString(cost.steps[1].resultVolume), "14");
  EXPECT_EQ(toString(cost.flops), "240");
  EXPECT_EQ(toString(cost.largestIntermediate), "30");
  EXPECT_NE(messageOf(computeCost(
                          makeClosed("ab,bc->ac", "a=4611686018427387904,"
                                                  "b=4611686018427387904,c=16"),
                          must(ContractionTree::create(3, 2, {{0, 1}}))))
                .find("beyond 128 bits"),
            std::string::npos);
}

TEST(SharedPlan, OperandsComeFirstAndForwardStepsLead) {
  const uint64_t seed = 81;
  std::mt19937_64 random(seed);
  for (unsigned trial = 0; trial < 200; ++trial) {
    ClosedNetwork network =
        must(prepareNetwork(randomNetwork(random, 8))).network;
    unsigned n = network.numLeaves();
    SearchResult found = must(searchTree(network, n - 1));
    SmallVector<unsigned> roots;
    for (unsigned leaf : seq(n))
      roots.push_back(n - 1 - leaf);
    // Without the last phases: no gradient of the first leaves.
    unsigned numPhases = 1 + random() % n;
    roots.truncate(numPhases);
    SharedPlan plan =
        must(SharedPlan::create(network, UnrootedTree(found.tree), roots));
    std::vector<LeafSet> sets;
    for (unsigned leaf : seq(n))
      sets.push_back(network.onlyLeaf(leaf));
    unsigned lastPhase = 0;
    Cost total = 0;
    std::set<std::string> seen;
    for (const SharedPlan::Step &step : plan.getSteps()) {
      ASSERT_LT(step.lhs, sets.size());
      ASSERT_LT(step.rhs, sets.size());
      ASSERT_FALSE(sets[step.lhs].anyCommon(sets[step.rhs]));
      LeafSet merged = sets[step.lhs];
      merged |= sets[step.rhs];
      ASSERT_EQ(merged, step.leaves);
      ASSERT_EQ(step.cost.result, network.openIndices(merged));
      ASSERT_GE(step.phase, lastPhase);
      lastPhase = step.phase;
      total += step.cost.flops;
      for (const LeafSet &earlier : sets)
        ASSERT_NE(earlier, merged) << "computed twice";
      sets.push_back(merged);
    }
    ASSERT_EQ(toString(total), toString(plan.totalFlops()));
    ASSERT_EQ(plan.numPhases(), numPhases);
    for (unsigned phase : seq(numPhases)) {
      LeafSet expected = network.onlyLeaf(roots[phase]);
      expected.flip();
      ASSERT_EQ(sets[plan.resultValue(phase)], expected);
      ASSERT_EQ(plan.rootLeaf(phase), roots[phase]);
    }
    ASSERT_EQ(toString(plan.phaseFlops(0)), toString(found.flops));
    if (numPhases == n) {
      ASSERT_EQ(toString(plan.totalFlops()), toString(3 * found.flops))
          << "seed " << seed << ", trial " << trial;
    }
  }
}

TEST(SharedPlan, AtisTrainingStep) {
  ClosedNetwork network = atisLayer(32);
  SearchResult found = must(searchTree(network, 7));
  SharedPlan plan = must(SharedPlan::create(network, UnrootedTree(found.tree),
                                            {7, 0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(toString(plan.totalFlops()), "2073600");
  EXPECT_EQ(toString(plan.phaseFlops(0)), "691200");
}

TEST(SharedPlan, TakesASetFromAnEarlierPhase) {
  // Two different trees: what the first made of {A, B} serves the second.
  ClosedNetwork network = makeClosed("ab,bc,cd,de->ae", "a=2,b=3,c=5,d=7,e=11");
  ContractionTree forward =
      must(ContractionTree::create(5, 4, {{0, 1}, {5, 2}, {6, 3}}));
  ContractionTree other =
      must(ContractionTree::create(5, 3, {{4, 0}, {5, 1}, {6, 2}}));
  ContractionTree split =
      must(ContractionTree::create(5, 2, {{0, 1}, {3, 4}, {5, 6}}));
  SharedPlan plan = must(SharedPlan::create(network, {forward, other, split}));
  EXPECT_EQ(plan.getSteps().size(), 3u + 3u + 2u);
  EXPECT_EQ(messageOf(SharedPlan::create(network, {forward, forward})),
            "two phases leave out leaf 4");
  EXPECT_EQ(messageOf(SharedPlan::create(network, ArrayRef<ContractionTree>())),
            "a shared plan needs at least one phase");
}

TEST(Check, AgreesWithTheSearch) {
  const uint64_t seed = 82;
  std::mt19937_64 random(seed);
  for (unsigned trial = 0; trial < 300; ++trial) {
    ClosedNetwork network =
        must(prepareNetwork(randomNetwork(random, 8))).network;
    SearchResult found =
        must(searchTree(network, random() % network.numLeaves()));
    CheckReport report =
        must(checkTree(network, found.tree, found.flops, found.proven));
    ASSERT_TRUE(report.optimalityChecked)
        << "seed " << seed << ", trial " << trial;
  }
}

TEST(Check, CatchesFalseClaims) {
  ClosedNetwork network = atisLayer(32);
  SearchResult found = must(searchTree(network, 7));
  EXPECT_TRUE(
      must(checkTree(network, found.tree, 691200, true)).optimalityChecked);
  EXPECT_FALSE(
      must(checkTree(network, found.tree, 691200, true, CheckOptions{6}))
          .optimalityChecked);
  EXPECT_EQ(messageOf(checkTree(network, found.tree, 691201, true)),
            "check: the tree costs 691200 multiply-adds, not 691201");
  ContractionTree btt =
      must(fixedOrderTree(network, layerRoles(network), ContractionOrder::BTT));
  EXPECT_FALSE(must(checkTree(network, btt, 838656, false)).optimalityChecked);
  EXPECT_EQ(messageOf(checkTree(network, btt, 838656, true)),
            "check: the optimum is 691200 multiply-adds, not 838656");
  EXPECT_EQ(messageOf(checkTree(makeClosed("ab,bc->ac", "a=2,b=3,c=4"), btt,
                                838656, true)),
            "check: the tree has 8 leaves, but the network has 3");
  EXPECT_EQ(messageOf(checkTree(network, btt, 1, false, CheckOptions{17})),
            "check: the limit of 17 tensors exceeds 16");
}

TEST(Check, CatchesCorruptedTrees) {
  // Exchanging two leaves of the best tree changes its cost in most cases, and
  // the claim of the best cost with it.
  ClosedNetwork network = atisLayer(32);
  SearchResult found = must(searchTree(network, 7));
  unsigned caught = 0, tried = 0;
  for (unsigned a : seq(7u))
    for (unsigned b : seq(a)) {
      std::vector<ContractionTree::Step> steps = found.tree.getSteps().vec();
      bool together = false;
      for (ContractionTree::Step &step : steps) {
        together |= (step.lhs == a && step.rhs == b) ||
                    (step.lhs == b && step.rhs == a);
        for (unsigned *value : {&step.lhs, &step.rhs})
          *value = *value == a ? b : *value == b ? a : *value;
      }
      if (together)
        continue;
      ++tried;
      ContractionTree corrupted = must(ContractionTree::create(8, 7, steps));
      caught +=
          !messageOf(checkTree(network, corrupted, found.flops, true)).empty();
    }
  EXPECT_EQ(caught, tried);
  EXPECT_GT(tried, 10u);
}

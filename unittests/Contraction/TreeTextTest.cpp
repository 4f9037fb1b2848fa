//===- TreeTextTest.cpp - Drawn trees, path formats, stored values --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/TreeText.h"
#include "LayerSuite.h"
#include "TestNetworks.h"
#include "fetta/Contraction/Search.h"
#include "fetta/Contraction/SharedPlan.h"

#include "llvm/ADT/Sequence.h"

#include "gtest/gtest.h"

#include <map>

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

using Tree = ContractionTree;

TEST(TreeText, Ascii) {
  ClosedNetwork network = makeClosed("ab,bc,cd,->da", "a=100,b=2,c=50,d=3");
  Tree tree = must(Tree::fromLinearPath(5, 4, {{1, 2}, {0, 2}, {0, 1}}));
  TreeCost cost = must(computeCost(network, tree));
  std::vector<std::string> labels = labelValues(network, tree, cost, "");
  std::string text;
  raw_string_ostream os(text);
  printTree(network, tree, cost, labels, os);
  // By hand: 300 + 600 + 300 multiply-adds; the result in the output's order.
  EXPECT_EQ(text, "da  step 2: 300 (25.0%)\n"
                  "|-- (scalar)  operand 3\n"
                  "`-- ad  step 1: 600 (50.0%)\n"
                  "    |-- ab  operand 0\n"
                  "    `-- bd  step 0: 300 (25.0%)\n"
                  "        |-- bc  operand 1\n"
                  "        `-- cd  operand 2\n");
  text.clear();
  printTreeAsDot(network, tree, cost, labels, "title", os);
  EXPECT_NE(text.find("v5 [label=\"bd\\nstep 0: 300 multiply-adds\\n"
                      "6 elements\"];"),
            std::string::npos)
      << text;
  // A tree: one edge for each operand of each step.
  EXPECT_EQ(StringRef(text).count("->"), 6u);
}

TEST(TreeText, LongChainsAndSingleTensors) {
  // As deep as it is long; no recursion.
  constexpr unsigned n = 2000;
  std::vector<NetworkIndex> indices(n, {"i", 2});
  std::vector<IndexList> leaves(n + 1);
  for (unsigned k : seq(n)) {
    leaves[k].push_back(k);
    leaves[k + 1].push_back(k);
  }
  ClosedNetwork network = must(ClosedNetwork::create(indices, leaves));
  std::vector<Tree::Step> steps = {{0, 1}};
  for (unsigned k : seq(2u, n))
    steps.push_back({k, n + k - 1});
  Tree tree = must(Tree::create(n + 1, n, steps));
  TreeCost cost = must(computeCost(network, tree));
  std::string text;
  raw_string_ostream os(text);
  printTree(network, tree, cost, labelValues(network, tree, cost), os);
  EXPECT_EQ(StringRef(text).count('\n'), 2 * n - 1);

  ClosedNetwork single = makeClosed("ab->ba", "a=2,b=3");
  Tree leaf = must(Tree::create(2, 1, {}));
  TreeCost nothing = must(computeCost(single, leaf));
  text.clear();
  printTree(single, leaf, nothing, labelValues(single, leaf, nothing, ""), os);
  EXPECT_EQ(text, "ab  operand 0\n");
}

TEST(PathFormat, IsRecognized) {
  uint64_t seed = 20260;
  std::mt19937_64 random(seed);
  for (unsigned trial : seq(200)) {
    unsigned n = 4 + random() % 9, root = random() % n;
    std::vector<unsigned> present;
    for (unsigned leaf : seq(n))
      if (leaf != root)
        present.push_back(leaf);
    std::vector<Tree::Step> steps;
    while (present.size() > 1) {
      std::shuffle(present.begin(), present.end(), random);
      unsigned lhs = present.back(), rhs = present[present.size() - 2];
      present.resize(present.size() - 2);
      present.push_back(n + steps.size());
      steps.push_back({lhs, rhs});
    }
    Tree tree = must(Tree::create(n, root, steps));
    PathFormat linear, ssa;
    Tree first = must(Tree::fromPath(n, root, tree.linearPath(), &linear));
    Tree second = must(Tree::fromPath(n, root, tree.ssaPath(), &ssa));
    ASSERT_TRUE(linear == PathFormat::Linear && ssa == PathFormat::SSA)
        << "seed " << seed << ", trial " << trial;
    ASSERT_EQ(first.leafSets(), tree.leafSets());
    ASSERT_EQ(second.leafSets(), tree.leafSets());
  }
}

TEST(PathFormat, RefusalsAreInThePathsOwnNumbers) {
  // The root leaf is in the middle, so values and numbers differ.
  EXPECT_EQ(messageOf(Tree::fromSsaPath(5, 1, {{0, 1}, {2, 5}, {3, 4}})),
            "step 1 of the path uses number 5 before it is there");
  EXPECT_EQ(messageOf(Tree::fromSsaPath(5, 1, {{0, 1}, {2, 1}, {3, 4}})),
            "step 1 of the path uses number 1 a second time");
  EXPECT_EQ(messageOf(Tree::fromPath(4, 3, {{0, 3}, {0, 1}})),
            "step 0 of the path contracts (0, 3), but 3 tensors are left: a "
            "linear path names two different ones by their position; as an "
            "SSA path: step 0 of the path uses number 3 before it is there");
  EXPECT_EQ(messageOf(Tree::fromPath(4, 3, {{0, 1}})),
            "3 tensors take 2 pairwise steps, but the path has 1");
}

TEST(SharedPlan, StoredValuesAreReadAgain) {
  // X(b,i) A(i,r) B(r,o) from X.A on: dB = (XA)^T dY needs XA, whose b*r
  // elements are all that is kept; from A.B on, dX = dY (AB)^T needs AB.
  ClosedNetwork layer = makeClosed("bi,ir,ro->bo", "b=64,i=512,r=8,o=256");
  for (auto [path, stored] :
       {std::pair<ContractionPath, uint64_t>{{{0, 1}, {0, 1}}, 64 * 8},
        {{{1, 2}, {0, 1}}, 512 * 256}}) {
    UnrootedTree tree(must(Tree::fromLinearPath(4, 3, path)));
    SharedPlan plan = must(SharedPlan::create(layer, tree, {3, 0, 1, 2}));
    ASSERT_EQ(plan.storedValues(), std::vector<unsigned>{4});
    EXPECT_EQ(plan.getSteps()[0].cost.resultVolume, stored);
    // Forward alone keeps nothing.
    EXPECT_TRUE(
        must(SharedPlan::create(layer, tree, {3})).storedValues().empty());
  }
}

TEST(SharedPlan, ForwardIntermediatesAreStoredOnTheWholeSuite) {
  // All gradients: at a vertex with blocks A, B below and C above, A is read
  // for the gradients in B and B for those in A. So every intermediate of the
  // forward pass but its result is read again, and the total is three optima.
  for (const KnownOptimum &layer : layerSuite) {
    ClosedNetwork network = makeClosed(layer.einsum, layer.sizes);
    unsigned output = network.numLeaves() - 1;
    Tree greedy = must(greedyTree(network, output));
    SmallVector<unsigned> roots = {output};
    for (unsigned leaf : seq(output))
      roots.push_back(leaf);
    SharedPlan plan =
        must(SharedPlan::create(network, UnrootedTree(greedy), roots));
    EXPECT_EQ(plan.storedValues().size(), greedy.getSteps().size() - 1)
        << layer.name;
    EXPECT_TRUE(plan.totalFlops() ==
                3 * must(computeCost(network, greedy)).flops)
        << layer.name;
  }
}

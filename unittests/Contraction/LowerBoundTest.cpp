//===- LowerBoundTest.cpp - What no contraction tree can beat -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/LowerBound.h"
#include "TestNetworks.h"
#include "fetta/Contraction/Search.h"

#include "llvm/ADT/Sequence.h"

#include "gtest/gtest.h"

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

/// A tree by merging any two values until one is left.
static ContractionTree anyTree(std::mt19937_64 &random, unsigned numLeaves,
                               unsigned root) {
  std::vector<unsigned> present;
  for (unsigned leaf : seq(numLeaves))
    if (leaf != root)
      present.push_back(leaf);
  std::vector<ContractionTree::Step> steps;
  auto take = [&] {
    std::swap(present[random() % present.size()], present.back());
    unsigned value = present.back();
    present.pop_back();
    return value;
  };
  while (present.size() > 1) {
    unsigned lhs = take(), rhs = take();
    present.push_back(numLeaves + steps.size());
    steps.push_back({lhs, rhs});
  }
  return must(ContractionTree::create(numLeaves, root, std::move(steps)));
}

static Cost dearestStep(const ClosedNetwork &network,
                        const ContractionTree &tree) {
  Cost result = 0;
  for (const StepCost &step : must(computeCost(network, tree)).steps)
    result = std::max(result, step.flops);
  return result;
}

TEST(LowerBound, NeverAboveTheOptimum) {
  uint64_t seed = 20271;
  std::mt19937_64 random(seed);
  for (unsigned trial : seq(1500)) {
    ClosedNetwork network =
        must(prepareNetwork(randomNetwork(random, 9))).network;
    unsigned root = random() % network.numLeaves();
    SearchResult best = must(searchTree(network, root));
    ASSERT_TRUE(best.proven);
    std::string where =
        "seed " + std::to_string(seed) + ", trial " + std::to_string(trial);
    ASSERT_TRUE(cheapLowerBound(network) <= best.flops) << where;
    ASSERT_TRUE(leafStepBound(network) <= best.flops) << where;
    ASSERT_TRUE(lowerBound(network) <= best.flops) << where;
    ASSERT_TRUE(lowerBound(network) >= cheapLowerBound(network)) << where;
    // Of every tree, not of the cheapest only.
    Cost dearest = dearestStepBound(network);
    ASSERT_TRUE(dearest <= dearestStep(network, best.tree)) << where;
    for ([[maybe_unused]] unsigned repetition : seq(5))
      ASSERT_TRUE(
          dearest <=
          dearestStep(network, anyTree(random, network.numLeaves(), root)))
          << where;
  }
}

/// A ring of n matrices d x d and no output.
static ClosedNetwork ring(unsigned n, int64_t size) {
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> leaves(n + 1);
  for (unsigned k : seq(n)) {
    leaves[k].push_back(k);
    leaves[(k + 1) % n].push_back(k);
    indices.push_back({"i" + std::to_string(k), size});
  }
  return must(ClosedNetwork::create(indices, leaves));
}

TEST(LowerBound, ByHand) {
  // A matrix may stand at one step with the scalar output (36), which takes
  // half; the output may stand alone between two halves of the ring (6).
  ClosedNetwork matrices = ring(10, 6);
  EXPECT_EQ(toString(cheapLowerBound(matrices)), std::to_string(5 * 36 + 1));
  EXPECT_EQ(toString(leafStepBound(matrices)),
            std::to_string((10 * 36 + 2 * 6) / 2));
  EXPECT_EQ(toString(dearestStepBound(matrices)), std::to_string(216));

  // An output of two bonds is a part of the ring: each of the six leaves is at
  // a step of three bonds, alone or with one neighbour.
  ClosedNetwork chain =
      makeClosed("ab,bc,cd,de,ef->af", "a=6,b=6,c=6,d=6,e=6,f=6");
  EXPECT_EQ(toString(leafStepBound(chain)), std::to_string(6 * 216 / 2));
  // 4 steps of 216, of which the bound has one and half of four leaves' steps.
  EXPECT_EQ(toString(lowerBound(chain)), std::to_string(216 + 4 * 216 / 2));

  // Four tensors, each bound to each other: the first step has five bonds.
  ClosedNetwork complete =
      makeClosed("abc,ade,bdf->cef", "a=3,b=3,c=3,d=3,e=3,f=3");
  EXPECT_EQ(toString(dearestStepBound(complete)), std::to_string(243));
}

TEST(LowerBound, IsCutAt128Bits) {
  ClosedNetwork network = makeClosed(
      "abc,ade,bdf->cef", "a=1099511627776,b=1099511627776,c=1099511627776,"
                          "d=1099511627776,e=1099511627776,f=1099511627776");
  EXPECT_TRUE(lowerBound(network) == ~Cost(0));
  SearchOptions options;
  options.exactLimit = 2;
  EXPECT_EQ(messageOf(searchTree(network, 3, options)),
            "the multiply-adds of every order exceed 128 bits");
}

//===- RandomSearchTest.cpp - Networks beyond the exact limit -------------===//
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

#include <cmath>

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

/// A random graph of the given mean degree without an output; a chain keeps it
/// connected.
static ClosedNetwork randomGraph(std::mt19937_64 &random, unsigned numTensors,
                                 unsigned degree) {
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> tensors(numTensors);
  auto connect = [&](unsigned a, unsigned b) {
    int64_t size = 2 + static_cast<int64_t>(random() % 5);
    tensors[a].push_back(indices.size());
    tensors[b].push_back(indices.size());
    indices.push_back({"i" + std::to_string(indices.size()), size});
  };
  for (unsigned k : seq(1u, numTensors))
    connect(k - 1, k);
  for (unsigned k = numTensors - 1; k < numTensors * degree / 2; ++k) {
    unsigned a = random() % numTensors, b = random() % numTensors;
    if (a != b)
      connect(a, b);
  }
  return must(prepareNetwork(must(TensorNetwork::create(indices, tensors, {}))))
      .network;
}

/// Options that force the heuristics.
static SearchOptions heuristic(unsigned trials, unsigned window = 8,
                               Objective objective = {}) {
  SearchOptions options;
  options.exactLimit = 2;
  options.objective = objective;
  options.heuristic.trials = trials;
  options.heuristic.window = window;
  return options;
}

TEST(RandomSearch, CloseToTheOptimumOfRandomGraphs) {
  uint64_t seed = 20262;
  std::mt19937_64 random(seed);
  double logRatio = 0, logGreedy = 0;
  unsigned count = 0;
  for (unsigned trial : seq(24)) {
    ClosedNetwork network =
        randomGraph(random, 12 + trial % 4, trial % 2 ? 3 : 4);
    unsigned root = network.numLeaves() - 1;
    Cost optimum = must(searchTree(network, root)).flops;
    Cost greedy = must(searchTree(network, root, heuristic(0))).flops;
    SearchResult found = must(searchTree(network, root, heuristic(32)));
    std::string where =
        "seed " + std::to_string(seed) + ", trial " + std::to_string(trial);
    ASSERT_TRUE(found.flops >= optimum && found.flops <= greedy) << where;
    ASSERT_TRUE(found.lowerBound <= optimum) << where;
    ASSERT_EQ(messageOf(checkTree(network, found.tree, found.flops, false)), "")
        << where;
    EXPECT_LE(toDouble(found.flops), 1.2 * toDouble(optimum)) << where;
    logRatio += std::log(toDouble(found.flops) / toDouble(optimum));
    logGreedy += std::log(toDouble(greedy) / toDouble(optimum));
    ++count;
  }
  EXPECT_LE(std::exp(logRatio / count), 1.01);
  // The bound is no accident of easy networks.
  EXPECT_GE(std::exp(logGreedy / count), 1.05);
}

TEST(RandomSearch, LayersBeyondAForcedLimit) {
  for (const KnownOptimum &layer : layerSuite) {
    ClosedNetwork network = makeClosed(layer.einsum, layer.sizes);
    unsigned root = network.numLeaves() - 1;
    if (root < 12)
      continue;
    SearchResult found = must(searchTree(network, root, heuristic(32)));
    EXPECT_FALSE(found.proven);
    EXPECT_LE(toDouble(found.flops), 1.02 * layer.optimum) << layer.name;
  }
}

TEST(RandomSearch, AWindowOverTheWholeNetworkIsExact) {
  uint64_t seed = 20263;
  std::mt19937_64 random(seed);
  for (unsigned trial : seq(40)) {
    ClosedNetwork network =
        must(prepareNetwork(randomNetwork(random, 8))).network;
    unsigned root = random() % network.numLeaves();
    for (const char *name : {"flops", "size", "write", "combo"}) {
      Objective objective = *parseObjective(name);
      SearchResult best =
          must(searchTree(network, root, SearchOptions{20, objective}));
      SearchResult found =
          must(searchTree(network, root, heuristic(1, 8, objective)));
      ASSERT_EQ(toString(found.value), toString(best.value))
          << "seed " << seed << ", trial " << trial << ", " << name;
    }
  }
}

TEST(RandomSearch, ThreadsDoNotChangeTheResultButTheSeedMay) {
  std::mt19937_64 random(20264);
  ClosedNetwork network = randomGraph(random, 60, 3);
  unsigned root = network.numLeaves() - 1;
  SearchOptions options = heuristic(16, 6);
  SearchResult first = must(searchTree(network, root, options));
  for (unsigned threads : {2u, 5u}) {
    options.heuristic.threads = threads;
    SearchResult other = must(searchTree(network, root, options));
    EXPECT_EQ(other.tree.ssaPath(), first.tree.ssaPath()) << threads;
  }
  options.heuristic.seed = 2;
  EXPECT_NE(must(searchTree(network, root, options)).tree.ssaPath(),
            first.tree.ssaPath());
}

TEST(RandomSearch, AThousandTensors) {
  std::mt19937_64 random(20265);
  // Degree 2 on top of the chain's ends: cycles of chains, within 128 bits.
  ClosedNetwork network = randomGraph(random, 1000, 2);
  unsigned root = network.numLeaves() - 1;
  Cost greedy = must(searchTree(network, root, heuristic(0))).flops;
  SearchResult found = must(searchTree(network, root, heuristic(2, 5)));
  EXPECT_TRUE(found.flops <= greedy);
  EXPECT_EQ(messageOf(checkTree(network, found.tree, found.flops, false)), "");
}

TEST(RandomSearch, RefusesWindowsOutOfRange) {
  ClosedNetwork network = makeClosed("ab,bc,cd->ad", "a=2,b=3,c=4,d=5");
  EXPECT_EQ(messageOf(searchTree(network, 3, heuristic(1, 2))),
            "a window of 2 tensors: 3 to 16 are possible");
  EXPECT_EQ(messageOf(searchTree(network, 3, heuristic(1, 17))),
            "a window of 17 tensors: 3 to 16 are possible");
}

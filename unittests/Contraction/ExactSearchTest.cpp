//===- ExactSearchTest.cpp - The exact solvers against other means --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExactSearch.h"
#include "References.h"
#include "TestNetworks.h"
#include "fetta/Contraction/Search.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/bit.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstdlib>
#include <limits>

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

static bool isLongRun() {
  const char *longRun = std::getenv("FETTA_LONG");
  return longRun && StringRef(longRun) == "1";
}

/// A connected graph of \p numTensors: a random tree, more edges, and indices
/// of the output. Sizes are small and often equal, so that many trees tie, or
/// up to 64.
static ClosedNetwork randomGraph(std::mt19937_64 &random, unsigned numTensors) {
  auto below = [&](unsigned bound) {
    return static_cast<unsigned>(random() % bound);
  };
  bool isSmall = below(2) == 0;
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> leaves(numTensors + 1);
  auto connect = [&](unsigned a, unsigned b) {
    leaves[a].push_back(indices.size());
    leaves[b].push_back(indices.size());
    indices.push_back(
        {"i" + std::to_string(indices.size()),
         isSmall ? 1 + int64_t(below(3)) : 1 + int64_t(below(64))});
  };
  for (unsigned tensor : seq(1u, numTensors))
    connect(tensor, below(tensor));
  for (unsigned more = below(numTensors + 1); more > 0; --more) {
    unsigned a = below(numTensors), b = below(numTensors);
    if (a != b)
      connect(a, b);
  }
  for (unsigned outputs = below(4); outputs > 0; --outputs)
    connect(below(numTensors), numTensors);
  return must(ClosedNetwork::create(indices, leaves));
}

/// The sparse solver alone, at sizes for which searchTree takes the other one.
TEST(ExactSearch, SparseSolverEqualsTheUnprunedProgramme) {
  const uint64_t seed = 4101;
  std::mt19937_64 random(seed);
  unsigned numGraphs = 0;
  const unsigned numTrials = isLongRun() ? 50000 : 1500;
  for (unsigned trial : seq(numTrials)) {
    unsigned numTensors = 2 + random() % (trial % 20 == 0 ? 10 : 7);
    ClosedNetwork network = randomGraph(random, numTensors);
    Phase phase = must(makePhase(network, numTensors));
    if (!isConnectedGraph(phase))
      continue; // An index of size 1 held it together.
    ++numGraphs;
    double bound = boundByGreedy(phase, Objective());
    for (double upperBound : {bound, 1e3 * bound}) {
      bool giveUp = false;
      std::optional<ExactSolution> found =
          solveSparsely(phase, upperBound, giveUp);
      if (giveUp)
        continue;
      ASSERT_TRUE(found) << "seed " << seed << ", trial " << trial;
      Cost optimum =
          Reference(network, numTensors).unprunedProgramme(Objective());
      ASSERT_EQ(toString(found->value), toString(optimum))
          << "seed " << seed << ", trial " << trial;
      Objective flops;
      IntegerCosts costs{phase, flops};
      ASSERT_EQ(toString(*costs.sum(found->splits)), toString(optimum));
    }
  }
  EXPECT_GT(numGraphs, numTrials / 2);
}

/// Where every optimal tree needs outer products that one set absorbs, also
/// of more than two, which the sparse solver has to find.
TEST(ExactSearch, AbsorbedOuterProductsAreFound) {
  // k vectors on one tensor with a free index of size z: joining the vectors
  // first costs 4 + .. + 2^k, then 2^k z; one by one 2^k z + 2^(k-1) z + ...
  for (unsigned k : {2u, 3u, 4u}) {
    std::vector<NetworkIndex> indices;
    std::vector<IndexList> leaves(k + 2);
    for (unsigned vector : seq(k)) {
      indices.push_back({"v" + std::to_string(vector), 2});
      leaves[vector] = {vector};
      leaves[k].push_back(vector);
    }
    indices.push_back({"z", 1000});
    leaves[k].push_back(k);
    leaves[k + 1].push_back(k);
    ClosedNetwork network = must(ClosedNetwork::create(indices, leaves));
    Phase phase = must(makePhase(network, k + 1));
    ASSERT_TRUE(isConnectedGraph(phase));
    bool giveUp = false;
    std::optional<ExactSolution> found = solveSparsely(phase, 1e9, giveUp);
    ASSERT_TRUE(found);
    // Vectors two by two where that is cheaper: 4 vectors make 4 + 4 + 16.
    const uint64_t outer[] = {0, 0, 4, 4 + 8, 4 + 4 + 16};
    EXPECT_EQ(toString(found->value),
              std::to_string(outer[k] + (uint64_t(1000) << k)));
  }
}

/// 100,000 networks in the long run: brute force to 7 tensors, beyond it the
/// programme without pruning.
TEST(ExactSearch, RandomNetworksOfEveryStructure) {
  const uint64_t seed = 20261123;
  std::mt19937_64 random(seed);
  const Objective others[] = {Objective::size(), Objective::write(),
                              Objective::combo(64), Objective{false, 3, 5}};
  const unsigned numTrials = isLongRun() ? 100000 : 2000;
  // How often each kind came up: a run that misses one is not worth much.
  unsigned byBruteForce = 0, byProgramme = 0, connectedPairs = 0, fused = 0;
  for (unsigned trial : seq(numTrials)) {
    unsigned numTensors = 1 + random() % 7;
    if (trial % 8 == 0)
      numTensors = 8 + random() % 4;
    ClosedNetwork network =
        random() % (numTensors < 8 ? 4 : 2) == 0
            ? randomGraph(random, numTensors)
            : must(prepareNetwork(randomNetwork(random, numTensors))).network;
    unsigned root = random() % network.numLeaves();
    bool isSmall = network.numLeaves() - 1 <= 7;
    ++(isSmall ? byBruteForce : byProgramme);
    Reference reference(network, root);
    auto check = [&](const Objective &objective) {
      std::string where = "seed " + std::to_string(seed) + ", trial " +
                          std::to_string(trial) + ", weights " +
                          std::to_string(objective.flopWeight) + " and " +
                          std::to_string(objective.writeWeight);
      SearchResult found =
          must(searchTree(network, root, SearchOptions{20, objective}));
      Cost optimum = isSmall ? reference.bruteForce(objective)
                             : reference.unprunedProgramme(objective);
      ASSERT_TRUE(found.proven) << where;
      ASSERT_EQ(toString(found.value), toString(optimum)) << where;
      TreeCost cost = must(computeCost(network, found.tree));
      ASSERT_EQ(toString(*valueOf(objective, cost)), toString(optimum))
          << where;
      connectedPairs +=
          found.certificate.enumeration == Enumeration::ConnectedPairs;
      fused += found.certificate.fusedTensors != 0;
    };
    check(Objective());
    if (trial % 5 == 0)
      check(others[trial / 5 % 4]);
    if (HasFatalFailure())
      return;
  }
  EXPECT_GT(byBruteForce, numTrials / 2);
  EXPECT_GT(byProgramme, numTrials / 30);
  EXPECT_GT(connectedPairs, numTrials / 300);
  EXPECT_GT(fused, numTrials / 20);
}

TEST(ExactSearch, BytesPerSubset) {
  // Nothing is pruned: the largest tables there are. 40 bytes a subset are the
  // limit for every solver.
  const unsigned n = 14;
  std::mt19937_64 random(5);
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> leaves(n + 1);
  for (unsigned b : seq(n))
    for (unsigned a : seq(b)) {
      leaves[a].push_back(indices.size());
      leaves[b].push_back(indices.size());
      indices.push_back({"i" + std::to_string(indices.size()),
                         2 + static_cast<int64_t>(random() % 3)});
    }
  ClosedNetwork network = must(ClosedNetwork::create(indices, leaves));
  for (const Objective &objective :
       {Objective::flops(), Objective::write(), Objective::size()}) {
    SearchResult found =
        must(searchTree(network, n, SearchOptions{20, objective}));
    EXPECT_GT(found.certificate.tableBytes, uint64_t(8) << n);
    EXPECT_LE(found.certificate.tableBytes, uint64_t(40) << n);
  }
  // The sparse solver on a graph whose bound is tight.
  leaves.assign(n + 1, {});
  indices.clear();
  for (unsigned tensor : seq(n)) {
    leaves[tensor].push_back(indices.size());
    leaves[(tensor + 1) % n].push_back(indices.size());
    indices.push_back({"i" + std::to_string(tensor), 3});
  }
  network = must(ClosedNetwork::create(indices, leaves));
  SearchResult found = must(searchTree(network, n));
  EXPECT_EQ(found.certificate.enumeration, Enumeration::ConnectedPairs);
  EXPECT_LE(found.certificate.tableBytes, uint64_t(40) << n);
}

TEST(ExactSearch, EqualTensorsAreMultipliedFirst) {
  // Ten Hadamard factors: nine steps over (a b), then one with the vector.
  std::string einsum = "ab,ab,ab,ab,ab,ab,ab,ab,ab,ab,b->a";
  ClosedNetwork network = makeClosed(einsum, "a=7,b=11");
  SearchResult found = must(searchTree(network, 11));
  EXPECT_EQ(found.certificate.fusedTensors, 9u);
  EXPECT_EQ(toString(found.flops), std::to_string(10 * 77));
  EXPECT_EQ(toString(Reference(network, 11).unprunedProgramme(Objective())),
            toString(found.flops));
}

TEST(ExactSearch, AnIndexOnEveryLeafIsAFactor) {
  ClosedNetwork batched =
      makeClosed("zab,zbc,zcd,zde->zae", "z=13,a=2,b=30,c=5,d=40,e=3");
  ClosedNetwork single = makeClosed("ab,bc,cd,de->ae", "a=2,b=30,c=5,d=40,e=3");
  SearchResult found = must(searchTree(batched, 4));
  EXPECT_EQ(toString(found.flops),
            toString(13 * must(searchTree(single, 4)).flops));
  EXPECT_TRUE(found.proven);
}

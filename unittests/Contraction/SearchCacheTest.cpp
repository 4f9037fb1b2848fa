//===- SearchCacheTest.cpp - Equal networks are searched once -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/SearchCache.h"
#include "LayerSuite.h"
#include "TestNetworks.h"

#include "llvm/ADT/Sequence.h"

#include "gtest/gtest.h"

#include <numeric>
#include <thread>

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

/// The same network with other names and in another order; \p leafOf tells
/// where each of its leaves was.
static ClosedNetwork shuffled(const ClosedNetwork &network,
                              std::mt19937_64 &random,
                              std::vector<unsigned> &leafOf) {
  unsigned numIndices = network.getIndices().size();
  std::vector<unsigned> numbers(numIndices);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::shuffle(numbers.begin(), numbers.end(), random);
  std::vector<NetworkIndex> indices(numIndices);
  for (auto [index, entry] : enumerate(network.getIndices()))
    indices[numbers[index]] = {"x" + std::to_string(random() % 1000),
                               entry.size};
  leafOf.resize(network.numLeaves());
  std::iota(leafOf.begin(), leafOf.end(), 0);
  std::shuffle(leafOf.begin(), leafOf.end(), random);
  std::vector<IndexList> leaves;
  for (unsigned leaf : leafOf) {
    IndexList list;
    for (unsigned index : network.getLeaves()[leaf])
      list.push_back(numbers[index]);
    std::shuffle(list.begin(), list.end(), random);
    leaves.push_back(std::move(list));
  }
  return must(ClosedNetwork::create(indices, leaves));
}

TEST(SearchCache, NamesOrderAndPhaseDoNotMatter) {
  const uint64_t seed = 511;
  std::mt19937_64 random(seed);
  SearchCache cache;
  uint64_t structures = 0;
  for (const KnownOptimum &layer : layerSuite) {
    ClosedNetwork network = makeClosed(layer.einsum, layer.sizes);
    unsigned output = network.numLeaves() - 1;
    Cost optimum = must(searchTree(network, output)).flops;
    ++structures;
    for (unsigned trial : seq(20u)) {
      std::vector<unsigned> leafOf;
      ClosedNetwork other = shuffled(network, random, leafOf);
      unsigned root = random() % other.numLeaves();
      SearchResult found = must(cache.search(other, root));
      ASSERT_TRUE(found.proven);
      ASSERT_EQ(found.tree.rootLeaf(), root);
      ASSERT_EQ(toString(must(computeCost(other, found.tree)).flops),
                toString(optimum))
          << layer.name << ", seed " << seed << ", trial " << trial;
    }
    EXPECT_EQ(cache.statistics().searches, structures) << layer.name;
  }
  EXPECT_EQ(cache.statistics().hits, 19 * structures);
  EXPECT_EQ(cache.statistics().entries, structures);
}

TEST(SearchCache, RandomNetworksAndObjectives) {
  const uint64_t seed = 512;
  std::mt19937_64 random(seed);
  SearchCache cache;
  for (unsigned trial : seq(1500u)) {
    // Small ones, so that many are equal.
    ClosedNetwork network =
        must(prepareNetwork(randomNetwork(random, trial % 3 == 0 ? 7 : 3)))
            .network;
    unsigned root = random() % network.numLeaves();
    const Objective objectives[] = {Objective::flops(), Objective::write(),
                                    Objective::size(), Objective::combo(64)};
    SearchOptions options{20, objectives[trial % 4]};
    SearchResult cached = must(cache.search(network, root, options));
    SearchResult plain = must(searchTree(network, root, options));
    std::string where =
        "seed " + std::to_string(seed) + ", trial " + std::to_string(trial);
    ASSERT_EQ(toString(cached.value), toString(plain.value)) << where;
    TreeCost cost = must(computeCost(network, cached.tree));
    ASSERT_EQ(toString(*valueOf(options.objective, cost)),
              toString(plain.value))
        << where;
    if (!options.objective.isLargest) {
      ASSERT_EQ(toString(cost.flops), toString(cached.flops)) << where;
    }
  }
  EXPECT_GT(cache.statistics().hits, 100u);
}

TEST(SearchCache, UnlikeNetworksAreKeptApart) {
  SearchCache cache;
  // One size, one end, one hyperedge more: each is another network.
  const std::pair<const char *, const char *> networks[] = {
      {"ab,bc,cd->ad", "a=2,b=3,c=4,d=5"},
      {"ab,bc,cd->ad", "a=2,b=3,c=4,d=6"},
      {"ab,bc,cd->ab", "a=2,b=3,c=4,d=5"},
      {"ab,bc,bcd->ad", "a=2,b=3,c=4,d=5"},
      {"ab,bc,cd->abd", "a=2,b=3,c=4,d=5"}};
  for (auto [einsum, sizes] : networks) {
    ClosedNetwork network = makeClosed(einsum, sizes);
    SearchResult found = must(cache.search(network, 3));
    EXPECT_EQ(toString(found.flops),
              toString(must(searchTree(network, 3)).flops));
  }
  EXPECT_EQ(cache.statistics().searches, std::size(networks));
  // Another objective, and a root that matters to it.
  ClosedNetwork network = makeClosed(networks[0].first, networks[0].second);
  for (unsigned root : {0u, 3u})
    must(cache.search(network, root, SearchOptions{20, Objective::write()}));
  EXPECT_EQ(cache.statistics().searches, std::size(networks) + 2);
  EXPECT_EQ(cache.statistics().hits, 0u);
  must(cache.search(network, 1));
  EXPECT_EQ(cache.statistics().hits, 1u);
}

TEST(SearchCache, TheHistoryDoesNotMatter) {
  const uint64_t seed = 513;
  std::mt19937_64 random(seed);
  for (unsigned trial : seq(100u)) {
    ClosedNetwork network =
        must(prepareNetwork(randomNetwork(random, 8))).network;
    std::vector<unsigned> leafOf;
    ClosedNetwork other = shuffled(network, random, leafOf);
    SearchCache fresh, used;
    must(used.search(other, 0));
    ASSERT_EQ(must(fresh.search(network, 0)).tree.ssaPath(),
              must(used.search(network, 0)).tree.ssaPath())
        << "seed " << seed << ", trial " << trial;
  }
}

TEST(SearchCache, ErrorsAndNetworksThatAreNotKept) {
  SearchCache cache(/*maxEntries=*/1);
  ClosedNetwork network = makeClosed("ab,bc,cd->ad", "a=2,b=3,c=4,d=5");
  EXPECT_EQ(messageOf(cache.search(network, 4)),
            "there is no leaf 4: the network has 4 leaves");
  std::string sizes = "a=4294967296,b=4294967296,c=4294967296,"
                      "d=4294967296,e=4294967296,f=4294967296";
  ClosedNetwork large = makeClosed("abcdef,ab->cdef", sizes);
  for (unsigned times : seq(2u)) {
    (void)times;
    EXPECT_EQ(messageOf(cache.search(large, 2)),
              messageOf(searchTree(large, 2)));
    EXPECT_NE(messageOf(cache.search(large, 2)), "");
  }
  // Beyond the limit of entries, of tensors: searched each time.
  SearchCache small(1);
  must(small.search(network, 3));
  ClosedNetwork second = makeClosed("ab,bc,cd->ad", "a=2,b=3,c=4,d=7");
  for (unsigned times : seq(2u)) {
    (void)times;
    EXPECT_EQ(toString(must(small.search(second, 3)).flops),
              toString(must(searchTree(second, 3)).flops));
  }
  EXPECT_EQ(small.statistics().searches, 3u);
  EXPECT_EQ(small.statistics().entries, 1u);
  SearchResult heuristic = must(small.search(network, 3, SearchOptions{1}));
  EXPECT_EQ(heuristic.reason, "3 tensors exceed the exact limit of 1");
}

TEST(SearchCache, ManyThreadsAtOnce) {
  const uint64_t seed = 514;
  SearchCache cache;
  std::vector<ClosedNetwork> networks;
  std::vector<std::string> expected;
  std::mt19937_64 random(seed);
  for (const KnownOptimum &layer : layerSuite) {
    networks.push_back(makeClosed(layer.einsum, layer.sizes));
    expected.push_back(toString(
        must(searchTree(networks.back(), networks.back().numLeaves() - 1))
            .flops));
  }
  constexpr unsigned numThreads = 8, rounds = 3;
  std::vector<unsigned> wrong(numThreads, 0);
  std::vector<std::thread> threads;
  for (unsigned thread : seq(numThreads))
    threads.emplace_back([&, thread] {
      std::mt19937_64 ownRandom(seed + thread);
      for (unsigned round = 0; round < rounds; ++round)
        for (auto [network, cost] : zip_equal(networks, expected)) {
          std::vector<unsigned> leafOf;
          ClosedNetwork other = shuffled(network, ownRandom, leafOf);
          SearchResult found = must(cache.search(other, 0));
          wrong[thread] +=
              toString(found.flops) != cost ||
              toString(must(computeCost(other, found.tree)).flops) != cost;
        }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (unsigned thread : seq(numThreads))
    EXPECT_EQ(wrong[thread], 0u) << "thread " << thread;
  EXPECT_EQ(cache.statistics().searches, networks.size());
  EXPECT_EQ(cache.statistics().hits,
            (numThreads * rounds - 1) * networks.size());
}

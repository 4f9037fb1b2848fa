//===- LargeSearchTest.cpp - Networks beyond the exact limit --------------===//
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

#include <atomic>
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

/// A random graph in which every tensor has \p degree neighbours, by pairing
/// half edges.
static ClosedNetwork regularGraph(std::mt19937_64 &random, unsigned numTensors,
                                  unsigned degree, int64_t size) {
  std::vector<unsigned> halves;
  auto isFine = [&] {
    for (size_t k = 0; k < halves.size(); k += 2)
      if (halves[k] == halves[k + 1])
        return false;
    return !halves.empty();
  };
  while (!isFine()) {
    halves.clear();
    for (unsigned tensor : seq(numTensors))
      halves.insert(halves.end(), degree, tensor);
    std::shuffle(halves.begin(), halves.end(), random);
  }
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> leaves(numTensors + 1);
  for (size_t k = 0; k < halves.size(); k += 2) {
    leaves[halves[k]].push_back(indices.size());
    leaves[halves[k + 1]].push_back(indices.size());
    indices.push_back({"i" + std::to_string(indices.size()), size});
  }
  return must(ClosedNetwork::create(indices, leaves));
}

/// Matrices of the given numbers of rows and columns, one after the other.
static ClosedNetwork matrixChain(ArrayRef<int64_t> sizes) {
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> leaves;
  for (auto [number, size] : enumerate(sizes)) {
    indices.push_back({"i" + std::to_string(number), size});
    unsigned index = number;
    if (index != 0)
      leaves.push_back({index - 1, index});
  }
  leaves.push_back({0, static_cast<unsigned>(sizes.size() - 1)});
  return must(ClosedNetwork::create(indices, leaves));
}

/// Options that force the heuristics.
static SearchOptions heuristic(unsigned trials,
                               SmallVector<uint64_t, 8> sweeps = {},
                               unsigned window = 8, Objective objective = {}) {
  SearchOptions options;
  options.exactLimit = 2;
  options.objective = objective;
  options.heuristic.work.trials = trials;
  options.heuristic.work.sweeps = std::move(sweeps);
  options.heuristic.work.window = window;
  return options;
}

static SearchOptions onlyGreedy() {
  SearchOptions options;
  options.exactLimit = 2;
  options.heuristic.work = HeuristicWork::greedy();
  return options;
}

/// One part of the heuristics at a time, and all of them.
TEST(LargeSearch, CloseToTheOptimumOfRandomGraphs) {
  uint64_t seed = 20262;
  std::mt19937_64 random(seed);
  struct Method {
    const char *name;
    SearchOptions options;
    double mean, worst;
    double logRatio = 0;
  };
  Method methods[] = {
      {"windows", heuristic(32), 1.01, 1.2},
      {"annealing", heuristic(0, {300, 300}), 1.02, 1.3},
      {"all", heuristic(8, {300, 300}), 1.001, 1.02},
  };
  methods[1].options.heuristic.work.rounds = 0;
  double logGreedy = 0;
  unsigned count = 0;
  for (unsigned trial : seq(24)) {
    ClosedNetwork network =
        randomGraph(random, 12 + trial % 4, trial % 2 ? 3 : 4);
    unsigned root = network.numLeaves() - 1;
    Cost optimum = must(searchTree(network, root)).flops;
    Cost greedy = must(searchTree(network, root, onlyGreedy())).flops;
    logGreedy += std::log(toDouble(greedy) / toDouble(optimum));
    ++count;
    for (Method &method : methods) {
      SearchResult found = must(searchTree(network, root, method.options));
      std::string where = "seed " + std::to_string(seed) + ", trial " +
                          std::to_string(trial) + ", " + method.name;
      ASSERT_TRUE(found.flops >= optimum && found.flops <= greedy) << where;
      ASSERT_TRUE(found.lowerBound <= optimum) << where;
      ASSERT_EQ(messageOf(checkTree(network, found.tree, found.flops, false)),
                "")
          << where;
      double ratio = toDouble(found.flops) / toDouble(optimum);
      EXPECT_LE(ratio, method.worst) << where;
      method.logRatio += std::log(ratio);
    }
  }
  for (const Method &method : methods)
    EXPECT_LE(std::exp(method.logRatio / count), method.mean) << method.name;
  // The bounds are no accident of easy networks.
  EXPECT_GE(std::exp(logGreedy / count), 1.05);
}

TEST(LargeSearch, LayersBeyondAForcedLimit) {
  for (const KnownOptimum &layer : layerSuite) {
    ClosedNetwork network = makeClosed(layer.einsum, layer.sizes);
    unsigned root = network.numLeaves() - 1;
    if (root < 12)
      continue;
    SearchResult found = must(searchTree(network, root, heuristic(32, {200})));
    EXPECT_FALSE(found.proven);
    EXPECT_LE(toDouble(found.flops), 1.02 * layer.optimum) << layer.name;
  }
}

/// The textbook programme: split a chain where it is cheapest.
static Cost chainOptimum(ArrayRef<int64_t> sizes) {
  size_t n = sizes.size() - 1;
  std::vector<std::vector<Cost>> best(n, std::vector<Cost>(n, 0));
  for (size_t length = 1; length < n; ++length)
    for (size_t i = 0; i + length < n; ++i) {
      Cost &entry = best[i][i + length];
      entry = ~Cost(0);
      for (size_t k = i; k < i + length; ++k)
        entry = std::min(entry, best[i][k] + best[k + 1][i + length] +
                                    Cost(sizes[i]) * sizes[k + 1] *
                                        sizes[i + length + 1]);
    }
  return best[0][n - 1];
}

TEST(LargeSearch, MatrixChains) {
  uint64_t seed = 20266;
  std::mt19937_64 random(seed);
  for (unsigned length : {30u, 60u, 120u}) {
    std::vector<int64_t> sizes;
    for (unsigned k = 0; k <= length; ++k)
      sizes.push_back(2 + static_cast<int64_t>(random() % 60));
    ClosedNetwork network = matrixChain(sizes);
    SearchOptions options = heuristic(8, {500});
    SearchResult found =
        must(searchTree(network, network.numLeaves() - 1, options));
    double optimum = toDouble(chainOptimum(sizes));
    EXPECT_GE(toDouble(found.flops), optimum) << length;
    EXPECT_LE(toDouble(found.flops), 1.001 * optimum)
        << "seed " << seed << ", length " << length;
  }
}

TEST(LargeSearch, AWindowOverTheWholeNetworkIsExact) {
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
          must(searchTree(network, root, heuristic(1, {}, 8, objective)));
      ASSERT_EQ(toString(found.value), toString(best.value))
          << "seed " << seed << ", trial " << trial << ", " << name;
    }
  }
}

TEST(LargeSearch, AnnealingByEveryObjective) {
  uint64_t seed = 20267;
  std::mt19937_64 random(seed);
  for (const char *name : {"flops", "size", "write", "combo"}) {
    Objective objective = *parseObjective(name);
    double logRatio = 0;
    for (unsigned trial : seq(10)) {
      ClosedNetwork network = randomGraph(random, 12, 3);
      unsigned root = random() % network.numLeaves();
      SearchOptions options = heuristic(0, {300, 300}, 8, objective);
      options.heuristic.work.rounds = 0;
      SearchResult best =
          must(searchTree(network, root, SearchOptions{20, objective}));
      SearchResult found = must(searchTree(network, root, options));
      ASSERT_TRUE(found.value >= best.value) << name << ", trial " << trial;
      logRatio += std::log(toDouble(found.value) / toDouble(best.value));
    }
    EXPECT_LE(std::exp(logRatio / 10), 1.05) << name << ", seed " << seed;
  }
}

TEST(LargeSearch, ThreadsDoNotChangeTheResultButTheSeedMay) {
  std::mt19937_64 random(20264);
  ClosedNetwork network = randomGraph(random, 60, 3);
  unsigned root = network.numLeaves() - 1;
  SearchOptions options = heuristic(16, {20, 20, 40}, 6);
  SearchResult first = must(searchTree(network, root, options));
  for (unsigned threads : {2u, 5u}) {
    options.heuristic.threads = threads;
    SearchResult other = must(searchTree(network, root, options));
    EXPECT_EQ(other.tree.ssaPath(), first.tree.ssaPath()) << threads;
  }
  options.heuristic.work.seed = 2;
  EXPECT_NE(must(searchTree(network, root, options)).tree.ssaPath(),
            first.tree.ssaPath());
}

TEST(LargeSearch, AThousandTensors) {
  std::mt19937_64 random(20265);
  // Degree 2 on top of the chain's ends: cycles of chains, within 128 bits.
  ClosedNetwork network = randomGraph(random, 1000, 2);
  unsigned root = network.numLeaves() - 1;
  Cost greedy = must(searchTree(network, root, onlyGreedy())).flops;
  SearchResult found = must(searchTree(network, root, heuristic(2, {30}, 5)));
  EXPECT_TRUE(found.flops < greedy);
  EXPECT_EQ(messageOf(checkTree(network, found.tree, found.flops, false)), "");
}

TEST(LargeSearch, TenThousandTensorsByGreedy) {
  // Of equal matrices every order costs the same.
  ClosedNetwork chain = matrixChain(std::vector<int64_t>(10001, 4));
  EXPECT_EQ(toString(must(searchTree(chain, 10000, onlyGreedy())).flops),
            std::to_string(9999 * 64));

  // A batch index on all tensors, so that all are neighbours of all: products
  // of vectors in pairs, then of numbers, all of it for each batch.
  std::vector<NetworkIndex> indices = {{"batch", 8}};
  std::vector<IndexList> leaves(10001, IndexList{0});
  for (unsigned tensor = 0; tensor < 10000; tensor += 2) {
    leaves[tensor].push_back(indices.size());
    leaves[tensor + 1].push_back(indices.size());
    indices.push_back({"i" + std::to_string(tensor), 5});
  }
  ClosedNetwork hub = must(ClosedNetwork::create(indices, leaves));
  EXPECT_EQ(toString(must(searchTree(hub, 10000, onlyGreedy())).flops),
            std::to_string(5000 * 8 * 5 + 4999 * 8));
}

TEST(LargeSearch, GreedyBeyond128BitsIsNoEnd) {
  std::mt19937_64 random(20268);
  ClosedNetwork network = regularGraph(random, 100, 3, 64);
  unsigned root = network.numLeaves() - 1;
  EXPECT_NE(messageOf(searchTree(network, root, onlyGreedy())), "");
  SearchResult found =
      must(searchTree(network, root, heuristic(4, {1000, 1000})));
  EXPECT_EQ(messageOf(checkTree(network, found.tree, found.flops, false)), "");
  // And where no tree fits, it is said.
  ClosedNetwork huge = regularGraph(random, 100, 3, int64_t(1) << 40);
  EXPECT_NE(
      messageOf(searchTree(huge, root, heuristic(2, {20}))).find("128 bits"),
      std::string::npos);
}

TEST(LargeSearch, AnEarlyStopIsRepeatedByTheWorkThatWasDone) {
  std::mt19937_64 random(20269);
  ClosedNetwork network = randomGraph(random, 80, 3);
  unsigned root = network.numLeaves() - 1;
  Cost greedy = must(searchTree(network, root, onlyGreedy())).flops;
  SearchOptions options = heuristic(8, {20, 20, 40, 40});
  SearchResult whole = must(searchTree(network, root, options));
  EXPECT_FALSE(whole.stopped);
  unsigned differing = 0;
  // In the trials, in the first and in later chains, in the windows.
  for (unsigned calls : {0u, 3u, 8u, 20u, 35u, 70u, 130u, 140u, 200u}) {
    std::atomic<unsigned> asked = 0;
    options.heuristic.shouldStop = [&] { return asked++ >= calls; };
    SearchResult part = must(searchTree(network, root, options));
    EXPECT_TRUE(part.stopped) << calls;
    EXPECT_TRUE(part.flops <= greedy && part.flops >= whole.flops) << calls;
    ASSERT_TRUE(part.work) << calls;
    SearchOptions again = options;
    again.heuristic.shouldStop = nullptr;
    again.heuristic.work = *part.work;
    SearchResult repeated = must(searchTree(network, root, again));
    EXPECT_EQ(repeated.tree.ssaPath(), part.tree.ssaPath()) << calls;
    differing += part.flops != whole.flops;
  }
  EXPECT_GE(differing, 3u);
}

TEST(LargeSearch, ATimeLimitIsKeptAndSaysWhatRepeatsIt) {
  std::mt19937_64 random(20270);
  ClosedNetwork network = randomGraph(random, 80, 3);
  unsigned root = network.numLeaves() - 1;
  SearchOptions options = heuristic(4, {}, 6);
  options.heuristic.seconds = 0.6;
  options.heuristic.threads = 2;
  std::vector<std::string> phases;
  options.heuristic.onProgress = [&](const SearchProgress &progress) {
    phases.push_back(progress.phase.str());
    EXPECT_LE(progress.unitsDone, progress.unitsPlanned);
    EXPECT_TRUE(std::isfinite(progress.best));
  };
  SearchResult found = must(searchTree(network, root, options));
  EXPECT_FALSE(found.stopped);
  EXPECT_FALSE(phases.empty());
  ASSERT_TRUE(found.work && !found.work->sweeps.empty());
  SearchOptions again = heuristic(0);
  again.heuristic.work = *found.work;
  SearchResult repeated = must(searchTree(network, root, again));
  EXPECT_EQ(repeated.tree.ssaPath(), found.tree.ssaPath());
}

TEST(LargeSearch, AnExactSearchThatIsStoppedGivesWayToHeuristics) {
  std::mt19937_64 random(20272);
  ClosedNetwork network = randomGraph(random, 15, 4);
  unsigned root = network.numLeaves() - 1;
  for (const char *name : {"flops", "write", "size"}) {
    SearchOptions options;
    options.objective = *parseObjective(name);
    options.heuristic.shouldStop = [] { return false; };
    SearchResult best = must(searchTree(network, root, options));
    EXPECT_TRUE(best.proven && !best.stopped && !best.work) << name;

    SearchOptions bySignal = options, byTime = options;
    bySignal.heuristic.shouldStop = [] { return true; };
    byTime.heuristic.seconds = 1e-9;
    for (const SearchOptions &stopped : {bySignal, byTime}) {
      SearchResult found = must(searchTree(network, root, stopped));
      EXPECT_TRUE(found.stopped && !found.proven && found.work) << name;
      EXPECT_EQ(found.reason, "the exact search of 15 tensors was stopped");
      EXPECT_TRUE(found.value >= best.value) << name;
      EXPECT_LE(toDouble(found.value), 1.2 * toDouble(best.value)) << name;
      EXPECT_TRUE(found.lowerBound <= best.value) << name;
    }
  }
}

TEST(LargeSearch, RefusesWindowsOutOfRange) {
  ClosedNetwork network = makeClosed("ab,bc,cd->ad", "a=2,b=3,c=4,d=5");
  EXPECT_EQ(messageOf(searchTree(network, 3, heuristic(1, {}, 2))),
            "a window of 2 tensors: 3 to 16 are possible");
  EXPECT_EQ(messageOf(searchTree(network, 3, heuristic(1, {}, 17))),
            "a window of 17 tensors: 3 to 16 are possible");
}

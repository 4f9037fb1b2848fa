//===- ContractionBench.cpp - How fast orders are found -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The exact solver on the layer suite and on random graphs, one thread, from a
// network in memory to a certified tree. `--list` prints the instances in the
// format of `fetta-path --file`, so that others can be run on the same.
//
//===----------------------------------------------------------------------===//

#include "LayerSuite.h"
#include "TestNetworks.h"
#include "fetta/Contraction/Search.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/Support/raw_ostream.h"

#include "benchmark/benchmark.h"

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

namespace {

struct Instance {
  std::string name, einsum, sizes;
};

} // namespace

/// Every tensor has \p degree indices of size 2 to 6, each shared with another
/// tensor; no output. Stubs are paired until no tensor meets itself.
static Instance randomGraph(unsigned numTensors, unsigned degree,
                            uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<unsigned> halfEdges;
  for (unsigned tensor : seq(numTensors))
    halfEdges.insert(halfEdges.end(), degree, tensor);
  auto meetsItself = [&] {
    for (size_t k = 0; k < halfEdges.size(); k += 2)
      if (halfEdges[k] == halfEdges[k + 1])
        return true;
    return false;
  };
  do {
    // By hand: std::shuffle differs between libraries.
    for (size_t k = halfEdges.size(); k > 1; --k)
      std::swap(halfEdges[k - 1], halfEdges[random() % k]);
  } while (meetsItself());
  std::vector<std::string> tensors(numTensors);
  Instance instance;
  instance.name = "random_d" + std::to_string(degree) + "_n" +
                  std::to_string(numTensors) + "_s" + std::to_string(seed);
  for (size_t k = 0; k < halfEdges.size(); k += 2) {
    std::string index = "i" + std::to_string(k / 2);
    for (unsigned tensor : {halfEdges[k], halfEdges[k + 1]})
      tensors[tensor] += (tensors[tensor].empty() ? "" : " ") + index;
    instance.sizes +=
        (k == 0 ? "" : ",") + index + "=" + std::to_string(2 + random() % 5);
  }
  for (const std::string &tensor : tensors)
    instance.einsum += (instance.einsum.empty() ? "" : ", ") + tensor;
  instance.einsum += " ->";
  return instance;
}

static std::vector<Instance> makeInstances() {
  std::vector<Instance> instances;
  for (const KnownOptimum &layer : layerSuite)
    instances.push_back({layer.name, layer.einsum, layer.sizes});
  for (unsigned degree : {3u, 6u})
    for (unsigned numTensors : {8u, 10u, 12u, 14u, 16u, 18u})
      instances.push_back(randomGraph(numTensors, degree, 1));
  return instances;
}

static void searchExactly(benchmark::State &state, const Instance &instance) {
  ClosedNetwork network = makeClosed(instance.einsum, instance.sizes);
  unsigned root = network.numLeaves() - 1;
  std::optional<SearchResult> result;
  for (auto _ : state) {
    result = must(searchTree(network, root));
    benchmark::DoNotOptimize(result);
  }
  state.counters["tensors"] = root;
  state.counters["flops"] = toDouble(result->flops);
  state.counters["proven"] = result->proven;
  state.counters["pairs"] = static_cast<double>(result->pairs);
}

static void searchGreedily(benchmark::State &state, const Instance &instance) {
  ClosedNetwork network = makeClosed(instance.einsum, instance.sizes);
  unsigned root = network.numLeaves() - 1;
  Cost flops = 0;
  for (auto _ : state) {
    ContractionTree tree = must(greedyTree(network, root));
    flops = must(computeCost(network, tree)).flops;
  }
  state.counters["tensors"] = root;
  state.counters["flops"] = toDouble(flops);
}

int main(int argc, char **argv) {
  std::vector<Instance> instances = makeInstances();
  if (argc == 2 && StringRef(argv[1]) == "--list") {
    for (const Instance &instance : instances)
      outs() << "# " << instance.name << '\n'
             << instance.einsum << '\t' << instance.sizes << '\n';
    return 0;
  }
  for (const Instance &instance : instances) {
    benchmark::RegisterBenchmark(("exact/" + instance.name).c_str(),
                                 searchExactly, instance)
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(("greedy/" + instance.name).c_str(),
                                 searchGreedily, instance)
        ->Unit(benchmark::kMicrosecond);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

//===- ContractionBench.cpp - How fast orders are found -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The exact solver, one thread, from a network in memory to a certified tree;
// greedy for comparison; and the layers of whole models with all phases.
// `--list` prints the instances in the format of `fetta-path --file`, so that
// others can be run on the same; `--peak NAME` prints the largest resident set
// of one exact search.
//
//===----------------------------------------------------------------------===//

#include "Instances.h"

#include "TestNetworks.h"
#include "fetta/Contraction/Search.h"
#include "fetta/Contraction/SearchCache.h"
#include "fetta/Contraction/SharedPlan.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/Support/raw_ostream.h"

#include "benchmark/benchmark.h"

#include <sys/resource.h>

using namespace llvm;
using namespace fetta;
using namespace fetta::bench;
using namespace fetta::test;

static void searchExactly(benchmark::State &state, const Instance &instance) {
  ClosedNetwork network = makeClosed(instance.einsum, instance.sizes);
  unsigned root = network.numLeaves() - 1;
  std::optional<SearchResult> result;
  for (auto _ : state) {
    result = must(searchTree(network, root));
    benchmark::DoNotOptimize(result);
  }
  const ExactCertificate &certificate = result->certificate;
  state.counters["tensors"] = root;
  state.counters["flops"] = toDouble(result->flops);
  state.counters["proven"] = result->proven;
  state.counters["pairs"] = static_cast<double>(result->pairs);
  state.counters["sets"] = static_cast<double>(certificate.sets);
  state.counters["connected"] =
      certificate.enumeration == Enumeration::ConnectedPairs;
  state.counters["bytes_per_subset"] = std::ldexp(
      static_cast<double>(certificate.tableBytes), -static_cast<int>(root));
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

/// All phases of a layer: forward pass, input gradient, gradients of cores.
static SharedPlan planAllPhases(SearchCache &cache,
                                const ClosedNetwork &network) {
  unsigned output = network.numLeaves() - 1;
  SearchResult found = must(cache.search(network, output));
  SmallVector<unsigned, 16> roots = {output};
  for (unsigned leaf : seq(output))
    roots.push_back(leaf);
  return must(SharedPlan::create(network, UnrootedTree(found.tree), roots));
}

static std::vector<ClosedNetwork>
toNetworks(const std::vector<Instance> &layers) {
  std::vector<ClosedNetwork> networks;
  for (const Instance &layer : layers)
    networks.push_back(makeClosed(layer.einsum, layer.sizes));
  return networks;
}

/// From nothing: an empty cache each time.
static void planModel(benchmark::State &state,
                      const std::vector<Instance> &layers) {
  std::vector<ClosedNetwork> networks = toNetworks(layers);
  uint64_t searches = 0;
  for (auto _ : state) {
    SearchCache cache;
    for (const ClosedNetwork &network : networks)
      benchmark::DoNotOptimize(planAllPhases(cache, network));
    searches = cache.statistics().searches;
  }
  state.counters["layers"] = static_cast<double>(networks.size());
  state.counters["searches"] = static_cast<double>(searches);
}

/// A layer that was searched before.
static void searchCached(benchmark::State &state, const Instance &instance) {
  ClosedNetwork network = makeClosed(instance.einsum, instance.sizes);
  SearchCache cache;
  must(cache.search(network, 0));
  for (auto _ : state)
    benchmark::DoNotOptimize(
        must(cache.search(network, network.numLeaves() - 1)));
  state.counters["hits"] = static_cast<double>(cache.statistics().hits);
}

static int printPeak(const std::vector<Instance> &instances, StringRef name) {
  for (const Instance &instance : instances) {
    if (instance.name != name)
      continue;
    ClosedNetwork network = makeClosed(instance.einsum, instance.sizes);
    unsigned root = network.numLeaves() - 1;
    auto residentBytes = [] {
      rusage usage;
      getrusage(RUSAGE_SELF, &usage);
      return static_cast<double>(usage.ru_maxrss) * 1024;
    };
    double before = residentBytes();
    must(searchTree(network, root));
    double grown = residentBytes() - before;
    outs() << name << ": " << root << " tensors, " << grown / 1e6
           << " MB more than before, "
           << std::ldexp(grown, -static_cast<int>(root)) << " bytes a subset\n";
    return 0;
  }
  errs() << "no instance is called '" << name << "'\n";
  return 1;
}

int main(int argc, char **argv) {
  std::vector<Instance> instances = makeInstances();
  if (argc == 2 && StringRef(argv[1]) == "--list") {
    for (const Instance &instance : instances)
      outs() << "# " << instance.name << '\n'
             << instance.einsum << '\t' << instance.sizes << '\n';
    return 0;
  }
  if (argc == 3 && StringRef(argv[1]) == "--peak")
    return printPeak(instances, argv[2]);
  for (const Instance &instance : instances) {
    benchmark::RegisterBenchmark(("exact/" + instance.name).c_str(),
                                 searchExactly, instance)
        ->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(("greedy/" + instance.name).c_str(),
                                 searchGreedily, instance)
        ->Unit(benchmark::kMicrosecond);
    if (StringRef(instance.name).ends_with("_fp"))
      benchmark::RegisterBenchmark(("cached/" + instance.name).c_str(),
                                   searchCached, instance)
          ->Unit(benchmark::kMicrosecond);
  }
  benchmark::RegisterBenchmark("model/transformer", planModel,
                               makeTransformer())
      ->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("model/different_layers", planModel,
                               makeDifferentLayers())
      ->Unit(benchmark::kMicrosecond);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

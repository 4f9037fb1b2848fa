//===- Instances.cpp - Networks to measure the search on ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Instances.h"

#include "LayerSuite.h"
#include "TestNetworks.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <algorithm>
#include <random>

using namespace llvm;
using namespace fetta;
using namespace fetta::bench;
using namespace fetta::test;

namespace {

/// Joins tensors by indices, and writes the einsum.
class NetworkWriter {
public:
  explicit NetworkWriter(unsigned numTensors) : tensors(numTensors) {}

  void join(ArrayRef<unsigned> ends, int64_t size, bool isOutput = false) {
    std::string index = "i" + std::to_string(numIndices);
    for (unsigned end : ends)
      tensors[end] += (tensors[end].empty() ? "" : " ") + index;
    if (isOutput)
      output += " " + index;
    sizes +=
        (numIndices++ == 0 ? "" : ",") + index + "=" + std::to_string(size);
  }
  Instance finish(const std::string &name) const {
    Instance instance{name, "", sizes};
    for (const std::string &tensor : tensors)
      instance.einsum += (instance.einsum.empty() ? "" : ", ") + tensor;
    instance.einsum += " ->" + output;
    return instance;
  }

private:
  std::vector<std::string> tensors;
  std::string output, sizes;
  unsigned numIndices = 0;
};

/// By hand: standard distributions differ between libraries.
class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}
  unsigned below(unsigned bound) { return engine() % bound; }
  int64_t size(unsigned least, unsigned most) {
    return least + below(most - least + 1);
  }
  template <typename T> void shuffle(std::vector<T> &list) {
    for (size_t k = list.size(); k > 1; --k)
      std::swap(list[k - 1], list[below(k)]);
  }

private:
  std::mt19937_64 engine;
};

} // namespace

static std::string withNumber(const std::string &name, unsigned number) {
  return name + "_n" + std::to_string(number);
}

/// Every tensor has \p degree indices of size 2 to 6, each shared with another
/// tensor; no output. Stubs are paired until no tensor meets itself.
static Instance randomGraph(unsigned numTensors, unsigned degree) {
  Random random(100 * numTensors + degree);
  std::vector<unsigned> halfEdges;
  for (unsigned tensor : seq(numTensors))
    halfEdges.insert(halfEdges.end(), degree, tensor);
  auto meetsItself = [&] {
    for (size_t k = 0; k < halfEdges.size(); k += 2)
      if (halfEdges[k] == halfEdges[k + 1])
        return true;
    return false;
  };
  do
    random.shuffle(halfEdges);
  while (meetsItself());
  NetworkWriter writer(numTensors);
  for (size_t k = 0; k < halfEdges.size(); k += 2)
    writer.join({halfEdges[k], halfEdges[k + 1]}, random.size(2, 6));
  return writer.finish(
      withNumber("random_d" + std::to_string(degree), numTensors));
}

/// As many indices as tensors, each of size 2 to 8 on 3 to 5 of them; one in
/// eight on the output, too.
static Instance randomHypergraph(unsigned numTensors) {
  Random random(numTensors);
  NetworkWriter writer(numTensors);
  std::vector<unsigned> order(numTensors);
  for (unsigned tensor : seq(numTensors))
    order[tensor] = tensor;
  for (unsigned index : seq(numTensors)) {
    random.shuffle(order);
    std::vector<unsigned> ends(order.begin(),
                               order.begin() + random.size(3, 5));
    // No tensor is left without an index.
    if (!is_contained(ends, index))
      ends[0] = index;
    writer.join(ends, random.size(2, 8), random.below(8) == 0);
  }
  return writer.finish(withNumber("hypergraph", numTensors));
}

static Instance matrixChain(unsigned numTensors) {
  Random random(numTensors);
  NetworkWriter writer(numTensors);
  writer.join({0}, random.size(2, 100), /*isOutput=*/true);
  for (unsigned k : seq(1u, numTensors))
    writer.join({k - 1, k}, random.size(2, 100));
  writer.join({numTensors - 1}, random.size(2, 100), /*isOutput=*/true);
  return writer.finish(withNumber("chain", numTensors));
}

/// A random tree; its leaves hold an index of the output.
static Instance randomTree(unsigned numTensors) {
  Random random(numTensors);
  NetworkWriter writer(numTensors);
  std::vector<bool> isLeaf(numTensors, true);
  for (unsigned k : seq(1u, numTensors)) {
    unsigned parent = k - 1 - random.below(std::min(k, 4u));
    isLeaf[parent] = false;
    writer.join({parent, k}, random.size(2, 10));
  }
  for (unsigned k : seq(numTensors))
    if (isLeaf[k])
      writer.join({k}, random.size(2, 6), /*isOutput=*/true);
  return writer.finish(withNumber("tree", numTensors));
}

/// The inner product of two matrix product states.
static Instance innerProduct(unsigned sites) {
  Random random(sites);
  NetworkWriter writer(2 * sites);
  for (unsigned k : seq(sites)) {
    writer.join({k, sites + k}, 2);
    if (k == 0)
      continue;
    writer.join({k - 1, k}, random.size(4, 16));
    writer.join({sites + k - 1, sites + k}, random.size(4, 16));
  }
  return writer.finish(withNumber("mps", 2 * sites));
}

/// A grid (PEPS); each tensor may hold an index of the output.
static Instance grid(unsigned rows, unsigned columns, bool isOpen) {
  Random random(10 * rows + columns);
  NetworkWriter writer(rows * columns);
  for (unsigned r : seq(rows))
    for (unsigned c : seq(columns)) {
      unsigned here = r * columns + c;
      if (c != 0)
        writer.join({here - 1, here}, random.size(2, 4));
      if (r != 0)
        writer.join({here - columns, here}, random.size(2, 4));
      if (isOpen)
        writer.join({here}, 2, /*isOutput=*/true);
    }
  return writer.finish(
      withNumber(isOpen ? "peps_open" : "peps", rows * columns));
}

/// A binary MERA over \p sites (periodic): layers of disentanglers on
/// neighbours and isometries that halve the sites, one tensor on top.
static Instance mera(unsigned sites) {
  Random random(sites);
  std::vector<std::pair<std::vector<unsigned>, bool>> joins;
  unsigned numTensors = 0;
  // Which tensor's leg a site is; none: the output.
  std::vector<int> below(sites, -1);
  auto take = [&](unsigned site, unsigned tensor) {
    if (below[site] < 0)
      joins.push_back({{tensor}, true});
    else
      joins.push_back({{static_cast<unsigned>(below[site]), tensor}, false});
    below[site] = tensor;
  };
  while (below.size() > 3) {
    unsigned width = below.size();
    for (unsigned k = 0; k + 1 < width; k += 2) {
      unsigned tensor = numTensors++;
      take((k + 1) % width, tensor);
      take((k + 2) % width, tensor);
    }
    std::vector<int> above;
    for (unsigned k = 0; k + 1 < width; k += 2) {
      unsigned tensor = numTensors++;
      take(k, tensor);
      take(k + 1, tensor);
      above.push_back(tensor);
    }
    if (width % 2)
      above.push_back(below.back());
    below = above;
  }
  unsigned top = numTensors++;
  for (unsigned site : seq<unsigned>(0, below.size()))
    take(site, top);
  NetworkWriter writer(numTensors);
  for (auto &[ends, isOutput] : joins)
    writer.join(ends, isOutput ? 2 : random.size(2, 4), isOutput);
  return writer.finish(withNumber("mera", numTensors));
}

/// A phase of a layer: the closed network's other leaves are the operands.
static Instance phaseOf(const KnownOptimum &layer, const std::string &phase,
                        unsigned rootLeaf) {
  ClosedNetwork network = makeClosed(layer.einsum, layer.sizes);
  Instance instance{std::string(layer.name) + "_" + phase, "", layer.sizes};
  for (auto [leaf, indices] : enumerate(network.getLeaves()))
    if (leaf != rootLeaf)
      instance.einsum += (instance.einsum.empty() ? "" : ",") +
                         network.formatIndices(indices, "");
  instance.einsum +=
      "->" + network.formatIndices(network.getLeaves()[rootLeaf], "");
  return instance;
}

std::vector<Instance> fetta::bench::makeInstances() {
  std::vector<Instance> instances;
  for (const KnownOptimum &layer : layerSuite) {
    unsigned output = makeClosed(layer.einsum, layer.sizes).numLeaves() - 1;
    instances.push_back(phaseOf(layer, "fp", output));
    instances.push_back(phaseOf(layer, "bp", 0));
    instances.push_back(phaseOf(layer, "wgfirst", 1));
    instances.push_back(phaseOf(layer, "wgmid", (1 + output) / 2));
  }
  for (unsigned degree : {3u, 6u})
    for (unsigned numTensors : {8u, 10u, 12u, 14u, 16u, 18u, 20u})
      instances.push_back(randomGraph(numTensors, degree));
  for (unsigned numTensors : {8u, 10u, 12u, 14u, 16u, 18u, 20u})
    instances.push_back(randomHypergraph(numTensors));
  for (unsigned numTensors : {10u, 15u, 20u}) {
    instances.push_back(matrixChain(numTensors));
    instances.push_back(randomTree(numTensors));
  }
  for (unsigned sites : {5u, 7u, 8u, 9u, 10u})
    instances.push_back(innerProduct(sites));
  for (auto [rows, columns] : {std::pair(3u, 3u), std::pair(3u, 4u),
                               std::pair(4u, 4u), std::pair(4u, 5u)}) {
    instances.push_back(grid(rows, columns, /*isOpen=*/false));
    instances.push_back(grid(rows, columns, /*isOpen=*/true));
  }
  for (unsigned sites : {8u, 12u})
    instances.push_back(mera(sites));
  return instances;
}

/// A TT layer of three output and three input modes, or a TTM one.
static Instance smallLayer(const std::string &name, bool isTTM,
                           ArrayRef<unsigned> outputs,
                           ArrayRef<unsigned> inputs, unsigned rank) {
  std::string sizes = "a=1024";
  auto add = [&](StringRef names, ArrayRef<unsigned> values) {
    for (auto [letter, size] : zip_equal(names, values))
      sizes += "," + std::string(1, letter) + "=" + std::to_string(size);
  };
  add("egi", outputs);
  add("bcd", inputs);
  if (isTTM) {
    add("fh", {rank, rank});
    return {name, "abcd,ebf,fgch,hid->aegi", sizes};
  }
  add("fhjkl", {rank, rank, rank, rank, rank});
  return {name, "abcd,ef,fgh,hij,jbk,kcl,ld->aegi", sizes};
}

std::vector<Instance> fetta::bench::makeTransformer() {
  std::vector<Instance> layers;
  for (unsigned block : seq(12u)) {
    std::string prefix = "block" + std::to_string(block) + "_";
    for (const char *projection : {"query", "key", "value", "output"})
      layers.push_back(
          smallLayer(prefix + projection, false, {12, 8, 8}, {8, 8, 12}, 12));
    layers.push_back(
        smallLayer(prefix + "up", false, {12, 16, 16}, {8, 8, 12}, 12));
    layers.push_back(
        smallLayer(prefix + "down", false, {12, 8, 8}, {16, 16, 12}, 12));
  }
  return layers;
}

std::vector<Instance> fetta::bench::makeDifferentLayers() {
  std::vector<Instance> layers;
  for (unsigned rank : {4u, 8u, 12u, 16u, 24u, 32u})
    for (bool isTTM : {false, true})
      layers.push_back(smallLayer((isTTM ? "ttm" : "tt") + std::to_string(rank),
                                  isTTM, {12, 8, 8}, {8, 8, 12}, rank));
  return layers;
}

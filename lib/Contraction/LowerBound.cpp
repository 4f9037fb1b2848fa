//===- LowerBound.cpp - What no contraction tree can beat -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/LowerBound.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

using namespace llvm;
using namespace fetta;

static constexpr Cost largest = ~Cost(0);

/// Cut to 2^128 - 1, which is a bound wherever the true value is one.
static Cost cutSum(Cost a, Cost b) { return addCosts(a, b).value_or(largest); }
static Cost cutProduct(Cost a, Cost b) {
  return multiplyCosts(a, b).value_or(largest);
}
/// ceil(value / 2).
static Cost halfUp(Cost value) { return value / 2 + value % 2; }

namespace {

/// All indices with equal ends as one.
struct Bundle {
  std::vector<unsigned> ends; ///< Ascending.
  Cost size;
};

} // namespace

static std::vector<Bundle> collectBundles(const ClosedNetwork &network) {
  std::map<std::vector<unsigned>, Cost> sizes;
  for (auto [number, index] : enumerate(network.getIndices())) {
    if (index.size == 1 || network.ends(number).none())
      continue;
    auto ends = network.ends(number).set_bits();
    Cost &size =
        sizes.try_emplace(std::vector<unsigned>(ends.begin(), ends.end()), 1)
            .first->second;
    size = cutProduct(size, index.size);
  }
  std::vector<Bundle> bundles;
  for (const auto &[ends, size] : sizes)
    bundles.push_back({ends, size});
  return bundles;
}

Cost fetta::cheapLowerBound(const ClosedNetwork &network) {
  unsigned n = network.numLeaves();
  if (n < 3)
    return 0;
  // The root counts, too: the last step writes it. A step costs at least the
  // volume of each leaf at its vertex. With four leaves or more a vertex has
  // at most two, so the cheapest way is to pair them in order of volume.
  std::vector<Cost> volumes;
  for (const IndexList &leaf : network.getLeaves())
    volumes.push_back(network.volume(leaf).value_or(largest));
  llvm::sort(volumes, std::greater<Cost>());
  if (n == 3)
    return volumes.front();
  Cost total = 0;
  for (size_t k = 0; k < volumes.size(); k += 2)
    total = cutSum(total, volumes[k]);
  return total;
}

/// For each leaf its share in the cost of its step, times two: all of it if it
/// is the only leaf there, half of it if there are two.
static std::vector<Cost> doubledShares(const ClosedNetwork &network) {
  unsigned n = network.numLeaves();
  std::vector<Bundle> bundles = collectBundles(network);
  std::vector<std::vector<unsigned>> bundlesOf(n);
  std::vector<Cost> volumes(n, 1);
  for (auto [number, bundle] : enumerate(bundles))
    for (unsigned leaf : bundle.ends) {
      bundlesOf[leaf].push_back(number);
      volumes[leaf] = cutProduct(volumes[leaf], bundle.size);
    }

  // Without a leaf and its bundles: do the others hang together, and by what
  // at least?
  std::vector<unsigned> visitedBy(n), bundleVisitedBy(bundles.size());
  auto leastBond = [&](unsigned left) -> Cost {
    unsigned stamp = left + 1, numReached = 1, start = left == 0 ? 1 : 0;
    for (unsigned bundle : bundlesOf[left])
      bundleVisitedBy[bundle] = stamp;
    Cost least = largest;
    std::vector<unsigned> todo = {start};
    visitedBy[start] = visitedBy[left] = stamp;
    while (!todo.empty()) {
      unsigned leaf = todo.back();
      todo.pop_back();
      for (unsigned bundle : bundlesOf[leaf]) {
        if (std::exchange(bundleVisitedBy[bundle], stamp) == stamp)
          continue;
        least = std::min(least, bundles[bundle].size);
        for (unsigned end : bundles[bundle].ends)
          if (std::exchange(visitedBy[end], stamp) != stamp) {
            ++numReached;
            todo.push_back(end);
          }
      }
    }
    return numReached == n - 1 ? least : 1;
  };

  std::vector<unsigned> byVolume(n);
  std::iota(byVolume.begin(), byVolume.end(), 0);
  stable_sort(byVolume,
              [&](unsigned a, unsigned b) { return volumes[a] < volumes[b]; });
  std::vector<Cost> shares;
  // What leaves have in common with the one at hand; 0: nothing.
  std::vector<Cost> onlyOther(n, 0);
  for (unsigned leaf : seq(n)) {
    Cost alone = cutProduct(volumes[leaf], leastBond(leaf));
    Cost share = cutProduct(2, alone);
    SmallVector<unsigned, 16> neighbours;
    for (unsigned bundle : bundlesOf[leaf])
      for (unsigned other : bundles[bundle].ends)
        if (other != leaf && std::exchange(onlyOther[other], 1) == 0)
          neighbours.push_back(other);
    for (unsigned other : neighbours) {
      Cost both = volumes[leaf];
      for (unsigned bundle : bundlesOf[other])
        if (!std::binary_search(bundlesOf[leaf].begin(), bundlesOf[leaf].end(),
                                bundle))
          both = cutProduct(both, bundles[bundle].size);
      share = std::min(share, both);
    }
    for (unsigned other : byVolume)
      if (other != leaf && onlyOther[other] == 0) {
        share = std::min(share, cutProduct(volumes[leaf], volumes[other]));
        break;
      }
    for (unsigned other : neighbours)
      onlyOther[other] = 0;
    shares.push_back(share);
  }
  llvm::sort(shares, std::greater<Cost>());
  return shares;
}

static Cost sumOfShares(ArrayRef<Cost> doubled) {
  Cost total = 0;
  for (Cost share : doubled)
    total = cutSum(total, share);
  return halfUp(total);
}

Cost fetta::leafStepBound(const ClosedNetwork &network) {
  if (network.numLeaves() < 4)
    return cheapLowerBound(network);
  return sumOfShares(doubledShares(network));
}

namespace {

/// The graph of indices under contraction of edges.
class IndexGraph {
public:
  explicit IndexGraph(const ClosedNetwork &network);
  /// The largest over all contractions of the least closed neighbourhood.
  Cost run();

private:
  double logOf(unsigned vertex) const { return logs[vertex]; }
  void weighNeighbourhood(unsigned vertex);
  /// Exactly, of the vertices whose neighbourhood may be the least.
  Cost leastNeighbourhood(double least) const;
  void contract(unsigned vertex);
  void remove(unsigned vertex);

  std::vector<Cost> sizes;
  std::vector<double> logs, around; ///< log2; of the vertex, with neighbours.
  std::vector<BitVector> adjacent;
  BitVector present;
};

} // namespace

IndexGraph::IndexGraph(const ClosedNetwork &network) {
  std::vector<Bundle> bundles = collectBundles(network);
  std::vector<std::vector<unsigned>> bundlesOf(network.numLeaves());
  for (auto [number, bundle] : enumerate(bundles)) {
    sizes.push_back(bundle.size);
    logs.push_back(std::log2(toDouble(bundle.size)));
    for (unsigned leaf : bundle.ends)
      bundlesOf[leaf].push_back(number);
  }
  adjacent.assign(bundles.size(), BitVector(bundles.size()));
  for (const std::vector<unsigned> &clique : bundlesOf)
    for (unsigned vertex : clique)
      for (unsigned other : clique)
        if (vertex != other)
          adjacent[vertex].set(other);
  present.resize(bundles.size(), true);
  around.resize(bundles.size());
  for (unsigned vertex : seq<unsigned>(0, bundles.size()))
    weighNeighbourhood(vertex);
}

void IndexGraph::weighNeighbourhood(unsigned vertex) {
  around[vertex] = logs[vertex];
  for (unsigned other : adjacent[vertex].set_bits())
    around[vertex] += logs[other];
}

Cost IndexGraph::leastNeighbourhood(double least) const {
  // Far beyond the rounding of a sum of logarithms.
  constexpr double margin = 1e-6;
  Cost result = largest;
  for (unsigned vertex : present.set_bits()) {
    if (around[vertex] > least + margin)
      continue;
    Cost product = sizes[vertex];
    for (unsigned other : adjacent[vertex].set_bits())
      product = cutProduct(product, sizes[other]);
    result = std::min(result, product);
  }
  return result;
}

void IndexGraph::remove(unsigned vertex) {
  present.reset(vertex);
  for (unsigned other : adjacent[vertex].set_bits())
    adjacent[other].reset(vertex);
}

/// Into the neighbour with which it has the least in common, since common
/// neighbours lose an edge.
void IndexGraph::contract(unsigned vertex) {
  std::optional<unsigned> partner;
  double leastLost = 0;
  for (unsigned other : adjacent[vertex].set_bits()) {
    BitVector common = adjacent[vertex];
    common &= adjacent[other];
    double lost = std::abs(logs[vertex] - logs[other]);
    for (unsigned third : common.set_bits())
      lost += logs[third];
    if (!partner || lost < leastLost) {
      partner = other;
      leastLost = lost;
    }
  }
  remove(vertex);
  if (!partner)
    return;
  BitVector changed = adjacent[vertex];
  adjacent[*partner] |= changed;
  adjacent[*partner].reset(*partner);
  for (unsigned other : changed.set_bits())
    if (other != *partner)
      adjacent[other].set(*partner);
  changed |= adjacent[*partner];
  changed.set(*partner);
  sizes[*partner] = std::min(sizes[*partner], sizes[vertex]);
  logs[*partner] = std::min(logs[*partner], logs[vertex]);
  for (unsigned other : changed.set_bits())
    weighNeighbourhood(other);
}

Cost IndexGraph::run() {
  Cost best = 1;
  double bestLog = 0;
  while (present.any()) {
    unsigned least = present.find_first();
    for (unsigned vertex : present.set_bits())
      if (around[vertex] < around[least])
        least = vertex;
    if (around[least] > bestLog) {
      bestLog = around[least];
      best = std::max(best, leastNeighbourhood(bestLog));
    }
    contract(least);
  }
  return best;
}

Cost fetta::dearestStepBound(const ClosedNetwork &network) {
  if (network.numLeaves() < 3)
    return 0;
  return IndexGraph(network).run();
}

Cost fetta::lowerBound(const ClosedNetwork &network) {
  // Both bounds below take quadratic time.
  constexpr unsigned maxLeaves = 2500, maxIndices = 5000;
  Cost best = cheapLowerBound(network);
  if (network.numLeaves() < 4 || network.numLeaves() > maxLeaves ||
      network.getIndices().size() > maxIndices)
    return best;
  // At the dearest step are two leaves at most; the shares of the others are
  // paid at other steps.
  std::vector<Cost> shares = doubledShares(network);
  Cost dearest = dearestStepBound(network);
  Cost others = sumOfShares(ArrayRef(shares).drop_front(2));
  return std::max({best, sumOfShares(shares), cutSum(dearest, others)});
}

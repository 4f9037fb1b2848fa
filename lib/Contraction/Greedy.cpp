//===- Greedy.cpp - The pair that shrinks memory most ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LargeSearch.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>
#include <queue>
#include <random>
#include <set>
#include <tuple>

using namespace llvm;
using namespace fetta;

namespace {

/// Of an index on many values only so many partners are looked at, smallest
/// first: a batch index on all tensors would make every two of them a pair.
constexpr unsigned maxNeighbours = 32;

/// Greedy state: the values that are still there, by their indices, and for
/// each index the values that hold it.
class Greedy {
public:
  Greedy(const ClosedNetwork &network, unsigned rootLeaf,
         std::optional<GreedyNoise> noise = std::nullopt)
      : network(network), root(rootLeaf), holders(network.getIndices().size()),
        numHolders(holders.size(), 0), noise(noise),
        random(noise ? noise->seed : 0) {}

  ContractionTree run();

private:
  struct Candidate {
    double score, flops;
    unsigned lhs, rhs; ///< lhs < rhs.
    bool operator>(const Candidate &other) const {
      return std::tie(score, flops, lhs, rhs) >
             std::tie(other.score, other.flops, other.lhs, other.rhs);
    }
  };
  template <typename T>
  using MinQueue = std::priority_queue<T, std::vector<T>, std::greater<T>>;
  /// What a value shares with the one at hand: volumes of the common indices
  /// and of those among them that nobody else holds.
  struct Overlap {
    double shared = 0, gone = 0; ///< 0: not a neighbour.
  };

  double sizeOf(unsigned index) const {
    return static_cast<double>(network.getIndices()[index].size);
  }
  void addOverlap(Overlap &overlap, unsigned index) const {
    overlap.shared = cut(overlap.shared * sizeOf(index));
    if (numHolders[index] == 2)
      overlap.gone = cut(overlap.gone * sizeOf(index));
  }
  /// Sizes in doubles: they only rank. Beyond this all are alike; none of them
  /// can be in a tree that is returned.
  static double cut(double volume) { return std::min(volume, 1e300); }

  double disturb(double result, double operands);
  void addValue(IndexList indices);
  void pushCandidates(unsigned value);
  void merge(unsigned lhs, unsigned rhs);

  const ClosedNetwork &network;
  unsigned root;
  std::vector<IndexList> held; ///< Ascending.
  std::vector<double> volumes;
  std::vector<bool> isPresent;
  /// By volume, then age; numHolders also counts leaves still to be added.
  std::vector<std::set<std::pair<double, unsigned>>> holders;
  std::vector<unsigned> numHolders;
  std::vector<Overlap> overlaps; ///< Of each value; all 0 between uses.
  std::vector<ContractionTree::Step> steps;
  MinQueue<Candidate> candidates;
  std::optional<GreedyNoise> noise;
  std::mt19937_64 random;
};

} // namespace

/// Gumbel noise on the logarithm of a weighted score: taking the least then
/// draws from a Boltzmann distribution.
double Greedy::disturb(double result, double operands) {
  double score = result - noise->operandWeight * operands;
  double magnitude = std::copysign(std::log1p(std::abs(score)), score);
  // From bits: standard distributions differ between libraries.
  double uniform = (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53;
  return magnitude + noise->temperature * std::log(-std::log(uniform));
}

void Greedy::addValue(IndexList indices) {
  double volume = 1;
  for (unsigned index : indices)
    volume = cut(volume * sizeOf(index));
  for (unsigned index : indices)
    holders[index].insert({volume, held.size()});
  held.push_back(std::move(indices));
  volumes.push_back(volume);
  isPresent.push_back(true);
  overlaps.emplace_back();
}

void Greedy::pushCandidates(unsigned value) {
  SmallVector<unsigned, 32> neighbours;
  SmallVector<unsigned, 4> hubs;
  for (unsigned index : held[value]) {
    bool isHub = holders[index].size() > maxNeighbours + 2;
    if (isHub)
      hubs.push_back(index);
    unsigned left = maxNeighbours;
    for (auto [volume, other] : holders[index]) {
      if (other == value || other == root)
        continue;
      if (isHub && left-- == 0)
        break;
      Overlap &overlap = overlaps[other];
      if (overlap.shared == 0) {
        overlap = {1, 1};
        neighbours.push_back(other);
      }
      if (!isHub)
        addOverlap(overlap, index);
    }
  }
  for (unsigned other : neighbours) {
    Overlap overlap = std::exchange(overlaps[other], {});
    for (unsigned index : hubs)
      if (std::binary_search(held[other].begin(), held[other].end(), index))
        addOverlap(overlap, index);
    double flops = cut(volumes[value] / overlap.shared * volumes[other]);
    double result = flops / overlap.gone;
    double operands = volumes[value] + volumes[other];
    double score = noise ? disturb(result, operands) : result - operands;
    candidates.push(
        {score, flops, std::min(value, other), std::max(value, other)});
  }
}

void Greedy::merge(unsigned lhs, unsigned rhs) {
  IndexList all, result;
  std::set_union(held[lhs].begin(), held[lhs].end(), held[rhs].begin(),
                 held[rhs].end(), std::back_inserter(all));
  for (unsigned value : {lhs, rhs}) {
    for (unsigned index : held[value]) {
      holders[index].erase({volumes[value], value});
      --numHolders[index];
    }
    isPresent[value] = false;
  }
  for (unsigned index : all)
    if (numHolders[index] != 0) {
      result.push_back(index);
      ++numHolders[index];
    }
  steps.push_back({lhs, rhs});
  addValue(std::move(result));
  pushCandidates(held.size() - 1);
}

ContractionTree Greedy::run() {
  unsigned n = network.numLeaves();
  for (const IndexList &leaf : network.getLeaves())
    for (unsigned index : leaf)
      ++numHolders[index];
  for (auto [number, leaf] : enumerate(network.getLeaves())) {
    IndexList indices = leaf;
    llvm::sort(indices);
    addValue(std::move(indices));
    // With those before it only, so each pair comes up once.
    if (number != root)
      pushCandidates(number);
  }

  // A candidate's score never changes while both operands are there: whether
  // an index survives depends on whether a third value holds it, and merging
  // others never takes an index that either operand still holds.
  while (!candidates.empty()) {
    Candidate best = candidates.top();
    candidates.pop();
    if (isPresent[best.lhs] && isPresent[best.rhs])
      merge(best.lhs, best.rhs);
  }

  // Only outer products and pairs that a hub hides are left.
  MinQueue<std::pair<double, unsigned>> parts;
  for (auto [value, present] : enumerate(isPresent))
    if (present && value != root)
      parts.push({volumes[value], value});
  while (parts.size() > 1) {
    unsigned lhs = parts.top().second;
    parts.pop();
    unsigned rhs = parts.top().second;
    parts.pop();
    merge(std::min(lhs, rhs), std::max(lhs, rhs));
    parts.push({volumes.back(), held.size() - 1});
  }
  return cantFail(ContractionTree::create(n, root, std::move(steps)));
}

Expected<ContractionTree> fetta::greedyTree(const ClosedNetwork &network,
                                            unsigned rootLeaf) {
  if (rootLeaf >= network.numLeaves())
    return createStringError("there is no leaf " + Twine(rootLeaf) +
                             ": the network has " + Twine(network.numLeaves()) +
                             " leaves");
  return Greedy(network, rootLeaf).run();
}

ContractionTree fetta::randomGreedyTree(const ClosedNetwork &network,
                                        unsigned rootLeaf,
                                        const GreedyNoise &noise) {
  assert(rootLeaf < network.numLeaves() && "no such leaf");
  return Greedy(network, rootLeaf, noise).run();
}

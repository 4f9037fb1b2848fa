//===- Greedy.cpp - The pair that shrinks memory most ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomSearch.h"

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

/// Greedy state: the values that are still there, by their indices, and for
/// each index the values that hold it.
class Greedy {
public:
  Greedy(const ClosedNetwork &network, unsigned rootLeaf,
         std::optional<GreedyNoise> noise = std::nullopt)
      : network(network), root(rootLeaf), holders(network.getIndices().size()),
        noise(noise), random(noise ? noise->seed : 0) {}

  Expected<ContractionTree> run();

private:
  /// Sizes in doubles: they only rank; every chosen step is checked exactly.
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

  IndexList unionOf(unsigned lhs, unsigned rhs) const {
    IndexList all;
    std::set_union(held[lhs].begin(), held[lhs].end(), held[rhs].begin(),
                   held[rhs].end(), std::back_inserter(all));
    return all;
  }
  bool survives(unsigned index, unsigned lhs, unsigned rhs) const {
    const std::set<unsigned> &set = holders[index];
    return set.size() > set.count(lhs) + set.count(rhs);
  }
  double volume(const IndexList &list) const {
    double result = 1;
    for (unsigned index : list)
      result *= static_cast<double>(network.getIndices()[index].size);
    return result;
  }
  Candidate weigh(unsigned lhs, unsigned rhs);
  double disturb(double result, double operands);
  void addValue(IndexList indices);
  void pushCandidates(unsigned value);
  Error merge(unsigned lhs, unsigned rhs);

  const ClosedNetwork &network;
  unsigned root;
  std::vector<IndexList> held;
  std::vector<bool> isPresent;
  std::vector<std::set<unsigned>> holders;
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

Greedy::Candidate Greedy::weigh(unsigned lhs, unsigned rhs) {
  IndexList all = unionOf(lhs, rhs);
  double flops = volume(all);
  erase_if(all, [&](unsigned index) { return !survives(index, lhs, rhs); });
  double score = volume(all) - volume(held[lhs]) - volume(held[rhs]);
  if (noise)
    score = disturb(volume(all), volume(held[lhs]) + volume(held[rhs]));
  return {score, flops, std::min(lhs, rhs), std::max(lhs, rhs)};
}

void Greedy::addValue(IndexList indices) {
  unsigned value = held.size();
  for (unsigned index : indices)
    holders[index].insert(value);
  held.push_back(std::move(indices));
  isPresent.push_back(true);
}

void Greedy::pushCandidates(unsigned value) {
  std::set<unsigned> neighbours;
  for (unsigned index : held[value])
    neighbours.insert(holders[index].begin(), holders[index].end());
  for (unsigned other : neighbours)
    if (other != value && other != root)
      candidates.push(weigh(value, other));
}

Error Greedy::merge(unsigned lhs, unsigned rhs) {
  IndexList all = unionOf(lhs, rhs);
  if (!network.volume(all))
    return createStringError("the multiply-adds of a step over [" +
                             network.formatIndices(all) + "] exceed 128 bits");
  IndexList result;
  for (unsigned index : all) {
    if (survives(index, lhs, rhs))
      result.push_back(index);
    holders[index].erase(lhs);
    holders[index].erase(rhs);
  }
  isPresent[lhs] = isPresent[rhs] = false;
  steps.push_back({lhs, rhs});
  addValue(std::move(result));
  pushCandidates(held.size() - 1);
  return Error::success();
}

Expected<ContractionTree> Greedy::run() {
  unsigned n = network.numLeaves();
  for (IndexList leaf : network.getLeaves()) {
    llvm::sort(leaf);
    addValue(std::move(leaf));
  }
  for (unsigned value : seq(n))
    if (value != root)
      for (unsigned index : held[value])
        for (unsigned other : holders[index])
          if (other < value && other != root &&
              // Once for each pair: at the first index that they share.
              none_of(
                  held[value],
                  [&](unsigned earlier) {
                    return earlier < index && holders[earlier].count(other);
                  }))
            candidates.push(weigh(value, other));

  // A candidate's score never changes while both operands are there: whether
  // an index survives depends on whether a third value holds it, and merging
  // others never takes an index that either operand still holds.
  while (!candidates.empty()) {
    Candidate best = candidates.top();
    candidates.pop();
    if (isPresent[best.lhs] && isPresent[best.rhs])
      if (Error error = merge(best.lhs, best.rhs))
        return error;
  }

  // Only outer products are left.
  MinQueue<std::pair<double, unsigned>> parts;
  for (auto [value, present] : enumerate(isPresent))
    if (present && value != root)
      parts.push({volume(held[value]), value});
  while (parts.size() > 1) {
    unsigned lhs = parts.top().second;
    parts.pop();
    unsigned rhs = parts.top().second;
    parts.pop();
    if (Error error = merge(std::min(lhs, rhs), std::max(lhs, rhs)))
      return error;
    parts.push({volume(held.back()), held.size() - 1});
  }
  return ContractionTree::create(n, root, std::move(steps));
}

Expected<ContractionTree> fetta::greedyTree(const ClosedNetwork &network,
                                            unsigned rootLeaf) {
  if (rootLeaf >= network.numLeaves())
    return createStringError("there is no leaf " + Twine(rootLeaf) +
                             ": the network has " + Twine(network.numLeaves()) +
                             " leaves");
  return Greedy(network, rootLeaf).run();
}

Expected<ContractionTree> fetta::randomGreedyTree(const ClosedNetwork &network,
                                                  unsigned rootLeaf,
                                                  const GreedyNoise &noise) {
  assert(rootLeaf < network.numLeaves() && "no such leaf");
  return Greedy(network, rootLeaf, noise).run();
}

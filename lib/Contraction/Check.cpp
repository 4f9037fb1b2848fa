//===- Check.cpp - An independent look at a tree --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nothing here calls the search or its cost functions: of the classes it uses
// only what was put into them (leaves, sizes, steps).
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Check.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <boost/multiprecision/cpp_int.hpp>

#include <set>

using namespace llvm;
using namespace fetta;
using boost::multiprecision::cpp_int;

using IndexSet = std::set<unsigned>;

/// The indices that a leaf of the set and a leaf outside of it both hold.
static IndexSet heldOnBothSides(const ClosedNetwork &network,
                                const std::set<unsigned> &leaves) {
  IndexSet inside, outside, both;
  for (auto [leaf, indices] : enumerate(network.getLeaves()))
    (leaves.count(leaf) ? inside : outside)
        .insert(indices.begin(), indices.end());
  for (unsigned index : inside)
    if (outside.count(index))
      both.insert(index);
  return both;
}

/// What a step adds to the objective's sum, or its part of the maximum.
static cpp_int stepValue(const Objective &objective, const cpp_int &flops,
                         const cpp_int &resultElements) {
  if (objective.isLargest)
    return resultElements;
  return objective.flopWeight * flops + objective.writeWeight * resultElements;
}

static const char *unitOf(const Objective &objective) {
  return objective.isFlops()    ? " multiply-adds"
         : objective.isLargest  ? " elements at most"
         : objective.flopWeight ? " by the objective"
                                : " elements written";
}

static cpp_int volume(const ClosedNetwork &network, const IndexSet &indices) {
  cpp_int result = 1;
  for (unsigned index : indices)
    result *= network.getIndices()[index].size;
  return result;
}

static Expected<cpp_int> recomputeValue(const ClosedNetwork &network,
                                        const ContractionTree &tree,
                                        const Objective &objective) {
  unsigned n = network.numLeaves();
  if (tree.numLeaves() != n)
    return createStringError("check: the tree has " + Twine(tree.numLeaves()) +
                             " leaves, but the network has " + Twine(n));
  std::vector<std::set<unsigned>> leavesOf(n);
  for (unsigned leaf : seq(n))
    if (leaf != tree.rootLeaf())
      leavesOf[leaf] = {leaf};
  cpp_int total = 0;
  for (auto [number, step] : enumerate(tree.getSteps())) {
    for (unsigned value : {step.lhs, step.rhs})
      if (value >= leavesOf.size() || leavesOf[value].empty())
        return createStringError("check: step " + Twine(number) +
                                 " uses value " + Twine(value) +
                                 ", which is not there");
    if (step.lhs == step.rhs)
      return createStringError("check: step " + Twine(number) +
                               " contracts value " + Twine(step.lhs) +
                               " with itself");
    IndexSet touched = heldOnBothSides(network, leavesOf[step.lhs]);
    touched.merge(heldOnBothSides(network, leavesOf[step.rhs]));
    std::set<unsigned> merged = std::move(leavesOf[step.lhs]);
    merged.merge(leavesOf[step.rhs]);
    cpp_int value =
        stepValue(objective, volume(network, touched),
                  volume(network, heldOnBothSides(network, merged)));
    total = objective.isLargest ? std::max(total, value) : total + value;
    leavesOf[step.lhs].clear();
    leavesOf[step.rhs].clear();
    leavesOf.push_back(std::move(merged));
  }
  unsigned left = count_if(leavesOf, [](const std::set<unsigned> &leaves) {
    return !leaves.empty();
  });
  if (left != 1)
    return createStringError("check: the tree leaves " + Twine(left) +
                             " tensors, not one");
  return total;
}

namespace {

/// Every tree of a phase, by dynamic programming without pruning.
class Reference {
public:
  Reference(const ClosedNetwork &network, unsigned rootLeaf);
  cpp_int solve(const Objective &objective) const;

private:
  /// Costs at or above 2^128 are as good as infinite: they are cut to this,
  /// and no claim can be that high.
  using Number = boost::multiprecision::checked_uint512_t;
  static Number cut(const Number &value) {
    static const Number cap = Number(1) << 128;
    return value < cap ? value : cap;
  }

  static constexpr unsigned chunkBits = 8;
  using Chunks = SmallVector<uint8_t, 8>;

  unsigned numTensors;
  /// For each set of tensors its indices, eight in a chunk.
  std::vector<Chunks> indicesOf;
  /// For each chunk the product of the sizes of any of its subsets.
  std::vector<std::vector<Number>> products;
};

} // namespace

Reference::Reference(const ClosedNetwork &network, unsigned rootLeaf)
    : numTensors(network.numLeaves() - 1) {
  unsigned numChunks =
      divideCeil(std::max<size_t>(network.getIndices().size(), 1), chunkBits);
  products.assign(numChunks, std::vector<Number>(1u << chunkBits, 1));
  for (auto [index, entry] : enumerate(network.getIndices())) {
    std::vector<Number> &table = products[index / chunkBits];
    unsigned bit = 1u << index % chunkBits;
    for (unsigned subset : seq(1u << chunkBits))
      if (subset & bit)
        table[subset] = cut(table[subset] * entry.size);
  }
  std::vector<unsigned> tensors;
  for (unsigned leaf : seq(network.numLeaves()))
    if (leaf != rootLeaf)
      tensors.push_back(leaf);
  for (uint32_t set : seq(uint32_t(1) << numTensors)) {
    std::set<unsigned> leaves;
    for (unsigned bit : seq(numTensors))
      if (set >> bit & 1)
        leaves.insert(tensors[bit]);
    Chunks &chunks = indicesOf.emplace_back(numChunks, 0);
    for (unsigned index : heldOnBothSides(network, leaves))
      chunks[index / chunkBits] |= 1u << index % chunkBits;
  }
}

cpp_int Reference::solve(const Objective &objective) const {
  std::vector<Number> best(indicesOf.size(), 0);
  auto volume = [&](const Chunks &first, const Chunks &second) {
    Number product = 1;
    for (auto [a, b, table] : zip_equal(first, second, products))
      product = cut(product * table[a | b]);
    return product;
  };
  for (uint32_t set : seq<uint32_t>(1, indicesOf.size())) {
    bool isFirst = true;
    Number elements = volume(indicesOf[set], indicesOf[set]);
    for (uint32_t a = (set - 1) & set; a > 0; a = (a - 1) & set) {
      uint32_t b = set ^ a;
      if (a < b)
        break;
      Number cost;
      if (objective.isLargest)
        cost = std::max({elements, best[a], best[b]});
      else if (objective.isFlops())
        cost = volume(indicesOf[a], indicesOf[b]) + best[a] + best[b];
      else
        cost = objective.flopWeight * volume(indicesOf[a], indicesOf[b]) +
               objective.writeWeight * elements + best[a] + best[b];
      if (isFirst || cost < best[set])
        best[set] = cost;
      isFirst = false;
    }
  }
  return cpp_int(best.back());
}

Expected<CheckReport> fetta::checkTree(const ClosedNetwork &network,
                                       const ContractionTree &tree,
                                       Cost claimedValue, bool claimedOptimal,
                                       const CheckOptions &options) {
  constexpr unsigned largestLimit = 16;
  if (options.optimalityLimit > largestLimit)
    return createStringError("check: the limit of " +
                             Twine(options.optimalityLimit) +
                             " tensors exceeds " + Twine(largestLimit));
  const Objective &objective = options.objective;
  Expected<cpp_int> value = recomputeValue(network, tree, objective);
  if (!value)
    return value.takeError();
  cpp_int claimed(toString(claimedValue));
  if (*value != claimed)
    return createStringError("check: the tree costs " + value->str() +
                             unitOf(objective) + ", not " + claimed.str());
  CheckReport report;
  if (!claimedOptimal || network.numLeaves() - 1 > options.optimalityLimit)
    return report;
  cpp_int optimum = Reference(network, tree.rootLeaf()).solve(objective);
  if (optimum != claimed)
    return createStringError("check: the optimum is " + optimum.str() +
                             unitOf(objective) + ", not " + claimed.str());
  report.optimalityChecked = true;
  return report;
}

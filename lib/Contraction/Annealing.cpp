//===- Annealing.cpp - Simulated annealing of contraction trees -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A vertex N = (B, C) whose parent is P = (A, N) may become (A, B) or (A, C).
// With D the rest of the network, only the steps N and P change, and an index
// that A, B, C or D holds is no part of a step exactly if the two blocks that
// the step takes as one hold it alone:
//
//   flops(N) = all - only(A, D),  flops(P) = all - only(B, C)   (in logarithms)
//
// and likewise for the other two ways to pair. So one look at four index sets
// weighs a rotation. The moves are those of Kalachev, Panteleev and Yung
// ("Multi-tensor contraction for XEB verification of quantum circuits", 2021).
//
//===----------------------------------------------------------------------===//

#include "Annealing.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/bit.h"

#include <cmath>
#include <map>

using namespace llvm;
using namespace fetta;

/// Costs above are alike: none of them can be certified in 128 bits.
static constexpr double largestExponent = 1000;

namespace {

/// SplitMix64: small, and the same everywhere.
class FastRandom {
public:
  explicit FastRandom(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t number = state += 0x9e3779b97f4a7c15;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
    number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
    return number ^ (number >> 31);
  }
  unsigned below(unsigned bound) { return ((next() >> 32) * bound) >> 32; }
  /// In (0, 1).
  double uniform() {
    return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53;
  }

private:
  uint64_t state;
};

} // namespace

AnnealingTree::AnnealingTree(const ClosedNetwork &network,
                             const ContractionTree &tree,
                             const Objective &objective)
    : objective(objective), numLeaves(network.numLeaves()),
      root(tree.rootLeaf()), top(tree.resultValue()),
      vertices(tree.numValues()) {
  // Indices of size 1 never change a cost; equal ends make one bit.
  std::map<std::vector<unsigned>, double> weightByEnds;
  for (auto [number, index] : enumerate(network.getIndices()))
    if (index.size > 1 && network.ends(number).any()) {
      auto ends = network.ends(number).set_bits();
      weightByEnds[std::vector<unsigned>(ends.begin(), ends.end())] +=
          std::log2(static_cast<double>(index.size));
    }
  words = std::max<size_t>(divideCeil(weightByEnds.size(), 64), 1);
  bits.assign(vertices.size() * words, 0);
  weights.reserve(weightByEnds.size());
  for (const auto &[ends, weight] : weightByEnds) {
    for (unsigned leaf : ends)
      bitsOf(leaf)[weights.size() / 64] |= uint64_t(1) << weights.size() % 64;
    weights.push_back(weight);
  }
  for (auto [number, step] : enumerate(tree.getSteps())) {
    unsigned value = numLeaves + number;
    vertices[value].lhs = step.lhs;
    vertices[value].rhs = step.rhs;
    vertices[step.lhs].parent = vertices[step.rhs].parent = value;
  }
  vertices[top].parent = root;
  refresh();
}

double AnnealingTree::stepCost(double flops, double write) const {
  double result = 0;
  if (objective.isLargest)
    return std::exp2(std::min(write, largestExponent));
  if (objective.flopWeight)
    result +=
        objective.flopWeight * std::exp2(std::min(flops, largestExponent));
  if (objective.writeWeight)
    result +=
        objective.writeWeight * std::exp2(std::min(write, largestExponent));
  return result;
}

double AnnealingTree::weigh(unsigned word, uint64_t mask) const {
  double result = 0;
  for (; mask != 0; mask &= mask - 1)
    result += weights[64 * word + llvm::countr_zero(mask)];
  return result;
}

std::vector<unsigned> AnnealingTree::postOrder() const {
  std::vector<unsigned> order, todo = {top};
  while (!todo.empty()) {
    unsigned vertex = todo.back();
    todo.pop_back();
    if (vertex < numLeaves)
      continue;
    order.push_back(vertex);
    todo.push_back(vertices[vertex].lhs);
    todo.push_back(vertices[vertex].rhs);
  }
  std::reverse(order.begin(), order.end());
  return order;
}

/// Index sets and costs of all steps, from the leaves' index sets.
void AnnealingTree::refresh() {
  std::vector<unsigned> order = postOrder();
  // All that is held inside of each vertex, then all that is held outside; an
  // index on both sides is open.
  std::vector<uint64_t> outside(bits.size(), 0);
  auto outsideOf = [&](unsigned vertex) {
    return &outside[size_t(vertex) * words];
  };
  for (unsigned vertex : order)
    for (unsigned word : seq(words))
      bitsOf(vertex)[word] = bitsOf(vertices[vertex].lhs)[word] |
                             bitsOf(vertices[vertex].rhs)[word];
  std::copy_n(bitsOf(root), words, outsideOf(top));
  for (unsigned vertex : reverse(order)) {
    unsigned lhs = vertices[vertex].lhs, rhs = vertices[vertex].rhs;
    for (unsigned word : seq(words)) {
      outsideOf(lhs)[word] = outsideOf(vertex)[word] | bitsOf(rhs)[word];
      outsideOf(rhs)[word] = outsideOf(vertex)[word] | bitsOf(lhs)[word];
    }
  }
  for (unsigned vertex : order) {
    Vertex &entry = vertices[vertex];
    entry.flops = entry.write = 0;
    for (unsigned word : seq(words)) {
      bitsOf(vertex)[word] &= outsideOf(vertex)[word];
      entry.flops +=
          weigh(word, bitsOf(entry.lhs)[word] | bitsOf(entry.rhs)[word]);
      entry.write += weigh(word, bitsOf(vertex)[word]);
    }
    entry.cost = stepCost(entry.flops, entry.write);
  }
}

/// Proposes that N, which is \p vertex, keeps one operand and exchanges the
/// other for its sibling. Taken if log2 of the two steps' cost grows by
/// \p patience at most.
void AnnealingTree::rotate(unsigned vertex, bool keepsLeft, double patience) {
  Vertex &inner = vertices[vertex], &outer = vertices[inner.parent];
  unsigned parent = inner.parent;
  unsigned sibling = outer.lhs == vertex ? outer.rhs : outer.lhs;
  unsigned kept = keepsLeft ? inner.lhs : inner.rhs;
  unsigned leaving = keepsLeft ? inner.rhs : inner.lhs;
  const uint64_t *a = bitsOf(sibling), *b = bitsOf(kept), *c = bitsOf(leaving),
                 *d = bitsOf(parent);
  double onlyAB = 0, onlyAD = 0, onlyCD = 0, write = 0;
  bool needsWrite = objective.isLargest || objective.writeWeight != 0;
  for (unsigned word = 0; word < words; ++word) {
    uint64_t ab = a[word] | b[word], cd = c[word] | d[word];
    onlyAB += weigh(word, (a[word] & b[word]) & ~cd);
    onlyCD += weigh(word, (c[word] & d[word]) & ~ab);
    onlyAD += weigh(word, a[word] & d[word] & ~(b[word] | c[word]));
    if (needsWrite)
      write += weigh(word, ab & cd);
  }
  double all = inner.flops + onlyAD;
  double innerFlops = all - onlyCD, outerFlops = all - onlyAB;
  double innerCost = stepCost(innerFlops, write);
  double outerCost = stepCost(outerFlops, outer.write);
  double before = inner.cost + outer.cost, after = innerCost + outerCost;
  if (after > before && std::log2(after / before) > patience)
    return;
  uint64_t *open = bitsOf(vertex);
  for (unsigned word = 0; word < words; ++word)
    open[word] = (a[word] | b[word]) & (c[word] | d[word]);
  inner.lhs = kept;
  inner.rhs = sibling;
  inner.flops = innerFlops;
  inner.write = write;
  inner.cost = innerCost;
  outer.lhs = vertex;
  outer.rhs = leaving;
  outer.flops = outerFlops;
  outer.cost = outerCost;
  vertices[sibling].parent = vertex;
  vertices[leaving].parent = parent;
}

bool AnnealingTree::anneal(const AnnealingSchedule &schedule, uint64_t seed,
                           function_ref<bool()> stop) {
  unsigned numSteps = vertices.size() - numLeaves;
  if (numSteps < 2)
    return true;
  FastRandom random(seed);
  std::vector<Vertex> bestVertices = vertices;
  double best = value();
  double ratio = schedule.coldest / schedule.hottest;
  for (uint64_t sweep = 0; sweep < schedule.sweeps; ++sweep) {
    if (stop())
      return false;
    double progress = schedule.sweeps < 2
                          ? 1
                          : static_cast<double>(sweep) / (schedule.sweeps - 1);
    double temperature = schedule.hottest * std::pow(ratio, progress);
    for (unsigned k = 0; k < numSteps; ++k) {
      unsigned vertex = numLeaves + random.below(numSteps);
      if (vertex == top)
        continue;
      bool keepsLeft = random.next() >> 63;
      rotate(vertex, keepsLeft, -temperature * std::log(random.uniform()));
    }
    double now = value();
    if (now < best) {
      best = now;
      bestVertices = vertices;
    }
  }
  vertices = std::move(bestVertices);
  // Also takes rounding errors out, which grow with the number of rotations.
  refresh();
  return true;
}

double AnnealingTree::value() const {
  double result = 0;
  for (const Vertex &vertex : ArrayRef(vertices).drop_front(numLeaves))
    result = objective.isLargest ? std::max(result, vertex.cost)
                                 : result + vertex.cost;
  return result;
}

ContractionTree AnnealingTree::toTree() const {
  std::vector<unsigned> valueOf(vertices.size());
  for (unsigned leaf : seq(numLeaves))
    valueOf[leaf] = leaf;
  std::vector<ContractionTree::Step> steps;
  for (unsigned vertex : postOrder()) {
    valueOf[vertex] = numLeaves + steps.size();
    steps.push_back(
        {valueOf[vertices[vertex].lhs], valueOf[vertices[vertex].rhs]});
  }
  return cantFail(ContractionTree::create(numLeaves, root, std::move(steps)));
}

//===- ExactSearch.cpp - Dynamic programming over subsets -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Let n tensors and the root leaf make up the closed network. For a set T of
// leaves let P(T) be the product of the sizes of all indices whose ends all
// lie in T, and W = P(all). A step contracts A with B; R is the rest, the root
// among it. An index is on neither operand exactly if its ends all lie in A,
// all in B or all in R, so
//
//   cost(A, B) = W / (P(A) P(B) P(R)),
//
// two loads and two multiplications for each pair, whatever the index
// structure. docs/Search.md has the proofs of this and of the certificate.
//
//===----------------------------------------------------------------------===//

#include "ExactSearch.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/bit.h"

#include <cmath>
#include <limits>
#include <map>

using namespace llvm;
using namespace fetta;

namespace {

/// Tensors by bit; the root leaf is bit n.
using Mask = uint32_t;

/// All indices with the same ends act as one.
struct Bundle {
  Mask ends;
  Cost size;
};

/// Real is double, or long double where W leaves its exponents.
template <typename Real> class Solver {
public:
  Solver(unsigned numTensors, std::vector<Bundle> bundles, Real upperBound)
      : n(numTensors), root(Mask(1) << numTensors), full(root - 1),
        bundles(std::move(bundles)) {
    // Roundings of one cost: each of three P and W takes at most two for each
    // bundle; a tree's sum takes fewer than n more.
    Real unit = std::numeric_limits<Real>::epsilon();
    relativeError = unit * (8 * this->bundles.size() + n + 16);
    limit = upperBound * (1 + 4 * relativeError);
  }

  void fillTables();
  void run();

  Real optimum() const { return cells[full].cost; }
  uint64_t pairs() const { return numPairs; }

  /// Steps of a tree with the least floating-point cost.
  void appendSteps(Mask set, std::vector<std::pair<Mask, Mask>> &splits) const;
  /// The exact cost of these steps.
  std::optional<Cost> sumExactly(ArrayRef<std::pair<Mask, Mask>> splits) const;
  /// No tree costs less than this (0 if it does not fit in 64 bits).
  uint64_t integerLowerBound() const;

  /// Exact optimum of a set among all splits that floating point cannot tell
  /// from its best one; none: beyond 128 bits.
  struct ExactEntry {
    std::optional<Cost> cost;
    Mask split = 0;
  };
  const ExactEntry &solveInIntegers(Mask set);
  void appendExactSteps(Mask set, std::vector<std::pair<Mask, Mask>> &splits);

private:
  struct Cell {
    Real cost;    ///< Least cost of contracting the set; infinite if pruned.
    Real inverse; ///< 1 / P(set).
  };
  static constexpr Real infinity = std::numeric_limits<Real>::infinity();

  std::optional<Cost> stepCost(Mask a, Mask b) const;
  template <typename Callback>
  void forEachSplit(Mask set, Callback call) const {
    // Halves are unordered: the lowest tensor stays in the first.
    Mask low = set & -set, rest = set ^ low;
    for (Mask part = (rest - 1) & rest;; part = (part - 1) & rest) {
      call(low | part, rest ^ part);
      if (part == 0)
        return;
    }
  }
  Real splitCost(Mask set, Mask a, Mask b) const {
    return cells[a].cost + cells[b].cost +
           outside[set] * (cells[a].inverse * cells[b].inverse);
  }

  unsigned n;
  Mask root, full;
  std::vector<Bundle> bundles;
  Real relativeError, limit;
  std::vector<Cell> cells;
  std::vector<Real> outside; ///< W / P(all leaves outside of the set).
  uint64_t numPairs = 0;
  std::map<Mask, ExactEntry> exact;
};

} // namespace

template <typename Real> void Solver<Real>::fillTables() {
  size_t numSets = size_t(full) + 1;
  // First P(set), and P(set and the root); each is the product over the
  // bundles within, gathered by a subset-product transform.
  cells.assign(numSets, {0, 1});
  std::vector<Real> withRoot(numSets, 1);
  Real all = 1;
  for (const Bundle &bundle : bundles) {
    all *= static_cast<Real>(bundle.size);
    withRoot[bundle.ends & full] *= static_cast<Real>(bundle.size);
    if (!(bundle.ends & root))
      cells[bundle.ends].inverse *= static_cast<Real>(bundle.size);
  }
  for (Mask bit = 1; bit < root; bit <<= 1)
    for (Mask set = bit; set <= full; set = (set + 1) | bit) {
      cells[set].inverse *= cells[set ^ bit].inverse;
      withRoot[set] *= withRoot[set ^ bit];
    }
  outside.resize(numSets);
  for (size_t set = 0; set < numSets; ++set) {
    cells[set].inverse = 1 / cells[set].inverse;
    outside[set] = all / withRoot[full ^ set];
  }
}

template <typename Real> void Solver<Real>::run() {
  for (Mask set = 1; set <= full; ++set) {
    Mask low = set & -set, rest = set ^ low;
    if (rest == 0)
      continue;
    // The volume of the set bounds the step that makes it from below and, if
    // the set is not the whole phase, another step that reads it.
    Real volume = outside[set] * cells[set].inverse;
    Real mustFollow = set == full ? 0 : volume;
    Real best = infinity;
    if (volume + mustFollow <= limit) {
      Real scale = outside[set];
      for (Mask part = (rest - 1) & rest;; part = (part - 1) & rest) {
        const Cell &a = cells[low | part], &b = cells[rest ^ part];
        Real cost = a.cost + b.cost + scale * (a.inverse * b.inverse);
        best = cost < best ? cost : best;
        if (part == 0)
          break;
      }
      numPairs += (uint64_t(1) << llvm::popcount(rest)) - 1;
      if (best + mustFollow > limit)
        best = infinity;
    }
    cells[set].cost = best;
  }
}

template <typename Real>
void Solver<Real>::appendSteps(
    Mask set, std::vector<std::pair<Mask, Mask>> &splits) const {
  if (llvm::popcount(set) < 2)
    return;
  Mask chosen = 0;
  forEachSplit(set, [&](Mask a, Mask b) {
    if (chosen == 0 && splitCost(set, a, b) == cells[set].cost)
      chosen = a;
  });
  assert(chosen && "the recurrence met its minimum");
  appendSteps(chosen, splits);
  appendSteps(set ^ chosen, splits);
  splits.push_back({chosen, set ^ chosen});
}

template <typename Real>
std::optional<Cost> Solver<Real>::stepCost(Mask a, Mask b) const {
  Mask outsideSet = (full | root) ^ a ^ b;
  Cost cost = 1;
  for (const Bundle &bundle : bundles) {
    if ((bundle.ends & ~a) == 0 || (bundle.ends & ~b) == 0 ||
        (bundle.ends & ~outsideSet) == 0)
      continue;
    std::optional<Cost> next = multiplyCosts(cost, bundle.size);
    if (!next)
      return std::nullopt;
    cost = *next;
  }
  return cost;
}

template <typename Real>
std::optional<Cost>
Solver<Real>::sumExactly(ArrayRef<std::pair<Mask, Mask>> splits) const {
  Cost total = 0;
  for (auto [a, b] : splits) {
    std::optional<Cost> step = stepCost(a, b);
    std::optional<Cost> sum = step ? addCosts(total, *step) : std::nullopt;
    if (!sum)
      return std::nullopt;
    total = *sum;
  }
  return total;
}

template <typename Real> uint64_t Solver<Real>::integerLowerBound() const {
  Real bound = std::ceil(optimum() * (1 - 2 * relativeError));
  return bound < Real(uint64_t(1) << 52) ? static_cast<uint64_t>(bound) : 0;
}

template <typename Real>
const typename Solver<Real>::ExactEntry &
Solver<Real>::solveInIntegers(Mask set) {
  auto found = exact.find(set);
  if (found != exact.end())
    return found->second;
  ExactEntry entry;
  if (llvm::popcount(set) < 2) {
    entry.cost = 0;
  } else {
    Real margin = std::max<Real>(Real(1e-12), 4 * relativeError);
    Real threshold = cells[set].cost * (1 + margin);
    std::vector<Mask> candidates;
    forEachSplit(set, [&](Mask a, Mask b) {
      if (splitCost(set, a, b) <= threshold)
        candidates.push_back(a);
    });
    for (Mask a : candidates) {
      std::optional<Cost> cost = stepCost(a, set ^ a);
      for (Mask half : {a, set ^ a}) {
        std::optional<Cost> inner = solveInIntegers(half).cost;
        cost = cost && inner ? addCosts(*cost, *inner) : std::nullopt;
      }
      if (cost && (!entry.cost || *cost < *entry.cost))
        entry = {cost, a};
    }
  }
  return exact.emplace(set, entry).first->second;
}

template <typename Real>
void Solver<Real>::appendExactSteps(
    Mask set, std::vector<std::pair<Mask, Mask>> &splits) {
  if (llvm::popcount(set) < 2)
    return;
  Mask chosen = exact.at(set).split;
  appendExactSteps(chosen, splits);
  appendExactSteps(set ^ chosen, splits);
  splits.push_back({chosen, set ^ chosen});
}

static Error exceeds() {
  return createStringError(
      "the multiply-adds of the best tree exceed 128 bits");
}

template <typename Real>
static Expected<std::optional<ExactResult>>
solve(const ClosedNetwork &network, unsigned rootLeaf,
      std::vector<Bundle> bundles, std::optional<Cost> upperBound) {
  unsigned n = network.numLeaves() - 1;
  Real bound = upperBound ? static_cast<Real>(*upperBound)
                          : std::numeric_limits<Real>::infinity();
  Solver<Real> solver(n, std::move(bundles), bound);
  solver.fillTables();
  solver.run();

  Mask full = (Mask(1) << n) - 1;
  std::vector<std::pair<Mask, Mask>> splits;
  std::optional<Cost> flops;
  if (std::isfinite(solver.optimum())) {
    solver.appendSteps(full, splits);
    flops = solver.sumExactly(splits);
    // One integer in the interval of error: it is the optimum. Otherwise the
    // trees that look alike are compared in integers.
    if (!flops || *flops > solver.integerLowerBound()) {
      flops = solver.solveInIntegers(full).cost;
      splits.clear();
      if (flops)
        solver.appendExactSteps(full, splits);
    }
  }
  if (!flops)
    return exceeds();

  // Bits back to leaves, splits to steps.
  DenseMap<Mask, unsigned> valueOf;
  for (unsigned bit : seq(n))
    valueOf[Mask(1) << bit] = bit < rootLeaf ? bit : bit + 1;
  std::vector<ContractionTree::Step> steps;
  for (auto [a, b] : splits) {
    valueOf[a | b] = network.numLeaves() + steps.size();
    steps.push_back({valueOf.lookup(a), valueOf.lookup(b)});
  }
  Expected<ContractionTree> tree =
      ContractionTree::create(network.numLeaves(), rootLeaf, std::move(steps));
  if (!tree)
    return tree.takeError();
  return ExactResult{std::move(*tree), *flops, solver.pairs()};
}

Expected<std::optional<ExactResult>>
fetta::solveExactly(const ClosedNetwork &network, unsigned rootLeaf,
                    std::optional<Cost> upperBound) {
  unsigned n = network.numLeaves() - 1;
  assert(n <= maxExactTensors && "too many tensors for flat tables");
  std::map<Mask, Cost> sizeByEnds;
  double log2All = 0;
  for (auto [number, index] : enumerate(network.getIndices())) {
    if (index.size == 1)
      continue;
    Mask ends = 0;
    for (unsigned leaf : network.ends(number).set_bits())
      ends |= Mask(1) << (leaf == rootLeaf  ? n
                          : leaf < rootLeaf ? leaf
                                            : leaf - 1);
    if (ends == 0)
      continue;
    Cost &size = sizeByEnds.try_emplace(ends, 1).first->second;
    std::optional<Cost> product = multiplyCosts(size, index.size);
    // Every index is on an operand of some step, with its whole bundle.
    if (!product)
      return exceeds();
    size = *product;
    log2All += std::log2(static_cast<double>(index.size));
  }
  std::vector<Bundle> bundles;
  for (auto [ends, size] : sizeByEnds)
    bundles.push_back({ends, size});

  if (n < 2)
    return ExactResult{
        cantFail(ContractionTree::create(network.numLeaves(), rootLeaf, {})), 0,
        0};
  // W, its inverse and their products must stay normal numbers.
  constexpr double share = 0.9;
  if (log2All < share * std::numeric_limits<double>::max_exponent)
    return solve<double>(network, rootLeaf, std::move(bundles), upperBound);
  if (log2All < share * std::numeric_limits<long double>::max_exponent)
    return solve<long double>(network, rootLeaf, std::move(bundles),
                              upperBound);
  return std::nullopt;
}

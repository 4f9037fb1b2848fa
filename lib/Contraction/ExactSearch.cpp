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

/// Real is double, or long double where W leaves its exponents.
template <typename Real> class Solver {
public:
  Solver(unsigned numTensors, std::vector<Bundle> bundles,
         const Objective &objective, Real upperBound, std::optional<Cost> cap)
      : n(numTensors), root(Mask(1) << numTensors), full(root - 1),
        bundles(std::move(bundles)), objective(objective), cap(cap) {
    // Roundings of one cost: each of three P and W takes at most two for each
    // bundle; a tree's sum takes fewer than 2n more, weights two.
    Real unit = std::numeric_limits<Real>::epsilon();
    relativeError = unit * (8 * this->bundles.size() + 2 * n + 16);
    limit = upperBound * (1 + 4 * relativeError);
  }

  void fillTables();
  void run();

  Real optimum() const { return cells[full].cost; }
  uint64_t pairs() const { return numPairs; }

  /// Steps of a tree with the least floating-point value.
  void appendSteps(Mask set, std::vector<std::pair<Mask, Mask>> &splits) const;
  /// The exact value of these steps.
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
    Real cost;    ///< Least value of contracting the set; infinite if pruned.
    Real inverse; ///< 1 / P(set).
  };
  static constexpr Real infinity = std::numeric_limits<Real>::infinity();

  std::optional<Cost> stepCost(Mask a, Mask b) const;
  std::optional<Cost> volumeOf(Mask set) const;
  bool exceedsCap(Mask set, Real volume) const;
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
  Real weightOfFlops(Mask set) const {
    return static_cast<Real>(objective.flopWeight) * outside[set];
  }
  Real weightedWrite(Mask set) const {
    return static_cast<Real>(objective.writeWeight) *
           (outside[set] * cells[set].inverse);
  }
  Real splitCost(Mask set, Mask a, Mask b) const {
    return (cells[a].cost + cells[b].cost +
            weightOfFlops(set) * (cells[a].inverse * cells[b].inverse)) +
           weightedWrite(set);
  }

  unsigned n;
  Mask root, full;
  std::vector<Bundle> bundles;
  Objective objective;
  std::optional<Cost> cap;
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
    // The volume of the set bounds the multiply-adds of the step that makes it
    // from below and, if the set is not the whole phase, of another step that
    // reads it.
    Real volume = outside[set] * cells[set].inverse;
    Real scale = weightOfFlops(set), write = weightedWrite(set);
    Real mustBe = static_cast<Real>(objective.flopWeight) * volume;
    Real mustFollow = set == full ? 0 : mustBe;
    Real best = infinity;
    if (mustBe + write + mustFollow <= limit && !exceedsCap(set, volume)) {
      for (Mask part = (rest - 1) & rest;; part = (part - 1) & rest) {
        const Cell &a = cells[low | part], &b = cells[rest ^ part];
        Real cost = a.cost + b.cost + scale * (a.inverse * b.inverse);
        best = cost < best ? cost : best;
        if (part == 0)
          break;
      }
      numPairs += (uint64_t(1) << llvm::popcount(rest)) - 1;
      best += write;
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
std::optional<Cost> Solver<Real>::volumeOf(Mask set) const {
  std::optional<Cost> volume = 1;
  for (const Bundle &bundle : bundles)
    if (volume && (bundle.ends & set) && (bundle.ends & ~set))
      volume = multiplyCosts(*volume, bundle.size);
  return volume;
}

template <typename Real>
bool Solver<Real>::exceedsCap(Mask set, Real volume) const {
  if (!cap)
    return false;
  Real bound = static_cast<Real>(*cap), margin = 4 * relativeError;
  if (volume < bound * (1 - margin) || volume > bound * (1 + margin))
    return volume > bound;
  // Too close for floating point.
  std::optional<Cost> exactVolume = volumeOf(set);
  return !exactVolume || *exactVolume > *cap;
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
  if (objective.isFlops())
    return cost;
  std::optional<Cost> flops = multiplyCosts(cost, objective.flopWeight);
  // The result is a factor of the step, so its volume is there.
  std::optional<Cost> write =
      multiplyCosts(*volumeOf(a | b), objective.writeWeight);
  return flops && write ? addCosts(*flops, *write) : std::nullopt;
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
      std::vector<Bundle> bundles, const Objective &objective,
      std::optional<Cost> upperBound, std::optional<Cost> cap) {
  unsigned n = network.numLeaves() - 1;
  Real bound = upperBound ? static_cast<Real>(*upperBound)
                          : std::numeric_limits<Real>::infinity();
  Solver<Real> solver(n, std::move(bundles), objective, bound, cap);
  solver.fillTables();
  solver.run();

  Mask full = (Mask(1) << n) - 1;
  std::vector<std::pair<Mask, Mask>> splits;
  std::optional<Cost> value;
  if (std::isfinite(solver.optimum())) {
    solver.appendSteps(full, splits);
    value = solver.sumExactly(splits);
    // One integer in the interval of error: it is the optimum. Otherwise the
    // trees that look alike are compared in integers.
    if (!value || *value > solver.integerLowerBound()) {
      value = solver.solveInIntegers(full).cost;
      splits.clear();
      if (value)
        solver.appendExactSteps(full, splits);
    }
  }
  if (!value)
    return exceeds();
  Expected<ContractionTree> tree =
      makeTree(network.numLeaves(), rootLeaf, splits);
  if (!tree)
    return tree.takeError();
  return ExactResult{std::move(*tree), *value, solver.pairs()};
}

Expected<ContractionTree>
fetta::makeTree(unsigned numLeaves, unsigned rootLeaf,
                ArrayRef<std::pair<uint32_t, uint32_t>> splits) {
  // Bits back to leaves, splits to steps.
  DenseMap<Mask, unsigned> valueOf;
  for (unsigned bit : seq(numLeaves - 1))
    valueOf[Mask(1) << bit] = bit < rootLeaf ? bit : bit + 1;
  std::vector<ContractionTree::Step> steps;
  for (auto [a, b] : splits) {
    valueOf[a | b] = numLeaves + steps.size();
    steps.push_back({valueOf.lookup(a), valueOf.lookup(b)});
  }
  return ContractionTree::create(numLeaves, rootLeaf, std::move(steps));
}

Expected<std::vector<Bundle>>
fetta::collectBundles(const ClosedNetwork &network, unsigned rootLeaf) {
  unsigned n = network.numLeaves() - 1;
  assert(n <= maxExactTensors && "too many tensors for flat tables");
  std::map<Mask, Cost> sizeByEnds;
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
  }
  std::vector<Bundle> bundles;
  for (auto [ends, size] : sizeByEnds)
    bundles.push_back({ends, size});
  return bundles;
}

Expected<std::optional<ExactResult>>
fetta::solveExactly(const ClosedNetwork &network, unsigned rootLeaf,
                    const Objective &objective, std::optional<Cost> upperBound,
                    std::optional<Cost> cap) {
  assert(!objective.isLargest && "the objective must be a sum over steps");
  Expected<std::vector<Bundle>> bundles = collectBundles(network, rootLeaf);
  if (!bundles)
    return bundles.takeError();
  if (network.numLeaves() < 3)
    return ExactResult{
        cantFail(ContractionTree::create(network.numLeaves(), rootLeaf, {})), 0,
        0};
  double log2All = 0;
  for (const Bundle &bundle : *bundles)
    log2All += std::log2(toDouble(bundle.size));
  // W, its inverse and their products must stay normal numbers.
  constexpr double share = 0.9;
  if (log2All < share * std::numeric_limits<double>::max_exponent)
    return solve<double>(network, rootLeaf, std::move(*bundles), objective,
                         upperBound, cap);
  if (log2All < share * std::numeric_limits<long double>::max_exponent)
    return solve<long double>(network, rootLeaf, std::move(*bundles), objective,
                              upperBound, cap);
  return std::nullopt;
}

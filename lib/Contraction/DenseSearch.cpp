//===- DenseSearch.cpp - Dynamic programming over all subsets -------------===//
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

#include "Certificate.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <limits>

using namespace llvm;
using namespace fetta;

using Mask = TensorMask;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

class DenseSolver {
public:
  DenseSolver(const Phase &phase, const Objective &objective, double upperBound,
              std::optional<Cost> cap)
      : phase(phase), objective(objective), cap(cap),
        costs{phase, this->objective}, relativeError(relativeErrorOf(phase)),
        limit(upperBound * (1 + 16 * relativeError)) {}

  void fillTables();
  bool run();
  std::optional<ExactSolution> certify();

  double costOf(Mask set) const { return cells[set].cost; }
  template <typename Callback>
  void forEachSplit(Mask set, double threshold, Callback call) const {
    // Halves are unordered: the lowest tensor stays in the first.
    Mask low = set & -set, rest = set ^ low;
    for (Mask part = (rest - 1) & rest;; part = (part - 1) & rest) {
      Mask a = low | part, b = rest ^ part;
      double cost =
          (cells[a].cost + cells[b].cost +
           weightOfFlops(set) * (cells[a].inverse * cells[b].inverse)) +
          weightedWrite(set);
      if (cost <= threshold)
        call(a, b, cost);
      if (part == 0)
        return;
    }
  }

private:
  struct Cell {
    double cost;    ///< Least value of contracting the set; infinite if pruned.
    double inverse; ///< 1 / P(set), times the scales of its tensors.
  };

  void fillByTransform();
  void fillOneByOne();
  double bestSplit(Mask set);
  bool exceedsCap(Mask set, double volume) const;
  double weightOfFlops(Mask set) const {
    return static_cast<double>(objective.flopWeight) * outside[set];
  }
  double weightedWrite(Mask set) const {
    return static_cast<double>(objective.writeWeight) *
           (outside[set] * cells[set].inverse);
  }

  const Phase &phase;
  Objective objective;
  std::optional<Cost> cap;
  IntegerCosts costs;
  double relativeError, limit;
  std::vector<Cell> cells;
  /// W / P(all leaves outside of the set), over the scales of its tensors.
  std::vector<double> outside;
  /// The sets that were not pruned, by their lowest tensor.
  std::vector<std::vector<Mask>> kept;
  uint64_t numPairs = 0;
};

} // namespace

/// Multiplies what stands at each set into its supersets.
template <typename Table>
static void multiplyIntoSupersets(Table &table, size_t numSets) {
  for (size_t bit = 1; bit < numSets; bit <<= 1)
    for (size_t block = bit; block < numSets; block += 2 * bit)
      for (size_t k = 0; k < bit; ++k)
        table[block + k] *= table[block + k - bit];
}

/// Each P gathers the bundles within by a subset-product transform.
void DenseSolver::fillByTransform() {
  size_t numSets = cells.size();
  Mask full = phase.full();
  double all = 1;
  std::vector<double> products(numSets, 1);
  for (const Bundle &bundle : phase.bundles) {
    all *= toDouble(bundle.size);
    if (!(bundle.ends & phase.root()))
      products[bundle.ends] *= toDouble(bundle.size);
  }
  multiplyIntoSupersets(products, numSets);
  for (size_t set = 0; set < numSets; ++set)
    cells[set].inverse = 1 / products[set];
  // The same with the root, whose bundles join at their tensors.
  llvm::fill(products, 1);
  for (const Bundle &bundle : phase.bundles)
    products[bundle.ends & full] *= toDouble(bundle.size);
  multiplyIntoSupersets(products, numSets);
  for (size_t set = 0; set < numSets; ++set)
    outside[set] = all / products[full ^ set];
}

/// The same where W leaves the exponents of a double: an end of an index gets
/// a power of two as its scale, all ends of it together at most its size. So
/// no factor is below 1/2, and what overflows belongs to a volume that no cost
/// of 128 bits can hold.
void DenseSolver::fillOneByOne() {
  struct Scaled {
    Mask ends;
    double size, scale; ///< Of each end.
  };
  std::vector<Scaled> scaled;
  for (const Bundle &bundle : phase.bundles) {
    int share = static_cast<int>(std::log2(toDouble(bundle.size))) /
                popcount(bundle.ends);
    scaled.push_back(
        {bundle.ends, toDouble(bundle.size), std::ldexp(1, share)});
  }
  for (size_t set = 0; set < cells.size(); ++set) {
    double inverse = 1, outer = 1;
    for (const Scaled &bundle : scaled) {
      Mask inside = bundle.ends & set;
      if (inside == 0)
        continue;
      double scale = std::pow(bundle.scale, popcount(inside));
      inverse *= inside == bundle.ends ? scale / bundle.size : scale;
      outer *= bundle.size / scale;
    }
    cells[set].inverse = inverse;
    outside[set] = outer;
  }
}

void DenseSolver::fillTables() {
  size_t numSets = size_t(phase.full()) + 1;
  cells.assign(numSets, {0, 1});
  outside.resize(numSets);
  double log2All = 0;
  for (const Bundle &bundle : phase.bundles)
    log2All += std::log2(toDouble(bundle.size));
  // W, its inverse and their products must stay normal numbers.
  constexpr double share = 0.9;
  if (log2All < share * std::numeric_limits<double>::max_exponent)
    fillByTransform();
  else
    fillOneByOne();
}

/// The least over the splits of a set, by whichever is shorter: all of its
/// subsets, or all sets kept so far with the same lowest tensor.
double DenseSolver::bestSplit(Mask set) {
  double best = infinity, scale = weightOfFlops(set);
  Mask low = set & -set, rest = set ^ low;
  auto weigh = [&](Mask first, Mask second) {
    const Cell &a = cells[first], &b = cells[second];
    double cost = a.cost + b.cost + scale * (a.inverse * b.inverse);
    best = cost < best ? cost : best;
  };
  const std::vector<Mask> &list = kept[countr_zero(set)];
  uint64_t numSubsets = (uint64_t(1) << popcount(rest)) - 1;
  if (numSubsets <= list.size() / 2) {
    for (Mask part = (rest - 1) & rest;; part = (part - 1) & rest) {
      weigh(low | part, rest ^ part);
      if (part == 0)
        break;
    }
    numPairs += numSubsets;
    return best;
  }
  constexpr size_t width = 16;
  size_t k = 0;
  auto visit = [&](Mask a) {
    if ((a & ~set) == 0) {
      weigh(a, set ^ a);
      ++numPairs;
    }
  };
  for (; k + width <= list.size(); k += width) {
    // Most sets are no subsets: tell sixteen at once.
    Mask hit = 0;
    for (size_t j = 0; j < width; ++j)
      hit |= (list[k + j] & ~set) == 0 ? ~Mask(0) : 0;
    if (hit)
      for (size_t j = 0; j < width; ++j)
        visit(list[k + j]);
  }
  for (; k < list.size(); ++k)
    visit(list[k]);
  return best;
}

/// Whether it came to the end.
bool DenseSolver::run() {
  kept.resize(phase.numTensors);
  Mask full = phase.full();
  constexpr Mask setsBetweenStops = 1 << 12;
  for (Mask set = 1; set <= full; ++set) {
    if (set % setsBetweenStops == 0 && phase.mustStop())
      return false;
    std::vector<Mask> &list = kept[countr_zero(set)];
    if ((set & (set - 1)) == 0) {
      list.push_back(set);
      continue;
    }
    // The volume of the set bounds the multiply-adds of the step that makes it
    // from below and, if the set is not the whole phase, of another step that
    // reads it.
    double volume = outside[set] * cells[set].inverse;
    double write = weightedWrite(set);
    double mustBe = static_cast<double>(objective.flopWeight) * volume;
    double mustFollow = set == full ? 0 : mustBe;
    double best = infinity;
    if (mustBe + write + mustFollow <= limit && !exceedsCap(set, volume)) {
      best = bestSplit(set) + write;
      if (best + mustFollow > limit)
        best = infinity;
    }
    cells[set].cost = best;
    if (best < infinity)
      list.push_back(set);
  }
  return true;
}

bool DenseSolver::exceedsCap(Mask set, double volume) const {
  if (!cap)
    return false;
  double bound = toDouble(*cap), margin = 4 * relativeError;
  if (volume < bound * (1 - margin) || volume > bound * (1 + margin))
    return volume > bound;
  // Too close for floating point.
  std::optional<Cost> exactVolume = costs.volumeOf(set);
  return !exactVolume || *exactVolume > *cap;
}

std::optional<ExactSolution> DenseSolver::certify() {
  auto certified = Certifier<DenseSolver>(*this, costs).run();
  if (!certified)
    return std::nullopt;
  ExactSolution solution;
  solution.splits = std::move(certified->first);
  solution.value = certified->second;
  solution.pairs = numPairs;
  // While the tables are filled one more double a set is there.
  uint64_t listBytes = 0;
  for (const std::vector<Mask> &list : kept) {
    solution.sets += list.size();
    listBytes += list.capacity() * sizeof(Mask);
  }
  solution.tableBytes =
      cells.size() * (sizeof(Cell) + sizeof(double)) +
      std::max<uint64_t>(listBytes, cells.size() * sizeof(double));
  return solution;
}

std::optional<ExactSolution> fetta::solveDensely(const Phase &phase,
                                                 const Objective &objective,
                                                 double upperBound,
                                                 std::optional<Cost> cap) {
  assert(!objective.isLargest && "the objective must be a sum over steps");
  DenseSolver solver(phase, objective, upperBound, cap);
  solver.fillTables();
  if (!solver.run())
    return std::nullopt;
  return solver.certify();
}

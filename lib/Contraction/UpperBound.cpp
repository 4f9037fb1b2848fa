//===- UpperBound.cpp - Greedy trees in microseconds ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The exact solvers drop what costs more than a tree that is known. Here such
// a tree is found in doubles, on sets of at most maxExactTensors tensors; only
// its value is kept.
//
//===----------------------------------------------------------------------===//

#include "ExactSearch.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace fetta;

using Mask = TensorMask;

namespace {

/// How a tree departs from the plain greedy one: a candidate's score is
/// result - operandWeight * operands, its signed logarithm gets noise.
struct Variant {
  double operandWeight = 1, temperature = 0;
};

/// SplitMix64: the same on every machine, and a few instructions long.
class Random {
public:
  double uniform() {
    uint64_t number = state += 0x9e3779b97f4a7c15;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
    number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
    number ^= number >> 31;
    return (static_cast<double>(number >> 11) + 0.5) * 0x1p-53;
  }

private:
  uint64_t state = 1;
};

class GreedyBound {
public:
  GreedyBound(const Phase &phase, const Objective &objective);
  double run(const Variant &variant, double atMost);
  double runChain(unsigned start, double atMost);
  /// Of all tensors together.
  unsigned numNeighbours() const { return 2 * atFirst.size(); }
  /// Variants differ in what suits them: from result only to operands first,
  /// from hardly any noise to much.
  Variant draw() {
    double operandWeight = 2 * random.uniform();
    return {operandWeight, std::pow(10.0, 2 * random.uniform() - 2)};
  }

private:
  static constexpr unsigned maxValues = 2 * maxExactTensors;
  struct Value {
    Mask set;
    double volume;
  };
  struct Candidate {
    unsigned lhs, rhs;
    double volume; ///< Of the result.
    double score;
  };

  double volumeOf(Mask set) const {
    double volume = 1;
    for (auto [ends, size] : bundles)
      volume *= (ends & set) != 0 && (ends & ~set) != 0 ? size : 1;
    return volume;
  }
  double flopsOf(Mask a, Mask b) const {
    double volume = 1;
    for (auto [ends, size] : bundles) {
      bool isOn = ((ends & a) != 0 && (ends & ~a) != 0) ||
                  ((ends & b) != 0 && (ends & ~b) != 0);
      volume *= isOn ? size : 1;
    }
    return volume;
  }
  Mask neighboursOf(Mask set) const {
    Mask all = 0;
    for (; set != 0; set &= set - 1)
      all |= neighbours[countr_zero(set)];
    return all;
  }
  double scoreOf(const Candidate &candidate, const Variant &variant);

  const Objective &objective;
  unsigned n;
  SmallVector<std::pair<Mask, double>, 64> bundles;
  SmallVector<Mask, maxExactTensors> neighbours;
  SmallVector<Candidate, 64> atFirst;
  SmallVector<Value, maxValues> values, tensors;
  Random random;
};

/// Below this many tensors a search takes no longer than a trial.
constexpr unsigned smallestWithTrials = 11;

} // namespace

GreedyBound::GreedyBound(const Phase &phase, const Objective &objective)
    : objective(objective), n(phase.numTensors), neighbours(n, 0) {
  for (const Bundle &bundle : phase.bundles) {
    bundles.push_back({bundle.ends, toDouble(bundle.size)});
    for (Mask rest = bundle.ends & phase.full(); rest != 0; rest &= rest - 1)
      neighbours[countr_zero(rest)] |= bundle.ends & phase.full();
  }
  for (unsigned tensor = 0; tensor < n; ++tensor)
    tensors.push_back({Mask(1) << tensor, volumeOf(Mask(1) << tensor)});
  for (unsigned b = 0; b < n; ++b)
    for (unsigned a = 0; a < b; ++a)
      if (neighbours[a] >> b & 1)
        atFirst.push_back({a, b, volumeOf(tensors[a].set | tensors[b].set), 0});
}

double GreedyBound::scoreOf(const Candidate &candidate,
                            const Variant &variant) {
  double score =
      candidate.volume - variant.operandWeight * (values[candidate.lhs].volume +
                                                  values[candidate.rhs].volume);
  if (variant.temperature == 0)
    return score;
  // Gumbel noise: the least is a draw from a Boltzmann distribution.
  return std::copysign(std::log1p(std::abs(score)), score) +
         variant.temperature * std::log(-std::log(random.uniform()));
}

/// The value of one greedy tree; infinite as soon as it reaches \p atMost.
double GreedyBound::run(const Variant &variant, double atMost) {
  values = tensors;
  SmallVector<Candidate, 64> candidates = atFirst;
  for (Candidate &candidate : candidates)
    candidate.score = scoreOf(candidate, variant);
  SmallVector<unsigned, maxExactTensors> present;
  for (unsigned tensor = 0; tensor < n; ++tensor)
    present.push_back(tensor);
  double total = 0;
  while (present.size() > 1) {
    Candidate best;
    if (!candidates.empty()) {
      best =
          *min_element(candidates, [](const Candidate &a, const Candidate &b) {
            return a.score < b.score;
          });
    } else {
      // Only outer products are left.
      llvm::sort(present, [&](unsigned a, unsigned b) {
        return std::make_pair(values[a].volume, a) <
               std::make_pair(values[b].volume, b);
      });
      best.lhs = present[0];
      best.rhs = present[1];
      best.volume = volumeOf(values[best.lhs].set | values[best.rhs].set);
    }
    Mask a = values[best.lhs].set, b = values[best.rhs].set, both = a | b;
    total = objective.isLargest ? std::max(total, best.volume)
                                : total + objective.flopWeight * flopsOf(a, b) +
                                      objective.writeWeight * best.volume;
    if (total >= atMost)
      return std::numeric_limits<double>::infinity();
    erase_if(candidates, [&](const Candidate &candidate) {
      return candidate.lhs == best.lhs || candidate.lhs == best.rhs ||
             candidate.rhs == best.lhs || candidate.rhs == best.rhs;
    });
    erase_if(present, [&](unsigned value) {
      return value == best.lhs || value == best.rhs;
    });
    unsigned result = values.size();
    values.push_back({both, best.volume});
    Mask around = neighboursOf(both);
    for (unsigned other : present) {
      if (!(around & values[other].set))
        continue;
      candidates.push_back(
          {other, result, volumeOf(both | values[other].set), 0});
      candidates.back().score = scoreOf(candidates.back(), variant);
    }
    present.push_back(result);
  }
  return total;
}

/// The tree that takes in one tensor after the other, always the one that
/// makes the smallest result. In dense networks it is hard to beat.
double GreedyBound::runChain(unsigned start, double atMost) {
  Mask set = tensors[start].set, left = ((Mask(1) << n) - 1) ^ set;
  double total = 0;
  while (left != 0) {
    Mask best = 0;
    double volume = std::numeric_limits<double>::infinity();
    Mask near = neighboursOf(set) & left;
    for (Mask rest = near ? near : left; rest != 0; rest &= rest - 1) {
      Mask tensor = rest & -rest;
      double result = volumeOf(set | tensor);
      if (best == 0 || result < volume) {
        best = tensor;
        volume = result;
      }
    }
    total = objective.isLargest
                ? std::max(total, volume)
                : total + objective.flopWeight * flopsOf(set, best) +
                      objective.writeWeight * volume;
    if (total >= atMost)
      return std::numeric_limits<double>::infinity();
    set |= best;
    left ^= best;
  }
  return total;
}

double fetta::boundByGreedy(const Phase &phase, const Objective &objective) {
  if (phase.numTensors < 2)
    return 0;
  GreedyBound greedy(phase, objective);
  double best = greedy.run({}, std::numeric_limits<double>::infinity());
  best = std::min(best, greedy.run({0, 0}, best));
  constexpr unsigned denseDegree = 5;
  if (greedy.numNeighbours() >= denseDegree * phase.numTensors)
    for (unsigned start = 0; start < phase.numTensors; ++start)
      best = std::min(best, greedy.runChain(start, best));
  // A bound twice as tight halves the sets, so more trials pay off the larger
  // the phase.
  unsigned trials = 0;
  for (unsigned k = smallestWithTrials; k <= phase.numTensors; k += 2)
    trials = trials == 0 ? 2 : 2 * trials;
  for (unsigned trial = 0; trial < trials; ++trial)
    best = std::min(best, greedy.run(greedy.draw(), best));
  return best;
}

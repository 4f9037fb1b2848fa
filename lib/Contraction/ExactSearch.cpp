//===- ExactSearch.cpp - Optimal trees, certified -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What does not decide anything is taken out of a phase, then the solver that
// suits it is asked. docs/Search.md has the proofs.
//
//===----------------------------------------------------------------------===//

#include "ExactSearch.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/bit.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace fetta;

namespace {

/// A phase after preprocessing, and the way back.
struct ReducedPhase {
  Phase phase;
  /// The size of what lies on every leaf: it multiplies every step.
  Cost factor = 1;
  /// For each tensor the original ones in it.
  SmallVector<TensorMask, 32> members;
  /// The steps that fuse tensors with equal indices, in original tensors, and
  /// what they cost (without the factor).
  SplitList fusions;
  Cost fusionCost = 0;

  TensorMask expand(TensorMask set) const {
    TensorMask result = 0;
    for (; set != 0; set &= set - 1)
      result |= members[countr_zero(set)];
    return result;
  }
};

} // namespace

static Error exceeds(const Objective &objective) {
  if (objective.isLargest)
    return createStringError(
        "the largest intermediate of the best tree exceeds 128 bits");
  return createStringError(
      "the multiply-adds of the best tree exceed 128 bits");
}

Expected<Phase> fetta::makePhase(const ClosedNetwork &network,
                                 unsigned rootLeaf) {
  unsigned n = network.numLeaves() - 1;
  assert(n <= maxExactTensors && "too many tensors for masks");
  Phase phase{n, {}};
  for (auto [number, index] : enumerate(network.getIndices())) {
    if (index.size == 1)
      continue;
    TensorMask ends = 0;
    for (unsigned leaf : network.ends(number).set_bits())
      ends |= TensorMask(1) << (leaf == rootLeaf  ? n
                                : leaf < rootLeaf ? leaf
                                                  : leaf - 1);
    if (ends != 0)
      phase.bundles.push_back({ends, static_cast<Cost>(index.size)});
  }
  llvm::sort(phase.bundles,
             [](const Bundle &a, const Bundle &b) { return a.ends < b.ends; });
  size_t kept = 0;
  for (const Bundle &bundle : phase.bundles) {
    if (kept == 0 || phase.bundles[kept - 1].ends != bundle.ends) {
      phase.bundles[kept++] = bundle;
      continue;
    }
    Cost &size = phase.bundles[kept - 1].size;
    std::optional<Cost> product = multiplyCosts(size, bundle.size);
    // Every index is on an operand of some step, with its whole bundle.
    if (!product)
      return exceeds(Objective::flops());
    size = *product;
  }
  phase.bundles.resize(kept);
  return phase;
}

std::optional<Cost> IntegerCosts::volumeOf(TensorMask set) const {
  std::optional<Cost> volume = 1;
  for (const Bundle &bundle : phase.bundles)
    if (volume && (bundle.ends & set) && (bundle.ends & ~set))
      volume = multiplyCosts(*volume, bundle.size);
  return volume;
}

std::optional<Cost> IntegerCosts::stepCost(TensorMask a, TensorMask b) const {
  TensorMask rest = (phase.full() | phase.root()) ^ a ^ b;
  Cost cost = 1;
  for (const Bundle &bundle : phase.bundles) {
    // On neither operand: all ends in one, or all in the rest.
    if ((bundle.ends & ~a) == 0 || (bundle.ends & ~b) == 0 ||
        (bundle.ends & ~rest) == 0)
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

std::optional<Cost> IntegerCosts::sum(const SplitList &splits) const {
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

double fetta::relativeErrorOf(const Phase &phase) {
  // Roundings of one cost: each of its factors takes at most two for each
  // bundle; a tree's sum takes fewer than 2n more, weights two.
  return std::numeric_limits<double>::epsilon() *
         static_cast<double>(8 * phase.bundles.size() + 8 * phase.numTensors +
                             16);
}

/// Bundles of one end, and of none, have been summed away.
static void normalize(std::vector<Bundle> &bundles) {
  erase_if(bundles,
           [](const Bundle &bundle) { return popcount(bundle.ends) < 2; });
}

/// An index on every leaf is on every operand of every step.
static void takeFactor(ReducedPhase &reduced) {
  TensorMask all = reduced.phase.full() | reduced.phase.root();
  erase_if(reduced.phase.bundles, [&](const Bundle &bundle) {
    if (bundle.ends != all)
      return false;
    // At most one bundle has these ends.
    reduced.factor = bundle.size;
    return true;
  });
}

/// Tensors with equal indices may be multiplied first when multiply-adds are
/// minimized. None: a step exceeds 128 bits.
static bool fuseEqualTensors(ReducedPhase &reduced) {
  Phase &phase = reduced.phase;
  auto isOnSame = [&](unsigned a, unsigned b) {
    return all_of(phase.bundles, [&](const Bundle &bundle) {
      return (bundle.ends >> a & 1) == (bundle.ends >> b & 1);
    });
  };
  for (unsigned b = 1; b < phase.numTensors; ++b)
    for (unsigned a = 0; a < b; ++a) {
      if (!isOnSame(a, b))
        continue;
      IntegerCosts costs{phase, Objective()};
      std::optional<Cost> step =
          costs.stepCost(TensorMask(1) << a, TensorMask(1) << b);
      std::optional<Cost> sum =
          step ? addCosts(reduced.fusionCost, *step) : std::nullopt;
      if (!sum)
        return false;
      reduced.fusionCost = *sum;
      reduced.fusions.push_back({reduced.members[a], reduced.members[b]});
      reduced.members[a] |= reduced.members[b];
      reduced.members.erase(reduced.members.begin() + b);
      TensorMask below = (TensorMask(1) << b) - 1;
      for (Bundle &bundle : phase.bundles)
        bundle.ends = (bundle.ends & below) | (bundle.ends >> 1 & ~below);
      --phase.numTensors;
      normalize(phase.bundles);
      // The fused tensor may equal an earlier one.
      b = 0;
      break;
    }
  return true;
}

Expected<ContractionTree>
fetta::makeTree(unsigned numLeaves, unsigned rootLeaf,
                ArrayRef<std::pair<TensorMask, TensorMask>> splits) {
  // Bits back to leaves, splits to steps.
  SmallVector<std::pair<TensorMask, unsigned>, 32> valueOf;
  for (unsigned bit : seq(numLeaves - 1))
    valueOf.push_back({TensorMask(1) << bit, bit < rootLeaf ? bit : bit + 1});
  auto take = [&](TensorMask set) {
    auto *found =
        find_if(valueOf, [&](auto &entry) { return entry.first == set; });
    assert(found != valueOf.end() && "operands come before their steps");
    unsigned value = found->second;
    valueOf.erase(found);
    return value;
  };
  std::vector<ContractionTree::Step> steps;
  for (auto [a, b] : splits) {
    unsigned lhs = take(a), rhs = take(b);
    valueOf.push_back({a | b, numLeaves + static_cast<unsigned>(steps.size())});
    steps.push_back({lhs, rhs});
  }
  return ContractionTree::create(numLeaves, rootLeaf, std::move(steps));
}

/// The least largest intermediate, and of the trees that have it the one with
/// the fewest multiply-adds.
static std::optional<ExactSolution> solveLargestThenFlops(const Phase &phase,
                                                          double upperBound) {
  std::optional<ExactSolution> largest = solveLargest(phase, upperBound);
  if (!largest)
    return std::nullopt;
  // The tree found shows that there is one and bounds its cost.
  Objective flops;
  std::optional<Cost> bound = IntegerCosts{phase, flops}.sum(largest->splits);
  if (!bound)
    return largest;
  std::optional<ExactSolution> cheapest =
      solveDensely(phase, flops, toDouble(*bound), largest->value);
  if (!cheapest)
    return largest;
  largest->splits = std::move(cheapest->splits);
  largest->pairs += cheapest->pairs;
  largest->sets += cheapest->sets;
  largest->tableBytes = std::max(largest->tableBytes, cheapest->tableBytes);
  return largest;
}

static std::optional<ExactSolution>
solve(const Phase &phase, const Objective &objective, double upperBound) {
  if (phase.numTensors < 2)
    return ExactSolution();
  if (objective.isLargest)
    return solveLargestThenFlops(phase, upperBound);
  // Weights of zero add nothing; the rule about outer products speaks of
  // multiply-adds only.
  constexpr unsigned leastForSparse = 9;
  if (objective.isFlops() && phase.numTensors >= leastForSparse &&
      isConnectedGraph(phase)) {
    bool giveUp = false;
    std::optional<ExactSolution> solution =
        solveSparsely(phase, upperBound, giveUp);
    if (!giveUp)
      return solution;
  }
  return solveDensely(phase, objective, upperBound);
}

Expected<ExactResult> fetta::solveExactly(const ClosedNetwork &network,
                                          unsigned rootLeaf,
                                          const Objective &objective,
                                          const std::function<bool()> &stop) {
  Expected<Phase> phase = makePhase(network, rootLeaf);
  if (!phase)
    return phase.takeError();
  phase->shouldStop = stop;
  ReducedPhase reduced{std::move(*phase), 1, {}, {}, 0};
  for (unsigned tensor : seq(reduced.phase.numTensors))
    reduced.members.push_back(TensorMask(1) << tensor);
  takeFactor(reduced);
  if (objective.isFlops() && !fuseEqualTensors(reduced))
    return exceeds(objective);

  double upperBound = boundByGreedy(reduced.phase, objective);
  std::optional<ExactSolution> solution =
      solve(reduced.phase, objective, upperBound);
  if (!solution && reduced.phase.mustStop())
    return createStringError("the exact search was stopped");
  std::optional<Cost> value;
  if (solution)
    value = addCosts(solution->value, reduced.fusionCost);
  if (value)
    value = multiplyCosts(*value, reduced.factor);
  if (!value)
    return exceeds(objective);
  SplitList splits = reduced.fusions;
  for (auto [a, b] : solution->splits)
    splits.push_back({reduced.expand(a), reduced.expand(b)});
  Expected<ContractionTree> tree =
      makeTree(network.numLeaves(), rootLeaf, splits);
  if (!tree)
    return tree.takeError();
  ExactCertificate certificate;
  certificate.pairs = solution->pairs;
  certificate.sets = solution->sets;
  certificate.tableBytes = solution->tableBytes;
  certificate.enumeration = solution->enumeration;
  certificate.fusedTensors = reduced.fusions.size();
  return ExactResult{std::move(*tree), *value, certificate};
}

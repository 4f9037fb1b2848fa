//===- TrainingTables.cpp - Least costs of all subsets --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainingTables.h"

#include "llvm/ADT/bit.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace fetta;

static constexpr double infinity = std::numeric_limits<double>::infinity();

Expected<SubsetVolumes> SubsetVolumes::create(const ClosedNetwork &network,
                                              unsigned rootLeaf) {
  SubsetVolumes volumes;
  volumes.n = network.numLeaves() - 1;
  volumes.root = rootLeaf;
  if (volumes.n > maxExactTensors)
    return createStringError(Twine(volumes.n) + " tensors exceed " +
                             Twine(maxExactTensors));
  Expected<Phase> phase = makePhase(network, rootLeaf);
  if (!phase)
    return phase.takeError();
  volumes.bundles = std::move(phase->bundles);
  double log2All = 0;
  for (const Bundle &bundle : volumes.bundles)
    log2All += std::log2(toDouble(bundle.size));
  if (log2All > 0.9 * std::numeric_limits<double>::max_exponent)
    return createStringError(
        "the product of all index sizes leaves the range of double");
  // Each of P, P' and W is a product over bundles, the cost one of three.
  volumes.exactLimit = 0x1p51 / (3 * volumes.bundles.size() + 8);

  // As in ExactSearch.cpp: subset products of the bundles within.
  size_t numSets = size_t(volumes.full()) + 1;
  Mask rootBit = Mask(1) << volumes.n;
  volumes.inverse.assign(numSets, 1);
  std::vector<double> withRoot(numSets, 1);
  double all = 1;
  for (const Bundle &bundle : volumes.bundles) {
    all *= toDouble(bundle.size);
    withRoot[bundle.ends & volumes.full()] *= toDouble(bundle.size);
    if (!(bundle.ends & rootBit))
      volumes.inverse[bundle.ends] *= toDouble(bundle.size);
  }
  for (Mask bit = 1; bit < rootBit; bit <<= 1)
    for (Mask set = bit; set <= volumes.full(); set = (set + 1) | bit) {
      volumes.inverse[set] *= volumes.inverse[set ^ bit];
      withRoot[set] *= withRoot[set ^ bit];
    }
  volumes.outside.resize(numSets);
  for (size_t set = 0; set < numSets; ++set) {
    volumes.inverse[set] = 1 / volumes.inverse[set];
    volumes.outside[set] = all / withRoot[volumes.full() ^ set];
  }
  return volumes;
}

SubsetVolumes::Mask SubsetVolumes::maskOf(const LeafSet &leaves) const {
  Mask mask = 0;
  for (unsigned leaf : leaves.set_bits())
    if (leaf != root)
      mask |= Mask(1) << (leaf < root ? leaf : leaf - 1);
  return mask;
}

TrainingTables::TrainingTables(SubsetVolumes volumes, const TrainingGoal &goal)
    : volumes(std::move(volumes)),
      gradients(this->volumes.maskOf(goal.gradients)),
      activations(this->volumes.maskOf(goal.activations)),
      times(static_cast<double>(goal.repeats)) {}

void TrainingTables::searchInside(double upperBound, double maxElements) {
  Mask full = volumes.full();
  inside.assign(size_t(full) + 1, infinity);
  for (unsigned bit = 0; bit < volumes.numTensors(); ++bit)
    inside[Mask(1) << bit] = 0;
  for (Mask set = 1; set <= full; ++set) {
    if (llvm::has_single_bit(set))
      continue;
    // The step that makes the set costs at least its volume; so does the one
    // that reads it, which is repeated if the set's own step is.
    double elements = volumes.elements(set);
    double least = repeats(set) * elements * (set == full ? 1 : 2);
    if (least > upperBound || elements > maxElements)
      continue;
    double scale = volumes.scale(set), best = infinity;
    double times = repeats(set);
    forEachSplit(set, [&](Mask a, Mask b) {
      double cost = inside[a] + inside[b] +
                    times * directions(a, b) * volumes.flops(scale, a, b);
      best = cost < best ? cost : best;
    });
    inside[set] = best <= upperBound ? best : infinity;
  }
}

void TrainingTables::searchOutside() {
  Mask full = volumes.full();
  around.assign(size_t(full) + 1, infinity);
  around[full] = 0;
  for (Mask set = full; set != 0; --set) {
    if (llvm::has_single_bit(set) || around[set] == infinity ||
        inside[set] == infinity)
      continue;
    double scale = volumes.scale(set), rest = around[set];
    double times = repeats(set);
    forEachSplit(set, [&](Mask a, Mask b) {
      double cost =
          rest + times * directions(a, b) * volumes.flops(scale, a, b);
      around[a] = std::min(around[a], cost + inside[b]);
      around[b] = std::min(around[b], cost + inside[a]);
    });
  }
}

void TrainingTables::appendSplits(
    Mask set, std::vector<std::pair<Mask, Mask>> &splits) const {
  if (llvm::has_single_bit(set))
    return;
  Mask chosen = 0;
  forEachSplit(set, [&](Mask a, Mask b) {
    if (chosen == 0 &&
        inside[a] + inside[b] + vertexFlops(set, a, b) == inside[set])
      chosen = a;
  });
  assert(chosen && "the recurrence met its minimum");
  appendSplits(chosen, splits);
  appendSplits(set ^ chosen, splits);
  splits.push_back({chosen, set ^ chosen});
}

std::vector<std::pair<TrainingTables::Mask, TrainingTables::Mask>>
TrainingTables::bestSplits() const {
  std::vector<std::pair<Mask, Mask>> splits;
  if (volumes.numTensors() > 1)
    appendSplits(volumes.full(), splits);
  return splits;
}

//===- PeakFront.cpp - Multiply-adds against the peak ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The peak of a vertex follows from four figures of each side (MemoryProfile.h)
// and grows with all of them: multiply-adds, what is stored below, and the
// peaks of the forward and of the backward pass.
//
//===----------------------------------------------------------------------===//

#include "LabelFront.h"
#include "MemoryProfile.h"
#include "TrainingFronts.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"

#include <limits>

using namespace llvm;
using namespace fetta;

static constexpr double infinity = std::numeric_limits<double>::infinity();

Incumbents::Incumbents(ArrayRef<FrontPoint> points) {
  for (const FrontPoint &point : undominated(points.vec()))
    known.push_back({point.flops, point.elements});
}

bool Incumbents::beat(double flops, double elements) const {
  // Of those with no more multiply-adds the last one has the fewest elements.
  auto after = llvm::upper_bound(known, flops, [](double x, const auto &point) {
    return x < point.first;
  });
  if (after == known.begin())
    return false;
  auto [knownFlops, knownElements] = *std::prev(after);
  return knownElements < elements ||
         (knownElements == elements && knownFlops < flops);
}

double Incumbents::flopCap(double elements) const {
  for (auto [knownFlops, knownElements] : known)
    if (knownElements <= elements)
      return knownFlops;
  return infinity;
}

std::vector<FrontPoint> fetta::undominated(std::vector<FrontPoint> points) {
  llvm::stable_sort(points, [](const FrontPoint &x, const FrontPoint &y) {
    return std::tie(x.flops, x.elements) < std::tie(y.flops, y.elements);
  });
  double least = infinity;
  erase_if(points, [&](const FrontPoint &point) {
    bool worse = point.elements >= least;
    least = std::min(least, point.elements);
    return worse;
  });
  return points;
}

namespace {

using Mask = SubsetVolumes::Mask;
enum Coordinate { Flops, Stored, ForwardPeak, BackwardPeak };

class PeakSearch {
public:
  PeakSearch(const TrainingTables &tables, const FrontOptions &options)
      : tables(tables), volumes(tables.getVolumes()), options(options),
        fronts(size_t(volumes.full()) + 1),
        leastPeak(size_t(volumes.full()) + 1, 0) {
    for (unsigned bit = 0; bit < volumes.numTensors(); ++bit)
      if (tables.wantsGradient(Mask(1) << bit))
        allResults += volumes.elements(Mask(1) << bit);
    output = volumes.numTensors() > 1 && !options.resultInPlace
                 ? volumes.elements(volumes.full())
                 : 0;
    // At the end all results are alive.
    this->options.flopCap =
        std::min(options.flopCap, options.incumbents.flopCap(floor()));
  }

  void run();
  std::vector<FrontPoint> points() const;

private:
  bool isLeaf(Mask set) const { return llvm::has_single_bit(set); }
  double floor() const { return output + allResults; }
  /// The output is alive throughout the backward pass.
  double peakOf(const Label<4> &label) const {
    double backward = allResults == 0 ? 0 : output + label.value[BackwardPeak];
    return std::max(label.value[ForwardPeak], backward);
  }
  double resultsOf(Mask set) const {
    double sum = 0;
    for (Mask rest = set; rest != 0; rest &= rest - 1)
      if (tables.wantsGradient(rest & -rest))
        sum += volumes.elements(rest & -rest);
    return sum;
  }
  MemoryProfile side(Mask set, bool wanted, double value, double results) {
    MemoryProfile profile;
    profile.value = isLeaf(set) ? 0 : value;
    profile.gradient = wanted ? value : 0;
    profile.wanted = wanted;
    profile.results = results;
    return profile;
  }
  static void put(MemoryProfile &profile, const Label<4> &label) {
    profile.stored = label.value[Stored];
    profile.forwardPeak = label.value[ForwardPeak];
    profile.backwardPeak = label.value[BackwardPeak];
  }
  void join(Mask set, Mask a, Mask b, double flops, Front<4> &to);
  void append(Mask set, uint32_t number, FrontPoint &point) const;

  const TrainingTables &tables;
  const SubsetVolumes &volumes;
  FrontOptions options;
  std::vector<Front<4>> fronts;
  /// By set, what the peak is at least.
  std::vector<double> leastPeak;
  double allResults = 0, output = 0;
};

} // namespace

void PeakSearch::join(Mask set, Mask a, Mask b, double flops, Front<4> &to) {
  bool wantsA = tables.wantsGradient(a), wantsB = tables.wantsGradient(b);
  MemoryProfile x = side(a, wantsA, volumes.elements(a), resultsOf(a));
  MemoryProfile y = side(b, wantsB, volumes.elements(b), resultsOf(b));
  double keptX = wantsB ? x.value : 0, keptY = wantsA ? y.value : 0;
  bool isRoot = set == volumes.full();
  double result = isRoot ? output : volumes.elements(set);
  double adjoint = isRoot ? 0 : result;
  double rest = tables.leastOutside(set);
  for (size_t i = 0; i < fronts[a].size(); ++i) {
    const Label<4> &first = fronts[a][i];
    put(x, first);
    if (first.value[Flops] + tables.least(b) + flops + rest > options.flopCap)
      continue;
    for (size_t j = 0; j < fronts[b].size(); ++j) {
      const Label<4> &second = fronts[b][j];
      put(y, second);
      Label<4> label;
      label.value[Flops] = first.value[Flops] + second.value[Flops] + flops;
      if (label.value[Flops] + rest > options.flopCap)
        continue;
      label.value[ForwardPeak] = orderForward(x, y, result).peak;
      if (wantsA || wantsB) {
        label.value[Stored] = x.stored + y.stored + keptX + keptY;
        label.value[BackwardPeak] =
            orderBackward(x, y, adjoint, keptX, keptY).peak;
      }
      if (isRoot) {
        // Only the larger of the two matters from here on.
        label.value[ForwardPeak] = peakOf(label);
        label.value[Stored] = label.value[BackwardPeak] = 0;
      }
      double peak = isRoot ? label.value[ForwardPeak] : peakOf(label);
      if (peak > options.elementCap)
        continue;
      if (options.incumbents.beat(label.value[Flops] + rest,
                                  std::max(peak, floor())))
        continue;
      label.split = a;
      label.first = i;
      label.second = j;
      to.insert(label, options.factor);
    }
  }
}

void PeakSearch::run() {
  Mask full = volumes.full();
  for (Mask set = 1; set <= full; ++set) {
    if (isLeaf(set)) {
      Label<4> label;
      if (tables.wantsGradient(set))
        label.value[BackwardPeak] = volumes.elements(set);
      fronts[set].insert(label, 1);
      continue;
    }
    double rest = tables.leastOutside(set);
    double result = set == full ? output : volumes.elements(set);
    if (!(tables.least(set) + rest <= options.flopCap) ||
        options.incumbents.beat(tables.least(set) + rest,
                                std::max(result, floor())))
      continue;
    double scale = volumes.scale(set);
    double times = tables.repeats(set);
    forEachSplit(set, [&](Mask a, Mask b) {
      double flops =
          times * tables.directions(a, b) * volumes.flops(scale, a, b);
      double bound = tables.least(a) + tables.least(b) + flops + rest;
      if (!(bound <= options.flopCap))
        return;
      double step = result + (isLeaf(a) ? 0 : volumes.elements(a)) +
                    (isLeaf(b) ? 0 : volumes.elements(b));
      double peak = std::max({step, leastPeak[a], leastPeak[b], floor()});
      if (!options.incumbents.beat(bound, peak))
        join(set, a, b, flops, fronts[set]);
    });
    double least = infinity;
    for (const Label<4> &label : fronts[set])
      least = std::min(least, peakOf(label));
    leastPeak[set] = least;
  }
}

void PeakSearch::append(Mask set, uint32_t number, FrontPoint &point) const {
  const Label<4> &label = fronts[set][number];
  if (label.split == 0)
    return;
  Mask a = label.split, b = set ^ a;
  append(a, label.first, point);
  append(b, label.second, point);
  point.splits.push_back({a, b});
}

std::vector<FrontPoint> PeakSearch::points() const {
  const Front<4> &found = fronts[volumes.full()];
  std::vector<FrontPoint> points;
  for (size_t k = 0; k < found.size(); ++k) {
    bool isLeafAlone = volumes.numTensors() == 1;
    FrontPoint point{found[k].value[Flops],
                     isLeafAlone ? 0 : found[k].value[ForwardPeak],
                     {},
                     {}};
    append(volumes.full(), k, point);
    points.push_back(std::move(point));
  }
  return undominated(std::move(points));
}

std::vector<FrontPoint> fetta::findPeakFront(const TrainingTables &tables,
                                             const FrontOptions &options) {
  PeakSearch search(tables, options);
  search.run();
  return search.points();
}

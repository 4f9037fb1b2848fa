//===- StoredFront.cpp - Multiply-adds against stored elements ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Of a set of tensors there are two fronts: one for sets that no gradient
// reads, and one for those that must be there again. The latter are stored,
// which costs their elements, or recomputed, which costs their step once more
// and needs both operands to be there again. docs/Search.md has the recurrence.
//
//===----------------------------------------------------------------------===//

#include "LabelFront.h"
#include "TrainingFronts.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"

using namespace llvm;
using namespace fetta;

namespace {

using Mask = SubsetVolumes::Mask;

/// K = 1: one weighted sum; K = 2: multiply-adds and stored elements.
template <size_t K> class StoredSearch {
public:
  StoredSearch(const TrainingTables &tables, double price,
               const FrontOptions &options)
      : tables(tables), volumes(tables.getVolumes()), price(price),
        options(options) {
    for (auto &side : fronts)
      side.resize(size_t(volumes.full()) + 1);
  }

  void run();
  std::vector<FrontPoint> points() const;

private:
  bool isCounted(Mask set) const {
    return options.countWeights || tables.isActivation(set);
  }
  /// Results of weights alone are there for all repeats.
  bool mayRecompute(Mask set) const {
    return options.recompute &&
           (tables.isActivation(set) || tables.repeats(volumes.full()) == 1);
  }
  void join(Mask set, Mask a, const Front<K> &first, const Front<K> &second,
            double flops, Retention choice, Front<K> &to) const;
  bool isWithin(Mask set, const Label<K> &label) const {
    if (label.value[0] + tables.leastOutside(set) > options.flopCap)
      return false;
    if constexpr (K == 2)
      return label.value[1] <= options.elementCap &&
             !options.incumbents.beat(label.value[0] + tables.leastOutside(set),
                                      label.value[1]);
    return true;
  }
  void append(Mask set, bool isNeeded, uint32_t number,
              FrontPoint &point) const;

  const TrainingTables &tables;
  const SubsetVolumes &volumes;
  double price;
  FrontOptions options;
  std::array<std::vector<Front<K>>, 2> fronts; ///< By need, then by set.
};

} // namespace

template <size_t K>
void StoredSearch<K>::join(Mask set, Mask a, const Front<K> &first,
                           const Front<K> &second, double flops,
                           Retention choice, Front<K> &to) const {
  for (size_t i = 0; i < first.size(); ++i)
    for (size_t j = 0; j < second.size(); ++j) {
      Label<K> label;
      for (size_t k = 0; k < K; ++k)
        label.value[k] = first[i].value[k] + second[j].value[k];
      label.value[0] += flops;
      if (!isWithin(set, label))
        continue;
      label.split = a;
      label.first = i;
      label.second = j;
      label.choice = static_cast<uint8_t>(choice);
      to.insert(label, options.factor);
    }
}

template <size_t K> void StoredSearch<K>::run() {
  Mask full = volumes.full();
  for (Mask set = 1; set <= full; ++set) {
    if (llvm::has_single_bit(set)) {
      for (auto &side : fronts)
        side[set].insert(Label<K>{}, 1);
      continue;
    }
    double rest = tables.leastOutside(set);
    if (!(tables.least(set) + rest <= options.flopCap))
      continue;
    Front<K> &dropped = fronts[0][set];
    Front<K> recomputed;
    double scale = volumes.scale(set), times = tables.repeats(set);
    bool again = set != full && mayRecompute(set);
    forEachSplit(set, [&](Mask a, Mask b) {
      double once = times * volumes.flops(scale, a, b);
      double flops = once * tables.directions(a, b);
      double bound = tables.least(a) + tables.least(b) + flops + rest;
      if (!(bound <= options.flopCap))
        return;
      join(set, a, fronts[tables.wantsGradient(b)][a],
           fronts[tables.wantsGradient(a)][b], flops, Retention::Dropped,
           dropped);
      if (again && bound + once <= options.flopCap)
        join(set, a, fronts[1][a], fronts[1][b], flops + once,
             Retention::Recomputed, recomputed);
    });
    if (set == full)
      continue;
    Front<K> &needed = fronts[1][set];
    double stored = isCounted(set) ? volumes.elements(set) : 0;
    for (Label<K> label : dropped) {
      label.value[K - 1] += K == 1 ? price * stored : stored;
      label.choice = static_cast<uint8_t>(Retention::Stored);
      if (isWithin(set, label))
        needed.insert(label, options.factor);
    }
    for (const Label<K> &label : recomputed)
      needed.insert(label, options.factor);
  }
}

template <size_t K>
void StoredSearch<K>::append(Mask set, bool isNeeded, uint32_t number,
                             FrontPoint &point) const {
  const Label<K> &label = fronts[isNeeded][set][number];
  if (label.split == 0)
    return;
  Mask a = label.split, b = set ^ a;
  auto choice = static_cast<Retention>(label.choice);
  bool again = choice == Retention::Recomputed;
  append(a, again || tables.wantsGradient(b), label.first, point);
  append(b, again || tables.wantsGradient(a), label.second, point);
  point.splits.push_back({a, b});
  point.retention.push_back(choice);
}

template <size_t K> std::vector<FrontPoint> StoredSearch<K>::points() const {
  const Front<K> &found = fronts[0][volumes.full()];
  std::vector<FrontPoint> points;
  for (size_t k = 0; k < found.size(); ++k) {
    FrontPoint point{found[k].value[0], found[k].value[K - 1], {}, {}};
    append(volumes.full(), false, k, point);
    points.push_back(std::move(point));
  }
  return undominated(std::move(points));
}

std::vector<FrontPoint> fetta::findStoredFront(const TrainingTables &tables,
                                               const FrontOptions &options) {
  StoredSearch<2> search(tables, 0, options);
  search.run();
  return search.points();
}

std::optional<FrontPoint>
fetta::findStoredOptimum(const TrainingTables &tables, double price,
                         const FrontOptions &options) {
  StoredSearch<1> search(tables, price, options);
  search.run();
  std::vector<FrontPoint> points = search.points();
  if (points.empty())
    return std::nullopt;
  return std::move(points.front());
}

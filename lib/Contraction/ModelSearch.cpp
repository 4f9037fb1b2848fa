//===- ModelSearch.cpp - Dynamic programming by a cost model --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelSearch.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/bit.h"

#include <functional>
#include <limits>

using namespace llvm;
using namespace fetta;

static constexpr double infinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Vertices
//===----------------------------------------------------------------------===//

/// The adjoint of the left operand: the result's adjoint with the right one.
static StepShape lhsAdjoint(const StepShape &shape) {
  return {shape.batch, shape.rows, shape.summed, shape.columns};
}
/// That of the right operand: the result's adjoint with the left one.
static StepShape rhsAdjoint(const StepShape &shape) {
  return {shape.batch, shape.columns, shape.summed, shape.rows};
}

Price fetta::vertexBound(const CostModel &model, const StepShape &shape,
                         const VertexUse &use, bool rough) {
  auto bound = [&](const StepShape &step) {
    return rough ? model.roughBound(step) : model.lowerBound(step);
  };
  Price price = bound(shape);
  if (use.wantsLhs)
    price = price + bound(lhsAdjoint(shape));
  if (use.wantsRhs)
    price = price + bound(rhsAdjoint(shape));
  return use.times * price;
}

void fetta::vertexPrices(const CostModel &model, const ModelStep &step,
                         const VertexUse &use, std::vector<Price> &prices) {
  unsigned nl = step.lhsLayouts, nr = step.rhsLayouts, ns = step.resultLayouts;
  prices.resize(size_t(nl) * nr * ns);
  model.stepPrices(step, prices);
  std::vector<Price> adjoint(use.wantsLhs || use.wantsRhs ? prices.size() : 0);
  if (use.wantsLhs) {
    model.stepPrices({step.network, step.result, step.rhs, step.lhs,
                      lhsAdjoint(step.shape), ns, nr, nl},
                     adjoint);
    for (unsigned a : seq(nl))
      for (unsigned b : seq(nr))
        for (unsigned s : seq(ns)) {
          Price &total = prices[(size_t(a) * nr + b) * ns + s];
          total = total + adjoint[(size_t(s) * nr + b) * nl + a];
        }
  }
  if (use.wantsRhs) {
    model.stepPrices({step.network, step.result, step.lhs, step.rhs,
                      rhsAdjoint(step.shape), ns, nl, nr},
                     adjoint);
    for (unsigned a : seq(nl))
      for (unsigned b : seq(nr))
        for (unsigned s : seq(ns)) {
          Price &total = prices[(size_t(a) * nr + b) * ns + s];
          total = total + adjoint[(size_t(s) * nl + a) * nr + b];
        }
  }
  if (use.times != 1)
    for (Price &price : prices)
      price = use.times * price;
}

//===----------------------------------------------------------------------===//
// The search
//===----------------------------------------------------------------------===//

template <size_t K>
ModelSearch<K>::ModelSearch(const ClosedNetwork &network, unsigned rootLeaf,
                            const CostModel &model,
                            const ModelSearchOptions &options,
                            const SubsetVolumes &volumes)
    : network(network), root(rootLeaf), model(model), options(options),
      volumes(volumes), tensors(size_t(volumes.full()) + 1) {
  for (unsigned bit : seq(volumes.numTensors()))
    leafOf.push_back(bit < root ? bit : bit + 1);
  if (options.goal) {
    gradients = volumes.maskOf(options.goal->gradients);
    activations = volumes.maskOf(options.goal->activations);
    times = static_cast<double>(options.goal->repeats);
  }
}

template <size_t K> bool ModelSearch<K>::isBeaten(const Values &bound) const {
  if constexpr (K == 2) {
    if (options.front) {
      if (!std::isfinite(bound[0]))
        return true;
      return any_of(known, [&](const Values &point) {
        return point[0] <= bound[0] && point[1] <= bound[1];
      });
    }
  }
  return !(worth(bound) <= limit);
}

template <size_t K>
typename ModelSearch<K>::Labels ModelSearch<K>::noLabels() const {
  if constexpr (K == 1)
    return LeastLabels(options.best);
  else
    return {};
}

template <size_t K>
const typename ModelSearch<K>::Tensor &ModelSearch<K>::tensor(Mask set) {
  Tensor &entry = tensors[set];
  if (entry.numLayouts == 0) {
    LeafSet leaves = network.noLeaves();
    for (Mask rest = set; rest != 0; rest &= rest - 1)
      leaves.set(leafOf[llvm::countr_zero(rest)]);
    entry.indices = network.openIndices(leaves);
    entry.numLayouts = model.numLayouts(network, entry.indices);
    assert(entry.numLayouts >= 1 && entry.numLayouts <= CostModel::maxLayouts &&
           "see CostModel");
  }
  return entry;
}

template <size_t K> void ModelSearch<K>::searchBounds() {
  Mask full = volumes.full();
  Values none, zero;
  none.fill(infinity);
  zero.fill(0);
  inside.assign(size_t(full) + 1, none);
  around.assign(size_t(full) + 1, none);
  around[full] = zero;
  for (Mask set = 1; set <= full; ++set) {
    if (llvm::has_single_bit(set)) {
      inside[set] = zero;
      continue;
    }
    double scale = volumes.scale(set);
    forEachSplit(set, [&](Mask a, Mask b) {
      Values within = sum(inside[a], inside[b]);
      if (isBeaten(within))
        return;
      Values rough = sum(within, boundOf(set, a, b, scale, /*rough=*/true));
      if (!lowers(rough, inside[set]) || isBeaten(rough))
        return;
      within = sum(within, boundOf(set, a, b, scale));
      lower(inside[set], within);
    });
    if (isBeaten(inside[set]))
      inside[set] = none;
  }
  for (Mask set = full; set != 0; --set) {
    if (llvm::has_single_bit(set) || isBeaten(sum(inside[set], around[set])))
      continue;
    double scale = volumes.scale(set);
    forEachSplit(set, [&](Mask a, Mask b) {
      if (isBeaten(sum(around[set], sum(inside[a], inside[b]))))
        return;
      Values rest = sum(around[set], boundOf(set, a, b, scale, /*rough=*/true));
      if (isBeaten(sum(rest, sum(inside[a], inside[b]))) ||
          (!lowers(sum(rest, inside[b]), around[a]) &&
           !lowers(sum(rest, inside[a]), around[b])))
        return;
      rest = sum(around[set], boundOf(set, a, b, scale));
      lower(around[a], sum(rest, inside[b]));
      lower(around[b], sum(rest, inside[a]));
    });
  }
}

template <size_t K>
void ModelSearch<K>::startLeaves(std::map<Mask, std::vector<Labels>> &fronts) {
  for (unsigned bit : seq(volumes.numTensors())) {
    Mask set = Mask(1) << bit;
    const IndexList &indices = network.getLeaves()[leafOf[bit]];
    unsigned count = tensor(set).numLayouts;
    std::vector<Labels> &leaf = fronts[set];
    leaf.assign(count, noLabels());
    // The tensor, and its gradient.
    double uses = set & gradients ? 2 : 1;
    for (unsigned layout : seq(count)) {
      Label<K> label;
      label.value = pick(uses * model.boundaryPrice(network, indices, layout));
      if (std::isfinite(worth(label.value)))
        leaf[layout].insert(label, 1);
    }
  }
}

template <size_t K>
void ModelSearch<K>::price(Mask set, Mask a, Mask b, const Values &rest,
                           ArrayRef<Labels> first, ArrayRef<Labels> second,
                           MutableArrayRef<Labels> to) {
  ++numSplits;
  const Tensor &left = tensor(a), &right = tensor(b), &made = tensor(set);
  double flops = volumes.flops(volumes.scale(set), a, b);
  ModelStep step{network,
                 left.indices,
                 right.indices,
                 made.indices,
                 shapeOf(set, a, b, flops),
                 left.numLayouts,
                 right.numLayouts,
                 made.numLayouts};
  VertexUse use = useOf(set, a, b);
  vertexPrices(model, step, use, table);
  Values least = pick(vertexBound(model, step.shape, use));
  size_t at = 0;
  for (unsigned la : seq(left.numLayouts))
    for (unsigned lb : seq(right.numLayouts)) {
      const Price *row = &table[at];
      at += made.numLayouts;
      for (size_t i = 0; i < first[la].size(); ++i)
        for (size_t j = 0; j < second[lb].size(); ++j) {
          Values both = sum(first[la][i].value, second[lb][j].value);
          if (isBeaten(sum(sum(both, least), rest)))
            continue;
          for (unsigned lr : seq(made.numLayouts)) {
            Label<K> label;
            label.value = sum(both, pick(row[lr]));
            if (isBeaten(sum(label.value, rest)))
              continue;
            label.split = a;
            // A label of a half: its layout, then its number in the front.
            label.first = la + CostModel::maxLayouts * i;
            label.second = lb + CostModel::maxLayouts * j;
            to[lr].insert(label, options.factor);
          }
        }
    }
}

template <size_t K> void ModelSearch<K>::finish(ArrayRef<Labels> fronts) {
  ends.clear();
  double uses = gradients != 0 ? 2 : 1;
  for (unsigned layout : seq<unsigned>(0, fronts.size())) {
    Values last = pick(
        uses * model.boundaryPrice(network, network.getLeaves()[root], layout));
    for (unsigned k : seq<unsigned>(0, fronts[layout].size())) {
      Values values = sum(fronts[layout][k].value, last);
      if (std::isfinite(worth(values)))
        ends.push_back({values, layout, k});
    }
  }
  bool byLatency = options.front;
  llvm::stable_sort(ends, [&](const End &x, const End &y) {
    return byLatency ? x.values < y.values : worth(x.values) < worth(y.values);
  });
}

template <size_t K> void ModelSearch<K>::tryTree(const Splits &splits) {
  found.clear();
  startLeaves(found);
  Values zero;
  zero.fill(0);
  for (auto [a, b] : splits) {
    std::vector<Labels> &to = found[a | b];
    to.assign(tensor(a | b).numLayouts, noLabels());
    price(a | b, a, b, zero, found[a], found[b], to);
  }
  finish(found[volumes.full()]);
  if (ends.empty())
    return;
  limit = std::min(limit, worth(ends.front().values) *
                              (1 + std::max(options.slack, 1e-9)));
  // A bound may come out a little above what it bounds.
  if constexpr (K == 2)
    if (options.front)
      for (const End &end : ends)
        known.push_back(
            {end.values[0] * (1 + 1e-9), end.values[1] * (1 + 1e-9)});
}

template <size_t K> void ModelSearch<K>::run() {
  found.clear();
  numSplits = 0;
  startLeaves(found);
  Mask full = volumes.full();
  // A map finds sets in logarithmic time; most sets are in none.
  std::vector<const std::vector<Labels> *> frontsOf(size_t(full) + 1);
  for (auto &[set, fronts] : found)
    frontsOf[set] = &fronts;
  for (Mask set = 1; set <= full; ++set) {
    if (llvm::has_single_bit(set) || isBeaten(sum(inside[set], around[set])))
      continue;
    std::vector<Labels> fronts(tensor(set).numLayouts, noLabels());
    double scale = volumes.scale(set);
    forEachSplit(set, [&](Mask a, Mask b) {
      if (!frontsOf[a] || !frontsOf[b])
        return;
      Values bound = sum(sum(inside[a], inside[b]), around[set]);
      if (isBeaten(sum(bound, boundOf(set, a, b, scale, /*rough=*/true))))
        return;
      if (!isBeaten(sum(bound, boundOf(set, a, b, scale))))
        price(set, a, b, around[set], *frontsOf[a], *frontsOf[b], fronts);
    });
    if (all_of(fronts, [](const Labels &front) { return front.empty(); }))
      continue;
    frontsOf[set] = &(found[set] = std::move(fronts));
  }
  finish(found[full]);
}

template <size_t K>
void ModelSearch<K>::appendBound(Mask set, Splits &splits) const {
  if (llvm::has_single_bit(set))
    return;
  // Of two figures the first decides.
  Mask chosen = 0;
  double least = infinity;
  forEachSplit(set, [&](Mask a, Mask b) {
    double value =
        inside[a][0] + inside[b][0] + boundOf(set, a, b, volumes.scale(set))[0];
    if (value < least) {
      least = value;
      chosen = a;
    }
  });
  if (chosen == 0)
    return;
  appendBound(chosen, splits);
  appendBound(set ^ chosen, splits);
  splits.push_back({chosen, set ^ chosen});
}

template <size_t K>
typename ModelSearch<K>::Splits ModelSearch<K>::boundSplits() const {
  Splits splits;
  appendBound(volumes.full(), splits);
  return splits;
}

template <size_t K> Expected<std::vector<ModelTree>> ModelSearch<K>::trees() {
  if (ends.empty())
    return createStringError("the model has no finite price for any tree");
  std::vector<ModelTree> results;
  std::vector<Splits> seen;
  for (const End &end : ends) {
    // From the whole down to the leaves.
    Splits splits;
    std::map<Mask, unsigned> layoutOf;
    std::function<void(Mask, unsigned, unsigned)> walk =
        [&](Mask set, unsigned layout, unsigned number) {
          layoutOf[set] = layout;
          const Label<K> &label = found.at(set)[layout][number];
          if (label.split == 0)
            return;
          constexpr unsigned count = CostModel::maxLayouts;
          walk(label.split, label.first % count, label.first / count);
          walk(set ^ label.split, label.second % count, label.second / count);
          splits.push_back({label.split, set ^ label.split});
        };
    walk(volumes.full(), end.layout, end.label);
    // Of the trees that are wanted, layouts make no two; on the front they do.
    if (!options.front && is_contained(seen, splits))
      continue;
    seen.push_back(splits);
    Expected<ContractionTree> tree =
        makeTree(network.numLeaves(), root, splits);
    if (!tree)
      return tree.takeError();
    ModelTree result{std::move(*tree), {}, {}, worth(end.values)};
    result.layouts.assign(result.tree.numValues(), 0);
    for (auto [bit, leaf] : llvm::enumerate(leafOf))
      result.layouts[leaf] = layoutOf.at(Mask(1) << bit);
    for (auto [number, split] : llvm::enumerate(splits))
      result.layouts[network.numLeaves() + number] =
          layoutOf.at(split.first | split.second);
    results.push_back(std::move(result));
    if (!options.front && results.size() == options.best)
      break;
  }
  return results;
}

template class fetta::ModelSearch<1>;
template class fetta::ModelSearch<2>;

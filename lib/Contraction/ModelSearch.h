//===- ModelSearch.h - Dynamic programming by a cost model ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The search behind searchByModel: over subsets of tensors and their layouts,
/// with labels of one figure or of two.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_MODELSEARCH_H
#define FETTA_LIB_CONTRACTION_MODELSEARCH_H

#include "LabelFront.h"
#include "TrainingTables.h"
#include "fetta/Contraction/CostModel.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <map>

namespace fetta {

/// The contractions that a vertex of the tree stands for.
struct VertexUse {
  double times = 1;
  bool wantsLhs = false, wantsRhs = false; ///< Adjoints besides.
};

inline Price operator+(Price x, Price y) {
  return {x.latency + y.latency, x.energy + y.energy};
}
inline Price operator*(double factor, Price price) {
  return {factor * price.latency, factor * price.energy};
}

/// As CostModel::lowerBound (or roughBound) and stepPrices, for all uses of a
/// vertex. A value and its adjoint have the same layout.
Price vertexBound(const CostModel &model, const StepShape &shape,
                  const VertexUse &use, bool rough = false);
void vertexPrices(const CostModel &model, const ModelStep &step,
                  const VertexUse &use, std::vector<Price> &prices);

/// The labels of the least values, as many as wanted.
class LeastLabels {
public:
  explicit LeastLabels(unsigned most = 1) : most(most) {}

  bool insert(const Label<1> &label, double) {
    if (labels.size() == most && label.value[0] >= labels.back().value[0])
      return false;
    auto place = llvm::upper_bound(labels, label,
                                   [](const Label<1> &a, const Label<1> &b) {
                                     return a.value[0] < b.value[0];
                                   });
    labels.insert(place, label);
    if (labels.size() > most)
      labels.pop_back();
    return true;
  }
  size_t size() const { return labels.size(); }
  bool empty() const { return labels.empty(); }
  const Label<1> &operator[](size_t k) const { return labels[k]; }

private:
  unsigned most;
  std::vector<Label<1>> labels; ///< Ascending.
};

/// K = 1: one of the two figures; K = 2: both, for their product or the front.
template <size_t K> class ModelSearch {
public:
  using Values = std::array<double, K>;
  using Labels = std::conditional_t<K == 1, LeastLabels, Front<K>>;
  using Mask = SubsetVolumes::Mask;
  using Splits = std::vector<std::pair<Mask, Mask>>;

  ModelSearch(const ClosedNetwork &network, unsigned rootLeaf,
              const CostModel &model, const ModelSearchOptions &options,
              const SubsetVolumes &volumes);

  void searchBounds();
  /// The best tree of lower bounds.
  Splits boundSplits() const;
  /// Bounds what is looked at by the best layouts of a tree.
  void tryTree(const Splits &splits);
  void run();
  /// Trees found by the last search, best first (K = 2 and all undominated:
  /// ascending in latency), without prices.
  llvm::Expected<std::vector<ModelTree>> trees();

  uint64_t numSplits = 0;

private:
  /// An infinite latency makes a step impossible, whatever is minimized.
  Values pick(Price price) const {
    if constexpr (K == 2)
      return {price.latency, price.energy};
    else if (options.objective == ModelObjective::Latency ||
             !std::isfinite(price.latency))
      return {price.latency};
    else
      return {price.energy};
  }
  static double worth(const Values &values) {
    if constexpr (K == 2)
      return values[0] * values[1];
    return values[0];
  }
  static Values sum(const Values &x, const Values &y) {
    Values total;
    for (size_t k = 0; k < K; ++k)
      total[k] = x[k] + y[k];
    return total;
  }
  StepShape shapeOf(Mask set, Mask a, Mask b, double flops) const {
    double left = volumes.elements(a), right = volumes.elements(b);
    double made = volumes.elements(set);
    // Quotients of whole numbers that are whole: exact.
    StepShape shape{1, flops / right, flops / left, flops / made};
    shape.batch = left / (shape.rows * shape.summed);
    return shape;
  }
  VertexUse useOf(Mask set, Mask a, Mask b) const {
    return {(set & activations) != 0 ? times : 1, (a & gradients) != 0,
            (b & gradients) != 0};
  }
  Values boundOf(Mask set, Mask a, Mask b, double scale,
                 bool rough = false) const {
    double flops = volumes.flops(scale, a, b);
    return pick(
        vertexBound(model, shapeOf(set, a, b, flops), useOf(set, a, b), rough));
  }
  /// Whether some figure is below what is known.
  static bool lowers(const Values &x, const Values &known) {
    for (size_t k = 0; k < K; ++k)
      if (x[k] < known[k])
        return true;
    return false;
  }
  static void lower(Values &known, const Values &x) {
    for (size_t k = 0; k < K; ++k)
      known[k] = std::min(known[k], x[k]);
  }
  /// Indices and layouts of a set, looked up once.
  struct Tensor {
    IndexList indices;
    unsigned numLayouts = 0;
  };
  const Tensor &tensor(Mask set);
  Labels noLabels() const;
  void startLeaves(std::map<Mask, std::vector<Labels>> &fronts);
  void price(Mask set, Mask a, Mask b, const Values &rest,
             llvm::ArrayRef<Labels> first, llvm::ArrayRef<Labels> second,
             llvm::MutableArrayRef<Labels> to);
  bool isBeaten(const Values &bound) const;
  void finish(llvm::ArrayRef<Labels> fronts);
  void appendBound(Mask set, Splits &splits) const;

  const ClosedNetwork &network;
  unsigned root;
  const CostModel &model;
  const ModelSearchOptions &options;
  const SubsetVolumes &volumes;
  std::vector<unsigned> leafOf;
  Mask gradients = 0, activations = 0;
  double times = 1;
  std::vector<Values> inside, around; ///< Lower bounds.
  std::vector<Tensor> tensors;
  /// By set, then layout.
  std::map<Mask, std::vector<Labels>> found;
  /// Nothing worse than this is looked at; of the front, nothing that one of
  /// the known points dominates.
  double limit = std::numeric_limits<double>::infinity();
  std::vector<Values> known;
  std::vector<Price> table;

  /// The results of the last search.
  struct End {
    Values values;
    unsigned layout, label;
  };
  std::vector<End> ends;
};

extern template class ModelSearch<1>;
extern template class ModelSearch<2>;

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_MODELSEARCH_H

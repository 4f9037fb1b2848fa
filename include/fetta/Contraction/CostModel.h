//===- CostModel.h - Contraction orders for a machine -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The price of a step as somebody outside of this library knows it, with the
/// layout of tensors as state, and the exact search by it. The price of a tree
/// is the sum over its steps: a machine that does one after the other. Where
/// steps overlap this is a bound, not a schedule.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_COSTMODEL_H
#define FETTA_CONTRACTION_COSTMODEL_H

#include "fetta/Contraction/TrainingSearch.h"

namespace fetta {

/// What a model charges; units are the model's. Not negative.
struct Price {
  double latency = 0, energy = 0;
};

/// Sizes of a step: products of the indices on both operands and the result,
/// on the left operand and the result, on the right operand and the result, and
/// on both operands only.
struct StepShape {
  double batch = 1, rows = 1, columns = 1, summed = 1;

  double lhsElements() const { return batch * rows * summed; }
  double rhsElements() const { return batch * columns * summed; }
  double resultElements() const { return batch * rows * columns; }
  double flops() const { return batch * rows * columns * summed; }
};

/// A step with its indices, ascending. Which operand is the left one means
/// nothing: a model that cares tries both.
struct ModelStep {
  const ClosedNetwork &network;
  llvm::ArrayRef<unsigned> lhs, rhs, result;
  StepShape shape;
  /// Layouts of each, as numLayouts says.
  unsigned lhsLayouts, rhsLayouts, resultLayouts;
};

/// Layouts are numbered from 0, tensor by tensor: what a number means is the
/// model's, and must follow from the indices of the tensor.
class CostModel {
public:
  static constexpr unsigned maxLayouts = 8;

  virtual ~CostModel();

  /// 1 to maxLayouts. \p indices: those of an intermediate, ascending, or of
  /// one of the network's tensors in the order of its dimensions; the order
  /// must not matter.
  virtual unsigned numLayouts(const ClosedNetwork &network,
                              llvm::ArrayRef<unsigned> indices) const = 0;

  /// A step for all layouts, moves between layouts included: the price for
  /// layouts a, b, r is at (a * rhsLayouts + b) * resultLayouts + r. Infinite
  /// latency: impossible.
  virtual void stepPrices(const ModelStep &step,
                          llvm::MutableArrayRef<Price> prices) const = 0;

  /// No layouts make the step cheaper than this, in either figure. The search
  /// asks for it far more often than for prices.
  virtual Price lowerBound(const StepShape &shape) const = 0;

  /// Not above lowerBound, and found in nanoseconds: asked for first.
  virtual Price roughBound(const StepShape &shape) const { return {}; }

  /// Of having a tensor of the network, whose dimensions stand in the order of
  /// \p indices, in a layout; or of bringing the last result from there into
  /// its order.
  virtual Price boundaryPrice(const ClosedNetwork &network,
                              llvm::ArrayRef<unsigned> indices,
                              unsigned layout) const = 0;
};

struct ModelSearchOptions {
  ModelObjective objective = ModelObjective::Latency;
  /// The whole training step on one tree: each vertex is priced forward and
  /// for the adjoints that the wanted gradients need, as often as they are
  /// done. A value and its adjoint have the same layout, which keeps layouts a
  /// state of the set. Without: one phase.
  std::optional<TrainingGoal> goal;
  /// So many trees, of those within \c slack of the best known. The best is
  /// exact, and the others are unless they differ in layouts only.
  unsigned best = 1;
  double slack = 0;

  /// Of searchModelFront: 1.01 for a front of which each tree has a point at
  /// most 1 % worse in both figures; 1: exact.
  double factor = 1;
  bool front = false; ///< Set by it.
};

/// A tree with layouts.
struct ModelTree {
  ContractionTree tree;
  /// By value of the tree; the root leaf's entry is without meaning.
  std::vector<unsigned> layouts;
  Price price;
  double value = 0; ///< Latency, energy, or their product.
};

struct ModelResult {
  ModelTree best;
  std::vector<ModelTree> others; ///< Ascending in value.
  Price treeOfFewestFlops;       ///< The best layouts of searchTree's tree.
  /// Over all trees and layouts, to the accuracy of floating-point sums.
  bool proven = true;
  uint64_t splits = 0;    ///< Splits that passed the lower bound.
  uint64_t allSplits = 0; ///< Splits there are.
};

/// The best tree and layouts by a model: exact, by dynamic programming over
/// subsets and layouts. A split is priced only if the lower bounds of what is
/// within, of the step, and of the best rest of a tree do not exceed the best
/// tree known. Energy times delay is no sum: for it the undominated pairs are
/// kept. Errors: more than maxExactTensors tensors, sizes beyond floating
/// point, a model without a finite price, a goal that is not one of the
/// network.
llvm::Expected<ModelResult> searchByModel(const ClosedNetwork &network,
                                          unsigned rootLeaf,
                                          const CostModel &model,
                                          const ModelSearchOptions &options);
llvm::Expected<ModelResult>
searchByModel(const ClosedNetwork &network, unsigned rootLeaf,
              const CostModel &model,
              ModelObjective objective = ModelObjective::Latency);

/// All trees with layouts of which no other has less latency and less energy,
/// ascending in latency. Errors as above.
llvm::Expected<std::vector<ModelTree>>
searchModelFront(const ClosedNetwork &network, unsigned rootLeaf,
                 const CostModel &model, const ModelSearchOptions &options);

/// Both figures of a tree with layouts, numbered as in ModelTree.
Price priceOfTree(const ClosedNetwork &network, const CostModel &model,
                  const std::optional<TrainingGoal> &goal,
                  const ContractionTree &tree,
                  llvm::ArrayRef<unsigned> layouts);

/// An example of a model, and a machine that many resemble: an array of
/// \c height times \c width multipliers holds a block of the right operand,
/// rows of the left one stream through it, one a cycle for each block. It is
/// analytic; its constants are assumed.
///
/// The layout of a tensor is which of its indices is innermost in memory: one
/// of the eight largest (of equals the first), numbered from the largest on; a
/// tensor without an index above 1 has one layout. The left operand must have
/// a summed index innermost and the right one a column index; a group of size
/// 1 asks for nothing. The result then has the right operand's innermost
/// index, or, without columns, any row or batch index. An operand or a result
/// in another layout is transposed: read and written once.
class MatrixEngineModel : public CostModel {
public:
  struct Constants {
    double height = 16, width = 16; ///< Summed and column indices at once.
    double elementsPerCycle = 16;   ///< Of a transposition, read plus written.
    double multiplyEnergy = 1, elementEnergy = 4; ///< Arbitrary units.
  };
  explicit MatrixEngineModel(Constants constants) : constants(constants) {}
  MatrixEngineModel() = default;

  unsigned numLayouts(const ClosedNetwork &network,
                      llvm::ArrayRef<unsigned> indices) const override;
  void stepPrices(const ModelStep &step,
                  llvm::MutableArrayRef<Price> prices) const override;
  Price lowerBound(const StepShape &shape) const override;
  Price boundaryPrice(const ClosedNetwork &network,
                      llvm::ArrayRef<unsigned> indices,
                      unsigned layout) const override;

private:
  double cycles(const StepShape &shape) const;
  Price transposition(double elements) const;

  Constants constants;
};

} // namespace fetta

#endif // FETTA_CONTRACTION_COSTMODEL_H

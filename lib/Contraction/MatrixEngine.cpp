//===- MatrixEngine.cpp - An analytic cost model --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/CostModel.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace fetta;

CostModel::~CostModel() = default;

/// The index that is innermost in each layout; empty: one layout, no index.
static SmallVector<unsigned, 8> innermost(const ClosedNetwork &network,
                                          ArrayRef<unsigned> indices) {
  SmallVector<unsigned, 8> found;
  for (unsigned index : indices)
    if (network.getIndices()[index].size > 1)
      found.push_back(index);
  llvm::sort(found, [&](unsigned x, unsigned y) {
    int64_t sizeX = network.getIndices()[x].size;
    int64_t sizeY = network.getIndices()[y].size;
    return sizeX != sizeY ? sizeX > sizeY : x < y;
  });
  if (found.size() > CostModel::maxLayouts)
    found.resize(CostModel::maxLayouts);
  return found;
}

static Price operator+(Price x, Price y) {
  return {x.latency + y.latency, x.energy + y.energy};
}

double MatrixEngineModel::cycles(const StepShape &shape) const {
  return shape.batch * shape.rows * std::ceil(shape.summed / constants.height) *
         std::ceil(shape.columns / constants.width);
}

Price MatrixEngineModel::transposition(double elements) const {
  return {2 * elements / constants.elementsPerCycle,
          2 * elements * constants.elementEnergy};
}

unsigned MatrixEngineModel::numLayouts(const ClosedNetwork &network,
                                       ArrayRef<unsigned> indices) const {
  return std::max<size_t>(innermost(network, indices).size(), 1);
}

Price MatrixEngineModel::lowerBound(const StepShape &shape) const {
  StepShape swapped = shape;
  std::swap(swapped.rows, swapped.columns);
  double elements =
      shape.lhsElements() + shape.rhsElements() + shape.resultElements();
  return {std::min(cycles(shape), cycles(swapped)),
          constants.multiplyEnergy * shape.flops() +
              constants.elementEnergy * elements};
}

void MatrixEngineModel::stepPrices(const ModelStep &step,
                                   MutableArrayRef<Price> prices) const {
  const double infinity = std::numeric_limits<double>::infinity();
  for (Price &price : prices)
    price = {infinity, infinity};
  SmallVector<unsigned, 8> result = innermost(step.network, step.result);
  // Either operand may be the one that the array holds.
  for (bool swap : {false, true}) {
    ArrayRef<unsigned> left = swap ? step.rhs : step.lhs;
    ArrayRef<unsigned> right = swap ? step.lhs : step.rhs;
    SmallVector<unsigned, 8> leftInner = innermost(step.network, left);
    SmallVector<unsigned, 8> rightInner = innermost(step.network, right);
    StepShape shape = step.shape;
    if (swap)
      std::swap(shape.rows, shape.columns);
    double elements =
        shape.lhsElements() + shape.rhsElements() + shape.resultElements();
    Price work = {cycles(shape), constants.multiplyEnergy * shape.flops() +
                                     constants.elementEnergy * elements};
    Price moveLeft = transposition(shape.lhsElements());
    Price moveRight = transposition(shape.rhsElements());
    Price moveResult = transposition(shape.resultElements());
    auto holds = [](ArrayRef<unsigned> list, unsigned index) {
      return std::binary_search(list.begin(), list.end(), index);
    };
    unsigned numLeft = std::max<size_t>(leftInner.size(), 1);
    unsigned numRight = std::max<size_t>(rightInner.size(), 1);
    for (unsigned a = 0; a < numLeft; ++a) {
      bool leftFits = shape.summed == 1 || (holds(right, leftInner[a]) &&
                                            !holds(step.result, leftInner[a]));
      for (unsigned b = 0; b < numRight; ++b) {
        bool rightFits = shape.columns == 1 || !holds(left, rightInner[b]);
        Price before = work + (leftFits ? Price{} : moveLeft) +
                       (rightFits ? Price{} : moveRight);
        for (unsigned r = 0; r < step.resultLayouts; ++r) {
          // What the array can write: with columns, the one that the right
          // operand has innermost; any of them if it is transposed anyway.
          bool direct = true;
          if (shape.columns > 1)
            direct = rightFits ? result[r] == rightInner[b]
                               : !holds(left, result[r]);
          Price all = before + (direct ? Price{} : moveResult);
          size_t at = swap ? (b * numLeft + a) : (a * numRight + b);
          Price &best = prices[at * step.resultLayouts + r];
          // A choice between the two operands' places is one of latency.
          if (std::pair(all.latency, all.energy) <
              std::pair(best.latency, best.energy))
            best = all;
        }
      }
    }
  }
}

Price MatrixEngineModel::boundaryPrice(const ClosedNetwork &network,
                                       ArrayRef<unsigned> indices,
                                       unsigned layout) const {
  SmallVector<unsigned, 8> inner = innermost(network, indices);
  // Indices of size 1 have no place in memory.
  auto last = llvm::find_if(llvm::reverse(indices), [&](unsigned index) {
    return network.getIndices()[index].size > 1;
  });
  if (inner.empty() || inner[layout] == *last)
    return {};
  double elements = 1;
  for (unsigned index : indices)
    elements *= static_cast<double>(network.getIndices()[index].size);
  return transposition(elements);
}

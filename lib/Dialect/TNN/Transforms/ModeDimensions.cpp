//===- ModeDimensions.cpp ---------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModeDimensions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fetta::tnn;

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool fetta::tnn::isView(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, arith::TruncFOp,
             arith::ExtFOp>(op);
}

SmallVector<ReassociationIndices> fetta::tnn::getReshapeGroups(Operation *op) {
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return expand.getReassociationIndices();
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return collapse.getReassociationIndices();
  return {};
}

Value fetta::tnn::getViewed(Value value) {
  while (value.getDefiningOp() && isView(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

LogicalResult ModeDimensions::set(Operation &op, Value value, int64_t dimension,
                                  bool &changed) {
  auto [entry, isNew] = dimensions.insert({value, dimension});
  changed |= isNew;
  if (entry->second != dimension)
    return op.emitOpError()
           << "cannot be sliced: dimensions " << entry->second << " and "
           << dimension << " of " << value.getType() << " are both " << name;
  return success();
}

bool fetta::tnn::isOnlyReturned(Value value) {
  return llvm::all_of(value.getUsers(), [](Operation *user) {
    return user->hasTrait<OpTrait::IsTerminator>() ||
           (isView(user) && isOnlyReturned(user->getResult(0)));
  });
}

LogicalResult ModeDimensions::propagateReshape(Operation &op, bool &changed) {
  Value source = op.getOperand(0), result = op.getResult(0);
  SmallVector<ReassociationIndices> groups = getReshapeGroups(&op);
  if (groups.empty()) { // A cast, or a scalar.
    for (auto [from, to] : {std::pair(source, result), {result, source}})
      if (auto it = dimensions.find(from); it != dimensions.end())
        if (failed(set(op, to, it->second, changed)))
          return failure();
    return success();
  }
  bool expands = isa<tensor::ExpandShapeOp>(op);
  Value coarse = expands ? source : result, fine = expands ? result : source;
  RankedTensorType fineType = tensorType(fine);
  for (auto [coarseDim, group] : llvm::enumerate(groups)) {
    auto c = dimensions.find(coarse);
    bool isCoarse = c != dimensions.end() && c->second == int64_t(coarseDim);
    auto f = dimensions.find(fine);
    bool isFine = f != dimensions.end() && llvm::is_contained(group, f->second);
    if (!isCoarse && !isFine)
      continue;
    SmallVector<int64_t> parts;
    for (int64_t d : group)
      if (fineType.getDimSize(d) == size)
        parts.push_back(d);
    if (tensorType(coarse).getDimSize(coarseDim) != size || parts.size() != 1) {
      bool ends = splits == Splits::EndAtBoundary && !isCoarse &&
                  (expands ? isa<BlockArgument>(getViewed(source))
                           : isOnlyReturned(result));
      if (ends)
        continue;
      return op.emitOpError()
             << "cannot be sliced: it " << (expands ? "splits" : "merges")
             << " " << name << " of " << size;
    }
    if (failed(set(op, coarse, coarseDim, changed)) ||
        failed(set(op, fine, parts.front(), changed)))
      return failure();
  }
  return success();
}

LogicalResult ModeDimensions::propagate(Operation &op, bool &changed) {
  if (isView(&op))
    return propagateReshape(op, changed);
  SmallVector<std::pair<Value, SmallVector<StringAttr>>> tensors;
  if (auto contract = dyn_cast<ContractOp>(op)) {
    EinsumAttr einsum = contract.getEinsum();
    tensors = {{contract.getLhs(), einsum.getInputModes(0)},
               {contract.getRhs(), einsum.getInputModes(1)},
               {contract.getResult(), einsum.getOutputModes()},
               {contract.getInit(), einsum.getOutputModes()}};
  } else if (auto whole = dyn_cast<EinsumOp>(op)) {
    EinsumAttr einsum = whole.getEinsum();
    for (auto [number, input] : llvm::enumerate(whole.getInputs()))
      tensors.push_back({input, einsum.getInputModes(unsigned(number))});
    tensors.push_back({whole.getResult(), einsum.getOutputModes()});
  }
  for (auto &[value, modes] : tensors) {
    auto dimension = value ? dimensions.find(value) : dimensions.end();
    if (dimension == dimensions.end())
      continue;
    StringAttr mode = modes[dimension->second];
    for (auto &[other, otherModes] : tensors) {
      auto *position = llvm::find(otherModes, mode);
      if (other && position != otherModes.end() &&
          failed(set(op, other, position - otherModes.begin(), changed)))
        return failure();
    }
  }
  return success();
}

LogicalResult ModeDimensions::follow(Value seed, int64_t dimension) {
  size = tensorType(seed).getDimSize(dimension);
  dimensions[seed] = dimension;
  for (bool changed = true; changed;) {
    changed = false;
    for (Operation &op : function.getBody().front())
      if (failed(propagate(op, changed)))
        return failure();
  }
  return success();
}

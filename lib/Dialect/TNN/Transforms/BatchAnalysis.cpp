//===- BatchAnalysis.cpp ----------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BatchAnalysis.h"
#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
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

/// The first used argument that is no parameter and has a leading dimension.
static BlockArgument findBatchArgument(func::FuncOp function) {
  for (BlockArgument argument : function.getArguments()) {
    auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      kRoleAttr);
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if ((!role || role.getValue() != kRoleParam) && type &&
        type.hasStaticShape() && type.getRank() > 0 && !argument.use_empty())
      return argument;
  }
  return {};
}

std::optional<int64_t> fetta::tnn::getBatchSize(func::FuncOp function) {
  if (function.isExternal())
    return std::nullopt;
  BlockArgument argument = findBatchArgument(function);
  return argument ? std::optional(tensorType(argument).getDimSize(0))
                  : std::nullopt;
}

LogicalResult BatchAnalysis::checkOperation(Operation &op) {
  if (isa<ContractOp>(op) || isView(&op) ||
      op.hasTrait<OpTrait::IsTerminator>())
    return success();
  return op.emitOpError() << "cannot be sliced over the batch, only "
                             "contractions and reshapes can";
}

LogicalResult BatchAnalysis::setDimension(Operation &op, Value value,
                                          int64_t dimension, bool &changed) {
  auto [entry, isNew] = dimensions.insert({value, dimension});
  changed |= isNew;
  if (entry->second != dimension)
    return op.emitOpError()
           << "cannot be sliced: dimensions " << entry->second << " and "
           << dimension << " of " << value.getType() << " are both the batch";
  return success();
}

LogicalResult BatchAnalysis::propagate(Operation &op, bool &changed) {
  if (auto contract = dyn_cast<ContractOp>(op)) {
    EinsumAttr einsum = contract.getEinsum();
    std::pair<Value, SmallVector<StringAttr>> tensors[] = {
        {contract.getLhs(), einsum.getInputModes(0)},
        {contract.getRhs(), einsum.getInputModes(1)},
        {contract.getResult(), einsum.getOutputModes()},
        {contract.getInit(), einsum.getOutputModes()}};
    for (auto &[value, modes] : tensors) {
      auto dimension = value ? dimensions.find(value) : dimensions.end();
      if (dimension == dimensions.end())
        continue;
      StringAttr mode = modes[dimension->second];
      for (auto &[other, otherModes] : tensors) {
        auto *position = llvm::find(otherModes, mode);
        if (other && position != otherModes.end() &&
            failed(setDimension(op, other, position - otherModes.begin(),
                                changed)))
          return failure();
      }
    }
    return success();
  }
  if (!isView(&op))
    return success();
  Value source = op.getOperand(0), result = op.getResult(0);
  SmallVector<ReassociationIndices> groups = getReshapeGroups(&op);
  if (groups.empty()) { // A cast, or a scalar.
    for (auto [from, to] : {std::pair(source, result), {result, source}})
      if (auto it = dimensions.find(from); it != dimensions.end())
        if (failed(setDimension(op, to, it->second, changed)))
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
      if (fineType.getDimSize(d) == batch)
        parts.push_back(d);
    if (parts.size() != 1 || tensorType(coarse).getDimSize(coarseDim) != batch)
      return op.emitOpError()
             << "cannot be sliced: it " << (expands ? "splits" : "merges")
             << " the batch of " << batch;
    if (failed(setDimension(op, coarse, coarseDim, changed)) ||
        failed(setDimension(op, fine, parts.front(), changed)))
      return failure();
  }
  return success();
}

LogicalResult BatchAnalysis::classifyContract(ContractOp op) {
  Value result = op.getResult();
  SmallVector<Value> sliced, partial;
  for (Value factor : op.getFactors()) {
    if (kindOf(factor) == Kind::Sliced)
      sliced.push_back(factor);
    else if (kindOf(factor) == Kind::Partial)
      partial.push_back(factor);
  }
  if (op.getInit() && (!sliced.empty() || !partial.empty() ||
                       kindOf(op.getInit()) != Kind::Whole))
    return op.emitOpError() << "cannot be sliced: it goes on from sums already";
  if (partial.size() + !sliced.empty() > 1)
    return op.emitOpError()
           << "cannot be sliced: it multiplies a sum over the batch, which is "
              "known only after the last slice, by "
           << (sliced.empty() ? "another one" : "a slice");
  if (dimensions.contains(result)) {
    kinds[result] = Kind::Sliced;
    return success();
  }
  if (sliced.empty() && partial.empty()) {
    kinds[result] = Kind::Whole;
    return success();
  }
  // A sum over the batch. The machine adds up in f32 and rounds when it drains
  // the last time: what goes on as bf16 goes on for each slice.
  if (op.getType().getElementType().isF32()) {
    kinds[result] = Kind::Total;
    return success();
  }
  kinds[result] = Kind::Partial;
  return success();
}

LogicalResult BatchAnalysis::classify(Operation &op) {
  if (auto contract = dyn_cast<ContractOp>(op)) {
    if (failed(classifyContract(contract)))
      return failure();
  } else if (isView(&op)) {
    kinds[op.getResult(0)] = kindOf(op.getOperand(0));
  } else if (op.hasTrait<OpTrait::IsTerminator>()) {
    for (OpOperand &operand : op.getOpOperands())
      if (kindOf(operand.get()) == Kind::Partial)
        return op.emitOpError()
               << "cannot be sliced: result #" << operand.getOperandNumber()
               << " is a sum over the batch that is rounded to "
               << tensorType(operand.get()).getElementType()
               << "; sums over slices are in f32, so make it "
               << tensorType(operand.get())
                      .clone(Float32Type::get(op.getContext()));
  }
  // What needs a total waits for the last slice.
  bool isLate = llvm::any_of(op.getOperands(), [&](Value operand) {
    return kindOf(operand) == Kind::Total ||
           (operand.getDefiningOp() && late.contains(operand.getDefiningOp()));
  });
  if (!isLate)
    return success();
  if (op.getNumResults() && kindOf(op.getResult(0)) == Kind::Sliced)
    return op.emitOpError() << "cannot be sliced: it needs a sum over the "
                               "batch, which is known only after the last "
                               "slice";
  late.insert(&op);
  return success();
}

LogicalResult BatchAnalysis::run() {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError()
           << "cannot be sliced: it has "
           << function.getBody().getBlocks().size() << " blocks";
  Block &block = function.getBody().front();
  BlockArgument argument = findBatchArgument(function);
  if (!argument)
    return function.emitOpError()
           << "cannot be sliced: every argument is a parameter, none has a "
              "batch";
  batch = tensorType(argument).getDimSize(0);
  for (Operation &op : block)
    if (failed(checkOperation(op)))
      return failure();
  dimensions[argument] = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (Operation &op : block)
      if (failed(propagate(op, changed)))
        return failure();
  }
  for (BlockArgument other : function.getArguments())
    kinds[other] = dimensions.contains(other) ? Kind::Sliced : Kind::Whole;
  for (Operation &op : block)
    if (failed(classify(op)))
      return failure();
  return success();
}

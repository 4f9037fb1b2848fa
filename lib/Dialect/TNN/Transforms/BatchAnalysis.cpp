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

BlockArgument fetta::tnn::findBatchArgument(func::FuncOp function) {
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

std::optional<ModeDimensions> fetta::tnn::followBatch(func::FuncOp function) {
  BlockArgument argument = findBatchArgument(function);
  if (!argument)
    return std::nullopt;
  // Whoever slices says what stands in the way.
  ScopedDiagnosticHandler quiet(function.getContext(),
                                [](Diagnostic &) { return success(); });
  ModeDimensions batch(function, "the batch", ModeDimensions::Splits::Refuse);
  if (failed(batch.follow(argument, 0)))
    return std::nullopt;
  return batch;
}

bool fetta::tnn::isWeight(Value value, func::FuncOp function) {
  SmallVector<Value> todo = {value};
  llvm::SmallDenseSet<Value> seen;
  while (!todo.empty()) {
    Value next = todo.pop_back_val();
    if (!seen.insert(next).second)
      continue;
    auto argument = dyn_cast<BlockArgument>(next);
    if (!argument) {
      llvm::append_range(todo, next.getDefiningOp()->getOperands());
      continue;
    }
    if (argument.getOwner() != &function.getBody().front())
      return false;
    auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      kRoleAttr);
    if (!role || role.getValue() != kRoleParam)
      return false;
  }
  return true;
}

std::optional<int64_t> fetta::tnn::getBatchSize(func::FuncOp function) {
  if (function.isExternal())
    return std::nullopt;
  BlockArgument argument = findBatchArgument(function);
  return argument ? std::optional(tensorType(argument).getDimSize(0))
                  : std::nullopt;
}

LogicalResult fetta::tnn::checkSliceable(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError()
           << "cannot be sliced: it has "
           << function.getBody().getBlocks().size() << " blocks";
  for (Operation &op : function.getBody().front())
    if (!isa<ContractOp>(op) && !isView(&op) &&
        !op.hasTrait<OpTrait::IsTerminator>())
      return op.emitOpError() << "cannot be sliced, only contractions and "
                                 "reshapes can";
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
  if (mode.isHeldBy(result)) {
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
  if (failed(checkSliceable(function)))
    return failure();
  BlockArgument argument = findBatchArgument(function);
  if (!argument)
    return function.emitOpError()
           << "cannot be sliced: every argument is a parameter, none has a "
              "batch";
  return run({{argument, 0}});
}

LogicalResult
BatchAnalysis::run(ArrayRef<std::pair<BlockArgument, int64_t>> batches) {
  for (auto [argument, dimension] : batches)
    if (failed(mode.follow(argument, dimension)))
      return failure();
  for (BlockArgument other : function.getArguments())
    kinds[other] = mode.isHeldBy(other) ? Kind::Sliced : Kind::Whole;
  for (Operation &op : function.getBody().front())
    if (failed(classify(op)))
      return failure();
  return success();
}

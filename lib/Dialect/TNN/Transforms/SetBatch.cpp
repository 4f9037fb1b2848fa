//===- SetBatch.cpp ---------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// A function for another batch.
//
//===----------------------------------------------------------------------===//

#include "BatchAnalysis.h"
#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fetta::tnn;

LogicalResult fetta::tnn::setBatch(func::FuncOp function, int64_t size) {
  assert(size > 0 && "a batch holds something");
  BatchAnalysis batch(function);
  if (failed(batch.run()))
    return failure();
  auto resize = [&](Value value) {
    if (batch.kindOf(value) != Kind::Sliced)
      return;
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape[batch.dimensionOf(value)] = size;
    value.setType(type.clone(shape));
  };
  Block &block = function.getBody().front();
  llvm::for_each(block.getArguments(), resize);
  for (Operation &op : block.without_terminator()) {
    llvm::for_each(op.getResults(), resize);
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
      expand.setStaticOutputShape(expand.getResultType().getShape());
  }
  function.setType(FunctionType::get(function.getContext(),
                                     block.getArgumentTypes(),
                                     block.getTerminator()->getOperandTypes()));
  return success();
}

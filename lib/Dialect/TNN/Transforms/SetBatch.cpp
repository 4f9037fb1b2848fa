//===- SetBatch.cpp ---------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// A function for another batch, or another size of any mode.
//
//===----------------------------------------------------------------------===//

#include "BatchAnalysis.h"
#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fetta::tnn;

void fetta::tnn::resizeMode(func::FuncOp function, const ModeDimensions &mode,
                            int64_t size) {
  assert(size > 0 && "a mode holds something");
  auto resize = [&](Value value) {
    if (!mode.isHeldBy(value))
      return;
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape[mode.dimensionOf(value)] = size;
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
}

LogicalResult fetta::tnn::setBatch(func::FuncOp function, int64_t size) {
  BatchAnalysis batch(function);
  if (failed(batch.run()))
    return failure();
  resizeMode(function, batch.getMode(), size);
  return success();
}

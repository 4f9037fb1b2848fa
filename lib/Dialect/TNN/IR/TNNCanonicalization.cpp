//===- TNNCanonicalization.cpp ----------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Folders and canonicalizations. None of them changes the order of
/// contractions or rounds differently.
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fetta::tnn;

OpFoldResult EinsumOp::fold(FoldAdaptor) {
  if (getInputs().size() == 1 &&
      getEinsum().getInputModes(0) == getEinsum().getOutputModes() &&
      getInputs()[0].getType() == getType())
    return getInputs()[0];
  return {};
}

/// One operand: its modes are all kept, so this is a transpose and possibly a
/// wider element type.
static void rewriteSingle(EinsumOp op, PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  Value value = op.getInputs()[0];
  SmallVector<StringAttr> from = op.getEinsum().getInputModes(0);
  SmallVector<StringAttr> to = op.getEinsum().getOutputModes();
  if (from != to) {
    SmallVector<int64_t> permutation;
    for (StringAttr mode : to)
      permutation.push_back(llvm::find(from, mode) - from.begin());
    Value empty = tensor::EmptyOp::create(
        rewriter, loc, op.getType().getShape(),
        cast<RankedTensorType>(value.getType()).getElementType());
    value =
        linalg::TransposeOp::create(rewriter, loc, value, empty, permutation)
            ->getResult(0);
  }
  if (value.getType() != op.getType())
    value = arith::ExtFOp::create(rewriter, loc, op.getType(), value);
  rewriter.replaceOp(op, value);
}

LogicalResult EinsumOp::canonicalize(EinsumOp op, PatternRewriter &rewriter) {
  if (op.getInputs().size() == 1) {
    rewriteSingle(op, rewriter);
    return success();
  }
  if (op.getInputs().size() == 2 && checkedProduct(op.getModeSizes())) {
    auto contract = ContractOp::create(rewriter, op.getLoc(), op.getType(),
                                       op.getInputs()[0], op.getInputs()[1],
                                       op.getEinsum());
    contract->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    rewriter.replaceOp(op, contract);
    return success();
  }
  return failure();
}

//===- ExpandLayers.cpp -----------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "fetta/Dialect/TNN/IR/TNNUtils.h"
#include "fetta/Dialect/TNN/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace fetta::tnn {
#define GEN_PASS_DEF_TNNEXPANDLAYERSPASS
#include "fetta/Dialect/TNN/Transforms/Passes.h.inc"
} // namespace fetta::tnn

using namespace mlir;
using namespace fetta::tnn;

/// [0], ..., [n - 1], [n, ..., n + k - 1]: the last dimension of n + 1 is split
/// into k modes.
static SmallVector<ReassociationIndices> splitLast(int64_t n, int64_t k) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t d = 0; d < n; ++d)
    groups.push_back({d});
  ReassociationIndices split;
  for (int64_t d = n; d < n + k; ++d)
    split.push_back(d);
  groups.push_back(split);
  return groups;
}

namespace {
struct ExpandLinear : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    DecompositionAttrInterface weight = op.getWeight();
    auto xType = cast<RankedTensorType>(op.getX().getType());
    Type elementType = xType.getElementType();
    ArrayRef<int64_t> batch = xType.getShape().drop_back();
    auto withBatch = [&](ArrayRef<int64_t> modes) {
      SmallVector<int64_t> shape(batch);
      llvm::append_range(shape, modes);
      return RankedTensorType::get(shape, elementType);
    };
    ArrayRef<int64_t> inputModes = weight.getInputModes();
    ArrayRef<int64_t> outputModes = weight.getOutputModes();

    LayerEinsum layer = getLayerEinsum(weight, batch.size());
    SmallVector<Value> operands = {op.getX()};
    if (inputModes.size() > 1)
      operands[0] = tensor::ExpandShapeOp::create(
          rewriter, loc, withBatch(inputModes), op.getX(),
          splitLast(batch.size(), inputModes.size()));
    for (auto [core, dropped] :
         llvm::zip_equal(op.getCores(), layer.droppedDims))
      operands.push_back(dropUnitDims(rewriter, loc, core, dropped));

    Value y = EinsumOp::create(rewriter, loc, withBatch(outputModes), operands,
                               layer.einsum, DenseI64ArrayAttr());
    if (outputModes.size() > 1)
      y = tensor::CollapseShapeOp::create(
          rewriter, loc, op.getResult().getType(), y,
          splitLast(batch.size(), outputModes.size()));
    if (Value bias = op.getBias()) {
      if (!batch.empty()) {
        Value empty = tensor::EmptyOp::create(
            rewriter, loc, withBatch(weight.getOutFeatures()).getShape(),
            elementType);
        bias = linalg::BroadcastOp::create(
                   rewriter, loc, bias, empty,
                   llvm::to_vector(llvm::seq<int64_t>(0, batch.size())))
                   ->getResult(0);
      }
      y = arith::AddFOp::create(rewriter, loc, y, bias);
    }
    rewriter.replaceOp(op, y);
    return success();
  }
};

struct TNNExpandLayersPass
    : fetta::tnn::impl::TNNExpandLayersPassBase<TNNExpandLayersPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandLinear>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace

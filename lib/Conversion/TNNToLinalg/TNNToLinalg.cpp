//===- TNNToLinalg.cpp ------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Conversion/TNNToLinalg/TNNToLinalg.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"

namespace fetta {
#define GEN_PASS_DEF_CONVERTTNNTOLINALGPASS
#include "fetta/Conversion/TNNToLinalg/TNNToLinalg.h.inc"
} // namespace fetta

using namespace mlir;
using namespace fetta::tnn;

static Value createZeros(OpBuilder &builder, Location loc,
                         RankedTensorType type) {
  Value zero = arith::ConstantOp::create(
      builder, loc, builder.getZeroAttr(type.getElementType()));
  Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                        type.getElementType());
  return linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
}

static Value createFloatCast(OpBuilder &builder, Location loc, Value value,
                             Type type) {
  if (value.getType() == type)
    return value;
  if (getElementTypeOrSelf(type).isF32())
    return arith::ExtFOp::create(builder, loc, type, value);
  return arith::TruncFOp::create(builder, loc, type, value);
}

/// A linalg.generic over all modes of the einsum: the product of the operands
/// in f32, added to an f32 output where a mode is summed or `init` is given.
static Value createGeneric(OpBuilder &builder, Location loc, EinsumAttr einsum,
                           ValueRange operands, RankedTensorType type,
                           Value init = {}) {
  bool isSum = einsum.hasSummedMode() || init;
  RankedTensorType outType = isSum ? type.clone(builder.getF32Type()) : type;
  Value out = init    ? init
              : isSum ? createZeros(builder, loc, outType)
                      : tensor::EmptyOp::create(builder, loc, type.getShape(),
                                                type.getElementType())
                            .getResult();
  SmallVector<utils::IteratorType> iterators;
  for (StringAttr mode : einsum.getModes())
    iterators.push_back(einsum.isOutputMode(mode)
                            ? utils::IteratorType::parallel
                            : utils::IteratorType::reduction);
  auto body = [&](OpBuilder &nested, Location loc, ValueRange args) {
    Type f32 = nested.getF32Type();
    Value product;
    for (Value factor : args.drop_back()) {
      factor = createFloatCast(nested, loc, factor, f32);
      product =
          product
              ? arith::MulFOp::create(nested, loc, product, factor).getResult()
              : factor;
    }
    if (isSum)
      product = arith::AddFOp::create(nested, loc, args.back(), product);
    linalg::YieldOp::create(
        nested, loc,
        createFloatCast(nested, loc, product, args.back().getType()));
  };
  Value result =
      linalg::GenericOp::create(builder, loc, outType, operands, out,
                                einsum.getIndexingMaps(), iterators, body)
          .getResult(0);
  return createFloatCast(builder, loc, result, type);
}

Value fetta::createLinalgContraction(OpBuilder &builder, Location loc,
                                     EinsumAttr einsum, ValueRange operands,
                                     RankedTensorType type, Value init) {
  if (!einsum.hasSummedMode())
    return createGeneric(builder, loc, einsum, operands, type, init);
  if (!init)
    init = createZeros(builder, loc, type.clone(builder.getF32Type()));
  Value sum =
      linalg::ContractOp::create(
          builder, loc, TypeRange(init.getType()), operands, ValueRange(init),
          builder.getAffineMapArrayAttr(einsum.getIndexingMaps()))
          .getResult(0);
  return createFloatCast(builder, loc, sum, type);
}

namespace {
struct ConvertContract : OpConversionPattern<ContractOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(ContractOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, fetta::createLinalgContraction(
                               rewriter, op.getLoc(), op.getEinsum(),
                               {adaptor.getLhs(), adaptor.getRhs()},
                               op.getType(), adaptor.getInit()));
    return success();
  }
};

struct ConvertEinsum : OpConversionPattern<EinsumOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(EinsumOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, createGeneric(rewriter, op.getLoc(), op.getEinsum(),
                                         adaptor.getOperands(), op.getType()));
    return success();
  }
};

struct ConvertTNNToLinalgPass
    : fetta::impl::ConvertTNNToLinalgPassBase<ConvertTNNToLinalgPass> {
  void runOnOperation() override {
    WalkResult walk = getOperation()->walk([](LinearOp op) {
      op.emitOpError("is a layer; run tnn-expand-layers before "
                     "convert-tnn-to-linalg");
      return WalkResult::interrupt();
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
    ConversionTarget target(getContext());
    target.addIllegalDialect<TNNDialect>();
    target.addLegalDialect<arith::ArithDialect, linalg::LinalgDialect,
                           tensor::TensorDialect>();
    RewritePatternSet patterns(&getContext());
    patterns.add<ConvertContract, ConvertEinsum>(&getContext());
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

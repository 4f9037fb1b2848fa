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
#include "fetta/Dialect/TNN/IR/TNNUtils.h"
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

/// A new operation of the same kind; the path stays valid as the number of
/// operands does.
static Value createLike(EinsumOp op, PatternRewriter &rewriter,
                        RankedTensorType type, ValueRange operands,
                        EinsumAttr einsum) {
  auto result = EinsumOp::create(rewriter, op.getLoc(), type, operands, einsum,
                                 op.getPathAttr());
  result->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  return result;
}
static Value createLike(ContractOp op, PatternRewriter &rewriter,
                        RankedTensorType type, ValueRange operands,
                        EinsumAttr einsum) {
  auto result = ContractOp::create(rewriter, op.getLoc(), type, operands[0],
                                   operands[1], op.getInit(), einsum);
  result->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  return result;
}

namespace {
/// One operand is a transpose, two are a contraction.
struct SimplifyFewOperands : OpRewritePattern<EinsumOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(EinsumOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getInputs().size() == 1) {
      rewriteSingle(op, rewriter);
      return success();
    }
    if (op.getInputs().size() != 2 || !checkedProduct(op.getModeSizes()))
      return rewriter.notifyMatchFailure(op, "not one or two operands");
    auto contract = ContractOp::create(rewriter, op.getLoc(), op.getType(),
                                       op.getInputs()[0], op.getInputs()[1],
                                       op.getEinsum());
    contract->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    rewriter.replaceOp(op, contract);
    return success();
  }
};

/// Modes of size 1 neither loop nor cost: collapse them off the operands and
/// expand the result.
template <typename OpTy> struct DropUnitModes : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    EinsumAttr einsum = op.getEinsum();
    llvm::SmallDenseSet<StringAttr> units;
    for (auto [mode, size] :
         llvm::zip_equal(einsum.getModes(), op.getModeSizes()))
      if (size == 1)
        units.insert(mode);
    if (units.empty())
      return rewriter.notifyMatchFailure(op, "no mode of size 1");
    if (op->getNumOperands() > einsum.getNumInputs())
      return rewriter.notifyMatchFailure(op, "goes on from sums");

    // Splits modes into the positions to drop and the modes to keep.
    auto split = [&](ArrayRef<StringAttr> modes, SmallVector<int64_t> &dropped,
                     SmallVector<StringAttr> &kept) {
      for (auto [d, mode] : llvm::enumerate(modes)) {
        if (units.contains(mode))
          dropped.push_back(d);
        else
          kept.push_back(mode);
      }
    };
    SmallVector<Value> operands;
    SmallVector<SmallVector<StringAttr>> inputs;
    for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
      SmallVector<int64_t> dropped;
      split(einsum.getInputModes(i), dropped, inputs.emplace_back());
      operands.push_back(dropUnitDims(rewriter, op.getLoc(), operand, dropped));
    }
    SmallVector<int64_t> dropped;
    SmallVector<StringAttr> output;
    split(einsum.getOutputModes(), dropped, output);
    auto newEinsum = EinsumAttr::get(op.getContext(), inputs, output);
    RankedTensorType type = op.getType();
    Value result =
        createLike(op, rewriter,
                   inferEinsumType(newEinsum, operands, type.getElementType()),
                   operands, newEinsum);
    if (!dropped.empty())
      result = tensor::ExpandShapeOp::create(
          rewriter, op.getLoc(), type, result,
          getUnitDimGroups(type.getRank(), dropped));
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// An einsum reads its operands in any order of dimensions, so it needs no
/// transpose in front.
template <typename OpTy> struct AbsorbTranspose : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    EinsumAttr einsum = op.getEinsum();
    SmallVector<Value> operands(op.getFactors());
    SmallVector<SmallVector<StringAttr>> inputs;
    bool hasTranspose = false;
    for (auto [i, operand] : llvm::enumerate(operands)) {
      SmallVector<StringAttr> modes = einsum.getInputModes(i);
      if (auto transpose =
              operand.template getDefiningOp<linalg::TransposeOp>()) {
        hasTranspose = true;
        SmallVector<StringAttr> permuted(modes.size());
        // Dimension d of the transpose is dimension permutation[d] before it.
        for (auto [d, source] : llvm::enumerate(transpose.getPermutation()))
          permuted[source] = modes[d];
        modes = permuted;
        operand = transpose.getInput();
      }
      inputs.push_back(modes);
    }
    if (!hasTranspose)
      return rewriter.notifyMatchFailure(op, "no operand is a transpose");
    rewriter.replaceOp(op,
                       createLike(op, rewriter, op.getType(), operands,
                                  EinsumAttr::get(op.getContext(), inputs,
                                                  einsum.getOutputModes())));
    return success();
  }
};
} // namespace

void EinsumOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<SimplifyFewOperands, DropUnitModes<EinsumOp>,
               AbsorbTranspose<EinsumOp>>(context);
}

void ContractOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                             MLIRContext *context) {
  patterns.add<DropUnitModes<ContractOp>, AbsorbTranspose<ContractOp>>(context);
}

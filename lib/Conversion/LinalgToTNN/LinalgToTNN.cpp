//===- LinalgToTNN.cpp ------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Conversion/LinalgToTNN/LinalgToTNN.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace fetta {
#define GEN_PASS_DEF_CONVERTLINALGTOTNNPASS
#include "fetta/Conversion/LinalgToTNN/LinalgToTNN.h.inc"
} // namespace fetta

using namespace mlir;
using namespace fetta::tnn;

/// A zero constant, or a fill with zero.
static bool isZeros(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
  return matchPattern(value, m_AnyZeroFloat());
}

/// The einsum of indexing maps (left, right, output), or null where it breaks
/// the rules of an einsum.
static EinsumAttr getEinsum(MLIRContext *context, ArrayRef<AffineMap> maps) {
  unsigned numLoops = maps[0].getNumDims();
  enum Group { Left, Right, Batch, Summed };
  SmallVector<Group> groups;
  unsigned counts[4] = {0, 0, 0, 0};
  for (unsigned d = 0; d < numLoops; ++d) {
    auto holds = [&](unsigned map) { return maps[map].isFunctionOfDim(d); };
    if (holds(0) + holds(1) + holds(2) < 2)
      return {};
    Group group = !holds(2)   ? Summed
                  : !holds(1) ? Left
                  : !holds(0) ? Right
                              : Batch;
    groups.push_back(group);
    ++counts[group];
  }
  constexpr const char *names[] = {"m", "n", "b", "k"};
  unsigned numbers[4] = {0, 0, 0, 0};
  SmallVector<StringAttr> modes;
  for (Group group : groups) {
    std::string number =
        counts[group] == 1 ? "" : std::to_string(numbers[group]++);
    modes.push_back(StringAttr::get(context, names[group] + number));
  }
  auto modesOf = [&](AffineMap map) {
    SmallVector<StringAttr> list;
    for (AffineExpr result : map.getResults())
      list.push_back(modes[cast<AffineDimExpr>(result).getPosition()]);
    return list;
  };
  return EinsumAttr::get(context, {modesOf(maps[0]), modesOf(maps[1])},
                         modesOf(maps[2]));
}

namespace {
struct ConvertContraction
    : OpInterfaceRewritePattern<linalg::ContractionOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::ContractionOpInterface contraction,
                                PatternRewriter &rewriter) const override {
    auto op = cast<linalg::LinalgOp>(contraction.getOperation());
    if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 2 ||
        op.getNumDpsInits() != 1)
      return rewriter.notifyMatchFailure(op, "not a product of two tensors");
    auto isSupported = [](Value value) {
      auto type = dyn_cast<RankedTensorType>(value.getType());
      return type && type.hasStaticShape() && !type.getEncoding() &&
             (type.getElementType().isF32() || type.getElementType().isBF16());
    };
    if (!llvm::all_of(op->getOperands(), isSupported))
      return rewriter.notifyMatchFailure(op, "not static f32 or bf16 tensors");
    Value lhs = op.getDpsInputs()[0], rhs = op.getDpsInputs()[1];
    Value init = op.getDpsInits()[0];
    Type elementType = getElementTypeOrSelf(lhs);
    if (elementType != getElementTypeOrSelf(rhs) ||
        (elementType.isF32() && !getElementTypeOrSelf(init).isF32()))
      return rewriter.notifyMatchFailure(op, "mixed or narrowing types");
    if (!isZeros(init))
      return rewriter.notifyMatchFailure(op, "output does not start as zeros");
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (!llvm::all_of(
            maps, [](AffineMap map) { return map.isProjectedPermutation(); }))
      return rewriter.notifyMatchFailure(op, "not a projected permutation");
    EinsumAttr einsum = getEinsum(op.getContext(), maps);
    if (!einsum)
      return rewriter.notifyMatchFailure(op, "a loop is in one tensor only");
    rewriter.replaceOpWithNewOp<ContractOp>(op, op->getResult(0).getType(), lhs,
                                            rhs, einsum);
    return success();
  }
};

/// Rounding an f32 result once is what a bf16 result does.
struct AbsorbRounding : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    auto contract = op.getIn().getDefiningOp<ContractOp>();
    if (!contract || !contract->hasOneUse() || contract.getInit() ||
        !getElementTypeOrSelf(op.getType()).isBF16() ||
        !getElementTypeOrSelf(contract.getLhs()).isBF16())
      return failure();
    auto narrow = ContractOp::create(rewriter, contract.getLoc(), op.getType(),
                                     contract.getLhs(), contract.getRhs(),
                                     contract.getEinsum());
    narrow->setDiscardableAttrs(contract->getDiscardableAttrDictionary());
    rewriter.replaceOp(op, narrow);
    rewriter.eraseOp(contract);
    return success();
  }
};

struct ConvertLinalgToTNNPass
    : fetta::impl::ConvertLinalgToTNNPassBase<ConvertLinalgToTNNPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ConvertContraction, AbsorbRounding>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

//===- SetPrecision.cpp -----------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "fetta/Dialect/TNN/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace fetta::tnn {
#define GEN_PASS_DEF_TNNSETPRECISIONPASS
#include "fetta/Dialect/TNN/Transforms/Passes.h.inc"
} // namespace fetta::tnn

using namespace mlir;
using namespace fetta::tnn;

/// The bf16 twin of an f32 tensor type; any other type unchanged.
static Type toBF16(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.getElementType().isF32())
    return type;
  return tensor.clone(BFloat16Type::get(type.getContext()));
}

namespace {
struct TNNSetPrecisionPass
    : fetta::tnn::impl::TNNSetPrecisionPassBase<TNNSetPrecisionPass> {
  using Base = fetta::tnn::impl::TNNSetPrecisionPassBase<TNNSetPrecisionPass>;
  using Base::Base;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (failed(convert(function)))
        return signalPassFailure();
  }

private:
  LogicalResult convert(func::FuncOp function);
};
} // namespace

LogicalResult TNNSetPrecisionPass::convert(func::FuncOp function) {
  // First refuse, then change: a failed pass leaves the function as it was.
  WalkResult walk = function.walk([](Operation *op) {
    auto phase = op->getAttrOfType<StringAttr>(kPhaseAttr);
    if (phase && phase.getValue() == kPhaseWeightGradient) {
      op->emitOpError("computes the gradient of a parameter, which stays f32; "
                      "run tnn-set-precision before tnn-differentiate");
      return WalkResult::interrupt();
    }
    bool hasF32 = llvm::any_of(op->getResultTypes(), [](Type type) {
      return getElementTypeOrSelf(type).isF32();
    });
    // Generic loop bodies compute in f32 on purpose.
    if (hasF32 && op->getNumRegions() != 0 && !isa<func::FuncOp>(op)) {
      op->emitOpError("has a region and an f32 result, which tnn-set-precision "
                      "does not convert; run it before tnn-expand-layers");
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (walk.wasInterrupted())
    return failure();

  auto isMaster = [&](unsigned i) {
    auto role = function.getArgAttrOfType<StringAttr>(i, kRoleAttr);
    return masterParams && role && role.getValue() == kRoleParam;
  };
  SmallVector<Type> arguments;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    arguments.push_back(isMaster(i) ? type : toBF16(type));
  SmallVector<Type> results =
      llvm::map_to_vector(function.getResultTypes(), toBF16);

  function.walk([](Operation *op) {
    if (isa<func::FuncOp>(op))
      return;
    for (Value result : op->getResults())
      result.setType(toBF16(result.getType()));
    auto constant = dyn_cast<arith::ConstantOp>(op);
    if (!constant)
      return;
    if (auto dense = dyn_cast<DenseFPElementsAttr>(constant.getValue()))
      if (dense.getElementType().isF32())
        constant.setValueAttr(dense.mapValues(
            BFloat16Type::get(op->getContext()), [](const APFloat &value) {
              APFloat rounded = value;
              bool losesInfo;
              rounded.convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven,
                              &losesInfo);
              return rounded.bitcastToAPInt();
            }));
  });
  if (!function.isDeclaration()) {
    Block &entry = function.getBody().front();
    OpBuilder builder = OpBuilder::atBlockBegin(&entry);
    for (auto [i, argument] : llvm::enumerate(entry.getArguments())) {
      Type narrow = toBF16(argument.getType());
      if (narrow == argument.getType())
        continue;
      if (!isMaster(i)) {
        argument.setType(narrow);
        continue;
      }
      auto rounded =
          arith::TruncFOp::create(builder, argument.getLoc(), narrow, argument);
      argument.replaceAllUsesExcept(rounded, rounded);
    }
  }
  function.setType(FunctionType::get(&getContext(), arguments, results));
  return success();
}

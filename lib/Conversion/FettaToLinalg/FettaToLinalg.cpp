//===- FettaToLinalg.cpp -----------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Conversion/FettaToLinalg/FettaToLinalg.h"
#include "Transfers.h"
#include "fetta/Conversion/TNNToLinalg/TNNToLinalg.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/Fetta/Transforms/UnrollRepeats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace fetta {
#define GEN_PASS_DEF_CONVERTFETTATOLINALGPASS
#include "fetta/Conversion/FettaToLinalg/FettaToLinalg.h.inc"
} // namespace fetta

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

/// The type without its layout.
static RankedTensorType plain(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return RankedTensorType::get(type.getShape(), type.getElementType());
}

static Value round(OpBuilder &builder, Location loc, Value value,
                   RankedTensorType type) {
  if (value.getType() == type)
    return value;
  return arith::TruncFOp::create(builder, loc, type, value);
}

static Value contract(OpBuilder &builder, ContractOp op) {
  EinsumModes einsum = llvm::cantFail(parseEinsum(op.getEinsum()));
  auto names = [&](ArrayRef<unsigned> modes) {
    return llvm::map_to_vector(modes, [&](unsigned mode) {
      return builder.getStringAttr(einsum.names[mode]);
    });
  };
  SmallVector<SmallVector<StringAttr>> inputs = {names(einsum.modes[OperandA]),
                                                 names(einsum.modes[OperandB])};
  auto attribute = tnn::EinsumAttr::get(
      builder.getContext(), ArrayRef<SmallVector<StringAttr>>(inputs),
      names(einsum.modes[OperandC]));
  return createLinalgContraction(builder, op.getLoc(), attribute,
                                 {op.getLhs(), op.getRhs()},
                                 plain(op.getResult()), op.getInit());
}

namespace {
struct ConvertFettaToLinalgPass
    : fetta::impl::ConvertFettaToLinalgPassBase<ConvertFettaToLinalgPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto function : module.getOps<FunctionOpInterface>())
      if (!function.isExternal() && failed(unrollRepeats(function)))
        return signalPassFailure();
    OpBuilder builder(&getContext());
    // In order, so that operands are plain tensors already.
    SmallVector<Operation *> erased;
    WalkResult walk = module.walk([&](Operation *op) {
      builder.setInsertionPoint(op);
      Value value;
      if (isa<PlaceOp, RelabelOp, CollectOp>(op)) {
        RankedTensorType type = plain(op->getResult(0));
        Value source = op->getOperand(0);
        source = round(builder, op->getLoc(), source,
                       plain(source).clone(type.getElementType()));
        value = reshape(builder, op->getLoc(), source, type);
      } else if (auto contractOp = dyn_cast<ContractOp>(op)) {
        value = contract(builder, contractOp);
      } else if (auto load = dyn_cast<LoadOp>(op)) {
        RankedTensorType type = plain(load.getResult());
        Value source = load.getSource();
        source = round(builder, op->getLoc(), source,
                       plain(source).clone(type.getElementType()));
        value = readTile(builder, load, source);
      } else if (auto store = dyn_cast<StoreOp>(op)) {
        value = writeTile(builder, store);
      }
      if (isa<LoadOp, StoreOp>(op) && !value) {
        op->emitOpError() << "moves a tile that is no rectangle of its region "
                             "under any shape; it has no form in linalg";
        return WalkResult::interrupt();
      }
      if (value)
        op->getResult(0).replaceAllUsesWith(value);
      if (value || isa<RouteOp, SyncOp>(op))
        erased.push_back(op);
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
    for (Operation *op : llvm::reverse(erased))
      op->erase();
    module->removeAttr(kMachineAttr);
  }
};
} // namespace

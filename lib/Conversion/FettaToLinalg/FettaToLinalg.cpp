//===- FettaToLinalg.cpp -----------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Conversion/FettaToLinalg/FettaToLinalg.h"
#include "fetta/Conversion/TNNToLinalg/TNNToLinalg.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

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

/// A row-major reshape; through one dimension where neither shape refines the
/// other.
static Value reshape(OpBuilder &builder, Location loc, Value value,
                     RankedTensorType type) {
  auto from = cast<RankedTensorType>(value.getType());
  if (from == type)
    return value;
  if (auto groups = getReassociationIndicesForReshape(from, type)) {
    if (from.getRank() > type.getRank())
      return tensor::CollapseShapeOp::create(builder, loc, type, value,
                                             *groups);
    return tensor::ExpandShapeOp::create(builder, loc, type, value, *groups);
  }
  auto flat =
      RankedTensorType::get({from.getNumElements()}, from.getElementType());
  auto all = [](int64_t rank) {
    SmallVector<ReassociationIndices> groups;
    if (rank)
      groups.push_back(llvm::to_vector<2>(llvm::seq<int64_t>(0, rank)));
    return groups;
  };
  value = tensor::CollapseShapeOp::create(builder, loc, flat, value,
                                          all(from.getRank()));
  return tensor::ExpandShapeOp::create(builder, loc, type, value,
                                       all(type.getRank()));
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
                                 plain(op.getResult()));
}

namespace {
struct ConvertFettaToLinalgPass
    : fetta::impl::ConvertFettaToLinalgPassBase<ConvertFettaToLinalgPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder builder(&getContext());
    // In order, so that operands are plain tensors already.
    SmallVector<Operation *> erased;
    module.walk([&](Operation *op) {
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
      }
      if (value)
        op->getResult(0).replaceAllUsesWith(value);
      if (value || isa<RouteOp>(op))
        erased.push_back(op);
    });
    for (Operation *op : llvm::reverse(erased))
      op->erase();
    module->removeAttr(kMachineAttr);
  }
};
} // namespace

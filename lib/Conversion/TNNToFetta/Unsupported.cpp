//===- Unsupported.cpp ------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Unsupported.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fetta;

LogicalResult fetta::refuseOperation(Operation *op) {
  // A bias starts with an empty tensor; what is made of it says more.
  if (isa<tensor::EmptyOp>(op) && !op->use_empty())
    return refuseOperation(*op->user_begin());
  if (isa<arith::AddFOp, linalg::BroadcastOp>(op))
    return op->emitOpError()
           << "has no form on the machine: the machine path refuses a bias and "
              "other element-wise operations for now (the gradients of a value "
              "used twice are summed, too); fetta-run runs them natively";
  if (auto einsum = dyn_cast<tnn::EinsumOp>(op);
      einsum && einsum.getInputs().size() == 1)
    return op->emitOpError()
           << "has no form on the machine: it reorders the modes of one "
              "tensor; name the modes in this order in the contractions that "
              "use it";
  if (isa<tnn::EinsumOp>(op))
    return op->emitOpError()
           << "is not ordered yet; run tnn-order-contractions first";
  if (isa<tnn::LinearOp>(op))
    return op->emitOpError()
           << "is not expanded yet; run tnn-expand-layers and "
              "tnn-order-contractions first";
  if (isa<arith::ConstantOp>(op))
    return op->emitOpError()
           << "has no form on the machine: an argument that the results do not "
              "depend on has a constant gradient; remove the argument, or give "
              "it tnn.role = \"target\"";
  if (isa<linalg::ContractionOpInterface>(op))
    return op->emitOpError() << "has no form on the machine; run "
                                "convert-linalg-to-tnn first";
  if (isa<tensor::ExtractSliceOp, tensor::InsertSliceOp>(op))
    return op->emitOpError() << "has no form on the machine: slices are for "
                                "arguments and results in DRAM (memory=dram)";
  return op->emitOpError() << "has no form on the machine, which runs "
                              "contractions and reshapes for now";
}

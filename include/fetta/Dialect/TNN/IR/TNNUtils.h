//===- TNNUtils.h -----------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reshapes that leave dimensions of size 1 out.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_IR_TNNUTILS_H
#define FETTA_DIALECT_TNN_IR_TNNUTILS_H

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/Builders.h"

namespace fetta::tnn {

/// The groups in which a tensor of this rank collapses when the dimensions
/// `dropped`, all of size 1, are left out: each joins the next dimension that
/// stays, or the last one that stays. No group if none stays.
llvm::SmallVector<mlir::ReassociationIndices>
getUnitDimGroups(int64_t rank, llvm::ArrayRef<int64_t> dropped);

/// Collapses the dimensions `dropped`, all of size 1, off a tensor.
mlir::Value dropUnitDims(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Value value, llvm::ArrayRef<int64_t> dropped);

} // namespace fetta::tnn

#endif // FETTA_DIALECT_TNN_IR_TNNUTILS_H

//===- StaticSlices.h - Parts of tensors at known places --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// tensor.extract_slice and tensor.insert_slice with numbers for offsets and
/// sizes and with strides of 1. The builders of these operations take each
/// number as an attribute, which slices of a batch would make by the thousand.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_TNN_TRANSFORMS_STATICSLICES_H
#define FETTA_LIB_DIALECT_TNN_TRANSFORMS_STATICSLICES_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace fetta::tnn {

inline mlir::Value extractSlice(mlir::OpBuilder &builder, mlir::Location loc,
                                mlir::Value source,
                                llvm::ArrayRef<int64_t> offsets,
                                llvm::ArrayRef<int64_t> sizes) {
  using mlir::ValueRange;
  llvm::SmallVector<int64_t> ones(offsets.size(), 1);
  mlir::Type type = mlir::tensor::ExtractSliceOp::inferResultType(
      llvm::cast<mlir::RankedTensorType>(source.getType()), sizes);
  return mlir::tensor::ExtractSliceOp::create(
      builder, loc, type, source, ValueRange(), ValueRange(), ValueRange(),
      offsets, sizes, ones);
}

/// The whole of `part` goes into `into`.
inline mlir::Value insertSlice(mlir::OpBuilder &builder, mlir::Location loc,
                               mlir::Value part, mlir::Value into,
                               llvm::ArrayRef<int64_t> offsets) {
  using mlir::ValueRange;
  llvm::SmallVector<int64_t> ones(offsets.size(), 1);
  return mlir::tensor::InsertSliceOp::create(
      builder, loc, into.getType(), part, into, ValueRange(), ValueRange(),
      ValueRange(), offsets,
      llvm::cast<mlir::RankedTensorType>(part.getType()).getShape(), ones);
}

} // namespace fetta::tnn

#endif // FETTA_LIB_DIALECT_TNN_TRANSFORMS_STATICSLICES_H

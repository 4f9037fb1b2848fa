//===- SliceBatch.h - Slices over the batch ---------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Cuts a function of contractions into slices over its batch (the tokens), so
/// that only a slice has to fit into the memory of a machine.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_TRANSFORMS_SLICEBATCH_H
#define FETTA_DIALECT_TNN_TRANSFORMS_SLICEBATCH_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

#include <optional>

namespace fetta::tnn {

/// Elements of the batch: the leading dimension of the first used argument
/// that is no parameter. Nothing where there is no such argument.
std::optional<int64_t> getBatchSize(mlir::func::FuncOp function);

/// Contractions of a sliced function that do the same: the contraction of the
/// function before, by its number, and the elements of the batch in its slice,
/// 0 for what is computed once.
struct SliceClass {
  unsigned contract = 0;
  int64_t size = 0;
};
using SliceClasses = llvm::DenseMap<mlir::Operation *, SliceClass>;

/// Cuts `function` into slices of `size` elements of the batch, the last one
/// smaller where it does not divide; no change if one slice holds all. The
/// rules are those of the pass `tnn-slice-batch`. Reports what cannot be
/// sliced; the function is then unchanged. `sample`: only the first seven
/// slices and the last one are written, which is more than ever live at the
/// same time; what the function then says of mappings and memory is right, of
/// values not. The classes of contractions are added to `classes`.
mlir::LogicalResult sliceBatch(mlir::func::FuncOp function, int64_t size,
                               bool sample = false,
                               SliceClasses *classes = nullptr);

} // namespace fetta::tnn

#endif // FETTA_DIALECT_TNN_TRANSFORMS_SLICEBATCH_H

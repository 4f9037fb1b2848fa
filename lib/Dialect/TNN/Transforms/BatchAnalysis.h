//===- BatchAnalysis.h - The batch of every value ---------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Which dimension of every value of a function is the batch, and what becomes
/// of the value when the batch is cut into slices.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_TNN_TRANSFORMS_BATCHANALYSIS_H
#define FETTA_LIB_DIALECT_TNN_TRANSFORMS_BATCHANALYSIS_H

#include "ModeDimensions.h"

namespace fetta::tnn {

/// Whether a function is one block of what can be sliced; reports what is not.
mlir::LogicalResult checkSliceable(mlir::func::FuncOp function);

/// The first used argument that is no parameter and has a leading dimension,
/// which is the batch; null if there is none.
mlir::BlockArgument findBatchArgument(mlir::func::FuncOp function);
/// The batch of all values, of einsums, too; nothing if there is none or it
/// cannot be followed.
std::optional<ModeDimensions> followBatch(mlir::func::FuncOp function);

/// Whether a value follows from parameters and constants alone.
bool isWeight(mlir::Value value, mlir::func::FuncOp function);

/// What becomes of a value.
enum class Kind {
  Whole,   ///< Has no batch: computed once.
  Sliced,  ///< Has the batch as a dimension: one value for each slice.
  Partial, ///< A sum over the batch in bf16: one value for each slice, whose
           ///< sum is the value.
  Total,   ///< A sum over the batch in f32: goes on from slice to slice.
};

/// Which dimension of every value is the batch, and kinds.
class BatchAnalysis {
public:
  explicit BatchAnalysis(mlir::func::FuncOp function)
      : function(function),
        mode(function, "the batch", ModeDimensions::Splits::Refuse) {}

  mlir::LogicalResult run();
  /// With the batch where these arguments have it.
  mlir::LogicalResult
  run(llvm::ArrayRef<std::pair<mlir::BlockArgument, int64_t>> batches);

  Kind kindOf(mlir::Value value) const { return kinds.lookup(value); }
  /// Batch dimension of a sliced value.
  int64_t dimensionOf(mlir::Value value) const {
    return mode.dimensionOf(value);
  }
  int64_t getBatch() const { return mode.getSize(); }
  const ModeDimensions &getMode() const { return mode; }
  /// Whether a sum must wait for all slices (it depends on a total).
  bool isLate(mlir::Operation *op) const { return late.contains(op); }

private:
  mlir::LogicalResult classify(mlir::Operation &op);
  mlir::LogicalResult classifyContract(ContractOp op);

  mlir::func::FuncOp function;
  ModeDimensions mode;
  llvm::DenseMap<mlir::Value, Kind> kinds;
  llvm::DenseSet<mlir::Operation *> late;
};

} // namespace fetta::tnn

#endif // FETTA_LIB_DIALECT_TNN_TRANSFORMS_BATCHANALYSIS_H

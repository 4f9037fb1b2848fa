//===- ModeDimensions.h - One mode through a function -----------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Which dimension of every value of a function is a mode (the batch, an input
/// or output mode, a rank), followed from one value through contractions and
/// reshapes in both directions.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_TNN_TRANSFORMS_MODEDIMENSIONS_H
#define FETTA_LIB_DIALECT_TNN_TRANSFORMS_MODEDIMENSIONS_H

#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

namespace fetta::tnn {

/// Reshapes and casts: one operand, one result, linear.
bool isView(mlir::Operation *op);
/// The groups of a reshape; none for a cast.
llvm::SmallVector<mlir::ReassociationIndices>
getReshapeGroups(mlir::Operation *op);
/// The value that a value is a view of.
mlir::Value getViewed(mlir::Value value);
/// Whether all that becomes of a value is that the function returns it, as it
/// is or as a view.
bool isOnlyReturned(mlir::Value value);

class ModeDimensions {
public:
  /// What to do with a reshape that splits or merges the mode.
  enum class Splits {
    Refuse,
    /// The mode begins behind the split of an argument, and ends before the
    /// merge of what the function only returns.
    EndAtBoundary,
  };

  ModeDimensions(mlir::func::FuncOp function, llvm::StringRef name,
                 Splits splits)
      : function(function), name(name), splits(splits) {}

  /// Follows dimension `dimension` of `seed`. Reports what stands in the way,
  /// at the operation.
  mlir::LogicalResult follow(mlir::Value seed, int64_t dimension);

  bool isHeldBy(mlir::Value value) const { return dimensions.contains(value); }
  int64_t dimensionOf(mlir::Value value) const { return dimensions.at(value); }
  int64_t getSize() const { return size; }

private:
  mlir::LogicalResult propagate(mlir::Operation &op, bool &changed);
  mlir::LogicalResult propagateReshape(mlir::Operation &op, bool &changed);
  mlir::LogicalResult set(mlir::Operation &op, mlir::Value value,
                          int64_t dimension, bool &changed);

  mlir::func::FuncOp function;
  std::string name;
  Splits splits;
  int64_t size = 0;
  llvm::DenseMap<mlir::Value, int64_t> dimensions;
};

/// Makes it the same function for another size of a mode, wherever that is a
/// dimension; of contractions and views only.
void resizeMode(mlir::func::FuncOp function, const ModeDimensions &mode,
                int64_t size);

} // namespace fetta::tnn

#endif // FETTA_LIB_DIALECT_TNN_TRANSFORMS_MODEDIMENSIONS_H

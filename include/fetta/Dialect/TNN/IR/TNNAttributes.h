//===- TNNAttributes.h ------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Einsum specifications, tensor decompositions, and the einsum a decomposed
/// layer stands for.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_IR_TNNATTRIBUTES_H
#define FETTA_DIALECT_TNN_IR_TNNATTRIBUTES_H

#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>
#include <string>

namespace fetta::tnn {

/// Product of positive sizes, or nothing if it needs more than 63 bits.
std::optional<int64_t> checkedProduct(llvm::ArrayRef<int64_t> sizes);

/// Product of the modes of a verified decomposition.
int64_t productOfModes(llvm::ArrayRef<int64_t> modes);

/// Mode names separated by spaces.
std::string joinModes(llvm::ArrayRef<mlir::StringAttr> modes);

} // namespace fetta::tnn

#include "fetta/Dialect/TNN/IR/TNNAttrInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "fetta/Dialect/TNN/IR/TNNAttributes.h.inc"

namespace fetta::tnn {

/// The einsum of a decomposed linear layer over X (batch modes `b` or `b0`,
/// `b1`, ..., then input modes) and the cores; the result has the batch modes,
/// then the output modes. Boundary ranks of 1 are left out: dimension d of core
/// k is an einsum mode unless `droppedDims[k]` holds d.
struct LayerEinsum {
  EinsumAttr einsum;
  llvm::SmallVector<llvm::SmallVector<int64_t>> droppedDims;
};
LayerEinsum getLayerEinsum(DecompositionAttrInterface weight,
                           int64_t numBatchDims);

} // namespace fetta::tnn

#endif // FETTA_DIALECT_TNN_IR_TNNATTRIBUTES_H

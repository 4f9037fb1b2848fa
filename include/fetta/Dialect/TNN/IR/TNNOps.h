//===- TNNOps.h -------------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Operations of the tnn dialect.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_IR_TNNOPS_H
#define FETTA_DIALECT_TNN_IR_TNNOPS_H

#include "fetta/Dialect/TNN/IR/TNNAttributes.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/IndexingMapOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace fetta::tnn {

// Upstream's IndexingMapOpInterface names these types unqualified.
using ::mlir::AffineMap;
using ::mlir::ArrayAttr;

/// Sizes of all modes of a verified einsum, in the order of
/// EinsumAttr::getModes().
llvm::SmallVector<int64_t> getSizesOfModes(EinsumAttr einsum,
                                           mlir::ValueRange operands);

/// Type of the result of an einsum of these operands with their element type,
/// or with `elementType` where given.
mlir::RankedTensorType inferEinsumType(EinsumAttr einsum,
                                       mlir::ValueRange operands,
                                       mlir::Type elementType = {});

} // namespace fetta::tnn

#define GET_OP_CLASSES
#include "fetta/Dialect/TNN/IR/TNNOps.h.inc"

#endif // FETTA_DIALECT_TNN_IR_TNNOPS_H

//===- TNNToLinalg.h --------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The conversion pass of TNNToLinalg.td, and its form of one contraction.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONVERSION_TNNTOLINALG_TNNTOLINALG_H
#define FETTA_CONVERSION_TNNTOLINALG_TNNTOLINALG_H

#include "fetta/Dialect/TNN/IR/TNNAttributes.h"
#include "mlir/IR/Builders.h"
#include "mlir/Pass/Pass.h"

namespace fetta {

/// `einsum` of two operands as linalg on tensors, of type `type`: see the pass.
/// On top of `init`, an f32 tensor of the shape of the result, or of zeros.
mlir::Value createLinalgContraction(mlir::OpBuilder &builder,
                                    mlir::Location loc, tnn::EinsumAttr einsum,
                                    mlir::ValueRange operands,
                                    mlir::RankedTensorType type,
                                    mlir::Value init = {});

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "fetta/Conversion/TNNToLinalg/TNNToLinalg.h.inc"

} // namespace fetta

#endif // FETTA_CONVERSION_TNNTOLINALG_TNNTOLINALG_H

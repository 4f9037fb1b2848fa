//===- TNNDialect.h ---------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The tnn dialect: tensorized networks, independent of any hardware. Names of
/// the discardable attributes it owns have their one home here.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_IR_TNNDIALECT_H
#define FETTA_DIALECT_TNN_IR_TNNDIALECT_H

#include "mlir/IR/Dialect.h"

#include "fetta/Dialect/TNN/IR/TNNDialect.h.inc"

namespace fetta::tnn {

/// Name of the array a function argument or result stands for.
inline constexpr llvm::StringLiteral kNameAttr = "tnn.name";
/// Role of a function argument: one of the kRole... strings.
inline constexpr llvm::StringLiteral kRoleAttr = "tnn.role";
/// Phase of an operation: one of the kPhase... strings.
inline constexpr llvm::StringLiteral kPhaseAttr = "tnn.phase";
/// Parts of a mapping that are fixed by hand, an attribute of the fetta dialect
/// (FettaDialect.h).
inline constexpr llvm::StringLiteral kMappingAttr = "fetta.mapping";

inline constexpr llvm::StringLiteral kRoleInput = "input";
inline constexpr llvm::StringLiteral kRoleParam = "param";
inline constexpr llvm::StringLiteral kRoleState = "state";
inline constexpr llvm::StringLiteral kRoleTarget = "target";

/// Forward, gradient towards the inputs, gradient of the weights; a step shared
/// by phases belongs to the first that needs it, in this order.
inline constexpr llvm::StringLiteral kPhaseForward = "fp";
inline constexpr llvm::StringLiteral kPhaseBackward = "bp";
inline constexpr llvm::StringLiteral kPhaseWeightGradient = "wg";

} // namespace fetta::tnn

#endif // FETTA_DIALECT_TNN_IR_TNNDIALECT_H

//===- FettaDialect.h -------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The fetta dialect: contractions mapped to the machine. In C++ it lives in
/// fetta::hw, because fetta is the namespace of the whole project.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_FETTA_IR_FETTADIALECT_H
#define FETTA_DIALECT_FETTA_IR_FETTADIALECT_H

#include "mlir/IR/Dialect.h"

#include <memory>

#include "fetta/Dialect/Fetta/IR/FettaDialect.h.inc"

namespace fetta::hw {

/// Attribute of a module: the machine that it is for.
inline constexpr llvm::StringLiteral kMachineAttr = "fetta.machine";

} // namespace fetta::hw

#endif // FETTA_DIALECT_FETTA_IR_FETTADIALECT_H

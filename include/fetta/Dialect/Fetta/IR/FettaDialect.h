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

/// Attribute of tnn.contract and tnn.einsum, a dictionary: parts of the mapping
/// that are fixed by hand. `dataflow` is a string; `rows`, `columns`, `ces`
/// (index bits) and `scope` (indices) are dictionaries from modes to integers;
/// `loops` is a list of modes; `lhs`, `rhs`, `result` are layouts.
inline constexpr llvm::StringLiteral kMappingAttr = "fetta.mapping";

} // namespace fetta::hw

#endif // FETTA_DIALECT_FETTA_IR_FETTADIALECT_H

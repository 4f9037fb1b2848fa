//===- UnrollRepeats.h - Repeats as flat code -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// `fetta.repeat` written out, for whoever works on flat programs only.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_FETTA_TRANSFORMS_UNROLLREPEATS_H
#define FETTA_DIALECT_FETTA_TRANSFORMS_UNROLLREPEATS_H

#include "mlir/Interfaces/FunctionInterfaces.h"

namespace fetta::hw {

/// Puts the body of every fetta.repeat of the function in its place, once for
/// each iteration; transfers get the `at` of theirs. Refused, and nothing
/// changed, where that makes more operations than a program may have
/// instructions.
mlir::LogicalResult unrollRepeats(mlir::FunctionOpInterface function);

/// Refuses a function with repeats, on the first of them, in a pass that knows
/// flat programs only; says how to get one.
mlir::LogicalResult refuseRepeats(mlir::FunctionOpInterface function);

} // namespace fetta::hw

#endif // FETTA_DIALECT_FETTA_TRANSFORMS_UNROLLREPEATS_H

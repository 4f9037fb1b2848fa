//===- Binary.h -------------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// fetta IR and programs, both ways. Exporting what was imported from an
/// exported program without repeats gives the same bytes.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TARGET_BINARY_BINARY_H
#define FETTA_TARGET_BINARY_BINARY_H

#include "fetta/Program/Program.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace fetta {

/// The only function of a module with a body, or the one called `name` where
/// that is not empty; reports what else there is.
mlir::FailureOr<mlir::FunctionOpInterface>
getProgramFunction(mlir::ModuleOp module, llvm::StringRef name = "");

/// The program of a function in which every value has a home and every
/// contraction its routes. Tensors: the arguments in their order, then the
/// results of contractions in theirs; what a repeat carries has the tensor of
/// its initial value. Reports on the op at fault.
mlir::FailureOr<Program> exportProgram(mlir::FunctionOpInterface function);

/// A module with one function, `main`, that does what `program` does, its
/// repeats written out. Errors name the contraction that the dialect cannot
/// express.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importProgram(const Program &program, mlir::MLIRContext *context);

/// The dialects of an imported module.
void registerBinaryDialects(mlir::DialectRegistry &registry);

} // namespace fetta

#endif // FETTA_TARGET_BINARY_BINARY_H

//===- Native.h - Compilation for the host ----------------------*- C++ -*-===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Turns a function on tensors into machine code of the host and calls it.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTA_RUN_NATIVE_H
#define FETTA_TOOLS_FETTA_RUN_NATIVE_H

#include "Arrays.h"
#include "mlir/IR/BuiltinOps.h"

namespace fetta {

/// Lowers the functions of \p module, whose tensors are in linalg form, to the
/// LLVM dialect. \p function becomes the only entry point: what it does not
/// reach is removed, its results become buffers behind its arguments.
mlir::LogicalResult lowerToLLVM(mlir::ModuleOp module,
                                llvm::StringRef function);

/// Compiles the lowered module with optimization level 0 to 3 and calls
/// \p function once on \p tensors: its arguments, then its results.
llvm::Error callFunction(mlir::ModuleOp module, llvm::StringRef function,
                         llvm::MutableArrayRef<HostTensor> tensors,
                         unsigned optimizationLevel);

} // namespace fetta

#endif // FETTA_TOOLS_FETTA_RUN_NATIVE_H

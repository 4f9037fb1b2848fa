//===- NameArguments.h ------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What tnn-name-arguments does, for tools that have the source text at hand
/// (standard input, which the pass cannot read again).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_TRANSFORMS_NAMEARGUMENTS_H
#define FETTA_DIALECT_TNN_TRANSFORMS_NAMEARGUMENTS_H

#include "mlir/IR/BuiltinOps.h"

namespace fetta::tnn {

/// Text of a source file by the name that locations give it; empty if there is
/// none. The text must outlive the call.
using SourceTextFn = llvm::function_ref<llvm::StringRef(llvm::StringRef)>;

/// Gives arguments of functions without a `tnn.name` the names that stand in
/// the source at their locations. Never fails: what has no name there keeps
/// none.
void nameArguments(mlir::ModuleOp module, SourceTextFn sourceText);

} // namespace fetta::tnn

#endif // FETTA_DIALECT_TNN_TRANSFORMS_NAMEARGUMENTS_H

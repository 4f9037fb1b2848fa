//===- TNNNames.h -----------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The names of a function's arrays outside: files of arrays, entries of a
/// program and columns of reports all use these.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_IR_TNNNAMES_H
#define FETTA_DIALECT_TNN_IR_TNNNAMES_H

#include "mlir/Interfaces/FunctionInterfaces.h"
#include <string>

namespace fetta::tnn {

/// `tnn.name` of an argument, else `arg<index>`, the name MLIR prints.
std::string getArgumentName(mlir::FunctionOpInterface function, unsigned index);

/// `tnn.name` of a result, else `result<index>`.
std::string getResultName(mlir::FunctionOpInterface function, unsigned index);

} // namespace fetta::tnn

#endif // FETTA_DIALECT_TNN_IR_TNNNAMES_H

//===- Arrays.h - Tensors in memory and in files ----------------*- C++ -*-===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Binds the tensors of a function to .npy files by name.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTA_RUN_ARRAYS_H
#define FETTA_TOOLS_FETTA_RUN_ARRAYS_H

#include "fetta/Support/OutputFile.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include <string>
#include <vector>

namespace fetta {

/// One argument or result: row-major elements as compiled code sees them.
struct HostTensor {
  std::string name;
  mlir::RankedTensorType type;
  mlir::Location location;
  std::vector<uint8_t> bytes;
};

/// The arguments, then the results of a function, zero-filled, under the names
/// of their tnn.name attributes, else `arg<i>` and `result<i>`. Emits an error
/// at what is no tensor of static shape and of an element type that has a
/// place in .npy (bf16, f32, f64, i1 to i64).
mlir::FailureOr<std::vector<HostTensor>>
createHostTensors(mlir::func::FuncOp function);

/// Reads <folder>/<name>.npy into \p tensor. bf16 is float32 rounded on load,
/// or uint16 with \p rawBF16. Emits an error at the argument when the file is
/// absent or holds another shape or type.
mlir::LogicalResult loadTensor(HostTensor &tensor, llvm::StringRef folder,
                               bool rawBF16);

/// Adds <name>.npy to \p output.
llvm::Error saveTensor(const HostTensor &tensor, OutputDirectory &output,
                       bool rawBF16);

} // namespace fetta

#endif // FETTA_TOOLS_FETTA_RUN_ARRAYS_H

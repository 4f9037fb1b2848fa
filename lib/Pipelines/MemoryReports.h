//===- MemoryReports.h - What is said where memory is short -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reports that were kept while something was tried: whether they say that
/// tensors do not fit, and what a user can do about it.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PIPELINES_MEMORYREPORTS_H
#define FETTA_LIB_PIPELINES_MEMORYREPORTS_H

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "mlir/IR/Diagnostics.h"

namespace fetta {

inline bool exceedsMemory(const mlir::Diagnostic &report) {
  return llvm::StringRef(report.str()).contains(hw::kExceedsMemory);
}

inline bool exceedsMemory(llvm::ArrayRef<mlir::Diagnostic> reports) {
  return llvm::any_of(reports, [](const mlir::Diagnostic &report) {
    return exceedsMemory(report);
  });
}

/// Adds a note to the first report of tensors that do not fit.
inline void addRemedy(llvm::MutableArrayRef<mlir::Diagnostic> reports,
                      const llvm::Twine &remedy) {
  for (mlir::Diagnostic &report : reports)
    if (exceedsMemory(report)) {
      report.attachNote(report.getLocation()) << remedy;
      return;
    }
}

} // namespace fetta

#endif // FETTA_LIB_PIPELINES_MEMORYREPORTS_H

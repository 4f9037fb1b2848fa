//===- InitAll.h ------------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Registers everything the project adds to MLIR. Tools and the plugin call
/// these two functions, so that a new dialect or pass is listed once.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_INITALL_H
#define FETTA_INITALL_H

#include "fetta/Conversion/LinalgToTNN/LinalgToTNN.h"
#include "fetta/Conversion/TNNToLinalg/TNNToLinalg.h"
#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "fetta/Dialect/TNN/Transforms/Passes.h"
#include "mlir/IR/DialectRegistry.h"

namespace fetta {

/// Our dialects and the external models they attach.
inline void registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<tnn::TNNDialect>();
}

/// Our passes and pipelines, under their command-line names.
inline void registerAllPasses() {
  registerLinalgToTNNPasses();
  registerTNNToLinalgPasses();
  tnn::registerTNNPasses();
}

} // namespace fetta

#endif // FETTA_INITALL_H

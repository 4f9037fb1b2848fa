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

#include "fetta/Conversion/FettaToLinalg/FettaToLinalg.h"
#include "fetta/Conversion/LinalgToTNN/LinalgToTNN.h"
#include "fetta/Conversion/TNNToFetta/TNNToFetta.h"
#include "fetta/Conversion/TNNToLinalg/TNNToLinalg.h"
#include "fetta/Dialect/Fetta/IR/FettaDialect.h"
#include "fetta/Dialect/Fetta/Transforms/Passes.h"
#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "fetta/Dialect/TNN/Transforms/Passes.h"
#include "fetta/Pipelines/Pipelines.h"
#include "fetta/Target/Binary/Passes.h"
#include "fetta/Target/Queues/Passes.h"
#include "mlir/IR/DialectRegistry.h"

namespace fetta {

/// Our dialects and the external models they attach.
inline void registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<hw::FettaDialect, tnn::TNNDialect>();
}

/// Our passes and pipelines, under their command-line names.
inline void registerAllPasses() {
  hw::registerFettaPasses();
  registerFettaBinaryPasses();
  registerFettaQueuesPasses();
  registerFettaToLinalgPasses();
  registerLinalgToTNNPasses();
  registerPipelines();
  registerTNNToFettaPasses();
  registerTNNToLinalgPasses();
  tnn::registerTNNPasses();
}

} // namespace fetta

#endif // FETTA_INITALL_H

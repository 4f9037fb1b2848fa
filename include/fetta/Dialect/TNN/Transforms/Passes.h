//===- Passes.h -------------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Passes of the tnn dialect; TableGen makes createX() and registerTNNPasses().
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_TRANSFORMS_PASSES_H
#define FETTA_DIALECT_TNN_TRANSFORMS_PASSES_H

#include "fetta/Contraction/FixedOrder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace fetta::tnn {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "fetta/Dialect/TNN/Transforms/Passes.h.inc"

} // namespace fetta::tnn

#endif // FETTA_DIALECT_TNN_TRANSFORMS_PASSES_H

//===- Passes.h -------------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Passes within the fetta dialect.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_FETTA_TRANSFORMS_PASSES_H
#define FETTA_DIALECT_FETTA_TRANSFORMS_PASSES_H

#include "fetta/Dialect/Fetta/IR/FettaDialect.h"
#include "fetta/Schedule/ListSchedule.h"
#include "mlir/Pass/Pass.h"

namespace fetta::hw {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "fetta/Dialect/Fetta/Transforms/Passes.h.inc"

} // namespace fetta::hw

#endif // FETTA_DIALECT_FETTA_TRANSFORMS_PASSES_H

//===- Passes.h -------------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Passes that look at a function as a whole program.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TARGET_QUEUES_PASSES_H
#define FETTA_TARGET_QUEUES_PASSES_H

#include "fetta/Schedule/ListSchedule.h"
#include "mlir/Pass/Pass.h"

namespace fetta {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "fetta/Target/Queues/Passes.h.inc"

} // namespace fetta

#endif // FETTA_TARGET_QUEUES_PASSES_H

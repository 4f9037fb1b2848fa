//===- Unsupported.h - What the machine cannot run --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Operations without a form on the machine: what helps.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONVERSION_TNNTOFETTA_UNSUPPORTED_H
#define FETTA_LIB_CONVERSION_TNNTOFETTA_UNSUPPORTED_H

#include "mlir/IR/Operation.h"

namespace fetta {

/// Reports that `op` has no form on the machine, and what to do about it.
mlir::LogicalResult refuseOperation(mlir::Operation *op);

} // namespace fetta

#endif // FETTA_LIB_CONVERSION_TNNTOFETTA_UNSUPPORTED_H

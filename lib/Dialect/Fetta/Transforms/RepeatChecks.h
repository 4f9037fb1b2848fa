//===- RepeatChecks.h - What more iterations may not change -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A repeat may get more iterations only if what stands around it does not
/// depend on their number: values and tokens.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_FETTA_TRANSFORMS_REPEATCHECKS_H
#define FETTA_LIB_DIALECT_FETTA_TRANSFORMS_REPEATCHECKS_H

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "llvm/Support/Error.h"

namespace fetta::hw {

/// What is made before the repeat of `loads`, tiles at the beginning of the
/// batch, belongs to that beginning: only carried values (sums, tiles that were
/// loaded ahead) lead further.
llvm::Error checkValuesBefore(RepeatOp repeat,
                              llvm::ArrayRef<mlir::Operation *> loads);

/// Iterations leave as many tokens as they take.
llvm::Error checkTokens(RepeatOp repeat);

} // namespace fetta::hw

#endif // FETTA_LIB_DIALECT_FETTA_TRANSFORMS_REPEATCHECKS_H

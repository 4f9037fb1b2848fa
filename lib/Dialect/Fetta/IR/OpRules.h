//===- OpRules.h - Rules that several operations share ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Rules of values that are overwritten in place and of transfers that move on
/// in a repeat: operations on their own and repeats as a whole ask for them.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_FETTA_IR_OPRULES_H
#define FETTA_LIB_DIALECT_FETTA_IR_OPRULES_H

#include "mlir/IR/Operation.h"

namespace fetta::hw {

/// `value`, which `what` names, is overwritten by `op`: nothing may use it, or
/// a view of it, later. In a repeat that includes the next iteration.
mlir::LogicalResult verifyNoLaterUse(mlir::Operation *op, llvm::StringRef what,
                                     mlir::Value value);

/// A transfer moves on by `advance` elements with every iteration of the repeat
/// around it, where `room` elements of the region lie behind the tile of the
/// first one.
mlir::LogicalResult verifyAdvance(mlir::Operation *op, int64_t advance,
                                  int64_t room);

} // namespace fetta::hw

#endif // FETTA_LIB_DIALECT_FETTA_IR_OPRULES_H

//===- TransferOrder.h - What a transfer waits for --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Which operations must be complete before a transfer may begin, beyond what
/// its operands say: the loss that stands between a result and its gradient,
/// and accesses to one DRAM region (docs/Queues.md, section 1).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_TARGET_QUEUES_TRANSFERORDER_H
#define FETTA_LIB_TARGET_QUEUES_TRANSFERORDER_H

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

#include <vector>

namespace fetta {

class TransferOrder {
public:
  explicit TransferOrder(mlir::FunctionOpInterface function);

  /// For stores: loads of what is stored over. For place and load ops: the last
  /// of the stores that write what they read, which complete in the order of
  /// their chain, or the contraction that makes a result which the host
  /// collects.
  llvm::SmallVector<mlir::Operation *> before(mlir::Operation *transfer) const;

private:
  /// Something that writes elements of a result.
  struct Write {
    mlir::Operation *op;
    int64_t begin, end; ///< Elements that it may touch: [begin, end).
  };
  struct Result {
    mlir::RankedTensorType type;
    llvm::SmallVector<Write> writes; ///< First to last.
  };
  /// The stores of the chain that ends in `value`, first to last.
  llvm::ArrayRef<Write> storesOf(mlir::Value value) const;
  /// A store in its chain: the chain's number, and stores before it.
  struct Place {
    size_t chain, number;
  };
  Place find(mlir::Operation *store) const;

  mlir::FunctionOpInterface function;
  llvm::StringMap<Result> results; ///< By name.
  /// Chains of stores, first to last: every load of their region asks. One that
  /// goes on from a store within another has a copy of what is before.
  mutable std::vector<std::vector<Write>> chains;
  mutable llvm::DenseMap<mlir::Operation *, Place> places;
};

} // namespace fetta

#endif // FETTA_LIB_TARGET_QUEUES_TRANSFERORDER_H

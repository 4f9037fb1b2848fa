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

namespace fetta {

class TransferOrder {
public:
  explicit TransferOrder(mlir::FunctionOpInterface function);

  /// For place, load and store ops: loads and stores, or the contraction that
  /// makes a result which the host collects.
  llvm::SmallVector<mlir::Operation *> before(mlir::Operation *transfer) const;

private:
  /// Something that writes elements of a result.
  struct Write {
    mlir::Operation *op;
    int64_t begin, end; ///< Elements that it may touch: [begin, end).
  };
  struct Result {
    mlir::RankedTensorType type;
    llvm::SmallVector<Write> writes;
  };
  /// Appends the stores of the chain that ends in `value`, last first, that may
  /// touch elements [begin, end).
  void addStores(mlir::Value value, int64_t begin, int64_t end,
                 llvm::SmallVectorImpl<Write> &writes) const;

  mlir::FunctionOpInterface function;
  llvm::StringMap<Result> results; ///< By name.
  /// Elements that a store may touch: every load of its region asks.
  mutable llvm::DenseMap<mlir::Operation *, std::pair<int64_t, int64_t>>
      touchedBy;
};

} // namespace fetta

#endif // FETTA_LIB_TARGET_QUEUES_TRANSFERORDER_H

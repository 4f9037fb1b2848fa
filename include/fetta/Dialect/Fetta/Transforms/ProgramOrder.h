//===- ProgramOrder.h - A function seen as a program ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The instructions of a function in order and the values in tensor memory with
/// their lifetimes: what the passes that order, place and synchronise share.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_FETTA_TRANSFORMS_PROGRAMORDER_H
#define FETTA_DIALECT_FETTA_TRANSFORMS_PROGRAMORDER_H

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Schedule/MemoryPlan.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/DenseMap.h"

#include <optional>

namespace fetta::hw {

/// Whether the operation becomes an instruction of a queue.
inline bool isInstruction(mlir::Operation *op) {
  return mlir::isa<LoadOp, StoreOp, ContractOp, SyncOp>(op);
}

/// Tokens of an instruction; null without any, and of other operations.
SyncAttr getSync(mlir::Operation *op);
/// Gives them to an instruction.
void setSync(mlir::Operation *op, SyncAttr sync);

/// The single block of a program; null for functions without a machine
/// operation. Several blocks are an error.
mlir::FailureOr<mlir::Block *>
getProgramBlock(mlir::FunctionOpInterface function);

/// Runs `body` on every program of a module, with its block and its machine,
/// until one fails. Programs with repeats are refused unless `withRepeats`.
mlir::LogicalResult forEachProgram(
    mlir::ModuleOp module,
    llvm::function_ref<mlir::LogicalResult(mlir::FunctionOpInterface,
                                           mlir::Block &, const Machine &)>
        body,
    bool withRepeats = false);

/// Homes of tensor memory in a block, in order, and how long each is needed:
/// positions count instructions, those of a repeat's body once. What the host
/// places lives from the start, what it collects to the end.
struct TensorMemoryUse {
  llvm::SmallVector<mlir::Operation *> homes;
  std::vector<LiveValue> live; ///< As `homes`.
  int64_t positions = 0;       ///< Instructions.

  explicit TensorMemoryUse(mlir::Block &block);

  /// The home of a value, as an index into `homes`; nothing for what no
  /// operation of the block has put into tensor memory before.
  std::optional<unsigned> find(mlir::Value value) const {
    auto it = index.find(value);
    return it == index.end() ? std::nullopt : std::optional(it->second);
  }

private:
  void use(mlir::Value value, int64_t position);
  void addBlock(mlir::Block &block,
                llvm::SmallVectorImpl<mlir::Value> &collected);
  void addRepeat(RepeatOp repeat);

  /// Of every value in tensor memory: chains of views and partial sums are as
  /// long as a program has slices.
  llvm::DenseMap<mlir::Value, unsigned> index;
};

} // namespace fetta::hw

#endif // FETTA_DIALECT_FETTA_TRANSFORMS_PROGRAMORDER_H

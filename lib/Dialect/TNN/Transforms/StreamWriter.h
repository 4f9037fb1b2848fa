//===- StreamWriter.h - Contractions through DRAM ---------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Writes a function in stages: contractions whose tensors lie in DRAM, tile by
/// tile, and what is between them in slices of the batch.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_TNN_TRANSFORMS_STREAMWRITER_H
#define FETTA_LIB_DIALECT_TNN_TRANSFORMS_STREAMWRITER_H

#include "BatchAnalysis.h"
#include "fetta/Dialect/TNN/Transforms/WriteStages.h"
#include "llvm/ADT/SetVector.h"

namespace fetta::tnn {

class StreamWriter {
public:
  StreamWriter(mlir::func::FuncOp function, const BatchAnalysis &batch,
               int64_t size, int64_t sample, SliceClasses *classes,
               const ModePlan &plan);

  /// A loop as a function of its own.
  struct Part {
    Stage stage; ///< Without its arguments.
    /// What its arguments and results are in the function before.
    llvm::SmallVector<mlir::Value> inputs, results;
  };
  /// All loops in order; reports why there are none.
  mlir::FailureOr<std::vector<Part>> writeParts(const StageSample &few);

  /// Writes all iterations of all loops into the function itself; unchanged
  /// where it cannot be sliced.
  mlir::LogicalResult run();
  int64_t countContractions();

private:
  /// What one stage runs in slices.
  struct Slices {
    llvm::SetVector<mlir::Operation *> ops;
    llvm::SetVector<mlir::Value> inputs, results;
  };

  /// Even levels are stages, odd ones contractions through DRAM; each comes
  /// after all that it needs, and after the forward phase unless it is of it.
  void assignLevels();
  void makeStages();
  void addTo(Slices &stage, int level, ContractOp op);
  /// Multiply-adds to make a value again from what lies in DRAM.
  double workOf(mlir::Value value) const;
  /// A function of these contractions and of views, as they are.
  Part makePart(const llvm::SetVector<mlir::Operation *> &ops,
                llvm::ArrayRef<mlir::Value> inputs,
                llvm::ArrayRef<mlir::Value> results);
  mlir::LogicalResult writeSlices(Part &part, size_t contractions,
                                  const StageSample &few);
  void writeStream(Part &part, llvm::ArrayRef<int64_t> tiles,
                   const StageSample &few);
  /// What stands for a value, or for a view of one, in the new function.
  mlir::Value get(mlir::Value value);

  mlir::func::FuncOp function;
  const BatchAnalysis &batch;
  int64_t size;
  int64_t sample;
  SliceClasses *classes;
  const ModePlan &plan;
  mlir::OpBuilder builder;
  unsigned numbers = 0; ///< Classes so far.

  llvm::SmallVector<ContractOp> contracts;
  llvm::DenseMap<mlir::Operation *, llvm::ArrayRef<int64_t>> streams;
  llvm::DenseMap<mlir::Operation *, int> levels;
  std::vector<Slices> stages; ///< By level / 2.
  llvm::DenseSet<mlir::Value> inDram;
  llvm::DenseMap<mlir::Value, mlir::Value> written;
};

} // namespace fetta::tnn

#endif // FETTA_LIB_DIALECT_TNN_TRANSFORMS_STREAMWRITER_H

//===- SliceWriter.h - Writes slices and pieces -----------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Rewrites a function for slices of its batch and pieces of other modes.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_TNN_TRANSFORMS_SLICEWRITER_H
#define FETTA_LIB_DIALECT_TNN_TRANSFORMS_SLICEWRITER_H

#include "BatchAnalysis.h"
#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "llvm/ADT/SetVector.h"
#include <map>

namespace fetta::tnn {

/// A mode in pieces.
struct CutMode {
  ModeDimensions mode;
  int64_t size; ///< Of a piece.

  int64_t count() const { return (mode.getSize() + size - 1) / size; }
  int64_t begin(int64_t piece) const { return piece * size; }
  int64_t length(int64_t piece) const {
    return std::min(size, mode.getSize() - begin(piece));
  }
};

class SliceWriter {
public:
  /// Without `batch` there is one slice, of everything.
  SliceWriter(mlir::func::FuncOp function, const BatchAnalysis *batch,
              int64_t size, int64_t sample, SliceClasses *classes,
              std::vector<CutMode> cuts, const ModePlan &plan);

  void run();

  /// Contractions by the time at which they are due.
  struct Work {
    llvm::SmallVector<ContractOp> once;              ///< Of parameters alone.
    llvm::SmallVector<ContractOp> forward, backward; ///< Of each slice.
    llvm::SmallVector<ContractOp> last;              ///< After all slices.
  };
  Work findWork();

  /// Contractions of all slices; at least so many where parameters are
  /// recomputed.
  int64_t countContractions();

private:
  /// Per cut the number of a piece, or -1.
  using Pieces = llvm::SmallVector<int64_t, 4>;
  /// Where the rewritten function stands.
  struct Place {
    int64_t slice = 0;
    Pieces pieces;
    unsigned visit = 0; ///< Counts loops over pieces.
  };
  /// A part of a value: slice (or -1), pieces, visit (or 0).
  using Key = std::tuple<const void *, int64_t, Pieces, unsigned>;
  /// Contractions that run piece by piece, side by side.
  struct Loop {
    llvm::SmallVector<unsigned, 4> cuts;
    llvm::SmallVector<ContractOp> ops;
  };

  Kind kindOf(mlir::Value value) const {
    return batch ? batch->kindOf(value) : Kind::Whole;
  }
  bool isPerSlice(mlir::Value value) const {
    return kindOf(value) == Kind::Sliced || kindOf(value) == Kind::Partial;
  }
  /// Of a sample, the last slice is that of the batch.
  int64_t begin(int64_t slice) const {
    return (slice + 1 == count ? all - 1 : slice) * size;
  }
  int64_t length(int64_t slice) const {
    return std::min(size, batch->getBatch() - begin(slice));
  }
  bool isSliceWork(ContractOp op) const;
  void findParameters();
  llvm::SmallVector<unsigned, 4> cutsOf(mlir::Value value) const;
  llvm::SmallVector<unsigned, 4> cutsOf(ContractOp op) const;
  /// Cuts that a contraction sums over.
  llvm::SmallVector<unsigned, 4> summedCuts(ContractOp op) const;
  Key keyOf(mlir::Value value, const Place &place) const;
  mlir::RankedTensorType partType(mlir::Value value, const Place &place) const;

  /// A value as a whole, or the part of it for a place; makes parts of
  /// arguments, of views and of what follows from parameters where they are
  /// first asked for.
  mlir::Value get(mlir::Value value, const Place &place);
  mlir::Value makeView(mlir::Operation *op, const Place &place);
  /// The part of `source`, which stands for `value`: its slice if `ofBatch`,
  /// and its pieces of `ofCuts`.
  mlir::Value extract(mlir::Value value, mlir::Value source, const Place &place,
                      bool ofBatch, llvm::ArrayRef<unsigned> ofCuts);
  void runContract(ContractOp op, const Place &place);
  /// For all pieces of some cuts.
  void forPieces(llvm::ArrayRef<unsigned> over, Place place,
                 llvm::function_ref<void(const Place &)> body);
  std::vector<Loop> makeLoops(llvm::ArrayRef<ContractOp> ops) const;
  void runLoops(llvm::ArrayRef<Loop> loops, int64_t slice);
  /// Inserts a part of a value, or of views of it, that the function returns.
  void returnParts(mlir::Value value, const Place &place);
  void dropParts(mlir::Value value, const Place &place);
  /// Whether sums may lie in the region of a result between slices.
  bool canSpill(mlir::Value value) const;
  /// The sums of this part that are in DRAM, if any.
  mlir::Value loadSums(mlir::Value value, const Place &place);
  mlir::Value getReturned(mlir::OpOperand &operand);
  void finish(mlir::Operation *terminator);
  llvm::SetVector<mlir::Value>
  slicedArgumentsOf(llvm::ArrayRef<ContractOp> ops) const;

  mlir::func::FuncOp function;
  const BatchAnalysis *batch;
  int64_t size, all, count; ///< Elements of a slice; slices; those written.
  std::vector<CutMode> cuts;
  ModePlan plan;
  mlir::OpBuilder builder;
  llvm::DenseMap<mlir::Operation *, unsigned> numbers; ///< Of contractions.
  SliceClasses *classes;
  unsigned visits = 0;
  /// Values that follow from parameters alone.
  llvm::DenseSet<mlir::Value> ofParameters;
  std::map<Key, mlir::Value> parts, sums;
  /// Results of the function that are put together, by the use of the value.
  llvm::DenseMap<mlir::OpOperand *, mlir::Value> results;
};

} // namespace fetta::tnn

#endif // FETTA_LIB_DIALECT_TNN_TRANSFORMS_SLICEWRITER_H

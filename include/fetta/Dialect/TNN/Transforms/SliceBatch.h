//===- SliceBatch.h - Slices over the batch and other modes -----*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Cuts a function of contractions into slices over its batch (the tokens), and
/// what is too large even then into pieces over other modes, so that only a
/// slice has to fit into the memory of a machine (docs/Slicing.md).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_TRANSFORMS_SLICEBATCH_H
#define FETTA_DIALECT_TNN_TRANSFORMS_SLICEBATCH_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/DenseMap.h"

#include <optional>

namespace fetta::tnn {

/// Elements of the batch: the leading dimension of the first used argument
/// that is no parameter. Nothing where there is no such argument.
std::optional<int64_t> getBatchSize(mlir::func::FuncOp function);

/// Makes it the same function for a batch of `size` elements, wherever the
/// batch is a dimension. Reports what cannot be sliced; the function is then
/// unchanged.
mlir::LogicalResult setBatch(mlir::func::FuncOp function, int64_t size);

/// Contractions of a sliced function that do the same: the contraction of the
/// function before, by its number, the elements of the batch in its slice (0
/// for what is computed once) and those of its piece of each cut mode (of a
/// stream: of its tile of each mode), and whether its sums go on from others,
/// or to others in f32.
struct SliceClass {
  unsigned contract = 0;
  llvm::SmallVector<int64_t, 4> sizes;
  bool continues = false, goesOn = false;

  bool operator<(const SliceClass &o) const {
    return std::tie(contract, sizes, continues, goesOn) <
           std::tie(o.contract, o.sizes, o.continues, o.goesOn);
  }
};
using SliceClasses = llvm::DenseMap<mlir::Operation *, SliceClass>;

/// A mode that is cut into pieces, named by a value that holds it.
struct ModeCut {
  /// Number of the value: arguments of the function come first, then the
  /// results of its operations. The same in a clone of the function.
  unsigned value = 0;
  unsigned dimension = 0;
  int64_t size = 1; ///< Indices of a piece; the last one may have fewer.
};

/// A contraction whose tensors lie in DRAM and pass through memory in tiles.
struct Stream {
  unsigned value = 0; ///< Number of its result, as in ModeCut.
  /// Indices of a tile by mode, in the order of `EinsumAttr::getModes`; the
  /// last tile may have fewer.
  llvm::SmallVector<int64_t, 8> tiles;
};

/// Modes to cut besides the batch, and what becomes of values that hold them;
/// or contractions with tensors in DRAM, and what becomes of those between.
struct ModePlan {
  llvm::SmallVector<ModeCut, 4> cuts;
  /// Without `cuts`.
  std::vector<Stream> streams;
  /// Values from before such contractions that are needed after them are made
  /// again where that takes no more multiply-adds for each byte that would be
  /// stored and loaded.
  double workPerByte = 0;
  /// Pieces of what follows from parameters alone stay in memory; otherwise
  /// they are loaded and computed again for each loop that needs them.
  bool keepsParameters = true;
  /// Sums over the batch stay in memory from slice to slice; otherwise those
  /// with pieces are stored to the function's result and loaded again.
  bool keepsSums = true;
  /// Slices follow one after the other; otherwise forward work is one slice
  /// ahead, so that transfers overlap contractions, and takes its rows.
  bool inTurn = false;

  bool isEmpty() const { return cuts.empty() && streams.empty(); }
};

/// Cuts `function` into slices of `size` elements of the batch, the last one
/// smaller where it does not divide, and the modes of `plan` into pieces. The
/// rules are those of the pass `tnn-slice-batch`. Reports what cannot be
/// sliced; the function is then unchanged. `sample`: only so many slices are
/// written, the first ones and the last one, if not 0. Of kSliceSample or more
/// slices, what the function then says of mappings and memory is right, of
/// values not. The classes of contractions are added to `classes`.
mlir::LogicalResult sliceBatch(mlir::func::FuncOp function, int64_t size,
                               int64_t sample = 0,
                               SliceClasses *classes = nullptr,
                               const ModePlan &plan = {});

/// Slices that show all that a sliced function does over and over: values of
/// three slices live together, those of the first and the last two may differ.
inline constexpr int64_t kSliceSample = 5;
/// The same for where loads run ahead.
inline constexpr int64_t kMappingSample = 8;

/// What becomes of the work on one slice.
struct SliceOrder {
  /// As they are written: what is computed once, what each slice computes, what
  /// waits for all slices.
  llvm::SmallVector<mlir::Operation *> contracts;
  /// Values that have the batch as a dimension: which one.
  llvm::DenseMap<mlir::Value, unsigned> batchDimensions;
};
/// Reports what cannot be sliced.
mlir::FailureOr<SliceOrder> findSliceOrder(mlir::func::FuncOp function);

/// Contractions that `sliceBatch` would write for all slices: as many, or more
/// where parameters are computed again. Reports what cannot be sliced.
mlir::FailureOr<int64_t> countContractions(mlir::func::FuncOp function,
                                           int64_t size,
                                           const ModePlan &plan = {});

/// Contractions that run once for each slice although they hold no batch: those
/// behind partial sums. Reports what cannot be sliced.
mlir::FailureOr<llvm::SmallVector<mlir::Operation *>>
findRepeated(mlir::func::FuncOp function);

/// The mode called `name` in the first contraction that has one, cut into
/// `count` pieces that are as equal as can be. Reports what is wrong.
mlir::FailureOr<ModeCut> findMode(mlir::func::FuncOp function,
                                  llvm::StringRef name, int64_t count);

/// What a machine has room for, in rows of its memory.
struct MemoryRows {
  int64_t slab = 0, all = 0;
  /// Rows of a tensor.
  llvm::function_ref<int64_t(mlir::RankedTensorType)> of;
  /// Multiply-adds of the array in the time of a byte of DRAM.
  double workPerByte = 0;
  double multipliers = 1; ///< Of the array.
};

/// The modes to cut so that every value takes at most half a slab, and what one
/// token needs of it an eighth: for each value that takes more, the one of its
/// modes that costs least. A mode costs what its sums add to the work of the
/// accumulators, and the parts of bursts that its tiles of DRAM leave unused.
/// Without cuts where nothing is too large or no mode can be cut.
ModePlan planModes(mlir::func::FuncOp function, const MemoryRows &rows);

/// Contractions with a parameter, or the gradient of one, that exceeds a slab,
/// and tiles of at most half a slab for them: of those with the fewest bytes.
/// Without streams where no such tensor exists, or one is neither argument nor
/// result.
ModePlan planStreams(mlir::func::FuncOp function, const MemoryRows &rows);

/// Gradients through DRAM because slices are small, see `planGradients`.
struct GradientStreams {
  ModePlan plan;
  double cycles = 0; ///< Of reloads and drains that a slice has no more.
  double bytes = 0;  ///< Of operands that are stored and loaded besides.
};

/// Gradients of parameters whose FP32 sums are reloaded and drained with each
/// slice of `size` in more cycles than their multiply-adds take, and whose
/// operands are tensors of the batch: they run for the whole batch behind the
/// last slice, tile by tile.
GradientStreams planGradients(mlir::func::FuncOp function,
                              const MemoryRows &rows, int64_t size);

} // namespace fetta::tnn

#endif // FETTA_DIALECT_TNN_TRANSFORMS_SLICEBATCH_H

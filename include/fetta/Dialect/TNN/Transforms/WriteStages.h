//===- WriteStages.h - Stages as functions of their own ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A function with contractions through DRAM, as one function for each of its
/// loops (docs/Slicing.md, "Contractions through DRAM"), so that each can be
/// compiled by itself, for a few of its iterations.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_TRANSFORMS_WRITESTAGES_H
#define FETTA_DIALECT_TNN_TRANSFORMS_WRITESTAGES_H

#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "mlir/IR/OwningOpRef.h"

namespace fetta::tnn {

/// How many iterations of a loop are written where they are to stand for all.
struct StageSample {
  /// Slices at least, and what divides the number of those left out; 0: all are
  /// written.
  int64_t slices = 0, period = 1;
  /// Fewer slices than this are all written.
  int64_t worthSlices = 0;
  /// Turns of the outermost loop over tiles that has more than one, and from
  /// how many on so few are written; 0: all are written.
  int64_t turns = 0, worthTurns = 0;
};

/// A tensor of a function in stages.
struct StageValue {
  /// Result `number` of this stage, else argument `number` of the function.
  std::optional<unsigned> stage;
  unsigned number = 0;

  bool operator==(const StageValue &o) const {
    return stage == o.stage && number == o.number;
  }
};

/// One loop of a function in stages: over slices of the batch, or over the
/// tiles of one contraction through DRAM.
struct Stage {
  /// In no module. Arguments and results are those of the function before and
  /// temporaries, never views of them. Those of the function have its
  /// attributes and names; a temporary has none but a name where it would be
  /// called like one of them otherwise.
  mlir::OwningOpRef<mlir::func::FuncOp> function;
  /// The type of `function` for all iterations; its own where all are written.
  mlir::FunctionType full;
  /// Of tiles of which a few turns are written: contractions in a turn of the
  /// outermost loop; else 0.
  int64_t contractsPerIteration = 0;
  /// Slices, or turns of the outermost loop over tiles, and how many of them
  /// are written: the first ones and the last one.
  int64_t iterations = 1, written = 1;
  /// What the arguments of `function` are: arguments of the function before, or
  /// results of earlier stages, with the type in `full`.
  llvm::SmallVector<StageValue> arguments;
};

struct StagedFunction {
  /// In the order in which they run.
  std::vector<Stage> stages;
  /// By result of the function before: what it is, or what it is a reshape of.
  llvm::SmallVector<StageValue> results;
};

/// Writes the stages of `function` as `sliceBatch` writes them one behind the
/// other into one function, in slices of `size` elements of the batch; `plan`
/// has streams. Where `sample` says so, a stage is written for a smaller batch,
/// or a smaller mode, in which the last slice or tile is that of the whole one;
/// if that mode cannot be followed through the views of the stage, all of it is
/// written. The classes of contractions, numbered as `sliceBatch` numbers them,
/// are added to `classes`. Reports what cannot be sliced, or not be written in
/// functions: a result that is an argument, rounded or widened, or the same
/// tensor as another result. `function` is unchanged.
mlir::FailureOr<StagedFunction> writeStages(mlir::func::FuncOp function,
                                            int64_t size, const ModePlan &plan,
                                            const StageSample &sample,
                                            SliceClasses *classes = nullptr);

} // namespace fetta::tnn

#endif // FETTA_DIALECT_TNN_TRANSFORMS_WRITESTAGES_H

//===- JoinStages.h - Programs of stages become one -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Stages of a function are compiled each by itself. This puts their programs
/// one behind the other, so that the last step of compiling a function in
/// stages knows nothing of how each of them came about.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PIPELINES_JOINSTAGES_H
#define FETTA_LIB_PIPELINES_JOINSTAGES_H

#include "fetta/Dialect/TNN/Transforms/WriteStages.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Error.h"

namespace fetta::hw {

/// The finished program of a stage: homes, routes and tokens are set, arguments
/// and results lie in DRAM. It may have repeats.
struct StagePart {
  mlir::func::FuncOp function;
  /// By argument: one of the joined function, or a result of an earlier stage.
  /// As many elements; the shape may be another one.
  llvm::ArrayRef<tnn::StageValue> arguments;
};

/// Gives `function` the instructions of all stages, one stage behind the other,
/// in place of its body, and erases the stages. All of them stand in one
/// module, whose routes they share. `results`: by result of `function`, a
/// result of a stage with as many elements, none named twice. Type and
/// attributes of `function` and of its arguments and results stay, and so do
/// locations and attributes of instructions.
///
/// Regions: what a stage has stored is loaded by later ones from the end of its
/// chain of stores; where the function returns it, in the shape that the
/// function says.
///
/// Order: all of a stage is done before the first load of the next one. The
/// last instruction of the store queue, behind which all contractions have
/// completed, signals a token for which the first of the load queue waits;
/// where that stands in a repeat, has no room or does not come behind all,
/// fetta.sync does so. All else in a stage follows loads by its own tokens.
///
/// Semaphores: the n-th semaphore from one queue to another is the same in all
/// stages, whatever its number in each.
///
/// An error, and a module that stays as it is: a stage that is no such program,
/// leaves tokens or lacks them, or contracts without a load before; values that
/// do not fit each other; a value that is returned twice or was not stored;
/// more than 32 semaphores.
llvm::Error joinStages(mlir::func::FuncOp function,
                       llvm::ArrayRef<StagePart> stages,
                       llvm::ArrayRef<tnn::StageValue> results);

} // namespace fetta::hw

#endif // FETTA_LIB_PIPELINES_JOINSTAGES_H

//===- RollSlices.h - Repeats from slices -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A program in slices says the same for each few of them. It can be written
/// once, as the body of `fetta.repeat`, and go on for a larger batch.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_FETTA_TRANSFORMS_ROLLSLICES_H
#define FETTA_DIALECT_FETTA_TRANSFORMS_ROLLSLICES_H

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/Error.h"

namespace fetta::hw {

/// Rewrites the steady state of a straight-line function whose values have
/// homes, routes and tokens into one repeat, with the instructions before and
/// behind it as they are: unrolled, it is the same program. An error says why
/// there is none; then the function stays as it is.
///
/// With `contractsPerPeriod`, an iteration has that many contractions, twice or
/// four times as many or so on: a turn of the outermost of several loops, say.
llvm::Expected<RepeatOp> rollSlices(mlir::FunctionOpInterface function,
                                    int64_t contractsPerPeriod = 0);

/// Raises the count of `repeat` until arguments and results have the types of
/// `full`, which differ from those of the function in the size of one dimension
/// each: of the batch, or of another mode over whose tiles the repeat goes.
/// Regions in DRAM get their full size, and tiles the places that their indices
/// have there; transfers behind the repeat move on by what those of their
/// region in the body advance in the iterations that are added, and those
/// before it stay. So prologue and epilogue work on the first and the last
/// indices, as they did. Regions that are no arguments or results, and advance,
/// grow in their leading dimension (but for dimensions of size 1).
///
/// An error, and a function that stays as it is: what is missing is no whole
/// number of iterations, or not the same number for all regions; transfers of a
/// region advance differently, or by no whole index; a tile goes over the end
/// of the dimension that grows; transfers of a region make no whole sweeps over
/// it, nor can it be cut between what is touched first and last; a value that
/// the body or what comes behind it reads from before the repeat depends on the
/// batch; tokens are left over or missing after an iteration.
llvm::Error extendBatch(mlir::FunctionOpInterface function, RepeatOp repeat,
                        mlir::FunctionType full);

/// The types of arguments and results where all regions whose transfers advance
/// hold `batch` indices of their leading dimension, for the above. An error
/// where transfers of a region advance differently.
llvm::Expected<mlir::FunctionType>
getTypeOfBatch(mlir::FunctionOpInterface function, RepeatOp repeat,
               int64_t batch);

} // namespace fetta::hw

#endif // FETTA_DIALECT_FETTA_TRANSFORMS_ROLLSLICES_H

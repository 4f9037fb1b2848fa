//===- SliceToFit.h - As few slices as fit ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The part of a pipeline that depends on the order of contractions and the
/// number of slices, tried on a few slices until the tensors fit.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PIPELINES_SLICETOFIT_H
#define FETTA_LIB_PIPELINES_SLICETOFIT_H

#include "fetta/Conversion/TNNToFetta/TNNToFetta.h"
#include "fetta/Schedule/ListSchedule.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include <functional>
#include <memory>

namespace fetta {

struct SliceToFitOptions {
  std::string slices;   ///< `auto` or a number.
  bool inDram = true;   ///< Only what lies in DRAM can be sliced.
  bool reuse = true;    ///< Rows of dead values are used again.
  bool schedule = true; ///< `map` decides how much is loaded ahead.
  bool roll = true;     ///< Many slices are compiled as a few that repeat.
  LinkModel link = LinkModel::Tasks; ///< For which to choose.
  /// With `auto`, so many steps more slices than would be taken; where that is
  /// one slice, or the whole batch, an error.
  unsigned more = 0;
  bool justInTime = false; ///< Nothing is loaded before it is needed.
  bool inTurn = false;     ///< Forward work does not run a slice ahead.
  /// Ways to order contractions. The first is taken unless it leaves slices
  /// that are tiny, and another one takes fewer cycles in slices that fit.
  std::vector<std::function<void(mlir::OpPassManager &)>> orders;
  /// The first of them, with the tree that is best for slices of so many
  /// elements; none where nothing is to be weighed.
  std::function<void(mlir::OpPassManager &, int64_t size)> orderForSlices;
  /// Maps, orders and allocates. `fill`: per cent of tensor memory up to which
  /// to load ahead. `steady`: slices that repeat get orders and places that do.
  std::function<void(mlir::OpPassManager &,
                     const std::shared_ptr<AlikeContractions> &alike,
                     unsigned fill, bool steady)>
      map;
  /// What is left to do for a verified program.
  std::function<void(mlir::OpPassManager &)> finish;
};

/// Makes a module pass that orders contractions, slices every function over its
/// batch and runs the passes of `map` and `finish` on the module:
/// docs/Slicing.md.
std::unique_ptr<mlir::Pass> createSliceToFitPass(SliceToFitOptions options);

} // namespace fetta

#endif // FETTA_LIB_PIPELINES_SLICETOFIT_H

//===- SliceToFit.h - As few slices as fit ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The part of a pipeline that depends on the number of slices, repeated with
/// more slices until the tensors fit.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PIPELINES_SLICETOFIT_H
#define FETTA_LIB_PIPELINES_SLICETOFIT_H

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include <functional>
#include <memory>

namespace fetta {

/// Makes a module pass that slices every function over its batch and runs the
/// passes of `build` on the module. `slices` is `auto` (docs/Slicing.md) or a
/// number. Where these passes report that tensor memory is exceeded, `auto`
/// starts again with more slices: usually once, because the rows of the
/// ordered contractions tell where to begin.
std::unique_ptr<mlir::Pass>
createSliceToFitPass(std::string slices,
                     std::function<void(mlir::OpPassManager &)> build);

} // namespace fetta

#endif // FETTA_LIB_PIPELINES_SLICETOFIT_H

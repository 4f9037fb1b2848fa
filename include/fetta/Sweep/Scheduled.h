//===- Scheduled.h - Points that are compiled and simulated -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Scheduled mode: the compiler runs as other processes, which need MLIR; the
/// binary that comes out is counted and timed here by tile events.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SWEEP_SCHEDULED_H
#define FETTA_SWEEP_SCHEDULED_H

#include "fetta/Sweep/Engine.h"

#include <memory>

namespace fetta {

/// The compiler's programs.
struct CompilerPaths {
  std::string opt, translate;
};
/// Looks for fetta-opt and fetta-translate in `folder`, then in PATH. An error
/// names what is missing and where it was looked for.
llvm::Expected<CompilerPaths> findCompiler(llvm::StringRef folder);

/// \p stop: as SweepOptions::stop; a compiler that ends behind it makes no row.
std::unique_ptr<PointEvaluator>
makeScheduledEvaluator(CompilerPaths paths, const std::atomic<bool> *stop);

/// The forward function of a layer as MLIR: `tnn.einsum` of bf16 tensors.
std::string moduleOf(const Layer &layer);
/// A machine file whose values come from a sweep.
std::string machineFileOf(const Machine &machine);

} // namespace fetta

#endif // FETTA_SWEEP_SCHEDULED_H

//===- Alike.h - Contractions that are mapped already -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Maps a program whose contractions may be like others that were mapped.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONVERSION_TNNTOFETTA_ALIKE_H
#define FETTA_LIB_CONVERSION_TNNTOFETTA_ALIKE_H

#include "fetta/Conversion/TNNToFetta/TNNToFetta.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"

#include <map>

namespace fetta {

/// A program whose contractions share what they have in common: slices are
/// many.
struct ProgramSketch {
  struct Step {
    const ContractionSpec *contraction;
    std::array<unsigned, 3> values; ///< Of A, B and C.
  };
  std::vector<llvm::ArrayRef<int64_t>> values; ///< Their shapes, of types.
  std::map<unsigned, Layout> layouts;          ///< By hand; by value.
  std::vector<Step> steps;

  ProgramSpec build() const;
};

/// Mappings of the contractions of a function: those alike may share one.
struct StepMappings {
  std::vector<const MappedContraction *> steps;
  std::vector<MappedContraction> own; ///< What nobody else keeps.
};

/// mapProgram for the contractions `ops` of a function. Where `alike` knows
/// their classes, values that play the same part in a class get one layout; and
/// if all are mapped there already, these mappings are the result.
llvm::Expected<StepMappings>
mapProgramLike(llvm::StringRef function, const ProgramSketch &sketch,
               llvm::ArrayRef<mlir::Operation *> ops, const Machine &machine,
               const ProgramOptions &options, AlikeContractions *alike,
               unsigned *failedStep);

/// The remark on a contraction: what the closed form says of its mapping.
void remarkMapping(llvm::StringRef function, hw::ContractOp contract,
                   const MappedContraction &mapping, const Machine &machine);

} // namespace fetta

#endif // FETTA_LIB_CONVERSION_TNNTOFETTA_ALIKE_H

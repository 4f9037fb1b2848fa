//===- Contractions.h - How many contractions a program runs ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The size by which programs are compared: reports, sweeps and benchmarks name
/// it, and it must not depend on whether slices are written out.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_PROGRAM_CONTRACTIONS_H
#define FETTA_PROGRAM_CONTRACTIONS_H

#include "fetta/Program/Program.h"

namespace fetta {

/// Contractions that run: those in the body of a repeat once for each
/// iteration, as many as expandRepeats would write. Repeats must be ones that
/// it accepts.
uint64_t countContractions(llvm::ArrayRef<Instruction> code);

} // namespace fetta

#endif // FETTA_PROGRAM_CONTRACTIONS_H

//===- Repeats.h - Programs with repeats, written out -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The rules of repeats, and the verifier of what is written out.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PROGRAM_REPEATS_H
#define FETTA_LIB_PROGRAM_REPEATS_H

#include "fetta/Program/Program.h"

namespace fetta {

bool hasRepeats(const Program &program);

/// Checks the shape of all repeats and what transfers advance by. How many
/// instructions the program has when they are written out.
llvm::Expected<uint64_t> expandedSize(const Program &program);

/// verifyProgram for a program in which nothing repeats or advances.
llvm::Error verifyExpanded(const Program &program);

} // namespace fetta

#endif // FETTA_LIB_PROGRAM_REPEATS_H

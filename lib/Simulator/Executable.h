//===- Executable.h - Can a contraction be run at all? ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The values of any decoded program can be asked for, verified or not: tests
/// of the verifier need what a wrong program would do. So the model refuses
/// what it could not index or would never finish, and nothing else.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_EXECUTABLE_H
#define FETTA_LIB_SIMULATOR_EXECUTABLE_H

#include "fetta/Program/Program.h"

namespace fetta {

/// Fields must have passed the encoder, which bounds them by their widths. The
/// error names instruction and field, or says that the nest has more than
/// `maxBeats` beats.
llvm::Error checkExecutable(const Program &program, size_t instruction,
                            int64_t maxBeats);

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_EXECUTABLE_H

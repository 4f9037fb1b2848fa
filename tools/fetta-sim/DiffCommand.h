//===- DiffCommand.h - fetta-sim diff ---------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Two runs side by side.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTASIM_DIFFCOMMAND_H
#define FETTA_TOOLS_FETTASIM_DIFFCOMMAND_H

#include "fetta/Simulator/Timing.h"

#include "llvm/Support/Error.h"

namespace fetta {

/// Compares two of: a report folder, its summary.json, a binary (which is timed
/// without values, so that it has no energy). Prints a table, or JSON.
llvm::Error diffCommand(llvm::StringRef before, llvm::StringRef after,
                        DramModel dram, bool asJson);

} // namespace fetta

#endif // FETTA_TOOLS_FETTASIM_DIFFCOMMAND_H

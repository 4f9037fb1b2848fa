//===- SweepCommand.h - fetta-sim sweep -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Options and progress of a sweep; lib/Sweep does the work.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTA_SIM_SWEEPCOMMAND_H
#define FETTA_TOOLS_FETTA_SIM_SWEEPCOMMAND_H

#include "fetta/Support/ExitCode.h"

#include "llvm/Support/CommandLine.h"

namespace fetta {

extern llvm::cl::SubCommand sweepCmd;
extern llvm::cl::OptionCategory sweepCategory;

/// Runs the sweep that the command line asks for. `program` is argv[0].
ExitCode sweepCommand(const char *program);

} // namespace fetta

#endif // FETTA_TOOLS_FETTA_SIM_SWEEPCOMMAND_H

//===- RunCommand.h - fetta-sim run -----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Arrays in, arrays and reports out.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTASIM_RUNCOMMAND_H
#define FETTA_TOOLS_FETTASIM_RUNCOMMAND_H

#include "fetta/Program/Program.h"
#include "fetta/Simulator/Trace.h"

namespace fetta {

struct RunOptions {
  std::string inputs, outputs, report; ///< Folders; empty for none.
  std::string energy;                  ///< Energy table file or preset name.
  DramModel dram = DramModel::Bandwidth;
  TraceOptions trace;
  unsigned level = 1;   ///< 2: next to level 1, the cycle-stepped model.
  bool longRun = false; ///< However long level 2 takes.
  bool rawBF16 = false;
  bool quiet = false;
  bool timingOnly = false; ///< No values: neither inputs nor outputs.
};

/// Runs a decoded program. Nothing is written unless everything succeeded.
llvm::Error runCommand(const Program &program, const RunOptions &options);

} // namespace fetta

#endif // FETTA_TOOLS_FETTASIM_RUNCOMMAND_H

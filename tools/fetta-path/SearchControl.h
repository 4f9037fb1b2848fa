//===- SearchControl.h - Budget, progress and Ctrl-C ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// How much a search beyond the exact limit may do, what it says meanwhile on
/// stderr, and how it is stopped.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTA_PATH_SEARCHCONTROL_H
#define FETTA_TOOLS_FETTA_PATH_SEARCHCONTROL_H

#include "fetta/Contraction/Search.h"

#include "llvm/Support/CommandLine.h"

namespace fetta {

/// The category of all options of the tool.
llvm::cl::OptionCategory &pathCategory();

/// What is wrong with the options of the search; else empty.
std::string checkSearchOptions();

/// The options of the search from the command line. Progress goes to stderr
/// with --progress, or where that is a terminal.
SearchOptions makeSearchOptions(const Objective &objective);
/// Takes the line of progress off the terminal.
void clearProgress();

/// The first SIGINT or SIGTERM ends searches with the best so far; the next
/// one ends the program. Whether there was one.
void catchSignals();
bool wasInterrupted();

/// Work as options: "--trials=32 --anneal=500,500 --window=10 ...".
std::string formatWork(const HeuristicWork &work);
/// Whether --seconds decided how much was done.
bool hasTimeLimit();

} // namespace fetta

#endif // FETTA_TOOLS_FETTA_PATH_SEARCHCONTROL_H

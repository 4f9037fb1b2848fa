//===- SlicingReport.h - Orders within a memory limit -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The option --memory-limit and what it shows.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTA_PATH_SLICINGREPORT_H
#define FETTA_TOOLS_FETTA_PATH_SLICINGREPORT_H

#include "Report.h"

namespace fetta {

bool hasMemoryLimit();
llvm::Expected<SlicedPlan> searchWithinLimit(const ClosedNetwork &network);

/// The part of the report, and attribute "sliced".
void printSlicedText(const PathReport &report, llvm::raw_ostream &os);
void printSlicedJson(const PathReport &report, llvm::json::OStream &json);

} // namespace fetta

#endif // FETTA_TOOLS_FETTA_PATH_SLICINGREPORT_H

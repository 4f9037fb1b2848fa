//===- Report.h - What fetta-path prints ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A contraction order for readers and for programs.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTA_PATH_REPORT_H
#define FETTA_TOOLS_FETTA_PATH_REPORT_H

#include "fetta/Contraction/Einsum.h"
#include "fetta/Contraction/FixedOrder.h"

#include "llvm/Support/raw_ostream.h"

namespace fetta {

/// An order that was found and looked at by the independent checker.
struct PathReport {
  EinsumSpec spec;
  PreparedNetwork prepared;
  ContractionOrder order;
  SearchResult result;
  TreeCost cost;
  bool optimalityChecked = false;
};

/// Path, cost, certificate and a table of the steps.
void printText(const PathReport &report, llvm::raw_ostream &os);

/// One JSON object on one line.
void printJson(const PathReport &report, llvm::raw_ostream &os);

} // namespace fetta

#endif // FETTA_TOOLS_FETTA_PATH_REPORT_H

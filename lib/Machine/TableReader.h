//===- TableReader.h - Files of table entries -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reads the files of machines/energy and machines/area.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MACHINE_TABLEREADER_H
#define FETTA_LIB_MACHINE_TABLEREADER_H

#include "fetta/Machine/TableEntry.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace fetta {

/// What a kind of table looks like.
struct TableFormat {
  llvm::ArrayRef<llvm::StringRef> keys; ///< One entry for each, all required.
  llvm::function_ref<llvm::StringRef(size_t)> unit; ///< Of the key with that
                                                    ///< number.
  bool volts; ///< Whether entries say at which voltage.
};

struct TableText {
  std::string name;
  std::vector<TableEntry> entries; ///< As TableFormat::keys.
};

/// Missing and unknown entries, wrong units and impossible ranges are errors
/// with file, line and column.
llvm::Expected<TableText> parseTable(llvm::StringRef text, llvm::StringRef name,
                                     const TableFormat &format);

} // namespace fetta

#endif // FETTA_LIB_MACHINE_TABLEREADER_H

//===- OutputFile.h - Files that are whole or absent ------------*- C++ -*-===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Writes output through temporary files that are renamed when complete: no
/// reader ever sees a half-written file, whatever goes wrong.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SUPPORT_OUTPUTFILE_H
#define FETTA_SUPPORT_OUTPUTFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <utility>
#include <vector>

namespace fetta {

/// Produces the contents of one file.
using WriteFunction = llvm::function_ref<llvm::Error(llvm::raw_ostream &)>;

/// Writes one file; `-` is standard output. A regular file appears under its
/// name only when \p write succeeded and every byte reached the file system;
/// otherwise the old file, if any, is left as it was. Pipes and devices are
/// written in place, after \p write succeeded. Errors (full disk, missing
/// folder, no permission) name the path.
llvm::Error writeOutputFile(llvm::StringRef path, WriteFunction write);

/// The same for contents at hand.
llvm::Error writeOutputFile(llvm::StringRef path, llvm::StringRef contents);

/// A folder of files that appear together: add() writes temporary files,
/// commit() creates what was announced by renaming them. Without commit()
/// nothing remains, neither files nor a folder that did not exist before.
class OutputDirectory {
public:
  explicit OutputDirectory(llvm::StringRef path) : path(path.str()) {}
  OutputDirectory(const OutputDirectory &) = delete;
  OutputDirectory &operator=(const OutputDirectory &) = delete;
  ~OutputDirectory();

  /// Writes the file \p name of the folder, which is created if it is absent
  /// (its parent must exist). \p name is one path component and is not added
  /// twice.
  llvm::Error add(llvm::StringRef name, WriteFunction write);
  llvm::Error add(llvm::StringRef name, llvm::StringRef contents);

  /// Renames all files to their names, replacing older ones. Afterwards the
  /// object is empty. Should a rename fail, files renamed before it stay: they
  /// are whole.
  llvm::Error commit();

  llvm::StringRef getPath() const { return path; }

private:
  std::string path;
  bool created = false;
  std::vector<std::pair<std::string, llvm::sys::fs::TempFile>> files;
};

} // namespace fetta

#endif // FETTA_SUPPORT_OUTPUTFILE_H

//===- Error.h - Errors with a location and one way to print ----*- C++ -*-===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Builds llvm::Error from a format string, with an optional place in a file,
/// so that messages of all libraries and tools look the same.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SUPPORT_ERROR_H
#define FETTA_SUPPORT_ERROR_H

#include "fetta/Support/ExitCode.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FormatVariadic.h"
#include <string>
#include <utility>

namespace fetta {

/// A place in a text file. Line and column count from 1; 0 means unknown, and
/// an unknown line hides the column.
struct FileLocation {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;

  /// `file`, `file:line` or `file:line:column`.
  std::string str() const;
};

/// An error with the text formatv(format, args...). The text says what is
/// wrong with the sizes involved and, where there is one, the remedy; it
/// starts in lower case and has no full stop at its end.
template <typename... Args>
llvm::Error makeError(const char *format, Args &&...args) {
  return llvm::createStringError(
      llvm::inconvertibleErrorCode(),
      llvm::Twine(llvm::formatv(format, std::forward<Args>(args)...).str()));
}

/// The same with the place in front: `file:line:column: text`.
template <typename... Args>
llvm::Error makeErrorAt(const FileLocation &location, const char *format,
                        Args &&...args) {
  return llvm::createStringError(
      llvm::inconvertibleErrorCode(),
      llvm::Twine(location.str() + ": " +
                  llvm::formatv(format, std::forward<Args>(args)...).str()));
}

/// Puts `prefix: ` before the text of every error inside \p error, so that a
/// caller can name the file or object at hand. Success stays success.
llvm::Error addErrorContext(llvm::StringRef prefix, llvm::Error error);

/// Prints each error inside \p error to stderr as `tool: error: text`, one
/// line each. Returns the exit code of main: Done for success, else Refused.
ExitCode reportError(llvm::StringRef tool, llvm::Error error);

} // namespace fetta

#endif // FETTA_SUPPORT_ERROR_H

//===- SourceText.h - Messages that point into a string ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// One way for einsums, sizes and paths to say where a text is wrong.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_SOURCETEXT_H
#define FETTA_LIB_CONTRACTION_SOURCETEXT_H

#include "fetta/Support/Error.h"

#include "llvm/ADT/Twine.h"

namespace fetta {

/// A text of one line or more that begins at \c start.
struct SourceText {
  SourceText(llvm::StringRef text, FileLocation start)
      : text(text), start(std::move(start)) {}

  /// An error at a byte of the text or just behind it, with its line and a
  /// caret. Columns count characters, not bytes.
  llvm::Error error(size_t position, const llvm::Twine &message) const;

  llvm::StringRef text;
  FileLocation start;
};

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_SOURCETEXT_H

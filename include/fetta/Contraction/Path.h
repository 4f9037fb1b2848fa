//===- Path.h - Contraction paths as text -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reads and writes paths the way Python prints them, so that they can be
/// pasted from and into opt_einsum.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_PATH_H
#define FETTA_CONTRACTION_PATH_H

#include "fetta/Contraction/ContractionTree.h"
#include "fetta/Support/Error.h"

namespace fetta {

/// Reads "[(0, 1), (0, 2)]"; the outer brackets, commas between steps and all
/// spaces and line ends are optional. Errors point into the text: anything but
/// groups of whole numbers below 2^31 in parentheses.
llvm::Expected<ContractionPath>
parseContractionPath(llvm::StringRef text,
                     const FileLocation &start = {"path", 1, 1});

/// The tree of a path in either format, as ContractionTree::fromPath; messages
/// point to the step that is wrong, in the format in which more of the path
/// makes sense.
llvm::Expected<ContractionTree> bindPath(llvm::StringRef text,
                                         const FileLocation &start,
                                         unsigned numLeaves, unsigned rootLeaf,
                                         PathFormat *format = nullptr);

/// "[(0, 1), (0, 2)]"; a group of one as "(0,)".
std::string formatContractionPath(const ContractionPath &path);

} // namespace fetta

#endif // FETTA_CONTRACTION_PATH_H

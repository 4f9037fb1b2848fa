//===- Input.h - What fetta-path reads --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Einsums with sizes from the command line and from files. Messages name the
/// place.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTA_PATH_INPUT_H
#define FETTA_TOOLS_FETTA_PATH_INPUT_H

#include "fetta/Contraction/Einsum.h"

#include "llvm/Support/Error.h"

namespace fetta {

/// One einsum of the input and where it stands.
struct Request {
  EinsumSpec spec;
  TensorNetwork network;
  std::string place; ///< "FILE:LINE", or empty.
};

/// Lines of EINSUM<TAB>SIZES; "-" is stdin. All lines are read before the
/// first is searched, and all bad ones named.
llvm::Expected<std::vector<Request>> readRequests(llvm::StringRef fileName);

/// An einsum and its "a=2,b=3", or its shapes as "2x3,3x4".
llvm::Expected<Request> makeRequestFromSizes(llvm::StringRef einsum,
                                             llvm::StringRef sizes);
llvm::Expected<Request> makeRequestFromShapes(llvm::StringRef einsum,
                                              llvm::StringRef shapes);

/// A path and where it stands, for messages.
struct PathText {
  std::string text;
  FileLocation start;
};

/// The text itself, which messages call \p name, if it begins as a path does;
/// else it names a file ("-": stdin). Errors: no such file; not a path.
llvm::Expected<PathText> readPath(llvm::StringRef text, llvm::StringRef name);

} // namespace fetta

#endif // FETTA_TOOLS_FETTA_PATH_INPUT_H

//===- Error.cpp - Errors with a location and one way to print ------------===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace fetta {

std::string FileLocation::str() const {
  std::string text = file;
  if (line) {
    text += ":" + std::to_string(line);
    if (column)
      text += ":" + std::to_string(column);
  }
  return text;
}

Error addErrorContext(StringRef prefix, Error error) {
  Error result = Error::success();
  handleAllErrors(std::move(error), [&](const ErrorInfoBase &info) {
    result = joinErrors(std::move(result),
                        makeErrorAt({prefix.str()}, "{0}", info.message()));
  });
  return result;
}

ExitCode reportError(StringRef tool, Error error) {
  ExitCode code = Done;
  handleAllErrors(std::move(error), [&](const ErrorInfoBase &info) {
    errs() << tool << ": error: " << info.message() << '\n';
    code = Refused;
  });
  return code;
}

} // namespace fetta

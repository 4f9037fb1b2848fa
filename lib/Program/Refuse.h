//===- Refuse.h - Refusals of the verifier ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Makes the LoadErrors of the checks of meaning, and names instructions in
/// them.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PROGRAM_REFUSE_H
#define FETTA_LIB_PROGRAM_REFUSE_H

#include "fetta/Program/Program.h"

#include "llvm/Support/FormatVariadic.h"

namespace fetta {

template <typename... Args>
llvm::Error refuse(LoadCode code, const char *section, const char *format,
                   Args &&...args) {
  return llvm::make_error<LoadError>(
      code, section, 0,
      llvm::formatv(format, std::forward<Args>(args)...).str());
}

/// `instruction 7 (dma-load, load queue)`.
std::string describe(const Program &program, size_t instruction);

} // namespace fetta

#endif // FETTA_LIB_PROGRAM_REFUSE_H

//===- Verify.cpp - Checks a whole program --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Program/Program.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace fetta;

template <typename... Args>
static llvm::Error refuse(LoadCode code, const char *section,
                          const char *format, Args &&...args) {
  return llvm::make_error<LoadError>(
      code, section, 0,
      llvm::formatv(format, std::forward<Args>(args)...).str());
}

static llvm::Error verifyHalt(const Program &program) {
  for (auto [i, instruction] : llvm::enumerate(program.code))
    if (std::holds_alternative<Halt>(instruction) &&
        i + 1 != program.code.size())
      return refuse(LoadCode::Halt, "code",
                    "instruction {0} is a halt, but "
                    "{1} instructions follow",
                    i, program.code.size() - i - 1);
  if (program.code.empty() ||
      !std::holds_alternative<Halt>(program.code.back()))
    return refuse(LoadCode::Halt, "code", "the code does not end with a halt");
  return llvm::Error::success();
}

llvm::Error fetta::verifyProgram(const Program &program) {
  return verifyHalt(program);
}

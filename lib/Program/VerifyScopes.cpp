//===- VerifyScopes.cpp - Sums that stay in the accumulators -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VerifyScopes.h"
#include "Refuse.h"

#include "llvm/ADT/STLExtras.h"

using namespace fetta;

/// Whether `next` goes on with the sums that `open` left in the accumulators.
static bool continues(const Contract &open, const Contract &next) {
  const Nest &a = open.nest, &b = next.nest;
  return open.tensors[OperandC] == next.tensors[OperandC] &&
         a.c().modes == b.c().modes && a.c().banks == b.c().banks &&
         a.c().baseRow == b.c().baseRow &&
         a.accumulatorBase == b.accumulatorBase &&
         a.accumulatorStrides == b.accumulatorStrides;
}

llvm::Error fetta::verifyScopes(const Program &program) {
  const Contract *open = nullptr;
  size_t opened = 0;
  for (auto [i, instruction] : llvm::enumerate(program.code)) {
    if (std::holds_alternative<Halt>(instruction) &&
        i + 1 != program.code.size())
      return refuse(LoadCode::Halt, "code",
                    "instruction {0} is a halt, but {1} follow it", i,
                    program.code.size() - i - 1);
    const auto *contract = std::get_if<Contract>(&instruction);
    if (!contract)
      continue;
    if (contract->nest.clearAtStart == (open != nullptr))
      return refuse(LoadCode::OpenScope, "code",
                    open ? "instruction {0} clears the sums that instruction "
                           "{1} left open"
                         : "instruction {0} adds to sums, but none are open",
                    i, opened);
    if (open && !continues(*open, *contract))
      return refuse(LoadCode::OpenScope, "code",
                    "instruction {0} goes on with another result or other "
                    "accumulator rows than instruction {1} left open",
                    i, opened);
    open = contract->nest.drainAtEnd ? nullptr : contract;
    opened = i;
  }
  if (open)
    return refuse(LoadCode::OpenScope, "code",
                  "the sums of instruction {0} are never drained", opened);
  if (program.code.empty() ||
      !std::holds_alternative<Halt>(program.code.back()))
    return refuse(LoadCode::Halt, "code", "the code does not end with a halt");
  return llvm::Error::success();
}

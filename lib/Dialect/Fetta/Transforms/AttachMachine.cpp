//===- AttachMachine.cpp -----------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/Fetta/Transforms/Passes.h"

namespace fetta::hw {
#define GEN_PASS_DEF_FETTAATTACHMACHINEPASS
#include "fetta/Dialect/Fetta/Transforms/Passes.h.inc"
} // namespace fetta::hw

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

/// Reports `file:line:column: error: text` at that place, any other text at
/// `fallback`. The module says nothing about the file, so it is not printed.
static void report(Location fallback, StringRef file, StringRef message) {
  StringRef text = message;
  unsigned line, column;
  if (text.consume_front(file) && text.consume_front(":") &&
      !text.consumeInteger(10, line) && text.consume_front(":") &&
      !text.consumeInteger(10, column) && text.consume_front(": error: "))
    emitError(FileLineColLoc::get(fallback.getContext(), file, line, column))
        << text;
  else
    emitError(fallback) << message;
}

namespace {
struct AttachMachinePass
    : fetta::hw::impl::FettaAttachMachinePassBase<AttachMachinePass> {
  using FettaAttachMachinePassBase::FettaAttachMachinePassBase;

  void runOnOperation() override {
    if (file.empty()) {
      emitError(getOperation().getLoc(),
                "no machine file given; set the option 'file'");
      return signalPassFailure();
    }
    llvm::Expected<Machine> machine = Machine::load(file);
    if (!machine) {
      report(getOperation().getLoc(), file,
             llvm::toString(machine.takeError()));
      return signalPassFailure();
    }
    getOperation()->setAttr(kMachineAttr,
                            MachineAttr::get(&getContext(), *machine));
  }
};
} // namespace

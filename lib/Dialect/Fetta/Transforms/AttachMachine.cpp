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

namespace {
struct AttachMachinePass
    : fetta::hw::impl::FettaAttachMachinePassBase<AttachMachinePass> {
  using FettaAttachMachinePassBase::FettaAttachMachinePassBase;

  void runOnOperation() override {
    if (file.empty()) {
      getOperation().emitError("no machine file given; set the option 'file'");
      return signalPassFailure();
    }
    llvm::Expected<Machine> machine = Machine::load(file);
    if (!machine) {
      getOperation().emitError() << llvm::toString(machine.takeError());
      return signalPassFailure();
    }
    getOperation()->setAttr(kMachineAttr,
                            MachineAttr::get(&getContext(), *machine));
  }
};
} // namespace

//===- FettaDialect.cpp -----------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DialectMemo.h"

#include "fetta/Dialect/Fetta/IR/FettaDialect.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"

using namespace mlir;
using namespace fetta::hw;

#include "fetta/Dialect/Fetta/IR/FettaDialect.cpp.inc"

void FettaDialect::initialize() {
  memo = std::make_shared<Memo>();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "fetta/Dialect/Fetta/IR/FettaOps.cpp.inc"
      >();
}

const fetta::Machine &MachineAttr::getMachine() const {
  FettaDialect::Memo &memo = FettaDialect::Memo::of(getContext());
  std::lock_guard<std::mutex> lock(memo.mutex);
  std::unique_ptr<const fetta::Machine> &known = memo.machines[*this];
  if (!known)
    known = std::make_unique<const fetta::Machine>(
        llvm::cantFail(fetta::Machine::fromJson(getJson())));
  return *known;
}

LogicalResult FettaDialect::verifyOperationAttribute(Operation *op,
                                                     NamedAttribute attribute) {
  if (attribute.getName() != kMachineAttr)
    return op->emitOpError()
           << "unknown attribute '" << attribute.getName().getValue()
           << "'; the fetta dialect knows '" << kMachineAttr << "' on a module";
  if (!isa<ModuleOp>(op))
    return op->emitOpError() << "'" << kMachineAttr << "' belongs on a module";
  if (!isa<MachineAttr>(attribute.getValue()))
    return op->emitOpError()
           << "'" << kMachineAttr << "' should be a #fetta.machine, got "
           << attribute.getValue();
  return success();
}

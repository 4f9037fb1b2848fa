//===- FettaDialect.cpp -----------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaDialect.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"

using namespace mlir;
using namespace fetta::hw;

#include "fetta/Dialect/Fetta/IR/FettaDialect.cpp.inc"

void FettaDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "fetta/Dialect/Fetta/IR/FettaOps.cpp.inc"
      >();
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

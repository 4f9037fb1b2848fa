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
  FettaDialect::Memo &memo =
      static_cast<FettaDialect &>(getDialect()).getMemo();
  std::lock_guard<std::mutex> lock(memo.mutex);
  std::unique_ptr<const fetta::Machine> &known = memo.machines[*this];
  if (!known)
    known = std::make_unique<const fetta::Machine>(
        llvm::cantFail(fetta::Machine::fromJson(getJson())));
  return *known;
}

/// What each entry of a mapping by hand should be; what is wrong with it.
static LogicalResult verifyMapping(Operation *op, Attribute attribute) {
  auto refuse = [&] {
    return op->emitOpError() << "'" << kMappingAttr << "' ";
  };
  StringRef name = op->getName().getStringRef();
  if (name != "tnn.contract" && name != "tnn.einsum")
    return refuse() << "belongs on tnn.contract or tnn.einsum";
  auto entries = dyn_cast<DictionaryAttr>(attribute);
  if (!entries)
    return refuse() << "should be a dictionary, got " << attribute;
  for (NamedAttribute entry : entries) {
    StringRef key = entry.getName();
    Attribute value = entry.getValue();
    auto should = [&](const char *what) {
      return refuse() << key << ": should be " << what << ", got " << value;
    };
    if (key == "dataflow") {
      auto text = dyn_cast<StringAttr>(value);
      if (!text || !symbolizeDataflowKind(text.getValue()))
        return should("\"a_stationary\", \"b_stationary\" or "
                      "\"output_stationary\"");
    } else if (key == "rows" || key == "columns" || key == "ces" ||
               key == "scope") {
      auto modes = dyn_cast<DictionaryAttr>(value);
      if (!modes || !llvm::all_of(modes, [](NamedAttribute mode) {
            auto number = dyn_cast<IntegerAttr>(mode.getValue());
            return number && number.getType().isSignlessInteger(64) &&
                   number.getInt() >= 0 && number.getInt() <= INT32_MAX;
          }))
        return should("a dictionary from modes to numbers that are not "
                      "negative");
    } else if (key == "loops") {
      auto list = dyn_cast<ArrayAttr>(value);
      if (!list || !llvm::all_of(list, llvm::IsaPred<StringAttr>))
        return should("a list of modes as strings");
    } else if (key == "lhs" || key == "rhs" || key == "result") {
      if (!isa<LayoutAttr>(value))
        return should("a #fetta.layout");
    } else {
      return refuse() << "has no entry '" << key
                      << "'; it knows dataflow, rows, columns, ces, scope, "
                         "loops, lhs, rhs and result";
    }
  }
  return success();
}

LogicalResult FettaDialect::verifyOperationAttribute(Operation *op,
                                                     NamedAttribute attribute) {
  if (attribute.getName() == kMappingAttr)
    return verifyMapping(op, attribute.getValue());
  if (attribute.getName() != kMachineAttr)
    return op->emitOpError()
           << "unknown attribute '" << attribute.getName().getValue()
           << "'; the fetta dialect knows '" << kMachineAttr
           << "' on a module and '" << kMappingAttr << "' on contractions";
  if (!isa<ModuleOp>(op))
    return op->emitOpError() << "'" << kMachineAttr << "' belongs on a module";
  if (!isa<MachineAttr>(attribute.getValue()))
    return op->emitOpError()
           << "'" << kMachineAttr << "' should be a #fetta.machine, got "
           << attribute.getValue();
  return success();
}

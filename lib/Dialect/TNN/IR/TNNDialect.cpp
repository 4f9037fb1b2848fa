//===- TNNDialect.cpp -------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace fetta::tnn;

#include "fetta/Dialect/TNN/IR/TNNDialect.cpp.inc"

void TNNDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "fetta/Dialect/TNN/IR/TNNOps.cpp.inc"
      >();
}

/// `value` must be one of `choices`.
static LogicalResult verifyChoice(Operation *op, NamedAttribute attribute,
                                  ArrayRef<StringRef> choices) {
  auto value = dyn_cast<StringAttr>(attribute.getValue());
  if (value && llvm::is_contained(choices, value.getValue()))
    return success();
  InFlightDiagnostic diag = op->emitOpError()
                            << "'" << attribute.getName().getValue()
                            << "' should be one of ";
  llvm::interleaveComma(
      choices, diag, [&](StringRef choice) { diag << "\"" << choice << "\""; });
  return diag << ", got " << attribute.getValue();
}

/// Names become file names: a non-empty string of letters, digits, '_', '.' and
/// '-' that does not start with '.' or '-', unlike the name of any of `others`.
static LogicalResult verifyName(Operation *op, NamedAttribute attribute,
                                ArrayRef<Attribute> others) {
  auto name = dyn_cast<StringAttr>(attribute.getValue());
  auto isPlain = [](char c) {
    return llvm::isAlnum(c) || c == '_' || c == '.' || c == '-';
  };
  if (!name || name.empty() || !llvm::all_of(name.getValue(), isPlain) ||
      name.getValue().front() == '.' || name.getValue().front() == '-')
    return op->emitOpError()
           << "'tnn.name' should be a string of letters, digits, '_', '.' and "
              "'-' that starts with a letter, a digit or '_', got "
           << attribute.getValue();
  if (llvm::is_contained(others, name))
    return op->emitOpError() << "'tnn.name' " << name << " is used twice";
  return success();
}

LogicalResult TNNDialect::verifyOperationAttribute(Operation *op,
                                                   NamedAttribute attribute) {
  if (attribute.getName() == kPhaseAttr)
    return verifyChoice(op, attribute,
                        {kPhaseForward, kPhaseBackward, kPhaseWeightGradient});
  return op->emitOpError() << "unknown attribute '"
                           << attribute.getName().getValue()
                           << "' on an operation; the tnn dialect knows '"
                           << kPhaseAttr << "'";
}

LogicalResult TNNDialect::verifyRegionArgAttribute(Operation *op,
                                                   unsigned regionIndex,
                                                   unsigned argIndex,
                                                   NamedAttribute attribute) {
  if (attribute.getName() == kRoleAttr)
    return verifyChoice(op, attribute,
                        {kRoleInput, kRoleParam, kRoleState, kRoleTarget});
  if (attribute.getName() == kNameAttr) {
    SmallVector<Attribute> others;
    if (auto function = dyn_cast<FunctionOpInterface>(op))
      for (unsigned i = 0; i < argIndex; ++i)
        others.push_back(function.getArgAttr(i, kNameAttr));
    return verifyName(op, attribute, others);
  }
  return op->emitOpError() << "unknown attribute '"
                           << attribute.getName().getValue()
                           << "' on argument #" << argIndex
                           << "; the tnn dialect knows '" << kNameAttr
                           << "' and '" << kRoleAttr << "'";
}

LogicalResult
TNNDialect::verifyRegionResultAttribute(Operation *op, unsigned regionIndex,
                                        unsigned resultIndex,
                                        NamedAttribute attribute) {
  if (attribute.getName() != kNameAttr)
    return op->emitOpError()
           << "unknown attribute '" << attribute.getName().getValue()
           << "' on result #" << resultIndex << "; the tnn dialect knows '"
           << kNameAttr << "'";
  SmallVector<Attribute> others;
  if (auto function = dyn_cast<FunctionOpInterface>(op))
    for (unsigned i = 0; i < resultIndex; ++i)
      others.push_back(function.getResultAttr(i, kNameAttr));
  return verifyName(op, attribute, others);
}

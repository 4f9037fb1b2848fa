//===- TNNNames.cpp ---------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/IR/TNNNames.h"
#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

std::string fetta::tnn::getArgumentName(FunctionOpInterface function,
                                        unsigned index) {
  if (auto name = function.getArgAttrOfType<StringAttr>(index, kNameAttr))
    return name.str();
  return "arg" + std::to_string(index);
}

std::string fetta::tnn::getResultName(FunctionOpInterface function,
                                      unsigned index) {
  if (auto name = function.getResultAttrOfType<StringAttr>(index, kNameAttr))
    return name.str();
  return "result" + std::to_string(index);
}

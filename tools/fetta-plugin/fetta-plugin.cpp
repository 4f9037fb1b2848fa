//===- fetta-plugin.cpp - Dialects and passes for stock mlir-opt ----------===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One shared object serves as dialect plugin and as pass plugin:
//   mlir-opt --load-dialect-plugin=F --load-pass-plugin=F --pass-pipeline=...
// where F is fetta-plugin.so. mlir-opt reads its options before it loads
// plugins, so that our passes are named in --pass-pipeline only.
//
//===----------------------------------------------------------------------===//

#include "fetta/InitAll.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/Config/llvm-config.h"

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Fetta", LLVM_VERSION_STRING,
          [](mlir::DialectRegistry *registry) {
            fetta::registerAllDialects(*registry);
          }};
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Fetta", LLVM_VERSION_STRING,
          []() { fetta::registerAllPasses(); }};
}

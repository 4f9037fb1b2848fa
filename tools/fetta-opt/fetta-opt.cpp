//===- fetta-opt.cpp --------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// \file
// The optimizer driver: every upstream dialect and pass, and ours.
//
//===----------------------------------------------------------------------===//

#include "fetta/InitAll.h"
#ifdef FETTA_ENABLE_TESTS
#include "TestPasses.h"
#endif
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  fetta::registerAllDialects(registry);
  mlir::registerAllPasses();
  fetta::registerAllPasses();
#ifdef FETTA_ENABLE_TESTS
  fetta::test::registerTestPasses();
#endif
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Fetta optimizer driver\n", registry));
}

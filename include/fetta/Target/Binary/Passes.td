//===- Passes.td -------------------------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Passes that look at a function as a whole program.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_TARGET_BINARY_PASSES_TD
#define FETTA_TARGET_BINARY_PASSES_TD

include "mlir/Pass/PassBase.td"

def FettaVerifyProgramPass : Pass<"fetta-verify-program", "::mlir::ModuleOp"> {
  let summary = "Check a whole program: memory, routes, order, initialisation";
  let description = [{
    For every function with a body:
    1. every value in tensor memory has a home, and no two that live at the same
       time share a row;
    2. every contraction names its routes, and they hold switch words;
    3. no contraction of the forward phase needs the gradient of a result, or
       comes after one that needs such a gradient and the host places it: a loss
       stands between them;
    4. the program passes the checks of the binary loader (accesses, routes
       replayed, order, initialisation).
  }];
}

#endif // FETTA_TARGET_BINARY_PASSES_TD

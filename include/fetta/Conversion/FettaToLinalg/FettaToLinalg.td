//===- FettaToLinalg.td ------------------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// From mapped contractions back to linalg on plain tensors.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONVERSION_FETTATOLINALG_FETTATOLINALG_TD
#define FETTA_CONVERSION_FETTATOLINALG_FETTATOLINALG_TD

include "mlir/Pass/PassBase.td"

def ConvertFettaToLinalgPass
    : Pass<"convert-fetta-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Turn mapped contractions back into linalg on plain tensors";
  let description = [{
    Repeats are written out. The same values without the machine: layouts, homes, routes and the machine
    attribute disappear; `fetta.place`, `fetta.relabel` and `fetta.collect`
    become reshapes, `fetta.load` and `fetta.store` slices of the region under a
    shape in which their tile is a rectangle (others are refused). A contraction
    with a summed mode becomes `linalg.contract` into its `init` or a zero-filled
    f32 tensor, any other one `linalg.generic`; a bf16 result is rounded once, at
    the end. Sums are taken in another order than the
    machine's, so f32 and bf16 results agree within rounding, not bit for bit.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // FETTA_CONVERSION_FETTATOLINALG_FETTATOLINALG_TD

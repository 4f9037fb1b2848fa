//===- TNNToLinalg.td --------------------------------------*- tablegen -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// From contractions to loops that upstream lowers to any host.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONVERSION_TNNTOLINALG_TNNTOLINALG_TD
#define FETTA_CONVERSION_TNNTOLINALG_TNNTOLINALG_TD

include "mlir/Pass/PassBase.td"

def ConvertTNNToLinalgPass : Pass<"convert-tnn-to-linalg"> {
  let summary = "Convert contractions and einsums to linalg";
  let description = [{
    A contraction with a summed mode becomes `linalg.contract` into its `init` or
    a zero-filled f32 tensor, followed by `arith.truncf` where the result is bf16: its
    accumulator has the element type of its output, and a bf16 accumulator would
    lose sums. A contraction without a summed mode (`linalg.contract` refuses
    those) becomes a `linalg.generic` that multiplies in f32 and rounds once.

    A `tnn.einsum` that has not been ordered becomes one `linalg.generic` over
    all its modes: right, but as slow as its iteration space is large. Layers are
    refused; run `tnn-expand-layers` first.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // FETTA_CONVERSION_TNNTOLINALG_TNNTOLINALG_TD

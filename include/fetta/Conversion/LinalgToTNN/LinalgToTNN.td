//===- LinalgToTNN.td --------------------------------------*- tablegen -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// The way in for other people's IR.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONVERSION_LINALGTOTNN_LINALGTOTNN_TD
#define FETTA_CONVERSION_LINALGTOTNN_LINALGTOTNN_TD

include "mlir/Pass/PassBase.td"

def ConvertLinalgToTNNPass : Pass<"convert-linalg-to-tnn"> {
  let summary = "Convert linalg contractions to tnn.contract, one to one";
  let description = [{
    `linalg.contract` and the matmul family (`linalg.matmul`,
    `linalg.batch_matmul`, `linalg.matvec`, `linalg.vecmat`, `linalg.dot`, ...)
    on static f32 or bf16 tensors become `tnn.contract` where their output
    starts as zeros. Modes are named by what they are: `b` batch, `m` of the left
    operand, `n` of the right operand, `k` summed. An `arith.truncf` to bf16 that
    is the only user of an f32 result is absorbed. Anything else stays.

    `tnn.contract` accumulates in f32, so the result of an operation whose output
    is bf16 is at least as exact as before.
  }];
  let dependentDialects = ["::fetta::tnn::TNNDialect"];
}

#endif // FETTA_CONVERSION_LINALGTOTNN_LINALGTOTNN_TD

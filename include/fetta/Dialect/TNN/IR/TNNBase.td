//===- TNNBase.td ------------------------------------------*- tablegen -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// The tnn dialect itself and the base classes of its attributes and ops.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_IR_TNNBASE_TD
#define FETTA_DIALECT_TNN_IR_TNNBASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def TNN_Dialect : Dialect {
  let name = "tnn";
  let cppNamespace = "::fetta::tnn";
  let summary = "Tensorized neural networks, independent of any hardware";
  let description = [{
    Layers whose weights are stored as tensor decompositions, the einsums they
    expand to, and the two-operand contractions an ordered einsum becomes. All
    ops are pure and work on builtin ranked tensors of static shape.

    Function arguments and results may carry
    - `tnn.name`: the name of the array outside (letters, digits, `_`, `.`, `-`;
      at most once per function among the arguments and once among the results);
    - `tnn.role` (arguments): `"input"`, `"param"`, `"state"` or `"target"`.
    An operation may carry `tnn.phase` (`"fp"`, `"bp"` or `"wg"`): the phase of
    a training step that first needs its result.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
  // What canonicalizations create.
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

class TNN_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<TNN_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

class TNN_Op<string mnemonic, list<Trait> traits = []>
    : Op<TNN_Dialect, mnemonic, traits>;

/// The tensors the dialect computes with.
def TNN_Tensor : StaticShapeTensorOf<[F32, BF16]>;

#endif // FETTA_DIALECT_TNN_IR_TNNBASE_TD

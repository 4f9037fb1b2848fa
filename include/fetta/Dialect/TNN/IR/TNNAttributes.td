//===- TNNAttributes.td ------------------------------------*- tablegen -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Einsum specifications and the tensor decompositions of weights.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_IR_TNNATTRIBUTES_TD
#define FETTA_DIALECT_TNN_IR_TNNATTRIBUTES_TD

include "fetta/Dialect/TNN/IR/TNNBase.td"
include "fetta/Dialect/TNN/IR/TNNInterfaces.td"

def TNN_EinsumAttr : TNN_Attr<"Einsum", "einsum"> {
  let summary = "an einsum over named modes";
  let description = [{
    Operands separated by commas, then `->` and the result; the modes of each are
    names (`[A-Za-z_][A-Za-z0-9_]*`) separated by spaces:

    ```mlir
    #tnn.einsum<"b i0 i1, i1 r -> b i0 r">
    ```

    A specification without any space is sugar for single-letter modes:
    `#tnn.einsum<"bij,jr->bir">` equals `#tnn.einsum<"b i j, j r -> b i r">`.

    Rules, which keep einsums closed under differentiation:
    1. the modes of an operand are distinct, and so are those of the result;
    2. a mode that only one operand has appears in the result;
    3. a mode of the result appears in an operand.

    Diagonals and sums over a mode of one operand are therefore not einsums.
  }];
  let parameters = (ins
    ArrayRefParameter<"::mlir::ArrayAttr", "modes of each operand">:$inputs,
    "::mlir::ArrayAttr":$output);
  let genVerifyDecl = 1;
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// Parses a specification; reports through `emitError` and returns null when
    /// it is malformed or breaks a rule.
    static EinsumAttr
    parseSpec(::mlir::MLIRContext *context, ::llvm::StringRef spec,
              ::llvm::function_ref<::mlir::InFlightDiagnostic()> emitError);
    /// From lists of mode names, which must obey the rules.
    static EinsumAttr
    get(::mlir::MLIRContext *context,
        ::llvm::ArrayRef<::llvm::SmallVector<::mlir::StringAttr>> inputs,
        ::llvm::ArrayRef<::mlir::StringAttr> output);

    unsigned getNumInputs() const { return getInputs().size(); }
    /// Modes of one operand, in the order of its dimensions.
    ::llvm::SmallVector<::mlir::StringAttr> getInputModes(unsigned input) const;
    /// Modes of the result, in the order of its dimensions.
    ::llvm::SmallVector<::mlir::StringAttr> getOutputModes() const;
    /// Every mode once, in the order of first appearance in the operands. This
    /// order numbers the loops of the indexing maps.
    ::llvm::SmallVector<::mlir::StringAttr> getModes() const;
    bool isOutputMode(::mlir::StringAttr mode) const;
    /// True if a mode is summed, that is, missing from the result.
    bool hasSummedMode() const;
    /// Indexing maps of the operands, then of the result.
    ::llvm::SmallVector<::mlir::AffineMap> getIndexingMaps() const;
    /// The canonical text: `b i0 i1, i1 r -> b i0 r`.
    std::string getSpec() const;
  }];
}

class TNN_Decomposition<string name, string mnemonic>
    : TNN_Attr<name, mnemonic,
        [DeclareAttrInterfaceMethods<TNN_DecompositionAttrInterface>]> {
  let parameters = (ins
    ArrayRefParameter<"int64_t", "sizes of the output modes">:$outputModes,
    ArrayRefParameter<"int64_t", "sizes of the input modes">:$inputModes,
    ArrayRefParameter<"int64_t", "ranks, boundary ranks included">:$ranks);
  let assemblyFormat = [{
    `<` `out` `=` `[` $outputModes `]` `,` `in` `=` `[` $inputModes `]` `,`
        `ranks` `=` `[` $ranks `]` `>`
  }];
  let genVerifyDecl = 1;
}

def TNN_TTAttr : TNN_Decomposition<"TT", "tt"> {
  let summary = "tensor train over the output modes, then the input modes";
  let description = [{
    One core for each output mode, then one for each input mode, of shape
    (rank, mode, rank). This is the tensor train of CoMERA and of T3F's vectors
    of modes; trained cores load unchanged:

    ```mlir
    #tnn.tt<out = [12, 8, 8], in = [8, 8, 12], ranks = [1, 12, 12, 12, 12, 12, 1]>
    ```

    W[o0..; i0..] = sum over ranks of G1[1, o0, r1] G2[r1, o1, r2] ...
    GK[rK-1, i_last, 1].
  }];
}

def TNN_TTMAttr : TNN_Decomposition<"TTM", "ttm"> {
  let summary = "tensor-train matrix (block tensor train)";
  let description = [{
    One core for each pair of an output and an input mode, of shape
    (rank, out, in, rank), as TensorLy-Torch (`BlockTT`) and T3F keep them:

    ```mlir
    #tnn.ttm<out = [12, 8, 8], in = [10, 10, 10], ranks = [1, 30, 30, 1]>
    ```

    W[o0..; i0..] = sum over ranks of G1[1, o0, i0, r1] ... GK[rK-1, oK, iK, 1].
  }];
}

#endif // FETTA_DIALECT_TNN_IR_TNNATTRIBUTES_TD

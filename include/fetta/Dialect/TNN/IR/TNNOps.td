//===- TNNOps.td -------------------------------------------*- tablegen -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Operations: layers, n-ary einsums, and contractions of two operands.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_IR_TNNOPS_TD
#define FETTA_DIALECT_TNN_IR_TNNOPS_TD

include "fetta/Dialect/TNN/IR/TNNAttributes.td"
include "mlir/Interfaces/IndexingMapOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def TNN_LinearOp : TNN_Op<"linear", [Pure, AttrSizedOperandSegments]> {
  let summary = "linear layer with a decomposed weight";
  let description = [{
    y = x W^T (+ bias): the last dimension of `x` is the input features, all
    others are batch dimensions and stay. The weight never exists as a matrix; it
    is the product of `cores`, whose shapes the decomposition fixes.

    ```mlir
    %y = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
        : (tensor<7x10xf32>, tensor<1x4x2x6xf32>, tensor<6x3x5x1xf32>) -> tensor<7x12xf32>
    ```
  }];
  let arguments = (ins TNN_Tensor:$x, Variadic<TNN_Tensor>:$cores,
                       Optional<TNN_Tensor>:$bias,
                       TNN_DecompositionAttrInterface:$weight);
  let results = (outs TNN_Tensor:$result);
  let assemblyFormat = [{
    $weight $x `,` `cores` `(` $cores `)` (`bias` `(` $bias^ `)`)? attr-dict `:`
        functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

class TNN_EinsumLikeOp<string mnemonic, list<Trait> traits = []>
    : TNN_Op<mnemonic, !listconcat([
        Pure,
        DeclareOpInterfaceMethods<IndexingMapOpInterface,
                                  ["getLoopsToShapesMap"]>,
        DeclareOpInterfaceMethods<InferTypeOpInterface, ["refineReturnTypes"]>
      ], traits)> {
  code einsumDeclarations = [{
    /// Shape of the tensor behind an operand (asked by IndexingMapOpInterface).
    ::llvm::ArrayRef<int64_t> getShape(::mlir::OpOperand *operand) {
      return ::mlir::cast<::mlir::RankedTensorType>(operand->get().getType())
          .getShape();
    }
    /// Operands of the einsum.
    ::mlir::OperandRange getFactors() {
      return getOperation()->getOperands().take_front(
          getEinsum().getNumInputs());
    }
    /// Sizes of all modes, in the order of EinsumAttr::getModes().
    ::llvm::SmallVector<int64_t> getModeSizes() {
      return getSizesOfModes(getEinsum(), getFactors());
    }
  }];
}

def TNN_EinsumOp : TNN_EinsumLikeOp<"einsum"> {
  let summary = "einsum of any number of operands";
  let description = [{
    Sums the product of the operands over all modes that are not in the result.
    The rules of `#tnn.einsum` hold; sizes of a mode agree wherever it appears.
    The element type of the result is that of the operands or wider (bf16
    operands, f32 result).

    The optional `path` fixes the order by hand in opt_einsum's linear format:
    each pair of positions is removed from the list of operands and the result
    appended.

    ```mlir
    %y = tnn.einsum "b i0 i1, i1 r, r i0 o -> b o" %x, %g0, %g1 path [(0, 1), (0, 1)]
        : (tensor<8x2x3xf32>, tensor<3x4xf32>, tensor<4x2x5xf32>) -> tensor<8x5xf32>
    ```
  }];
  let arguments = (ins Variadic<TNN_Tensor>:$inputs, TNN_EinsumAttr:$einsum,
                       OptionalAttr<DenseI64ArrayAttr>:$path);
  let results = (outs TNN_Tensor:$result);
  let assemblyFormat = [{
    custom<EinsumSpec>($einsum) $inputs (`path` custom<ContractionPath>($path)^)?
        attr-dict `:` functional-type($inputs, $result)
  }];
  let extraClassDeclaration = einsumDeclarations;
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
  let hasFolder = 1;
}

def TNN_ContractOp : TNN_EinsumLikeOp<"contract"> {
  let summary = "contraction of two tensors";
  let description = [{
    An einsum of exactly two operands: one step of a contraction order. Products
    accumulate in f32; the result is rounded once when it is bf16. With `init`
    the sums go on from those of `init`, which has the shape of the result and is
    f32: so a sum over slices of a mode (`tnn-slice-batch`) is a chain of
    contractions, of which the last one may round.

    ```mlir
    %t = tnn.contract "b i0 i1, i1 r -> b i0 r" %x, %g
        : (tensor<32x8x12xbf16>, tensor<12x12xbf16>) -> tensor<32x8x12xbf16>
    %s = tnn.contract "b i, b r -> i r" %x1, %d1 init(%s0)
        : (tensor<32x8xbf16>, tensor<32x12xbf16>, tensor<8x12xf32>) -> tensor<8x12xf32>
    ```
  }];
  let arguments = (ins TNN_Tensor:$lhs, TNN_Tensor:$rhs,
                       Optional<TNN_Tensor>:$init, TNN_EinsumAttr:$einsum);
  let results = (outs TNN_Tensor:$result);
  let assemblyFormat = [{
    custom<EinsumSpec>($einsum) $lhs `,` $rhs (`init` `(` $init^ `)`)? attr-dict
        `:` functional-type(operands, $result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$type, "::mlir::Value":$lhs,
                                 "::mlir::Value":$rhs,
                                 "::fetta::tnn::EinsumAttr":$einsum)>];
  let extraClassDeclaration = einsumDeclarations # [{
    /// Number of multiply-adds: the product of the sizes of all modes.
    int64_t getMultiplyAdds();
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

#endif // FETTA_DIALECT_TNN_IR_TNNOPS_TD

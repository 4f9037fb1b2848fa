//===- TNNInterfaces.td ------------------------------------*- tablegen -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// What every tensor decomposition of a weight matrix answers. A new format is
/// one attribute with this interface; layers, expansion and differentiation
/// need no change.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_IR_TNNINTERFACES_TD
#define FETTA_DIALECT_TNN_IR_TNNINTERFACES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def TNN_DecompositionAttrInterface
    : AttrInterface<"DecompositionAttrInterface"> {
  let cppNamespace = "::fetta::tnn";
  let description = [{
    A decomposition of the weight of a linear layer, `out_features` x
    `in_features`, into cores. Both feature dimensions are split into modes, the
    first mode varying slowest (row-major, as `tensor.expand_shape` splits).
  }];
  let methods = [
    InterfaceMethod<"Sizes of the modes of the output features.",
      "::llvm::ArrayRef<int64_t>", "getOutputModes">,
    InterfaceMethod<"Sizes of the modes of the input features.",
      "::llvm::ArrayRef<int64_t>", "getInputModes">,
    InterfaceMethod<[{
        Shapes of the core tensors exactly as a trained model stores them,
        boundary ranks of 1 included.
      }],
      "::llvm::SmallVector<::llvm::SmallVector<int64_t>>", "getCoreShapes">,
    InterfaceMethod<[{
        Mode names of each core, one per dimension of its shape: `o<k>` for the
        k-th output mode, `i<k>` for the k-th input mode, any other name not
        starting with `b` for a rank. An empty name marks a boundary dimension of
        size 1 that the einsum leaves out.
      }],
      "::llvm::SmallVector<::llvm::SmallVector<std::string>>", "getCoreModes">
  ];
  let extraSharedClassDeclaration = [{
    /// Product of the output modes; fits into 63 bits in a verified attribute.
    int64_t getOutFeatures() { return productOfModes($_attr.getOutputModes()); }
    /// Product of the input modes; fits into 63 bits in a verified attribute.
    int64_t getInFeatures() { return productOfModes($_attr.getInputModes()); }
  }];
}

#endif // FETTA_DIALECT_TNN_IR_TNNINTERFACES_TD

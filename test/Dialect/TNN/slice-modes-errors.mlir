// RUN: fetta-opt %s --pass-pipeline='builtin.module(func.func(tnn-slice-batch{modes=i:2}))' --split-input-file --verify-diagnostics
// RUN: not fetta-opt %s --pass-pipeline='builtin.module(func.func(tnn-slice-batch{modes=i}))' --split-input-file 2>&1 | FileCheck %s
// CHECK: error: modes should be MODE:PIECES, got 'i'

// One mode twice, under its name and under another one; the batch.
// RUN: not fetta-opt %S/Inputs/one-mode.mlir --tnn-slice-batch=modes=i:2,i:3 2>&1 | FileCheck %s --check-prefix=SAME
// RUN: not fetta-opt %S/Inputs/one-mode.mlir --tnn-slice-batch=modes=k:2,r:3 2>&1 | FileCheck %s --check-prefix=RENAMED
// RUN: not fetta-opt %S/Inputs/one-mode.mlir "--tnn-slice-batch=modes=b:2 slices=2" 2>&1 | FileCheck %s --check-prefix=BATCH
// SAME: one-mode.mlir:4:1: error: 'func.func' op cannot be sliced: one mode of size 12 is to be cut into pieces of 6 and of 4; name each mode once
// RENAMED: one-mode.mlir:4:1: error: 'func.func' op cannot be sliced: one mode of size 6 is to be cut into pieces of 3 and of 2; name each mode once
// BATCH: one-mode.mlir:4:1: error: 'func.func' op cannot be sliced: the mode to be cut is the batch

// expected-error @+1 {{cannot be sliced: no contraction has a mode 'i'}}
func.func @unknown(%g: tensor<6x3xf32>, %h: tensor<3x4xf32>) -> tensor<6x4xf32> {
  %0 = tnn.contract "b r, r o -> b o" %g, %h : (tensor<6x3xf32>, tensor<3x4xf32>) -> tensor<6x4xf32>
  return %0 : tensor<6x4xf32>
}

// -----

func.func @small(%g: tensor<6x1xf32>, %h: tensor<1x4xf32>) -> tensor<6x4xf32> {
  // expected-error @+1 {{cannot be sliced into 2 pieces: mode 'i' has size 1}}
  %0 = tnn.contract "b i, i o -> b o" %g, %h : (tensor<6x1xf32>, tensor<1x4xf32>) -> tensor<6x4xf32>
  return %0 : tensor<6x4xf32>
}

// -----

func.func @twice(%g: tensor<6x3xf32>) -> tensor<6x6xf32> {
  // expected-error @+1 {{cannot be sliced: dimensions 0 and 1 of 'tensor<6x6xf32>' are both the mode}}
  %0 = tnn.contract "i r, b r -> i b" %g, %g : (tensor<6x3xf32>, tensor<6x3xf32>) -> tensor<6x6xf32>
  return %0 : tensor<6x6xf32>
}

// -----

func.func @other(%g: tensor<6x3xf32>, %h: tensor<3x4xf32>) -> tensor<6x4xf32> {
  %0 = tnn.contract "i r, r o -> i o" %g, %h : (tensor<6x3xf32>, tensor<3x4xf32>) -> tensor<6x4xf32>
  // expected-error @+1 {{cannot be sliced, only contractions and reshapes can}}
  %1 = arith.addf %0, %0 : tensor<6x4xf32>
  return %1 : tensor<6x4xf32>
}

// -----

func.func @merged(%g: tensor<6x3xf32>, %h: tensor<3x4xf32>, %k: tensor<24x2xf32>) -> tensor<2xf32> {
  %0 = tnn.contract "i r, r o -> i o" %g, %h : (tensor<6x3xf32>, tensor<3x4xf32>) -> tensor<6x4xf32>
  // expected-error @+1 {{cannot be sliced: it merges the mode of 6}}
  %1 = tensor.collapse_shape %0 [[0, 1]] : tensor<6x4xf32> into tensor<24xf32>
  %2 = tnn.contract "m, m k -> k" %1, %k : (tensor<24xf32>, tensor<24x2xf32>) -> tensor<2xf32>
  return %2 : tensor<2xf32>
}

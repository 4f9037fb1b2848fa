// RUN: fetta-opt %s --pass-pipeline='builtin.module(func.func(tnn-slice-batch{slices=2}))' --split-input-file --verify-diagnostics
// RUN: not fetta-opt %s --pass-pipeline='builtin.module(func.func(tnn-slice-batch{slices=0}))' --split-input-file 2>&1 | FileCheck %s
// CHECK: error: slices should be positive, got 0

// expected-error @+1 {{cannot be sliced: every argument is a parameter, none has a batch}}
func.func @params(%g: tensor<6x3xf32> {tnn.role = "param"}, %h: tensor<3x4xf32> {tnn.role = "param"}) -> tensor<6x4xf32> {
  %0 = tnn.contract "i r, r o -> i o" %g, %h : (tensor<6x3xf32>, tensor<3x4xf32>) -> tensor<6x4xf32>
  return %0 : tensor<6x4xf32>
}

// -----

// expected-error @+1 {{cannot be cut into 2 slices, the batch is 1}}
func.func @one(%x: tensor<1x3xf32>, %h: tensor<3x4xf32>) -> tensor<1x4xf32> {
  %0 = tnn.contract "b r, r o -> b o" %x, %h : (tensor<1x3xf32>, tensor<3x4xf32>) -> tensor<1x4xf32>
  return %0 : tensor<1x4xf32>
}

// -----

func.func @other(%x: tensor<6x3xf32>) -> tensor<6x3xf32> {
  // expected-error @+1 {{'arith.addf' op cannot be sliced, only contractions and reshapes can}}
  %0 = arith.addf %x, %x : tensor<6x3xf32>
  return %0 : tensor<6x3xf32>
}

// -----

func.func @twice(%x: tensor<6x3xf32>) -> tensor<6x6xf32> {
  // expected-error @+1 {{'tnn.contract' op cannot be sliced: dimensions 0 and 1 of 'tensor<6x6xf32>' are both the batch}}
  %0 = tnn.contract "b k, c k -> b c" %x, %x : (tensor<6x3xf32>, tensor<6x3xf32>) -> tensor<6x6xf32>
  return %0 : tensor<6x6xf32>
}

// -----

func.func @split(%x: tensor<6x3xf32>, %h: tensor<2x4xf32>) -> tensor<3x3x4xf32> {
  // expected-error @+1 {{'tensor.expand_shape' op cannot be sliced: it splits the batch of 6}}
  %0 = tensor.expand_shape %x [[0, 1], [2]] output_shape [3, 2, 3] : tensor<6x3xf32> into tensor<3x2x3xf32>
  %1 = tnn.contract "b c k, c o -> b k o" %0, %h : (tensor<3x2x3xf32>, tensor<2x4xf32>) -> tensor<3x3x4xf32>
  return %1 : tensor<3x3x4xf32>
}

// -----

func.func @merge(%x: tensor<6x3xf32>, %h: tensor<18x4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'tensor.collapse_shape' op cannot be sliced: it merges the batch of 6}}
  %0 = tensor.collapse_shape %x [[0, 1]] : tensor<6x3xf32> into tensor<18xf32>
  %1 = tnn.contract "k, k o -> o" %0, %h : (tensor<18xf32>, tensor<18x4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

func.func @rounded(%x: tensor<6x3xbf16>, %d: tensor<6x4xbf16>) -> tensor<3x4xbf16> {
  %0 = tnn.contract "b i, b o -> i o" %x, %d : (tensor<6x3xbf16>, tensor<6x4xbf16>) -> tensor<3x4xbf16>
  // expected-error @+1 {{cannot be sliced: result #0 is a sum over the batch that is rounded to 'bf16'; sums over slices are in f32, so make it 'tensor<3x4xf32>'}}
  return %0 : tensor<3x4xbf16>
}

// -----

func.func @products(%x: tensor<6x3xbf16>, %d: tensor<6x4xbf16>) -> tensor<3x3xf32> {
  %0 = tnn.contract "b i, b o -> i o" %x, %d : (tensor<6x3xbf16>, tensor<6x4xbf16>) -> tensor<3x4xbf16>
  // expected-error @+1 {{cannot be sliced: it multiplies a sum over the batch, which is known only after the last slice, by another one}}
  %1 = tnn.contract "i o, j o -> i j" %0, %0 : (tensor<3x4xbf16>, tensor<3x4xbf16>) -> tensor<3x3xf32>
  return %1 : tensor<3x3xf32>
}

// -----

func.func @again(%x: tensor<6x3xbf16>, %d: tensor<6x4xbf16>) -> tensor<6x4xf32> {
  %0 = tnn.contract "b i, b o -> i o" %x, %d : (tensor<6x3xbf16>, tensor<6x4xbf16>) -> tensor<3x4xbf16>
  // expected-error @+1 {{cannot be sliced: it multiplies a sum over the batch, which is known only after the last slice, by a slice}}
  %1 = tnn.contract "b i, i o -> b o" %x, %0 : (tensor<6x3xbf16>, tensor<3x4xbf16>) -> tensor<6x4xf32>
  return %1 : tensor<6x4xf32>
}

// -----

func.func @late(%x: tensor<6x3xf32>, %d: tensor<6x4xf32>) -> tensor<6x4xf32> {
  %0 = tnn.contract "b i, b o -> i o" %x, %d : (tensor<6x3xf32>, tensor<6x4xf32>) -> tensor<3x4xf32>
  // expected-error @+1 {{cannot be sliced: it needs a sum over the batch, which is known only after the last slice}}
  %1 = tnn.contract "b i, i o -> b o" %x, %0 : (tensor<6x3xf32>, tensor<3x4xf32>) -> tensor<6x4xf32>
  return %1 : tensor<6x4xf32>
}

// -----

func.func @sums(%x: tensor<6x3xf32>, %d: tensor<6x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x4xf32> {
  // expected-error @+1 {{cannot be sliced: it goes on from sums already}}
  %0 = tnn.contract "b i, b o -> i o" %x, %d init(%s) : (tensor<6x3xf32>, tensor<6x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

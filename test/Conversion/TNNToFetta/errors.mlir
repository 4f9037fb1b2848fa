// RUN: fetta-opt %s --split-input-file --fetta-attach-machine=file=%machines/small-4ce.yaml --convert-tnn-to-fetta --verify-diagnostics=only-expected
// RUN: not fetta-opt %s --split-input-file --convert-tnn-to-fetta 2>&1 | FileCheck %s
// CHECK: needs the attribute 'fetta.machine' on the module; run fetta-attach-machine

func.func @f32(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // expected-error @+1 {{operand #0 is 'tensor<4x4xf32>'; the machine multiplies bf16: run tnn-set-precision first}}
  %0 = tnn.contract "b k, k n -> b n" %x, %y : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0 : tensor<4x4xf32>
}

// -----

func.func @bias(%x: tensor<4x4xbf16>, %y: tensor<4x4xbf16>) -> tensor<4x4xbf16> {
  %0 = tnn.contract "b k, k n -> b n" %x, %y : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xbf16>
  // expected-error @+1 {{the machine path refuses a bias and other element-wise operations for now}}
  %1 = arith.addf %0, %y : tensor<4x4xbf16>
  return %1 : tensor<4x4xbf16>
}

// -----

func.func @einsum(%x: tensor<4x4xbf16>, %y: tensor<4x4xbf16>) -> tensor<4x4xbf16> {
  // expected-error @+1 {{is not ordered yet; run tnn-order-contractions first}}
  %0 = tnn.einsum "b k, k n -> b n" %x, %y : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xbf16>
  return %0 : tensor<4x4xbf16>
}

// -----

func.func @other(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  // expected-error @+1 {{has no form on the machine, which runs contractions and reshapes for now}}
  %0 = math.exp %x : tensor<4xbf16>
  return %0 : tensor<4xbf16>
}

// -----

func.func @argument(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  // expected-error @+1 {{result #0 is not computed on the machine; it returns results of contractions}}
  return %x : tensor<4xbf16>
}

// -----

func.func @twice(%x: tensor<4x4xbf16>, %y: tensor<4x4xbf16>) -> (tensor<4x4xbf16>, tensor<16xbf16>) {
  %0 = tnn.contract "b k, k n -> b n" %x, %y : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xbf16>
  %1 = tensor.collapse_shape %0 [[0, 1]] : tensor<4x4xbf16> into tensor<16xbf16>
  // expected-error @+1 {{results #0 and #1 are one tensor; the host collects a tensor once}}
  return %0, %1 : tensor<4x4xbf16>, tensor<16xbf16>
}

// -----

// 3x5 = 15 = 5x3 keeps no chunks.
func.func @reshape(%x: tensor<3x5xbf16>, %y: tensor<5x4xbf16>, %z: tensor<3x4xbf16>) -> (tensor<3x4xbf16>, tensor<5x4xbf16>) {
  %0 = tnn.contract "b k, k n -> b n" %x, %y : (tensor<3x5xbf16>, tensor<5x4xbf16>) -> tensor<3x4xbf16>
  %1 = tensor.collapse_shape %x [[0, 1]] : tensor<3x5xbf16> into tensor<15xbf16>
  %2 = tensor.expand_shape %1 [[0, 1]] output_shape [5, 3] : tensor<15xbf16> into tensor<5x3xbf16>
  // expected-error @+1 {{this reshape would move words, which the machine path refuses for now; split both sides into the same modes}}
  %3 = tnn.contract "b k, k n -> b n" %2, %z : (tensor<5x3xbf16>, tensor<3x4xbf16>) -> tensor<5x4xbf16>
  return %0, %3 : tensor<3x4xbf16>, tensor<5x4xbf16>
}

// -----

// A bias as tnn-expand-layers adds it.
func.func @expanded_bias(%x: tensor<4x4xbf16>, %y: tensor<4x4xbf16>, %bias: tensor<4xbf16>) -> tensor<4x4xbf16> {
  %0 = tnn.contract "b k, k n -> b n" %x, %y : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xbf16>
  %1 = tensor.empty() : tensor<4x4xbf16>
  // expected-error @+1 {{the machine path refuses a bias}}
  %2 = linalg.broadcast ins(%bias : tensor<4xbf16>) outs(%1 : tensor<4x4xbf16>) dimensions = [0]
  %3 = arith.addf %0, %2 : tensor<4x4xbf16>
  return %3 : tensor<4x4xbf16>
}

// -----

func.func @transpose(%x: tensor<4x6xbf16>) -> tensor<6x4xbf16> {
  // expected-error @+1 {{has no form on the machine: it reorders the modes of one tensor}}
  %0 = tnn.einsum "a b -> b a" %x : (tensor<4x6xbf16>) -> tensor<6x4xbf16>
  return %0 : tensor<6x4xbf16>
}

// -----

func.func @foreign(%x: tensor<4x6xbf16>, %y: tensor<6x5xbf16>, %z: tensor<4x5xbf16>) -> tensor<4x5xbf16> {
  // expected-error @+1 {{has no form on the machine; run convert-linalg-to-tnn first}}
  %0 = linalg.matmul ins(%x, %y : tensor<4x6xbf16>, tensor<6x5xbf16>) outs(%z : tensor<4x5xbf16>) -> tensor<4x5xbf16>
  return %0 : tensor<4x5xbf16>
}

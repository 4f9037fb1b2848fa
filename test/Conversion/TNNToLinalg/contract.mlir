// RUN: fetta-opt %s --convert-tnn-to-linalg --split-input-file --verify-diagnostics | FileCheck %s

// A summed mode, bf16: the accumulator is f32 and the result is rounded once.
// CHECK-DAG: #[[$LHS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[$RHS:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[$OUT:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d0, d3)>
// CHECK-LABEL: func @bf16
// CHECK-SAME: %[[X:.*]]: tensor<4x2x3xbf16>, %[[G:.*]]: tensor<3x5xbf16>
func.func @bf16(%x: tensor<4x2x3xbf16>, %g: tensor<3x5xbf16>) -> tensor<2x4x5xbf16> {
  // CHECK: %[[ZERO:.*]] = arith.constant 0.0{{.*}} : f32
  // CHECK: %[[EMPTY:.*]] = tensor.empty() : tensor<2x4x5xf32>
  // CHECK: %[[INIT:.*]] = linalg.fill ins(%[[ZERO]] : f32) outs(%[[EMPTY]] : tensor<2x4x5xf32>)
  // CHECK: %[[SUM:.*]] = linalg.contract indexing_maps = [#[[$LHS]], #[[$RHS]], #[[$OUT]]] ins(%[[X]], %[[G]] : tensor<4x2x3xbf16>, tensor<3x5xbf16>) outs(%[[INIT]] : tensor<2x4x5xf32>) -> tensor<2x4x5xf32>
  // CHECK: %[[Y:.*]] = arith.truncf %[[SUM]] : tensor<2x4x5xf32> to tensor<2x4x5xbf16>
  // CHECK: return %[[Y]]
  %0 = tnn.contract "b i k, k o -> i b o" %x, %g : (tensor<4x2x3xbf16>, tensor<3x5xbf16>) -> tensor<2x4x5xbf16>
  return %0 : tensor<2x4x5xbf16>
}

// -----

// No rounding where the result is f32, whatever the operands.
// CHECK-LABEL: func @f32
func.func @f32(%a: tensor<4x3xf32>, %b: tensor<3x5xf32>, %c: tensor<4x3xbf16>, %d: tensor<3x5xbf16>) -> (tensor<4x5xf32>, tensor<4x5xf32>) {
  // CHECK-COUNT-2: linalg.contract
  // CHECK-NOT: arith.truncf
  %0 = tnn.contract "ij,jk->ik" %a, %b : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
  %1 = tnn.contract "ij,jk->ik" %c, %d : (tensor<4x3xbf16>, tensor<3x5xbf16>) -> tensor<4x5xf32>
  return %0, %1 : tensor<4x5xf32>, tensor<4x5xf32>
}

// -----

// No summed mode: a loop nest that multiplies in f32 and rounds once.
// CHECK-LABEL: func @outer
func.func @outer(%a: tensor<4x3xbf16>, %b: tensor<4x5xbf16>) -> tensor<4x3x5xbf16> {
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel"]
  // CHECK: ^bb0(%[[L:.*]]: bf16, %[[R:.*]]: bf16, %{{.*}}: bf16):
  // CHECK: %[[LE:.*]] = arith.extf %[[L]] : bf16 to f32
  // CHECK: %[[RE:.*]] = arith.extf %[[R]] : bf16 to f32
  // CHECK: %[[P:.*]] = arith.mulf %[[LE]], %[[RE]] : f32
  // CHECK: %[[T:.*]] = arith.truncf %[[P]] : f32 to bf16
  // CHECK: linalg.yield %[[T]] : bf16
  %0 = tnn.contract "b i, b j -> b i j" %a, %b : (tensor<4x3xbf16>, tensor<4x5xbf16>) -> tensor<4x3x5xbf16>
  return %0 : tensor<4x3x5xbf16>
}

// -----

// Sums that go on, with and without a summed mode.
// CHECK-LABEL: func @init
// CHECK-SAME: %[[A:.*]]: tensor<4x3xbf16>, %[[B:.*]]: tensor<4x5xbf16>, %[[S:.*]]: tensor<3x5xf32>, %[[T:.*]]: tensor<4x3x5xf32>
func.func @init(%a: tensor<4x3xbf16>, %b: tensor<4x5xbf16>, %s: tensor<3x5xf32>, %t: tensor<4x3x5xf32>) -> (tensor<3x5xf32>, tensor<4x3x5xf32>) {
  // CHECK: linalg.contract {{.*}} ins(%[[A]], %[[B]] : tensor<4x3xbf16>, tensor<4x5xbf16>) outs(%[[S]] : tensor<3x5xf32>)
  // CHECK: linalg.generic {{.*}} ins(%[[A]], %[[B]] : tensor<4x3xbf16>, tensor<4x5xbf16>) outs(%[[T]] : tensor<4x3x5xf32>)
  // CHECK: arith.addf
  %0 = tnn.contract "b i, b j -> i j" %a, %b init(%s) : (tensor<4x3xbf16>, tensor<4x5xbf16>, tensor<3x5xf32>) -> tensor<3x5xf32>
  %1 = tnn.contract "b i, b j -> b i j" %a, %b init(%t) : (tensor<4x3xbf16>, tensor<4x5xbf16>, tensor<4x3x5xf32>) -> tensor<4x3x5xf32>
  return %0, %1 : tensor<3x5xf32>, tensor<4x3x5xf32>
}

// -----

// An einsum without an order is one loop nest over all modes.
// CHECK-LABEL: func @einsum
func.func @einsum(%a: tensor<4x3xbf16>, %b: tensor<3x5xbf16>, %c: tensor<5x2xbf16>) -> tensor<4x2xbf16> {
  // CHECK: linalg.fill {{.*}} outs(%{{.*}} : tensor<4x2xf32>)
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction", "reduction", "parallel"]
  // CHECK: %[[P:.*]] = arith.mulf
  // CHECK: %[[Q:.*]] = arith.mulf %[[P]]
  // CHECK: arith.addf %{{.*}}, %[[Q]] : f32
  // CHECK: arith.truncf %{{.*}} : tensor<4x2xf32> to tensor<4x2xbf16>
  %0 = tnn.einsum "ij,jk,kl->il" %a, %b, %c : (tensor<4x3xbf16>, tensor<3x5xbf16>, tensor<5x2xbf16>) -> tensor<4x2xbf16>
  return %0 : tensor<4x2xbf16>
}

// -----

func.func @layer(%x: tensor<10xf32>, %g0: tensor<1x12x6xf32>, %g1: tensor<6x10x1xf32>) -> tensor<12xf32> {
  // expected-error @+1 {{'tnn.linear' op is a layer; run tnn-expand-layers before convert-tnn-to-linalg}}
  %0 = tnn.linear #tnn.tt<out = [12], in = [10], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<10xf32>, tensor<1x12x6xf32>, tensor<6x10x1xf32>) -> tensor<12xf32>
  return %0 : tensor<12xf32>
}

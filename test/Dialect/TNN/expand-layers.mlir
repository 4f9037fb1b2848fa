// RUN: fetta-opt %s --tnn-expand-layers --split-input-file | FileCheck %s

// TT: cores of the output modes, then of the input modes; boundary ranks go.
// CHECK-LABEL: func @tt
// CHECK-SAME: %[[X:.*]]: tensor<7x10xf32>, %[[G0:.*]]: tensor<1x4x6xf32>, %[[G1:.*]]: tensor<6x3x5xf32>, %[[G2:.*]]: tensor<5x2x4xf32>, %[[G3:.*]]: tensor<4x5x1xf32>
func.func @tt(%x: tensor<7x10xf32>, %g0: tensor<1x4x6xf32>, %g1: tensor<6x3x5xf32>, %g2: tensor<5x2x4xf32>, %g3: tensor<4x5x1xf32>) -> tensor<7x12xf32> {
  // CHECK-DAG: %[[XE:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1, 2]] output_shape [7, 2, 5] : tensor<7x10xf32> into tensor<7x2x5xf32>
  // CHECK-DAG: %[[G0C:.*]] = tensor.collapse_shape %[[G0]] {{\[\[}}0, 1], [2]] : tensor<1x4x6xf32> into tensor<4x6xf32>
  // CHECK-DAG: %[[G3C:.*]] = tensor.collapse_shape %[[G3]] {{\[\[}}0], [1, 2]] : tensor<4x5x1xf32> into tensor<4x5xf32>
  // CHECK: %[[Y:.*]] = tnn.einsum "b i0 i1, o0 r1, r1 o1 r2, r2 i0 r3, r3 i1 -> b o0 o1" %[[XE]], %[[G0C]], %[[G1]], %[[G2]], %[[G3C]]
  // CHECK-SAME: -> tensor<7x4x3xf32>
  // CHECK: %[[YC:.*]] = tensor.collapse_shape %[[Y]] {{\[\[}}0], [1, 2]] : tensor<7x4x3xf32> into tensor<7x12xf32>
  // CHECK: return %[[YC]]
  %0 = tnn.linear #tnn.tt<out = [4, 3], in = [2, 5], ranks = [1, 6, 5, 4, 1]> %x, cores(%g0, %g1, %g2, %g3)
      : (tensor<7x10xf32>, tensor<1x4x6xf32>, tensor<6x3x5xf32>, tensor<5x2x4xf32>, tensor<4x5x1xf32>) -> tensor<7x12xf32>
  return %0 : tensor<7x12xf32>
}

// -----

// TTM, two batch dimensions, a bias.
// CHECK-LABEL: func @ttm_bias
// CHECK-SAME: %[[BIAS:[^ ]*]]: tensor<12xf32>
func.func @ttm_bias(%bias: tensor<12xf32>, %x: tensor<8x7x10xf32>, %g0: tensor<1x4x2x6xf32>, %g1: tensor<6x3x5x1xf32>) -> tensor<8x7x12xf32> {
  // CHECK: %[[E:.*]] = tnn.einsum "b0 b1 i0 i1, o0 i0 r1, r1 o1 i1 -> b0 b1 o0 o1" {{.*}} : (tensor<8x7x2x5xf32>, tensor<4x2x6xf32>, tensor<6x3x5xf32>) -> tensor<8x7x4x3xf32>
  // CHECK: %[[C:.*]] = tensor.collapse_shape %[[E]] {{\[\[}}0], [1], [2, 3]]
  // CHECK: %[[B:.*]] = linalg.broadcast ins(%[[BIAS]] : tensor<12xf32>) outs(%{{.*}} : tensor<8x7x12xf32>) dimensions = [0, 1]
  // CHECK: arith.addf %[[C]], %[[B]] : tensor<8x7x12xf32>
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1) bias(%bias)
      : (tensor<8x7x10xf32>, tensor<1x4x2x6xf32>, tensor<6x3x5x1xf32>, tensor<12xf32>) -> tensor<8x7x12xf32>
  return %0 : tensor<8x7x12xf32>
}

// -----

// One core is a dense matrix; without batch dimensions nothing is broadcast.
// CHECK-LABEL: func @one_core
func.func @one_core(%x: tensor<10xbf16>, %g: tensor<1x12x10x1xbf16>, %bias: tensor<12xbf16>) -> tensor<12xbf16> {
  // CHECK-NEXT: %[[G:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2, 3]] : tensor<1x12x10x1xbf16> into tensor<12x10xbf16>
  // CHECK-NEXT: %[[Y:.*]] = tnn.einsum "i0, o0 i0 -> o0" %{{.*}}, %[[G]] : (tensor<10xbf16>, tensor<12x10xbf16>) -> tensor<12xbf16>
  // CHECK-NEXT: arith.addf %[[Y]], %{{.*}} : tensor<12xbf16>
  %0 = tnn.linear #tnn.ttm<out = [12], in = [10], ranks = [1, 1]> %x, cores(%g) bias(%bias)
      : (tensor<10xbf16>, tensor<1x12x10x1xbf16>, tensor<12xbf16>) -> tensor<12xbf16>
  return %0 : tensor<12xbf16>
}

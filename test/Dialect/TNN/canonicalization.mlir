// RUN: fetta-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func @identity
// CHECK-SAME: %[[A:.*]]: tensor<4x5xf32>
func.func @identity(%a: tensor<4x5xf32>) -> tensor<4x5xf32> {
  // CHECK-NEXT: return %[[A]]
  %0 = tnn.einsum "i j -> i j" %a : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

// One operand: a transpose, and a wider type.
// CHECK-LABEL: func @transpose
func.func @transpose(%a: tensor<4x5x6xbf16>) -> tensor<6x4x5xf32> {
  // CHECK: %[[T:.*]] = linalg.transpose ins(%{{.*}} : tensor<4x5x6xbf16>) outs(%{{.*}} : tensor<6x4x5xbf16>) permutation = [2, 0, 1]
  // CHECK: arith.extf %[[T]] : tensor<6x4x5xbf16> to tensor<6x4x5xf32>
  %0 = tnn.einsum "ijk->kij" %a : (tensor<4x5x6xbf16>) -> tensor<6x4x5xf32>
  return %0 : tensor<6x4x5xf32>
}

// -----

// Two operands: a contraction, which keeps the phase.
// CHECK-LABEL: func @two
func.func @two(%a: tensor<4x5xbf16>, %b: tensor<5x6xbf16>) -> tensor<4x6xf32> {
  // CHECK-NEXT: tnn.contract "i j, j k -> i k" %{{.*}}, %{{.*}} {tnn.phase = "wg"} : (tensor<4x5xbf16>, tensor<5x6xbf16>) -> tensor<4x6xf32>
  %0 = tnn.einsum "ij,jk->ik" %a, %b {tnn.phase = "wg"} : (tensor<4x5xbf16>, tensor<5x6xbf16>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

// Modes of size 1 disappear from operands and result.
// CHECK-LABEL: func @unit_modes
// CHECK-SAME: %[[X:.*]]: tensor<1x4x5xf32>, %[[G:.*]]: tensor<5x1x6xf32>
func.func @unit_modes(%x: tensor<1x4x5xf32>, %g: tensor<5x1x6xf32>) -> tensor<1x4x6xf32> {
  // CHECK-DAG: %[[XC:.*]] = tensor.collapse_shape %[[X]] {{\[}}[0, 1], [2]]
  // CHECK-DAG: %[[GC:.*]] = tensor.collapse_shape %[[G]] {{\[}}[0], [1, 2]]
  // CHECK: %[[Y:.*]] = tnn.contract "i k, k o -> i o" %[[XC]], %[[GC]] : (tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<4x6xf32>
  // CHECK: tensor.expand_shape %[[Y]] {{\[}}[0, 1], [2]] output_shape [1, 4, 6]
  %0 = tnn.contract "b i k, k b o -> b i o" %x, %g : (tensor<1x4x5xf32>, tensor<5x1x6xf32>) -> tensor<1x4x6xf32>
  return %0 : tensor<1x4x6xf32>
}

// -----

// All modes of an operand may go; three operands keep their path.
// CHECK-LABEL: func @unit_operand
func.func @unit_operand(%a: tensor<1x1xf32>, %b: tensor<1x6xf32>, %c: tensor<6x2xf32>) -> tensor<1x2xf32> {
  // CHECK: tnn.einsum ", k, k o -> o" {{.*}} path [(1, 2), (0, 1)] : (tensor<f32>, tensor<6xf32>, tensor<6x2xf32>) -> tensor<2xf32>
  %0 = tnn.einsum "b r, r k, k o -> b o" %a, %b, %c path [(1, 2), (0, 1)] : (tensor<1x1xf32>, tensor<1x6xf32>, tensor<6x2xf32>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// -----

// CHECK-LABEL: func @absorb_transpose
// CHECK-SAME: %[[A:.*]]: tensor<7x4x5xf32>, %[[B:.*]]: tensor<5x6xf32>
func.func @absorb_transpose(%a: tensor<7x4x5xf32>, %b: tensor<5x6xf32>) -> tensor<4x7x6xf32> {
  %e = tensor.empty() : tensor<5x7x4xf32>
  %t = linalg.transpose ins(%a : tensor<7x4x5xf32>) outs(%e : tensor<5x7x4xf32>) permutation = [2, 0, 1]
  // CHECK-NEXT: tnn.contract "j i k, k o -> i j o" %[[A]], %[[B]]
  %0 = tnn.contract "k j i, k o -> i j o" %t, %b : (tensor<5x7x4xf32>, tensor<5x6xf32>) -> tensor<4x7x6xf32>
  return %0 : tensor<4x7x6xf32>
}

// -----

// Nothing to do.
// CHECK-LABEL: func @keep
func.func @keep(%a: tensor<4x5xf32>, %b: tensor<5x6xf32>, %c: tensor<6x2xf32>) -> tensor<4x2xf32> {
  // CHECK-NEXT: tnn.einsum "i j, j k, k l -> i l"
  %0 = tnn.einsum "ij,jk,kl->il" %a, %b, %c : (tensor<4x5xf32>, tensor<5x6xf32>, tensor<6x2xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// RUN: fetta-opt %s --convert-linalg-to-tnn --split-input-file | FileCheck %s

// CHECK-LABEL: func @matmul
// CHECK-SAME: %[[A:.*]]: tensor<4x3xf32>, %[[B:.*]]: tensor<3x5xf32>
func.func @matmul(%a: tensor<4x3xf32>, %b: tensor<3x5xf32>) -> tensor<4x5xf32> {
  // CHECK-NEXT: %[[C:.*]] = tnn.contract "m k, k n -> m n" %[[A]], %[[B]] : (tensor<4x3xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
  // CHECK-NEXT: return %[[C]]
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x5xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x5xf32>) -> tensor<4x5xf32>
  %0 = linalg.matmul ins(%a, %b : tensor<4x3xf32>, tensor<3x5xf32>) outs(%init : tensor<4x5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

// bf16 operands with an f32 accumulator.
// CHECK-LABEL: func @batch_matmul
func.func @batch_matmul(%a: tensor<2x4x3xbf16>, %b: tensor<2x3x5xbf16>) -> tensor<2x4x5xf32> {
  // CHECK-NEXT: tnn.contract "b m k, b k n -> b m n" %{{.*}} : (tensor<2x4x3xbf16>, tensor<2x3x5xbf16>) -> tensor<2x4x5xf32>
  %init = arith.constant dense<0.0> : tensor<2x4x5xf32>
  %0 = linalg.batch_matmul ins(%a, %b : tensor<2x4x3xbf16>, tensor<2x3x5xbf16>) outs(%init : tensor<2x4x5xf32>) -> tensor<2x4x5xf32>
  return %0 : tensor<2x4x5xf32>
}

// -----

// CHECK-LABEL: func @matmul_transposed
func.func @matmul_transposed(%a: tensor<4x3xf32>, %b: tensor<5x3xf32>) -> tensor<4x5xf32> {
  // CHECK-NEXT: tnn.contract "m k, n k -> m n"
  %init = arith.constant dense<0.0> : tensor<4x5xf32>
  %0 = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%a, %b : tensor<4x3xf32>, tensor<5x3xf32>) outs(%init : tensor<4x5xf32>) -> tensor<4x5xf32>
  return %0 : tensor<4x5xf32>
}

// -----

// CHECK-LABEL: func @vectors
func.func @vectors(%a: tensor<4x3xf32>, %x: tensor<3xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<3xf32>, tensor<f32>) {
  %four = arith.constant dense<0.0> : tensor<4xf32>
  %three = arith.constant dense<0.0> : tensor<3xf32>
  %scalar = arith.constant dense<0.0> : tensor<f32>
  // CHECK: tnn.contract "m k, k -> m"
  %0 = linalg.matvec ins(%a, %x : tensor<4x3xf32>, tensor<3xf32>) outs(%four : tensor<4xf32>) -> tensor<4xf32>
  // CHECK: tnn.contract "k, k n -> n"
  %1 = linalg.vecmat ins(%y, %a : tensor<4xf32>, tensor<4x3xf32>) outs(%three : tensor<3xf32>) -> tensor<3xf32>
  // CHECK: tnn.contract "k, k -> "
  %2 = linalg.dot ins(%x, %1 : tensor<3xf32>, tensor<3xf32>) outs(%scalar : tensor<f32>) -> tensor<f32>
  return %0, %1, %2 : tensor<4xf32>, tensor<3xf32>, tensor<f32>
}

// -----

// Any number of modes; the rounding of an f32 sum is that of a bf16 result.
// CHECK-LABEL: func @contract
func.func @contract(%a: tensor<7x4x3x2xbf16>, %b: tensor<2x5x3x7xbf16>) -> tensor<4x7x5xbf16> {
  // CHECK-NEXT: %[[C:.*]] = tnn.contract "b m k0 k1, k1 n k0 b -> m b n" %{{.*}} : (tensor<7x4x3x2xbf16>, tensor<2x5x3x7xbf16>) -> tensor<4x7x5xbf16>
  // CHECK-NEXT: return %[[C]]
  %init = arith.constant dense<0.0> : tensor<4x7x5xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(b, m, k0, k1, n) -> (b, m, k0, k1)>, affine_map<(b, m, k0, k1, n) -> (k1, n, k0, b)>, affine_map<(b, m, k0, k1, n) -> (m, b, n)>]
      ins(%a, %b : tensor<7x4x3x2xbf16>, tensor<2x5x3x7xbf16>) outs(%init : tensor<4x7x5xf32>) -> tensor<4x7x5xf32>
  %1 = arith.truncf %0 : tensor<4x7x5xf32> to tensor<4x7x5xbf16>
  return %1 : tensor<4x7x5xbf16>
}

// -----

// A sum onto another tensor, other element types and dynamic shapes stay.
// CHECK-LABEL: func @stay
func.func @stay(%a: tensor<4x3xf32>, %b: tensor<3x5xf32>, %c: tensor<4x5xf32>, %d: tensor<?x3xf32>, %e: tensor<?x5xf32>, %i: tensor<4x3xi32>, %j: tensor<3x5xi32>)
    -> (tensor<4x5xf32>, tensor<?x5xf32>, tensor<4x5xi32>) {
  // CHECK-NOT: tnn.contract
  // CHECK-COUNT-3: linalg.matmul
  %0 = linalg.matmul ins(%a, %b : tensor<4x3xf32>, tensor<3x5xf32>) outs(%c : tensor<4x5xf32>) -> tensor<4x5xf32>
  %1 = linalg.matmul ins(%d, %b : tensor<?x3xf32>, tensor<3x5xf32>) outs(%e : tensor<?x5xf32>) -> tensor<?x5xf32>
  %zeros = arith.constant dense<0> : tensor<4x5xi32>
  %2 = linalg.matmul ins(%i, %j : tensor<4x3xi32>, tensor<3x5xi32>) outs(%zeros : tensor<4x5xi32>) -> tensor<4x5xi32>
  return %0, %1, %2 : tensor<4x5xf32>, tensor<?x5xf32>, tensor<4x5xi32>
}

// RUN: fetta-opt %s --tnn-set-precision --split-input-file --verify-diagnostics | FileCheck %s
// RUN: fetta-opt %s --tnn-set-precision=master-params --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=MASTER

// CHECK-LABEL: func @linear
// CHECK-SAME: (%{{.*}}: tensor<10xbf16>, %{{.*}}: tensor<1x12x6xbf16> {tnn.role = "param"}, %{{.*}}: tensor<6x10x1xbf16> {tnn.role = "param"}, %{{.*}}: tensor<3xi32>) -> tensor<12xbf16>
// MASTER-LABEL: func @linear
// MASTER-SAME: (%[[X:.*]]: tensor<10xbf16>, %[[G0:.*]]: tensor<1x12x6xf32> {tnn.role = "param"}, %[[G1:.*]]: tensor<6x10x1xf32> {tnn.role = "param"}, %{{.*}}: tensor<3xi32>) -> tensor<12xbf16>
func.func @linear(%x: tensor<10xf32>, %g0: tensor<1x12x6xf32> {tnn.role = "param"}, %g1: tensor<6x10x1xf32> {tnn.role = "param"}, %i: tensor<3xi32>) -> tensor<12xf32> {
  // CHECK-NEXT: tnn.linear {{.*}} : (tensor<10xbf16>, tensor<1x12x6xbf16>, tensor<6x10x1xbf16>) -> tensor<12xbf16>
  // MASTER-NEXT: %[[R0:.*]] = arith.truncf %[[G0]] : tensor<1x12x6xf32> to tensor<1x12x6xbf16>
  // MASTER-NEXT: %[[R1:.*]] = arith.truncf %[[G1]] : tensor<6x10x1xf32> to tensor<6x10x1xbf16>
  // MASTER-NEXT: tnn.linear {{.*}} %[[X]], cores(%[[R0]], %[[R1]])
  %0 = tnn.linear #tnn.tt<out = [12], in = [10], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<10xf32>, tensor<1x12x6xf32>, tensor<6x10x1xf32>) -> tensor<12xf32>
  return %0 : tensor<12xf32>
}

// -----

// Constants are rounded to nearest, ties to even: 1 + 2^-8 lies between 1 and
// 1 + 2^-7 and goes to 1, 1 + 3 * 2^-8 goes up.
// CHECK-LABEL: func @constant
func.func @constant() -> tensor<2xf32> {
  // CHECK-NEXT: arith.constant dense<[1.000000e+00, 1.015630e+00]> : tensor<2xbf16>
  %0 = arith.constant dense<[1.00390625, 1.01171875]> : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @late(%x: tensor<7x3xbf16>, %dy: tensor<7x4xbf16>) -> tensor<3x4xf32> {
  // expected-error @+1 {{'tnn.einsum' op computes the gradient of a parameter, which stays f32; run tnn-set-precision before tnn-differentiate}}
  %0 = tnn.einsum "bi,bo->io" %x, %dy {tnn.phase = "wg"} : (tensor<7x3xbf16>, tensor<7x4xbf16>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

func.func @region(%x: tensor<4xf32>) -> tensor<7x4xf32> {
  %e = tensor.empty() : tensor<7x4xf32>
  // expected-error @+1 {{'linalg.broadcast' op has a region and an f32 result, which tnn-set-precision does not convert; run it before tnn-expand-layers}}
  %0 = linalg.broadcast ins(%x : tensor<4xf32>) outs(%e : tensor<7x4xf32>) dimensions = [0]
  return %0 : tensor<7x4xf32>
}

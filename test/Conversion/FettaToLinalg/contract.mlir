// RUN: fetta-opt %s --fetta-compile="machine=%machines/small-4ce.yaml memory=resident" --convert-fetta-to-linalg | FileCheck %s

// CHECK-NOT: fetta.
// CHECK-LABEL: func.func @sum(
// CHECK-SAME: %[[X:.*]]: tensor<8x24xbf16> {tnn.name = "x"}, %[[Y:.*]]: tensor<6x5xbf16> {tnn.name = "y"}
// CHECK: %[[V:.*]] = tensor.expand_shape %[[X]] {{\[\[0\], \[1, 2\]\]}} output_shape [8, 4, 6]
// CHECK: %[[ZERO:.*]] = linalg.fill {{.*}} -> tensor<8x4x5xf32>
// CHECK: %[[SUM:.*]] = linalg.contract {{.*}} ins(%[[V]], %[[Y]] : tensor<8x4x6xbf16>, tensor<6x5xbf16>) outs(%[[ZERO]] : tensor<8x4x5xf32>)
// CHECK: %[[R:.*]] = arith.truncf %[[SUM]] : tensor<8x4x5xf32> to tensor<8x4x5xbf16>
// CHECK: return %[[R]]
func.func @sum(%x: tensor<8x24xbf16>, %y: tensor<6x5xbf16>) -> tensor<8x4x5xbf16> {
  %0 = tensor.expand_shape %x [[0], [1, 2]] output_shape [8, 4, 6] : tensor<8x24xbf16> into tensor<8x4x6xbf16>
  %1 = tnn.contract "b i j, j r -> b i r" %0, %y : (tensor<8x4x6xbf16>, tensor<6x5xbf16>) -> tensor<8x4x5xbf16>
  return %1 : tensor<8x4x5xbf16>
}

// Nothing is summed, and an f32 result is not rounded.
// CHECK-LABEL: func.func @outer
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "parallel"]
// CHECK: arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK-NOT: arith.truncf
// CHECK: linalg.yield %{{.*}} : f32
func.func @outer(%x: tensor<3xbf16>, %y: tensor<5xbf16>) -> tensor<3x5xf32> {
  %0 = tnn.contract "i, j -> i j" %x, %y : (tensor<3xbf16>, tensor<5xbf16>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

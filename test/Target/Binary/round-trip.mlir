// RUN: fetta-opt %s --fetta-compile="machine=%machines/small-4ce.yaml memory=resident schedule=0" -o %t.mlir
// RUN: fetta-translate --fetta-to-binary %t.mlir -o %t.fbin
// RUN: fetta-translate --binary-to-fetta %t.fbin -o %t.back.mlir
// RUN: FileCheck %s < %t.back.mlir
// RUN: fetta-translate --fetta-to-binary %t.back.mlir -o %t.again.fbin
// RUN: cmp %t.fbin %t.again.fbin
// RUN: fetta-sim verify %t.fbin
// What came back is a valid program that passes do not change.
// RUN: fetta-opt %t.back.mlir --fetta-allocate-memory --fetta-route-networks --fetta-verify-program -o %t.checked.mlir
// RUN: cmp %t.back.mlir %t.checked.mlir
// RUN: fetta-translate --fetta-to-binary < %t.mlir | cmp - %t.fbin

// CHECK: func.func @main(%{{.*}}: tensor<8x24xbf16> {tnn.name = "x", tnn.role = "input"}, %{{.*}}: tensor<6x5xbf16> {tnn.name = "arg1", tnn.role = "param"}) -> (tensor<8x20xbf16> {tnn.name = "y"}, tensor<2x16x5xf32> {tnn.name = "result1"})
// CHECK: fetta.place %{{.*}} home <slab {{.*}}> : tensor<8x24xbf16> -> tensor<8x4x6xbf16, #{{.*}}>
// CHECK: fetta.contract "b i j, j r -> b i r"
// CHECK: origin "{{.*}}round-trip.mlir:[[# @LINE + 7]]:
// CHECK: fetta.relabel
// CHECK: fetta.contract "a c i j, j r -> a c i r"
// CHECK: phase wg
func.func @anything(%x: tensor<8x24xbf16> {tnn.name = "x"}, %y: tensor<6x5xbf16> {tnn.role = "param"})
    -> (tensor<8x20xbf16> {tnn.name = "y"}, tensor<2x16x5xf32>) {
  %0 = tensor.expand_shape %x [[0], [1, 2]] output_shape [8, 4, 6] : tensor<8x24xbf16> into tensor<8x4x6xbf16>
  %1 = tnn.contract "b i j, j r -> b i r" %0, %y : (tensor<8x4x6xbf16>, tensor<6x5xbf16>) -> tensor<8x4x5xbf16>
  %2 = tensor.expand_shape %0 [[0, 1], [2], [3]] output_shape [2, 4, 4, 6] : tensor<8x4x6xbf16> into tensor<2x4x4x6xbf16>
  %3 = tnn.contract "a c i j, j r -> a c i r" %2, %y {tnn.phase = "wg"} : (tensor<2x4x4x6xbf16>, tensor<6x5xbf16>) -> tensor<2x4x4x5xf32>
  %4 = tensor.collapse_shape %1 [[0], [1, 2]] : tensor<8x4x5xbf16> into tensor<8x20xbf16>
  %5 = tensor.collapse_shape %3 [[0], [1, 2], [3]] : tensor<2x4x4x5xf32> into tensor<2x16x5xf32>
  return %4, %5 : tensor<8x20xbf16>, tensor<2x16x5xf32>
}

// RUN: fetta-opt %s --pass-pipeline='builtin.module(func.func(tnn-slice-batch{modes=i:2}))' --split-input-file | FileCheck %s
// RUN: fetta-opt %s --pass-pipeline='builtin.module(func.func(tnn-slice-batch{modes=i:2 slices=2 recompute spill}))' --split-input-file | FileCheck %s --check-prefix=AGAIN

// Mode i of size 5 in pieces of 3 and 2. The product of the cores exists in
// pieces, the sum over them rounds with the last one, results are put together.
// CHECK-LABEL: func.func @step
// CHECK-SAME: %[[X:[^ ]*]]: tensor<4x5xbf16>, %[[G:[^ ]*]]: tensor<5x3xbf16>
// CHECK-SAME: %[[H:[^ ]*]]: tensor<3x6xbf16>
// CHECK-SAME: %[[DY:[^ ]*]]: tensor<4x6xbf16>
// CHECK-NEXT: %[[X0:.*]] = tensor.extract_slice %[[X]][0, 0] [4, 3] [1, 1]
// CHECK-NEXT: %[[G0:.*]] = tensor.extract_slice %[[G]][0, 0] [3, 3] [1, 1]
// CHECK-NEXT: %[[P0:.*]] = tnn.contract "i r, r o -> i o" %[[G0]], %[[H]] {{.*}} -> tensor<3x6xbf16>
// CHECK-NEXT: %[[S0:.*]] = tnn.contract "b i, i o -> b o" %[[X0]], %[[P0]] {{.*}} -> tensor<4x6xf32>
// CHECK-NEXT: %[[X1:.*]] = tensor.extract_slice %[[X]][0, 3] [4, 2] [1, 1]
// CHECK-NEXT: %[[G1:.*]] = tensor.extract_slice %[[G]][3, 0] [2, 3] [1, 1]
// CHECK-NEXT: %[[P1:.*]] = tnn.contract "i r, r o -> i o" %[[G1]], %[[H]] {{.*}} -> tensor<2x6xbf16>
// CHECK-NEXT: %[[Y:.*]] = tnn.contract "b i, i o -> b o" %[[X1]], %[[P1]] init(%[[S0]]) {{.*}} -> tensor<4x6xbf16>
// The second loop: the adjoint of the product, both gradients, one in pieces.
// CHECK-NEXT: %[[A0:.*]] = tnn.contract "b i, b o -> i o" %[[X0]], %[[DY]] {{.*}} -> tensor<3x6xbf16>
// CHECK-NEXT: %[[DG0:.*]] = tnn.contract "i o, r o -> i r" %[[A0]], %[[H]] {{.*}} -> tensor<3x3xf32>
// CHECK-NEXT: %[[E:.*]] = tensor.empty() : tensor<5x3xf32>
// CHECK-NEXT: %[[I0:.*]] = tensor.insert_slice %[[DG0]] into %[[E]][0, 0] [3, 3] [1, 1]
// CHECK-NEXT: %[[DH0:.*]] = tnn.contract "i o, i r -> r o" %[[A0]], %[[G0]] {{.*}} -> tensor<3x6xf32>
// CHECK-NEXT: %[[A1:.*]] = tnn.contract "b i, b o -> i o" %[[X1]], %[[DY]]
// CHECK-NEXT: %[[DG1:.*]] = tnn.contract "i o, r o -> i r" %[[A1]], %[[H]]
// CHECK-NEXT: %[[I1:.*]] = tensor.insert_slice %[[DG1]] into %[[I0]][3, 0] [2, 3] [1, 1]
// CHECK-NEXT: %[[DH:.*]] = tnn.contract "i o, i r -> r o" %[[A1]], %[[G1]] init(%[[DH0]]) {{.*}} -> tensor<3x6xf32>
// CHECK-NEXT: return %[[Y]], %[[I1]], %[[DH]]

// With two slices as well, pieces of parameters are read for each loop of each
// slice, and the gradient that has pieces goes through the result.
// AGAIN-LABEL: func.func @step
// AGAIN-COUNT-8: tensor.extract_slice %arg1
// AGAIN-NOT: tensor.extract_slice %arg1
// AGAIN: return
func.func @step(%x: tensor<4x5xbf16>, %g: tensor<5x3xbf16> {tnn.role = "param"}, %h: tensor<3x6xbf16> {tnn.role = "param"},
                %dy: tensor<4x6xbf16>) -> (tensor<4x6xbf16>, tensor<5x3xf32>, tensor<3x6xf32>) {
  %0 = tnn.contract "i r, r o -> i o" %g, %h {tnn.phase = "fp"} : (tensor<5x3xbf16>, tensor<3x6xbf16>) -> tensor<5x6xbf16>
  %1 = tnn.contract "b i, i o -> b o" %x, %0 {tnn.phase = "fp"} : (tensor<4x5xbf16>, tensor<5x6xbf16>) -> tensor<4x6xbf16>
  %2 = tnn.contract "b i, b o -> i o" %x, %dy {tnn.phase = "wg"} : (tensor<4x5xbf16>, tensor<4x6xbf16>) -> tensor<5x6xbf16>
  %3 = tnn.contract "i o, r o -> i r" %2, %h {tnn.phase = "wg"} : (tensor<5x6xbf16>, tensor<3x6xbf16>) -> tensor<5x3xf32>
  %4 = tnn.contract "i o, i r -> r o" %2, %g {tnn.phase = "wg"} : (tensor<5x6xbf16>, tensor<5x3xbf16>) -> tensor<3x6xf32>
  return %1, %3, %4 : tensor<4x6xbf16>, tensor<5x3xf32>, tensor<3x6xf32>
}

// -----

// A mode that begins behind the reshape of an argument and ends before that of
// a result.
// CHECK-LABEL: func.func @reshaped
// CHECK-SAME: %[[X:[^ ]*]]: tensor<2x12xbf16>
// CHECK: %[[V:.*]] = tensor.expand_shape %[[X]] {{.*}} : tensor<2x12xbf16> into tensor<2x4x3xbf16>
// CHECK-NEXT: %[[X0:.*]] = tensor.extract_slice %[[V]][0, 0, 0] [2, 2, 3] [1, 1, 1]
// CHECK: %[[Y0:.*]] = tnn.contract "b i j, j o -> b i o" %[[X0]], %{{.*}} -> tensor<2x2x5xbf16>
// CHECK: tensor.insert_slice %[[Y0]] into %{{.*}}[0, 0, 0] [2, 2, 5] [1, 1, 1] : tensor<2x2x5xbf16> into tensor<2x4x5xbf16>
// CHECK: %[[I1:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[0, 2, 0] [2, 2, 5] [1, 1, 1]
// CHECK: %[[Y:.*]] = tensor.collapse_shape %[[I1]] {{.*}} : tensor<2x4x5xbf16> into tensor<2x20xbf16>
// CHECK-NEXT: return %[[Y]]
func.func @reshaped(%x: tensor<2x12xbf16>, %g: tensor<3x5xbf16> {tnn.role = "param"}) -> tensor<2x20xbf16> {
  %0 = tensor.expand_shape %x [[0], [1, 2]] output_shape [2, 4, 3] : tensor<2x12xbf16> into tensor<2x4x3xbf16>
  %1 = tnn.contract "b i j, j o -> b i o" %0, %g : (tensor<2x4x3xbf16>, tensor<3x5xbf16>) -> tensor<2x4x5xbf16>
  %2 = tensor.collapse_shape %1 [[0], [1, 2]] : tensor<2x4x5xbf16> into tensor<2x20xbf16>
  return %2 : tensor<2x20xbf16>
}

// -----

// A gradient that is rounded for its result: what is stored is no sum to go on
// from, so the sums of both pieces stay in memory from slice to slice.
// AGAIN-LABEL: func.func @rounded
// AGAIN: %[[S0:.*]] = tnn.contract "b i, b o -> i o" {{.*}} -> tensor<3x6xf32>
// AGAIN: %[[S1:.*]] = tnn.contract "b i, b o -> i o" {{.*}} -> tensor<2x6xf32>
// AGAIN: %[[T0:.*]] = tnn.contract "b i, b o -> i o" {{.*}} init(%[[S0]]) {{.*}} -> tensor<3x6xf32>
// AGAIN: arith.truncf %[[T0]]
// AGAIN: %[[T1:.*]] = tnn.contract "b i, b o -> i o" {{.*}} init(%[[S1]]) {{.*}} -> tensor<2x6xf32>
// AGAIN: arith.truncf %[[T1]]
// AGAIN: return
func.func @rounded(%x: tensor<4x5xbf16>, %dy: tensor<4x6xbf16>) -> tensor<5x6xbf16> {
  %0 = tnn.contract "b i, b o -> i o" %x, %dy {tnn.phase = "wg"} : (tensor<4x5xbf16>, tensor<4x6xbf16>) -> tensor<5x6xf32>
  %1 = arith.truncf %0 : tensor<5x6xf32> to tensor<5x6xbf16>
  return %1 : tensor<5x6xbf16>
}

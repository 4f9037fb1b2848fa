// RUN: fetta-opt %s --pass-pipeline='builtin.module(func.func(tnn-slice-batch{slices=3}))' --split-input-file | FileCheck %s
// RUN: fetta-opt %s --pass-pipeline='builtin.module(func.func(tnn-slice-batch{slices=3 in-turn}))' --split-input-file | FileCheck %s --check-prefix=TURN
// RUN: fetta-opt %s --pass-pipeline='builtin.module(func.func(tnn-slice-batch))' --split-input-file -o %t.same.mlir
// RUN: fetta-opt %s --split-input-file | cmp - %t.same.mlir

// Ten tokens in slices of 4, 4 and 2. Forward work is one slice ahead, its
// arguments two; an output gradient is read when its result is written.
// CHECK-LABEL: func.func @step
// CHECK-SAME: %[[X:[^ ]*]]: tensor<10x6xbf16>, %[[G:[^ ]*]]: tensor<6x3xbf16>
// CHECK-SAME: %[[H:[^ ]*]]: tensor<3x4xbf16>
// CHECK-SAME: %[[DY:[^ ]*]]: tensor<10x4xbf16>
// CHECK-NEXT: %[[X0:.*]] = tensor.extract_slice %[[X]][0, 0] [4, 6] [1, 1]
// The product of the cores runs once.
// CHECK-NEXT: %[[GH:.*]] = tnn.contract "i r, r o -> i o" %[[G]], %[[H]]
// CHECK-NEXT: %[[Y0:.*]] = tnn.contract "b i, i o -> b o" %[[X0]], %[[GH]] {{.*}} -> tensor<4x4xbf16>
// CHECK-NEXT: %[[E:.*]] = tensor.empty() : tensor<10x4xbf16>
// CHECK-NEXT: %[[I0:.*]] = tensor.insert_slice %[[Y0]] into %[[E]][0, 0] [4, 4] [1, 1]
// CHECK-NEXT: %[[D0:.*]] = tensor.extract_slice %[[DY]][0, 0] [4, 4] [1, 1]
// CHECK-NEXT: %[[X1:.*]] = tensor.extract_slice %[[X]][4, 0] [4, 6] [1, 1]
// CHECK-NEXT: %[[X2:.*]] = tensor.extract_slice %[[X]][8, 0] [2, 6] [1, 1]
// CHECK-NEXT: %[[Y1:.*]] = tnn.contract "b i, i o -> b o" %[[X1]], %[[GH]]
// CHECK-NEXT: %[[I1:.*]] = tensor.insert_slice %[[Y1]] into %[[I0]][4, 0] [4, 4] [1, 1]
// CHECK-NEXT: %[[D1:.*]] = tensor.extract_slice %[[DY]][4, 0]
// The adjoint of the product stays apart; what it leads to goes on.
// CHECK-NEXT: %[[A0:.*]] = tnn.contract "b i, b o -> i o" %[[X0]], %[[D0]] {{.*}} -> tensor<6x4xbf16>
// CHECK-NEXT: %[[P0:.*]] = tnn.contract "i o, r o -> i r" %[[A0]], %[[H]] {tnn.phase = "wg"} :
// CHECK-NEXT: %[[Y2:.*]] = tnn.contract "b i, i o -> b o" %[[X2]], %[[GH]] {{.*}} -> tensor<2x4xbf16>
// CHECK-NEXT: %[[I2:.*]] = tensor.insert_slice %[[Y2]] into %[[I1]][8, 0] [2, 4] [1, 1]
// CHECK-NEXT: %[[D2:.*]] = tensor.extract_slice %[[DY]][8, 0] [2, 4] [1, 1]
// CHECK-NEXT: %[[A1:.*]] = tnn.contract "b i, b o -> i o" %[[X1]], %[[D1]]
// CHECK-NEXT: %[[P1:.*]] = tnn.contract "i o, r o -> i r" %[[A1]], %[[H]] init(%[[P0]]) {tnn.phase = "wg"} :
// CHECK-NEXT: %[[A2:.*]] = tnn.contract "b i, b o -> i o" %[[X2]], %[[D2]]
// CHECK-NEXT: %[[P2:.*]] = tnn.contract "i o, r o -> i r" %[[A2]], %[[H]] init(%[[P1]])
// CHECK-NEXT: return %[[I2]], %[[P2]]

// Nothing of a slice comes before the end of the one before it.
// TURN-LABEL: func.func @step
// TURN-SAME: %[[X:[^ ]*]]: tensor<10x6xbf16>
// TURN-SAME: %[[DY:[^ ]*]]: tensor<10x4xbf16>)
// TURN-NEXT: %[[X0:.*]] = tensor.extract_slice %[[X]][0, 0]
// TURN-NEXT: tnn.contract "i r, r o -> i o"
// TURN-NEXT: tnn.contract "b i, i o -> b o" %[[X0]],
// TURN-NEXT: tensor.empty()
// TURN-NEXT: tensor.insert_slice
// TURN-NEXT: %[[D0:.*]] = tensor.extract_slice %[[DY]][0, 0]
// TURN-NEXT: tnn.contract "b i, b o -> i o" %[[X0]], %[[D0]]
// TURN-NEXT: %[[P0:.*]] = tnn.contract "i o, r o -> i r"
// TURN-NEXT: %[[X1:.*]] = tensor.extract_slice %[[X]][4, 0]
// TURN-NEXT: tnn.contract "b i, i o -> b o" %[[X1]],
// TURN-NEXT: tensor.insert_slice
// TURN-NEXT: %[[D1:.*]] = tensor.extract_slice %[[DY]][4, 0]
// TURN-NEXT: tnn.contract "b i, b o -> i o" %[[X1]], %[[D1]]
// TURN-NEXT: %[[P1:.*]] = tnn.contract "i o, r o -> i r" {{.*}} init(%[[P0]])
// TURN-NEXT: %[[X2:.*]] = tensor.extract_slice %[[X]][8, 0] [2, 6]
// TURN-NEXT: tnn.contract "b i, i o -> b o" %[[X2]],
// TURN-NEXT: tensor.insert_slice
// TURN-NEXT: %[[D2:.*]] = tensor.extract_slice %[[DY]][8, 0]
// TURN-NEXT: tnn.contract "b i, b o -> i o" %[[X2]], %[[D2]]
// TURN-NEXT: tnn.contract "i o, r o -> i r" {{.*}} init(%[[P1]])
// TURN-NEXT: return
func.func @step(%x: tensor<10x6xbf16>, %g: tensor<6x3xbf16> {tnn.role = "param"}, %h: tensor<3x4xbf16> {tnn.role = "param"},
                %dy: tensor<10x4xbf16>) -> (tensor<10x4xbf16>, tensor<6x3xf32>) {
  %0 = tnn.contract "i r, r o -> i o" %g, %h {tnn.phase = "fp"} : (tensor<6x3xbf16>, tensor<3x4xbf16>) -> tensor<6x4xbf16>
  %1 = tnn.contract "b i, i o -> b o" %x, %0 {tnn.phase = "fp"} : (tensor<10x6xbf16>, tensor<6x4xbf16>) -> tensor<10x4xbf16>
  %2 = tnn.contract "b i, b o -> i o" %x, %dy {tnn.phase = "wg"} : (tensor<10x6xbf16>, tensor<10x4xbf16>) -> tensor<6x4xbf16>
  %3 = tnn.contract "i o, r o -> i r" %2, %h {tnn.phase = "wg"} : (tensor<6x4xbf16>, tensor<3x4xbf16>) -> tensor<6x3xf32>
  return %1, %3 : tensor<10x4xbf16>, tensor<6x3xf32>
}

// -----

// A batch that is not the leading dimension everywhere; a total that further
// contractions need runs once, after the last slice (in f32 only).
// CHECK-LABEL: func.func @total
// CHECK-SAME: %[[X:[^ ]*]]: tensor<5x6xf32>, %[[D:[^ ]*]]: tensor<4x5xf32>
// CHECK: tensor.extract_slice %[[X]][0, 0] [2, 6] [1, 1]
// CHECK: tensor.extract_slice %[[D]][0, 0] [4, 2] [1, 1]
// CHECK: %[[T0:.*]] = tnn.contract "b i, o b -> i o"
// CHECK: tensor.extract_slice %[[X]][4, 0] [1, 6] [1, 1]
// CHECK: %[[T1:.*]] = tnn.contract "b i, o b -> i o" {{.*}} init(%[[T0]])
// CHECK: %[[T2:.*]] = tnn.contract "b i, o b -> i o" {{.*}} init(%[[T1]])
// CHECK: %[[V:.*]] = tensor.collapse_shape %[[T2]]
// CHECK-NEXT: %[[S:.*]] = tnn.contract "k, k -> " %[[V]], %[[V]]
// CHECK-NEXT: return %[[S]], %[[T2]]
func.func @total(%x: tensor<5x6xf32>, %d: tensor<4x5xf32>) -> (tensor<f32>, tensor<6x4xf32>) {
  %0 = tnn.contract "b i, o b -> i o" %x, %d : (tensor<5x6xf32>, tensor<4x5xf32>) -> tensor<6x4xf32>
  %1 = tensor.collapse_shape %0 [[0, 1]] : tensor<6x4xf32> into tensor<24xf32>
  %2 = tnn.contract "k, k -> " %1, %1 : (tensor<24xf32>, tensor<24xf32>) -> tensor<f32>
  return %2, %0 : tensor<f32>, tensor<6x4xf32>
}

// -----

// Views follow the slices; a view of an argument that is returned stays whole.
// CHECK-LABEL: func.func @views
// CHECK-SAME: %[[X:[^ ]*]]: tensor<3x8xf32>
// CHECK: %[[W:.*]] = tensor.expand_shape %[[X]] {{.*}} : tensor<3x8xf32> into tensor<3x2x4xf32>
// CHECK: %[[S0:.*]] = tensor.extract_slice %[[X]][0, 0] [1, 8] [1, 1]
// CHECK: %[[V0:.*]] = tensor.expand_shape %[[S0]] {{.*}} : tensor<1x8xf32> into tensor<1x2x4xf32>
// CHECK: tnn.contract "b a c, a o -> b c o" %[[V0]]
// CHECK: tensor.collapse_shape %{{.*}} : tensor<1x4x5xf32> into tensor<1x20xf32>
// CHECK: %[[Y:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[2, 0] [1, 20] [1, 1]
// CHECK: return %[[W]], %[[Y]], %[[X]]
func.func @views(%x: tensor<3x8xf32>, %g: tensor<2x5xf32> {tnn.role = "param"}) -> (tensor<3x2x4xf32>, tensor<3x20xf32>, tensor<3x8xf32>) {
  %0 = tensor.expand_shape %x [[0], [1, 2]] output_shape [3, 2, 4] : tensor<3x8xf32> into tensor<3x2x4xf32>
  %1 = tnn.contract "b a c, a o -> b c o" %0, %g : (tensor<3x2x4xf32>, tensor<2x5xf32>) -> tensor<3x4x5xf32>
  %2 = tensor.collapse_shape %1 [[0], [1, 2]] : tensor<3x4x5xf32> into tensor<3x20xf32>
  return %0, %2, %x : tensor<3x2x4xf32>, tensor<3x20xf32>, tensor<3x8xf32>
}

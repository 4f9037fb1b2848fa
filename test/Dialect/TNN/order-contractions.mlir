// RUN: fetta-opt %s --tnn-order-contractions --split-input-file | FileCheck %s

// ((a b) c) costs 2*100*3 + 2*3*4; a (b c) would cost more. Modes of an
// intermediate stand in the order of first appearance.
// CHECK-LABEL: func @chain
// CHECK-SAME: %[[A:.*]]: tensor<2x100xbf16>, %[[B:.*]]: tensor<100x3xbf16>, %[[C:.*]]: tensor<3x4xbf16>
func.func @chain(%a: tensor<2x100xbf16>, %b: tensor<100x3xbf16>, %c: tensor<3x4xbf16>) -> tensor<4x2xf32> {
  // CHECK-NEXT: %[[AB:.*]] = tnn.contract "i j, j k -> i k" %[[A]], %[[B]] {tnn.phase = "fp"} : {{.*}} -> tensor<2x3xbf16>
  // CHECK-NEXT: %[[Y:.*]] = tnn.contract "i k, k l -> l i" %[[AB]], %[[C]] {tnn.phase = "fp"} : {{.*}} -> tensor<4x2xf32>
  // CHECK-NEXT: return %[[Y]]
  %0 = tnn.einsum "ij,jk,kl->li" %a, %b, %c : (tensor<2x100xbf16>, tensor<100x3xbf16>, tensor<3x4xbf16>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// -----

// A path by hand holds, however dear: b c first.
// CHECK-LABEL: func @path
func.func @path(%a: tensor<2x100xf32>, %b: tensor<100x3xf32>, %c: tensor<3x4xf32>) -> tensor<2x4xf32> {
  // CHECK-NEXT: tnn.contract "j k, k l -> j l"
  // CHECK-NEXT: tnn.contract "i j, j l -> i l"
  %0 = tnn.einsum "ij,jk,kl->il" %a, %b, %c path [(1, 2), (0, 1)] : (tensor<2x100xf32>, tensor<100x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// A family by structure, not by names: the gradients use other letters. The
// intermediate of the first two cores is computed once and serves d x too.
// CHECK-LABEL: func @family
// CHECK-SAME: %[[X:.*]]: tensor<50x6xf32>, %[[G:.*]]: tensor<6x2xf32>, %[[H:.*]]: tensor<2x7xf32>, %[[DY:.*]]: tensor<50x7xf32>
func.func @family(%x: tensor<50x6xf32>, %g: tensor<6x2xf32>, %h: tensor<2x7xf32>, %dy: tensor<50x7xf32>)
    -> (tensor<50x7xf32>, tensor<50x6xf32>, tensor<6x2xf32>, tensor<2x7xf32>) {
  // CHECK-NEXT: %[[XG:.*]] = tnn.contract "b i, i r -> b r" %[[X]], %[[G]]
  // CHECK-NEXT: %[[Y:.*]] = tnn.contract "b r, r o -> b o" %[[XG]], %[[H]]
  // CHECK-NEXT: %[[HDY:.*]] = tnn.contract "r o, b o -> r b" %[[H]], %[[DY]] {tnn.phase = "bp"}
  // CHECK-NEXT: %[[DX:.*]] = tnn.contract "i r, r b -> b i" %[[G]], %[[HDY]] {tnn.phase = "bp"}
  // CHECK-NEXT: %[[DG:.*]] = tnn.contract "b i, r b -> i r" %[[X]], %[[HDY]] {tnn.phase = "wg"}
  // CHECK-NEXT: %[[DH:.*]] = tnn.contract "b r, b o -> r o" %[[XG]], %[[DY]] {tnn.phase = "wg"}
  // CHECK-NEXT: return %[[Y]], %[[DX]], %[[DG]], %[[DH]]
  %y = tnn.einsum "b i, i r, r o -> b o" %x, %g, %h : (tensor<50x6xf32>, tensor<6x2xf32>, tensor<2x7xf32>) -> tensor<50x7xf32>
  // A weight gradient before the input gradient: bp still comes first.
  %dg = tnn.einsum "u v, w z, u z -> v w" %x, %h, %dy {tnn.phase = "wg"} : (tensor<50x6xf32>, tensor<2x7xf32>, tensor<50x7xf32>) -> tensor<6x2xf32>
  %dx = tnn.einsum "u z, w z, v w -> u v" %dy, %h, %g {tnn.phase = "bp"} : (tensor<50x7xf32>, tensor<2x7xf32>, tensor<6x2xf32>) -> tensor<50x6xf32>
  %dh = tnn.einsum "b i, i r, b o -> r o" %x, %g, %dy {tnn.phase = "wg"} : (tensor<50x6xf32>, tensor<6x2xf32>, tensor<50x7xf32>) -> tensor<2x7xf32>
  return %y, %dx, %dg, %dh : tensor<50x7xf32>, tensor<50x6xf32>, tensor<6x2xf32>, tensor<2x7xf32>
}

// -----

// Not a view of the first einsum: a mode is tied otherwise, so nothing is
// shared.
// CHECK-LABEL: func @no_family
func.func @no_family(%x: tensor<6x6xf32>, %g: tensor<6x6xf32>, %h: tensor<6x6xf32>, %dy: tensor<6x6xf32>) -> (tensor<6x6xf32>, tensor<6x6xf32>) {
  // CHECK-COUNT-4: tnn.contract
  // CHECK-NOT: tnn.contract
  %y = tnn.einsum "b i, i r, r o -> b o" %x, %g, %h : (tensor<6x6xf32>, tensor<6x6xf32>, tensor<6x6xf32>) -> tensor<6x6xf32>
  %z = tnn.einsum "b i, r i, b o -> r o" %x, %g, %dy : (tensor<6x6xf32>, tensor<6x6xf32>, tensor<6x6xf32>) -> tensor<6x6xf32>
  return %y, %z : tensor<6x6xf32>, tensor<6x6xf32>
}

// -----

// The same tensor as two operands: modes tell them apart. An einsum of one
// operand is no contraction.
// CHECK-LABEL: func @repeated
func.func @repeated(%x: tensor<3x3xf32>, %dy: tensor<3x3xf32>) -> (tensor<3x3xf32>, tensor<3x3xf32>, tensor<3x3xf32>) {
  // CHECK: tnn.contract "i j, j k -> i k" %[[X:.*]], %[[X]] {tnn.phase = "fp"}
  // CHECK: tnn.contract "j k, i k -> i j" %[[X]], %{{.*}} {tnn.phase = "bp"}
  // CHECK: tnn.einsum "i j -> j i"
  %0 = tnn.einsum "ij,jk->ik" %x, %x : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xf32>
  %1 = tnn.einsum "ik,jk->ij" %dy, %x {tnn.phase = "bp"} : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xf32>
  %2 = tnn.einsum "ij->ji" %1 : (tensor<3x3xf32>) -> tensor<3x3xf32>
  return %0, %1, %2 : tensor<3x3xf32>, tensor<3x3xf32>, tensor<3x3xf32>
}

// -----

// The result of one family's einsum is an operand of the next.
// CHECK-LABEL: func @two_families
func.func @two_families(%a: tensor<3x4xf32>, %b: tensor<4x5xf32>, %c: tensor<5x6xf32>, %d: tensor<6x7xf32>) -> tensor<3x7xf32> {
  // CHECK: %[[U:.*]] = tnn.contract {{.*}} -> tensor<3x6xf32>
  // CHECK: %[[V:.*]] = tnn.contract "i j, j k -> i k" %[[U]], %{{.*}} -> tensor<3x7xf32>
  // CHECK: return %[[V]]
  %u = tnn.einsum "ij,jk,kl->il" %a, %b, %c : (tensor<3x4xf32>, tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<3x6xf32>
  %v = tnn.einsum "ij,jk->ik" %u, %d : (tensor<3x6xf32>, tensor<6x7xf32>) -> tensor<3x7xf32>
  return %v : tensor<3x7xf32>
}

// -----

// A contraction that was there before stays and counts as forward.
// CHECK-LABEL: func @contract
func.func @contract(%a: tensor<3x4xf32>, %b: tensor<4x5xf32>) -> tensor<3x5xf32> {
  // CHECK-NEXT: tnn.contract "i j, j k -> i k" %{{.*}}, %{{.*}} {tnn.phase = "fp"}
  %0 = tnn.contract "ij,jk->ik" %a, %b : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

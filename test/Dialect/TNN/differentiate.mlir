// RUN: fetta-opt %s --tnn-differentiate --split-input-file | FileCheck %s
// RUN: fetta-opt %s --tnn-differentiate=input-gradients=false --split-input-file | FileCheck %s --check-prefix=PARAMS

// Each gradient is the einsum that leaves its operand out.
// CHECK-LABEL: func @einsum
// CHECK-SAME: %[[X:.*]]: tensor<7x5xbf16> {tnn.name = "x", tnn.role = "input"}
// CHECK-SAME: %[[G:.*]]: tensor<5x3xbf16> {tnn.role = "param"}
// CHECK-SAME: %[[H:.*]]: tensor<3x4xbf16> {tnn.name = "h", tnn.role = "param"}
// CHECK-SAME: %{{.*}}: tensor<7x4xbf16> {tnn.role = "target"}, %{{.*}}: index
// CHECK-SAME: %[[DY:.*]]: tensor<7x4xbf16> {tnn.name = "d_y", tnn.role = "input"}
// CHECK-SAME: -> (tensor<7x4xbf16> {tnn.name = "y"}, tensor<7x5xbf16> {tnn.name = "d_x"}, tensor<5x3xf32> {tnn.name = "d_arg1"}, tensor<3x4xf32> {tnn.name = "d_h"})
// PARAMS-LABEL: func @einsum
// PARAMS-SAME: -> (tensor<7x4xbf16> {tnn.name = "y"}, tensor<5x3xf32> {tnn.name = "d_arg1"}, tensor<3x4xf32> {tnn.name = "d_h"})
func.func @einsum(%x: tensor<7x5xbf16> {tnn.name = "x", tnn.role = "input"}, %g: tensor<5x3xbf16> {tnn.role = "param"},
                  %h: tensor<3x4xbf16> {tnn.name = "h", tnn.role = "param"}, %t: tensor<7x4xbf16> {tnn.role = "target"}, %n: index)
    -> (tensor<7x4xbf16> {tnn.name = "y"}) {
  // CHECK: %[[Y:.*]] = tnn.einsum "b i, i r, r o -> b o" %[[X]], %[[G]], %[[H]] {tnn.phase = "fp"}
  // CHECK: %[[DX:.*]] = tnn.einsum "b o, i r, r o -> b i" %[[DY]], %[[G]], %[[H]] {tnn.phase = "bp"} : {{.*}} -> tensor<7x5xbf16>
  // CHECK: %[[DG:.*]] = tnn.einsum "b i, b o, r o -> i r" %[[X]], %[[DY]], %[[H]] {tnn.phase = "wg"} : {{.*}} -> tensor<5x3xf32>
  // CHECK: %[[DH:.*]] = tnn.einsum "b i, i r, b o -> r o" %[[X]], %[[G]], %[[DY]] {tnn.phase = "wg"} : {{.*}} -> tensor<3x4xf32>
  // CHECK: return %[[Y]], %[[DX]], %[[DG]], %[[DH]]
  // PARAMS-NOT: tnn.phase = "bp"
  %0 = tnn.einsum "bi,ir,ro->bo" %x, %g, %h : (tensor<7x5xbf16>, tensor<5x3xbf16>, tensor<3x4xbf16>) -> tensor<7x4xbf16>
  return %0 : tensor<7x4xbf16>
}

// -----

// Reshapes turn round; parameters keep f32 through them.
// CHECK-LABEL: func @reshape
// CHECK-SAME: %[[DY:[^ ]*]]: tensor<7x12xbf16> {tnn.name = "d_result0", tnn.role = "input"}
func.func @reshape(%x: tensor<7x10xbf16>, %g: tensor<1x4x3x10xbf16> {tnn.role = "param"}) -> tensor<7x12xbf16> {
  %gc = tensor.collapse_shape %g [[0, 1], [2], [3]] : tensor<1x4x3x10xbf16> into tensor<4x3x10xbf16>
  %y = tnn.contract "b i, o0 o1 i -> b o0 o1" %x, %gc : (tensor<7x10xbf16>, tensor<4x3x10xbf16>) -> tensor<7x4x3xbf16>
  %yc = tensor.collapse_shape %y [[0], [1, 2]] : tensor<7x4x3xbf16> into tensor<7x12xbf16>
  // CHECK: %[[DE:.*]] = tensor.expand_shape %[[DY]] {{\[\[}}0], [1, 2]] output_shape [7, 4, 3]
  // CHECK: %[[DX:.*]] = tnn.einsum "b o0 o1, o0 o1 i -> b i" %[[DE]]
  // CHECK: %[[DC:.*]] = tnn.einsum "b i, b o0 o1 -> o0 o1 i" %{{.*}}, %[[DE]] {{.*}} -> tensor<4x3x10xf32>
  // CHECK: %[[DG:.*]] = tensor.expand_shape %[[DC]] {{\[\[}}0, 1], [2], [3]] output_shape [1, 4, 3, 10] : tensor<4x3x10xf32> into tensor<1x4x3x10xf32>
  // CHECK: return %{{.*}}, %[[DX]], %[[DG]]
  return %yc : tensor<7x12xbf16>
}

// -----

// A value that is used twice sums its gradients, here 2 x dy^T-like terms.
// CHECK-LABEL: func @twice
// CHECK-SAME: %[[X:.*]]: tensor<5xf32>, %[[DY:.*]]: tensor<5xf32>
func.func @twice(%x: tensor<5xf32>) -> tensor<5xf32> {
  // CHECK: %[[A:.*]] = tnn.einsum "i, i -> i" %[[DY]], %[[X]] {tnn.phase = "bp"}
  // CHECK: %[[B:.*]] = tnn.einsum "i, i -> i" %[[X]], %[[DY]] {tnn.phase = "bp"}
  // CHECK: %[[S:.*]] = arith.addf %[[A]], %[[B]] : tensor<5xf32>
  // CHECK: return %{{.*}}, %[[S]]
  %0 = tnn.einsum "i,i->i" %x, %x : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

// The gradient of a broadcast bias is a sum over the batch, in f32.
// CHECK-LABEL: func @bias
// CHECK-SAME: %[[DY:[^ ]*]]: tensor<7x4xbf16> {tnn.name = "d_result0"
func.func @bias(%x: tensor<7x4xbf16>, %bias: tensor<4xbf16> {tnn.role = "param"}) -> tensor<7x4xbf16> {
  %e = tensor.empty() : tensor<7x4xbf16>
  %b = linalg.broadcast ins(%bias : tensor<4xbf16>) outs(%e : tensor<7x4xbf16>) dimensions = [0]
  %0 = arith.addf %x, %b : tensor<7x4xbf16>
  // CHECK: %[[DB:.*]] = linalg.generic {{.*}} iterator_types = ["reduction", "parallel"]} ins(%[[DY]] : tensor<7x4xbf16>) outs(%{{.*}} : tensor<4xf32>)
  // CHECK: arith.extf %{{.*}} : bf16 to f32
  // CHECK: arith.addf %{{.*}}, %{{.*}} : f32
  // CHECK: return %{{.*}}, %[[DY]], %[[DB]] : tensor<7x4xbf16>, tensor<7x4xbf16>, tensor<4xf32>
  return %0 : tensor<7x4xbf16>
}

// -----

// Master parameters in f32, rounded inside; an argument no result depends on.
// CHECK-LABEL: func @master
// CHECK-SAME: -> (tensor<7x4xbf16>, tensor<7x3xbf16> {tnn.name = "d_arg0"}, tensor<3x4xf32> {tnn.name = "d_arg1"}, tensor<2xf32> {tnn.name = "d_arg2"})
func.func @master(%x: tensor<7x3xbf16>, %g: tensor<3x4xf32> {tnn.role = "param"}, %unused: tensor<2xbf16> {tnn.role = "param"}) -> tensor<7x4xbf16> {
  %gt = arith.truncf %g : tensor<3x4xf32> to tensor<3x4xbf16>
  // CHECK: %[[DG:.*]] = tnn.einsum "b i, b o -> i o" {{.*}} {tnn.phase = "wg"} : {{.*}} -> tensor<3x4xf32>
  // CHECK: %[[ZERO:.*]] = arith.constant dense<0.0{{.*}}> : tensor<2xf32>
  // CHECK: return %{{.*}}, %{{.*}}, %[[DG]], %[[ZERO]]
  %0 = tnn.einsum "bi,io->bo" %x, %gt : (tensor<7x3xbf16>, tensor<3x4xbf16>) -> tensor<7x4xbf16>
  return %0 : tensor<7x4xbf16>
}

// -----

// Two layers: what runs between them is bp, not wg.
// CHECK-LABEL: func @two_layers
// PARAMS-LABEL: func @two_layers
func.func @two_layers(%x: tensor<7x3xf32>, %g: tensor<3x4xf32> {tnn.role = "param"}, %h: tensor<4x5xf32> {tnn.role = "param"}) -> tensor<7x5xf32> {
  // CHECK: %[[DV:.*]] = tnn.einsum "b o, r o -> b r" {{.*}} {tnn.phase = "bp"}
  // CHECK: tnn.einsum "b r, b o -> r o" {{.*}} {tnn.phase = "wg"}
  // CHECK: tnn.einsum "b r, i r -> b i" %[[DV]], %{{.*}} {tnn.phase = "bp"}
  // CHECK: tnn.einsum "b i, b r -> i r" %{{.*}}, %[[DV]] {tnn.phase = "wg"}
  // Without input gradients only the first of the two bp einsums remains.
  // PARAMS-COUNT-1: tnn.phase = "bp"
  // PARAMS-NOT: tnn.phase = "bp"
  %v = tnn.einsum "bi,ir->br" %x, %g : (tensor<7x3xf32>, tensor<3x4xf32>) -> tensor<7x4xf32>
  %y = tnn.einsum "br,ro->bo" %v, %h : (tensor<7x4xf32>, tensor<4x5xf32>) -> tensor<7x5xf32>
  return %y : tensor<7x5xf32>
}

// -----

// What a sum goes on from has the gradient of the sum.
// CHECK-LABEL: func @sums
// CHECK-SAME: %[[X:[^ ]*]]: tensor<7x3xf32>, %{{.*}}: tensor<7x4xf32>, %{{.*}}: tensor<3x4xf32>, %[[DY:[^ ]*]]: tensor<3x4xf32> {tnn.name = "d_result0"
// CHECK: %[[Y:.*]] = tnn.contract
// CHECK: %[[DX:.*]] = tnn.einsum "i o, b o -> b i" %[[DY]]
// CHECK: %[[DD:.*]] = tnn.einsum "b i, i o -> b o" %[[X]], %[[DY]]
// CHECK: return %[[Y]], %[[DX]], %[[DD]], %[[DY]]
func.func @sums(%x: tensor<7x3xf32>, %d: tensor<7x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = tnn.contract "b i, b o -> i o" %x, %d init(%s) : (tensor<7x3xf32>, tensor<7x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

// Private functions do not count; the option names one.
// CHECK-LABEL: func private @helper
// CHECK-SAME: (%{{[^ ]*}}: tensor<2xf32>) -> tensor<2xf32>
func.func private @helper(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
// CHECK-LABEL: func @main
// CHECK-SAME: %[[DY:[^ ]*]]: tensor<2xf32> {tnn.name = "d_result0"
// CHECK-NEXT: return %{{.*}}, %[[DY]]
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}

// RUN: fetta-opt %s --tnn-name-arguments | FileCheck %s
// RUN: fetta-opt %s --tnn-name-arguments --tnn-differentiate=function=layer \
// RUN:   | FileCheck %s --check-prefix=GRAD
// Standard input has no text to look into: names stay what MLIR makes them.
// RUN: fetta-opt --tnn-name-arguments < %s | FileCheck %s --check-prefix=STDIN

// CHECK-LABEL: @layer(
// CHECK-SAME:    %arg0: tensor<2x3xf32> {tnn.name = "x"},
// CHECK-SAME:    %arg1: tensor<3x4xf32> {tnn.name = "core_1", tnn.role = "param"})
// GRAD: tnn.name = "d_result0"
// GRAD-SAME: tnn.name = "d_x"
// GRAD-SAME: tnn.name = "d_core_1"
// STDIN-LABEL: @layer(
// STDIN-SAME:    %arg0: tensor<2x3xf32>, %arg1: tensor<3x4xf32> {tnn.role = "param"})
func.func @layer(%x: tensor<2x3xf32>,
                 %core_1: tensor<3x4xf32> {tnn.role = "param"})
    -> tensor<2x4xf32> {
  %y = tnn.einsum "b i, i o -> b o" %x, %core_1
      : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// A name by attribute stays, and no second argument takes it, nor the name of a
// result; numbers name nothing; neither does a `$`.
// CHECK-LABEL: func.func private @kept(
// CHECK-SAME:    %arg0: tensor<f32> {tnn.name = "weight"}, %arg1: tensor<f32>,
// CHECK-SAME:    %arg2: tensor<f32>, %arg3: tensor<f32>, %arg4: tensor<f32>)
func.func private @kept(%a: tensor<f32> {tnn.name = "weight"},
                        %weight: tensor<f32>, %0: tensor<f32>,
                        %b$c: tensor<f32>, %result0: tensor<f32>)
    -> tensor<f32> {
  return %a : tensor<f32>
}

// The function for another batch is the one written for it.
// RUN: sed -e 's/BATCH/12/g' %s > %t.12.mlir
// RUN: sed -e 's/BATCH/5/g' %s > %t.5.mlir
// RUN: fetta-opt %t.12.mlir --pass-pipeline='builtin.module(func.func(tnn-slice-batch{batch=5}))' -o %t.set.mlir
// RUN: fetta-opt %t.5.mlir -o %t.written.mlir
// RUN: cmp %t.set.mlir %t.written.mlir
// RUN: fetta-opt %t.12.mlir --pass-pipeline='builtin.module(func.func(tnn-slice-batch{batch=5 slices=2}))' -o %t.set.mlir
// RUN: fetta-opt %t.5.mlir --pass-pipeline='builtin.module(func.func(tnn-slice-batch{slices=2}))' -o %t.written.mlir
// RUN: cmp %t.set.mlir %t.written.mlir
// RUN: not cmp -s %t.12.mlir %t.set.mlir
// RUN: not fetta-opt %t.12.mlir --pass-pipeline='builtin.module(func.func(tnn-slice-batch{batch=-1}))' 2>&1 | FileCheck %s
// CHECK: error: batch should not be negative, got -1

func.func @step(%x: tensor<BATCHx6xbf16>, %g: tensor<6x3xbf16> {tnn.role = "param"}, %h: tensor<3x4xbf16> {tnn.role = "param"},
                %dy: tensor<BATCHx4xbf16>) -> (tensor<BATCHx4xbf16>, tensor<6x3xf32>) {
  %0 = tnn.contract "i r, r o -> i o" %g, %h {tnn.phase = "fp"} : (tensor<6x3xbf16>, tensor<3x4xbf16>) -> tensor<6x4xbf16>
  %1 = tnn.contract "b i, i o -> b o" %x, %0 {tnn.phase = "fp"} : (tensor<BATCHx6xbf16>, tensor<6x4xbf16>) -> tensor<BATCHx4xbf16>
  %2 = tnn.contract "b i, b o -> i o" %x, %dy {tnn.phase = "wg"} : (tensor<BATCHx6xbf16>, tensor<BATCHx4xbf16>) -> tensor<6x4xbf16>
  %3 = tnn.contract "i o, r o -> i r" %2, %h {tnn.phase = "wg"} : (tensor<6x4xbf16>, tensor<3x4xbf16>) -> tensor<6x3xf32>
  return %1, %3 : tensor<BATCHx4xbf16>, tensor<6x3xf32>
}

// A batch that is not the leading dimension everywhere, and a view.
func.func @total(%x: tensor<BATCHx6xf32>, %d: tensor<4xBATCHxf32>) -> (tensor<f32>, tensor<6x4xf32>, tensor<BATCHx2x3xf32>) {
  %0 = tnn.contract "b i, o b -> i o" %x, %d : (tensor<BATCHx6xf32>, tensor<4xBATCHxf32>) -> tensor<6x4xf32>
  %1 = tensor.collapse_shape %0 [[0, 1]] : tensor<6x4xf32> into tensor<24xf32>
  %2 = tnn.contract "k, k -> " %1, %1 : (tensor<24xf32>, tensor<24xf32>) -> tensor<f32>
  %3 = tensor.expand_shape %x [[0], [1, 2]] output_shape [BATCH, 2, 3] : tensor<BATCHx6xf32> into tensor<BATCHx2x3xf32>
  return %2, %0, %3 : tensor<f32>, tensor<6x4xf32>, tensor<BATCHx2x3xf32>
}

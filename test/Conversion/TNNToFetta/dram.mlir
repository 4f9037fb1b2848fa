// RUN: fetta-opt %s --fetta-attach-machine=file=%machines/small-4ce.yaml --convert-tnn-to-fetta=memory=dram --split-input-file | FileCheck %s

// What the forward phase needs is loaded at once, in the order of its use; the
// gradient of a result only after the result is stored, which is as soon as it
// is complete. The host rounds an f32 argument.
// CHECK-LABEL: func.func @step
// CHECK-NEXT: %[[X:.*]] = fetta.load %arg1 at 0 : tensor<8x24xf32> -> tensor<8x4x6xbf16, #{{.*}}>
// CHECK-NEXT: %[[G:.*]] = fetta.load %arg0 at 0 : tensor<1x6x5xbf16> -> tensor<6x5xbf16, #{{.*}}>
// CHECK-NEXT: %[[Y:.*]] = fetta.contract "b i j, j r -> b i r" %[[X]], %[[G]]
// CHECK: %[[E:.*]] = tensor.empty() : tensor<8x20xbf16>
// CHECK-NEXT: %[[S:.*]] = fetta.store %[[Y]] into %[[E]] at 0 : tensor<8x4x5xbf16, #{{.*}}>, tensor<8x20xbf16>
// CHECK-NEXT: %[[D:.*]] = fetta.load %arg2 at 0 : tensor<8x20xbf16> -> tensor<8x4x5xbf16, #{{.*}}>
// CHECK-NEXT: %[[W:.*]] = fetta.contract "b i j, b i r -> j r" %[[X]], %[[D]]
// CHECK: %[[F:.*]] = tensor.empty() : tensor<1x6x5xf32>
// CHECK-NEXT: %[[T:.*]] = fetta.store %[[W]] into %[[F]] at 0
// CHECK-NEXT: return %[[S]], %[[T]]
func.func @step(%g: tensor<1x6x5xbf16>, %x: tensor<8x24xf32>, %dy: tensor<8x20xbf16>) -> (tensor<8x20xbf16>, tensor<1x6x5xf32>) {
  %0 = arith.truncf %x : tensor<8x24xf32> to tensor<8x24xbf16>
  %1 = tensor.expand_shape %0 [[0], [1, 2]] output_shape [8, 4, 6] : tensor<8x24xbf16> into tensor<8x4x6xbf16>
  %2 = tensor.collapse_shape %g [[0, 1], [2]] : tensor<1x6x5xbf16> into tensor<6x5xbf16>
  %3 = tnn.contract "b i j, j r -> b i r" %1, %2 {tnn.phase = "fp"} : (tensor<8x4x6xbf16>, tensor<6x5xbf16>) -> tensor<8x4x5xbf16>
  %4 = tensor.collapse_shape %3 [[0], [1, 2]] : tensor<8x4x5xbf16> into tensor<8x20xbf16>
  %5 = tensor.expand_shape %dy [[0], [1, 2]] output_shape [8, 4, 5] : tensor<8x20xbf16> into tensor<8x4x5xbf16>
  %6 = tnn.contract "b i j, b i r -> j r" %1, %5 {tnn.phase = "wg"} : (tensor<8x4x6xbf16>, tensor<8x4x5xbf16>) -> tensor<6x5xf32>
  %7 = tensor.expand_shape %6 [[0, 1], [2]] output_shape [1, 6, 5] : tensor<6x5xf32> into tensor<1x6x5xf32>
  return %4, %7 : tensor<8x20xbf16>, tensor<1x6x5xf32>
}

// -----

// Slices: of the leading dimension dense, of another one with strides; where
// they stand.
// CHECK-LABEL: func.func @slices
// CHECK-NEXT: %[[G:.*]] = fetta.load %arg1 at 0 : tensor<6x5xbf16>
// CHECK-NEXT: %[[E:.*]] = tensor.empty() : tensor<5x8xbf16>
// CHECK-NEXT: %[[A:.*]] = fetta.load %arg0 at 0 : tensor<8x6xbf16> -> tensor<3x6xbf16, #{{.*}}>
// CHECK-NEXT: %[[Y:.*]] = fetta.contract "b i, i o -> o b" %[[A]], %[[G]]
// CHECK: %[[S:.*]] = fetta.store %[[Y]] into %[[E]] at 0 strides [8, 1] : tensor<5x3xbf16, #{{.*}}>, tensor<5x8xbf16>
// CHECK-NEXT: %[[B:.*]] = fetta.load %arg0 at 18 : tensor<8x6xbf16> -> tensor<5x6xbf16, #{{.*}}>
// CHECK: fetta.store %{{.*}} into %[[S]] at 3 strides [8, 1] : tensor<5x5xbf16, #{{.*}}>, tensor<5x8xbf16>
// CHECK: fetta.load %arg2 at 2 strides [4, 1, 1] : tensor<3x8xbf16> -> tensor<6x2x1xbf16, #{{.*}}>
func.func @slices(%x: tensor<8x6xbf16>, %g: tensor<6x5xbf16>, %h: tensor<3x8xbf16>) -> (tensor<5x8xbf16>, tensor<6x2x5xf32>) {
  %e = tensor.empty() : tensor<5x8xbf16>
  %0 = tensor.extract_slice %x[0, 0] [3, 6] [1, 1] : tensor<8x6xbf16> to tensor<3x6xbf16>
  %1 = tnn.contract "b i, i o -> o b" %0, %g : (tensor<3x6xbf16>, tensor<6x5xbf16>) -> tensor<5x3xbf16>
  %2 = tensor.insert_slice %1 into %e[0, 0] [5, 3] [1, 1] : tensor<5x3xbf16> into tensor<5x8xbf16>
  %3 = tensor.extract_slice %x[3, 0] [5, 6] [1, 1] : tensor<8x6xbf16> to tensor<5x6xbf16>
  %4 = tnn.contract "b i, i o -> o b" %3, %g : (tensor<5x6xbf16>, tensor<6x5xbf16>) -> tensor<5x5xbf16>
  %5 = tensor.insert_slice %4 into %2[0, 3] [5, 5] [1, 1] : tensor<5x5xbf16> into tensor<5x8xbf16>
  %6 = tensor.expand_shape %h [[0], [1, 2]] output_shape [3, 2, 4] : tensor<3x8xbf16> into tensor<3x2x4xbf16>
  %7 = tensor.extract_slice %6[0, 0, 2] [3, 2, 2] [1, 1, 1] : tensor<3x2x4xbf16> to tensor<3x2x2xbf16>
  %8 = tensor.collapse_shape %7 [[0, 1], [2]] : tensor<3x2x2xbf16> into tensor<6x2xbf16>
  %9 = tensor.expand_shape %8 [[0], [1, 2]] output_shape [6, 2, 1] : tensor<6x2xbf16> into tensor<6x2x1xbf16>
  %11 = tensor.expand_shape %g [[0], [1, 2]] output_shape [6, 5, 1] : tensor<6x5xbf16> into tensor<6x5x1xbf16>
  %10 = tnn.contract "i c u, i o u -> i c o" %9, %11 : (tensor<6x2x1xbf16>, tensor<6x5x1xbf16>) -> tensor<6x2x5xf32>
  return %5, %10 : tensor<5x8xbf16>, tensor<6x2x5xf32>
}

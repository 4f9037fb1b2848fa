// RUN: fetta-opt %s --fetta-attach-machine=file=%machines/small-4ce.yaml --convert-tnn-to-fetta=memory=resident | FileCheck %s
// RUN: fetta-opt %s --fetta-attach-machine=file=%machines/small-4ce.yaml --convert-tnn-to-fetta="dataflow=output memory=resident" | FileCheck %s --check-prefix=OUTPUT
// RUN: fetta-opt %s --fetta-attach-machine=file=%machines/small-4ce.yaml --convert-tnn-to-fetta=memory=resident --remarks-filter=convert-tnn-to-fetta 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// Reshapes of arguments and results are the host's; arguments are placed first,
// in their order, though %g is used before %x.
// CHECK-LABEL: func.func @chain
// CHECK-NEXT: %[[X:.*]] = fetta.place %arg0 : tensor<8x24xf32> -> tensor<8x4x6xbf16, #{{.*}}>
// CHECK-NEXT: %[[G:.*]] = fetta.place %arg1 : tensor<1x6x5xbf16> -> tensor<6x5xbf16, #{{.*}}>
// CHECK-NEXT: %[[H:.*]] = fetta.place %arg2 : tensor<5x7xbf16> -> tensor<5x7xbf16, #{{.*}}>
// CHECK-NEXT: %[[GH:.*]] = fetta.contract "j r, r s -> j s" %[[G]], %[[H]]
// CHECK: phase wg
// CHECK: %[[Y:.*]] = fetta.contract "b i j, j s -> b i s" %[[X]], %[[GH]]
// CHECK: origin "{{.*}}chain.mlir:
// CHECK: fetta.collect %[[GH]] : tensor<6x7xbf16, #{{.*}}> -> tensor<6x7xbf16>
// CHECK: fetta.collect %[[Y]] : tensor<8x4x7xf32, #{{.*}}> -> tensor<8x28xf32>
// OUTPUT-COUNT-2: output_stationary
// REMARK: chain.mlir:{{.*}}: remark: {{.*}}einsum="j r, r s -> j s" dataflow={{.*}}beats={{.*}}multiply_adds=210
// REMARK: chain.mlir:{{.*}}: remark: {{.*}}einsum="b i j, j s -> b i s" dataflow={{.*}}multiply_adds=1344
func.func @chain(%x: tensor<8x24xf32>, %g: tensor<1x6x5xbf16>, %h: tensor<5x7xbf16>)
    -> (tensor<6x7xbf16>, tensor<8x28xf32>) {
  %0 = tensor.collapse_shape %g [[0, 1], [2]] : tensor<1x6x5xbf16> into tensor<6x5xbf16>
  %1 = tnn.contract "j r, r s -> j s" %0, %h {tnn.phase = "wg"}
      : (tensor<6x5xbf16>, tensor<5x7xbf16>) -> tensor<6x7xbf16>
  %2 = arith.truncf %x : tensor<8x24xf32> to tensor<8x24xbf16>
  %3 = tensor.expand_shape %2 [[0], [1, 2]] output_shape [8, 4, 6]
      : tensor<8x24xbf16> into tensor<8x4x6xbf16>
  %4 = tnn.contract "b i j, j s -> b i s" %3, %1
      : (tensor<8x4x6xbf16>, tensor<6x7xbf16>) -> tensor<8x4x7xf32>
  %5 = tensor.collapse_shape %4 [[0], [1, 2]] : tensor<8x4x7xf32> into tensor<8x28xf32>
  return %1, %5 : tensor<6x7xbf16>, tensor<8x28xf32>
}

// One tensor as both operands has one layout.
// CHECK-LABEL: func.func @square
// CHECK-NEXT: %[[X:.*]] = fetta.place
// CHECK-NEXT: fetta.contract "b k, c k -> b c" %[[X]], %[[X]]
func.func @square(%x: tensor<8x8xbf16>) -> tensor<8x8xbf16> {
  %0 = tnn.contract "b k, c k -> b c" %x, %x
      : (tensor<8x8xbf16>, tensor<8x8xbf16>) -> tensor<8x8xbf16>
  return %0 : tensor<8x8xbf16>
}

// A second shape of an argument is a relabeling of the first.
// CHECK-LABEL: func.func @relabel
// CHECK: %[[X:.*]] = fetta.place %arg0 : tensor<8x8xbf16> -> tensor<8x8xbf16, #{{.*}}>
// CHECK: %[[V:.*]] = fetta.relabel %[[X]] : tensor<8x8xbf16, #{{.*}}> -> tensor<2x4x8xbf16, #{{.*}}>
// CHECK: fetta.contract "a c k, k n -> a c n" %[[V]], %{{.*}}
func.func @relabel(%x: tensor<8x8xbf16>, %y: tensor<8x8xbf16>)
    -> (tensor<8x8xbf16>, tensor<2x4x8xbf16>) {
  %0 = tnn.contract "b k, k n -> b n" %x, %y
      : (tensor<8x8xbf16>, tensor<8x8xbf16>) -> tensor<8x8xbf16>
  %1 = tensor.expand_shape %x [[0, 1], [2]] output_shape [2, 4, 8]
      : tensor<8x8xbf16> into tensor<2x4x8xbf16>
  %2 = tnn.contract "a c k, k n -> a c n" %1, %y
      : (tensor<2x4x8xbf16>, tensor<8x8xbf16>) -> tensor<2x4x8xbf16>
  return %0, %2 : tensor<8x8xbf16>, tensor<2x4x8xbf16>
}

// A sum that goes on lies where it began.
// CHECK-LABEL: func.func @sums
// CHECK: %[[S:.*]] = fetta.contract "b i, b o -> i o"
// CHECK: -> [[T:tensor<6x5xf32, #.*>]]
// CHECK: fetta.contract "b i, b o -> i o" %{{.*}}, %{{.*}} init(%[[S]])
// CHECK: [[T]]) -> [[T]]
func.func @sums(%x0: tensor<8x6xbf16>, %d0: tensor<8x5xbf16>, %x1: tensor<3x6xbf16>, %d1: tensor<3x5xbf16>)
    -> tensor<6x5xf32> {
  %0 = tnn.contract "b i, b o -> i o" %x0, %d0 : (tensor<8x6xbf16>, tensor<8x5xbf16>) -> tensor<6x5xf32>
  %1 = tnn.contract "b i, b o -> i o" %x1, %d1 init(%0)
      : (tensor<3x6xbf16>, tensor<3x5xbf16>, tensor<6x5xf32>) -> tensor<6x5xf32>
  return %1 : tensor<6x5xf32>
}

// RUN: fetta-opt %s --fetta-attach-machine=file=%machines/small-4ce.yaml --convert-tnn-to-fetta | FileCheck %s
// RUN: fetta-opt %s --fetta-attach-machine=file=%machines/small-4ce.yaml --convert-tnn-to-fetta=layouts=separate | FileCheck %s

// A sum that goes on has the layout of the sum so far.
// CHECK-LABEL: func.func @sum
// CHECK: %[[S:.*]] = fetta.contract "b m, b n -> m n" {{.*}}
// CHECK: -> tensor<24x24xf32, #[[LAYOUT:.*]]>
// CHECK: fetta.contract "b m, b n -> m n" %{{.*}}, %{{.*}} init(%[[S]])
// CHECK: -> tensor<24x24xf32, #[[LAYOUT]]>
func.func @sum(%x: tensor<4x24xbf16>, %y: tensor<4x24xbf16>, %u: tensor<4x24xbf16>, %v: tensor<4x24xbf16>)
    -> tensor<24x24xf32> {
  %0 = tnn.contract "b m, b n -> m n" %x, %y
      : (tensor<4x24xbf16>, tensor<4x24xbf16>) -> tensor<24x24xf32>
  %1 = tnn.contract "b m, b n -> m n" %u, %v init(%0)
      : (tensor<4x24xbf16>, tensor<4x24xbf16>, tensor<24x24xf32>) -> tensor<24x24xf32>
  return %1 : tensor<24x24xf32>
}

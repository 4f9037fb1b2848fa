// RUN: rm -rf %t && mkdir %t
// RUN: fetta-opt %s --fetta-compile=machine=%machines/fetta-edge.yaml | FileCheck %s
// RUN: fetta-opt %s --fetta-compile="machine=%machines/fetta-edge.yaml order=right-to-left" | FileCheck %s --check-prefix=FIXED
// RUN: fetta-opt %s --fetta-attach-machine=file=%machines/fetta-edge.yaml --fetta-compile | FileCheck %s
// RUN: fetta-opt %s --fetta-compile-training=machine=%machines/fetta-edge.yaml | FileCheck %s --check-prefix=TRAIN

// A bad or missing machine: a message, exit 1, no output.
// RUN: not fetta-opt %s --fetta-compile=machine=%t/none.yaml -o %t/out.mlir 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not fetta-opt %s --fetta-compile -o %t/out.mlir 2>&1 | FileCheck %s --check-prefix=NO-MACHINE
// RUN: echo "slabs: {value: many}" > %t/bad.yaml
// RUN: not fetta-opt %s --fetta-compile-training=machine=%t/bad.yaml -o %t/out.mlir 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not ls %t/out.mlir
// NONE: error: {{.*}}none.yaml
// NO-MACHINE: error: {{.*}}needs the attribute 'fetta.machine' on the module; run fetta-attach-machine
// BAD: bad.yaml:1:

// CHECK: fetta.route @route0 distribution map <[{{.*}}]> words
// CHECK-COUNT-3: fetta.load %{{.*}} home
// CHECK: fetta.contract
// CHECK: routes [@{{.*}}] {{.*}}home <slab {{.*}}>
// CHECK-NOT: tnn.{{[a-z]+}} "
// FIXED: fetta.contract "b i1, r1 i1 -> b r1"
// FIXED: fetta.contract "b r1, o1 r1 -> b o1"
// TRAIN: func.func @forward({{.*}}tnn.name = "d_y"{{.*}}) -> ({{.*}}tnn.name = "y"{{.*}}tnn.name = "d_x"{{.*}}tnn.name = "d_g0"{{.*}}tnn.name = "d_g1"
// TRAIN: phase bp
// TRAIN: phase wg
func.func @forward(%x: tensor<16x12xbf16> {tnn.name = "x"},
                   %g0: tensor<8x4xbf16> {tnn.name = "g0", tnn.role = "param"},
                   %g1: tensor<4x12xbf16> {tnn.name = "g1", tnn.role = "param"})
    -> (tensor<16x8xbf16> {tnn.name = "y"}) {
  %y = tnn.einsum "b i1, o1 r1, r1 i1 -> b o1" %x, %g0, %g1
      : (tensor<16x12xbf16>, tensor<8x4xbf16>, tensor<4x12xbf16>) -> tensor<16x8xbf16>
  return %y : tensor<16x8xbf16>
}

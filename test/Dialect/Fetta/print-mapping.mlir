// RUN: fetta-opt %s --fetta-attach-machine=file=%machines/small-4ce.yaml --convert-tnn-to-fetta=dataflow=b --fetta-print-mapping 2>&1 >/dev/null | FileCheck %s
// RUN: fetta-opt %s --fetta-attach-machine=file=%machines/small-4ce.yaml --convert-tnn-to-fetta=dataflow=b --fetta-print-mapping=file=%t -o %t.mlir 2>&1 | count 0
// RUN: FileCheck %s --input-file=%t
// RUN: fetta-opt %s --fetta-attach-machine=file=%machines/small-4ce.yaml --convert-tnn-to-fetta=dataflow=b | cmp - %t.mlir
// RUN: not fetta-opt %s --fetta-print-mapping 2>&1 | FileCheck %s --check-prefix=MACHINE
// RUN: not fetta-opt %s --fetta-attach-machine=file=%machines/small-4ce.yaml --fetta-print-mapping=file=%t/none/x 2>&1 | FileCheck %s --check-prefix=FILE
// MACHINE: needs the attribute 'fetta.machine' on the module; run fetta-attach-machine
// FILE: none/x

// CHECK: function chain
// CHECK: %0: "b i, i r -> b r"
// CHECK-NEXT: alone {{[0-9]+}} cycles: {{[0-9]+}} beats, {{.*}} fill, {{.*}} % of the multipliers in the beats
// CHECK-NEXT: B-stationary, rows [{{.*}}], columns [{{.*}}], CEs [{{.*}}]
// CHECK: scope
// CHECK: for {{[bir]}} in
// CHECK: A = %1 [b i] tensor<8x24xbf16>, 12 rows
// CHECK-NEXT: bank bit 3 {{ *}}2 {{ *}}1 {{ *}}0
// CHECK-NEXT: {{[bi]:[0-9] [bi]:[0-9] [bi]:[0-9] [bi]:[0-9]}}
// CHECK-NEXT: row =
// CHECK-NEXT: row/bank 0 {{.*}} 15
// CHECK-NEXT: 0 0,0
// CHECK: ...
// CHECK-NEXT: 11 {{.*}}7,23
// CHECK: B = %2 [i r] tensor<24x6xbf16>
// CHECK: C = %0 [b r] tensor<8x6xbf16>
// CHECK: %3: "b r, r o -> b o"
// CHECK: A = %0, above
// CHECK-NEXT: B = %4 [r o] tensor<6x4xbf16>
func.func @chain(%x: tensor<8x24xbf16>, %g: tensor<24x6xbf16>, %h: tensor<6x4xbf16>)
    -> tensor<8x4xbf16> {
  %0 = tnn.contract "b i, i r -> b r" %x, %g
      : (tensor<8x24xbf16>, tensor<24x6xbf16>) -> tensor<8x6xbf16>
  %1 = tnn.contract "b r, r o -> b o" %0, %h
      : (tensor<8x6xbf16>, tensor<6x4xbf16>) -> tensor<8x4xbf16>
  return %1 : tensor<8x4xbf16>
}

// Orders for a machine: the file of the option, or the machine of the module.
// RUN: fetta-opt %s --tnn-order-contractions="objective=latency machine=%machines/fetta-edge.yaml trace=%t.json" --remarks-filter=tnn-order-contractions -o /dev/null 2>&1 | FileCheck %s
// RUN: FileCheck %s --check-prefix=TRACE --input-file=%t.json
// RUN: fetta-opt %s "--pass-pipeline=builtin.module(fetta-attach-machine{file=%machines/fetta-edge.yaml},func.func(tnn-order-contractions{objective=energy}))" | FileCheck %s --check-prefix=ATTACHED
// RUN: not fetta-opt %s --tnn-order-contractions=objective=edp 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not fetta-opt %s --tnn-order-contractions="machine=%machines/fetta-edge.yaml" 2>&1 | FileCheck %s --check-prefix=IDLE
// RUN: not fetta-opt %s --tnn-order-contractions="objective=latency order=btt machine=%machines/fetta-edge.yaml" 2>&1 | FileCheck %s --check-prefix=ORDER
// RUN: not fetta-opt %s --tnn-order-contractions="objective=latency machine=%t.absent" 2>&1 | FileCheck %s --check-prefix=ABSENT

// CHECK: remark: [Passed] machine-order {{.*}} dynamic_pj={{[0-9]+}}, fewest_multiply_adds_dynamic_pj={{[0-9]+}}, fewest_multiply_adds_scheduled_cycles=[[CYCLES:[0-9]+]], layout_classes=8, objective=latency, optimal_serial_cycles={{[0-9]+}}, optimal_serial_dynamic_pj={{[0-9]+}}, origin="fewest multiply-adds", proven=true, scheduled_cycles=[[CYCLES]], serial_cycles={{[0-9]+}}
// TRACE: "machine": {
// TRACE: "candidates": [
// TRACE: "origin": "fewest multiply-adds",
// TRACE: "objective": "latency",
// TRACE: "optimum": {
// TRACE: "of": "the serial closed form, over all trees and layout classes",
// TRACE: "static_pj_per_cycle":
// ATTACHED: tnn.contract
// ATTACHED-NOT: tnn.einsum
// NONE: error: {{.*}}cannot be ordered: the objective takes a machine: set machine=FILE, or attach one with fetta-attach-machine
// IDLE: error: option of tnn-order-contractions: machine goes with an objective that takes one
// ORDER: error: option of tnn-order-contractions: objective=latency goes with order=csse
// ABSENT: error: {{.*}}cannot be ordered: {{.*}}.absent
func.func @f(%a: tensor<100x2xbf16>, %b: tensor<2x50xbf16>, %c: tensor<50x3xbf16>) -> tensor<100x3xbf16> {
  %0 = tnn.einsum "ij,jk,kl->il" %a, %b, %c : (tensor<100x2xbf16>, tensor<2x50xbf16>, tensor<50x3xbf16>) -> tensor<100x3xbf16>
  return %0 : tensor<100x3xbf16>
}

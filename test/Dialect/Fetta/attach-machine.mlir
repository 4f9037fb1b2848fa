// RUN: fetta-opt %s --fetta-attach-machine=file=%machines/fetta-edge.yaml | FileCheck %s
// RUN: not fetta-opt %s --fetta-attach-machine 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not fetta-opt %s --fetta-attach-machine=file=%t.missing 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: echo "nmae: x" > %t.yaml
// RUN: not fetta-opt %s --fetta-attach-machine=file=%t.yaml 2>&1 | FileCheck %s --check-prefix=BAD

// What is attached is the canonical form, which no later run reads a file for.
// RUN: fetta-opt %s --fetta-attach-machine=file=%machines/fetta-edge.yaml -o %t.1
// RUN: fetta-opt %t.1 -o %t.2
// RUN: cmp %t.1 %t.2

// CHECK: #machine = #fetta.machine<{{.*}}contraction_engines = 64{{.*}}name = "fetta-edge", networks = "benes"
// CHECK: module attributes {fetta.machine = #machine}
// NONE: error: no machine file given; set the option 'file'
// MISSING: error: {{.*}}.missing
// BAD: {{^}}{{.*}}attach-machine.mlir.tmp.yaml:1:1: error: unknown key 'nmae'
// BAD-NOT: see current operation
module {}

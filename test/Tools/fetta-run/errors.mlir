// Refused input gets a located message, exit code 1 and no output.
// RUN: rm -rf %t && mkdir %t
// RUN: %python -c "import numpy as n; import sys; t = sys.argv[1]; \
// RUN:   n.save(t + '/a.npy', n.zeros((2, 3), n.float32)); n.save(t + '/b.npy', n.zeros((3, 2), n.float32)); \
// RUN:   n.save(t + '/i.npy', n.zeros(2, n.int64))" %t

// RUN: not fetta-run %s --function missing --inputs %t --outputs %t/out 2>&1 | FileCheck %s --check-prefix=MISSING
// MISSING: errors.mlir:[[@LINE+18]]:{{[0-9]+}}: error: argument 'absent' of type 'tensor<2xf32>': cannot read '{{.*}}absent.npy': No such file
// RUN: not fetta-run %s --function shape --inputs %t --outputs %t/out 2>&1 | FileCheck %s --check-prefix=SHAPE
// SHAPE: error: argument 'b' of type 'tensor<2x3xf32>': {{.*}}b.npy: the array has shape 3x2; expected 2x3
// RUN: not fetta-run %s --function type --inputs %t --outputs %t/out 2>&1 | FileCheck %s --check-prefix=TYPE
// TYPE: error: argument 'i' of type 'tensor<2xi32>': {{.*}}i.npy: the elements are int64; expected int32
// RUN: not fetta-run %s --function type --raw-bf16 --inputs %t --outputs %t/out 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not fetta-run %s --function dynamic --inputs %t --outputs %t/out 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// DYNAMIC: error: argument 'a' is 'tensor<?xf32>'; fetta-run takes and gives tensors of static shape
// RUN: not fetta-run %s --function scalar --inputs %t --outputs %t/out 2>&1 | FileCheck %s --check-prefix=SCALAR
// SCALAR: error: argument 'a' is 'f32'; fetta-run takes
// RUN: not fetta-run %s --function nowhere --inputs %t --outputs %t/out 2>&1 | FileCheck %s --check-prefix=NOWHERE
// NOWHERE: error: there is no function @nowhere with a body
// RUN: not fetta-run %s --inputs %t --outputs %t/out 2>&1 | FileCheck %s --check-prefix=CHOOSE
// CHOOSE: error: the module has 5 public functions; choose one with --function=<name>
// RUN: not fetta-run %t/absent.mlir --inputs %t --outputs %t/out 2>&1 | FileCheck %s --check-prefix=FILE
// FILE: fetta-run: error: {{.*}}absent.mlir
// RUN: not ls %t/out

func.func @missing(%a: tensor<2x3xf32>, %absent: tensor<2xf32>) { return }
func.func @shape(%a: tensor<2x3xf32>, %b: tensor<2x3xf32>) { return }
func.func @type(%i: tensor<2xi32>) { return }
func.func @dynamic(%a: tensor<?xf32>) { return }
func.func @scalar(%a: f32) { return }

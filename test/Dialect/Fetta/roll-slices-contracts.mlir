// RUN: sed -f %S/Inputs/tiny.sed -f %S/Inputs/slices.sed -e s/20x/28x/g %s > %t.mlir
// RUN: fetta-opt %t.mlir --fetta-roll-slices | FileCheck %s --check-prefixes=CHECK,ANY
// RUN: fetta-opt %t.mlir --fetta-roll-slices=contracts=1 | FileCheck %s --check-prefixes=CHECK,ANY
// RUN: fetta-opt %t.mlir --fetta-roll-slices=contracts=2 -o %t.rolled.mlir
// RUN: FileCheck %s --check-prefixes=CHECK,TWO < %t.rolled.mlir
// RUN: fetta-opt %t.mlir --fetta-roll-slices=contracts=4 2>&1 | FileCheck %s --check-prefix=FOUR
// RUN: fetta-opt %t.mlir --fetta-roll-slices=contracts=7 2>&1 | FileCheck %s --check-prefix=SEVEN

// Unrolled, the same.
// RUN: fetta-opt %t.rolled.mlir --fetta-unroll-repeats -o %t.unrolled.mlir
// RUN: fetta-opt %t.mlir | cmp - %t.unrolled.mlir

// Seven slices, the first of which begins a chain of stores: one in an
// iteration, or two. Four in an iteration would be eight in two.
#halves = #fetta.layout<banks [d2:0, d1:0] rows [2, 0, 1]>
MODULE
ROUTES
  // FOUR: remark: no instructions of function 'slices' come again in the same way
  // SEVEN: remark: function 'slices' has no more contractions than one period of 7
  // CHECK-LABEL: func.func @slices
  // CHECK: fetta.store {{.*}} at 0 :
  // ANY: fetta.repeat 6 iter
  // ANY: fetta.load {{.*}} at 16 advance 16
  // TWO: fetta.repeat 3 iter
  // TWO: fetta.load {{.*}} at 16 advance 32
  // TWO: fetta.load {{.*}} at 32 advance 32
  // CHECK: fetta.yield
  // CHECK-NEXT: }
  // CHECK-NEXT: return
  func.func @slices(%x: tensor<28x4xbf16>, %y: tensor<4x2xbf16>) -> tensor<28x2xbf16> {
    %w = fetta.load %y at 0 home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %e = tensor.empty() : tensor<28x2xbf16>
    %x0 = LOAD(0)
    %v0 = VIEW(%x0)
    %c0 = CONTRACT(%v0)
    %y0 = STORE(%c0, %e, 0)
    %x1 = LOAD(16)
    %v1 = VIEW(%x1)
    %c1 = CONTRACT(%v1)
    %y1 = STORE(%c1, %y0, 8)
    %x2 = LOAD(32)
    %v2 = VIEW(%x2)
    %c2 = CONTRACT(%v2)
    %y2 = STORE(%c2, %y1, 16)
    %x3 = LOAD(48)
    %v3 = VIEW(%x3)
    %c3 = CONTRACT(%v3)
    %y3 = STORE(%c3, %y2, 24)
    %x4 = LOAD(64)
    %v4 = VIEW(%x4)
    %c4 = CONTRACT(%v4)
    %y4 = STORE(%c4, %y3, 32)
    %x5 = LOAD(80)
    %v5 = VIEW(%x5)
    %c5 = CONTRACT(%v5)
    %y5 = STORE(%c5, %y4, 40)
    %x6 = LOAD(96)
    %v6 = VIEW(%x6)
    %c6 = CONTRACT(%v6)
    %y6 = STORE(%c6, %y5, 48)
    return %y6 : tensor<28x2xbf16>
  }
}

// RUN: sed -f %S/Inputs/tiny.sed -f %S/Inputs/slices.sed %s > %t.mlir
// RUN: fetta-opt %t.mlir --fetta-roll-slices -o %t.rolled.mlir
// RUN: FileCheck %s < %t.rolled.mlir

// Unrolled, the same.
// RUN: fetta-opt %t.rolled.mlir --fetta-unroll-repeats -o %t.unrolled.mlir
// RUN: fetta-opt %t.mlir | cmp - %t.unrolled.mlir

// Two more slices: larger regions, and the last store further behind.
// RUN: fetta-opt %t.mlir --fetta-roll-slices=batch=28 | FileCheck %s --check-prefix=MORE

#halves = #fetta.layout<banks [d2:0, d1:0] rows [2, 0, 1]>
MODULE
ROUTES
  // Three iterations between the first and the last slice. The view of a tile
  // that was loaded an iteration before is written anew.
  // CHECK-LABEL: func.func @ahead
  // CHECK: %[[X:.*]] = fetta.load %[[ARG:.*]] at 16 home
  // CHECK-NEXT: %[[Y:.*]] = fetta.store
  // CHECK-NEXT: %[[R:.*]]:2 = fetta.repeat 3 iter(%[[AX:.*]] = %[[X]], %[[AY:.*]] = %[[Y]]) : tensor<2x2x4xbf16, #{{.*}}>, tensor<20x2xbf16> {
  // CHECK-NEXT: %[[V:.*]] = fetta.relabel %[[AX]]
  // CHECK-NEXT: %[[C:.*]] = fetta.contract "b k, k n -> b n" %[[V]], %0
  // CHECK: %[[NX:.*]] = fetta.load %[[ARG]] at 32 advance 16 home
  // CHECK-NEXT: %[[NY:.*]] = fetta.store %[[C]] into %[[AY]] at 8 advance 8 :
  // CHECK-NEXT: fetta.yield %[[NX]], %[[NY]]
  // CHECK: %[[LV:.*]] = fetta.relabel %[[R]]#0
  // CHECK-NEXT: %[[LC:.*]] = fetta.contract "b k, k n -> b n" %[[LV]], %0
  // CHECK: fetta.store %[[LC]] into %[[R]]#1 at 32 :

  // MORE-LABEL: func.func @ahead(%{{.*}}: tensor<28x4xbf16>, %{{.*}}: tensor<4x2xbf16>) -> tensor<28x2xbf16>
  // MORE: tensor.empty() : tensor<28x2xbf16>
  // MORE: fetta.load %{{.*}} at 16 home
  // MORE: fetta.repeat 5 iter({{.*}}) : {{.*}}, tensor<28x2xbf16> {
  // MORE: fetta.load %{{.*}} at 32 advance 16 home
  // MORE: fetta.store {{.*}} at 8 advance 8
  // MORE: fetta.store {{.*}} at 48 : {{.*}}, tensor<28x2xbf16>
  func.func @ahead(%x: tensor<20x4xbf16>, %y: tensor<4x2xbf16>) -> tensor<20x2xbf16> {
    %w = fetta.load %y at 0 home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %e = tensor.empty() : tensor<20x2xbf16>
    %x0 = LOAD(0)
    %v0 = VIEW(%x0)
    %c0 = CONTRACT(%v0)
    %x1 = LOAD(16)
    %y0 = STORE(%c0, %e, 0)
    %v1 = VIEW(%x1)
    %c1 = CONTRACT(%v1)
    %x2 = LOAD(32)
    %y1 = STORE(%c1, %y0, 8)
    %v2 = VIEW(%x2)
    %c2 = CONTRACT(%v2)
    %x3 = LOAD(48)
    %y2 = STORE(%c2, %y1, 16)
    %v3 = VIEW(%x3)
    %c3 = CONTRACT(%v3)
    %x4 = LOAD(64)
    %y3 = STORE(%c3, %y2, 24)
    %v4 = VIEW(%x4)
    %c4 = CONTRACT(%v4)
    %y4 = STORE(%c4, %y3, 32)
    return %y4 : tensor<20x2xbf16>
  }
}

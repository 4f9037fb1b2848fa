// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt | FileCheck %s
// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --mlir-print-op-generic | fetta-opt | FileCheck %s
// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --verify-roundtrip -o /dev/null

// CHECK-DAG: #[[LHS:layout[0-9]*]] = #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>
// CHECK-DAG: #[[RHS:layout[0-9]*]] = #fetta.layout<banks [d1:0, 0] rows [1, 0]>
// CHECK-DAG: #[[VIEW:layout[0-9]*]] = #fetta.layout<banks [d2:0, d0:0] rows [2, 1, 0]>
// CHECK-DAG: #[[MACHINE:machine[0-9]*]] = #fetta.machine<accumulate_cycles = 1, {{.*}}, name = "tiny", networks = "benes",
// CHECK: module attributes {fetta.machine = #[[MACHINE]]}
MODULE
  // CHECK: fetta.route @plain distribution map <[l0, l1]>
  fetta.route @plain distribution map <[l0, l1]>
  // CHECK-NEXT: fetta.route @affine reduction map <[l0 xor l1 xor 1, 0]>
  fetta.route @affine reduction map <[l1 xor l0 xor 1, 0]>
  // CHECK-NEXT: fetta.route @words distribution words "0000" masks [2, 1]
  fetta.route @words distribution words "0000" masks [2, 1]
  // CHECK-NEXT: fetta.route @rhs distribution map <[l0, 0]>
  fetta.route @rhs distribution map <[l0, 0]>
  // CHECK-NEXT: fetta.route @res reduction map <[l0, l1]>
  fetta.route @res reduction map <[l0, l1]>

  func.func @f(%x: tensor<16xf32>, %y: tensor<4x2xbf16>) -> tensor<8xbf16> {
    // CHECK: fetta.place %{{.*}} home <slab 0 row 1> : tensor<16xf32> -> tensor<4x4xbf16, #[[LHS]]>
    %0 = fetta.place %x home <slab 0 row 1> : tensor<16xf32> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // CHECK: fetta.contract "b k, k n -> b n" %{{.*}}, %{{.*}} b_stationary
    // CHECK-NEXT: lanes <ce [b:0] row [k:0] column [n:0]>
    // CHECK-NEXT: loops <[b x 2 by 2] scope [k x 2 by 2]>
    // CHECK-NEXT: accumulator <base 1 strides [1, 0]> routes [@plain, @rhs, @res] home <slab 2 row 0> phase bp origin "a.mlir:1:2"
    // CHECK-NEXT: : (tensor<4x4xbf16, #[[LHS]]>, tensor<4x2xbf16, #[[RHS]]>) -> tensor<4x2xbf16, #{{.*}}>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]>
        loops <[b x 2 by 2] scope [k x 2 by 2]>
        accumulator <base 1 strides [1, 0]> routes [@plain, @rhs, @res]
        home <slab 2 row 0> phase bp origin "a.mlir:1:2"
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    // CHECK: fetta.relabel %{{.*}} : tensor<4x4xbf16, #[[LHS]]> -> tensor<4x2x2xbf16, #[[VIEW]]>
    %3 = fetta.relabel %0 : tensor<4x4xbf16, #lhs>
        -> tensor<4x2x2xbf16, #fetta.layout<banks [d2:0, d0:0] rows [2, 1, 0]>>
    // A lane bit that carries nothing, a serial lane bit, all loops in the scope.
    // CHECK: lanes <ce [-] row [k:0] column [n:0]>
    // CHECK-NEXT: loops <scope [k x 2 by 2, b x 4 by 1]>
    // CHECK-NEXT: accumulator <base 0 strides [1, 0]> serial <lhs [l0] result [l0]>
    %4 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [-] row [k:0] column [n:0]>
        loops <scope [k x 2 by 2, b x 4 by 1]>
        accumulator <base 0 strides [1, 0]> serial <lhs [l0] result [l0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    // CHECK: fetta.collect %{{.*}} : tensor<4x2xbf16, #{{.*}}> -> tensor<8xbf16>
    %5 = fetta.collect %2 : tensor<4x2xbf16, #res> -> tensor<8xbf16>
    return %5 : tensor<8xbf16>
  }

  // CHECK: func.func @memory
  func.func @memory(%x: tensor<64xf32>, %y: tensor<4x2xbf16>) -> tensor<16xf32> {
    // CHECK: fetta.load %arg0 at 16 sync <signals [s31 x 7, s0 x 1]> home <slab 0 row 1> : tensor<64xf32> -> tensor<4x4xbf16, #[[LHS]]>
    %0 = fetta.load %x at 16 sync <signals [s31 x 7, s0 x 1]> home <slab 0 row 1> : tensor<64xf32> -> tensor<4x4xbf16, #lhs>
    // CHECK: fetta.load %arg0 at 3 strides [16, 2] blocks [3, 1] : tensor<64xf32> -> tensor<4x4xbf16, #[[LHS]]>
    %1 = fetta.load %x at 3 strides [16, 2] blocks [3, 1] : tensor<64xf32> -> tensor<4x4xbf16, #lhs>
    %2 = fetta.load %y at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %3 = fetta.contract "b k, k n -> b n" %0, %2 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    // CHECK: fetta.contract "b k, k n -> b n" %{{.*}}, %{{.*}} init(%[[P:.*]]) b_stationary
    // CHECK: accumulator <base 0 strides [1, 0]> sync <waits [s31 x 7] signals [s2 x 1]> phase wg
    // CHECK-NEXT: : (tensor<4x4xbf16, #[[LHS]]>, tensor<4x2xbf16, #[[RHS]]>, tensor<4x2xf32, #{{.*}}>) -> tensor<4x2xf32, #{{.*}}>
    %4 = fetta.contract "b k, k n -> b n" %1, %2 init(%3) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> sync <waits [s31 x 7] signals [s2 x 1]> phase wg
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    // Sums that end in bf16 lie in a home of their own, and stay.
    // CHECK: fetta.contract "b k, k n -> b n" %{{.*}}, %{{.*}} init(%{{.*}}) b_stationary
    // CHECK: home <slab 3 row 5>
    // CHECK-NEXT: : (tensor<4x4xbf16, #[[LHS]]>, tensor<4x2xbf16, #[[RHS]]>, tensor<4x2xf32, #{{.*}}>) -> tensor<4x2xbf16, #{{.*}}>
    %6 = fetta.contract "b k, k n -> b n" %1, %2 init(%4) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> home <slab 3 row 5>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xbf16, #res>
    // CHECK: fetta.sync store <waits [s0 x 1]>
    fetta.sync store <waits [s0 x 1]>
    // CHECK: %[[Y0:.*]] = tensor.empty() : tensor<16xf32>
    // CHECK: %[[Y1:.*]] = fetta.store %{{.*}} into %[[Y0]] at 8 sync <waits [s2 x 1]> : tensor<4x2xf32, #{{.*}}>, tensor<16xf32>
    // CHECK: fetta.store %{{.*}} into %[[Y1]] at 0 strides [1, 4] blocks [8] : tensor<4x2xf32, #{{.*}}>, tensor<16xf32>
    %y0 = tensor.empty() : tensor<16xf32>
    %y1 = fetta.store %4 into %y0 at 8 sync <waits [s2 x 1]> : tensor<4x2xf32, #res>, tensor<16xf32>
    %y2 = fetta.store %4 into %y1 at 0 strides [1, 4] blocks [8] : tensor<4x2xf32, #res>, tensor<16xf32>
    // A second chain begins with the same tensor.empty; what was spilled comes back.
    %z1 = fetta.store %4 into %y0 at 0 : tensor<4x2xf32, #res>, tensor<16xf32>
    // CHECK: fetta.load %{{.*}} at 2 strides [2, 1] : tensor<16xf32> -> tensor<4x2xf32, #{{.*}}>
    %5 = fetta.load %z1 at 2 strides [2, 1] : tensor<16xf32> -> tensor<4x2xf32, #res>
    // CHECK: fetta.sync contract <waits [s3 x 2] signals [s4 x 1]>
    fetta.sync contract <waits [s3 x 2] signals [s4 x 1]>
    return %y2 : tensor<16xf32>
  }
}

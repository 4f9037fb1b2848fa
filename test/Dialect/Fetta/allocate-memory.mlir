// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --split-input-file --fetta-allocate-memory --verify-diagnostics | FileCheck %s
// RUN: sed -f %S/Inputs/tiny.sed %s | not fetta-opt --split-input-file --fetta-allocate-memory=reuse=0 2>&1 | FileCheck %s --check-prefix=REUSE-OFF

// The three tensors of a contraction lie in three slabs. A home that is set
// stays, and first fit goes around it.
// CHECK-LABEL: func.func @slabs
MODULE
  func.func @slabs(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>, %z: tensor<4x4xbf16>) {
    // CHECK: fetta.place %arg0 home <slab [[A:[0-9]]] row 0>
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // CHECK: fetta.place %arg1 home <slab 3 row 4>
    %1 = fetta.place %y home <slab 3 row 4> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // CHECK: fetta.place %arg2 home <slab [[Z:[0-2]]] row 0>
    %2 = fetta.place %z : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // CHECK: home <slab [[C:[0-2]]] row
    %3 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    // CHECK: home <slab [[D:[0-2]]] row
    %4 = fetta.contract "b k, k n -> b n" %2, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// Functions of a module that are alike have the same places. One with a home
// that is set, or with a larger tensor beside it, is not alike.
MODULE
  // CHECK-LABEL: func.func @first
  func.func @first(%a: tensor<4x4xbf16>, %b: tensor<4x4xbf16>) {
    // CHECK: fetta.place %arg0 home <slab 0 row 0>
    %0 = fetta.place %a : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // CHECK: fetta.place %arg1 home <slab 1 row 0>
    %1 = fetta.place %b : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
  // CHECK-LABEL: func.func @alike
  func.func @alike(%a: tensor<4x4xbf16>, %b: tensor<4x4xbf16>) {
    // CHECK: fetta.place %arg0 home <slab 0 row 0>
    %0 = fetta.place %a : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // CHECK: fetta.place %arg1 home <slab 1 row 0>
    %1 = fetta.place %b : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
  // CHECK-LABEL: func.func @set
  func.func @set(%a: tensor<4x4xbf16>, %b: tensor<4x4xbf16>) {
    // CHECK: fetta.place %arg0 home <slab 1 row 0>
    %0 = fetta.place %a home <slab 1 row 0> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // CHECK: fetta.place %arg1 home <slab 0 row 0>
    %1 = fetta.place %b : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
  // CHECK-LABEL: func.func @larger
  func.func @larger(%a: tensor<4x4xbf16>, %b: tensor<8x4xbf16>) {
    // CHECK: fetta.place %arg0 home <slab 1 row 0>
    %0 = fetta.place %a : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // CHECK: fetta.place %arg1 home <slab 0 row 0>
    %1 = fetta.place %b : tensor<8x4xbf16> -> tensor<8x4xbf16, #lhs>
    return
  }
}

// -----

MODULE
  func.func @one(%x: tensor<36x4xbf16>) {
    // expected-error @+1 {{exceeds tensor memory: 'tensor<36x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>' takes 36 rows, a slab has 8: 28 too many}}
    %0 = fetta.place %x : tensor<36x4xbf16> -> tensor<36x4xbf16, #lhs>
    return
  }
}

// -----

// Five tensors of 8 rows in four slabs of 8.
MODULE
  // expected-error @+1 {{function 'all' exceeds tensor memory: 5 tensors that are alive together take 40 rows, the machine has 4 slabs of 8: 8 too many; take more slices of the batch, fewer tokens, or a machine with more slabs or rows_per_slab}}
  func.func @all(%a: tensor<8x4xbf16>, %b: tensor<8x4xbf16>, %c: tensor<8x4xbf16>,
                 %d: tensor<8x4xbf16>, %e: tensor<8x4xbf16>) {
    // expected-note @+1 {{the largest takes 8 rows}}
    %0 = fetta.place %a : tensor<8x4xbf16> -> tensor<8x4xbf16, #lhs>
    %1 = fetta.place %b : tensor<8x4xbf16> -> tensor<8x4xbf16, #lhs>
    %2 = fetta.place %c : tensor<8x4xbf16> -> tensor<8x4xbf16, #lhs>
    %3 = fetta.place %d : tensor<8x4xbf16> -> tensor<8x4xbf16, #lhs>
    %4 = fetta.place %e : tensor<8x4xbf16> -> tensor<8x4xbf16, #lhs>
    return
  }
}

// -----

// 30 of 32 rows, but no slab has 6 left for the last.
MODULE
  func.func @gaps(%a: tensor<6x4xbf16>, %b: tensor<6x4xbf16>, %c: tensor<6x4xbf16>,
                  %d: tensor<6x4xbf16>, %e: tensor<6x4xbf16>) {
    %0 = fetta.place %a : tensor<6x4xbf16> -> tensor<6x4xbf16, #lhs>
    %1 = fetta.place %b : tensor<6x4xbf16> -> tensor<6x4xbf16, #lhs>
    %2 = fetta.place %c : tensor<6x4xbf16> -> tensor<6x4xbf16, #lhs>
    %3 = fetta.place %d : tensor<6x4xbf16> -> tensor<6x4xbf16, #lhs>
    // expected-error @+1 {{takes 6 rows in one slab, but at most 2 are left in any: 4 too many}}
    %4 = fetta.place %e : tensor<6x4xbf16> -> tensor<6x4xbf16, #lhs>
    return
  }
}

// -----

// Rows of dead values are used again: 6 slices take 4 and 2 rows each, and their
// partial sums, which share one home, 4, of 32. In 3 slices nothing is reused.
// CHECK-LABEL: func.func @reuse
// CHECK-COUNT-6: fetta.load %arg0 at {{[0-9]+}} home <slab
// REUSE-OFF: function 'reuse' exceeds tensor memory: 13 tensors that are alive together take 40 rows, the machine has 4 slabs of 8: 8 too many
MODULE
  func.func @reuse(%x: tensor<24x4xbf16>, %y: tensor<24x2xbf16>) {
    %x0 = fetta.load %x at 0 : tensor<24x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y0 = fetta.load %y at 0 : tensor<24x2xbf16> -> tensor<4x2xbf16, #res>
    %d0 = fetta.contract "b n, b k -> k n" %y0, %x0 b_stationary
        lanes <ce [n:0] row [b:0] column [k:0]> loops <scope [b x 2 by 2, k x 2 by 2]>
        accumulator <base 0 strides [1, 0]> phase wg
        : (tensor<4x2xbf16, #res>, tensor<4x4xbf16, #lhs>) -> tensor<4x2xf32, #res>
    %x1 = fetta.load %x at 16 : tensor<24x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y1 = fetta.load %y at 8 : tensor<24x2xbf16> -> tensor<4x2xbf16, #res>
    %d1 = fetta.contract "b n, b k -> k n" %y1, %x1 init(%d0) b_stationary
        lanes <ce [n:0] row [b:0] column [k:0]> loops <scope [b x 2 by 2, k x 2 by 2]>
        accumulator <base 0 strides [1, 0]> phase wg
        : (tensor<4x2xbf16, #res>, tensor<4x4xbf16, #lhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    %x2 = fetta.load %x at 32 : tensor<24x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y2 = fetta.load %y at 16 : tensor<24x2xbf16> -> tensor<4x2xbf16, #res>
    %d2 = fetta.contract "b n, b k -> k n" %y2, %x2 init(%d1) b_stationary
        lanes <ce [n:0] row [b:0] column [k:0]> loops <scope [b x 2 by 2, k x 2 by 2]>
        accumulator <base 0 strides [1, 0]> phase wg
        : (tensor<4x2xbf16, #res>, tensor<4x4xbf16, #lhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    %x3 = fetta.load %x at 48 : tensor<24x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y3 = fetta.load %y at 24 : tensor<24x2xbf16> -> tensor<4x2xbf16, #res>
    %d3 = fetta.contract "b n, b k -> k n" %y3, %x3 init(%d2) b_stationary
        lanes <ce [n:0] row [b:0] column [k:0]> loops <scope [b x 2 by 2, k x 2 by 2]>
        accumulator <base 0 strides [1, 0]> phase wg
        : (tensor<4x2xbf16, #res>, tensor<4x4xbf16, #lhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    %x4 = fetta.load %x at 64 : tensor<24x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y4 = fetta.load %y at 32 : tensor<24x2xbf16> -> tensor<4x2xbf16, #res>
    %d4 = fetta.contract "b n, b k -> k n" %y4, %x4 init(%d3) b_stationary
        lanes <ce [n:0] row [b:0] column [k:0]> loops <scope [b x 2 by 2, k x 2 by 2]>
        accumulator <base 0 strides [1, 0]> phase wg
        : (tensor<4x2xbf16, #res>, tensor<4x4xbf16, #lhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    %x5 = fetta.load %x at 80 : tensor<24x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y5 = fetta.load %y at 40 : tensor<24x2xbf16> -> tensor<4x2xbf16, #res>
    %d5 = fetta.contract "b n, b k -> k n" %y5, %x5 init(%d4) b_stationary
        lanes <ce [n:0] row [b:0] column [k:0]> loops <scope [b x 2 by 2, k x 2 by 2]>
        accumulator <base 0 strides [1, 0]> phase wg
        : (tensor<4x2xbf16, #res>, tensor<4x4xbf16, #lhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    return
  }
}

// -----

// Rows that DMA moves rest before another queue takes them: the second load
// would wait for the first contraction in the rows of what that has read,
// although others are free.
// CHECK-LABEL: func.func @rest
MODULE
  func.func @rest(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>, %z: tensor<4x4xbf16>,
                  %p: tensor<8x4xbf16>, %q: tensor<4x4xbf16>) -> (tensor<4x2xbf16>, tensor<4x2xbf16>) {
    // Only slab 2 is left for x and z.
    %p_0 = fetta.place %p home <slab 0 row 0> : tensor<8x4xbf16> -> tensor<8x4xbf16, #lhs>
    %q_0 = fetta.place %q home <slab 1 row 4> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // CHECK: fetta.load %arg0 {{.*}}home <slab 2 row 4>
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.load %y at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    // CHECK: fetta.load %arg2 {{.*}}home <slab 2 row 0>
    %3 = fetta.load %z at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %4 = fetta.contract "b k, k n -> b n" %3, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %5 = tensor.empty() : tensor<4x2xbf16>
    %6 = fetta.store %2 into %5 at 0 : tensor<4x2xbf16, #res>, tensor<4x2xbf16>
    %7 = tensor.empty() : tensor<4x2xbf16>
    %8 = fetta.store %4 into %7 at 0 : tensor<4x2xbf16, #res>, tensor<4x2xbf16>
    return %6, %8 : tensor<4x2xbf16>, tensor<4x2xbf16>
  }
}

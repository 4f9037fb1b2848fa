// RUN: sed -f %S/../../Dialect/Fetta/Inputs/tiny.sed %s | fetta-opt --split-input-file --fetta-assign-semaphores --verify-diagnostics | FileCheck %s

// Semaphores: 0 to 2 from contract, 3 to 5 from load, 6 to 8 from store; each to
// the others in the order contract, load, store, vector.

// One token for both loads, because a queue keeps its order; one to the store;
// one from the store of y to the load of d_y, because a loss stands between.
// CHECK-LABEL: func.func @step
MODULE
  func.func @step(%x: tensor<4x4xbf16>, %w: tensor<4x2xbf16>, %dy: tensor<4x2xbf16> {tnn.name = "d_y"})
      -> (tensor<4x2xbf16> {tnn.name = "y"}, tensor<4x2xbf16>) {
    // CHECK: fetta.load %arg0 at 0 home
    %x_0 = fetta.load %x at 0 home <slab 0 row 0> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // CHECK: fetta.load %arg1 at 0 sync <signals [s3 x 1]> home
    %w_0 = fetta.load %w at 0 home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // CHECK: sync <waits [s3 x 1] signals [s1 x 1]> home <slab 2 row 0>
    %1 = fetta.contract "b k, k n -> b n" %x_0, %w_0 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> home <slab 2 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %y_0 = tensor.empty() : tensor<4x2xbf16>
    // CHECK: fetta.store {{.*}} sync <waits [s1 x 1] signals [s7 x 1]>
    %y_1 = fetta.store %1 into %y_0 at 0 : tensor<4x2xbf16, #res>, tensor<4x2xbf16>
    // CHECK: fetta.load %arg2 at 0 sync <waits [s7 x 1] signals [s3 x 1]>
    %dy_0 = fetta.load %dy at 0 home <slab 3 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #res>
    // CHECK: sync <waits [s3 x 1] signals [s1 x 1]> home <slab 2 row 4>
    %2 = fetta.contract "b n, b k -> k n" %dy_0, %x_0 b_stationary
        lanes <ce [n:0] row [b:0] column [k:0]> loops <scope [b x 2 by 2, k x 2 by 2]>
        accumulator <base 0 strides [1, 0]> home <slab 2 row 4>
        : (tensor<4x2xbf16, #res>, tensor<4x4xbf16, #lhs>) -> tensor<4x2xbf16, #res>
    %d_0 = tensor.empty() : tensor<4x2xbf16>
    // CHECK: fetta.store {{.*}} sync <waits [s1 x 1]>
    %d_1 = fetta.store %2 into %d_0 at 0 : tensor<4x2xbf16, #res>, tensor<4x2xbf16>
    return %y_1, %d_1 : tensor<4x2xbf16>, tensor<4x2xbf16>
  }
}

// -----

// Rows that are used again: the second slice is loaded over the first and waits
// for the contraction that reads it; its result goes over the one that the
// first store moves.
// CHECK-LABEL: func.func @reuse
MODULE
  func.func @reuse(%x: tensor<8x4xbf16>, %w: tensor<4x2xbf16>) -> tensor<8x2xbf16> {
    // CHECK: fetta.load %arg1 at 0 home
    %w_0 = fetta.load %w at 0 home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // CHECK: fetta.load %arg0 at 0 sync <signals [s3 x 1]> home
    %x_0 = fetta.load %x at 0 home <slab 0 row 0> : tensor<8x4xbf16> -> tensor<4x4xbf16, #lhs>
    // CHECK: sync <waits [s3 x 1] signals [s1 x 1, s0 x 1]> home
    %1 = fetta.contract "b k, k n -> b n" %x_0, %w_0 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> home <slab 2 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %y_0 = tensor.empty() : tensor<8x2xbf16>
    // CHECK: fetta.store {{.*}} sync <waits [s1 x 1] signals [s6 x 1]>
    %y_1 = fetta.store %1 into %y_0 at 0 : tensor<4x2xbf16, #res>, tensor<8x2xbf16>
    // CHECK: fetta.load %arg0 at 16 sync <waits [s0 x 1] signals [s3 x 1]> home
    %x_1 = fetta.load %x at 16 home <slab 0 row 0> : tensor<8x4xbf16> -> tensor<4x4xbf16, #lhs>
    // CHECK: sync <waits [s3 x 1, s6 x 1] signals [s1 x 1]> home
    %2 = fetta.contract "b k, k n -> b n" %x_1, %w_0 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> home <slab 2 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    // CHECK: fetta.store {{.*}} sync <waits [s1 x 1]>
    %y_2 = fetta.store %2 into %y_1 at 8 : tensor<4x2xbf16, #res>, tensor<8x2xbf16>
    return %y_2 : tensor<8x2xbf16>
  }
}

// -----

MODULE
  func.func @no_home(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{has an operand or result without a home in tensor memory; run fetta-allocate-memory}}
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

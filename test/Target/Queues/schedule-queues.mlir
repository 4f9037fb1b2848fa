// RUN: sed -f %S/../../Dialect/Fetta/Inputs/tiny.sed %s | fetta-opt --split-input-file --fetta-schedule-queues | FileCheck %s
// RUN: not fetta-opt --fetta-schedule-queues="ahead=0" %S/../../Pipelines/compile.mlir 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: option of fetta-schedule-queues: ahead is at least 1, got 0, and fill at most 100, got 80

// %2 depends on %1 and waits for it; %3 depends on nothing and goes between.
// CHECK-LABEL: func.func @independent_between
MODULE
  func.func @independent_between(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) -> (tensor<4x2xbf16>, tensor<4x2xbf16>) {
    %x_0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y_0 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // CHECK: %[[A:[0-9]+]] = fetta.contract "b k, k n -> b n"
    %1 = fetta.contract "b k, k n -> b n" %x_0, %y_0 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    // CHECK: fetta.contract "b k, k other -> b other"
    // CHECK: fetta.contract "b n, b k -> k n" %[[A]],
    %2 = fetta.contract "b n, b k -> k n" %1, %x_0 b_stationary
        lanes <ce [n:0] row [b:0] column [k:0]> loops <scope [b x 2 by 2, k x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x2xbf16, #res>, tensor<4x4xbf16, #lhs>) -> tensor<4x2xbf16, #res>
    %3 = fetta.contract "b k, k other -> b other" %x_0, %y_0 b_stationary
        lanes <ce [b:0] row [k:0] column [other:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %4 = fetta.collect %2 : tensor<4x2xbf16, #res> -> tensor<4x2xbf16>
    %5 = fetta.collect %3 : tensor<4x2xbf16, #res> -> tensor<4x2xbf16>
    return %4, %5 : tensor<4x2xbf16>, tensor<4x2xbf16>
  }
}

// -----

// A loss stands between y and d_y: what reads d_y stays behind what makes y,
// although the data alone would allow it to go first.
// CHECK-LABEL: func.func @loss
MODULE
  func.func @loss(%x: tensor<4x4xbf16>, %w: tensor<4x2xbf16>, %dy: tensor<4x2xbf16> {tnn.name = "d_y"})
      -> (tensor<4x2xbf16> {tnn.name = "y"}, tensor<4x2xbf16>) {
    %x_0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %dy_0 = fetta.load %dy at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #res>
    %w_0 = fetta.load %w at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // CHECK: fetta.contract "b k, k n -> b n"
    // CHECK: fetta.store
    // CHECK: %[[DY:[0-9]+]] = fetta.load %arg2
    // CHECK: fetta.contract "b n, b k -> k n" %[[DY]]
    %2 = fetta.contract "b n, b k -> k n" %dy_0, %x_0 b_stationary
        lanes <ce [n:0] row [b:0] column [k:0]> loops <scope [b x 2 by 2, k x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x2xbf16, #res>, tensor<4x4xbf16, #lhs>) -> tensor<4x2xbf16, #res>
    %1 = fetta.contract "b k, k n -> b n" %x_0, %w_0 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %y_0 = tensor.empty() : tensor<4x2xbf16>
    %y_1 = fetta.store %1 into %y_0 at 0 : tensor<4x2xbf16, #res>, tensor<4x2xbf16>
    %d_0 = tensor.empty() : tensor<4x2xbf16>
    %d_1 = fetta.store %2 into %d_0 at 0 : tensor<4x2xbf16, #res>, tensor<4x2xbf16>
    return %y_1, %d_1 : tensor<4x2xbf16>, tensor<4x2xbf16>
  }
}

// -----

// Parts of one array are loaded ahead, in the order of need; stores follow.
// CHECK-LABEL: func.func @ahead
MODULE
  func.func @ahead(%x: tensor<12x4xbf16>, %w: tensor<4x2xbf16>) -> tensor<12x2xbf16> {
    // CHECK: fetta.load %arg1
    // CHECK: fetta.load %arg0 at 0
    // CHECK: fetta.load %arg0 at 16
    // CHECK: fetta.load %arg0 at 32
    // CHECK: fetta.contract
    // CHECK: fetta.store {{.*}} at 0
    // CHECK: fetta.store {{.*}} at 8
    // CHECK: fetta.store {{.*}} at 16
    %w_0 = fetta.load %w at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %x_0 = fetta.load %x at 0 : tensor<12x4xbf16> -> tensor<4x4xbf16, #lhs>
    %x_1 = fetta.load %x at 16 : tensor<12x4xbf16> -> tensor<4x4xbf16, #lhs>
    %x_2 = fetta.load %x at 32 : tensor<12x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.contract "b k, k n -> b n" %x_0, %w_0 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %2 = fetta.contract "b k, k n -> b n" %x_1, %w_0 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %3 = fetta.contract "b k, k n -> b n" %x_2, %w_0 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %y_0 = tensor.empty() : tensor<12x2xbf16>
    %y_1 = fetta.store %1 into %y_0 at 0 : tensor<4x2xbf16, #res>, tensor<12x2xbf16>
    %y_2 = fetta.store %2 into %y_1 at 8 : tensor<4x2xbf16, #res>, tensor<12x2xbf16>
    %y_3 = fetta.store %3 into %y_2 at 16 : tensor<4x2xbf16, #res>, tensor<12x2xbf16>
    return %y_3 : tensor<12x2xbf16>
  }
}

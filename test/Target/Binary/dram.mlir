// Loads, stores, tokens and sums that go on: to a binary and back, and values
// bit for bit. Queues run ahead of each other only as far as tokens allow.
// RUN: rm -rf %t && mkdir %t
// RUN: sed -f %source/test/Dialect/Fetta/Inputs/tiny.sed %s | fetta-opt --fetta-route-networks -o %t/P.mlir
// RUN: fetta-translate --fetta-to-binary %t/P.mlir -o %t/P.fbin
// RUN: fetta-sim verify %t/P.fbin
// RUN: fetta-translate --binary-to-fetta %t/P.fbin -o %t/back.mlir
// RUN: FileCheck %s < %t/back.mlir
// RUN: fetta-translate --fetta-to-binary %t/back.mlir | cmp - %t/P.fbin
// RUN: mkdir %t/inputs
// RUN: %python -c "import numpy as np; r = np.random.default_rng(5); [np.save(r'%t/inputs/' + n, r.standard_normal(s).astype(np.float32)) for n, s in (('x', (8, 4)), ('y', (4, 2)))]"
// RUN: fetta-sim run %t/P.fbin --inputs %t/inputs --outputs %t/outputs --report %t/report
// RUN: %python %source/test/python/scalar_reference.py %t/P.mlir --inputs %t/inputs --actual %t/outputs --bound | FileCheck %s --check-prefix=SAME
// RUN: %python %source/test/python/scalar_reference.py %t/back.mlir --inputs %t/inputs --actual %t/outputs | FileCheck %s --check-prefix=SAME
// SAME: 2 contractions, 2 results agree bit for bit

// CHECK: func.func @main(%[[X:.*]]: tensor<8x4xbf16> {tnn.name = "x", tnn.role = "input"}, %[[Y:.*]]: tensor<4x2xbf16> {tnn.name = "y", tnn.role = "param"}) -> (tensor<10xf32> {tnn.name = "s"}, tensor<4x4xbf16> {tnn.name = "copy"})
// CHECK: %[[L1:.*]] = fetta.load %[[Y]] at 0 home <slab 1 row 0> :
// CHECK: %[[L0:.*]] = fetta.load %[[X]] at 0 sync <signals [s0 x 1]> home <slab 0 row 0> :
// CHECK: %[[L2:.*]] = fetta.load %[[X]] at 16 strides [1, 4] blocks [2, 3] sync <signals [s0 x 1]> home <slab 0 row 4> :
// CHECK: %[[C:.*]] = fetta.contract "b k, k n -> b n" %[[L0]], %[[L1]] b_stationary
// CHECK: sync <waits [s0 x 1]> home <slab 2 row 0>
// CHECK: fetta.contract "b k, k n -> b n" %[[L2]], %[[L1]] init(%[[C]])
// CHECK: sync <waits [s0 x 1] signals [s1 x 1]>
// CHECK: %[[E:.*]] = tensor.empty() : tensor<10xf32>
// CHECK: fetta.store %{{.*}} into %[[E]] at 2 blocks [3, 2] sync <waits [s1 x 1]> : tensor<4x2xf32
MODULE
  func.func @f(%x: tensor<8x4xf32> {tnn.name = "x"}, %y: tensor<4x2xbf16> {tnn.name = "y", tnn.role = "param"})
      -> (tensor<10xf32> {tnn.name = "s"}, tensor<4x4xbf16> {tnn.name = "copy"}) {
    %1 = fetta.load %y at 0 home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %0 = fetta.load %x at 0 sync <signals [s0 x 1]> home <slab 0 row 0> : tensor<8x4xf32> -> tensor<4x4xbf16, #lhs>
    %2 = fetta.load %x at 16 strides [1, 4] blocks [2, 3] sync <signals [s0 x 1]> home <slab 0 row 4> : tensor<8x4xf32> -> tensor<4x4xbf16, #lhs>
    %3 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> sync <waits [s0 x 1]> home <slab 2 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    %4 = fetta.contract "b k, k n -> b n" %2, %1 init(%3) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> sync <waits [s0 x 1] signals [s1 x 1]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    %s0 = tensor.empty() : tensor<10xf32>
    %s1 = fetta.store %4 into %s0 at 2 blocks [3, 2] sync <waits [s1 x 1]> : tensor<4x2xf32, #res>, tensor<10xf32>
    %v0 = tensor.empty() : tensor<4x4xbf16>
    %v1 = fetta.store %2 into %v0 at 0 : tensor<4x4xbf16, #lhs>, tensor<4x4xbf16>
    // A result is complete: its first two elements come from a spill of others.
    %t0 = tensor.empty() : tensor<8xf32>
    %t1 = fetta.store %4 into %t0 at 0 sync <signals [s2 x 1]> : tensor<4x2xf32, #res>, tensor<8xf32>
    fetta.sync load <waits [s2 x 1]>
    %5 = fetta.load %t1 at 3 sync <signals [s3 x 1]> home <slab 3 row 0> : tensor<8xf32> -> tensor<2xf32, #fetta.layout<banks [d0:0, 0] rows [1]>>
    %s2 = fetta.store %5 into %s1 at 0 sync <waits [s3 x 1]> : tensor<2xf32, #fetta.layout<banks [d0:0, 0] rows [1]>>, tensor<10xf32>
    return %s2, %v1 : tensor<10xf32>, tensor<4x4xbf16>
  }
}

// A repeat in text, and written out.
// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt | FileCheck %s
// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --mlir-print-op-generic | fetta-opt | FileCheck %s
// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --verify-roundtrip --canonicalize --cse | FileCheck %s
// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --fetta-unroll-repeats | FileCheck %s --check-prefix=FLAT

// Passes for flat programs say what helps.
// RUN: sed -f %S/Inputs/tiny.sed %s | not fetta-opt --fetta-allocate-memory 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: sed -f %S/Inputs/tiny.sed %s | not fetta-opt --fetta-schedule-queues 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: sed -f %S/Inputs/tiny.sed %s | not fetta-opt --fetta-assign-semaphores 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: sed -f %S/Inputs/tiny.sed %s | not fetta-opt --fetta-block-transfers 2>&1 | FileCheck %s --check-prefix=REFUSED
// REFUSED: error: 'fetta.repeat' op should be written out first: this pass works on flat programs; run fetta-unroll-repeats before it
// RUN: sed -f %S/Inputs/tiny.sed %s | sed 's/fetta.repeat 1000/fetta.repeat 131073/' | not fetta-opt --fetta-unroll-repeats 2>&1 | FileCheck %s --check-prefix=MANY
// MANY: error: 'fetta.repeat' op takes 262146 operations with all repeats before it when it is written out; a program has at most 262144

MODULE
  // Sums and a region go from iteration to iteration, and the tile of the next
  // slice comes while this one is worked on.
  // CHECK-LABEL: func.func @carried
  // FLAT-LABEL: func.func @carried(%arg0: tensor<64xbf16>, %arg1: tensor<4x2xbf16>)
  func.func @carried(%x: tensor<64xbf16>, %w: tensor<4x2xbf16>) -> (tensor<16xf32>, tensor<32xbf16>) {
    // FLAT: %[[W:.*]] = fetta.load %arg1
    %0 = fetta.load %w at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // CHECK: %[[X0:.*]] = fetta.load %arg0 at 0 home <slab 1 row 0>
    // FLAT: %[[X0:.*]] = fetta.load %arg0 at 0
    %x0 = fetta.load %x at 0 home <slab 1 row 0> : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    // CHECK: %[[SUMS:.*]] = fetta.contract
    // FLAT: %[[S0:.*]] = fetta.contract "b k, k n -> b n" %[[X0]], %[[W]] b_stationary
    %s0 = fetta.contract "b k, k n -> b n" %x0, %0 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> home <slab 2 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    // FLAT: %[[X1:.*]] = fetta.load %arg0 at 16
    %x1 = fetta.load %x at 16 home <slab 3 row 0> : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    // CHECK: %[[Y:.*]] = tensor.empty() : tensor<32xbf16>
    // FLAT: %[[Y0:.*]] = tensor.empty
    %y0 = tensor.empty() : tensor<32xbf16>
    // CHECK: %[[R:.*]]:3 = fetta.repeat 2 iter(%[[A:.*]] = %[[SUMS]], %[[B:.*]] = %[[Y]], %[[C:.*]] = %{{.*}}) : tensor<4x2xf32, #{{.*}}>, tensor<32xbf16>, tensor<4x4xbf16, #{{.*}}> {
    // CHECK: fetta.contract "b k, k n -> b n" %[[C]], %{{.*}} init(%[[A]]) b_stationary
    // CHECK: fetta.load %arg0 at 32 advance 16 home <slab 3 row 0> : tensor<64xbf16>
    // CHECK: fetta.store %{{.*}} into %[[B]] at 0 advance 16 strides [1, 4] sync <signals [s1 x 1]>
    // CHECK: fetta.yield %{{.*}}, %{{.*}}, %{{.*}} : tensor<4x2xf32, #{{.*}}>, tensor<32xbf16>, tensor<4x4xbf16, #{{.*}}>
    // FLAT-NOT: fetta.repeat
    // FLAT: %[[S1:.*]] = fetta.contract "b k, k n -> b n" %[[X1]], %[[W]] init(%[[S0]])
    // FLAT: %[[X2:.*]] = fetta.load %arg0 at 32 home <slab 3 row 0>
    // FLAT: %[[Y1:.*]] = fetta.store %[[X2]] into %[[Y0]] at 0 strides [1, 4] sync <signals [s1 x 1]>
    // FLAT: fetta.sync load <waits [s1 x 1]>
    // FLAT: %[[S2:.*]] = fetta.contract "b k, k n -> b n" %[[X2]], %[[W]] init(%[[S1]])
    // FLAT: %[[X3:.*]] = fetta.load %arg0 at 48 home <slab 3 row 0>
    // FLAT: %[[Y2:.*]] = fetta.store %[[X3]] into %[[Y1]] at 16 strides [1, 4] sync <signals [s1 x 1]>
    // FLAT: fetta.sync load <waits [s1 x 1]>
    // FLAT-NOT: fetta.yield
    %r:3 = fetta.repeat 2 iter(%s = %s0, %y = %y0, %a = %x1)
        : tensor<4x2xf32, #res>, tensor<32xbf16>, tensor<4x4xbf16, #lhs> {
      %1 = fetta.contract "b k, k n -> b n" %a, %0 init(%s) b_stationary
          lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
          accumulator <base 0 strides [1, 0]>
          : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
      %2 = fetta.load %x at 32 advance 16 home <slab 3 row 0> : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      %3 = fetta.store %2 into %y at 0 advance 16 strides [1, 4] sync <signals [s1 x 1]>
          : tensor<4x4xbf16, #lhs>, tensor<32xbf16>
      fetta.sync load <waits [s1 x 1]>
      fetta.yield %1, %3, %2 : tensor<4x2xf32, #res>, tensor<32xbf16>, tensor<4x4xbf16, #lhs>
    }
    // CHECK: fetta.contract "b k, k n -> b n" %[[R]]#2, %{{.*}} init(%[[R]]#0)
    // FLAT: %[[S3:.*]] = fetta.contract "b k, k n -> b n" %[[X3]], %[[W]] init(%[[S2]])
    %s3 = fetta.contract "b k, k n -> b n" %r#2, %0 init(%r#0) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    %z = fetta.collect %s3 : tensor<4x2xf32, #res> -> tensor<8xf32>
    %z0 = tensor.empty() : tensor<16xf32>
    %z1 = fetta.store %s3 into %z0 at 0 : tensor<4x2xf32, #res>, tensor<16xf32>
    // CHECK: return %{{.*}}, %[[R]]#1
    // FLAT: return %{{.*}}, %[[Y2]]
    return %z1, %r#1 : tensor<16xf32>, tensor<32xbf16>
  }

  // Nothing carried, and attributes.
  // CHECK-LABEL: func.func @nothing
  // FLAT-LABEL: func.func @nothing
  func.func @nothing() {
    // CHECK: fetta.repeat 1000 attributes {note = "x"} {
    // CHECK-NEXT: fetta.sync contract <signals [s0 x 1]>
    // CHECK-NEXT: fetta.sync store <waits [s0 x 1]>
    // CHECK-NEXT: fetta.yield{{$}}
    // FLAT-COUNT-1000: fetta.sync store
    // FLAT-NOT: fetta.sync
    fetta.repeat 1000 attributes {note = "x"} {
      fetta.sync contract <signals [s0 x 1]>
      fetta.sync store <waits [s0 x 1]>
      fetta.yield
    }
    return
  }
}

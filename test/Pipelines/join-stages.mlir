// Three programs, one behind the other: with a repeat and without, with
// semaphores that mean other queues in each, and regions seen in other shapes.
// RUN: rm -rf %t && mkdir -p %t/v
// RUN: sed -f %source/test/Dialect/Fetta/Inputs/tiny.sed -f %source/test/Dialect/Fetta/Inputs/slices.sed -f %S/Inputs/join-stages.sed %s > %t/stages.mlir
// RUN: fetta-opt %t/stages.mlir --test-fetta-join-stages --fetta-verify-program -o %t/joined.mlir
// RUN: FileCheck %s < %t/joined.mlir

// Tokens from one queue to another have the same semaphore in all stages,
// whatever its number in each.
// CHECK: func.func @main(%[[X:.*]]: tensor<20x4xbf16> {tnn.name = "x"}, %[[W:.*]]: tensor<4x2xbf16> {tnn.name = "w"}) -> (tensor<16xbf16> {tnn.name = "z"}, tensor<40xbf16> {tnn.name = "h"}) {
// CHECK: %[[W1:.*]] = fetta.load %[[W]] at 0 home
// CHECK: fetta.sync contract <signals [s0 x 1]>
// CHECK: %[[E:.*]] = tensor.empty() : tensor<40xbf16>
// CHECK: %[[H:.*]] = fetta.repeat 5 iter(%[[A:.*]] = %[[E]]) : tensor<40xbf16> {
// CHECK: fetta.load %[[X]] at 0 advance 16 sync <waits [s0 x 1] signals [s3 x 1]>
// CHECK: sync <waits [s3 x 1, s6 x 1] signals [s0 x 1, s1 x 1]> home <slab 2 row 0> origin "here"
// CHECK: fetta.store %{{.*}} into %[[A]] at 0 advance 8 sync <waits [s1 x 1] signals [s6 x 1]> : {{.*}}, tensor<40xbf16>
// CHECK: fetta.sync contract <waits [s6 x 1]>
// CHECK: fetta.contract {{.*}} %{{.*}}, %[[W1]] b_stationary
// CHECK: fetta.sync contract <signals [s1 x 1]>
// CHECK-NEXT: fetta.sync store <waits [s1 x 1] signals [s7 x 1]>
// CHECK-NEXT: fetta.load %[[W]] at 0 sync <waits [s7 x 1]>
// CHECK: fetta.load %[[H]] at 0 sync <signals [s3 x 1]>
// CHECK: sync <waits [s3 x 1] signals [s1 x 1]> home
// CHECK: fetta.store {{.*}} sync <waits [s1 x 1]>
// CHECK: fetta.load %[[H]] at 24
// CHECK: %[[Y:.*]] = fetta.store {{.*}} at 8 sync <waits [s1 x 1] signals [s7 x 1]>
// CHECK-NEXT: fetta.sync load <waits [s7 x 1]>
// CHECK-NEXT: fetta.sync contract <signals [s0 x 1]>
// CHECK: %[[Z:.*]] = fetta.repeat 2
// CHECK: fetta.load %[[Y]] at 0 advance 2
// CHECK: return %[[Z]], %[[H]] : tensor<16xbf16>, tensor<40xbf16>
// CHECK-NOT: func.func

// Without the order between two stages, the loader refuses the program: the
// first, the second, and what no store waits for.
// RUN: sed -e 's/store <waits \[s1 x 1\] signals \[s7 x 1\]>$/store <waits [s1 x 1]>/' -e 's/load \(.*\) sync <waits \[s7 x 1\]>/load \1/' %t/joined.mlir > %t/first.mlir
// RUN: not fetta-opt %t/first.mlir --fetta-verify-program -o /dev/null 2>&1 | FileCheck %s --check-prefix=FIRST
// FIRST: (dma-load, load queue) and instruction {{.*}} (contract, contract queue), which reads {{.*}} are in no order
// RUN: sed -e '/load <waits \[s7 x 1\]>$/d' -e 's/ signals \[s7 x 1\]> :/> :/' %t/joined.mlir > %t/second.mlir
// RUN: not fetta-opt %t/second.mlir --fetta-verify-program -o /dev/null 2>&1 | FileCheck %s --check-prefix=SECOND
// SECOND: (dma-load, load queue) and instruction {{.*}} (dma-store, store queue), which writes elements {{.*}} of region 'spill0', are in no order
// RUN: sed -e '/contract <signals \[s1 x 1\]>$/d' -e 's/store <waits \[s1 x 1\] signals/store <signals/' %t/joined.mlir > %t/array.mlir
// RUN: not fetta-opt %t/array.mlir --fetta-verify-program -o /dev/null 2>&1 | FileCheck %s --check-prefix=ARRAY
// ARRAY: (dma-load, load queue) and instruction {{.*}} (contract, contract queue), which reads {{.*}} are in no order

// Values are those of the stages run one after the other, which hand over files,
// and of NumPy. Small integers: exact.
// RUN: %python -c "import numpy as np; [np.save(r'%t/v/' + n, (np.arange(np.prod(s)) * 7 %% 11 %% 3 - 1).astype(np.float32).reshape(s)) for n, s in (('x', (20, 4)), ('w', (4, 2)))]"
// RUN: cp -r %t/v %t/in && cp -r %t/v %t/two && cp -r %t/v %t/three
// RUN: fetta-translate --fetta-to-binary %t/joined.mlir -o %t/joined.fbin
// RUN: fetta-sim verify %t/joined.fbin | FileCheck %s --check-prefix=VERIFY
// VERIFY: right: {{.*}}, 10 contractions,
// RUN: fetta-sim run %t/joined.fbin --inputs %t/in --outputs %t/out --report %t/report --quiet
// RUN: fetta-sim run %t/joined.fbin --level=2 --inputs %t/in --outputs %t/level2 --report %t/report2 --quiet
// RUN: %python %S/Inputs/reshape.py %t/v/w.npy 8
// RUN: fetta-translate --fetta-to-binary --function one %t/stages.mlir -o %t/one.fbin
// RUN: fetta-sim run %t/one.fbin --inputs %t/v --outputs %t/two --report %t/r1 --quiet
// RUN: %python %S/Inputs/reshape.py %t/two/h.npy 5 8
// RUN: fetta-translate --fetta-to-binary --function two %t/stages.mlir -o %t/two.fbin
// RUN: fetta-sim run %t/two.fbin --inputs %t/two --outputs %t/three --report %t/r2 --quiet
// RUN: %python %S/Inputs/reshape.py %t/three/y.npy 4 4
// RUN: fetta-translate --fetta-to-binary --function three %t/stages.mlir -o %t/three.fbin
// RUN: fetta-sim run %t/three.fbin --inputs %t/three --outputs %t/three --report %t/r3 --quiet
// RUN: %python %S/Inputs/reshape.py %t/two/h.npy 40
// RUN: %python %S/Inputs/reshape.py %t/three/z.npy 16
// RUN: cmp %t/out/h.npy %t/two/h.npy
// RUN: cmp %t/out/z.npy %t/three/z.npy
// RUN: diff -r %t/out %t/level2
// RUN: %python -c "import numpy as np; l = lambda f: np.load(r'%t/' + f + '.npy'); w = l('in/w'); h = l('in/x') @ w; y = h.ravel()[[*range(16), *range(24, 40)]].reshape(8, 4) @ w; r = y.ravel()[np.add.outer(np.arange(0, 10, 2), np.arange(4))]; z = np.concatenate([r[:4], r[1:]]) @ w; assert z.any() and np.array_equal(l('out/h'), h.ravel()) and np.array_equal(l('out/z'), z.ravel()), (z, l('out/z'))"

MODULE
ROUTES
  func.func @main(%x: tensor<20x4xbf16> {tnn.name = "x"}, %w: tensor<4x2xbf16> {tnn.name = "w"})
      -> (tensor<16xbf16> {tnn.name = "z"}, tensor<40xbf16> {tnn.name = "h"})
      attributes {test.results = [[2, 0], [0, 0]]} {
    %z = tensor.empty() : tensor<16xbf16>
    %h = tensor.empty() : tensor<40xbf16>
    return %z, %h : tensor<16xbf16>, tensor<40xbf16>
  }

  // What stands before a repeat gives the tokens with which it begins, what
  // stands behind it takes them. No store waits for the last contraction.
  func.func @one(%w: tensor<8xbf16> {tnn.name = "w"}, %x: tensor<20x4xbf16> {tnn.name = "x"})
      -> (tensor<20x2xbf16> {tnn.name = "h"})
      attributes {test.arguments = [[-1, 1], [-1, 0]]} {
    %0 = WEIGHT(%w) : tensor<8xbf16> -> RHS
    fetta.sync contract <signals [s1 x 1]>
    fetta.sync store <signals [s3 x 1]>
    %e = tensor.empty() : tensor<20x2xbf16>
    %r = fetta.repeat 5 iter(%y = %e) : tensor<20x2xbf16> {
      %1 = fetta.load %x at 0 advance 16 sync <waits [s1 x 1] signals [s0 x 1]> home <slab 0 row 0> : tensor<20x4xbf16> -> LHS
      %2 = TIMES(%1, %0) sync <waits [s0 x 1, s3 x 1] signals [s1 x 1, s2 x 1]> home <slab 2 row 0> TYPES
      %3 = fetta.store %2 into %y at 0 advance 8 sync <waits [s2 x 1] signals [s3 x 1]> : RES, tensor<20x2xbf16>
      fetta.yield %3 : tensor<20x2xbf16>
    }
    fetta.sync load <waits [s1 x 1]>
    fetta.sync contract <waits [s3 x 1]>
    %4 = fetta.load %x at 0 sync <signals [s0 x 1]> home <slab 3 row 0> : tensor<20x4xbf16> -> LHS
    %5 = TIMES(%4, %0) sync <waits [s0 x 1]> home <slab 1 row 4> TYPES
    return %r : tensor<20x2xbf16>
  }

  func.func @two(%h: tensor<5x8xbf16> {tnn.name = "h"}, %w: tensor<4x2xbf16> {tnn.name = "w"})
      -> (tensor<8x2xbf16> {tnn.name = "y"})
      attributes {test.arguments = [[0, 0], [-1, 1]]} {
    %0 = WEIGHT(%w) : tensor<4x2xbf16> -> RHS
    %1 = fetta.load %h at 0 sync <signals [s5 x 1]> home <slab 0 row 0> : tensor<5x8xbf16> -> LHS
    %2 = TIMES(%1, %0) sync <waits [s5 x 1] signals [s0 x 1]> home <slab 2 row 0> TYPES
    %e = tensor.empty() : tensor<8x2xbf16>
    %3 = fetta.store %2 into %e at 0 sync <waits [s0 x 1]> : RES, tensor<8x2xbf16>
    %4 = fetta.load %h at 24 sync <signals [s5 x 1]> home <slab 3 row 0> : tensor<5x8xbf16> -> LHS
    %5 = TIMES(%4, %0) sync <waits [s5 x 1] signals [s0 x 1]> home <slab 2 row 4> TYPES
    %6 = fetta.store %5 into %3 at 8 sync <waits [s0 x 1]> : RES, tensor<8x2xbf16>
    return %6 : tensor<8x2xbf16>
  }

  func.func @three(%w: tensor<4x2xbf16> {tnn.name = "w"}, %y: tensor<4x4xbf16> {tnn.name = "y"})
      -> (tensor<2x8xbf16> {tnn.name = "z"})
      attributes {test.arguments = [[-1, 1], [1, 0]]} {
    fetta.sync contract <signals [s3 x 1]>
    fetta.sync store <signals [s2 x 1]>
    %e = tensor.empty() : tensor<2x8xbf16>
    %r = fetta.repeat 2 iter(%z = %e) : tensor<2x8xbf16> {
      %0 = WEIGHT(%w) sync <waits [s3 x 1]> : tensor<4x2xbf16> -> RHS
      %1 = fetta.load %y at 0 advance 2 strides [2, 1] sync <signals [s0 x 1]> home <slab 0 row 0> : tensor<4x4xbf16> -> LHS
      %2 = TIMES(%1, %0) sync <waits [s0 x 1, s2 x 1] signals [s1 x 1, s3 x 1]> home <slab 2 row 0> TYPES
      %3 = fetta.store %2 into %z at 0 advance 8 sync <waits [s1 x 1] signals [s2 x 1]> : RES, tensor<2x8xbf16>
      fetta.yield %3 : tensor<2x8xbf16>
    }
    fetta.sync load <waits [s3 x 1]>
    fetta.sync contract <waits [s2 x 1]>
    return %r : tensor<2x8xbf16>
  }
}

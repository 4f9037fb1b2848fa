// A repeat to a binary: values and cycles are those of the program in which it
// is written out, values those of a native run. Integers, so that sums are exact.
// RUN: rm -rf %t && mkdir -p %t/inputs
// RUN: sed -f %source/test/Dialect/Fetta/Inputs/tiny.sed %s | fetta-opt --fetta-route-networks --fetta-verify-program -o %t/rolled.mlir
// RUN: fetta-opt %t/rolled.mlir --fetta-unroll-repeats --fetta-verify-program -o %t/flat.mlir
// RUN: fetta-translate --fetta-to-binary %t/rolled.mlir -o %t/rolled.fbin
// RUN: fetta-translate --fetta-to-binary %t/flat.mlir -o %t/flat.fbin
// RUN: fetta-sim dump %t/rolled.fbin | FileCheck %s --check-prefix=DUMP
// RUN: %python -c "import numpy as np; [np.save(r'%t/inputs/' + n, np.arange(np.prod(s), dtype=np.float32).reshape(s) % m) for n, s, m in (('x', (20, 4), 7), ('w', (4, 2), 3))]"
// RUN: fetta-sim run %t/rolled.fbin --inputs %t/inputs --outputs %t/rolled --report %t/rolled.report --quiet
// RUN: fetta-sim run %t/flat.fbin --inputs %t/inputs --outputs %t/flat --report %t/flat.report --quiet
// RUN: cmp %t/rolled.report/summary.json %t/flat.report/summary.json
// RUN: fetta-sim run %t/rolled.fbin --level=2 --inputs %t/inputs --outputs %t/level2 --report %t/level2.report --quiet
// RUN: fetta-opt %t/rolled.mlir --convert-fetta-to-linalg -o %t/plain.mlir
// RUN: fetta-run %t/plain.mlir --function f --inputs %t/inputs --outputs %t/native
// RUN: %python %source/test/python/scalar_reference.py %t/flat.mlir --inputs %t/inputs --actual %t/rolled | FileCheck %s --check-prefix=SAME
// SAME: 9 contractions, 3 results agree bit for bit
// RUN: %python -c "import numpy as np; [np.testing.assert_array_equal(np.load(r'%t/rolled/' + n), np.load(r'%t/' + d + '/' + n)) for n in ('y.npy', 'z.npy', 's.npy') for d in ('flat', 'level2', 'native')]"
// RUN: fetta-opt %t/rolled.mlir --fetta-print-mapping=file=- -o /dev/null | FileCheck %s --check-prefix=MAPPING
// RUN: fetta-opt %t/rolled.mlir --fetta-print-memory=file=- -o /dev/null | FileCheck %s --check-prefix=MEMORY

// The tile that is loaded in the body lies in the tensor of the one before it.
// DUMP: dma-load {{.*}} tensor=[[X:[0-9]+]] offset=16 advance=0
// DUMP: repeat length=4 count=3
// DUMP: dma-store {{.*}} offset=0 advance=8
// DUMP: dma-load {{.*}} tensor=[[X]] offset=32 advance=16
// MAPPING: "b k, k n -> b n", 3 times
// The weight, three tiles, the sums, two bf16 results; a body counts once.
// MEMORY: function 'f': 7 tensors, 13 instructions
MODULE
  func.func @f(%x: tensor<20x4xbf16> {tnn.name = "x"}, %w: tensor<4x2xbf16> {tnn.name = "w"})
      -> (tensor<16x2xbf16> {tnn.name = "y"}, tensor<4x2xf32> {tnn.name = "z"}, tensor<8xf32> {tnn.name = "s"}) {
    %0 = fetta.load %w at 0 home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %x0 = fetta.load %x at 0 sync <signals [s0 x 1]> home <slab 0 row 0>
        : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
    %s0 = fetta.contract "b k, k n -> b n" %x0, %0 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> sync <waits [s0 x 1] signals [s1 x 1]> home <slab 2 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    %x1 = fetta.load %x at 16 sync <waits [s1 x 1] signals [s0 x 1]> home <slab 0 row 0>
        : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y0 = tensor.empty() : tensor<16x2xbf16>
    fetta.sync store <signals [s3 x 1]>
    %r:3 = fetta.repeat 3 iter(%y = %y0, %s = %s0, %a = %x1)
        : tensor<16x2xbf16>, tensor<4x2xf32, #res>, tensor<4x4xbf16, #lhs> {
      %1 = fetta.contract "b k, k n -> b n" %a, %0 init(%s) b_stationary
          lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
          accumulator <base 0 strides [1, 0]> sync <waits [s0 x 1]>
          : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
      %2 = fetta.contract "b k, k n -> b n" %a, %0 b_stationary
          lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
          accumulator <base 0 strides [1, 0]> sync <waits [s3 x 1] signals [s1 x 1, s2 x 1]> home <slab 3 row 0>
          : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
      %3 = fetta.store %2 into %y at 0 advance 8 sync <waits [s2 x 1] signals [s3 x 1]>
          : tensor<4x2xbf16, #res>, tensor<16x2xbf16>
      %4 = fetta.load %x at 32 advance 16 sync <waits [s1 x 1] signals [s0 x 1]> home <slab 0 row 0>
          : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield %3, %1, %4 : tensor<16x2xbf16>, tensor<4x2xf32, #res>, tensor<4x4xbf16, #lhs>
    }
    %5 = fetta.contract "b k, k n -> b n" %r#2, %0 init(%r#1) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> sync <waits [s0 x 1]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    %6 = fetta.contract "b k, k n -> b n" %r#2, %0 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> sync <waits [s3 x 1] signals [s2 x 1]> home <slab 3 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %y2 = fetta.store %6 into %r#0 at 24 sync <waits [s2 x 1]> : tensor<4x2xbf16, #res>, tensor<16x2xbf16>
    %z0 = tensor.empty() : tensor<4x2xf32>
    %z1 = fetta.store %5 into %z0 at 0 : tensor<4x2xf32, #res>, tensor<4x2xf32>
    %s = fetta.collect %5 : tensor<4x2xf32, #res> -> tensor<8xf32>
    return %y2, %z1, %s : tensor<16x2xbf16>, tensor<4x2xf32>, tensor<8xf32>
  }
}

// Tiles by strides as slices of plain tensors: natively the values that the
// scalar reference reads from the strides. Integers, so that sums are exact.
// RUN: rm -rf %t && mkdir -p %t/inputs
// RUN: sed -f %source/test/Dialect/Fetta/Inputs/tiny.sed %s | fetta-opt -o %t/mapped.mlir
// RUN: fetta-opt %t/mapped.mlir --convert-fetta-to-linalg -o %t/plain.mlir
// RUN: FileCheck %s < %t/plain.mlir
// RUN: %python -c "import numpy as np; [np.save(r'%t/inputs/' + n, np.arange(np.prod(s), dtype=np.float32).reshape(s) % 61) for n, s in (('x', (6, 40)), ('y', (4, 2)))]"
// RUN: fetta-run %t/plain.mlir --function f --inputs %t/inputs --outputs %t/outputs
// RUN: %python %source/test/python/scalar_reference.py %t/mapped.mlir --inputs %t/inputs --actual %t/outputs | FileCheck %s --check-prefix=SAME
// SAME: 2 contractions, 3 results agree bit for bit

// A dense tile is one slice of the flat region; a tile of every eighth element
// and a transposed one are rectangles of another shape.
// CHECK-NOT: fetta.
// CHECK: tensor.extract_slice %{{.*}}[20] [16] [1] : tensor<240xbf16> to tensor<16xbf16>
// CHECK: tensor.extract_slice %{{.*}}[1, 0, 3] [4, 4, 1] [1, 1, 1] : tensor<6x5x8xbf16>
// CHECK: linalg.transpose
// CHECK: linalg.contract {{.*}} outs(%[[ZERO:.*]] :
// CHECK: linalg.contract
// CHECK: tensor.insert_slice
MODULE
  func.func @f(%x: tensor<6x40xf32> {tnn.name = "x"}, %y: tensor<4x2xbf16> {tnn.name = "y"})
      -> (tensor<20xf32>, tensor<2x5xf32>, tensor<30xbf16>) {
    %a = fetta.load %x at 20 : tensor<6x40xf32> -> tensor<4x4xbf16, #lhs>
    %b = fetta.load %x at 43 strides [8, 40] : tensor<6x40xf32> -> tensor<4x4xbf16, #lhs>
    %c = fetta.load %y at 0 strides [1, 4] : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %0 = fetta.contract "b k, k n -> b n" %a, %c b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    %1 = fetta.contract "b k, k n -> b n" %b, %c init(%0) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    // Elements that are never written are NaN in the reference: all are.
    %s0 = tensor.empty() : tensor<20xf32>
    %s1 = fetta.store %1 into %s0 at 0 strides [4, 2] : tensor<4x2xf32, #res>, tensor<20xf32>
    %s2 = fetta.store %1 into %s1 at 1 strides [4, 2] : tensor<4x2xf32, #res>, tensor<20xf32>
    %s3 = fetta.load %s2 at 4 strides [2, 1] : tensor<20xf32> -> tensor<4x2xf32, #res>
    %s4 = fetta.store %s3 into %s2 at 12 : tensor<4x2xf32, #res>, tensor<20xf32>
    %t0 = tensor.empty() : tensor<2x5xf32>
    %t1 = fetta.store %1 into %t0 at 0 strides [1, 5] : tensor<4x2xf32, #res>, tensor<2x5xf32>
    %3 = fetta.load %s4 at 18 : tensor<20xf32> -> tensor<2xf32, #fetta.layout<banks [d0:0, 0] rows [1]>>
    %t2 = fetta.store %3 into %t1 at 4 strides [5] : tensor<2xf32, #fetta.layout<banks [d0:0, 0] rows [1]>>, tensor<2x5xf32>
    %u0 = tensor.empty() : tensor<30xbf16>
    %u1 = fetta.store %b into %u0 at 14 strides [1, 4] : tensor<4x4xbf16, #lhs>, tensor<30xbf16>
    %d = fetta.load %x at 226 : tensor<6x40xf32> -> tensor<14xbf16, #fetta.layout<banks [d0:0, d0:1] rows [1]>>
    %u2 = fetta.store %d into %u1 at 0 : tensor<14xbf16, #fetta.layout<banks [d0:0, d0:1] rows [1]>>, tensor<30xbf16>
    return %s4, %t2, %u2 : tensor<20xf32>, tensor<2x5xf32>, tensor<30xbf16>
  }
}

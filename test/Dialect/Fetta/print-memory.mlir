// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --fetta-print-memory -o /dev/null 2>&1 | FileCheck %s --strict-whitespace --match-full-lines
// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt "--fetta-print-memory=file=%t" -o /dev/null && FileCheck %s --strict-whitespace --match-full-lines --input-file=%t

// x from the start to the contraction, y until the contraction that is the
// second instruction, the result to the end.
//       CHECK:function 'picture': 3 tensors, 2 instructions
//  CHECK-NEXT:slab 0: at most 4 of 8 rows alive (50 %)
//  CHECK-NEXT:     3 |##|
//  CHECK-NEXT:     2 |##|
//  CHECK-NEXT:     1 |##|
//  CHECK-NEXT:     0 |##|
//  CHECK-NEXT:slab 1: at most 4 of 8 rows alive (50 %)
//  CHECK-NEXT:     3 |##|
//  CHECK-NEXT:     2 |##|
//  CHECK-NEXT:     1 |##|
//  CHECK-NEXT:     0 |##|
//  CHECK-NEXT:slab 2: at most 2 of 8 rows alive (25 %)
//  CHECK-NEXT:     3 | #|
//  CHECK-NEXT:     2 | #|
//  CHECK-NEXT:     1 |  |
//  CHECK-NEXT:     0 |  |
MODULE
  func.func @picture(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) -> tensor<4x2xbf16> {
    %0 = fetta.place %x home <slab 0 row 0> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.load %y at 0 home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> home <slab 2 row 2>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %3 = fetta.collect %2 : tensor<4x2xbf16, #res> -> tensor<4x2xbf16>
    return %3 : tensor<4x2xbf16>
  }
}

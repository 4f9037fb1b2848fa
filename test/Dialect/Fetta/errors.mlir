// Each rule of each op and attribute, broken once.
// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --split-input-file --verify-diagnostics=only-expected

// the operation that the others break
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// einsum of one operand
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op einsum "b k -> b" should have two operands and a result, as in "b i, i r -> b r"}}
    %2 = fetta.contract "b k -> b" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// malformed mode
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op einsum "b 2, 2 n -> b n": '2' is not the name of a mode}}
    %2 = fetta.contract "b 2, 2 n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// a mode twice
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op einsum "b b, b n -> b n": mode 'b' appears twice in one operand}}
    %2 = fetta.contract "b b, b n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// a result mode without operand
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op einsum "b k, k n -> b m": mode 'm' of the result is in no operand}}
    %2 = fetta.contract "b k, k n -> b m" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// rank
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op lhs has 3 modes in "b k j, k n -> b n" but rank 2}}
    %2 = fetta.contract "b k j, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// sizes
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op mode 'k' has size 2 in rhs but size 4 before}}
    %2 = fetta.contract "b k, n k -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// unknown mode in lanes
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op mode 'z' is not in einsum "b k, k n -> b n"}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [z:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// unknown mode in loops
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op mode 'z' is not in einsum "b k, k n -> b n"}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, z x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// number of accumulator strides
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op accumulator has 1 strides, the result has 2 dimensions}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N1: length of the lane table
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N1: the lane table has 2 CE bits, the machine 1 (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0, -] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N1: count of a loop
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N1: loop 0 has count 0 and weight 2; both are positive, products below 2^63 (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 0 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N2: bit 0 is not on a lane
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N2: mode 0 has 1 lane bits, which must be its bits 0 to 0, each once; bit 0 is missing (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:1] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N2: a bit twice
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N2: mode 1 has 2 lane bits, which must be its bits 0 to 1, each once; bit 1 is not the only one (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [k:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N3: rows carry reduced modes
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N3: a row bit carries mode 0, which is a m mode; in this dataflow rows carry k modes (b: in all operands, m: A and C, n: B and C, k: A and B) (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [k:0] row [b:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N3: columns of an output-stationary tile
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N3: a column bit carries mode 1, which is a k mode; in this dataflow columns carry n modes (b: in all operands, m: A and C, n: B and C, k: A and B) (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 output_stationary
        lanes <ce [k:0] row [b:0] column [k:1]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N4: a loop moves lane bits
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N4: loop 0 has weight 1, which is no multiple of 2: 1 bits of mode 1 are on lanes (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 1, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N5: part of a mode
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N5: mode 1: loops and lanes visit 2 of 4 indices (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N5: beyond a mode
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N5: mode 1: the last of 3 iterations with weight 2 lies beyond size 4 (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 3 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N10: a missing bit is not serialised
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #fetta.layout<banks [d1:0, 0] rows [2, 1]>>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N10: operand A: lane bits 0x2 carry index bits that are no bank bits and must be serialised (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #fetta.layout<banks [d1:0, 0] rows [2, 1]>>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N10: serial without need of the operand
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N10: operand B: lane bits 0x2 are serialised but carry none of its index bits (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> serial <rhs [l1]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N11: a reduced loop outside the scope
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N11: loop 0 over the reduced mode 1 lies outside the accumulator scope, which starts at level 1 (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <[k x 2 by 2] scope [b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N13: accumulator rows
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N13: a scope needs accumulator rows beyond the 4 of a half: base 3 and 1 modes with more than one chunk in a scope; move the scope inwards (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 3 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N13: a negative stride
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N13: mode 0 has accumulator stride -1; strides are not negative and 0 for reduced modes (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [-1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N14: a shared accumulator word
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N14: mode 0: accumulator stride 0 is below 1, so two results of a scope would share a word (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [0, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// N15: an f32 operand
MODULE
  func.func @f(%x: tensor<4x4xf32>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xf32> -> tensor<4x4xf32, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op N15: operand A is f32; only the result may be (modes: 0 is b, 1 is k, 2 is n)}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xf32, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// number of routes
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op names the routes of lhs, rhs and result: 3, got 1}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> routes [@a]
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// a route that is not there
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op @a is not the name of a fetta.route}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> routes [@a, @b, @c]
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// home in a slab that is not there
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op home is in slab 4, the machine has 4}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> home <slab 4 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// home beyond the slab
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op takes 2 rows from row 7, a slab has 8}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> home <slab 0 row 7>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// an operand from outside
MODULE
  func.func @f(%x: tensor<4x4xbf16, #lhs>, %y: tensor<4x2xbf16, #rhs>) {
    // expected-error @+1 {{'fetta.contract' op lhs should come from fetta.place, fetta.load, fetta.contract, fetta.relabel or fetta.repeat}}
    %2 = fetta.contract "b k, k n -> b n" %x, %y b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// an operand without layout
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    // expected-error @+1 {{'fetta.contract' op lhs should have a #fetta.layout, got 'tensor<4x4xbf16>'}}
    %2 = fetta.contract "b k, k n -> b n" %x, %y b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16>, tensor<4x2xbf16>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// place: the source has a layout
MODULE
  func.func @f(%x: tensor<4x4xbf16, #lhs>) {
    // expected-error @+1 {{'fetta.place' op source is outside the machine and has no layout, got 'tensor<4x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>'}}
    %0 = fetta.place %x : tensor<4x4xbf16, #lhs> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// place: the result has none
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.place' op result should have a #fetta.layout, got 'tensor<4x4xbf16>'}}
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16>
    return
  }
}

// -----

// place: bank bits of another machine
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.place' op result has a layout over 3 bank bits, the machine has 2}}
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #fetta.layout<banks [d1:0, d0:0, 0] rows [2, 1]>>
    return
  }
}

// -----

// place: number of elements
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.place' op source has 16 elements, result has 8: 'tensor<4x4xbf16>' and 'tensor<4x2xbf16, #fetta.layout<banks [d1:0, 0] rows [1, 0]>>'}}
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x2xbf16, #rhs>
    return
  }
}

// -----

// place: element type
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.place' op element types differ: 'bf16' and 'f32'}}
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xf32, #lhs>
    return
  }
}

// -----

// place: home
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.place' op takes 4 rows from row 5, a slab has 8}}
    %0 = fetta.place %x home <slab 0 row 5> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// place: home of f32 takes twice the rows
MODULE
  func.func @f(%x: tensor<4x4xf32>) {
    // expected-error @+1 {{'fetta.place' op takes 8 rows from row 1, a slab has 8}}
    %0 = fetta.place %x home <slab 1 row 1> : tensor<4x4xf32> -> tensor<4x4xf32, #lhs>
    return
  }
}

// -----

// collect: the source has no layout
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    // expected-error @+1 {{'fetta.collect' op source should have a #fetta.layout, got 'tensor<4x4xbf16>'}}
    %0 = fetta.collect %x : tensor<4x4xbf16> -> tensor<4x4xbf16>
    return
  }
}

// -----

// collect: the result has one
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{'fetta.collect' op result is outside the machine and has no layout, got 'tensor<4x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>'}}
    %1 = fetta.collect %0 : tensor<4x4xbf16, #lhs> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// collect: number of elements
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{'fetta.collect' op source has 16 elements, result has 8: 'tensor<4x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>' and 'tensor<4x2xbf16>'}}
    %1 = fetta.collect %0 : tensor<4x4xbf16, #lhs> -> tensor<4x2xbf16>
    return
  }
}

// -----

// relabel: words would move
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{'fetta.relabel' op shape [16] does not keep the chunks and low bits of 'tensor<4x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>'}}
    %1 = fetta.relabel %0 : tensor<4x4xbf16, #lhs> -> tensor<16xbf16, #fetta.layout<banks [d0:0, d0:1] rows [1]>>
    return
  }
}

// -----

// relabel: another layout
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{'fetta.relabel' op result should have the layout #fetta.layout<banks [d2:0, d0:0] rows [2, 1, 0]>}}
    %1 = fetta.relabel %0 : tensor<4x4xbf16, #lhs> -> tensor<4x2x2xbf16, #fetta.layout<banks [d2:0, d0:0] rows [1, 2, 0]>>
    return
  }
}

// -----

// layout: number of dimensions
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    // expected-error @+1 {{layout has 1 row strides, the tensor has 2 dimensions}}
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [2]>>
    return
  }
}

// -----

// layout: element type
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    // expected-error @+1 {{a tensor in tensor memory holds bf16 or f32, got 'i8'}}
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xi8, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>
    return
  }
}

// -----

// layout: a low bit on no bank
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    // expected-error @+1 {{bank bit 0: bit 1 of dimension 1 is not among its 1 low bits}}
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #fetta.layout<banks [d1:1, 0] rows [2, 1]>>
    return
  }
}

// -----

// layout: chunks in one row
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    // expected-error @+1 {{dimension 1: row stride 1 is too small: its 2 chunks need a stride of at least 2, the rows that the dimensions with smaller strides take}}
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [1, 1]>>
    return
  }
}

// -----

// layout: constant
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    // expected-error @+1 {{a constant bank bit is 0 or 1, got 2}}
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #fetta.layout<banks [d1:0, 2] rows [2, 1]>>
    return
  }
}

// -----

// layout: bank bit
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    // expected-error @+1 {{expected a bank bit: 0, 1 or a bit of a dimension as in d2:0}}
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #fetta.layout<banks [d1:0, q0:0] rows [2, 1]>>
    return
  }
}

// -----

// route: neither map nor words
MODULE
  // expected-error @+1 {{'fetta.route' op has neither a map nor switch words}}
  fetta.route @r distribution
}

// -----

// route: map of another machine
MODULE
  // expected-error @+1 {{'fetta.route' op maps 3 bits, the machine has 2}}
  fetta.route @r distribution map <[l0, l1, l2]>
}

// -----

// route: masks without words
MODULE
  // expected-error @+1 {{'fetta.route' op has masks but no switch words}}
  fetta.route @r distribution map <[l0, l1]> masks [1, 2]
}

// -----

// route: no hexadecimal digits
MODULE
  // expected-error @+1 {{'fetta.route' op switch words should be hexadecimal digits}}
  fetta.route @r distribution words "zzzz" masks [1, 2]
}

// -----

// route: number of digits
MODULE
  // expected-error @+1 {{'fetta.route' op 3 stages of 2 switches take 4 hexadecimal digits, got 2}}
  fetta.route @r distribution words "00" masks [1, 2]
}

// -----

// route: number of masks
MODULE
  // expected-error @+1 {{'fetta.route' op there should be 2 masks, one for each bank bit, got 1}}
  fetta.route @r distribution words "0000" masks [1]
}

// -----

// route: a mask too wide
MODULE
  // expected-error @+1 {{'fetta.route' op mask 4 exceeds 2 stages}}
  fetta.route @r distribution words "0000" masks [1, 4]
}

// -----

// route: words of another map
MODULE
  // expected-error @+1 {{'fetta.route' op switch words do #fetta.map<[l0, l1]>, but the map is #fetta.map<[l1, l0]>}}
  fetta.route @r distribution map <[l1, l0]> words "0000" masks [2, 1]
}

// -----

// route: masks of another map
MODULE
  // expected-error @+1 {{'fetta.route' op the mask of bank bit 0 is wrong: it takes lane 0 to bank 2, not 1}}
  fetta.route @r distribution map <[l0, l1]> words "0000" masks [1, 2]
}

// -----

// route: words of no map
MODULE
  // expected-error @+1 {{'fetta.route' op the words realise no affine map: lane 3 goes with bank 3; the lanes 0, 1, 2, 4, ... would ask for bank 2}}
  fetta.route @r distribution words "0002" masks [2, 1]
}

// -----

// map: a lane bit that is not there
MODULE
  // expected-error @+1 {{custom op 'fetta.route' bank bit 1 reads lane bit 2, but there are 2 lane bits, as many as bank bits}}
  fetta.route @r distribution map <[l0, l2]>
}

// -----

// map: no lane bit
MODULE
  // expected-error @+1 {{custom op 'fetta.route' expected a lane bit as in l3}}
  fetta.route @r distribution map <[l0, x1]>
}

// -----

// map: constant
MODULE
  // expected-error @+1 {{custom op 'fetta.route' a constant is 0 or 1, got 3}}
  fetta.route @r distribution map <[l0, 3]>
}

// -----

// routes that fit
MODULE
  fetta.route @a distribution map <[l0, l1]>
  fetta.route @b distribution map <[l0, 0]>
  fetta.route @c reduction map <[l0, l1]>
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> routes [@a, @b, @c]
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// a route of the other kind
MODULE
  fetta.route @a distribution map <[l0, l1]>
  fetta.route @b distribution map <[l0, 0]>
  fetta.route @c reduction map <[l0, l1]>
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op needs a reduction as route 2}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> routes [@a, @b, @a]
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// a route with another map
MODULE
  fetta.route @a distribution map <[l0, l1]>
  fetta.route @b distribution map <[l0, 0]>
  fetta.route @c reduction map <[l0, l1]>
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{'fetta.contract' op needs #fetta.map<[l0, 0]> as route 1, @a is #fetta.map<[l0, l1]>}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> routes [@a, @a, @c]
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// route: a map of more bits than a word has
MODULE
  // expected-error @+1 {{a map has at most 31 bank bits}}
  fetta.route @r distribution map <[l0, l1, l2, l3, l4, l5, l6, l7, l8, l9, l10, l11, l12, l13, l14, l15, l16, l17, l18, l19, l20, l21, l22, l23, l24, l25, l26, l27, l28, l29, l30, l31]>
}

// -----

// serial: nothing named
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        // expected-error @+1 {{expected serial lane bits of lhs, rhs or result}}
        accumulator <base 0 strides [1, 0]> serial <>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

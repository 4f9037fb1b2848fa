// What a whole program with repeats is refused for: the next iteration counts.
// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --split-input-file --fetta-verify-program --verify-diagnostics=only-expected

// The body overwrites what the next iteration reads.
MODULE
  func.func @overlap(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %w = fetta.load %v at 0 home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-note @+1 {{rows 0 to 3 are taken here}}
    %a = fetta.load %x at 0 home <slab 0 row 0> : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    fetta.repeat 2 {
      %0 = fetta.contract "b k, k n -> b n" %a, %w b_stationary
          lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
          accumulator <base 0 strides [1, 0]> home <slab 2 row 0>
          : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
      // expected-error @+1 {{overlaps another tensor in slab 0: rows 0 to 3}}
      %1 = fetta.load %x at 16 home <slab 0 row 0> : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

// Between the last use of what is carried and what takes its place, the rows
// are free; before that they are not.
MODULE
  func.func @carried(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %w = fetta.load %v at 0 home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-note @+1 {{rows 0 to 3 are taken here}}
    %a = fetta.load %x at 0 home <slab 0 row 0> : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x4xbf16, #lhs> {
      // expected-error @+1 {{overlaps another tensor in slab 0: rows 0 to 3}}
      %1 = fetta.load %x at 16 home <slab 0 row 0> : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      %0 = fetta.contract "b k, k n -> b n" %b, %w b_stationary
          lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
          accumulator <base 0 strides [1, 0]> home <slab 2 row 0>
          : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
      %2 = fetta.load %x at 32 home <slab 0 row 0> : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield %2 : tensor<4x4xbf16, #lhs>
    }
    return
  }
}

// -----

// Forward of the second iteration comes after backward of the first.
MODULE
  fetta.route @l distribution map <[l0, l1]> words "0000" masks [2, 1]
  fetta.route @r distribution map <[l0, 0]> words "a000" masks [2, 1]
  fetta.route @c reduction map <[l0, l1]> words "0000" masks [1, 2]
  func.func @phases(%x: tensor<4x4xbf16>, %v: tensor<4x2xbf16>, %d: tensor<4x2xbf16> {tnn.name = "d_y"})
      -> (tensor<4x2xbf16> {tnn.name = "y"}) {
    %a = fetta.place %x home <slab 0 row 0> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %w = fetta.place %v home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %g = fetta.place %d home <slab 1 row 4> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %y = fetta.contract "b k, k n -> b n" %a, %w b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> routes [@l, @r, @c] home <slab 2 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    fetta.repeat 2 {
      // expected-error @+1 {{of phase fp comes after one that needs the gradient of a result}}
      %0 = fetta.contract "b k, k n -> b n" %a, %w b_stationary
          lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
          accumulator <base 0 strides [1, 0]> routes [@l, @r, @c] home <slab 3 row 0>
          : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
      // expected-note @+1 {{the gradient is needed here}}
      %1 = fetta.contract "b k, k n -> b n" %a, %g b_stationary
          lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
          accumulator <base 0 strides [1, 0]> routes [@l, @r, @c] home <slab 3 row 2> phase bp
          : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
      fetta.yield
    }
    %z = fetta.collect %y : tensor<4x2xbf16, #res> -> tensor<4x2xbf16>
    return %z : tensor<4x2xbf16>
  }
}

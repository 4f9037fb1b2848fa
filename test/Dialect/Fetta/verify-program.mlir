// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --split-input-file --fetta-verify-program --verify-diagnostics=only-expected

// A program that is right, and what each rule refuses.
MODULE
  fetta.route @l distribution map <[l0, l1]> words "0000" masks [2, 1]
  fetta.route @r distribution map <[l0, 0]> words "a000" masks [2, 1]
  fetta.route @c reduction map <[l0, l1]> words "0000" masks [1, 2]
  func.func @right(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) -> tensor<4x2xbf16> {
    %0 = fetta.place %x home <slab 0 row 0> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> routes [@l, @r, @c] home <slab 2 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %3 = fetta.collect %2 : tensor<4x2xbf16, #res> -> tensor<4x2xbf16>
    return %3 : tensor<4x2xbf16>
  }
}

// -----

MODULE
  func.func @no_home(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{has no home in tensor memory; run fetta-allocate-memory}}
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

MODULE
  func.func @overlap(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    // expected-note @+1 {{rows 0 to 3 are taken here}}
    %0 = fetta.place %x home <slab 1 row 0> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{overlaps another tensor in slab 1: rows 3 to 6}}
    %1 = fetta.place %y home <slab 1 row 3> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    return
  }
}

// -----

MODULE
  func.func @no_routes(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x home <slab 0 row 0> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-error @+1 {{has no routes; run fetta-route-networks}}
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> home <slab 2 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

MODULE
  fetta.route @l distribution map <[l0, l1]> words "0000" masks [2, 1]
  // expected-error @+1 {{route 'r' has no switch words; run fetta-route-networks}}
  fetta.route @r distribution map <[l0, 0]>
  fetta.route @c reduction map <[l0, l1]> words "0000" masks [1, 2]
  func.func @no_words(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x home <slab 0 row 0> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> routes [@l, @r, @c] home <slab 2 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// Forward after a contraction that needs the gradient of y.
MODULE
  fetta.route @l distribution map <[l0, l1]> words "0000" masks [2, 1]
  fetta.route @r distribution map <[l0, 0]> words "a000" masks [2, 1]
  fetta.route @c reduction map <[l0, l1]> words "0000" masks [1, 2]
  func.func @order(%dy: tensor<4x4xbf16> {tnn.name = "d_y"}, %x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>)
      -> (tensor<4x2xbf16> {tnn.name = "d_x"}, tensor<4x2xbf16> {tnn.name = "y"}) {
    %0 = fetta.place %dy home <slab 0 row 0> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %x home <slab 0 row 4> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %2 = fetta.place %y home <slab 1 row 0> : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    // expected-note @+1 {{the gradient is needed here}}
    %3 = fetta.contract "b k, k n -> b n" %0, %2 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> routes [@l, @r, @c] home <slab 2 row 0> phase bp
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    // expected-error @+1 {{of phase fp comes after one that needs the gradient of a result}}
    %4 = fetta.contract "b k, k n -> b n" %1, %2 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> routes [@l, @r, @c] home <slab 3 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %5 = fetta.collect %3 : tensor<4x2xbf16, #res> -> tensor<4x2xbf16>
    %6 = fetta.collect %4 : tensor<4x2xbf16, #res> -> tensor<4x2xbf16>
    return %5, %6 : tensor<4x2xbf16>, tensor<4x2xbf16>
  }
}

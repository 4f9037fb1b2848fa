// Each rule of transfers, tokens and partial sums, broken once.
// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --split-input-file --verify-diagnostics=only-expected

// load without a layout
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.load' op result should have a #fetta.layout, got 'tensor<4x4xbf16>'}}
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16>
    return
  }
}

// -----

// load with another element type
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.load' op element types differ: 'bf16' and 'f32'}}
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xf32, #lhs>
    return
  }
}

// -----

// number of strides
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.load' op has 1 strides for a tile of rank 2}}
    %0 = fetta.load %x at 0 strides [4] : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// more blocks than dimensions
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.load' op cannot walk a tile of shape [4, 4] in blocks: 3 blocks for 2 dimensions}}
    %0 = fetta.load %x at 0 blocks [1, 1, 1] : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// a block larger than its dimension
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.load' op cannot walk a tile of shape [4, 4] in blocks: block 0 has 5 indices; dimension 0 has 4}}
    %0 = fetta.load %x at 0 blocks [5, 1] : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// an empty block of the last dimensions
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<16xbf16>
    // expected-error @+1 {{'fetta.store' op cannot walk a tile of shape [4, 4] in blocks: block 0 has 0 indices; from dimension 0 on the tensor has 16}}
    %1 = fetta.store %0 into %y at 0 blocks [0] : tensor<4x4xbf16, #lhs>, tensor<16xbf16>
    return
  }
}

// -----

// no blocks at all
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.load' op has an empty list of blocks}}
    %0 = fetta.load %x at 0 blocks [] : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// load before the region
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.load' op reaches outside of the region: a tile of shape [4, 4] at -1 with strides [4, 1], the region has 16 elements}}
    %0 = fetta.load %x at -1 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// load beyond the region
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.load' op reaches outside of the region: a tile of shape [4, 4] at 1 with strides [4, 1], the region has 16 elements}}
    %0 = fetta.load %x at 1 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// negative stride
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.load' op reaches outside of the region: a tile of shape [4, 4] at 0 with strides [4, -1], the region has 16 elements}}
    %0 = fetta.load %x at 0 strides [4, -1] : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// home of a load
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    // expected-error @+1 {{'fetta.load' op home is in slab 7, the machine has 4}}
    %0 = fetta.load %x at 0 home <slab 7 row 0> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// load from tensor memory
MODULE
  func.func @f(%x: tensor<4x4xbf16, #lhs>) {
    // expected-error @+1 {{'fetta.load' op source is outside the machine and has no layout, got 'tensor<4x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>'}}
    %0 = fetta.load %x at 0 : tensor<4x4xbf16, #lhs> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// load from nowhere
MODULE
  func.func @f() {
    %x = tensor.empty() : tensor<4x4xbf16>
    // expected-error @+1 {{'fetta.load' op source should be an argument of the function or come from fetta.store}}
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// store from outside
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<16xbf16>
    // expected-error @+1 {{'fetta.store' op source should have a #fetta.layout, got 'tensor<4x4xbf16>'}}
    %1 = fetta.store %x into %y at 0 : tensor<4x4xbf16>, tensor<16xbf16>
    return
  }
}

// -----

// store into another element type
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<16xbf16>
    %z = tensor.empty() : tensor<16xf32>
    // expected-error @+1 {{'fetta.store' op element types differ: 'bf16' and 'f32'}}
    %1 = fetta.store %0 into %z at 0 : tensor<4x4xbf16, #lhs>, tensor<16xf32>
    return
  }
}

// -----

// store into tensor memory
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<16xbf16>
    // expected-error @+1 {{'fetta.store' op into is outside the machine and has no layout, got 'tensor<4x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>'}}
    %1 = fetta.store %0 into %0 at 0 : tensor<4x4xbf16, #lhs>, tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// store into an argument
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<16xbf16>
    // expected-error @+1 {{'fetta.store' op into should come from tensor.empty or fetta.store}}
    %1 = fetta.store %0 into %x at 0 : tensor<4x4xbf16, #lhs>, tensor<4x4xbf16>
    return
  }
}

// -----

// store beyond the region
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<16xbf16>
    // expected-error @+1 {{'fetta.store' op reaches outside of the region: a tile of shape [4, 4] at 1 with strides [4, 1], the region has 16 elements}}
    %1 = fetta.store %0 into %y at 1 : tensor<4x4xbf16, #lhs>, tensor<16xbf16>
    return
  }
}

// -----

// two elements in one place
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<16xbf16>
    // expected-error @+1 {{'fetta.store' op may write an element twice: strides [3, 1] of a tile of shape [4, 4]}}
    %1 = fetta.store %0 into %y at 0 strides [3, 1] : tensor<4x4xbf16, #lhs>, tensor<16xbf16>
    return
  }
}

// -----

// number of strides of a store
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<16xbf16>
    // expected-error @+1 {{'fetta.store' op has 3 strides for a tile of rank 2}}
    %1 = fetta.store %0 into %y at 0 strides [4, 4, 1] : tensor<4x4xbf16, #lhs>, tensor<16xbf16>
    return
  }
}

// -----

// a region that is used later
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<16xbf16>
    %1 = fetta.store %0 into %y at 0 : tensor<4x4xbf16, #lhs>, tensor<16xbf16>
    // expected-error @+1 {{'fetta.store' op overwrites its into, which has a later use}}
    %2 = fetta.store %0 into %1 at 0 : tensor<4x4xbf16, #lhs>, tensor<16xbf16>
    // expected-note @+1 {{used here}}
    %3 = fetta.load %1 at 0 : tensor<16xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// sync without tokens
MODULE
  func.func @f() {
    // expected-error @+1 {{'fetta.sync' op neither waits nor signals}}
    fetta.sync load <>
    return
  }
}

// -----

// three waits
MODULE
  func.func @f() {
    // expected-error @+1 {{waits for 3 semaphores, an instruction has room for 2}}
    fetta.sync load <waits [s0 x 1, s1 x 1, s2 x 1]>
    return
  }
}

// -----

// unknown semaphore
MODULE
  func.func @f() {
    // expected-error @+1 {{signals semaphore 32, there are 32}}
    fetta.sync load <signals [s32 x 1]>
    return
  }
}

// -----

// no token
MODULE
  func.func @f() {
    // expected-error @+1 {{waits for 0 tokens of semaphore 3, a count is 1 to 7}}
    fetta.sync load <waits [s3 x 0]>
    return
  }
}

// -----

// too many tokens
MODULE
  func.func @f() {
    // expected-error @+1 {{signals 8 tokens of semaphore 3, a count is 1 to 7}}
    fetta.sync load <signals [s3 x 8]>
    return
  }
}

// -----

// one semaphore twice
MODULE
  func.func @f() {
    // expected-error @+1 {{waits for semaphore 3 twice}}
    fetta.sync load <waits [s3 x 1, s3 x 2]>
    return
  }
}

// -----

// semaphore syntax
MODULE
  func.func @f() {
    // expected-error @+1 {{expected a semaphore as in s3}}
    fetta.sync load <waits [t3 x 1]>
    return
  }
}

// -----

// partial sums of another type
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.load %y at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    %3 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #fetta.layout<banks [d1:0, d0:0] rows [2, 0]>>
    // expected-error @+1 {{'fetta.contract' op init should lie as the result does}}
    %9 = fetta.contract "b k, k n -> b n" %0, %1 init(%3) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #fetta.layout<banks [d1:0, d0:0] rows [2, 0]>>) -> tensor<4x2xf32, #res>
    return
  }
}

// -----

// partial sums in bf16
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.load %y at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    %3 = fetta.load %y at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #res>
    // expected-error @+1 {{'fetta.contract' op init should lie as the result does}}
    %9 = fetta.contract "b k, k n -> b n" %0, %1 init(%3) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xbf16, #res>) -> tensor<4x2xbf16, #res>
    return
  }
}

// -----

// partial sums that the host places
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>, %z: tensor<4x2xf32>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.load %y at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    %3 = fetta.place %z : tensor<4x2xf32> -> tensor<4x2xf32, #res>
    // expected-error @+1 {{'fetta.contract' op goes on from what the host has placed or from a view: init should come from fetta.contract or fetta.load}}
    %9 = fetta.contract "b k, k n -> b n" %0, %1 init(%3) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    return
  }
}

// -----

// partial sums from outside
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>, %z: tensor<4x2xf32, #res>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.load %y at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    // expected-error @+1 {{'fetta.contract' op init should come from fetta.place, fetta.load, fetta.contract, fetta.relabel or fetta.repeat}}
    %9 = fetta.contract "b k, k n -> b n" %0, %1 init(%z) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    return
  }
}

// -----

// partial sums and a home
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.load %y at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    // expected-error @+1 {{'fetta.contract' op has the home of init and none of its own, got #fetta.home<slab 0 row 0>}}
    %9 = fetta.contract "b k, k n -> b n" %0, %1 init(%2) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]> home <slab 0 row 0>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    return
  }
}

// -----

// partial sums that are used later
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.load %y at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    // expected-error @+1 {{'fetta.contract' op overwrites its init, which has a later use}}
    %9 = fetta.contract "b k, k n -> b n" %0, %1 init(%2) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    // expected-note @+1 {{used here}}
    %10 = fetta.collect %2 : tensor<4x2xf32, #res> -> tensor<4x2xf32>
    return
  }
}

// -----

// partial sums with a view that is used later
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.load %y at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    %3 = fetta.relabel %2 : tensor<4x2xf32, #res> -> tensor<2x2x2xf32, #fetta.layout<banks [d2:0, d1:0] rows [1, 0, 0]>>
    // expected-error @+1 {{'fetta.contract' op overwrites its init, which has a later use}}
    %9 = fetta.contract "b k, k n -> b n" %0, %1 init(%2) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    // expected-note @+1 {{used here}}
    %10 = fetta.collect %3 : tensor<2x2x2xf32, #fetta.layout<banks [d2:0, d1:0] rows [1, 0, 0]>> -> tensor<8xf32>
    return
  }
}

// -----

// partial sums that are a view
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.load %y at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    %3 = fetta.relabel %2 : tensor<4x2xf32, #res> -> tensor<4x2xf32, #res>
    // expected-error @+1 {{'fetta.contract' op goes on from what the host has placed or from a view: init should come from fetta.contract or fetta.load}}
    %9 = fetta.contract "b k, k n -> b n" %0, %1 init(%3) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    return
  }
}

// -----

// store of a view
MODULE
  func.func @f(%x: tensor<4x4xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.relabel %0 : tensor<4x4xbf16, #lhs> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<16xbf16>
    // expected-error @+1 {{'fetta.store' op source is a view; store what it is a view of}}
    %2 = fetta.store %1 into %y at 0 : tensor<4x4xbf16, #lhs>, tensor<16xbf16>
    return
  }
}

// -----

// partial sums that are an operand, too: they are overwritten while it is read
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.load %x at 0 : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.load %y at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    // expected-error @+1 {{'fetta.contract' op reads its partial sums as an operand}}
    %9 = fetta.contract "b k, k n -> b n" %0, %2 init(%2) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xf32, #res>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
    return
  }
}

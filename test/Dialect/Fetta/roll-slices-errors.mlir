// RUN: sed -f %S/Inputs/tiny.sed %s > %t.mlir
// RUN: fetta-opt %t.mlir --split-input-file --fetta-roll-slices=batch=40 --verify-diagnostics -o /dev/null

// What stands in the way of a larger batch. A program that is right: slices of
// four elements are copied, the first and the last one outside of the repeat.
MODULE
  func.func @right(%x: tensor<20x4xbf16>) -> tensor<20x4xbf16> {
    %e = tensor.empty() : tensor<20x4xbf16>
    %0 = fetta.load %x at 0 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.store %0 into %e at 0 : tensor<4x4xbf16, #lhs>, tensor<20x4xbf16>
    %2 = fetta.repeat 3 iter(%y = %1) : tensor<20x4xbf16> {
      %3 = fetta.load %x at 16 advance 16 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      %4 = fetta.store %3 into %y at 16 advance 16 : tensor<4x4xbf16, #lhs>, tensor<20x4xbf16>
      fetta.yield %4 : tensor<20x4xbf16>
    }
    %5 = fetta.load %x at 64 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
    %6 = fetta.store %5 into %2 at 64 : tensor<4x4xbf16, #lhs>, tensor<20x4xbf16>
    return %6 : tensor<20x4xbf16>
  }
}

// -----

MODULE
  // expected-remark @+1 {{no instructions of function 'once' come again in the same way}}
  func.func @once(%x: tensor<20x4xbf16>) {
    %0 = fetta.load %x at 0 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: transfers of argument #0 advance by 16 and by 32 elements}}
  func.func @two_advances(%x: tensor<20x4xbf16>) {
    fetta.repeat 2 {
      %3 = fetta.load %x at 0 advance 16 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      %4 = fetta.load %x at 0 advance 32 home <slab 1 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: an iteration loads 0 and stores 16 elements of a region of 96 elements and advances by 32}}
  func.func @stores_half(%x: tensor<4x4xbf16>) -> tensor<24x4xbf16> {
    %e = tensor.empty() : tensor<24x4xbf16>
    %0 = fetta.load %x at 0 home <slab 0 row 0> : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %2 = fetta.repeat 2 iter(%y = %e) : tensor<24x4xbf16> {
      %4 = fetta.store %0 into %y at 0 advance 32 : tensor<4x4xbf16, #lhs>, tensor<24x4xbf16>
      fetta.yield %4 : tensor<24x4xbf16>
    }
    return %2 : tensor<24x4xbf16>
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: an iteration loads 16 and stores 0 elements of argument #0 and advances by 32}}
  func.func @loads_half(%x: tensor<24x4xbf16>) {
    fetta.repeat 2 {
      %3 = fetta.load %x at 0 advance 32 home <slab 0 row 0> : tensor<24x4xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: transfers of argument #0 advance by 16 elements, an index of dimension 0 takes 80}}
  func.func @does_not_lead(%x: tensor<4x20x4xbf16>) {
    fetta.repeat 3 {
      %3 = fetta.load %x at 0 advance 16 home <slab 0 row 0> : tensor<4x20x4xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: 18 indices of argument #0 are missing, no whole number of iterations, which advance by 4}}
  func.func @part_of_an_iteration(%x: tensor<22x4xbf16>) {
    fetta.repeat 3 {
      %3 = fetta.load %x at 0 advance 16 home <slab 0 row 0> : tensor<22x4xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: argument #1 takes 10 more iterations, another region 5}}
  func.func @two_counts(%x: tensor<20x4xbf16>, %z: tensor<20x2xbf16>) {
    fetta.repeat 2 {
      %3 = fetta.load %x at 0 advance 16 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      %4 = fetta.load %z at 0 advance 4 home <slab 1 row 0> : tensor<20x2xbf16> -> tensor<2x2xbf16, #rhs>
      fetta.yield
    }
    return
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: argument #0 cannot become smaller, tensor<40x4xbf16> instead of tensor<48x4xbf16>}}
  func.func @smaller(%x: tensor<48x4xbf16>) {
    fetta.repeat 3 {
      %3 = fetta.load %x at 0 advance 16 home <slab 0 row 0> : tensor<48x4xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: transfers of argument #0 up to the first iteration touch 20 indices of the batch, from the last one on those from 12 on}}
  func.func @read_as_a_whole_before(%x: tensor<20x4xbf16>) {
    %0 = fetta.load %x at 64 home <slab 1 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
    fetta.repeat 3 {
      %3 = fetta.load %x at 16 advance 16 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: transfers of argument #0 up to the first iteration touch 8 indices of the batch, from the last one on those from 0 on}}
  func.func @read_as_a_whole_behind(%x: tensor<20x4xbf16>) {
    fetta.repeat 3 {
      %3 = fetta.load %x at 16 advance 16 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    %0 = fetta.load %x at 0 home <slab 1 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// Two stages: one stores a region that the next one reads.
MODULE
  // expected-error @+1 {{cannot be extended: transfers of a region of 80 elements up to the first iteration touch 4 indices of the batch, from the last one on those from 0 on}}
  func.func @stages(%x: tensor<20x4xbf16>) {
    %e = tensor.empty() : tensor<20x4xbf16>
    %2 = fetta.repeat 5 iter(%y = %e) : tensor<20x4xbf16> {
      %3 = fetta.load %x at 0 advance 16 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      %4 = fetta.store %3 into %y at 0 advance 16 : tensor<4x4xbf16, #lhs>, tensor<20x4xbf16>
      fetta.yield %4 : tensor<20x4xbf16>
    }
    %5 = fetta.load %2 at 0 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: what is made of the beginning of the batch is used behind the repeat}}
  func.func @beginning_behind(%x: tensor<20x4xbf16>) -> tensor<20x4xbf16> {
    %e = tensor.empty() : tensor<20x4xbf16>
    %0 = fetta.load %x at 0 home <slab 1 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.repeat 4 iter(%y = %e) : tensor<20x4xbf16> {
      %3 = fetta.load %x at 16 advance 16 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      %4 = fetta.store %3 into %y at 0 advance 16 : tensor<4x4xbf16, #lhs>, tensor<20x4xbf16>
      fetta.yield %4 : tensor<20x4xbf16>
    }
    %2 = fetta.store %0 into %1 at 64 : tensor<4x4xbf16, #lhs>, tensor<20x4xbf16>
    return %2 : tensor<20x4xbf16>
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: what is made of the beginning of the batch is used in the repeat}}
  func.func @beginning_in_all(%x: tensor<20x4xbf16>) -> tensor<16x4xbf16> {
    %e = tensor.empty() : tensor<16x4xbf16>
    %0 = fetta.load %x at 0 home <slab 1 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.repeat 4 iter(%y = %e) : tensor<16x4xbf16> {
      %3 = fetta.load %x at 16 advance 16 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      %4 = fetta.store %0 into %y at 0 : tensor<4x4xbf16, #lhs>, tensor<16x4xbf16>
      fetta.yield %4 : tensor<16x4xbf16>
    }
    return %1 : tensor<16x4xbf16>
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: an iteration leaves -1 tokens of semaphore s3}}
  func.func @tokens(%x: tensor<20x4xbf16>) {
    fetta.sync store <signals [s3 x 5]>
    fetta.repeat 5 {
      %3 = fetta.load %x at 0 advance 16 sync <waits [s3 x 1]> home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

// Each element is loaded once in the repeat, the first ones twice.
MODULE
  // expected-error @+1 {{cannot be extended: an iteration loads 1 and stores 0 times what it advances by, all transfers load 96 and store 0 of 80 elements of argument #0}}
  func.func @beginning_twice(%x: tensor<20x4xbf16>) {
    %0 = fetta.load %x at 0 home <slab 1 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
    fetta.repeat 5 {
      %3 = fetta.load %x at 0 advance 16 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

MODULE
  // expected-error @+1 {{cannot be extended: there is more than one repeat, and one can be extended}}
  func.func @two_stages(%x: tensor<20x4xbf16>) -> (tensor<20x4xbf16>, tensor<20x4xbf16>) {
    %e = tensor.empty() : tensor<20x4xbf16>
    %2 = fetta.repeat 5 iter(%y = %e) : tensor<20x4xbf16> {
      %3 = fetta.load %x at 0 advance 16 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      %4 = fetta.store %3 into %y at 0 advance 16 : tensor<4x4xbf16, #lhs>, tensor<20x4xbf16>
      fetta.yield %4 : tensor<20x4xbf16>
    }
    %f = tensor.empty() : tensor<20x4xbf16>
    %5 = fetta.repeat 5 iter(%y = %f) : tensor<20x4xbf16> {
      %3 = fetta.load %x at 0 advance 16 home <slab 0 row 0> : tensor<20x4xbf16> -> tensor<4x4xbf16, #lhs>
      %4 = fetta.store %3 into %y at 0 advance 16 : tensor<4x4xbf16, #lhs>, tensor<20x4xbf16>
      fetta.yield %4 : tensor<20x4xbf16>
    }
    return %2, %5 : tensor<20x4xbf16>, tensor<20x4xbf16>
  }
}

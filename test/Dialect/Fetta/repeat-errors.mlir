// Each rule of fetta.repeat and of advancing transfers, broken once.
// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --split-input-file --verify-diagnostics=only-expected

// one iteration
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    // expected-error @+1 {{'fetta.repeat' op runs its body at least twice and less than 2^32 times, got 1}}
    fetta.repeat 1 {
      fetta.sync load <waits [s0 x 1]>
      fetta.yield
    }
    return
  }
}

// -----

// too many iterations
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    // expected-error @+1 {{'fetta.repeat' op runs its body at least twice and less than 2^32 times, got 4294967296}}
    fetta.repeat 4294967296 {
      fetta.sync load <waits [s0 x 1]>
      fetta.yield
    }
    return
  }
}

// -----

// a repeat in a repeat
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    fetta.repeat 2 {
      // expected-error @+1 {{'fetta.repeat' op stands in the body of another; repeats do not nest}}
      fetta.repeat 2 {
        fetta.sync load <waits [s0 x 1]>
        fetta.yield
      }
      fetta.yield
    }
    return
  }
}

// -----

// an operation that is no part of a program
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    // expected-error @+1 {{'fetta.repeat' op holds fetta.place; a body holds fetta.load, fetta.store, fetta.contract, fetta.relabel and fetta.sync}}
    fetta.repeat 2 {
      // expected-note @+1 {{here}}
      %0 = fetta.place %x : tensor<64xbf16> -> tensor<16x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

// a body without instructions
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{'fetta.repeat' op repeats no instruction}}
    fetta.repeat 2 {
      %0 = fetta.relabel %a : tensor<4x4xbf16, #lhs> -> tensor<4x2x2xbf16, #fetta.layout<banks [d2:0, d0:0] rows [2, 1, 0]>>
      fetta.yield
    }
    return
  }
}

// -----

// types in the text
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{1 carried values, but 2 types}}
    %r = fetta.repeat 2 iter(%0 = %a) : tensor<4x4xbf16, #lhs>, tensor<4x4xbf16, #lhs> {
      fetta.yield
    }
    return
  }
}

// -----

// types of arguments
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{'fetta.repeat' op carries values of types ('tensor<4x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>'), but the types of its body's arguments are () and its results have ()}}
    "fetta.repeat"(%a) ({
      fetta.sync load <waits [s0 x 1]>
      fetta.yield
    }) {count = 2 : i64} : (tensor<4x4xbf16, #lhs>) -> ()
    return
  }
}

// -----

// a view is carried
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %0 = fetta.relabel %a : tensor<4x4xbf16, #lhs> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{'fetta.repeat' op carries #0, whose initial value should come from fetta.load, fetta.contract or fetta.repeat, got fetta.relabel}}
    %r = fetta.repeat 2 iter(%b = %0) : tensor<4x4xbf16, #lhs> {
      %1 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield %1 : tensor<4x4xbf16, #lhs>
    }
    return
  }
}

// -----

// an argument of the function is carried
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    // expected-error @+1 {{'fetta.repeat' op carries #0, whose initial value should come from tensor.empty, fetta.store or fetta.repeat, got an argument}}
    %r = fetta.repeat 2 iter(%b = %x) : tensor<64xbf16> {
      %1 = fetta.load %b at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield %b : tensor<64xbf16>
    }
    return
  }
}

// -----

// one value carried twice
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{'fetta.repeat' op carries one value twice, as #0}}
    %r:2 = fetta.repeat 2 iter(%b = %a, %c = %a) : tensor<4x4xbf16, #lhs>, tensor<4x4xbf16, #lhs> {
      %1 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      %2 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield %1, %2 : tensor<4x4xbf16, #lhs>, tensor<4x4xbf16, #lhs>
    }
    return
  }
}

// -----

// an initial value that is used later
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{'fetta.repeat' op overwrites its initial value #0, which has a later use}}
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x4xbf16, #lhs> {
      %1 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield %1 : tensor<4x4xbf16, #lhs>
    }
    // expected-note @+1 {{used here}}
    %z = fetta.collect %a : tensor<4x4xbf16, #lhs> -> tensor<16xbf16>
    return
  }
}

// -----

// an initial value that is used inside
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %w = fetta.load %v at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{'fetta.repeat' op overwrites its initial value #0, which has a later use}}
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x4xbf16, #lhs> {
    // expected-note @+1 {{used here}}
      %0 = fetta.contract "b k, k n -> b n" %a, %w b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
      %1 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield %1 : tensor<4x4xbf16, #lhs>
    }
    return
  }
}

// -----

// types of what is yielded
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x4xbf16, #lhs> {
      %1 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<2x4xbf16, #lhs>
      // expected-error @+1 {{'fetta.yield' op has types ('tensor<2x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>'), the repeat carries ('tensor<4x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>')}}
      fetta.yield %1 : tensor<2x4xbf16, #lhs>
    }
    return
  }
}

// -----

// nothing is yielded
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x4xbf16, #lhs> {
      %1 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      // expected-error @+1 {{'fetta.yield' op has types (), the repeat carries ('tensor<4x4xbf16, #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>>')}}
      fetta.yield
    }
    return
  }
}

// -----

// one value yielded twice
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %a1 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %r:2 = fetta.repeat 2 iter(%b = %a, %c = %a1) : tensor<4x4xbf16, #lhs>, tensor<4x4xbf16, #lhs> {
      %1 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      // expected-error @+1 {{'fetta.yield' op names one value twice, as #1}}
      fetta.yield %1, %1 : tensor<4x4xbf16, #lhs>, tensor<4x4xbf16, #lhs>
    }
    return
  }
}

// -----

// the argument is yielded as it is
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %w = fetta.load %v at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x4xbf16, #lhs> {
      %1 = fetta.contract "b k, k n -> b n" %b, %w b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
      // expected-error @+1 {{'fetta.yield' op #0 should come from a fetta.load or fetta.contract of the body, or continue the sums of its argument}}
      fetta.yield %b : tensor<4x4xbf16, #lhs>
    }
    return
  }
}

// -----

// a value from before is yielded
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %a1 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x4xbf16, #lhs> {
      fetta.sync load <waits [s0 x 1]>
      // expected-error @+1 {{'fetta.yield' op #0 should come from a fetta.load or fetta.contract of the body, or continue the sums of its argument}}
      fetta.yield %a1 : tensor<4x4xbf16, #lhs>
    }
    return
  }
}

// -----

// a view is yielded
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x4xbf16, #lhs> {
      %1 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      %2 = fetta.relabel %1 : tensor<4x4xbf16, #lhs> -> tensor<4x4xbf16, #lhs>
      // expected-error @+1 {{'fetta.yield' op #0 should come from a fetta.load or fetta.contract of the body, or continue the sums of its argument}}
      fetta.yield %2 : tensor<4x4xbf16, #lhs>
    }
    return
  }
}

// -----

// sums of another argument are yielded
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %w = fetta.load %v at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %s = fetta.contract "b k, k n -> b n" %a, %w b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    %t = fetta.contract "b k, k n -> b n" %a, %w b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    %r:2 = fetta.repeat 2 iter(%b = %s, %c = %t) : tensor<4x2xf32, #res>, tensor<4x2xf32, #res> {
      %1 = fetta.contract "b k, k n -> b n" %a, %w init(%b) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
      %2 = fetta.contract "b k, k n -> b n" %a, %w init(%c) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
      // expected-error @+1 {{'fetta.yield' op #0 should come from a fetta.load or fetta.contract of the body, or continue the sums of its argument}}
      fetta.yield %2, %1 : tensor<4x2xf32, #res>, tensor<4x2xf32, #res>
    }
    return
  }
}

// -----

// two homes
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 home <slab 0 row 0> : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{'fetta.repeat' op carries #0 in one home, but begins in #fetta.home<slab 0 row 0> and yields in #fetta.home<slab 0 row 4>}}
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x4xbf16, #lhs> {
    // expected-note @+1 {{yielded from here}}
      %1 = fetta.load %x at 0 home <slab 0 row 4> : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield %1 : tensor<4x4xbf16, #lhs>
    }
    return
  }
}

// -----

// a home for one only
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-error @+1 {{'fetta.repeat' op carries #0 in one home, but begins without and yields in #fetta.home<slab 0 row 4>}}
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x4xbf16, #lhs> {
    // expected-note @+1 {{yielded from here}}
      %1 = fetta.load %x at 0 home <slab 0 row 4> : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield %1 : tensor<4x4xbf16, #lhs>
    }
    return
  }
}

// -----

// the argument is used where its home is overwritten
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %w = fetta.load %v at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x4xbf16, #lhs> {
      // expected-error @+1 {{'fetta.load' op overwrites its carried value #0, which has a later use}}
      %1 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      // expected-note @+1 {{used here}}
      %2 = fetta.contract "b k, k n -> b n" %b, %w b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
      fetta.yield %1 : tensor<4x4xbf16, #lhs>
    }
    return
  }
}

// -----

// a view of the argument is used where its home is overwritten
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %w = fetta.load %v at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x4xbf16, #lhs> {
      %0 = fetta.relabel %b : tensor<4x4xbf16, #lhs> -> tensor<4x4xbf16, #lhs>
      // expected-error @+1 {{'fetta.load' op overwrites its carried value #0, which has a later use}}
      %1 = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      // expected-note @+1 {{used here}}
      %2 = fetta.contract "b k, k n -> b n" %0, %w b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
      fetta.yield %1 : tensor<4x4xbf16, #lhs>
    }
    return
  }
}

// -----

// the argument is overwritten by what reads it
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %w = fetta.load %v at 0 : tensor<4x2xbf16> -> tensor<2x2xbf16, #rhs>
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x2xbf16, #res>
    %r = fetta.repeat 2 iter(%b = %a) : tensor<4x2xbf16, #res> {
      %0 = fetta.relabel %b : tensor<4x2xbf16, #res> -> tensor<4x2xbf16, #res>
      // expected-error @+1 {{'fetta.contract' op overwrites its operand, carried value #0}}
      %1 = fetta.contract "b k, k n -> b n" %0, %w b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 1 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x2xbf16, #res>, tensor<2x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
      fetta.yield %1 : tensor<4x2xbf16, #res>
    }
    return
  }
}

// -----

// sums from before the repeat go on in place
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %w = fetta.load %v at 0 : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    // expected-note @+1 {{made here}}
    %s = fetta.contract "b k, k n -> b n" %a, %w b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xf32, #res>
    fetta.repeat 2 {
      // expected-error @+1 {{'fetta.contract' op overwrites its init, which lies before the repeat: the next iteration needs it; carry it with iter}}
      %1 = fetta.contract "b k, k n -> b n" %a, %w init(%s) b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>, tensor<4x2xf32, #res>) -> tensor<4x2xf32, #res>
      fetta.yield
    }
    return
  }
}

// -----

// a new region in every iteration
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<64xbf16>
    fetta.repeat 2 {
      // expected-error @+1 {{'fetta.store' op begins a new region in every iteration; carry one region through the repeat}}
      %1 = fetta.store %a into %y at 0 : tensor<4x4xbf16, #lhs>, tensor<64xbf16>
      fetta.yield
    }
    return
  }
}

// -----

// a region from before the repeat
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<64xbf16>
    // expected-note @+1 {{made here}}
    %y1 = fetta.store %a into %y at 0 : tensor<4x4xbf16, #lhs>, tensor<64xbf16>
    fetta.repeat 2 {
      // expected-error @+1 {{'fetta.store' op overwrites its into, which lies before the repeat: the next iteration needs it; carry it with iter}}
      %1 = fetta.store %a into %y1 at 0 : tensor<4x4xbf16, #lhs>, tensor<64xbf16>
      fetta.yield
    }
    return
  }
}

// -----

// a region that nothing is stored to
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<64xbf16>
    %r = fetta.repeat 2 iter(%z = %y) : tensor<64xbf16> {
      fetta.sync load <waits [s0 x 1]>
      // expected-error @+1 {{'fetta.yield' op #0 should be a chain of stores that begins with the argument of the body}}
      fetta.yield %z : tensor<64xbf16>
    }
    return
  }
}

// -----

// regions in another order
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<64xbf16>
    %r:2 = fetta.repeat 2 iter(%y0 = %y, %z0 = %y) : tensor<64xbf16>, tensor<64xbf16> {
      %y1 = fetta.store %a into %y0 at 0 : tensor<4x4xbf16, #lhs>, tensor<64xbf16>
      %z1 = fetta.store %a into %z0 at 0 : tensor<4x4xbf16, #lhs>, tensor<64xbf16>
      // expected-error @+1 {{'fetta.yield' op #0 should be a chain of stores that begins with the argument of the body}}
      fetta.yield %z1, %y1 : tensor<64xbf16>, tensor<64xbf16>
    }
    return
  }
}

// -----

// a load before the first store
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %y = tensor.empty() : tensor<64xbf16>
    %r = fetta.repeat 2 iter(%y0 = %y) : tensor<64xbf16> {
      // expected-error @+1 {{'fetta.load' op reads a region into which the first iteration has stored nothing}}
      %1 = fetta.load %y0 at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      %y1 = fetta.store %1 into %y0 at 0 : tensor<4x4xbf16, #lhs>, tensor<64xbf16>
      fetta.yield %y1 : tensor<64xbf16>
    }
    return
  }
}

// -----

// an initial region that is used later
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<64xbf16>
    %y1 = fetta.store %a into %y at 0 : tensor<4x4xbf16, #lhs>, tensor<64xbf16>
    // expected-error @+1 {{'fetta.repeat' op overwrites its initial value #0, which has a later use}}
    %r = fetta.repeat 2 iter(%y2 = %y1) : tensor<64xbf16> {
      %y3 = fetta.store %a into %y2 at 0 : tensor<4x4xbf16, #lhs>, tensor<64xbf16>
      fetta.yield %y3 : tensor<64xbf16>
    }
    // expected-note @+1 {{used here}}
    %y4 = fetta.store %a into %y1 at 16 : tensor<4x4xbf16, #lhs>, tensor<64xbf16>
    return
  }
}

// -----

// an advance outside of repeats
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    // expected-error @+1 {{'fetta.load' op advances by 16 elements, which it may in the body of fetta.repeat only}}
    %a = fetta.load %x at 0 advance 16 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    return
  }
}

// -----

// backwards
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    fetta.repeat 2 {
      // expected-error @+1 {{'fetta.load' op advances by -16 elements, which should be positive}}
      %a = fetta.load %x at 16 advance -16 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

// a load beyond the region
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    fetta.repeat 4 {
      // expected-error @+1 {{'fetta.load' op reaches outside of the region: 3 times 16 elements further in the last iteration, behind the tile of the first are 47}}
      %a = fetta.load %x at 1 advance 16 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

// a load far beyond the region
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    fetta.repeat 3 {
      // expected-error @+1 {{'fetta.load' op reaches outside of the region: 2 times 9223372036854775807 elements further in the last iteration, behind the tile of the first are 48}}
      %a = fetta.load %x at 0 advance 9223372036854775807 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
}

// -----

// a store beyond the region
MODULE
  func.func @f(%x: tensor<64xbf16>, %v: tensor<4x2xbf16>) {
    %a = fetta.load %x at 0 : tensor<64xbf16> -> tensor<4x4xbf16, #lhs>
    %y = tensor.empty() : tensor<64xbf16>
    %r = fetta.repeat 4 iter(%y0 = %y) : tensor<64xbf16> {
      // expected-error @+1 {{'fetta.store' op reaches outside of the region: 3 times 17 elements further in the last iteration, behind the tile of the first are 48}}
      %y1 = fetta.store %a into %y0 at 0 advance 17 : tensor<4x4xbf16, #lhs>, tensor<64xbf16>
      fetta.yield %y1 : tensor<64xbf16>
    }
    return
  }
}

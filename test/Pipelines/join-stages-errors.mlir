// What cannot be joined: why, and the module stays as it is (or the pass would
// say so).
// RUN: sed -f %source/test/Dialect/Fetta/Inputs/tiny.sed -f %source/test/Dialect/Fetta/Inputs/slices.sed -f %S/Inputs/join-stages.sed %s > %t.mlir
// RUN: fetta-opt %t.mlir --test-fetta-join-stages --fetta-verify-program --split-input-file --verify-diagnostics -o /dev/null

// expected-error@+4 {{stage 1 ('two'): 0 sources are given for its 1 arguments}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = []} {
    %e = tensor.empty() : tensor<8xbf16>
    %0 = IN(%h) : tensor<8xbf16> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{stage 1 ('two'): argument #0 is a result of stage 1, which does not come before it}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[1, 0]]} {
    %e = tensor.empty() : tensor<8xbf16>
    %0 = IN(%h) : tensor<8xbf16> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{stage 1 ('two'): argument #0 is number 1 of 1 values}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[0, 1]]} {
    %e = tensor.empty() : tensor<8xbf16>
    %0 = IN(%h) : tensor<8xbf16> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{stage 1 ('two'): argument #0 is number 1 of 1 values}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[-1, 1]]} {
    %e = tensor.empty() : tensor<8xbf16>
    %0 = IN(%h) : tensor<8xbf16> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{stage 1 ('two'): argument #0 of type tensor<9xbf16> cannot be tensor<8xbf16>}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<9xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[0, 0]]} {
    %e = tensor.empty() : tensor<8xbf16>
    %0 = IN(%h) : tensor<9xbf16> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{stage 1 ('two'): tensor.cast reads argument #0; only fetta.load may}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[0, 0]]} {
    %e = tensor.empty() : tensor<8xbf16>
    %c = tensor.cast %h : tensor<8xbf16> to tensor<?xbf16>
    %0 = IN(%h) : tensor<8xbf16> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{stage 1 ('two'): fetta.place keeps an argument or result in tensor memory; stages hand over regions in DRAM}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[0, 0]]} {
    %e = tensor.empty() : tensor<8xbf16>
    %p = fetta.place %h home <slab 1 row 0> : tensor<8xbf16> -> RES
    %0 = IN(%h) : tensor<8xbf16> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{stage 1 ('two'): 2 tokens of semaphore s0 are signalled, 1 are waited for}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[0, 0]]} {
    %e = tensor.empty() : tensor<8xbf16>
    fetta.sync load <signals [s0 x 1]>
    %0 = IN(%h) : tensor<8xbf16> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{stage 1 ('two'): semaphore s0 has no single producing queue and another one that consumes}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[0, 0]]} {
    %e = tensor.empty() : tensor<8xbf16>
    fetta.sync contract <signals [s0 x 1]>
    %0 = IN(%h) : tensor<8xbf16> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{stage 1 ('two'): semaphore s0 has no single producing queue and another one that consumes}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[0, 0]]} {
    %e = tensor.empty() : tensor<8xbf16>
    %0 = IN(%h) : tensor<8xbf16> -> RES
    fetta.sync contract <waits [s0 x 1]>
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{stage 1 ('two'): semaphore s1 has no single producing queue and another one that consumes}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[0, 0]]} {
    %e = tensor.empty() : tensor<8xbf16>
    fetta.sync load <signals [s1 x 1]>
    fetta.sync load <waits [s1 x 1]>
    %0 = IN(%h) : tensor<8xbf16> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{stage 1 ('two'): result #0 should come from fetta.store}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[0, 0]]} {
    %e = tensor.empty() : tensor<8xbf16>
    %0 = IN(%h) : tensor<8xbf16> -> RES
    return %h : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{stage 1 ('two'): a program is straight-line code, and it has 2 blocks}}
MODULE
  MAIN
  ONE
    COPY
  func.func @two(%h: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[0, 0]]} {
    %e = tensor.empty() : tensor<8xbf16>
    cf.br ^next
  ^next:
    %0 = IN(%h) : tensor<8xbf16> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// A repeat signals its tokens as often as it runs.
// expected-error@+4 {{stage 0 ('one'): 3 tokens of semaphore s1 are signalled, 1 are waited for}}
MODULE
  MAIN
  ONE
    fetta.repeat 3 {
      fetta.sync store <signals [s1 x 1]>
      fetta.yield
    }
    fetta.sync load <waits [s1 x 1]>
    COPY
}

// -----

// Only the host rounds: a region keeps what is stored.
// expected-error@+4 {{stage 1 ('two'): argument #0 is loaded as bf16 and comes as f32}}
MODULE
  func.func private @main(tensor<8xf32>) -> tensor<8xf32> attributes {test.results = [[1, 0]]}
  func.func @one(%x: tensor<8xf32>) -> tensor<8xf32> attributes {test.arguments = [[-1, 0]]} {
    %e = tensor.empty() : tensor<8xf32>
    %0 = IN(%x) : tensor<8xf32> -> tensor<4x2xf32, #res>
    %1 = OUT(%0) : tensor<4x2xf32, #res>, tensor<8xf32>
    return %1 : tensor<8xf32>
  }
  func.func @two(%h: tensor<8xf32>) -> tensor<8xbf16> attributes {test.arguments = [[0, 0]]} {
    %e = tensor.empty() : tensor<8xbf16>
    %0 = IN(%h) : tensor<8xf32> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
}

// -----

// And it keeps one form of an argument.
// expected-error@+4 {{stage 1 ('two'): argument #0 is loaded as f32, before as bf16}}
MODULE
  func.func private @main(tensor<8xf32>) -> tensor<8xbf16> attributes {test.results = [[0, 0]]}
  func.func @one(%x: tensor<8xf32>) -> tensor<8xbf16> attributes {test.arguments = [[-1, 0]]} {
    %e = tensor.empty() : tensor<8xbf16>
    %0 = IN(%x) : tensor<8xf32> -> RES
    %1 = OUT(%0) : RES, tensor<8xbf16>
    return %1 : tensor<8xbf16>
  }
  func.func @two(%x: tensor<8xf32>) -> tensor<8xf32> attributes {test.arguments = [[-1, 0]]} {
    %e = tensor.empty() : tensor<8xf32>
    %0 = IN(%x) : tensor<8xf32> -> tensor<4x2xf32, #res>
    %1 = OUT(%0) : tensor<4x2xf32, #res>, tensor<8xf32>
    return %1 : tensor<8xf32>
  }
}

// -----

// expected-error@+4 {{stage 0 ('one'): its first contraction waits for no load}}
MODULE
ROUTES
  func.func private @main(tensor<16xbf16>, tensor<8xbf16>) -> tensor<8xbf16> attributes {test.results = [[0, 0]]}
  func.func @one(%x: tensor<16xbf16>, %w: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[-1, 0], [-1, 1]]} {
    %e = tensor.empty() : tensor<8xbf16>
    %0 = fetta.load %x at 0 home <slab 0 row 0> : tensor<16xbf16> -> LHS
    %1 = WEIGHT(%w) : tensor<8xbf16> -> RHS
    %2 = TIMES(%0, %1) sync <signals [s0 x 1]> home <slab 2 row 0> TYPES
    %3 = OUT(%2) : RES, tensor<8xbf16>
    return %3 : tensor<8xbf16>
  }
}

// -----

// expected-error@+4 {{1 values are given for 2 results of the function}}
MODULE
  func.func private @main(tensor<8xbf16>) -> (tensor<8xbf16>, tensor<8xbf16>) attributes {test.results = [[0, 0]]}
  ONE
    COPY
}

// -----

// expected-error@+4 {{result #0 of the function is no result of a stage}}
MODULE
  func.func private @main(tensor<8xbf16>) -> (tensor<8xbf16>) attributes {test.results = [[-1, 0]]}
  ONE
    COPY
}

// -----

// expected-error@+4 {{result #0 of the function is no result of a stage}}
MODULE
  func.func private @main(tensor<8xbf16>) -> (tensor<8xbf16>) attributes {test.results = [[1, 0]]}
  ONE
    COPY
}

// -----

// expected-error@+4 {{result #0 of the function is no result of a stage}}
MODULE
  func.func private @main(tensor<8xbf16>) -> (tensor<8xbf16>) attributes {test.results = [[0, 1]]}
  ONE
    COPY
}

// -----

// expected-error@+4 {{result #0 of the function of type tensor<8xf32> cannot be tensor<8xbf16>}}
MODULE
  func.func private @main(tensor<8xbf16>) -> (tensor<8xf32>) attributes {test.results = [[0, 0]]}
  ONE
    COPY
}

// -----

// expected-error@+4 {{result #0 of the function of type tensor<9xbf16> cannot be tensor<8xbf16>}}
MODULE
  func.func private @main(tensor<8xbf16>) -> (tensor<9xbf16>) attributes {test.results = [[0, 0]]}
  ONE
    COPY
}

// -----

// expected-error@+4 {{results #0 and #1 of the function are one region}}
MODULE
  func.func private @main(tensor<8xbf16>) -> (tensor<8xbf16>, tensor<8xbf16>) attributes {test.results = [[0, 0], [0, 0]]}
  ONE
    COPY
}

// -----

// Each stage has 16 semaphores, one of them for the same queues; with the one
// between the stages they are all that there are.
MODULE
  MAIN
  ONE
    SIGNALS(contract)
    WAITS(store)
    COPY
  func.func @two(%x: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[0, 0]]} {
    SIGNALS(store)
    WAITS(contract)
    COPY
}

// -----

// And one too many.
// expected-error@+4 {{the stages need 33 semaphores together, there are 32; use fewer slices}}
MODULE
  MAIN
  ONE
    SIGNALS(contract)
    WAITS(store)
    COPY
  func.func @two(%x: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[0, 0]]} {
    SIGNALS(store)
    WAITS(contract)
    fetta.sync store <signals [s15 x 1]>
    fetta.sync contract <waits [s15 x 1]>
    COPY
}

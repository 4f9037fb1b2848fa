// RUN: fetta-opt %s --verify-diagnostics --split-input-file

// expected-error @+1 {{output mode #1 should be positive, got 0}}
func.func private @mode_zero() attributes {w = #tnn.tt<out = [4, 0], in = [2], ranks = [1, 3, 3, 1]>}

// -----

// expected-error @+1 {{input mode #0 should be positive, got -2}}
func.func private @mode_negative() attributes {w = #tnn.tt<out = [4, 3], in = [-2], ranks = [1, 3, 3, 1]>}

// -----

// expected-error @+1 {{rank #1 should be positive, got 0}}
func.func private @rank_zero() attributes {w = #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 0, 1]>}

// -----

// expected-error @+1 {{expected 5 ranks (boundary ranks included) for 2 output and 2 input modes, got 3}}
func.func private @number_of_ranks() attributes {w = #tnn.tt<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]>}

// -----

// expected-error @+1 {{expected boundary ranks of 1, got 2 and 1}}
func.func private @boundary_rank() attributes {w = #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [2, 6, 1]>}

// -----

// expected-error @+1 {{expected as many output as input modes, got 3 and 2}}
func.func private @pairs() attributes {w = #tnn.ttm<out = [4, 3, 2], in = [2, 5], ranks = [1, 6, 6, 1]>}

// -----

// expected-error @+1 {{input modes [4294967296, 4294967296] multiply to more than 63 bits}}
func.func private @features_too_large() attributes {w = #tnn.tt<out = [2], in = [4294967296, 4294967296], ranks = [1, 1, 1, 1]>}

// -----

// expected-error @+1 {{core #1 of shape [4294967296, 2, 4294967296] has more elements than 63 bits can count}}
func.func private @core_too_large() attributes {w = #tnn.tt<out = [2, 2], in = [2], ranks = [1, 4294967296, 4294967296, 1]>}

// -----

func.func @number_of_cores(%x: tensor<7x10xf32>, %g0: tensor<1x4x2x6xf32>) {
  // expected-error @+1 {{weight #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> has 2 cores, got 1}}
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0)
      : (tensor<7x10xf32>, tensor<1x4x2x6xf32>) -> tensor<7x12xf32>
  return
}

// -----

func.func @core_shape(%x: tensor<7x10xf32>, %g0: tensor<1x4x2x6xf32>, %g1: tensor<6x5x3x1xf32>) {
  // expected-error @+1 {{core #1 should have shape [6, 3, 5, 1] by weight #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]>, got 'tensor<6x5x3x1xf32>'}}
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<7x10xf32>, tensor<1x4x2x6xf32>, tensor<6x5x3x1xf32>) -> tensor<7x12xf32>
  return
}

// -----

func.func @input_features(%x: tensor<7x11xf32>, %g0: tensor<1x4x2x6xf32>, %g1: tensor<6x3x5x1xf32>) {
  // expected-error @+1 {{input modes [2, 5] multiply to 10, but the last dimension of the input is 11: 'tensor<7x11xf32>'}}
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<7x11xf32>, tensor<1x4x2x6xf32>, tensor<6x3x5x1xf32>) -> tensor<7x12xf32>
  return
}

// -----

func.func @output_features(%x: tensor<7x10xf32>, %g0: tensor<1x4x2x6xf32>, %g1: tensor<6x3x5x1xf32>) {
  // expected-error @+1 {{output modes [4, 3] multiply to 12, but the last dimension of the result is 13: 'tensor<7x13xf32>'}}
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<7x10xf32>, tensor<1x4x2x6xf32>, tensor<6x3x5x1xf32>) -> tensor<7x13xf32>
  return
}

// -----

func.func @scalar(%x: tensor<f32>, %g0: tensor<1x4x2x6xf32>, %g1: tensor<6x3x5x1xf32>) {
  // expected-error @+1 {{input should have a feature dimension, got 'tensor<f32>'}}
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<f32>, tensor<1x4x2x6xf32>, tensor<6x3x5x1xf32>) -> tensor<12xf32>
  return
}

// -----

func.func @batch(%x: tensor<7x10xf32>, %g0: tensor<1x4x2x6xf32>, %g1: tensor<6x3x5x1xf32>) {
  // expected-error @+1 {{batch dimensions of the input, [7], should be those of the result, [8]}}
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<7x10xf32>, tensor<1x4x2x6xf32>, tensor<6x3x5x1xf32>) -> tensor<8x12xf32>
  return
}

// -----

func.func @batch_zero(%x: tensor<0x10xf32>, %g0: tensor<1x4x2x6xf32>, %g1: tensor<6x3x5x1xf32>) {
  // expected-error @+1 {{input has a dimension of size 0: 'tensor<0x10xf32>'}}
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<0x10xf32>, tensor<1x4x2x6xf32>, tensor<6x3x5x1xf32>) -> tensor<0x12xf32>
  return
}

// -----

func.func @dynamic(%x: tensor<?x10xf32>, %g0: tensor<1x4x2x6xf32>, %g1: tensor<6x3x5x1xf32>) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 32-bit float or bfloat16 type values, but got 'tensor<?x10xf32>'}}
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<?x10xf32>, tensor<1x4x2x6xf32>, tensor<6x3x5x1xf32>) -> tensor<8x12xf32>
  return
}

// -----

func.func @bias(%x: tensor<7x10xf32>, %g0: tensor<1x4x2x6xf32>, %g1: tensor<6x3x5x1xf32>, %b: tensor<10xf32>) {
  // expected-error @+1 {{bias should have shape [12], got 'tensor<10xf32>'}}
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1) bias(%b)
      : (tensor<7x10xf32>, tensor<1x4x2x6xf32>, tensor<6x3x5x1xf32>, tensor<10xf32>) -> tensor<7x12xf32>
  return
}

// -----

func.func @too_large(%x: tensor<4611686018427387904x10xf32>, %g0: tensor<1x4x2x6xf32>, %g1: tensor<6x3x5x1xf32>) {
  // expected-error @+1 {{input 'tensor<4611686018427387904x10xf32>' has more elements than 63 bits can count}}
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<4611686018427387904x10xf32>, tensor<1x4x2x6xf32>, tensor<6x3x5x1xf32>) -> tensor<4611686018427387904x12xf32>
  return
}

// -----

func.func @element_types(%x: tensor<7x10xf32>, %g0: tensor<1x4x2x6xbf16>, %g1: tensor<6x3x5x1xf32>) {
  // expected-error @+1 {{input, cores, bias and result should share one element type, got 'tensor<1x4x2x6xbf16>' and 'tensor<7x12xf32>'}}
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<7x10xf32>, tensor<1x4x2x6xbf16>, tensor<6x3x5x1xf32>) -> tensor<7x12xf32>
  return
}

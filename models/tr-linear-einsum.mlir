// A tensor-ring linear layer 256x256, output modes (8, 8, 4), input modes
// (4, 8, 8), all ranks 6, 32 tokens, written as a plain einsum: no decomposition
// of its own is needed to compile it or to differentiate it.
func.func @forward(%x: tensor<32x4x8x8xbf16> {tnn.name = "x", tnn.role = "input"},
                   %g0: tensor<6x8x6xbf16> {tnn.name = "g0", tnn.role = "param"},
                   %g1: tensor<6x8x6xbf16> {tnn.name = "g1", tnn.role = "param"},
                   %g2: tensor<6x4x6xbf16> {tnn.name = "g2", tnn.role = "param"},
                   %g3: tensor<6x4x6xbf16> {tnn.name = "g3", tnn.role = "param"},
                   %g4: tensor<6x8x6xbf16> {tnn.name = "g4", tnn.role = "param"},
                   %g5: tensor<6x8x6xbf16> {tnn.name = "g5", tnn.role = "param"})
    -> (tensor<32x8x8x4xbf16> {tnn.name = "y"}) {
  %y = tnn.einsum "b i0 i1 i2, r0 o0 r1, r1 o1 r2, r2 o2 r3, r3 i0 r4, r4 i1 r5, r5 i2 r0 -> b o0 o1 o2"
      %x, %g0, %g1, %g2, %g3, %g4, %g5
      : (tensor<32x4x8x8xbf16>, tensor<6x8x6xbf16>, tensor<6x8x6xbf16>, tensor<6x4x6xbf16>,
         tensor<6x4x6xbf16>, tensor<6x8x6xbf16>, tensor<6x8x6xbf16>) -> tensor<32x8x8x4xbf16>
  return %y : tensor<32x8x8x4xbf16>
}

func.func @forward(%x: tensor<171x16x8xbf16> {tnn.name = "x", tnn.role = "input"},
                   %g0: tensor<16x8x4xbf16> {tnn.name = "g0", tnn.role = "param"},
                   %g1: tensor<4x8x16xbf16> {tnn.name = "g1", tnn.role = "param"})
    -> (tensor<8x171x16xbf16> {tnn.name = "y"}) {
  %y = tnn.einsum "b i0 i1, i0 o0 r, r i1 o1 -> o0 b o1" %x, %g0, %g1
      : (tensor<171x16x8xbf16>, tensor<16x8x4xbf16>, tensor<4x8x16xbf16>) -> tensor<8x171x16xbf16>
  return %y : tensor<8x171x16xbf16>
}

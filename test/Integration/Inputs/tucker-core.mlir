func.func @forward(%x: tensor<256x16x16xbf16> {tnn.name = "x", tnn.role = "input"},
                   %u0: tensor<16x12xbf16> {tnn.name = "u0", tnn.role = "param"},
                   %u1: tensor<16x12xbf16> {tnn.name = "u1", tnn.role = "param"},
                   %g: tensor<12x12x12x12xbf16> {tnn.name = "g", tnn.role = "param"},
                   %v0: tensor<12x16xbf16> {tnn.name = "v0", tnn.role = "param"},
                   %v1: tensor<12x16xbf16> {tnn.name = "v1", tnn.role = "param"})
    -> (tensor<256x16x16xbf16> {tnn.name = "y"}) {
  %y = tnn.einsum "b i0 i1, i0 r0, i1 r1, r0 r1 r2 r3, r2 o0, r3 o1 -> b o0 o1" %x, %u0, %u1, %g, %v0, %v1
      : (tensor<256x16x16xbf16>, tensor<16x12xbf16>, tensor<16x12xbf16>, tensor<12x12x12x12xbf16>,
         tensor<12x16xbf16>, tensor<12x16xbf16>) -> tensor<256x16x16xbf16>
  return %y : tensor<256x16x16xbf16>
}

// Called like the first stage of @forward.
func.func @forward.stage0(%x: tensor<256x16x16xbf16> {tnn.name = "x", tnn.role = "input"},
                          %a: tensor<16x12xbf16> {tnn.name = "a", tnn.role = "param"},
                          %c: tensor<16x12xbf16> {tnn.name = "c", tnn.role = "param"})
    -> (tensor<256x12x12xbf16> {tnn.name = "z"}) {
  %z = tnn.einsum "b i0 i1, i0 r0, i1 r1 -> b r0 r1" %x, %a, %c
      : (tensor<256x16x16xbf16>, tensor<16x12xbf16>, tensor<16x12xbf16>) -> tensor<256x12x12xbf16>
  return %z : tensor<256x12x12xbf16>
}

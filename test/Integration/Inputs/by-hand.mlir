func.func @forward(%x: tensor<32x8x8x12xbf16> {tnn.name = "x"},
                   %e: tensor<8x12x12xbf16> {tnn.name = "e", tnn.role = "param"})
    -> (tensor<32x8x12xbf16> {tnn.name = "y"}) {
  %y = tnn.contract "b i0 i1 i2, i1 i2 r -> b i0 r" %x, %e
      {fetta.mapping = {dataflow = "b_stationary", rows = {i2 = 2},
                        columns = {r = 2}, ces = {b = 0, i0 = 3, i1 = 3},
                        scope = {b = 32, i0 = 8, r = 12}, loops = ["r", "b"]}}
      : (tensor<32x8x8x12xbf16>, tensor<8x12x12xbf16>) -> tensor<32x8x12xbf16>
  return %y : tensor<32x8x12xbf16>
}

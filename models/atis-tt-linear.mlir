// TT linear layer 768x768: output modes (12, 8, 8), input modes (8, 8, 12),
// ranks (1, 12, 12, 12, 12, 12, 1), 32 tokens. Written by models/generate.py.
func.func @forward(%x: tensor<32x768xbf16> {tnn.name = "x", tnn.role = "input"},
                   %g0: tensor<1x12x12xbf16> {tnn.name = "g0", tnn.role = "param"},
                   %g1: tensor<12x8x12xbf16> {tnn.name = "g1", tnn.role = "param"},
                   %g2: tensor<12x8x12xbf16> {tnn.name = "g2", tnn.role = "param"},
                   %g3: tensor<12x8x12xbf16> {tnn.name = "g3", tnn.role = "param"},
                   %g4: tensor<12x8x12xbf16> {tnn.name = "g4", tnn.role = "param"},
                   %g5: tensor<12x12x1xbf16> {tnn.name = "g5", tnn.role = "param"})
    -> (tensor<32x768xbf16> {tnn.name = "y"}) {
  %y = tnn.linear #tnn.tt<out = [12, 8, 8], in = [8, 8, 12], ranks = [1, 12, 12, 12, 12, 12, 1]>
      %x, cores(%g0, %g1, %g2, %g3, %g4, %g5)
      : (tensor<32x768xbf16>, tensor<1x12x12xbf16>, tensor<12x8x12xbf16>, tensor<12x8x12xbf16>, tensor<12x8x12xbf16>, tensor<12x8x12xbf16>, tensor<12x12x1xbf16>)
      -> tensor<32x768xbf16>
  return %y : tensor<32x768xbf16>
}

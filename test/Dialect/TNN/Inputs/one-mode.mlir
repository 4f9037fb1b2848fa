// The mode that the first contraction calls r is the second one's k. Each cut is
// followed through the whole function, so cutting it under both names would
// contract its pieces several times.
func.func @step(%x: tensor<8x12xf32> {tnn.name = "x"},
                %g: tensor<12x6xf32> {tnn.name = "g", tnn.role = "param"},
                %h: tensor<6x4xf32> {tnn.name = "h", tnn.role = "param"}) -> tensor<8x4xf32> {
  %y = tnn.contract "b i, i r -> b r" %x, %g : (tensor<8x12xf32>, tensor<12x6xf32>) -> tensor<8x6xf32>
  %z = tnn.contract "b k, k o -> b o" %y, %h : (tensor<8x6xf32>, tensor<6x4xf32>) -> tensor<8x4xf32>
  return %z : tensor<8x4xf32>
}

// A training step in four stages, each a function of its own: the step is
// joined from them.
func.func private @step(%x: tensor<172x24xbf16> {tnn.name = "x", tnn.role = "input"},
                        %g: tensor<24x16xbf16> {tnn.name = "g", tnn.role = "param"},
                        %k: tensor<4x4x12xbf16> {tnn.name = "k", tnn.role = "param"},
                        %d_y: tensor<172x12xbf16> {tnn.name = "d_y", tnn.role = "input"})
    -> (tensor<172x12xbf16> {tnn.name = "y"}, tensor<4x4x12xf32> {tnn.name = "d_k"},
        tensor<24x16xf32> {tnn.name = "d_g"})
    attributes {test.results = [[1, 0], [2, 1], [3, 0]]}

func.func @first(%x: tensor<172x24xbf16> {tnn.name = "x", tnn.role = "input"},
                 %g: tensor<24x16xbf16> {tnn.name = "g", tnn.role = "param"})
    -> (tensor<172x16xbf16> {tnn.name = "h"})
    attributes {test.arguments = [[-1, 0], [-1, 1]]} {
  %h = tnn.einsum "b i, i j -> b j" %x, %g : (tensor<172x24xbf16>, tensor<24x16xbf16>) -> tensor<172x16xbf16>
  return %h : tensor<172x16xbf16>
}

func.func @second(%h: tensor<172x4x4xbf16> {tnn.name = "h", tnn.role = "input"},
                  %k: tensor<4x4x12xbf16> {tnn.name = "k", tnn.role = "param"})
    -> (tensor<172x12xbf16> {tnn.name = "y"})
    attributes {test.arguments = [[0, 0], [-1, 2]]} {
  %y = tnn.einsum "b p q, p q o -> b o" %h, %k : (tensor<172x4x4xbf16>, tensor<4x4x12xbf16>) -> tensor<172x12xbf16>
  return %y : tensor<172x12xbf16>
}

func.func @third(%d_y: tensor<172x12xbf16> {tnn.name = "d_y", tnn.role = "input"},
                 %k: tensor<4x4x12xbf16> {tnn.name = "k", tnn.role = "param"},
                 %h: tensor<172x4x4xbf16> {tnn.name = "h", tnn.role = "input"})
    -> (tensor<172x4x4xbf16> {tnn.name = "d_h"}, tensor<4x4x12xf32> {tnn.name = "d_k"})
    attributes {test.arguments = [[-1, 3], [-1, 2], [0, 0]]} {
  %d_h = tnn.einsum "b o, p q o -> b p q" %d_y, %k {tnn.phase = "bp"} : (tensor<172x12xbf16>, tensor<4x4x12xbf16>) -> tensor<172x4x4xbf16>
  %d_k = tnn.einsum "b p q, b o -> p q o" %h, %d_y {tnn.phase = "wg"} : (tensor<172x4x4xbf16>, tensor<172x12xbf16>) -> tensor<4x4x12xf32>
  return %d_h, %d_k : tensor<172x4x4xbf16>, tensor<4x4x12xf32>
}

func.func @fourth(%x: tensor<172x24xbf16> {tnn.name = "x", tnn.role = "input"},
                  %d_h: tensor<172x16xbf16> {tnn.name = "d_h", tnn.role = "input"})
    -> (tensor<24x16xf32> {tnn.name = "d_g"})
    attributes {test.arguments = [[-1, 0], [2, 0]]} {
  %d_g = tnn.einsum "b i, b j -> i j" %x, %d_h {tnn.phase = "wg"} : (tensor<172x24xbf16>, tensor<172x16xbf16>) -> tensor<24x16xf32>
  return %d_g : tensor<24x16xf32>
}

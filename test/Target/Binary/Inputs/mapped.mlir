MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) -> tensor<4x2xbf16> {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %3 = fetta.collect %2 : tensor<4x2xbf16, #res> -> tensor<4x2xbf16>
    return %3 : tensor<4x2xbf16>
  }
}

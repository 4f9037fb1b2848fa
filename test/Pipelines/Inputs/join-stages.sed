# Tiles of four rows times a weight of 4 x 2, on the machine of tiny.sed.
s/WEIGHT(\(%[a-z]*\))\( sync <[^>]*>\)*/fetta.load \1 at 0\2 home <slab 1 row 0>/
s/TIMES(\(%[0-9]*\), \(%[0-9]*\))/fetta.contract "b k, k n -> b n" \1, \2 b_stationary\n        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>\n        accumulator <base 0 strides [1, 0]> routes [@l, @r, @c]/
s/TYPES/origin "here"\n        : (LHS, RHS) -> RES/
# A copy of eight elements.
s/IN(\(%[a-z]*\))/fetta.load \1 at 0 sync <signals [s0 x 1]> home <slab 0 row 0>/
s/OUT(\(%[0-9]*\))/fetta.store \1 into %e at 0 sync <waits [s0 x 1]>/
s/MAIN/func.func private @main(tensor<8xbf16>) -> tensor<8xbf16> attributes {test.results = [[0, 0]]}/
s/ONE/func.func @one(%x: tensor<8xbf16>) -> tensor<8xbf16> attributes {test.arguments = [[-1, 0]]} {/
s/COPY/%e = tensor.empty() : tensor<8xbf16>\n    %0 = fetta.load %x at 0 sync <signals [s31 x 1]> home <slab 0 row 0> : tensor<8xbf16> -> RES\n    %1 = fetta.store %0 into %e at 0 sync <waits [s31 x 1]> : RES, tensor<8xbf16>\n    return %1 : tensor<8xbf16>\n  }/
s/SIGNALS(\([a-z]*\))/fetta.sync \1 <signals [s0 x 1, s1 x 1]>\n    fetta.sync \1 <signals [s2 x 1, s3 x 1]>\n    fetta.sync \1 <signals [s4 x 1, s5 x 1]>\n    fetta.sync \1 <signals [s6 x 1, s7 x 1]>\n    fetta.sync \1 <signals [s8 x 1, s9 x 1]>\n    fetta.sync \1 <signals [s10 x 1, s11 x 1]>\n    fetta.sync \1 <signals [s12 x 1, s13 x 1]>\n    fetta.sync \1 <signals [s14 x 1]>/
s/WAITS(\([a-z]*\))/fetta.sync \1 <waits [s0 x 1, s1 x 1]>\n    fetta.sync \1 <waits [s2 x 1, s3 x 1]>\n    fetta.sync \1 <waits [s4 x 1, s5 x 1]>\n    fetta.sync \1 <waits [s6 x 1, s7 x 1]>\n    fetta.sync \1 <waits [s8 x 1, s9 x 1]>\n    fetta.sync \1 <waits [s10 x 1, s11 x 1]>\n    fetta.sync \1 <waits [s12 x 1, s13 x 1]>\n    fetta.sync \1 <waits [s14 x 1]>/
s/LHS/tensor<4x4xbf16, #lhs>/g
s/RHS/tensor<4x2xbf16, #rhs>/g
s/RES/tensor<4x2xbf16, #res>/g

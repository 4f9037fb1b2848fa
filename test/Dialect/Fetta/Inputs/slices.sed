# Instructions on slices of four elements, after those of tiny.sed: the input is
# loaded as 2 x 2 x 4 and seen as 4 x 4.
s/^ROUTES/  fetta.route @l distribution map <[l0, l1]> words "0000" masks [2, 1]\n  fetta.route @r distribution map <[l0, 0]> words "a000" masks [2, 1]\n  fetta.route @c reduction map <[l0, l1]> words "0000" masks [1, 2]/
s/LOAD(\([a-z0-9 ]*\))/fetta.load %x at \1 home <slab 0 row 0> : XTYPE -> tensor<2x2x4xbf16, #halves>/
s/VIEW(\(%[a-z0-9]*\))/fetta.relabel \1 : tensor<2x2x4xbf16, #halves> -> tensor<4x4xbf16, #lhs>/
s/CONTRACT(\(%[a-z0-9]*\))/fetta.contract "b k, k n -> b n" \1, %w b_stationary\n        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>\n        accumulator <base 0 strides [1, 0]> routes [@l, @r, @c] home <slab 2 row 0> origin "here"\n        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>/
s/STORE(\(%[a-z0-9]*\), \(%[a-z0-9]*\), \([a-z0-9 ]*\))/fetta.store \1 into \2 at \3 : tensor<4x2xbf16, #res>, YTYPE/
s/XTYPE/tensor<20x4xbf16>/
s/YTYPE/tensor<20x2xbf16>/

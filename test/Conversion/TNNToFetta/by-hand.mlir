// RUN: fetta-opt %s --split-input-file --verify-diagnostics --fetta-attach-machine=file=%machines/fetta-edge.yaml --tnn-order-contractions --convert-tnn-to-fetta=memory=resident | FileCheck %s

// An einsum asks all its contractions, each as far as it has the modes; the
// layout of the second one's operand is that of the first one's result.
// CHECK-LABEL: func.func @einsum
// CHECK: fetta.contract "{{.*}}" {{.*}} output_stationary
// CHECK: fetta.contract "{{.*}}" {{.*}} output_stationary
func.func @einsum(%x: tensor<16x12xbf16>, %g0: tensor<8x4xbf16>, %g1: tensor<4x12xbf16>)
    -> tensor<16x8xbf16> {
  %y = tnn.einsum "b i, o r, r i -> b o" %x, %g0, %g1
      {fetta.mapping = {dataflow = "output_stationary", ces = {i = 3}, columns = {o = 1}}}
      : (tensor<16x12xbf16>, tensor<8x4xbf16>, tensor<4x12xbf16>) -> tensor<16x8xbf16>
  return %y : tensor<16x8xbf16>
}

// -----

// Einsums of one family are ordered together, under the names of the first: the
// second one's p, q and s are i, o and b. Three bits of b lie on CEs.
// CHECK-LABEL: func.func @names
// CHECK: fetta.contract "r o, b o -> r b" {{.*}} output_stationary
// CHECK-NEXT: lanes <ce [{{([^b]*b:[0-9]){3}[^b]*}}] row
// CHECK: fetta.contract "i r, r b -> b i" {{.*}} output_stationary
// CHECK-NEXT: lanes <ce [{{([^b]*b:[0-9]){3}[^b]*}}] row
func.func @names(%x: tensor<64x64xbf16>, %e: tensor<64x8xbf16>, %g: tensor<8x64xbf16>, %dy: tensor<64x64xbf16>)
    -> (tensor<64x64xbf16>, tensor<64x64xbf16>) {
  %y = tnn.einsum "b i, i r, r o -> b o" %x, %e, %g
      : (tensor<64x64xbf16>, tensor<64x8xbf16>, tensor<8x64xbf16>) -> tensor<64x64xbf16>
  %dx = tnn.einsum "s q, p t, t q -> s p" %dy, %e, %g
      {fetta.mapping = {dataflow = "output_stationary", ces = {s = 3, p = 0, q = 0}}, tnn.phase = "bp"}
      : (tensor<64x64xbf16>, tensor<64x8xbf16>, tensor<8x64xbf16>) -> tensor<64x64xbf16>
  return %y, %dx : tensor<64x64xbf16>, tensor<64x64xbf16>
}

// -----

// CHECK-LABEL: func.func @layouts
// CHECK: fetta.place %arg0 : tensor<8x4xbf16> -> tensor<8x4xbf16, #[[LAYOUT:.*]]>
// CHECK: -> tensor<8x8xbf16
func.func @layouts(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  %y = tnn.contract "b i, i o -> b o" %x, %w
      {fetta.mapping = {lhs = #fetta.layout<banks [d0:0, d0:1, d1:0, 0, 0, 0, 0, 0] rows [2, 1]>}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @mode(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error@+1 {{'fetta.mapping' rows: there is no mode 'k', only b, i, o}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = {rows = {k = 2}}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @place(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error@+1 {{rows: mode b cannot lie there B-stationary, where only i can}}
  %y = tnn.contract "b i, i o -> b o" %x, %w
      {fetta.mapping = {dataflow = "b_stationary", rows = {b = 2}}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @scope(%x: tensor<512x4xbf16>, %w: tensor<4x512xbf16>) -> tensor<512x512xbf16> {
  // expected-error@+1 {{scope: no mapping holds 500 indices of mode b inside a scope: they have to be whole blocks of its lane bits, and the rows of a scope fit 128 accumulator rows; 496 would do}}
  %y = tnn.contract "b i, i o -> b o" %x, %w
      {fetta.mapping = {ces = {b = 3}, scope = {b = 500}}}
      : (tensor<512x4xbf16>, tensor<4x512xbf16>) -> tensor<512x512xbf16>
  return %y : tensor<512x512xbf16>
}

// -----

func.func @twice(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> (tensor<8x8xbf16>, tensor<8x8xbf16>) {
  %y = tnn.contract "b i, i o -> b o" %x, %w
      {fetta.mapping = {lhs = #fetta.layout<banks [d0:0, d0:1, d1:0, 0, 0, 0, 0, 0] rows [2, 1]>}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  // expected-error@+1 {{'fetta.mapping' lhs: another contraction asks for another layout of this tensor; drop one of the two}}
  %z = tnn.contract "b i, i o -> o b" %x, %w
      {fetta.mapping = {lhs = #fetta.layout<banks [d0:0, d0:1, d0:2, 0, 0, 0, 0, 0] rows [4, 1]>}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y, %z : tensor<8x8xbf16>, tensor<8x8xbf16>
}

// -----

func.func @banks(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error@+1 {{'fetta.mapping' rhs: the layout has 2 bank bits, a row of the machine has 8}}
  %y = tnn.contract "b i, i o -> b o" %x, %w
      {fetta.mapping = {rhs = #fetta.layout<banks [d0:0, d0:1] rows [8, 1]>}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @entry(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error@+1 {{'fetta.mapping' has no entry 'order'; it knows dataflow, rows, columns, ces, scope, loops, lhs, rhs and result}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = {order = ["b"]}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @dataflow(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error@+1 {{'fetta.mapping' dataflow: should be "a_stationary", "b_stationary" or "output_stationary", got "weights"}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = {dataflow = "weights"}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

// A slip in a name is one on an einsum, too, though each contraction takes only
// what it has.
func.func @einsum_mode(%x: tensor<16x12xbf16>, %g0: tensor<8x4xbf16>, %g1: tensor<4x12xbf16>)
    -> tensor<16x8xbf16> {
  // expected-error@+1 {{'fetta.mapping' columns: there is no mode 'k', only b, i, o, r}}
  %y = tnn.einsum "b i, o r, r i -> b o" %x, %g0, %g1
      {fetta.mapping = {ces = {i = 3}, columns = {k = 1}}}
      : (tensor<16x12xbf16>, tensor<8x4xbf16>, tensor<4x12xbf16>) -> tensor<16x8xbf16>
  return %y : tensor<16x8xbf16>
}

// -----

func.func @einsum_loops(%x: tensor<16x12xbf16>, %g0: tensor<8x4xbf16>, %g1: tensor<4x12xbf16>)
    -> tensor<16x8xbf16> {
  // expected-error@+1 {{'fetta.mapping' loops: there is no mode 'n', only b, i, o, r}}
  %y = tnn.einsum "b i, o r, r i -> b o" %x, %g0, %g1 {fetta.mapping = {loops = ["b", "n"]}}
      : (tensor<16x12xbf16>, tensor<8x4xbf16>, tensor<4x12xbf16>) -> tensor<16x8xbf16>
  return %y : tensor<16x8xbf16>
}

// -----

func.func @einsum_layout(%x: tensor<16x12xbf16>, %g0: tensor<8x4xbf16>, %g1: tensor<4x12xbf16>)
    -> tensor<16x8xbf16> {
  // expected-error@+1 {{'fetta.mapping' lhs: layouts are over the tensors of one contraction: give them on a tnn.contract}}
  %y = tnn.einsum "b i, o r, r i -> b o" %x, %g0, %g1
      {fetta.mapping = {lhs = #fetta.layout<banks [d0:0, d0:1, d1:0, 0, 0, 0, 0, 0] rows [4, 1]>}}
      : (tensor<16x12xbf16>, tensor<8x4xbf16>, tensor<4x12xbf16>) -> tensor<16x8xbf16>
  return %y : tensor<16x8xbf16>
}

// RUN: fetta-opt %s --split-input-file --verify-diagnostics

// What each entry of a mapping by hand should be, broken once; which modes and
// numbers are possible is the mapper's business.

// expected-error @+1 {{'fetta.mapping' belongs on tnn.contract or tnn.einsum}}
func.func private @f() attributes {fetta.mapping = {}}

// -----

func.func @f(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error @+1 {{'fetta.mapping' should be a dictionary, got "b_stationary"}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = "b_stationary"}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @f(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error @+1 {{'fetta.mapping' dataflow: should be "a_stationary", "b_stationary" or "output_stationary", got "stationary"}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = {dataflow = "stationary"}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @f(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error @+1 {{'fetta.mapping' rows: should be a dictionary from modes to numbers that are not negative, got ["i"]}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = {rows = ["i"]}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @f(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error @+1 {{'fetta.mapping' columns: should be a dictionary from modes to numbers that are not negative, got {o = -1 : i64}}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = {columns = {o = -1}}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @f(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error @+1 {{'fetta.mapping' ces: should be a dictionary from modes to numbers that are not negative, got {b = 1 : i32}}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = {ces = {b = 1 : i32}}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @f(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error @+1 {{'fetta.mapping' scope: should be a dictionary from modes to numbers that are not negative}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = {scope = {b = 4294967296}}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @f(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error @+1 {{'fetta.mapping' loops: should be a list of modes as strings, got "b"}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = {loops = "b"}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @f(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error @+1 {{'fetta.mapping' loops: should be a list of modes as strings, got ["b", 1]}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = {loops = ["b", 1]}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @f(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error @+1 {{'fetta.mapping' rhs: should be a #fetta.layout, got 1 : i64}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = {rhs = 1}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

// -----

func.func @f(%x: tensor<8x4xbf16>, %w: tensor<4x8xbf16>) -> tensor<8x8xbf16> {
  // expected-error @+1 {{'fetta.mapping' has no entry 'column'; it knows dataflow, rows, columns, ces, scope, loops, lhs, rhs and result}}
  %y = tnn.contract "b i, i o -> b o" %x, %w {fetta.mapping = {column = {o = 1}}}
      : (tensor<8x4xbf16>, tensor<4x8xbf16>) -> tensor<8x8xbf16>
  return %y : tensor<8x8xbf16>
}

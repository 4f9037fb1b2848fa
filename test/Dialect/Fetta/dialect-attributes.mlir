// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --split-input-file --verify-diagnostics

// The machine belongs on a module.
// expected-error @+1 {{'fetta.machine' belongs on a module}}
func.func private @f() attributes {fetta.machine = #fetta.machine<MACHINE>}

// -----

// expected-error @+1 {{'fetta.machine' should be a #fetta.machine, got 1 : i64}}
module attributes {fetta.machine = 1} {}

// -----

// expected-error @+1 {{unknown attribute 'fetta.engine'; the fetta dialect knows 'fetta.machine' on a module}}
module attributes {fetta.engine = 1} {}

// -----

// expected-error @+1 {{missing key}}
module attributes {fetta.machine = #fetta.machine<name = "small">} {}

// -----

// expected-error @+1 {{unknown key 'salbs' of a machine}}
module attributes {fetta.machine = #fetta.machine<salbs = 4, MACHINE>} {}

// -----

// expected-error @+1 {{repeated key 'pe_rows'}}
module attributes {fetta.machine = #fetta.machine<pe_rows = 4, MACHINE>} {}

// -----

// No machine at all.
func.func @f(%x: tensor<4xbf16>) {
  // expected-error @+1 {{needs the attribute 'fetta.machine' on the module; run fetta-attach-machine}}
  %0 = fetta.place %x : tensor<4xbf16> -> tensor<4xbf16, #fetta.layout<banks [0] rows [1]>>
  return
}

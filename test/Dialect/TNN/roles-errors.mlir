// RUN: fetta-opt %s --verify-diagnostics --split-input-file

// expected-error @+1 {{'tnn.role' should be one of "input", "param", "state", "target", got "weight"}}
func.func private @role(tensor<4xf32> {tnn.role = "weight"})

// -----

// expected-error @+1 {{'tnn.role' should be one of "input", "param", "state", "target", got 1 : i64}}
func.func private @role_type(tensor<4xf32> {tnn.role = 1})

// -----

// expected-error @+1 {{'tnn.name' should be a string of letters, digits, '_', '.' and '-' that starts with a letter, a digit or '_', got "../x"}}
func.func private @name(tensor<4xf32> {tnn.name = "../x"})

// -----

// expected-error @+1 {{'tnn.name' "x" is used twice}}
func.func private @twice(tensor<4xf32> {tnn.name = "x"}, tensor<4xf32> {tnn.name = "x"})

// -----

// expected-error @+1 {{'tnn.name' "y" is used twice}}
func.func private @twice_result() -> (tensor<4xf32> {tnn.name = "y"}, tensor<4xf32> {tnn.name = "y"})

// -----

// An argument and a result may share a name.
func.func private @shared(tensor<4xf32> {tnn.name = "x"}) -> (tensor<4xf32> {tnn.name = "x"})

// -----

// expected-error @+1 {{unknown attribute 'tnn.rule' on argument #0; the tnn dialect knows 'tnn.name' and 'tnn.role'}}
func.func private @argument(tensor<4xf32> {tnn.rule = "input"})

// -----

// expected-error @+1 {{unknown attribute 'tnn.role' on result #0; the tnn dialect knows 'tnn.name'}}
func.func private @result() -> (tensor<4xf32> {tnn.role = "input"})

// -----

// expected-error @+1 {{'tnn.phase' should be one of "fp", "bp", "wg", got "forward"}}
func.func private @phase() attributes {tnn.phase = "forward"}

// -----

// expected-error @+1 {{unknown attribute 'tnn.order' on an operation; the tnn dialect knows 'tnn.phase'}}
func.func private @operation() attributes {tnn.order = "csse"}

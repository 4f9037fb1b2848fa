// RUN: fetta-opt %s --tnn-differentiate --split-input-file --verify-diagnostics
// RUN: not fetta-opt %s --tnn-differentiate=function=nowhere 2>&1 | FileCheck %s --check-prefix=NOWHERE
// NOWHERE: error: no function 'nowhere' to differentiate

// expected-error @+1 {{expected one public function to differentiate, found 2; name one with the option 'function'}}
module {
  // expected-note @+1 {{candidate 'f'}}
  func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
    return %x : tensor<2xf32>
  }
  // expected-note @+1 {{candidate 'g'}}
  func.func @g(%x: tensor<2xf32>) -> tensor<2xf32> {
    return %x : tensor<2xf32>
  }
}

// -----

// expected-error @+1 {{expected one public function to differentiate, found 0}}
module {
  func.func private @declared(tensor<2xf32>)
}

// -----

func.func @layer(%x: tensor<10xf32>, %g0: tensor<1x12x6xf32>, %g1: tensor<6x10x1xf32>) -> tensor<12xf32> {
  // expected-error @+2 {{'tnn.linear' op has no rule for its gradient, which a result of the function depends on}}
  // expected-note @+1 {{run tnn-expand-layers before tnn-differentiate}}
  %0 = tnn.linear #tnn.tt<out = [12], in = [10], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<10xf32>, tensor<1x12x6xf32>, tensor<6x10x1xf32>) -> tensor<12xf32>
  return %0 : tensor<12xf32>
}

// -----

func.func @no_rule(%x: tensor<10xf32>) -> tensor<10xf32> {
  // expected-error @+1 {{'arith.mulf' op has no rule for its gradient, which a result of the function depends on}}
  %0 = arith.mulf %x, %x : tensor<10xf32>
  return %0 : tensor<10xf32>
}

// -----

// expected-error @+1 {{'func.func' op is called, so its signature cannot change}}
func.func @called(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
func.func private @caller(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = call @called(%x) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// expected-error @+1 {{'func.func' op should have a body of one block to be differentiated}}
func.func @blocks(%x: tensor<2xf32>) -> tensor<2xf32> {
  cf.br ^bb1
^bb1:
  return %x : tensor<2xf32>
}

// -----

func.func @foreign(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>, %z: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+2 {{'linalg.matmul' op has no rule for its gradient}}
  // expected-note @+1 {{run convert-linalg-to-tnn before tnn-differentiate}}
  %y = linalg.matmul ins(%x, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%z : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

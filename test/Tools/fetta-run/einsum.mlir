// Every kind of step against FP64: sums, batch modes, outer products, scalars,
// a chain, results that are arguments, names from attributes and from the source.
// RUN: rm -rf %t && mkdir %t
// RUN: %python -m fetta example-inputs %s --outputs %t/in --function f --gradients > %t/log
// RUN: fetta-run %s --function f --inputs %t/in --outputs %t/fp 2>&1 | count 0
// RUN: fetta-run %s --function f --training --inputs %t/in --outputs %t/step 2>&1 | count 0
// RUN: %python %S/Inputs/check_einsum.py %t

func.func @f(%x: tensor<5x2x3xf32> {tnn.name = "input", tnn.role = "input"},
             %g0: tensor<3x4xf32> {tnn.role = "param"},
             %g1: tensor<2x4x6xf32> {tnn.role = "param"},
             %s: tensor<f32>)
    -> (tensor<5x6xf32> {tnn.name = "y"}, tensor<5x2x3xf32>) {
  %0 = tnn.einsum "b i j, j r, i r o,  -> b o" %x, %g0, %g1, %s
      : (tensor<5x2x3xf32>, tensor<3x4xf32>, tensor<2x4x6xf32>, tensor<f32>) -> tensor<5x6xf32>
  return %0, %x : tensor<5x6xf32>, tensor<5x2x3xf32>
}

// Not reached by @f: never compiled, whatever it holds.
func.func @other(%a: tensor<?xf32>) -> tensor<?xf32> {
  return %a : tensor<?xf32>
}

// bf16: rounded on load, summed in f32, rounded once; subnormals survive, NaN is
// canonical, whatever instructions the host has.
// RUN: rm -rf %t && mkdir %t
// RUN: %python %S/Inputs/bfloat16.py make %t
// RUN: fetta-run %s --function sum --inputs %t/in --outputs %t/out 2>&1 | count 0
// RUN: fetta-run %s --function sum --inputs %t/raw --outputs %t/rawout --raw-bf16 -O0
// RUN: fetta-run - --function sum --inputs %t/in --outputs %t/O3 -O3 < %s
// RUN: %python %S/Inputs/bfloat16.py check %t

func.func @sum(%a: tensor<4x300xbf16>, %b: tensor<300xbf16>) -> (tensor<4xbf16>, tensor<4x300xbf16>) {
  %0 = tnn.contract "i k, k -> i" %a, %b : (tensor<4x300xbf16>, tensor<300xbf16>) -> tensor<4xbf16>
  %1 = arith.addf %a, %a : tensor<4x300xbf16>
  return %0, %1 : tensor<4xbf16>, tensor<4x300xbf16>
}

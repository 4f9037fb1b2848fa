// Gradients that are wanted, storage and micro-batches. By hand for @layer:
// bir = 600 and bro = 700 multiply-adds; forward 1300, dG 1300, dH 700 on top of
// what the forward pass leaves there, x g of 100 elements.

// RUN: split-file %s %t
// DEFINE: %{remarks} = --remarks-filter=tnn-order-contractions -o /dev/null

// RUN: fetta-opt %t/layer.mlir --tnn-order-contractions %{remarks} 2>&1 | FileCheck %s --check-prefix=STORED
// STORED: remark: [Passed] contraction-order {{.*}} multiply_adds_total=3300, order=csse, phases=3, proven=true
// Y, x g, h dy, dG: 350 + 100 + 100 + 12.
// STORED: remark: [Analysis] memory {{.*}} input_elements=676, peak_elements=562, recomputed_multiply_adds=0, stored_activation_elements=100, stored_weight_elements=0

// dH first, then x g is not there any more: 350 + 14 + 100 + 12.
// RUN: fetta-opt %t/layer.mlir --tnn-order-contractions=smallest-peak %{remarks} 2>&1 | FileCheck %s --check-prefix=PEAK
// PEAK: multiply_adds_total=3300
// PEAK: peak_elements=476

// Nothing stored: x g a second time, which later passes must not take for the
// first.
// RUN: fetta-opt %t/layer.mlir --tnn-order-contractions=stored-limit=0 --cse --canonicalize | FileCheck %s --check-prefix=AGAIN
// AGAIN-LABEL: func @layer
// AGAIN:       %[[XG:.*]] = tnn.contract "b i, i r -> b r" %arg0, %arg1 {tnn.phase = "fp"}
// AGAIN-NEXT:  tnn.contract "b r, r o -> b o" %[[XG]], %arg2 {tnn.phase = "fp"}
// AGAIN:       %[[AGAIN:.*]] = tnn.contract "b i, i r -> b r" %arg0, %arg1 {tnn.phase = "wg"}
// AGAIN:       tnn.contract "b r, b o -> r o" %[[AGAIN]], %arg3 {tnn.phase = "wg"}
// RUN: fetta-opt %t/layer.mlir --tnn-order-contractions=stored-limit=0 %{remarks} 2>&1 | FileCheck %s --check-prefix=LIMIT
// RUN: fetta-opt %t/layer.mlir --tnn-order-contractions=stored-price=7 %{remarks} 2>&1 | FileCheck %s --check-prefix=LIMIT
// RUN: fetta-opt %t/layer.mlir --tnn-order-contractions=extra-flops=19 %{remarks} 2>&1 | FileCheck %s --check-prefix=LIMIT
// LIMIT: multiply_adds_shared=0, multiply_adds_total=3900, order=csse, phases=3, proven=true
// LIMIT: recomputed_multiply_adds=600, stored_activation_elements=0
// 600 more are 18.2 per cent, and 6 for each element.
// RUN: fetta-opt %t/layer.mlir --tnn-order-contractions=stored-price=5 %{remarks} 2>&1 | FileCheck %s --check-prefix=STORED
// RUN: fetta-opt %t/layer.mlir --tnn-order-contractions=extra-flops=18 %{remarks} 2>&1 | FileCheck %s --check-prefix=STORED

// Weights are what the roles say, not what comes second: g h is contracted once
// for ten micro-batches, and its 4096 are then worth it.
// RUN: fetta-opt %t/roles.mlir --tnn-order-contractions=micro-batches=10 | FileCheck %s --check-prefix=MANY
// RUN: fetta-opt %t/roles.mlir --tnn-order-contractions | FileCheck %s --check-prefix=ONE
// MANY: tnn.contract "i r, r o -> i o"
// ONE:  tnn.contract "i r, b i -> r b"

// A tree for slices of b elements: g h first takes 1024 + 64 b multiply-adds, x
// g first 256 b, so it is the better one up to 5. What is written is for all.
// RUN: fetta-opt %t/slice.mlir --tnn-order-contractions=slice=5 | FileCheck %s --check-prefix=FEW
// RUN: fetta-opt %t/slice.mlir --tnn-order-contractions=slice=6 | FileCheck %s --check-prefix=ENOUGH
// RUN: fetta-opt %t/slice.mlir --tnn-order-contractions | FileCheck %s --check-prefix=ENOUGH
// RUN: fetta-opt %t/slice.mlir --tnn-order-contractions=slice=5 %{remarks} 2>&1 | FileCheck %s --check-prefix=FEWER
// FEW: tnn.contract "b i, i r -> b r" {{.*}} -> tensor<64x16xf32>
// ENOUGH: tnn.contract "i r, r o -> i o"
// FEWER: multiply_adds_total=16384, order=csse, phases=1, proven=false
// FEWER: the tree is that of a slice
// RUN: not fetta-opt %t/slice.mlir --tnn-order-contractions=slice=-1 2>&1 | FileCheck %s --check-prefix=SLICE
// SLICE: error: option of tnn-order-contractions: slice is a number of elements, or 0

// The smallest intermediate of a chain is not that of the fewest multiply-adds.
// a b: 5 * 6 elements, 5 * 16 * 6 + 5 * 6 * 2 = 540 multiply-adds.
// b c: 16 * 2 elements, 16 * 6 * 2 + 5 * 16 * 2 = 352.
// RUN: fetta-opt %t/chain.mlir --tnn-order-contractions=objective=size %{remarks} 2>&1 | FileCheck %s --check-prefix=SIZE
// SIZE: multiply_adds_per_phase=540

// One file for all functions, by name.
// RUN: cat %t/layer.mlir %t/chain.mlir > %t/both.mlir
// RUN: fetta-opt %t/both.mlir --tnn-order-contractions=trace=%t/trace.json -o /dev/null
// RUN: %python -m json.tool --compact %t/trace.json | FileCheck %s --check-prefix=TRACE
// TRACE: {"schema":1,"functions":[{"function":"chain","families":[{"candidates":[
// TRACE-SAME: "chosen":{"lower_bound_per_phase":"352","multiply_adds":"352","order":"csse","path":"[(1, 2), (0, 1)]","peak_elements":"42","proven":true,
// TRACE-SAME: {"function":"layer","families":[{"candidates":[
// Everything is multiplied with the dense weight: 84 + 2100 forward, 2100 for its
// gradient, 84 for each core.
// TRACE-SAME: {"multiply_adds":"4452","order":"cores-first"
// TRACE-SAME: "chosen":{"lower_bound_per_phase":"1300","multiply_adds":"3300","order":"csse","path":"[(0, 1), (0, 1)]","peak_elements":"562","proven":true,"recomputed_multiply_adds":"0","stored_activation_elements":"100","stored_price":0,"stored_weight_elements":"0"}
// TRACE-SAME: "gradients_of":[1,2],"micro_batches":1,"steps":[

// RUN: not fetta-opt %t/layer.mlir --tnn-order-contractions=objective=speed 2>&1 | FileCheck %s --check-prefix=OBJECTIVE
// OBJECTIVE: error: option of tnn-order-contractions: objective is flops, size, write, combo-N, latency, energy or edp, not 'speed'
// RUN: not fetta-opt %t/layer.mlir "--tnn-order-contractions=stored-limit=1 extra-flops=1" 2>&1 | FileCheck %s --check-prefix=TWO
// TWO: error: option of tnn-order-contractions: stored-price, stored-limit and extra-flops exclude each other
// RUN: not fetta-opt %s --tnn-order-contractions=micro-batches=0 2>&1 | FileCheck %s --check-prefix=NOBATCH
// NOBATCH: error: option of tnn-order-contractions: micro-batches is at least 1
// RUN: not fetta-opt %t/layer.mlir --tnn-order-contractions=trace=- 2>&1 | FileCheck %s --check-prefix=DASH
// DASH: error: option of tnn-order-contractions: trace needs a file
// RUN: not fetta-opt %t/layer.mlir --tnn-order-contractions=trace=%t/nowhere/trace.json 2>&1 | FileCheck %s --check-prefix=NOWHERE
// NOWHERE: nowhere/trace.json
// x h is an outer product of 50 * 6 * 2 * 7 elements.
// RUN: not fetta-opt %t/layer.mlir "--tnn-order-contractions=order=right-to-left stored-limit=0 recompute=false" 2>&1 | FileCheck %s --check-prefix=TREE
// TREE: error: 'tnn.einsum' op cannot be ordered: the tree has to store 4200 elements for the gradients, more than the limit of 0

//--- layer.mlir
func.func @layer(%x: tensor<50x6xf32>, %g: tensor<6x2xf32>, %h: tensor<2x7xf32>, %dy: tensor<50x7xf32>)
    -> (tensor<50x7xf32>, tensor<6x2xf32>, tensor<2x7xf32>) {
  %y = tnn.einsum "b i, i r, r o -> b o" %x, %g, %h : (tensor<50x6xf32>, tensor<6x2xf32>, tensor<2x7xf32>) -> tensor<50x7xf32>
  %dg = tnn.einsum "b i, r o, b o -> i r" %x, %h, %dy {tnn.phase = "wg"} : (tensor<50x6xf32>, tensor<2x7xf32>, tensor<50x7xf32>) -> tensor<6x2xf32>
  %dh = tnn.einsum "b i, i r, b o -> r o" %x, %g, %dy {tnn.phase = "wg"} : (tensor<50x6xf32>, tensor<6x2xf32>, tensor<50x7xf32>) -> tensor<2x7xf32>
  return %y, %dg, %dh : tensor<50x7xf32>, tensor<6x2xf32>, tensor<2x7xf32>
}

//--- roles.mlir
func.func @roles(%g: tensor<8x64xf32> {tnn.role = "param"}, %x: tensor<4x8xf32> {tnn.role = "input"}, %flat: tensor<512xf32> {tnn.role = "param"}) -> tensor<4x8xf32> {
  %h = tensor.expand_shape %flat [[0, 1]] output_shape [64, 8] : tensor<512xf32> into tensor<64x8xf32>
  %y = tnn.einsum "i r, b i, r o -> b o" %g, %x, %h : (tensor<8x64xf32>, tensor<4x8xf32>, tensor<64x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

//--- slice.mlir
func.func @slice(%x: tensor<64x4x2xf32> {tnn.role = "input"}, %g: tensor<8x16xf32> {tnn.role = "param"}, %h: tensor<16x8xf32> {tnn.role = "param"}) -> tensor<64x8xf32> {
  %flat = tensor.collapse_shape %x [[0], [1, 2]] : tensor<64x4x2xf32> into tensor<64x8xf32>
  %y = tnn.einsum "b i, i r, r o -> b o" %flat, %g, %h : (tensor<64x8xf32>, tensor<8x16xf32>, tensor<16x8xf32>) -> tensor<64x8xf32>
  return %y : tensor<64x8xf32>
}

//--- chain.mlir
func.func @chain(%a: tensor<5x16xf32>, %b: tensor<16x6xf32>, %c: tensor<6x2xf32>) -> tensor<5x2xf32> {
  %0 = tnn.einsum "ij,jk,kl->il" %a, %b, %c : (tensor<5x16xf32>, tensor<16x6xf32>, tensor<6x2xf32>) -> tensor<5x2xf32>
  return %0 : tensor<5x2xf32>
}

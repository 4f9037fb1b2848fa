// RUN: fetta-opt %s --verify-roundtrip | FileCheck %s
// RUN: fetta-opt %s --mlir-print-op-generic | fetta-opt | FileCheck %s
// RUN: fetta-opt %s --emit-bytecode | fetta-opt | FileCheck %s

// CHECK-LABEL: func @einsum
func.func @einsum(%x: tensor<8x2x3xf32>, %g0: tensor<3x4xf32>, %g1: tensor<4x2x5xf32>) -> tensor<8x5xf32> {
  // CHECK: tnn.einsum "b i0 i1, i1 r, r i0 o -> b o" %{{.*}}, %{{.*}}, %{{.*}} : (tensor<8x2x3xf32>, tensor<3x4xf32>, tensor<4x2x5xf32>) -> tensor<8x5xf32>
  %0 = tnn.einsum "b i0 i1, i1 r, r i0 o -> b o" %x, %g0, %g1
      : (tensor<8x2x3xf32>, tensor<3x4xf32>, tensor<4x2x5xf32>) -> tensor<8x5xf32>
  // CHECK: path [(0, 1), (0, 1)] {tnn.phase = "fp"} :
  %1 = tnn.einsum "b i0 i1, i1 r, r i0 o -> b o" %x, %g0, %g1 path [(0, 1), (0, 1)] {tnn.phase = "fp"}
      : (tensor<8x2x3xf32>, tensor<3x4xf32>, tensor<4x2x5xf32>) -> tensor<8x5xf32>
  return %1 : tensor<8x5xf32>
}

// Single letters without spaces are sugar; the attribute may be spelled out.
// CHECK-LABEL: func @sugar
func.func @sugar(%a: tensor<4x5xbf16>, %b: tensor<5x6xbf16>, %s: tensor<bf16>) -> tensor<4x6xf32> {
  // CHECK: tnn.einsum "i j, j k -> i k"
  %0 = tnn.einsum "ij,jk->ik" %a, %b : (tensor<4x5xbf16>, tensor<5x6xbf16>) -> tensor<4x6xbf16>
  // CHECK: tnn.contract "i j, j k -> i k" %{{.*}}, %{{.*}} {tnn.phase = "wg"} : (tensor<4x5xbf16>, tensor<5x6xbf16>) -> tensor<4x6xf32>
  %1 = tnn.contract #tnn.einsum<"ij,jk->ik"> %a, %b {tnn.phase = "wg"} : (tensor<4x5xbf16>, tensor<5x6xbf16>) -> tensor<4x6xf32>
  // A scalar operand has no modes.
  // CHECK: tnn.contract "i j,  -> i j"
  %2 = tnn.contract "ij,->ij" %a, %s : (tensor<4x5xbf16>, tensor<bf16>) -> tensor<4x5xbf16>
  // A full sum leaves a scalar.
  // CHECK: tnn.contract "i j, i j -> " %{{.*}} -> tensor<f32>
  %3 = tnn.contract "ij,ij->" %a, %2 : (tensor<4x5xbf16>, tensor<4x5xbf16>) -> tensor<f32>
  return %1 : tensor<4x6xf32>
}

// CHECK-LABEL: func @linear
// CHECK-SAME: tnn.name = "x", tnn.role = "input"
func.func @linear(%x: tensor<2x7x10xf32> {tnn.name = "x", tnn.role = "input"},
                  %g0: tensor<1x4x2x6xf32> {tnn.role = "param"},
                  %g1: tensor<6x3x5x1xf32> {tnn.role = "param"},
                  %bias: tensor<12xf32> {tnn.role = "param"},
                  %t: tensor<2x7x12xf32> {tnn.role = "target"},
                  %h: tensor<3xf32> {tnn.role = "state"})
    -> (tensor<2x7x12xf32> {tnn.name = "y"}) {
  // CHECK: tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %{{.*}}, cores(%{{.*}}, %{{.*}}) bias(%{{.*}}) : (tensor<2x7x10xf32>, tensor<1x4x2x6xf32>, tensor<6x3x5x1xf32>, tensor<12xf32>) -> tensor<2x7x12xf32>
  %0 = tnn.linear #tnn.ttm<out = [4, 3], in = [2, 5], ranks = [1, 6, 1]> %x, cores(%g0, %g1) bias(%bias)
      : (tensor<2x7x10xf32>, tensor<1x4x2x6xf32>, tensor<6x3x5x1xf32>, tensor<12xf32>) -> tensor<2x7x12xf32>
  return %0 : tensor<2x7x12xf32>
}

// A batch is not needed, nor more than one mode on a side.
// CHECK-LABEL: func @vector
func.func @vector(%x: tensor<10xbf16>, %g0: tensor<1x12x6xbf16>, %g1: tensor<6x10x1xbf16>) -> tensor<12xbf16> {
  // CHECK: tnn.linear #tnn.tt<out = [12], in = [10], ranks = [1, 6, 1]> %{{.*}}, cores(%{{.*}}, %{{.*}})
  %0 = tnn.linear #tnn.tt<out = [12], in = [10], ranks = [1, 6, 1]> %x, cores(%g0, %g1)
      : (tensor<10xbf16>, tensor<1x12x6xbf16>, tensor<6x10x1xbf16>) -> tensor<12xbf16>
  return %0 : tensor<12xbf16>
}

// CHECK-LABEL: func @sums
func.func @sums(%x: tensor<4x5xbf16>, %d: tensor<4x6xbf16>, %s: tensor<5x6xf32>) -> tensor<5x6xf32> {
  // CHECK: tnn.contract "b i, b o -> i o" %{{.*}}, %{{.*}} init(%{{.*}}) {tnn.phase = "wg"} : (tensor<4x5xbf16>, tensor<4x6xbf16>, tensor<5x6xf32>) -> tensor<5x6xf32>
  %0 = tnn.contract "bi,bo->io" %x, %d init(%s) {tnn.phase = "wg"}
      : (tensor<4x5xbf16>, tensor<4x6xbf16>, tensor<5x6xf32>) -> tensor<5x6xf32>
  // CHECK: tnn.contract "b i, b o -> i o" %{{.*}}, %{{.*}} init(%{{.*}}) : (tensor<4x5xbf16>, tensor<4x6xbf16>, tensor<5x6xf32>) -> tensor<5x6xbf16>
  %1 = tnn.contract "bi,bo->io" %x, %d init(%0) : (tensor<4x5xbf16>, tensor<4x6xbf16>, tensor<5x6xf32>) -> tensor<5x6xbf16>
  return %0 : tensor<5x6xf32>
}

// The dialect works in stock mlir-opt, loaded as a plugin.
// RUN: %llvm/mlir-opt --load-dialect-plugin=%build/lib/fetta-plugin.so %s | FileCheck %s

// CHECK: tnn.einsum "i j, j k -> i k"
func.func @f(%a: tensor<4x5xf32>, %b: tensor<5x6xf32>) -> tensor<4x6xf32> {
  %0 = tnn.einsum "ij,jk->ik" %a, %b : (tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

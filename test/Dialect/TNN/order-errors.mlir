// RUN: fetta-opt %s --tnn-order-contractions=order=given --split-input-file --verify-diagnostics

func.func @no_path(%a: tensor<2x100xf32>, %b: tensor<100x3xf32>, %c: tensor<3x4xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{'tnn.einsum' op cannot be ordered: order=given needs a path at every forward einsum, e.g. path [(0, 1), ...]}}
  %0 = tnn.einsum "ij,jk,kl->il" %a, %b, %c : (tensor<2x100xf32>, tensor<100x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// 2^21 * 2^21 * 2^21 = 2^63 multiply-adds in one step.
func.func @too_much(%a: tensor<2097152x2097152xf32>, %b: tensor<2097152x2097152xf32>, %c: tensor<2097152x2097152xf32>) -> tensor<2097152x2097152xf32> {
  // expected-error @+1 {{'tnn.einsum' op needs a contraction "j k, k l -> j l" of 9223372036854775808 multiply-adds, more than 63 bits can count}}
  %0 = tnn.einsum "ij,jk,kl->il" %a, %b, %c path [(1, 2), (0, 1)] : (tensor<2097152x2097152xf32>, tensor<2097152x2097152xf32>, tensor<2097152x2097152xf32>) -> tensor<2097152x2097152xf32>
  return %0 : tensor<2097152x2097152xf32>
}

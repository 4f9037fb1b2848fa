// Dialects and passes work in stock mlir-opt, loaded as a plugin.
// RUN: %llvm/mlir-opt --load-dialect-plugin=%build/lib/fetta-plugin.so \
// RUN:   --load-pass-plugin=%build/lib/fetta-plugin.so %s \
// RUN:   --pass-pipeline='builtin.module(func.func(tnn-order-contractions{order=csse}))' \
// RUN:   | FileCheck %s --check-prefix=ORDER
// RUN: %llvm/mlir-opt --load-dialect-plugin=%build/lib/fetta-plugin.so \
// RUN:   --load-pass-plugin=%build/lib/fetta-plugin.so %s \
// RUN:   --pass-pipeline='builtin.module(fetta-attach-machine{file=%machines/fetta-edge.yaml})' \
// RUN:   | FileCheck %s --check-prefix=MACHINE
// Without the plugin the dialect is unknown.
// RUN: not %llvm/mlir-opt %s 2>&1 | FileCheck %s --check-prefix=WITHOUT

// MACHINE: #fetta.machine
// ORDER: tnn.contract
// ORDER: tnn.contract
// WITHOUT: error: {{.*}}tnn
func.func @f(%a: tensor<4x5xbf16>, %b: tensor<5x6xbf16>, %c: tensor<6x2xbf16>) -> tensor<4x2xbf16> {
  %0 = tnn.einsum "ij,jk,kl->il" %a, %b, %c
      : (tensor<4x5xbf16>, tensor<5x6xbf16>, tensor<6x2xbf16>) -> tensor<4x2xbf16>
  return %0 : tensor<4x2xbf16>
}

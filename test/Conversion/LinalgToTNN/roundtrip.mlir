// To linalg and back: the same contraction, mode names aside.
// RUN: fetta-opt %s --convert-tnn-to-linalg --convert-linalg-to-tnn | FileCheck %s

// CHECK-LABEL: func @there_and_back
// CHECK-SAME: %[[X:.*]]: tensor<4x2x3xbf16>, %[[G:.*]]: tensor<3x5xbf16>
func.func @there_and_back(%x: tensor<4x2x3xbf16>, %g: tensor<3x5xbf16>) -> tensor<2x4x5xbf16> {
  // CHECK-NEXT: %[[Y:.*]] = tnn.contract "m0 m1 k, k n -> m1 m0 n" %[[X]], %[[G]] : (tensor<4x2x3xbf16>, tensor<3x5xbf16>) -> tensor<2x4x5xbf16>
  // CHECK-NEXT: return %[[Y]]
  %0 = tnn.contract "b i k, k o -> i b o" %x, %g : (tensor<4x2x3xbf16>, tensor<3x5xbf16>) -> tensor<2x4x5xbf16>
  return %0 : tensor<2x4x5xbf16>
}

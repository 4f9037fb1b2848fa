// The TT layer 768x768 of models/atis-tt-linear.mlir, whole training step.
// Multiply-adds are those of docs/Search.md: fewest 691,200 for a phase; three
// times that for all of them; btt 838,656; right-to-left 1,253,376.
// DEFINE: %{prepare} = fetta-opt %models/atis-tt-linear.mlir --tnn-expand-layers --tnn-differentiate --cse
// DEFINE: %{remarks} = --remarks-filter=tnn-order-contractions -o /dev/null

// RUN: %{prepare} --tnn-order-contractions %{remarks} 2>&1 | FileCheck %s --check-prefix=CSSE
// CSSE: remark: [Passed] contraction-order {{.*}} contractions=18, {{.*}} multiply_adds_per_phase=691200, multiply_adds_shared=3456000, multiply_adds_total=2073600, order=csse, phases=8, proven=true
// CSSE: remark: [Analysis] multiply-adds {{.*}} fp=691200, total=2073600
// CSSE-NOT: Missed

// RUN: %{prepare} --tnn-order-contractions=order=btt %{remarks} 2>&1 | FileCheck %s --check-prefix=BTT
// BTT: multiply_adds_per_phase=838656, {{.*}} multiply_adds_total=2515968, order=btt, phases=8, proven=false
// BTT: remark: [Missed] fewer-multiply-adds {{.*}}Remark="order=btt takes 838656 multiply-adds a phase, order=csse takes 691200

// RUN: %{prepare} --tnn-order-contractions=order=right-to-left %{remarks} 2>&1 | FileCheck %s --check-prefix=RTL
// RTL: multiply_adds_per_phase=1253376, {{.*}} multiply_adds_total=3760128, order=right-to-left, phases=8, proven=false
// RTL: remark: [Missed] fewer-multiply-adds {{.*}}Remark="order=right-to-left takes 1253376 multiply-adds a phase, order=csse takes 691200

// The dense weight costs 768 * 768 * 32 = 18,874,368 to apply alone.
// RUN: %{prepare} --tnn-order-contractions=order=cores-first %{remarks} 2>&1 | FileCheck %s --check-prefix=DENSE
// DENSE: bp=18874368

// Beyond the exact limit the order is good, but not proven.
// RUN: %{prepare} --tnn-order-contractions=exact-limit=4 %{remarks} 2>&1 | FileCheck %s --check-prefix=LIMIT
// LIMIT: proven=false
// LIMIT: remark: [Missed] optimum-not-proven {{.*}}Remark="7 tensors exceed the exact limit of 4

// Forward contractions come first, then the rest; nothing reads dY before Y is
// there. Outputs of parameters are f32.
// RUN: %{prepare} --tnn-order-contractions | FileCheck %s --check-prefix=IR
// IR: %[[DY:[^ ]*]]: tensor<32x768xbf16> {tnn.name = "d_y"
// IR-NOT: tnn.einsum
// IR-COUNT-6: tnn.phase = "fp"
// IR-NOT: tnn.phase = "fp"
// IR: tensor.collapse_shape %{{.*}} : tensor<32x12x8x8xbf16> into tensor<32x768xbf16>
// IR: tensor.expand_shape %[[DY]]
// IR-COUNT-4: tnn.phase = "bp"
// IR-NOT: tnn.phase = "bp"
// IR-COUNT-8: tnn.phase = "wg"

// At one token right-to-left is optimal and btt 6.8 times dearer; from 128
// tokens on btt is.
// RUN: %python %models/generate.py --tokens 1 > %t1.mlir
// RUN: fetta-opt %t1.mlir --tnn-expand-layers --tnn-order-contractions %{remarks} 2>&1 | FileCheck %s --check-prefix=ONE
// RUN: fetta-opt %t1.mlir --tnn-expand-layers --tnn-order-contractions=order=right-to-left %{remarks} 2>&1 | FileCheck %s --check-prefix=ONE
// ONE: multiply_adds_per_phase=39168, {{.*}} phases=1, proven=true
// RUN: fetta-opt %t1.mlir --tnn-expand-layers --tnn-order-contractions=order=btt %{remarks} 2>&1 | FileCheck %s --check-prefix=ONE-BTT
// ONE-BTT: multiply_adds_per_phase=267264
// RUN: %python %models/generate.py --tokens 128 > %t128.mlir
// RUN: fetta-opt %t128.mlir --tnn-expand-layers --tnn-order-contractions=order=btt %{remarks} 2>&1 | FileCheck %s --check-prefix=MANY
// MANY: order=btt, phases=1, proven=true

// The generator's defaults are the model.
// RUN: %python %models/generate.py | diff - %models/atis-tt-linear.mlir

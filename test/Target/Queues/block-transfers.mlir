// RUN: fetta-opt %s --fetta-block-transfers | FileCheck %s

// 256 tokens share a row, so a run of one burst, 32 elements, opens 32 rows; two
// blocks fit the 64 rows of the buffer. In FP32 that is two bursts. What
// fits the buffer row-major, and blocks that are there, stay.
module attributes {fetta.machine = #fetta.machine<accumulate_cycles = 1, accumulator_rows = 128, ce_style = "broadcast", clock_mhz = 1000, column_add_cycles = 1, contraction_engines = 64, convert_write_cycles = 2, dram_burst_bytes = 64, dram_bytes_per_second = 25600000000, dram_latency_cycles = 100, energy_preset = "tpu7nm", fp32_add_distance_cycles = 1, memory_read_cycles = 2, multiply_cycles = 1, name = "fetta-edge", networks = "benes", pe_columns = 4, pe_rows = 4, reduction_add_cycles = 1, route_bytes_per_cycle = 32, route_slots = 16, rows_per_slab = 2048, slabs = 4, staging_rows = 64, switch_stages_per_cycle = 4, vector_lanes = 64>} {

// CHECK-LABEL: func.func @f
func.func @f(%x: tensor<512x96xbf16>) -> (tensor<256x96xbf16>, tensor<512x32xbf16>) {
  // CHECK: fetta.load %arg0 at 0 blocks [256, 32] :
  %0 = fetta.load %x at 0 : tensor<512x96xbf16>
      -> tensor<256x8x12xbf16, #fetta.layout<banks [d0:0, d0:1, d0:2, d0:3, d0:4, d0:5, d0:6, d0:7] rows [1, 12, 1]>>
  // CHECK: fetta.load %arg0 at 0 blocks [7] :
  %1 = fetta.load %x at 0 blocks [7] : tensor<512x96xbf16>
      -> tensor<256x8x12xbf16, #fetta.layout<banks [d0:0, d0:1, d0:2, d0:3, d0:4, d0:5, d0:6, d0:7] rows [1, 12, 1]>>
  // CHECK: fetta.load %arg0 at 0 strides [96, 1] :
  %2 = fetta.load %x at 0 strides [96, 1] : tensor<512x96xbf16>
      -> tensor<512x32xbf16, #fetta.layout<banks [d0:0, d0:1, d0:2, d0:3, d0:4, d0:5, d0:6, d0:7] rows [32, 1]>>
  %y0 = tensor.empty() : tensor<256x96xbf16>
  // CHECK: fetta.store %{{.*}} into %{{.*}} at 0 blocks [256, 32] :
  %y1 = fetta.store %0 into %y0 at 0
      : tensor<256x8x12xbf16, #fetta.layout<banks [d0:0, d0:1, d0:2, d0:3, d0:4, d0:5, d0:6, d0:7] rows [1, 12, 1]>>, tensor<256x96xbf16>
  %z0 = tensor.empty() : tensor<512x32xbf16>
  // CHECK: fetta.store %{{.*}} into %{{.*}} at 0 :
  %z1 = fetta.store %2 into %z0 at 0
      : tensor<512x32xbf16, #fetta.layout<banks [d0:0, d0:1, d0:2, d0:3, d0:4, d0:5, d0:6, d0:7] rows [32, 1]>>, tensor<512x32xbf16>
  return %y1, %z1 : tensor<256x96xbf16>, tensor<512x32xbf16>
}

// CHECK-LABEL: func.func @full
func.func @full(%x: tensor<256x64xf32>) -> tensor<256x64xf32> {
  // CHECK: fetta.load %arg0 at 0 blocks [256, 32] :
  %0 = fetta.load %x at 0 : tensor<256x64xf32>
      -> tensor<256x64xf32, #fetta.layout<banks [d0:0, d0:1, d0:2, d0:3, d0:4, d0:5, d0:6, d0:7] rows [64, 1]>>
  %y0 = tensor.empty() : tensor<256x64xf32>
  // CHECK: fetta.store %{{.*}} into %{{.*}} at 0 blocks [256, 32] :
  %y1 = fetta.store %0 into %y0 at 0
      : tensor<256x64xf32, #fetta.layout<banks [d0:0, d0:1, d0:2, d0:3, d0:4, d0:5, d0:6, d0:7] rows [64, 1]>>, tensor<256x64xf32>
  return %y1 : tensor<256x64xf32>
}
}

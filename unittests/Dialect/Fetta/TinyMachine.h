//===- TinyMachine.h - A module for a small machine -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The beginning of modules that tests of final programs are written in.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_DIALECT_FETTA_TINYMACHINE_H
#define FETTA_UNITTESTS_DIALECT_FETTA_TINYMACHINE_H

namespace fetta::hw {

/// Of a machine of two CEs and four slabs of eight rows; up to the first
/// operation.
inline constexpr const char *tinyModule = R"(
module attributes {fetta.machine = #fetta.machine<
    accumulate_cycles = 1, accumulator_rows = 4, ce_style = "broadcast",
    clock_mhz = 1000, column_add_cycles = 1, contraction_engines = 2,
    convert_write_cycles = 2, dram_burst_bytes = 64,
    dram_bytes_per_second = 25600000000, dram_latency_cycles = 100,
    energy_preset = "tpu7nm", fp32_add_distance_cycles = 1,
    memory_read_cycles = 2, multiply_cycles = 1, name = "tiny",
    networks = "benes", pe_columns = 2, pe_rows = 2, reduction_add_cycles = 1,
    route_bytes_per_cycle = 32, route_slots = 16, rows_per_slab = 8, slabs = 4,
    staging_rows = 64, switch_stages_per_cycle = 4, vector_lanes = 64>} {
)";

} // namespace fetta::hw

#endif // FETTA_UNITTESTS_DIALECT_FETTA_TINYMACHINE_H

//===- Fields.cpp - The parameters of a machine as a table ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fields.h"

using namespace fetta;

static constexpr llvm::StringRef styleWords[] = {"broadcast", "systolic"};
static constexpr llvm::StringRef topologyWords[] = {"benes", "butterfly"};

// Where a number is stored as it is shown.
#define FETTA_PLAIN(member)                                                    \
  [](const Machine &m) { return int64_t(m.member); },                          \
      [](Machine &m, int64_t v) { m.member = v; }
// Where only the exponent is stored.
#define FETTA_LOG2(member)                                                     \
  [](const Machine &m) { return int64_t(1) << m.member; },                     \
      [](Machine &m, int64_t v) { m.member = llvm::Log2_64(uint64_t(v)); }
#define FETTA_ENUM(member)                                                     \
  [](const Machine &m) { return int64_t(m.member); },                          \
      [](Machine &m, int64_t v) { m.member = decltype(m.member)(v); }

static const MachineField fields[] = {
    {"contraction_engines",
     "contraction engines (CEs)",
     1,
     4096,
     true,
     {},
     FETTA_LOG2(ceBits)},
    {"pe_rows",
     "rows of processing elements (PEs) in a CE",
     1,
     256,
     true,
     {},
     FETTA_LOG2(peRowBits)},
    {"pe_columns",
     "columns of PEs in a CE",
     1,
     256,
     true,
     {},
     FETTA_LOG2(peColumnBits)},
    {"ce_style", "how operands cross a CE", 0, 1, false, styleWords,
     FETTA_ENUM(ceStyle)},
    {"slabs",
     "slabs of tensor memory, each with one row access a cycle",
     1,
     64,
     false,
     {},
     FETTA_PLAIN(slabs)},
    {"rows_per_slab",
     "rows of P 16-bit words in a slab",
     1,
     1 << 20,
     false,
     {},
     FETTA_PLAIN(rowsPerSlab)},
    {"accumulator_rows",
     "rows of P 32-bit words in each of the two halves",
     1,
     1 << 16,
     false,
     {},
     FETTA_PLAIN(accumulatorRows)},
    {"networks", "topology of all networks", 0, 1, false, topologyWords,
     FETTA_ENUM(networks)},
    {"route_slots",
     "routes that a network holds",
     1,
     256,
     false,
     {},
     FETTA_PLAIN(routeSlots)},
    {"route_bytes_per_cycle",
     "rate at which a network loads route words",
     1,
     4096,
     false,
     {},
     FETTA_PLAIN(routeBytesPerCycle)},
    {"memory_read_cycles",
     "latency of a read of tensor memory",
     1,
     1000,
     false,
     {},
     FETTA_PLAIN(latency.memoryRead)},
    {"switch_stages_per_cycle",
     "switch stages that a word passes in a cycle",
     1,
     64,
     false,
     {},
     FETTA_PLAIN(latency.switchStagesPerCycle)},
    {"multiply_cycles",
     "latency of a multiplier",
     1,
     1000,
     false,
     {},
     FETTA_PLAIN(latency.multiply)},
    {"column_add_cycles",
     "latency of one adder of a PE column",
     1,
     1000,
     false,
     {},
     FETTA_PLAIN(latency.columnAdd)},
    {"reduction_add_cycles",
     "latency of one adding stage",
     1,
     1000,
     false,
     {},
     FETTA_PLAIN(latency.reductionAdd)},
    {"accumulate_cycles",
     "latency of an accumulator update",
     1,
     1000,
     false,
     {},
     FETTA_PLAIN(latency.accumulate)},
    {"convert_write_cycles",
     "rounding to BF16 and the write of a row",
     1,
     1000,
     false,
     {},
     FETTA_PLAIN(latency.convertWrite)},
    {"fp32_add_distance_cycles",
     "least distance of two beats on one accumulator word",
     1,
     1000,
     false,
     {},
     FETTA_PLAIN(latency.fp32Add)},
    {"vector_lanes",
     "FP32 lanes of the vector unit",
     1,
     4096,
     true,
     {},
     FETTA_PLAIN(vectorLanes)},
    {"dram_bytes_per_second",
     "peak rate of the DRAM link",
     1,
     int64_t(1) << 50,
     false,
     {},
     FETTA_PLAIN(dramBytesPerSecond)},
    {"dram_latency_cycles",
     "latency of a DRAM access in array cycles",
     1,
     1000000,
     false,
     {},
     FETTA_PLAIN(dramLatencyCycles)},
    {"dram_burst_bytes",
     "smallest DRAM access",
     1,
     4096,
     true,
     {},
     FETTA_PLAIN(dramBurstBytes)},
    {"staging_rows",
     "rows of tensor memory that a DMA engine assembles or fetches at a time",
     1,
     4096,
     false,
     {},
     FETTA_PLAIN(stagingRows)},
    {"clock_mhz",
     "clock of array, memories and networks",
     1,
     100000,
     false,
     {},
     [](const Machine &m) { return m.clockHz / 1000000; },
     [](Machine &m, int64_t v) { m.clockHz = v * 1000000; }},
};

#undef FETTA_PLAIN
#undef FETTA_LOG2
#undef FETTA_ENUM

llvm::ArrayRef<MachineField> fetta::machineFields() { return fields; }

std::string MachineField::text(const Machine &machine) const {
  int64_t value = get(machine);
  return words.empty() ? std::to_string(value) : words[size_t(value)].str();
}

std::string MachineField::complaint(int64_t value) const {
  if (value < min || value > max)
    return "'" + key.str() + "' is " + std::to_string(value) +
           ", it must lie between " + std::to_string(min) + " and " +
           std::to_string(max) +
           (key.starts_with("dram_") && value <= 0
                ? "; for a memory that takes no time run with --dram=ideal"
                : "");
  if (powerOfTwo && !llvm::isPowerOf2_64(uint64_t(value))) {
    uint64_t below = llvm::bit_floor(uint64_t(value));
    return "'" + key.str() + "' is " + std::to_string(value) +
           ", it must be a power of two: " + std::to_string(below) + " or " +
           std::to_string(below * 2);
  }
  return "";
}

//===- Describe.cpp - A machine in words ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fields.h"
#include "fetta/Machine/Machine.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace fetta;

/// What a parameter changes in a run, beside the machine's fingerprint.
static llvm::StringRef effectOf(llvm::StringRef key) {
  static const std::pair<llvm::StringRef, llvm::StringRef> effects[] = {
      {"contraction_engines", "peak, lanes, depth of the networks, mapping"},
      {"pe_rows", "peak, lanes, column chain, length of stationary loads"},
      {"pe_columns", "peak, lanes, mapping"},
      {"ce_style", "nothing yet: operands are broadcast"},
      {"slabs", "capacity, and which accesses collide (slab-conflict)"},
      {"rows_per_slab", "capacity: what has to be sliced or spilled"},
      {"accumulator_rows", "size of scopes: mapping, drain-busy, reload"},
      {"networks", "stages: pipeline, route bytes, energy; a butterfly serves "
                   "more in sub-beats (bank-conflict)"},
      {"route_slots", "route loads that repeat: wait-route, energy"},
      {"route_bytes_per_cycle", "time of route loads: wait-route"},
      {"memory_read_cycles", "pipeline: fill, wait-row"},
      {"switch_stages_per_cycle", "pipeline: fill, wait-row"},
      {"multiply_cycles", "pipeline: fill, wait-row"},
      {"column_add_cycles", "pipeline, once per PE row: fill, wait-row"},
      {"reduction_add_cycles", "pipeline, once per lane bit: fill, wait-row"},
      {"accumulate_cycles", "pipeline: fill, wait-row"},
      {"convert_write_cycles", "pipeline: fill, wait-row"},
      {"fp32_add_distance_cycles", "pipeline, and beats on one word "
                                   "(acc-hazard)"},
      {"vector_lanes", "nothing yet: the vector unit has no instructions"},
      {"dram_bytes_per_second", "time of transfers: limit dram, "
                                "wait-semaphore"},
      {"dram_latency_cycles", "end of each transfer: wait-semaphore"},
      {"dram_burst_bytes", "bytes of short runs: limit dram, energy"},
      {"staging_rows", "cycles that transfers take from the array "
                       "(slab-conflict), evicted rows"},
      {"clock_mhz", "seconds of a cycle; DRAM bytes in a cycle"},
      {energyPresetKey, "energy only"},
  };
  for (const auto &[name, effect] : effects)
    if (name == key)
      return effect;
  return "";
}

void fetta::describe(const Machine &m, llvm::raw_ostream &os) {
  auto sourceOf = [&](llvm::StringRef key) {
    auto it = m.sources.find(key.str());
    return it == m.sources.end() ? llvm::StringRef("-")
                                 : llvm::StringRef(it->second);
  };
  os << "machine " << m.name << "\n\nparameters\n";
  auto line = [&](llvm::StringRef key, llvm::StringRef value,
                  llvm::StringRef meaning) {
    os << llvm::formatv(
        "  {0,-26} {1,12}  {2}\n  {3,-26} {3,12}  affects: {4}\n"
        "  {3,-26} {3,12}  source: {5}\n",
        key, value, meaning, "", effectOf(key), sourceOf(key));
  };
  for (const MachineField &field : machineFields())
    line(field.key, field.text(m), field.meaning);
  line(energyPresetKey, m.energyPreset, "energy per event");

  os << "\nderived figures\n";
  auto figure = [&](llvm::StringRef what, const llvm::Twine &value) {
    os << llvm::formatv("  {0,-34} {1}\n", what, value.str());
  };
  int64_t rowBytes = m.lanes() * 2;
  int64_t slabBytes = m.rowsPerSlab * rowBytes;
  int64_t adders = int64_t(m.laneBits()) * (m.lanes() / 2);
  int64_t routeBytes =
      llvm::divideCeil(int64_t(m.networkStages()) * (m.lanes() / 2) * 2, 8);
  figure("processing elements", llvm::Twine(m.pes()));
  figure("lanes = banks",
         llvm::Twine(m.lanes()) + " (" + llvm::Twine(m.laneBits()) + " bits)");
  figure("peak multiply-adds per second",
         llvm::formatv("{0:f1}e9", double(m.pes()) * double(m.clockHz) / 1e9)
             .str());
  figure("tensor memory bytes", llvm::Twine(m.slabs * slabBytes) + " (" +
                                    llvm::Twine(m.slabs) + " slabs of " +
                                    llvm::Twine(m.rowsPerSlab) + " rows of " +
                                    llvm::Twine(rowBytes) + " bytes)");
  figure("accumulator bytes",
         llvm::Twine(2 * m.accumulatorRows * m.lanes() * 4) + " (2 halves of " +
             llvm::Twine(m.accumulatorRows) + " rows of " +
             llvm::Twine(m.lanes() * 4) + " bytes)");
  figure("network stages", llvm::Twine(m.networkStages()));
  figure("adders of the reduction network", llvm::Twine(adders));
  figure("route bytes",
         llvm::Twine(routeBytes) + " (loaded in " +
             llvm::Twine(llvm::divideCeil(routeBytes, m.routeBytesPerCycle)) +
             " cycles), masks apart");
  figure(
      "DRAM bytes per cycle",
      llvm::formatv("{0:f2}", double(m.dramBytesPerSecond) / double(m.clockHz))
          .str());
  int64_t burst =
      int64_t(llvm::divideCeil(uint64_t(m.dramBurstBytes) * uint64_t(m.clockHz),
                               uint64_t(m.dramBytesPerSecond)));
  figure("DRAM cycles of a burst, at most", llvm::Twine(burst));
  figure("staging bytes", llvm::Twine(2 * m.stagingRows * rowBytes) +
                              " (a buffer of " + llvm::Twine(m.stagingRows) +
                              " rows for loads, one for stores)");
  figure("multiply-adds per DRAM byte at peak",
         llvm::formatv("{0:f1}", double(m.pes()) * double(m.clockHz) /
                                     double(m.dramBytesPerSecond))
             .str());
  figure("pipeline cycles", llvm::Twine(m.pipelineCycles()));
  auto term = [&](llvm::StringRef what, int64_t cycles,
                  const llvm::Twine &how = "") {
    os << llvm::formatv("    {0,-32} {1,3}{2}\n", what, cycles, how.str());
  };
  term("memory read", m.latency.memoryRead);
  term("distribution", m.distributionCycles(),
       "  = " + llvm::Twine(m.networkStages()) + " stages, " +
           llvm::Twine(m.latency.switchStagesPerCycle) + " a cycle");
  term("multiply", m.latency.multiply);
  term("column chain", m.peRows() * m.latency.columnAdd,
       "  = " + llvm::Twine(m.peRows()) + " rows");
  term("reduction", m.reductionCycles(),
       "  = " + llvm::Twine(m.laneBits()) + " adding stages, " +
           llvm::Twine(m.networkStages() - m.laneBits()) +
           " switching stages, " + llvm::Twine(m.latency.switchStagesPerCycle) +
           " a cycle");
  term("accumulate", m.accumulationCycles(),
       m.latency.fp32Add > m.latency.accumulate
           ? "  = distance of additions to one word"
           : "");
  term("convert and write", m.latency.convertWrite);
}

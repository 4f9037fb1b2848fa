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
        "  {0,-26} {1,12}  {2}\n  {3,-26} {3,12}  source: {4}\n", key, value,
        meaning, "", sourceOf(key));
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

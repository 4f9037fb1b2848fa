//===- Report.cpp - Sums and limits of a run ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Report.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <algorithm>

using namespace fetta;

Report::Report(const Program &program, const ProgramTiming &timing,
               llvm::ArrayRef<Counters> counters, EnergyTable energy)
    : program(program), timing(timing), table(std::move(energy)),
      ops(program.ops.size()) {
  sum(counters);
  bool takesTime = timing.dram == DramModel::Bandwidth;
  bounds = limitsOf(program, takesTime ? all.counters.dramBytes : 0);
}

void Report::sum(llvm::ArrayRef<Counters> counters) {
  // Route loads and transfers belong to the contraction that follows them; the
  // end of the program belongs to the last one.
  Totals other;
  const OpEntry *last = nullptr;
  auto flush = [&] {
    if (!last)
      return;
    for (Totals *totals : {&ops[size_t(last - program.ops.data())],
                           &phases[size_t(last->phase)]}) {
      totals->counters += other.counters;
      totals->classes += other.classes;
    }
    other = {};
  };
  for (size_t i = 0; i < program.code.size(); ++i) {
    const InstructionTiming &t = timing.instructions[i];
    Counters own = counters[i];
    own.dramBytes += t.dramBytes;
    own.dmaRowReads += t.dmaReads;
    own.dmaRowWrites += t.dmaWrites;
    own.macroReads += t.dmaReads * t.dmaMacrosPerRow;
    own.macroWrites += t.dmaWrites * t.dmaMacrosPerRow;
    own.stagedWords += t.stagedWords;
    other.counters += own;
    other.classes += t.queue;
    all.counters += own;
    all.classes += t.queue;
    if (const auto *contract = std::get_if<Contract>(&program.code[i])) {
      last = &program.ops[contract->op];
      flush();
    }
  }
  flush();
  auto bill = [&](Totals &totals) {
    totals.energy = dynamicEnergy(totals.counters, program.machine, table);
  };
  bill(all);
  llvm::for_each(phases, bill);
  llvm::for_each(ops, bill);
}

double Report::utilization(const Totals &totals) const {
  double peak = double(totals.cycles()) * double(program.machine.pes());
  return peak > 0 ? double(totals.counters.multiplyAdds) / peak : 0;
}

double Report::shareOfLimit() const {
  return timing.cycles > 0 ? double(bounds.largest()) / double(timing.cycles)
                           : 0;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static llvm::json::Object toJson(const FigureRange &range) {
  return llvm::json::Object{
      {"nominal", range.nominal}, {"low", range.low}, {"high", range.high}};
}

/// rowReads as row_reads.
static std::string snakeCase(llvm::StringRef name) {
  std::string result;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z')
      result += '_';
    result += llvm::toLower(c);
  }
  return result;
}

/// Classes without cycles are left out.
static llvm::json::Object toJson(const CycleClasses &classes) {
  llvm::json::Object object;
  for (size_t c = 0; c < numCycleClasses; ++c)
    if (classes.cycles[c])
      object[cycleClassName(CycleClass(c))] = classes.cycles[c];
  return object;
}

void Report::writeSummaryJson(llvm::raw_ostream &os) const {
  const Machine &machine = program.machine;
  llvm::json::Object phaseObjects;
  for (Phase p : {Phase::Forward, Phase::Backward, Phase::WeightGradient}) {
    const Totals &totals = phase(p);
    phaseObjects[phaseName(p)] = llvm::json::Object{
        {"macs", totals.counters.multiplyAdds},
        {"beats", totals.counters.beats},
        {"cycles", totals.cycles()},
        {"cycles_by_class", toJson(totals.classes)},
        {"utilization", utilization(totals)},
        {"energy_pj", toJson(totals.energy)},
    };
  }
  llvm::json::Object resources;
  for (const ResourceTiming &resource : timing.resources)
    resources[resource.name] =
        llvm::json::Object{{"cycles", resource.classes.total()},
                           {"cycles_by_class", toJson(resource.classes)}};
  llvm::json::Object counters;
  all.counters.forEach([&](const char *name, const char *, int64_t value) {
    counters[snakeCase(name)] = value;
  });
  llvm::json::Object events, components;
  for (unsigned i = 0; i < numEnergyEvents; ++i) {
    EnergyEvent event = EnergyEvent(i);
    FigureRange entry;
    entry.add(table[event], 1);
    if (isStatic(event)) {
      components[energyKey(event)] =
          llvm::json::Object{{"instances", instances(event, machine)},
                             {"table_mw", toJson(entry)}};
      continue;
    }
    int64_t count = eventCount(event, all.counters, machine);
    events[energyKey(event)] =
        llvm::json::Object{{"count", count},
                           {"table_pj", toJson(entry)},
                           {"energy_pj", toJson(entry.times(double(count)))}};
  }
  FigureRange power = staticPower(machine, table);
  // 1 mW for 1 s is 1e9 pJ.
  double perMilliwatt = 1e9 * double(timing.cycles) / double(machine.clockHz);
  FigureRange leaked = power.times(perMilliwatt);
  llvm::json::Object summary{
      {"schema_version", reportSchemaVersion},
      {"cycles", timing.cycles},
      {"macs", all.counters.multiplyAdds},
      {"utilization", utilization(all)},
      {"limit_cycles",
       llvm::json::Object{{"compute", bounds.compute},
                          {"array", bounds.array},
                          {"dram", bounds.dram},
                          {"critical_path", bounds.criticalPath}}},
      {"binding_limit", bounds.binding()},
      {"share_of_limit", shareOfLimit()},
      {"dram_bytes", all.counters.dramBytes},
      {"dram_model", dramModelName(timing.dram)},
      {"energy_pj", toJson(all.energy)},
      {"static_power_mw", toJson(power)},
      {"static_energy_pj", toJson(leaked)},
      {"phases", std::move(phaseObjects)},
      {"resources", std::move(resources)},
      {"counters", std::move(counters)},
      {"energy_events", std::move(events)},
      {"static_components", std::move(components)},
      {"energy_table", table.name},
      {"machine", machine.name},
      {"machine_fingerprint",
       llvm::formatv("{0:x-16}", machine.fingerprint()).str()},
      {"clock_hz", machine.clockHz},
      {"producer", program.producer},
  };
  os << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(summary)));
}

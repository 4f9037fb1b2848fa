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

int64_t Limits::largest() const {
  return std::max({compute, dram, criticalPath});
}

llvm::StringRef Limits::binding() const {
  return largest() == compute ? "compute"
         : largest() == dram  ? "dram"
                              : "critical_path";
}

Report::Report(const Program &program, const ProgramTiming &timing,
               llvm::ArrayRef<Counters> counters, EnergyTable energy)
    : program(program), timing(timing), table(std::move(energy)),
      ops(program.ops.size()) {
  sum(counters);
  findLimits();
}

void Report::sum(llvm::ArrayRef<Counters> counters) {
  // Route loads stand in front of the contraction that needs them, and belong
  // to it; the end of the program belongs to the last one.
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
    other.counters += counters[i];
    other.classes += timing.instructions[i].queue;
    all.counters += counters[i];
    all.classes += timing.instructions[i].queue;
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

/// A contraction takes at least its multiply-adds at peak and the pipeline
/// once, after everything it reads. Nothing that reads the gradient of a result
/// starts before the result is there: a loss stands between them.
void Report::findLimits() {
  const Machine &machine = program.machine;
  auto atPeak = [&](int64_t work) {
    return int64_t(llvm::divideCeil(uint64_t(work), uint64_t(machine.pes())));
  };
  bounds.compute = atPeak(all.counters.multiplyAdds);
  std::vector<int64_t> ready(program.tensors.size(), 0);
  auto readyAt = [&](uint32_t tensor) {
    int64_t at = ready[tensor];
    llvm::StringRef name = program.tensors[tensor].name;
    if (isPreloaded(program.tensors[tensor].role) && name.consume_front("d_"))
      for (size_t t = 0; t < ready.size(); ++t)
        if (program.tensors[t].role == TensorRole::Result &&
            program.tensors[t].name == name)
          at = std::max(at, ready[t]);
    return at;
  };
  int64_t open = 0; // End of what a scope that stays open holds.
  for (const Instruction &instruction : program.code) {
    const auto *contract = std::get_if<Contract>(&instruction);
    if (!contract)
      continue;
    const Nest &nest = contract->nest;
    int64_t start = std::max(readyAt(contract->tensors[OperandA]),
                             readyAt(contract->tensors[OperandB]));
    if (!nest.clearAtStart)
      start = std::max(start, open);
    int64_t end = start + atPeak(multiplyAdds(nest));
    if (nest.drainAtEnd)
      end += machine.pipelineCycles();
    else
      open = end;
    int64_t &written = ready[contract->tensors[OperandC]];
    written = std::max(written, end);
    bounds.criticalPath = std::max(bounds.criticalPath, end);
  }
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
  llvm::json::Object events;
  for (unsigned i = 0; i < numEnergyEvents; ++i) {
    EnergyEvent event = EnergyEvent(i);
    if (isStatic(event))
      continue;
    int64_t count = eventCount(event, all.counters, machine);
    FigureRange energy;
    energy.add(table[event], double(count));
    events[energyKey(event)] =
        llvm::json::Object{{"count", count}, {"energy_pj", toJson(energy)}};
  }
  FigureRange power = staticPower(machine, table);
  // 1 mW for 1 s is 1e9 pJ.
  double perMilliwatt = 1e9 * double(timing.cycles) / double(machine.clockHz);
  FigureRange leaked = {power.nominal * perMilliwatt, power.low * perMilliwatt,
                        power.high * perMilliwatt};
  llvm::json::Object summary{
      {"schema_version", reportSchemaVersion},
      {"cycles", timing.cycles},
      {"macs", all.counters.multiplyAdds},
      {"utilization", utilization(all)},
      {"limit_cycles",
       llvm::json::Object{{"compute", bounds.compute},
                          {"dram", bounds.dram},
                          {"critical_path", bounds.criticalPath}}},
      {"binding_limit", bounds.binding()},
      {"share_of_limit", shareOfLimit()},
      {"dram_bytes", 0},
      {"energy_pj", toJson(all.energy)},
      {"static_power_mw", toJson(power)},
      {"static_energy_pj", toJson(leaked)},
      {"phases", std::move(phaseObjects)},
      {"resources", std::move(resources)},
      {"counters", std::move(counters)},
      {"energy_events", std::move(events)},
      {"energy_table", table.name},
      {"machine", machine.name},
      {"machine_fingerprint",
       llvm::formatv("{0:x-16}", machine.fingerprint()).str()},
      {"clock_hz", machine.clockHz},
      {"producer", program.producer},
  };
  os << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(summary)));
}

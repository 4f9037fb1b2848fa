//===- ReportText.cpp - Table, CSV and trace of a run ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Report.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace fetta;

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

/// 1234567 as 1,234,567.
static std::string grouped(int64_t value) {
  std::string digits = std::to_string(value);
  for (int at = int(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(size_t(at), ",");
  return digits;
}

static std::string percent(double share) {
  return llvm::formatv("{0:F1} %", 100 * share).str();
}

static std::string nanojoules(double picojoules) {
  return llvm::formatv("{0:F1}", picojoules / 1000).str();
}

void Report::printTable(llvm::raw_ostream &os) const {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> head = {"phase", "multiply-adds", "beats", "cycles"};
  std::vector<CycleClass> shown;
  for (size_t c = 0; c < numCycleClasses; ++c)
    if (all.classes.cycles[c] && CycleClass(c) != CycleClass::Beat)
      shown.push_back(CycleClass(c));
  for (CycleClass c : shown)
    head.push_back(cycleClassName(c).str());
  head.insert(head.end(), {"utilization", "energy nJ"});
  lines.push_back(head);
  auto add = [&](llvm::StringRef name, const Totals &totals) {
    std::vector<std::string> line = {
        name.str(), grouped(totals.counters.multiplyAdds),
        grouped(totals.counters.beats), grouped(totals.cycles())};
    for (CycleClass c : shown)
      line.push_back(grouped(totals.classes[c]));
    line.push_back(percent(utilization(totals)));
    line.push_back(nanojoules(totals.energy.nominal));
    lines.push_back(std::move(line));
  };
  for (Phase p : {Phase::Forward, Phase::Backward, Phase::WeightGradient})
    if (phase(p).counters.beats)
      add(phaseName(p), phase(p));
  add("total", all);

  for (const auto &line : lines) {
    for (size_t column = 0; column < line.size(); ++column) {
      size_t width = 0;
      for (const auto &other : lines)
        width = std::max(width, other[column].size());
      if (column == 0)
        os << llvm::left_justify(line[column], unsigned(width));
      else
        os << "  " << llvm::right_justify(line[column], unsigned(width));
    }
    os << '\n';
  }
  FigureRange power = staticPower(program.machine, table);
  // Summaries count the array among what computing takes.
  bool isArray = bounds.array == bounds.largest() &&
                 bounds.array > std::max(bounds.compute, bounds.criticalPath);
  os << llvm::formatv(
      "limit: {0} cycles ({1}; compute {2}, array {3}, dram {4}, critical path "
      "{5}), {6} of it reached\n",
      grouped(bounds.largest()), isArray ? "array" : bounds.binding(),
      grouped(bounds.compute), grouped(bounds.array), grouped(bounds.dram),
      grouped(bounds.criticalPath), percent(shareOfLimit()));
  if (all.counters.dramBytes) {
    os << llvm::formatv("dram: {0} bytes ({1})",
                        grouped(all.counters.dramBytes),
                        dramModelName(timing.dram));
    if (timing.dram == DramModel::Bandwidth && timing.cycles) {
      const CycleClasses &link = timing.of("dram");
      os << llvm::formatv(
          ", the link is busy for {0} of all cycles",
          percent(double(link[CycleClass::Load] + link[CycleClass::Store]) /
                  double(timing.cycles)));
    }
    os << '\n';
  }
  os << llvm::formatv(
      "energy: {0} nJ dynamic, between {1} and {2} (table {3}); static power "
      "apart: {4:F1} mW, between {5:F1} and {6:F1}\n",
      nanojoules(all.energy.nominal), nanojoules(all.energy.low),
      nanojoules(all.energy.high), table.name, power.nominal, power.low,
      power.high);
}

//===----------------------------------------------------------------------===//
// CSV
//===----------------------------------------------------------------------===//

static std::string quoted(llvm::StringRef text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"')
      result += '"';
    result += c;
  }
  return result + '"';
}

/// Of the contract queue; the other classes belong to other resources.
static constexpr CycleClass queueClasses[] = {
    CycleClass::Beat,          CycleClass::BankConflict,
    CycleClass::FirstLoad,     CycleClass::StationaryReload,
    CycleClass::SlabConflict,  CycleClass::AccHazard,
    CycleClass::DrainBusy,     CycleClass::Fill,
    CycleClass::Drain,         CycleClass::WaitRoute,
    CycleClass::WaitRow,       CycleClass::WaitLoss,
    CycleClass::WaitSemaphore, CycleClass::Reload,
    CycleClass::IdleNoWork};

void Report::writeOpsCsv(llvm::raw_ostream &os) const {
  os << "op,einsum,phase,location,start_cycle,cycles";
  for (CycleClass c : queueClasses) {
    std::string name = cycleClassName(c).str();
    std::replace(name.begin(), name.end(), '-', '_');
    os << ',' << name << "_cycles";
  }
  os << ",macs,beats,tiles,utilization_fraction,network_additions,"
        "memory_row_reads,memory_row_writes,route_bytes,"
        "energy_nominal_pj,energy_low_pj,energy_high_pj\n";
  for (size_t op = 0; op < ops.size(); ++op) {
    const Totals &totals = ops[op];
    int64_t start = 0;
    for (size_t i = program.code.size(); i-- > 0;)
      if (const auto *contract = std::get_if<Contract>(&program.code[i]))
        if (contract->op == op)
          start = timing.instructions[i].start;
    const OpEntry &entry = program.ops[op];
    os << quoted(entry.name) << ',' << quoted(entry.einsum) << ','
       << phaseName(entry.phase) << ',' << quoted(entry.location) << ','
       << start << ',' << totals.cycles();
    for (CycleClass c : queueClasses)
      os << ',' << totals.classes[c];
    const Counters &n = totals.counters;
    os << ',' << n.multiplyAdds << ',' << n.beats << ',' << n.tiles << ','
       << llvm::formatv("{0:F6}", utilization(totals)) << ',' << n.networkAdds
       << ',' << n.rowReads << ',' << n.rowWrites << ',' << n.routeBytes
       << llvm::formatv(",{0:F3},{1:F3},{2:F3}\n", totals.energy.nominal,
                        totals.energy.low, totals.energy.high);
  }
}

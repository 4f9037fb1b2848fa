//===- Timing.cpp - Cycles of a program -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Timing.h"

#include "ContractTimer.h"
#include "fetta/Simulator/Functional.h"

#include "llvm/Support/ErrorHandling.h"

#include <algorithm>
#include <numeric>

using namespace fetta;

llvm::StringRef fetta::cycleClassName(CycleClass cycleClass) {
  switch (cycleClass) {
  case CycleClass::Beat:
    return "beat";
  case CycleClass::BankConflict:
    return "bank-conflict";
  case CycleClass::FirstLoad:
    return "first-load";
  case CycleClass::StationaryReload:
    return "stationary-reload";
  case CycleClass::SlabConflict:
    return "slab-conflict";
  case CycleClass::AccHazard:
    return "acc-hazard";
  case CycleClass::DrainBusy:
    return "drain-busy";
  case CycleClass::Fill:
    return "fill";
  case CycleClass::Drain:
    return "drain";
  case CycleClass::WaitRoute:
    return "wait-route";
  case CycleClass::Busy:
    return "busy";
  case CycleClass::Read:
    return "read";
  case CycleClass::Write:
    return "write";
  case CycleClass::IdleNoWork:
    return "idle-no-work";
  }
  llvm_unreachable("unknown class");
}

int64_t CycleClasses::total() const {
  return std::accumulate(cycles.begin(), cycles.end(), int64_t(0));
}

CycleClasses &CycleClasses::operator+=(const CycleClasses &o) {
  for (size_t i = 0; i < cycles.size(); ++i)
    cycles[i] += o.cycles[i];
  return *this;
}

/// A model that loses or invents cycles must not report anything.
static void checkSum(llvm::StringRef what, const CycleClasses &classes,
                     int64_t total) {
  bool negative = llvm::any_of(classes.cycles, [](int64_t c) { return c < 0; });
  if (negative || classes.total() != total)
    llvm::report_fatal_error("cycle classes of " + what + " sum to " +
                             llvm::Twine(classes.total()) + ", not to " +
                             llvm::Twine(total));
}

ProgramTiming fetta::timeProgram(const Program &program) {
  const Machine &machine = program.machine;
  ProgramTiming timing;
  timing.instructions.resize(program.code.size());
  std::array<int64_t, 3> slotsReady = {0, 0, 0};
  std::vector<CycleClasses> slabs(size_t(machine.slabs));
  int64_t now = 0;
  for (size_t i = 0; i < program.code.size(); ++i) {
    InstructionTiming &t = timing.instructions[i];
    if (const auto *load = std::get_if<LoadRoute>(&program.code[i])) {
      // Each network loads its own slots; nothing else waits for a load.
      int64_t &ready = slotsReady[size_t(load->net)];
      t.start = std::max(now, ready);
      t.end = ready =
          t.start + int64_t(llvm::divideCeil(
                        uint64_t(routeBytes(program.routes[load->route])),
                        uint64_t(machine.routeBytesPerCycle)));
      continue;
    }
    // Every transfer ends in the cycle in which it starts.
    t.start = t.end = now;
    if (queueOf(program.code[i]) != Queue::Contract)
      continue;
    int64_t wait = std::max<int64_t>(
        0, *std::max_element(slotsReady.begin(), slotsReady.end()) - now);
    if (const auto *contract = std::get_if<Contract>(&program.code[i])) {
      ContractTimer timer(contract->nest, machine);
      timer.run(t);
      for (OperandId id : {OperandA, OperandB}) {
        int64_t slab = contract->nest.operands[id].slab;
        slabs[size_t(slab)][CycleClass::Read] += timer.accesses(id);
      }
      slabs[size_t(contract->nest.c().slab)][CycleClass::Write] +=
          timer.writes();
    }
    t.queue[CycleClass::WaitRoute] += wait;
    for (CycleClasses &network : t.networks)
      network[CycleClass::WaitRoute] += wait;
    t.end = now = t.start + t.queue.total();
    for (const CycleClasses &network : t.networks)
      checkSum("a network", network, t.cycles());
    if (std::holds_alternative<Halt>(program.code[i]))
      break;
  }
  timing.cycles = now;

  timing.resources = {
      {"contract", {}}, {"stream", {}}, {"hold", {}}, {"reduce", {}}};
  for (const InstructionTiming &t : timing.instructions) {
    timing.resources[0].classes += t.queue;
    for (size_t net = 0; net < 3; ++net)
      timing.resources[1 + net].classes += t.networks[net];
  }
  for (size_t s = 0; s < slabs.size(); ++s) {
    slabs[s][CycleClass::IdleNoWork] = now - slabs[s].total();
    timing.resources.push_back({"slab" + std::to_string(s), slabs[s]});
  }
  for (const ResourceTiming &resource : timing.resources)
    checkSum(resource.name, resource.classes, timing.cycles);
  return timing;
}

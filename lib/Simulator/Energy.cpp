//===- Energy.cpp - Energy of a run ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Energy.h"

#include <algorithm>

using namespace fetta;

int64_t fetta::eventCount(EnergyEvent event, const Counters &counters,
                          const Machine &machine) {
  int64_t stages = machine.networkStages();
  switch (event) {
  case EnergyEvent::MultiplyBF16:
    return counters.multiplyAdds;
  case EnergyEvent::AddFP32Column:
    return counters.columnAdds;
  case EnergyEvent::AddFP32Reduction:
    return counters.networkAdds;
  case EnergyEvent::AddFP32Accumulator:
    return counters.accumulatorAdds;
  case EnergyEvent::SwitchStage16:
    return (counters.streamWords + counters.holdWords) * stages;
  case EnergyEvent::SwitchStage32:
    return counters.reduceWords * stages;
  case EnergyEvent::MemoryMacroRead:
    return counters.macroReads;
  case EnergyEvent::MemoryMacroWrite:
    return counters.macroWrites;
  case EnergyEvent::AccumulatorRead:
    // A staging buffer takes two words of 16 bit at a time, in and out.
    return counters.accumulatorReads + counters.stagedWords / 2;
  case EnergyEvent::AccumulatorWrite:
    return counters.accumulatorWrites + counters.stagedWords / 2;
  case EnergyEvent::RouteStoreRead:
    return counters.activeRouteBytes;
  case EnergyEvent::RouteStoreLoad:
    return counters.routeBytes;
  case EnergyEvent::InstructionFetch:
    return counters.instructionBytes;
  case EnergyEvent::DramTransfer:
    return counters.dramBytes;
  case EnergyEvent::StaticPE:
  case EnergyEvent::StaticSwitch:
  case EnergyEvent::StaticMemoryMacro:
  case EnergyEvent::StaticAccumulatorKiB:
    return 0;
  }
  llvm_unreachable("unknown event");
}

FigureRange fetta::dynamicEnergy(const Counters &counters,
                                 const Machine &machine,
                                 const EnergyTable &table) {
  FigureRange energy;
  for (unsigned i = 0; i < numEnergyEvents; ++i)
    if (!isStatic(EnergyEvent(i)))
      energy.add(table[EnergyEvent(i)],
                 double(eventCount(EnergyEvent(i), counters, machine)));
  return energy;
}

FigureRange fetta::staticPower(const Machine &machine,
                               const EnergyTable &table) {
  FigureRange power;
  for (unsigned i = 0; i < numEnergyEvents; ++i)
    if (isStatic(EnergyEvent(i)))
      power.add(table[EnergyEvent(i)],
                double(instances(EnergyEvent(i), machine)));
  return power;
}

EnergyWeights fetta::energyWeights(const Counters &counters,
                                   const Machine &machine, double nanoseconds) {
  EnergyWeights weights;
  for (unsigned i = 0; i < numEnergyEvents; ++i) {
    EnergyEvent event = EnergyEvent(i);
    weights[i] = isStatic(event)
                     ? double(instances(event, machine)) * nanoseconds
                     : double(eventCount(event, counters, machine));
  }
  return weights;
}

EnergyRanges fetta::rangesOf(const EnergyTable &table) {
  EnergyRanges ranges;
  for (unsigned i = 0; i < numEnergyEvents; ++i)
    ranges[i].add(table.entries[i], 1);
  return ranges;
}

EnergyComparison fetta::compareEnergy(const EnergyWeights &a,
                                      const EnergyRanges &tableA,
                                      const EnergyWeights &b,
                                      const EnergyRanges &tableB) {
  EnergyComparison result;
  double widest = -1;
  for (unsigned i = 0; i < numEnergyEvents; ++i) {
    const FigureRange &x = tableA[i], &y = tableB[i];
    FigureRange part;
    part.nominal = y.nominal * b[i] - x.nominal * a[i];
    if (x.nominal == y.nominal && x.low == y.low && x.high == y.high) {
      double weight = b[i] - a[i];
      part.low = std::min(weight * x.low, weight * x.high);
      part.high = std::max(weight * x.low, weight * x.high);
    } else {
      part.low = y.low * b[i] - x.high * a[i];
      part.high = y.high * b[i] - x.low * a[i];
    }
    result.difference.add(part);
    if (part.high - part.low > widest) {
      widest = part.high - part.low;
      result.widest = EnergyEvent(i);
    }
  }
  return result;
}

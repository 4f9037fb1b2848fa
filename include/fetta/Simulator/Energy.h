//===- Energy.h - Energy of a run -------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Counters times the entries of an energy table (docs/Energy.md).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_ENERGY_H
#define FETTA_SIMULATOR_ENERGY_H

#include "fetta/Machine/EnergyTable.h"
#include "fetta/Simulator/Counters.h"

namespace fetta {

/// A figure with the range that its sources allow.
struct FigureRange {
  double nominal = 0, low = 0, high = 0;
  void add(const EnergyEntry &entry, double count) {
    nominal += entry.value * count;
    low += entry.low * count;
    high += entry.high * count;
  }
};

/// How often a dynamic event happened; 0 for static ones.
int64_t eventCount(EnergyEvent event, const Counters &counters,
                   const Machine &machine);

/// Dynamic energy in picojoules.
FigureRange dynamicEnergy(const Counters &counters, const Machine &machine,
                          const EnergyTable &table);

/// Static power of the whole machine in milliwatts.
FigureRange staticPower(const Machine &machine, const EnergyTable &table);

} // namespace fetta

#endif // FETTA_SIMULATOR_ENERGY_H

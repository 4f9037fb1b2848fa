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

/// How often a dynamic event happened; 0 for static ones.
int64_t eventCount(EnergyEvent event, const Counters &counters,
                   const Machine &machine);

/// Dynamic energy in picojoules.
FigureRange dynamicEnergy(const Counters &counters, const Machine &machine,
                          const EnergyTable &table);

/// Static power of the whole machine in milliwatts.
FigureRange staticPower(const Machine &machine, const EnergyTable &table);

/// What each entry of a table is multiplied with: events, or for a static
/// component instances times nanoseconds, so that the product is picojoules.
using EnergyWeights = std::array<double, numEnergyEvents>;
EnergyWeights energyWeights(const Counters &counters, const Machine &machine,
                            double nanoseconds);

/// Which of two runs takes less energy, for all tables inside the ranges. Where
/// an entry of both sides is the same figure, it is the same unknown: the
/// difference counts it once, so it may be certain though the ranges of the two
/// energies overlap.
struct EnergyComparison {
  FigureRange difference; ///< Energy of B less that of A, picojoules.
  /// The entry with the largest share in the width of the range.
  EnergyEvent widest = EnergyEvent::MultiplyBF16;
  /// The sign is the same for all tables inside the ranges.
  bool certain() const { return difference.low > 0 || difference.high < 0; }
};
/// The entries of a table as ranges, by event.
using EnergyRanges = std::array<FigureRange, numEnergyEvents>;
EnergyRanges rangesOf(const EnergyTable &table);
/// The extremes over the box of ranges, in closed form: each entry is at the
/// end that its weight asks for.
EnergyComparison compareEnergy(const EnergyWeights &a,
                               const EnergyRanges &tableA,
                               const EnergyWeights &b,
                               const EnergyRanges &tableB);

} // namespace fetta

#endif // FETTA_SIMULATOR_ENERGY_H

//===- Report.h - What a run tells its user ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Sums counters and cycles per contraction and phase, sets them against the
/// limits of the machine, and prints them (docs/Simulator.md lists the keys).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_REPORT_H
#define FETTA_SIMULATOR_REPORT_H

#include "fetta/Simulator/Energy.h"
#include "fetta/Simulator/Limits.h"
#include "fetta/Simulator/Timing.h"

#include "llvm/Support/raw_ostream.h"

namespace fetta {

inline constexpr int reportSchemaVersion = 1;

/// Sums over some contractions.
struct Totals {
  Counters counters;
  CycleClasses classes; ///< Of the contract queue.
  FigureRange energy;   ///< Dynamic, picojoules.

  int64_t cycles() const { return classes.total(); }
};

/// `timing` and `counters` are those of `program`; all are referred to.
class Report {
public:
  Report(const Program &program, const ProgramTiming &timing,
         llvm::ArrayRef<Counters> counters, EnergyTable energy);

  const Totals &total() const { return all; }
  const Totals &phase(Phase phase) const { return phases[size_t(phase)]; }
  /// One per Program::ops.
  llvm::ArrayRef<Totals> contractions() const { return ops; }
  const Limits &limits() const { return bounds; }
  /// Multiply-adds / (PEs * cycles); 0 without cycles.
  double utilization(const Totals &totals) const;
  /// Largest limit / cycles.
  double shareOfLimit() const;

  void printTable(llvm::raw_ostream &os) const;
  void writeSummaryJson(llvm::raw_ostream &os) const;
  /// One line per contraction.
  void writeOpsCsv(llvm::raw_ostream &os) const;

private:
  void sum(llvm::ArrayRef<Counters> counters);

  const Program &program;
  const ProgramTiming &timing;
  EnergyTable table;
  Totals all;
  std::array<Totals, 3> phases;
  std::vector<Totals> ops;
  Limits bounds;
};

} // namespace fetta

#endif // FETTA_SIMULATOR_REPORT_H

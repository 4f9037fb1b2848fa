//===- Results.h - What a sweep tells its user ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Results as CSV, JSON, table and picture, with the Pareto front of cycles,
/// energy and area and how certain its ranking by energy is (docs/Sweep.md has
/// the columns).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SWEEP_RESULTS_H
#define FETTA_SWEEP_RESULTS_H

#include "fetta/Sweep/Engine.h"

#include <map>

namespace fetta {

inline constexpr int sweepSchemaVersion = 1;

class SweepResults {
public:
  /// Both are referred to. Errors: an energy preset that is gone.
  static llvm::Expected<SweepResults> create(const SweepSpec &spec,
                                             const SweepRun &run);

  /// Whether point `i` is on the front of its workload: no point of a layer of
  /// the same sizes is better. Time counts in seconds where the clock varies.
  bool onFront(size_t i) const { return front[i]; }
  /// Points of the front, of one workload, ascending in time.
  struct Group {
    std::string workload;
    std::vector<size_t> points;
    /// Pairs of points of the front (positions in `points`) whose ranking by
    /// energy flips inside the ranges of the tables; of neighbours by energy
    /// only where the front is long.
    std::vector<std::pair<size_t, size_t>> uncertain;
  };
  llvm::ArrayRef<Group> fronts() const { return groups; }

  /// Errors of the points themselves are rows.
  void writeCsv(llvm::raw_ostream &os) const;
  void writeJson(llvm::raw_ostream &os) const;
  /// Table of the fronts, picture, what was refused.
  void print(llvm::raw_ostream &os) const;

  /// Figures of a point that is done.
  PointFigures figures(size_t i) const;

private:
  SweepResults(const SweepSpec &spec, const SweepRun &run)
      : spec(spec), run(run) {}
  void findFronts();
  void rank(Group &group) const;
  const EnergyTable &energyOf(size_t i) const;
  double timeOf(const PointFigures &figures) const {
    return clockVaries ? figures.seconds : double(figures.cycles);
  }
  void printFront(const Group &group, llvm::raw_ostream &os) const;
  void printPicture(const Group &group, llvm::raw_ostream &os) const;

  const SweepSpec &spec;
  const SweepRun &run;
  bool clockVaries = false;
  std::map<std::string, EnergyTable> energy; ///< By preset.
  std::vector<bool> front;
  std::vector<Group> groups;
};

} // namespace fetta

#endif // FETTA_SWEEP_RESULTS_H

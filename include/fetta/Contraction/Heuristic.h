//===- Heuristic.h - How much work to spend on a large network --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Budgets, stopping and progress of the search beyond the exact limit. A
/// budget of work gives the same tree on every machine with any number of
/// threads; one of time does not, but says which work would.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_HEURISTIC_H
#define FETTA_CONTRACTION_HEURISTIC_H

#include "fetta/Contraction/Cost.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <functional>

namespace fetta {

/// What the heuristics do; also, in a result, what they have done. The tree
/// depends on this, the network and the objective only.
struct HeuristicWork {
  /// Randomized greedy trees besides the greedy one.
  unsigned trials = 32;
  /// Chains of annealing by their sweeps; a sweep proposes as many rotations
  /// as the tree has steps. Each chain begins with a greedy tree.
  llvm::SmallVector<uint64_t, 8> sweeps = {500, 500};
  /// The best trees are improved by solving windows of so many neighbouring
  /// values exactly, 3 to 16.
  unsigned window = 10;
  /// Times that all windows of a tree are visited; fewer if nothing improves.
  unsigned rounds = 10;
  uint64_t seed = 1;

  /// The greedy tree, as it is.
  static HeuristicWork greedy() {
    HeuristicWork work;
    work.trials = 0;
    work.sweeps.clear();
    work.rounds = 0;
    return work;
  }
};

/// A search under way.
struct SearchProgress {
  llvm::StringRef phase;            ///< "greedy", "annealing", "windows".
  unsigned unitsDone, unitsPlanned; ///< Trials or chains; of this phase.
  double seconds;                   ///< Since the search began.
  /// The best value of the objective so far; may be beyond 128 bits.
  double best;
};

struct HeuristicOptions {
  HeuristicWork work;
  /// Wall-clock limit; 0: none. Else the chains are chosen to fill the time,
  /// whatever \c work says of them; the result is not reproducible but by the
  /// work that it reports.
  double seconds = 0;
  unsigned threads = 1; ///< 0: as many as the machine has.
  /// Asked often, by several threads. Once true, the search ends with the best
  /// tree of the units of work that are complete. An exact search that is
  /// stopped, by this or by the time, gives way to the heuristics.
  std::function<bool()> shouldStop;
  /// Called by one thread at a time, about five times a second.
  std::function<void(const SearchProgress &)> onProgress;
};

} // namespace fetta

#endif // FETTA_CONTRACTION_HEURISTIC_H

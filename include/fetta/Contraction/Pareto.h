//===- Pareto.h - Multiply-adds against memory ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// All trees that are worth having: those of which no other takes fewer
/// multiply-adds and less memory. A few per cent of multiply-adds often buy an
/// order of magnitude of memory, and only the front shows where.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_PARETO_H
#define FETTA_CONTRACTION_PARETO_H

#include "fetta/Contraction/TrainingSearch.h"

namespace fetta {

/// What multiply-adds are weighed against, in elements.
enum class MemoryAxis {
  Stored, ///< Kept from the forward pass for the gradients.
  /// Alive at once when the plan is executed (planTraining, measureMemory);
  /// without gradients, when the phase is. Nothing is recomputed.
  Peak
};

struct ParetoOptions {
  MemoryAxis axis = MemoryAxis::Stored;
  /// Up to this many tensors (leaves without dY) the front is exact.
  unsigned exactLimit = 12;
  /// Beyond, each tree has one on the front that is at most this much worse in
  /// either figure: 0.01 for 1 %. 0: exact in any case.
  double epsilon = 0.01;
  /// Leave out what takes more than this many per cent more multiply-adds than
  /// the fewest.
  std::optional<double> flopSlack;
  bool recompute = true;     ///< As in TrainingOptions; for Stored.
  bool countWeights = false; ///< As in TrainingOptions; for Stored.
};

struct ParetoPoint {
  TrainingTree tree;
  Cost flops;
  Cost elements; ///< By the axis.
};

struct ParetoFront {
  std::vector<ParetoPoint> points; ///< Ascending in multiply-adds.
  /// What is guaranteed: 0 for the exact front, else ParetoOptions::epsilon.
  double epsilon = 0;
};

/// Figures of points are exact integers. Errors: a goal that is not one of the
/// network; more than maxExactTensors; a peak with repeats; an epsilon below
/// 0; sizes beyond floating point, or sums beyond where it is exact.
llvm::Expected<ParetoFront> searchPareto(const ClosedNetwork &network,
                                         const TrainingGoal &goal,
                                         const ParetoOptions &options = {});

} // namespace fetta

#endif // FETTA_CONTRACTION_PARETO_H

//===- ChooseOrder.h - The best of a few orders as scheduled ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// An objective on the machine ranks contraction orders by a model. What counts
/// are programs: a few orders are compiled in full and timed.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PIPELINES_CHOOSEORDER_H
#define FETTA_LIB_PIPELINES_CHOOSEORDER_H

#include "fetta/Contraction/Objective.h"
#include "fetta/Simulator/Timing.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include <functional>
#include <memory>
#include <string>

namespace fetta {

struct ChooseOrderOptions {
  struct Candidate {
    std::string name;
    /// Orders contractions and does no more: equal orders are compiled once.
    std::function<void(mlir::OpPassManager &)> order;
    /// From the module before `order` to verified programs.
    std::function<void(mlir::OpPassManager &)> compile;
    /// Compiled though its order is that of one before: in other slices.
    bool sameOrder = false;
  };
  /// At least one. The first is what the others have to beat.
  std::vector<Candidate> candidates;
  /// So many orders that differ are compiled, the first ones; those after them
  /// are not even searched for.
  unsigned mostCompiled = 2;
  ModelObjective objective = ModelObjective::Latency;
  DramModel dram = DramModel::Bandwidth;
};

/// Makes a module pass that compiles every candidate, times the programs by the
/// tile-event model and leaves the one with the least cycles, dynamic energy or
/// product of both. What was weighed is in the remark `order-as-scheduled`. A
/// candidate that cannot be compiled is left out; where none can, the messages
/// are those of the first.
std::unique_ptr<mlir::Pass> createChooseOrderPass(ChooseOrderOptions options);

} // namespace fetta

#endif // FETTA_LIB_PIPELINES_CHOOSEORDER_H

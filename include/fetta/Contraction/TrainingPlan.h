//===- TrainingPlan.h - A training step as it is executed -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Steps in an order that keeps little alive, and the elements that are alive
/// when a plan is executed exactly as it stands.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_TRAININGPLAN_H
#define FETTA_CONTRACTION_TRAININGPLAN_H

#include "fetta/Contraction/TrainingSearch.h"

namespace fetta {

/// The steps of a training tree in the order of execution: the forward pass,
/// then the gradients from the result downwards. Phase 0 is the forward pass;
/// then come the gradients of activations, then those of weights, each in
/// order of the leaves. One subtree is finished before another one is begun;
/// which comes first, and whether a vertex makes both of its gradients before
/// it goes on, is chosen for the smallest peak (docs/Search.md; best of all
/// such orders if nothing is recomputed or repeated). Recomputed values are
/// made again right before their first reader. Errors as
/// computeTrainingFigures.
llvm::Expected<SharedPlan> planTraining(const ClosedNetwork &network,
                                        const TrainingGoal &goal,
                                        const TrainingTree &tree);

/// By step, the results of earlier steps that nothing reads after it and that
/// are no phase's result: what can be freed then.
std::vector<llvm::SmallVector<unsigned, 2>> freesOf(const SharedPlan &plan);

/// When a step of a plan is done if the step repeats.
enum class StepTime : uint8_t {
  Before, ///< Once, before the first repeat: weights alone.
  Each,   ///< In every repeat.
  After   ///< Once, after the last: adjoints of weights alone.
};
StepTime stepTime(const SharedPlan &plan, const TrainingGoal &goal,
                  const SharedPlan::Step &step);

/// Elements that are alive when a plan is executed.
struct PlanMemory {
  /// The leaves that a step reads. They are their owner's and there all the
  /// time; peak does not contain them.
  Cost inputs = 0;
  /// Most elements of results alive at once. A step's operands and its result
  /// are alive together; results of phases stay to the end.
  Cost peak = 0;
  unsigned peakStep = 0; ///< The first step at which it is reached.
};

/// Executes the steps in their order. With goal.repeats above 1 those of
/// StepTime::Before come first, and what a repeat reads of theirs stays until
/// the repeats are over; those of StepTime::After come last; gradients that are
/// summed over repeats are added into one place, which is taken from the second
/// repeat's beginning to where it is freed; results of a repeat (the output,
/// the gradients of activations) leave at its end. Error: beyond 128 bits.
llvm::Expected<PlanMemory> measureMemory(const ClosedNetwork &network,
                                         const SharedPlan &plan,
                                         const TrainingGoal &goal);

} // namespace fetta

#endif // FETTA_CONTRACTION_TRAININGPLAN_H

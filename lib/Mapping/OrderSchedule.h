//===- OrderSchedule.h - What a contraction order takes ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The steps of a tree on the array, overlapped as the list scheduler has them:
/// by the closed form of a step, or mapped.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_ORDERSCHEDULE_H
#define FETTA_LIB_MAPPING_ORDERSCHEDULE_H

#include "fetta/Contraction/SharedPlan.h"
#include "fetta/Mapping/MachineOrder.h"

namespace fetta::mapping {

/// The phases of a goal on a tree: forward pass, gradients of activations,
/// then those of weights.
llvm::Expected<SharedPlan> planOf(const ClosedNetwork &network,
                                  const TrainingGoal &goal,
                                  const ContractionTree &tree);

/// Fills `serial` and `scheduled` of a candidate. An error for what takes 2^62
/// cycles or more.
llvm::Error estimate(const ClosedNetwork &network, const SharedPlan &plan,
                     const MachineCostModel &model, OrderCandidate &candidate);

/// Cycles of the mapped steps as scheduled. Errors: of the mapper.
llvm::Expected<double> mappedCycles(const ClosedNetwork &network,
                                    const SharedPlan &plan,
                                    const Machine &machine);

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_ORDERSCHEDULE_H

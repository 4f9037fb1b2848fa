//===- TrainingControl.h - What a training step has to do -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The options of --train and the plan made by them.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTA_PATH_TRAININGCONTROL_H
#define FETTA_TOOLS_FETTA_PATH_TRAININGCONTROL_H

#include "Report.h"

namespace fetta {

/// What is wrong with the options; else empty.
std::string checkTrainingOptions(bool isTraining);

/// Whether --pareto asks for latency and energy on a machine.
bool wantsMachineFront();

/// The training step of the command line; without --train one phase.
llvm::Expected<TrainingGoal> makeGoal(const ClosedNetwork &network,
                                      bool isTraining);

/// Plans forward pass and gradients: on the tree that suits them best if the
/// order is searched, else on that of the report.
llvm::Expected<TrainingPlan> makeTrainingPlan(const PathReport &report);

} // namespace fetta

#endif // FETTA_TOOLS_FETTA_PATH_TRAININGCONTROL_H

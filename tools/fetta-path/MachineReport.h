//===- MachineReport.h - Orders for a machine -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The options --machine, --layouts and --candidates, the search by a machine
/// and what it shows.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTA_PATH_MACHINEREPORT_H
#define FETTA_TOOLS_FETTA_PATH_MACHINEREPORT_H

#include "Report.h"

namespace fetta {

/// What is wrong with the options; else empty. \p needed: the objective or a
/// front asks for a machine.
std::string checkMachineOptions(bool needed);

/// Finds the order of the goal's phases if there is an objective, and, if it is
/// asked for, the front of latency and energy.
llvm::Expected<MachineReport>
orderOnMachine(const ClosedNetwork &network, const TrainingGoal &goal,
               std::optional<ModelObjective> objective, bool withFront);

/// The part of the report, and attribute "machine".
void printMachineText(const PathReport &report, llvm::raw_ostream &os);
void printMachineJson(const PathReport &report, llvm::json::OStream &json);

} // namespace fetta

#endif // FETTA_TOOLS_FETTA_PATH_MACHINEREPORT_H

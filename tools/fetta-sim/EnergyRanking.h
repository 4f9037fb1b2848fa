//===- EnergyRanking.h - Which of two runs takes less energy ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reads counts and table entries of two summaries and says whether the ranking
/// of their energies holds for all tables inside the ranges (docs/Energy.md).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTA_SIM_ENERGYRANKING_H
#define FETTA_TOOLS_FETTA_SIM_ENERGYRANKING_H

#include "llvm/Support/JSON.h"

#include <optional>
#include <string>

namespace fetta {

struct EnergyRanking {
  std::string text; ///< One or two lines.
  llvm::json::Object json;
};

/// `before` and `after` are summary.json of A and B. Nothing where one of them
/// holds no energy.
std::optional<EnergyRanking> rankEnergy(const llvm::json::Object &before,
                                        const llvm::json::Object &after);

} // namespace fetta

#endif // FETTA_TOOLS_FETTA_SIM_ENERGYRANKING_H

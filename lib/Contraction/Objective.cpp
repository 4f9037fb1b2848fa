//===- Objective.cpp - What a contraction order should minimize -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Objective.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace fetta;

std::optional<Objective> fetta::parseObjective(StringRef name) {
  if (name == "flops")
    return Objective::flops();
  if (name == "size")
    return Objective::size();
  if (name == "write")
    return Objective::write();
  // opt_einsum's default factor.
  if (name == "combo")
    return Objective::combo(64);
  uint32_t factor;
  if (!name.consume_front("combo-") || !all_of(name, isDigit) ||
      name.getAsInteger(10, factor))
    return std::nullopt;
  return Objective::combo(factor);
}

std::optional<Cost> fetta::valueOf(const Objective &objective,
                                   const TreeCost &cost) {
  if (objective.isLargest)
    return cost.largestIntermediate;
  std::optional<Cost> flops = multiplyCosts(objective.flopWeight, cost.flops);
  std::optional<Cost> write = multiplyCosts(objective.writeWeight, cost.write);
  return flops && write ? addCosts(*flops, *write) : std::nullopt;
}

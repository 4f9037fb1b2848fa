//===- Objective.cpp - What a contraction order should minimize -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Objective.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVectorExtras.h"
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

ArrayRef<ObjectiveName> fetta::objectiveNames() {
  static constexpr ObjectiveName names[] = {
      {"flops", "multiply-adds"},
      {"size", "largest intermediate, then multiply-adds"},
      {"write", "elements of all results"},
      {"combo-N", "flops + N * write"},
      {"latency", "cycles on a machine", ModelObjective::Latency},
      {"energy", "picojoules on a machine", ModelObjective::Energy},
      {"edp", "energy times cycles on a machine", ModelObjective::EnergyDelay}};
  return names;
}

StringRef fetta::stringifyModelObjective(ModelObjective objective) {
  return find_if(objectiveNames(),
                 [&](const ObjectiveName &entry) {
                   return entry.model == objective;
                 })
      ->name;
}

std::optional<ModelObjective> fetta::parseModelObjective(StringRef name) {
  for (const ObjectiveName &entry : objectiveNames())
    if (entry.model && entry.name == name)
      return entry.model;
  return std::nullopt;
}

/// "a, b or c".
static std::string enumerateTexts(ArrayRef<std::string> texts) {
  return join(texts.drop_back(), ", ") + " or " + texts.back();
}

std::string fetta::listObjectives() {
  return enumerateTexts(
      map_to_vector(objectiveNames(), [](const ObjectiveName &entry) {
        return entry.name.str();
      }));
}

std::string fetta::describeObjectives() {
  return enumerateTexts(
      map_to_vector(objectiveNames(), [](const ObjectiveName &entry) {
        return (entry.name + " (" + entry.description + ")").str();
      }));
}

std::optional<Cost> fetta::valueOf(const Objective &objective,
                                   const TreeCost &cost) {
  if (objective.isLargest)
    return cost.largestIntermediate;
  std::optional<Cost> flops = multiplyCosts(objective.flopWeight, cost.flops);
  std::optional<Cost> write = multiplyCosts(objective.writeWeight, cost.write);
  return flops && write ? addCosts(*flops, *write) : std::nullopt;
}

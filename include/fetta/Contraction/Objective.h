//===- Objective.h - What a contraction order should minimize ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Multiply-adds, elements written, a weighted sum of the two, or the largest
/// intermediate. All are integers, so that an optimum can be certified.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_OBJECTIVE_H
#define FETTA_CONTRACTION_OBJECTIVE_H

#include "fetta/Contraction/ContractionTree.h"

namespace fetta {

/// The default is multiply-adds. Names are opt_einsum's and cotengra's.
struct Objective {
  /// The largest intermediate, in elements, and of the trees that have it the
  /// one with the fewest multiply-adds. The weights are then without meaning.
  bool isLargest = false;
  /// Else flopWeight * multiply-adds + writeWeight * elements of all results.
  uint32_t flopWeight = 1, writeWeight = 0;

  static Objective flops() { return {}; }
  static Objective size() { return {true, 0, 0}; }
  static Objective write() { return {false, 0, 1}; }
  static Objective combo(uint32_t factor) { return {false, 1, factor}; }

  bool isFlops() const {
    return !isLargest && flopWeight == 1 && writeWeight == 0;
  }
};

/// "flops", "size", "write", "combo" (a factor of 64) or "combo-N" with a
/// whole number N below 2^32.
std::optional<Objective> parseObjective(llvm::StringRef name);

/// What a search by a cost model minimizes (CostModel.h).
enum class ModelObjective : uint8_t { Latency, Energy, EnergyDelay };

/// An objective as command lines and pass options name and explain it.
struct ObjectiveName {
  llvm::StringLiteral name, description;
  /// Set: it takes a machine to know it.
  std::optional<ModelObjective> model = std::nullopt;
};

/// All of them, flops first. The names have no other home; parseObjective reads
/// those without a machine.
llvm::ArrayRef<ObjectiveName> objectiveNames();

/// "latency", "energy", "edp".
llvm::StringRef stringifyModelObjective(ModelObjective objective);
std::optional<ModelObjective> parseModelObjective(llvm::StringRef name);

/// "flops, size, ... or edp", and with what each is.
std::string listObjectives();
std::string describeObjectives();

/// The value of a tree; none beyond 128 bits.
std::optional<Cost> valueOf(const Objective &objective, const TreeCost &cost);

} // namespace fetta

#endif // FETTA_CONTRACTION_OBJECTIVE_H

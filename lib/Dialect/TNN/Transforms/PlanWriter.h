//===- PlanWriter.h ---------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The steps of a plan as tnn.contract operations.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_TNN_TRANSFORMS_PLANWRITER_H
#define FETTA_LIB_DIALECT_TNN_TRANSFORMS_PLANWRITER_H

#include "EinsumFamily.h"
#include "fetta/Contraction/SharedPlan.h"

namespace fetta::tnn {

/// Position of a phase in a training step; an einsum without `tnn.phase` counts
/// as forward.
unsigned phaseRank(mlir::Operation *op);

/// Writes the steps of a plan as operations.
class PlanWriter {
public:
  PlanWriter(const EinsumFamily &family, const SharedPlan &plan,
             llvm::ArrayRef<FamilyMember> phases)
      : family(family), plan(plan), phases(phases),
        values(plan.numLeaves() + plan.getSteps().size()) {
    for (unsigned leaf = 0; leaf < plan.numLeaves(); ++leaf) {
      values[leaf].value = family.getLeaf(leaf);
      for (unsigned index : family.getNetwork().getLeaves()[leaf])
        values[leaf].modes.push_back(family.getModeName(index));
    }
    for (unsigned phase = 0; phase < phases.size(); ++phase)
      phaseOfResult[plan.resultValue(phase)] = phase;
  }

  /// Writes the steps first needed by phases [begin, end) at the builder's
  /// position.
  mlir::LogicalResult write(mlir::OpBuilder &builder, unsigned begin,
                            unsigned end);
  mlir::Value getResult(unsigned phase) const {
    return values[plan.resultValue(phase)].value;
  }

private:
  struct ModedValue {
    mlir::Value value;
    llvm::SmallVector<mlir::StringAttr> modes;
  };

  const EinsumFamily &family;
  const SharedPlan &plan;
  llvm::ArrayRef<FamilyMember> phases;
  llvm::SmallVector<ModedValue> values;
  llvm::DenseMap<unsigned, unsigned> phaseOfResult;
};
} // namespace fetta::tnn

#endif // FETTA_LIB_DIALECT_TNN_TRANSFORMS_PLANWRITER_H

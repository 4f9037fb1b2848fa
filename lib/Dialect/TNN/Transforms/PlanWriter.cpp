//===- PlanWriter.cpp -------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanWriter.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::tnn;

unsigned fetta::tnn::phaseRank(Operation *op) {
  auto phase = op->getAttrOfType<StringAttr>(kPhaseAttr);
  if (!phase || phase.getValue() == kPhaseForward)
    return 0;
  return phase.getValue() == kPhaseBackward ? 1 : 2;
}

static StringRef phaseName(unsigned rank) {
  constexpr llvm::StringLiteral names[] = {kPhaseForward, kPhaseBackward,
                                           kPhaseWeightGradient};
  return names[rank];
}

LogicalResult PlanWriter::write(OpBuilder &builder, unsigned begin,
                                unsigned end) {
  for (auto [k, step] : llvm::enumerate(plan.getSteps())) {
    if (step.phase < begin || step.phase >= end)
      continue;
    EinsumOp member = phases[step.phase].op;
    const ModedValue &lhs = values[step.lhs];
    const ModedValue &rhs = values[step.rhs];
    ModedValue &result = values[plan.numLeaves() + k];

    // A phase's result has the modes of the leaf it leaves out, in its order;
    // an intermediate has them in the order of first appearance.
    auto resultOf = phaseOfResult.find(plan.numLeaves() + k);
    Type elementType;
    if (resultOf != phaseOfResult.end()) {
      FamilyMember phase = phases[resultOf->second];
      for (unsigned index : family.getNetwork().getLeaves()[phase.rootLeaf])
        result.modes.push_back(family.getModeName(index));
      elementType = phase.op.getType().getElementType();
    } else {
      llvm::SmallDenseSet<StringAttr> open;
      for (unsigned index : step.cost.result)
        open.insert(family.getModeName(index));
      for (StringAttr mode :
           llvm::concat<const StringAttr>(lhs.modes, rhs.modes))
        if (open.erase(mode))
          result.modes.push_back(mode);
    }
    auto einsum = EinsumAttr::get(builder.getContext(), {lhs.modes, rhs.modes},
                                  result.modes);
    if (step.cost.flops > static_cast<Cost>(INT64_MAX))
      return member.emitOpError()
             << "needs a contraction \"" << einsum.getSpec() << "\" of "
             << toString(step.cost.flops)
             << " multiply-adds, more than 63 bits can count";
    Value operands[] = {lhs.value, rhs.value};
    auto contract =
        ContractOp::create(builder, member.getLoc(),
                           inferEinsumType(einsum, operands, elementType),
                           lhs.value, rhs.value, einsum);
    contract->setDiscardableAttr(
        kPhaseAttr, builder.getStringAttr(phaseName(phaseRank(member))));
    result.value = contract;
  }
  return success();
}

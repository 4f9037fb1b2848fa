//===- PlanWriter.cpp -------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlanWriter.h"

#include "llvm/ADT/StringExtras.h"

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

/// What an einsum asks of the mapping of its contractions ("fetta.mapping")
/// goes to each one as far as it has the modes: rows where they are reduced
/// (output-stationary: where only lhs and the result have them), columns where
/// the result has them from one operand, scope and loops where the result has
/// them. Contractions name modes as the first einsum of the family does.
static DictionaryAttr mappingFor(EinsumAttr contraction,
                                 const EinsumFamily &family,
                                 const FamilyMember &member) {
  auto given = member.op->getAttrOfType<DictionaryAttr>(kMappingAttr);
  if (!given)
    return nullptr;
  auto nameOf = [&](StringAttr mode) {
    return family.getModeName(member.indexOf.at(mode));
  };
  auto has = [](ArrayRef<StringAttr> modes, StringAttr mode) {
    return llvm::is_contained(modes, mode);
  };
  SmallVector<StringAttr> lhs = contraction.getInputModes(0),
                          rhs = contraction.getInputModes(1),
                          result = contraction.getOutputModes();
  auto dataflow = given.getAs<StringAttr>("dataflow");
  bool output = dataflow && dataflow.getValue() == "output_stationary";
  auto keeps = [&](StringRef entry, StringAttr mode) {
    bool inLhs = has(lhs, mode), inRhs = has(rhs, mode),
         inResult = has(result, mode);
    if (entry == "rows")
      return output ? inLhs && !inRhs && inResult : inLhs && inRhs && !inResult;
    if (entry == "columns")
      return inResult && inLhs != inRhs && (!output || inRhs);
    return entry == "ces" ? inLhs || inRhs : inResult;
  };
  SmallVector<NamedAttribute> kept;
  for (NamedAttribute entry : given) {
    Attribute value;
    if (auto modes = dyn_cast<DictionaryAttr>(entry.getValue())) {
      SmallVector<NamedAttribute> here;
      for (NamedAttribute mode : modes)
        if (StringAttr name = nameOf(mode.getName());
            keeps(entry.getName(), name))
          here.push_back({name, mode.getValue()});
      if (!here.empty())
        value = DictionaryAttr::get(given.getContext(), here);
    } else if (auto modes = dyn_cast<ArrayAttr>(entry.getValue())) {
      SmallVector<Attribute> here;
      for (StringAttr mode : modes.getAsRange<StringAttr>())
        if (StringAttr name = nameOf(mode); has(result, name))
          here.push_back(name);
      if (!here.empty())
        value = ArrayAttr::get(given.getContext(), here);
    } else if (entry.getName() == "dataflow") {
      value = entry.getValue();
    }
    if (value)
      kept.push_back({entry.getName(), value});
  }
  return kept.empty() ? nullptr : DictionaryAttr::get(given.getContext(), kept);
}

/// What no contraction of `op` can take is a slip of whoever wrote it.
static LogicalResult checkMapping(EinsumOp op) {
  auto given = op->getAttrOfType<DictionaryAttr>(kMappingAttr);
  if (!given)
    return success();
  SmallVector<StringAttr> modes = op.getEinsum().getModes();
  auto check = [&](StringAttr entry, StringAttr mode) -> LogicalResult {
    if (llvm::is_contained(modes, mode))
      return success();
    return op.emitOpError()
           << "'" << kMappingAttr << "' " << entry.getValue()
           << ": there is no mode '" << mode.getValue() << "', only "
           << llvm::join(llvm::map_range(
                             modes, [](StringAttr m) { return m.getValue(); }),
                         ", ");
  };
  for (NamedAttribute entry : given) {
    if (auto named = dyn_cast<DictionaryAttr>(entry.getValue())) {
      for (NamedAttribute mode : named)
        if (failed(check(entry.getName(), mode.getName())))
          return failure();
    } else if (auto list = dyn_cast<ArrayAttr>(entry.getValue())) {
      for (StringAttr mode : list.getAsRange<StringAttr>())
        if (failed(check(entry.getName(), mode)))
          return failure();
    } else if (!isa<StringAttr>(entry.getValue())) {
      return op.emitOpError()
             << "'" << kMappingAttr << "' " << entry.getName().getValue()
             << ": layouts are over the tensors of one contraction: give them "
                "on "
                "a tnn.contract";
    }
  }
  return success();
}

LogicalResult PlanWriter::write(OpBuilder &builder, unsigned begin,
                                unsigned end) {
  for (unsigned phase = begin; phase < end; ++phase)
    if (failed(checkMapping(phases[phase].op)))
      return failure();
  for (auto [k, step] : llvm::enumerate(plan.getSteps())) {
    if (step.phase < begin || step.phase >= end)
      continue;
    const FamilyMember &phase = phases[step.phase];
    EinsumOp member = phase.op;
    const ModedValue &lhs = values[step.lhs];
    const ModedValue &rhs = values[step.rhs];
    ModedValue &result = values[plan.numLeaves() + k];

    // A phase's result has the modes of the leaf it leaves out, in its order;
    // an intermediate has them in the order of first appearance.
    auto resultOf = phaseOfResult.find(plan.numLeaves() + k);
    Type elementType;
    if (resultOf != phaseOfResult.end()) {
      FamilyMember whole = phases[resultOf->second];
      for (unsigned index : family.getNetwork().getLeaves()[whole.rootLeaf])
        result.modes.push_back(family.getModeName(index));
      elementType = whole.op.getType().getElementType();
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
    if (auto mapping = mappingFor(einsum, family, phase))
      contract->setDiscardableAttr(kMappingAttr, mapping);
    result.value = contract;
  }
  return success();
}

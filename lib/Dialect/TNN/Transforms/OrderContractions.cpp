//===- OrderContractions.cpp ------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Orders families of einsums by the search of lib/Contraction and writes the
/// plan down as tnn.contract operations.
//
//===----------------------------------------------------------------------===//

#include "EinsumFamily.h"
#include "fetta/Contraction/FixedOrder.h"
#include "fetta/Contraction/Search.h"
#include "fetta/Contraction/SharedPlan.h"
#include "fetta/Dialect/TNN/Transforms/Passes.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"

namespace fetta::tnn {
#define GEN_PASS_DEF_TNNORDERCONTRACTIONSPASS
#include "fetta/Dialect/TNN/Transforms/Passes.h.inc"
} // namespace fetta::tnn

using namespace mlir;
using namespace fetta;
using namespace fetta::tnn;

/// Position of a phase in a training step; an einsum without `tnn.phase` counts
/// as forward.
static unsigned phaseRank(Operation *op) {
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

namespace {
/// A tree for a family and how it came about.
struct OrderedTree {
  ContractionTree tree;
  /// Set when a search found or compared it.
  std::optional<SearchResult> search;
  /// The order that decided, as the user would name it.
  ContractionOrder order;
};

/// An einsum and what takes its place.
struct Replacement {
  EinsumOp op;
  Value value;
};

struct TNNOrderContractionsPass
    : fetta::tnn::impl::TNNOrderContractionsPassBase<TNNOrderContractionsPass> {
  using Base =
      fetta::tnn::impl::TNNOrderContractionsPassBase<TNNOrderContractionsPass>;
  using Base::Base;

  void runOnOperation() override {
    for (Block &block : getOperation().getBody())
      if (failed(orderBlock(block)))
        return signalPassFailure();
  }

private:
  LogicalResult orderBlock(Block &block);
  LogicalResult orderFamily(const EinsumFamily &family,
                            SmallVectorImpl<Replacement> &replacements);
  llvm::Expected<OrderedTree> chooseTree(const EinsumFamily &family);
  void report(const EinsumFamily &family, const OrderedTree &ordered,
              const SharedPlan &plan, ArrayRef<FamilyMember> phases);
};

/// Writes the steps of a plan as operations.
class PlanWriter {
public:
  PlanWriter(const EinsumFamily &family, const SharedPlan &plan,
             ArrayRef<FamilyMember> phases)
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
  LogicalResult write(OpBuilder &builder, unsigned begin, unsigned end);
  Value getResult(unsigned phase) const {
    return values[plan.resultValue(phase)].value;
  }

private:
  struct ModedValue {
    Value value;
    SmallVector<StringAttr> modes;
  };

  const EinsumFamily &family;
  const SharedPlan &plan;
  ArrayRef<FamilyMember> phases;
  SmallVector<ModedValue> values;
  llvm::DenseMap<unsigned, unsigned> phaseOfResult;
};
} // namespace

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

/// An einsum's path as lib/Contraction writes it.
static ContractionPath toContractionPath(ArrayRef<int64_t> positions) {
  ContractionPath path;
  for (size_t i = 0; i + 1 < positions.size(); i += 2)
    path.push_back({static_cast<unsigned>(positions[i]),
                    static_cast<unsigned>(positions[i + 1])});
  return path;
}

llvm::Expected<OrderedTree>
TNNOrderContractionsPass::chooseTree(const EinsumFamily &family) {
  const ClosedNetwork &network = family.getNetwork();
  EinsumOp first = family.getMembers().front().op;
  unsigned root = family.resultLeaf();
  SearchOptions options;
  options.exactLimit = exactLimit;
  auto withOrder = [](llvm::Expected<ContractionTree> tree,
                      ContractionOrder order) -> llvm::Expected<OrderedTree> {
    if (!tree)
      return tree.takeError();
    return OrderedTree{std::move(*tree), std::nullopt, order};
  };

  bool isGiven = order == ContractionOrder::Given ||
                 (order == ContractionOrder::CSSE && first.getPath());
  if (isGiven) {
    if (!first.getPath())
      return llvm::createStringError(
          "order=given needs a path at every forward einsum, e.g. path "
          "[(0, 1), ...]");
    return withOrder(
        ContractionTree::fromLinearPath(network.numLeaves(), root,
                                        toContractionPath(*first.getPath())),
        ContractionOrder::Given);
  }
  switch (order) {
  case ContractionOrder::CSSE: {
    llvm::Expected<SearchResult> search = searchTree(network, root, options);
    if (!search)
      return search.takeError();
    ContractionTree tree = search->tree;
    return OrderedTree{std::move(tree), std::move(*search), order};
  }
  case ContractionOrder::Greedy:
    return withOrder(greedyTree(network, root), order);
  default: {
    LayerRoles roles;
    roles.input = 0;
    for (unsigned leaf = 1; leaf < root; ++leaf)
      roles.cores.push_back(leaf);
    roles.outputGradient = root;
    return withOrder(fixedOrderTree(network, roles, order), order);
  }
  }
}

void TNNOrderContractionsPass::report(const EinsumFamily &family,
                                      const OrderedTree &ordered,
                                      const SharedPlan &plan,
                                      ArrayRef<FamilyMember> phases) {
  EinsumOp first = phases.front().op;
  Location loc = first.getLoc();
  constexpr StringRef category = "tnn-order-contractions";
  StringRef function = getOperation().getName();
  auto options = [&](StringRef name) {
    return remark::RemarkOpts::name(name).category(category).function(function);
  };
  std::string order = stringifyContractionOrder(ordered.order).str();
  // All phases of one tree cost the same; phase 0 shares nothing yet.
  Cost onePhase = plan.phaseFlops(0);
  Cost unshared = onePhase * phases.size();
  bool isProven = ordered.search && ordered.search->proven &&
                  ordered.search->flops == onePhase;
  remark::passed(loc, options("contraction-order"))
      << remark::metric("order", order)
      << remark::metric("einsum", first.getEinsum().getSpec())
      << remark::metric("multiply_adds_per_phase", toString(onePhase))
      << remark::metric("proven", isProven)
      << remark::metric("phases", static_cast<unsigned>(phases.size()))
      << remark::metric("multiply_adds_total", toString(plan.totalFlops()))
      << remark::metric("multiply_adds_shared",
                        toString(unshared - plan.totalFlops()))
      << remark::metric("contractions",
                        static_cast<unsigned>(plan.getSteps().size()));

  Cost byPhase[3] = {0, 0, 0};
  for (const SharedPlan::Step &step : plan.getSteps())
    byPhase[phaseRank(phases[step.phase].op)] += step.cost.flops;
  remark::analysis(loc, options("multiply-adds"))
      << remark::metric("fp", toString(byPhase[0]))
      << remark::metric("bp", toString(byPhase[1]))
      << remark::metric("wg", toString(byPhase[2]))
      << remark::metric("total", toString(plan.totalFlops()));

  if (ordered.order == ContractionOrder::CSSE && !isProven)
    remark::missed(loc, options("optimum-not-proven"))
        << remark::add("{0}", ordered.search->reason)
        << remark::metric("lower_bound", toString(ordered.search->lowerBound));
  if (ordered.search && ordered.order != ContractionOrder::CSSE &&
      ordered.search->flops < onePhase)
    remark::missed(loc, options("fewer-multiply-adds")) << remark::add(
        "order={0} takes {1} multiply-adds a phase, order=csse "
        "takes {2}",
        order, toString(onePhase), toString(ordered.search->flops));
}

LogicalResult TNNOrderContractionsPass::orderFamily(
    const EinsumFamily &family, SmallVectorImpl<Replacement> &replacements) {
  EinsumOp first = family.getMembers().front().op;
  auto fail = [&](llvm::Error error) {
    return first.emitOpError()
           << "cannot be ordered: " << llvm::toString(std::move(error));
  };
  llvm::Expected<OrderedTree> ordered = chooseTree(family);
  if (!ordered)
    return fail(ordered.takeError());
  if (!ordered->search && getContext().getRemarkEngine() &&
      family.getNetwork().numLeaves() - 1 <= exactLimit) {
    // What the search would have gained, for the remark.
    llvm::Expected<SearchResult> search =
        searchTree(family.getNetwork(), family.resultLeaf());
    if (!search)
      return fail(search.takeError());
    ordered->search = std::move(*search);
  }

  // The first member, which is the forward pass, then bp before wg: a step
  // that several phases share belongs to the first.
  SmallVector<FamilyMember> phases(family.getMembers());
  std::stable_sort(phases.begin() + 1, phases.end(),
                   [](const FamilyMember &a, const FamilyMember &b) {
                     return phaseRank(a.op) < phaseRank(b.op);
                   });
  SmallVector<unsigned> roots = llvm::map_to_vector(
      phases, [](const FamilyMember &phase) { return phase.rootLeaf; });
  llvm::Expected<SharedPlan> plan = SharedPlan::create(
      family.getNetwork(), UnrootedTree(ordered->tree), roots);
  if (!plan)
    return fail(plan.takeError());

  // Forward steps stand where the forward einsum stood. All others need at
  // most its operands and the output gradient, which the first gradient einsum
  // of the block has at hand.
  PlanWriter writer(family, *plan, phases);
  OpBuilder builder(first);
  if (failed(writer.write(builder, 0, 1)))
    return failure();
  if (phases.size() > 1) {
    builder.setInsertionPoint(family.getMembers()[1].op);
    if (failed(writer.write(builder, 1, phases.size())))
      return failure();
  }
  report(family, *ordered, *plan, phases);
  for (auto [number, phase] : llvm::enumerate(phases))
    replacements.push_back({phase.op, writer.getResult(number)});
  return success();
}

LogicalResult TNNOrderContractionsPass::orderBlock(Block &block) {
  llvm::Expected<std::vector<EinsumFamily>> families =
      findEinsumFamilies(block);
  if (!families)
    return getOperation().emitError() << llvm::toString(families.takeError());
  SmallVector<Replacement> replacements;
  for (const EinsumFamily &family : *families)
    if (failed(orderFamily(family, replacements)))
      return failure();
  // Contractions that were there before belong to a phase, too.
  for (ContractOp contract : block.getOps<ContractOp>())
    if (!contract->hasAttr(kPhaseAttr))
      contract->setDiscardableAttr(
          kPhaseAttr, StringAttr::get(&getContext(), kPhaseForward));
  // Only now: the result of one family's einsum is another one's leaf.
  for (Replacement &replacement : replacements)
    replacement.op.getResult().replaceAllUsesWith(replacement.value);
  for (Replacement &replacement : replacements)
    replacement.op.erase();
  return success();
}

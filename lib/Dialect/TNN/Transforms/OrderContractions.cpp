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

#include "BatchAnalysis.h"
#include "OrderForMachine.h"
#include "OrderTrace.h"
#include "PlanWriter.h"
#include "TrainingSearches.h"
#include "fetta/Contraction/SearchCache.h"
#include "fetta/Dialect/TNN/Transforms/Passes.h"
#include "mlir/IR/Remarks.h"

namespace fetta::tnn {
#define GEN_PASS_DEF_TNNORDERCONTRACTIONSPASS
#include "fetta/Dialect/TNN/Transforms/Passes.h.inc"
} // namespace fetta::tnn

using namespace mlir;
using namespace fetta;
using namespace fetta::tnn;

namespace {
/// A tree for a family and how it came about.
struct OrderedTree {
  ContractionTree tree;
  /// Set when a search found or compared it.
  std::optional<SearchResult> search;
  /// Set when a machine decided.
  std::optional<MachineOrder> machine;
  /// The order that decided, as the user would name it.
  ContractionOrder order;
};

/// The phases of a family on one tree.
struct OrderedPhases {
  TrainingTree tree;
  SharedPlan plan;
  SmallVector<FamilyMember> members; ///< By phase of the plan.
  /// The best for all phases together, by the options.
  bool proven;
  std::string reason; ///< Why not proven.
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
  TNNOrderContractionsPass() = default;
  /// Copies order other functions; all of them write one trace, and equal
  /// layers are searched once.
  TNNOrderContractionsPass(const TNNOrderContractionsPass &other)
      : Base(other), trace(other.trace), cache(other.cache),
        machineOrders(other.machineOrders), searches(other.searches) {}

  void runOnOperation() override {
    if (failed(readOptions()))
      return signalPassFailure();
    decisions.clear();
    batch.reset();
    if (slice > 0)
      batch = followBatch(getOperation());
    for (Block &block : getOperation().getBody())
      if (failed(orderBlock(block)))
        return signalPassFailure();
    if (traceFile.empty() || decisions.empty())
      return;
    if (llvm::Error error = trace->add(traceFile, getOperation().getName(),
                                       std::move(decisions))) {
      getOperation().emitError() << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

private:
  LogicalResult readOptions();
  TrainingGoal makeGoal(const EinsumFamily &family);
  llvm::Expected<OrderedPhases> planPhases(const EinsumFamily &family,
                                           const ClosedNetwork &searched,
                                           const OrderedTree &ordered,
                                           const TrainingGoal &goal);
  /// The network for which to search: that of the family, or of a slice.
  ClosedNetwork searchedNetwork(const EinsumFamily &family) const;
  LogicalResult orderBlock(Block &block);
  LogicalResult orderFamily(const EinsumFamily &family,
                            SmallVectorImpl<Replacement> &replacements);
  llvm::Expected<OrderedTree> chooseTree(const EinsumFamily &family,
                                         const ClosedNetwork &network,
                                         const TrainingGoal &goal);
  void report(const EinsumFamily &family, const OrderedTree &ordered,
              const TrainingGoal &goal, const OrderedPhases &phases);

  std::optional<ModeDimensions> batch; ///< With `slice`.
  Objective minimized;
  std::optional<ModelObjective> onMachine;
  TrainingOptions training;
  llvm::json::Array decisions;
  std::shared_ptr<OrderTrace> trace = std::make_shared<OrderTrace>();
  std::shared_ptr<SearchCache> cache = std::make_shared<SearchCache>();
  std::shared_ptr<MachineOrders> machineOrders =
      std::make_shared<MachineOrders>();
  std::shared_ptr<TrainingSearches> searches =
      std::make_shared<TrainingSearches>();
};

} // namespace

/// An einsum's path as lib/Contraction writes it.
static ContractionPath toContractionPath(ArrayRef<int64_t> positions) {
  ContractionPath path;
  for (size_t i = 0; i + 1 < positions.size(); i += 2)
    path.push_back({static_cast<unsigned>(positions[i]),
                    static_cast<unsigned>(positions[i + 1])});
  return path;
}

/// With all gradients the tree of a phase is the best for all of them.
static bool isSharedByAll(const ClosedNetwork &network,
                          const TrainingGoal &goal) {
  return goal.repeats == 1 &&
         (goal.gradients.none() ||
          goal.gradients.count() + 1 == network.numLeaves());
}

llvm::Expected<OrderedTree>
TNNOrderContractionsPass::chooseTree(const EinsumFamily &family,
                                     const ClosedNetwork &network,
                                     const TrainingGoal &goal) {
  EinsumOp first = family.getMembers().front().op;
  unsigned root = family.resultLeaf();
  SearchOptions options;
  options.exactLimit = exactLimit;
  options.objective = minimized;
  auto withOrder = [](llvm::Expected<ContractionTree> tree,
                      ContractionOrder order) -> llvm::Expected<OrderedTree> {
    if (!tree)
      return tree.takeError();
    return OrderedTree{std::move(*tree), std::nullopt, std::nullopt, order};
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
    llvm::Expected<SearchResult> search = cache->search(network, root, options);
    if (!search)
      return search.takeError();
    if (onMachine) {
      std::optional<ContractionTree> fewest;
      if (isSharedByAll(network, goal))
        fewest = search->tree;
      llvm::Expected<MachineOrder> found =
          machineOrders->search(network, goal, *onMachine, exactLimit, machine,
                                std::move(fewest), getOperation());
      if (!found)
        return found.takeError();
      found->chosen = found->alternative(alternative, *onMachine);
      ContractionTree tree = found->best().tree;
      return OrderedTree{std::move(tree), std::move(*search), std::move(*found),
                         order};
    }
    ContractionTree tree = search->tree;
    return OrderedTree{std::move(tree), std::move(*search), std::nullopt,
                       order};
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

LogicalResult TNNOrderContractionsPass::readOptions() {
  auto fail = [&](const Twine &message) {
    return getOperation().emitError()
           << "option of tnn-order-contractions: " << message;
  };
  onMachine = parseModelObjective(objective);
  std::optional<Objective> parsed =
      onMachine ? Objective::flops() : parseObjective(objective);
  if (!parsed)
    return fail("objective is " + listObjectives() + ", not '" + objective +
                "'");
  minimized = *parsed;
  if (!machine.empty() && !onMachine)
    return fail("machine goes with an objective that takes one");
  if (alternative != 0 && !onMachine)
    return fail("alternative goes with an objective on a machine");
  if (onMachine && order != ContractionOrder::CSSE)
    return fail("objective=" + objective + " goes with order=csse");
  if ((storedPrice != 0) + (storedLimit >= 0) + (extraFlops >= 0) > 1)
    return fail("stored-price, stored-limit and extra-flops exclude each "
                "other");
  if (microBatches == 0)
    return fail("micro-batches is at least 1");
  if (slice < 0)
    return fail("slice is a number of elements, or 0");
  if (traceFile == "-")
    return fail("trace needs a file: it is written once for each function");
  training = {};
  training.exactLimit = std::min<unsigned>(training.exactLimit, exactLimit);
  training.storedPrice = storedPrice;
  if (storedLimit >= 0)
    training.storedLimit = static_cast<Cost>(storedLimit.getValue());
  if (extraFlops >= 0)
    training.flopSlack = extraFlops;
  training.recompute = recompute;
  return success();
}

TrainingGoal TNNOrderContractionsPass::makeGoal(const EinsumFamily &family) {
  const ClosedNetwork &network = family.getNetwork();
  func::FuncOp function = getOperation();
  TrainingGoal goal;
  goal.outputLeaf = family.resultLeaf();
  goal.activations = goal.gradients = network.noLeaves();
  for (const FamilyMember &member : family.getMembers().drop_front())
    goal.gradients.set(member.rootLeaf);
  bool hasRoles = llvm::any_of(
      llvm::seq(function.getNumArguments()), [&](unsigned argument) {
        return function.getArgAttr(argument, kRoleAttr) != nullptr;
      });
  // Without roles the first operand is the input of a layer.
  for (unsigned leaf : llvm::seq(goal.outputLeaf))
    if (hasRoles ? !isWeight(family.getLeaf(leaf), function) : leaf == 0)
      goal.activations.set(leaf);
  // A product of weights is there once, whatever the micro-batches.
  goal.repeats = goal.activations.none() ? 1 : microBatches;
  return goal;
}

ClosedNetwork
TNNOrderContractionsPass::searchedNetwork(const EinsumFamily &family) const {
  const ClosedNetwork &network = family.getNetwork();
  for (unsigned leaf : llvm::seq(network.numLeaves()))
    if (Value value = family.getLeaf(leaf);
        batch && value && batch->isHeldBy(value) && slice < batch->getSize())
      return family.networkWithSize(
          network.getLeaves()[leaf][size_t(batch->dimensionOf(value))], slice);
  return network;
}

llvm::Expected<OrderedPhases> TNNOrderContractionsPass::planPhases(
    const EinsumFamily &family, const ClosedNetwork &searched,
    const OrderedTree &ordered, const TrainingGoal &goal) {
  const ClosedNetwork &network = family.getNetwork();
  bool isPlain =
      training.storedPrice == 0 && !training.storedLimit && !training.flopSlack;
  bool onePhase = goal.gradients.none();
  bool isSearched = ordered.order == ContractionOrder::CSSE;
  TrainingTree tree{ordered.tree, {}};
  bool isProven = isSearched && ordered.search->proven;
  std::string reason = isSearched ? ordered.search->reason : "";
  if (ordered.machine && ordered.machine->chosen != 0)
    isProven = false;
  if (slice > 0) {
    isProven = false;
    reason = "the tree is that of a slice";
  } else if (ordered.machine && !isProven)
    reason = "the objective is " + objective + ", not multiply-adds";
  if (isSearched && !ordered.machine && minimized.isFlops() &&
      !(isPlain && isSharedByAll(network, goal))) {
    llvm::Expected<TrainingResult> found =
        searches->search(searched, goal, training);
    if (!found)
      return found.takeError();
    tree = std::move(found->tree);
    isProven = found->proven;
    reason = found->reason;
  } else {
    llvm::Expected<TrainingTree> chosen =
        chooseRetention(searched, goal, ordered.tree, training);
    if (!chosen)
      return chosen.takeError();
    tree = std::move(*chosen);
    if (isSearched && !minimized.isFlops() && !onePhase) {
      isProven = false;
      reason = "the objective was that of the forward pass alone";
    }
  }

  // The first member, which is the forward pass, then bp before wg: a step
  // that several phases share belongs to the first.
  SmallVector<FamilyMember> members(family.getMembers());
  std::stable_sort(members.begin() + 1, members.end(),
                   [](const FamilyMember &a, const FamilyMember &b) {
                     return phaseRank(a.op) < phaseRank(b.op);
                   });
  if (!smallestPeak &&
      !llvm::is_contained(tree.retention, Retention::Recomputed)) {
    SmallVector<unsigned> roots = llvm::map_to_vector(
        members, [](const FamilyMember &member) { return member.rootLeaf; });
    llvm::Expected<SharedPlan> plan =
        SharedPlan::create(network, UnrootedTree(tree.tree), roots);
    if (!plan)
      return plan.takeError();
    return OrderedPhases{std::move(tree), std::move(*plan), std::move(members),
                         isProven, std::move(reason)};
  }
  llvm::Expected<SharedPlan> plan = planTraining(network, goal, tree);
  if (!plan)
    return plan.takeError();
  SmallVector<FamilyMember> byPhase;
  for (unsigned phase : llvm::seq(plan->numPhases()))
    byPhase.push_back(*llvm::find_if(members, [&](const FamilyMember &member) {
      return member.rootLeaf == plan->rootLeaf(phase);
    }));
  return OrderedPhases{std::move(tree), std::move(*plan), std::move(byPhase),
                       isProven, std::move(reason)};
}

void TNNOrderContractionsPass::report(const EinsumFamily &family,
                                      const OrderedTree &ordered,
                                      const TrainingGoal &goal,
                                      const OrderedPhases &phases) {
  if (!getContext().getRemarkEngine())
    return; // Nobody asked.
  const SharedPlan &plan = phases.plan;
  EinsumOp first = phases.members.front().op;
  Location loc = first.getLoc();
  constexpr StringRef category = "tnn-order-contractions";
  StringRef function = getOperation().getName();
  auto options = [&](StringRef name) {
    return remark::RemarkOpts::name(name).category(category).function(function);
  };
  std::string order = stringifyContractionOrder(ordered.order).str();
  // All phases of one tree cost the same; phase 0 shares nothing yet.
  Cost onePhase = plan.phaseFlops(0);
  Cost unshared = onePhase * phases.members.size();
  Cost shared = unshared - std::min(unshared, plan.totalFlops());
  // A given order may turn out to be the best.
  bool isProven = phases.proven ||
                  (ordered.order != ContractionOrder::CSSE && ordered.search &&
                   ordered.search->proven && ordered.search->flops == onePhase);
  remark::passed(loc, options("contraction-order"))
      << remark::metric("order", order)
      << remark::metric("einsum", first.getEinsum().getSpec())
      << remark::metric("multiply_adds_per_phase", toString(onePhase))
      << remark::metric("proven", isProven)
      << remark::metric("phases", static_cast<unsigned>(phases.members.size()))
      << remark::metric("multiply_adds_total", toString(plan.totalFlops()))
      << remark::metric("multiply_adds_shared", toString(shared))
      << remark::metric("contractions",
                        static_cast<unsigned>(plan.getSteps().size()));

  Cost byPhase[3] = {0, 0, 0};
  for (const SharedPlan::Step &step : plan.getSteps())
    byPhase[phaseRank(phases.members[step.phase].op)] += step.cost.flops;
  remark::analysis(loc, options("multiply-adds"))
      << remark::metric("fp", toString(byPhase[0]))
      << remark::metric("bp", toString(byPhase[1]))
      << remark::metric("wg", toString(byPhase[2]))
      << remark::metric("total", toString(plan.totalFlops()));

  llvm::Expected<TrainingFigures> figures =
      computeTrainingFigures(family.getNetwork(), goal, phases.tree);
  llvm::Expected<PlanMemory> memory =
      measureMemory(family.getNetwork(), plan, goal);
  if (figures && memory)
    remark::analysis(loc, options("memory"))
        << remark::metric("stored_activation_elements",
                          toString(figures->storedActivations))
        << remark::metric("stored_weight_elements",
                          toString(figures->storedWeights))
        << remark::metric("recomputed_multiply_adds",
                          toString(figures->recomputedFlops))
        << remark::metric("peak_elements", toString(memory->peak))
        << remark::metric("input_elements", toString(memory->inputs));
  llvm::consumeError(figures.takeError());
  llvm::consumeError(memory.takeError());

  if (ordered.machine)
    reportMachineOrder(loc, function, *onMachine, *ordered.machine);
  else if (ordered.order == ContractionOrder::CSSE && !isProven)
    remark::missed(loc, options("optimum-not-proven"))
        << remark::add("{0}", phases.reason)
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
  TrainingGoal goal = makeGoal(family);
  const ClosedNetwork searched = searchedNetwork(family);
  llvm::Expected<OrderedTree> ordered = chooseTree(family, searched, goal);
  if (!ordered)
    return fail(ordered.takeError());
  if (!ordered->search && !ordered->machine && getContext().getRemarkEngine() &&
      family.getNetwork().numLeaves() - 1 <= exactLimit) {
    // What the search would have gained, for the remark.
    llvm::Expected<SearchResult> search =
        cache->search(family.getNetwork(), family.resultLeaf());
    if (!search)
      return fail(search.takeError());
    ordered->search = std::move(*search);
  }
  llvm::Expected<OrderedPhases> phases =
      planPhases(family, searched, *ordered, goal);
  if (!phases)
    return fail(phases.takeError());

  // Forward steps stand where the forward einsum stood. All others need at
  // most its operands and the output gradient, which the first gradient einsum
  // of the block has at hand.
  PlanWriter writer(family, phases->plan, phases->members);
  OpBuilder builder(first);
  if (failed(writer.write(builder, 0, 1)))
    return failure();
  if (phases->members.size() > 1) {
    builder.setInsertionPoint(family.getMembers()[1].op);
    if (failed(writer.write(builder, 1, phases->members.size())))
      return failure();
  }
  report(family, *ordered, goal, *phases);
  if (!traceFile.empty()) {
    std::optional<Cost> bound;
    if (ordered->search)
      bound = ordered->search->lowerBound;
    llvm::json::Value decision =
        traceDecision({first.getEinsum().getSpec(), ordered->order,
                       family.getNetwork(), goal, training, phases->tree,
                       phases->plan, bound, phases->proven, phases->reason});
    if (ordered->machine)
      (*decision.getAsObject())["machine"] =
          traceMachineOrder(*onMachine, *ordered->machine);
    decisions.push_back(std::move(decision));
  }
  for (auto [number, phase] : llvm::enumerate(phases->members))
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

//===- OrderTrace.cpp -------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OrderTrace.h"
#include "fetta/Contraction/Path.h"
#include "fetta/Support/OutputFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace fetta;
using namespace fetta::tnn;

/// The keys of the file and their meaning; raised when either changes.
static constexpr int64_t schemaVersion = 1;

/// The forward tree of an order, if the order is one of such a network.
static llvm::Expected<ContractionTree>
findTree(const ClosedNetwork &network, const TrainingGoal &goal,
         ContractionOrder order, const TrainingOptions &options) {
  if (order == ContractionOrder::CSSE) {
    llvm::Expected<TrainingResult> found =
        searchTraining(network, goal, options);
    if (!found)
      return found.takeError();
    return found->tree.tree;
  }
  if (order == ContractionOrder::Greedy)
    return greedyTree(network, goal.outputLeaf);
  LayerRoles roles;
  roles.outputGradient = goal.outputLeaf;
  for (unsigned leaf : llvm::seq(network.numLeaves()))
    if (leaf != roles.input && leaf != goal.outputLeaf)
      roles.cores.push_back(leaf);
  return fixedOrderTree(network, roles, order);
}

/// What a tree comes to: the parts of its score, and memory; in the order of
/// the smallest peak unless \p given says otherwise.
static llvm::Expected<llvm::json::Object>
scoreOf(const ClosedNetwork &network, const TrainingGoal &goal,
        const TrainingOptions &options, const TrainingTree &tree,
        const SharedPlan *given = nullptr) {
  llvm::Expected<TrainingFigures> figures =
      computeTrainingFigures(network, goal, tree);
  if (!figures)
    return figures.takeError();
  llvm::Expected<SharedPlan> plan = given ? llvm::Expected<SharedPlan>(*given)
                                          : planTraining(network, goal, tree);
  if (!plan)
    return plan.takeError();
  llvm::Expected<PlanMemory> memory = measureMemory(network, *plan, goal);
  if (!memory)
    return memory.takeError();
  return llvm::json::Object{
      {"multiply_adds", toString(figures->flops)},
      {"recomputed_multiply_adds", toString(figures->recomputedFlops)},
      {"stored_activation_elements", toString(figures->storedActivations)},
      {"stored_weight_elements", toString(figures->storedWeights)},
      {"stored_price", static_cast<int64_t>(options.storedPrice)},
      {"peak_elements", toString(memory->peak)},
      {"path", formatContractionPath(tree.tree.linearPath())}};
}

llvm::json::Value fetta::tnn::traceDecision(const OrderDecision &decision) {
  llvm::json::Array candidates;
  for (ContractionOrder order :
       {ContractionOrder::CSSE, ContractionOrder::Greedy,
        ContractionOrder::RightToLeft, ContractionOrder::BTT,
        ContractionOrder::CoresFirst}) {
    if (order == decision.order)
      continue;
    llvm::json::Object candidate;
    llvm::Expected<ContractionTree> tree =
        findTree(decision.network, decision.goal, order, decision.options);
    llvm::Error error = tree.takeError();
    if (!error) {
      llvm::Expected<TrainingTree> training = chooseRetention(
          decision.network, decision.goal, std::move(*tree), decision.options);
      error = training.takeError();
      if (!error) {
        llvm::Expected<llvm::json::Object> score = scoreOf(
            decision.network, decision.goal, decision.options, *training);
        error = score.takeError();
        if (!error)
          candidate = std::move(*score);
      }
    }
    candidate["order"] = stringifyContractionOrder(order);
    if (error)
      candidate["reason"] = llvm::toString(std::move(error));
    candidates.push_back(std::move(candidate));
  }

  llvm::json::Object chosen;
  llvm::Expected<llvm::json::Object> score =
      scoreOf(decision.network, decision.goal, decision.options,
              decision.chosen, &decision.plan);
  if (score)
    chosen = std::move(*score);
  else
    chosen["reason"] = llvm::toString(score.takeError());
  chosen["order"] = stringifyContractionOrder(decision.order);
  chosen["proven"] = decision.proven;
  if (!decision.reason.empty())
    chosen["reason"] = decision.reason;
  if (decision.lowerBound)
    chosen["lower_bound_per_phase"] = toString(*decision.lowerBound);

  llvm::json::Array steps, gradients;
  for (const SharedPlan::Step &step : decision.plan.getSteps())
    steps.push_back(
        llvm::json::Object{{"operands", llvm::json::Array{step.lhs, step.rhs}},
                           {"phase", step.phase},
                           {"multiply_adds", toString(step.cost.flops)},
                           {"elements", toString(step.cost.resultVolume)},
                           {"recomputes", step.recomputes}});
  for (unsigned leaf : decision.goal.gradients.set_bits())
    gradients.push_back(leaf);
  return llvm::json::Object{
      {"einsum", decision.einsum},
      {"gradients_of", std::move(gradients)},
      {"micro_batches", static_cast<int64_t>(decision.goal.repeats)},
      {"chosen", std::move(chosen)},
      {"candidates", std::move(candidates)},
      {"steps", std::move(steps)}};
}

llvm::Error OrderTrace::add(llvm::StringRef path, llvm::StringRef function,
                            llvm::json::Array decisions) {
  std::lock_guard<std::mutex> lock(mutex);
  functions[function.str()] = std::move(decisions);
  return writeOutputFile(path, [&](llvm::raw_ostream &os) -> llvm::Error {
    llvm::json::OStream json(os, /*IndentSize=*/2);
    json.object([&] {
      json.attribute("schema", schemaVersion);
      json.attributeArray("functions", [&] {
        for (const auto &[name, list] : functions)
          json.object([&] {
            json.attribute("function", name);
            json.attributeArray("families", [&] {
              for (const llvm::json::Value &family : list)
                json.value(family);
            });
          });
      });
    });
    os << '\n';
    return llvm::Error::success();
  });
}

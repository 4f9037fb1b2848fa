//===- TrainingReport.cpp - All phases of a layer -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "fetta/Contraction/TreeText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace fetta;

namespace {

/// The plan in the words of the report: "X", "G2", "dY" for leaves, the
/// results of phases by what they are, other values by a number.
class Words {
public:
  explicit Words(const PathReport &report)
      : training(*report.training), plan(training.plan),
        network(report.prepared.network), named(report.spec.namedModes) {
    unsigned core = 0;
    for (unsigned leaf : seq(plan.numLeaves()))
      names.push_back(leaf == plan.numLeaves() - 1 ? "dY"
                      : leaf == training.input ? "X"
                                               : "G" + std::to_string(++core));
    for (unsigned step : seq<unsigned>(0, plan.getSteps().size()))
      names.push_back("t" + std::to_string(step));
    for (unsigned phase : seq(plan.numPhases()))
      if (plan.resultValue(phase) >= plan.numLeaves())
        names[plan.resultValue(phase)] = result(phase);
  }

  /// What a phase computes: Y, dX, dG1.
  std::string result(unsigned phase) const {
    unsigned leaf = plan.rootLeaf(phase);
    return leaf == plan.numLeaves() - 1 ? "Y" : "d" + names[leaf];
  }
  std::string phase(unsigned number) const {
    return number == 0 ? "forward" : result(number);
  }
  std::string phases(ArrayRef<unsigned> numbers) const {
    return join(
        map_range(numbers, [&](unsigned number) { return phase(number); }),
        ", ");
  }
  const std::string &value(unsigned number) const { return names[number]; }

  std::string indices(unsigned value) const {
    if (value < plan.numLeaves())
      return list(network.getLeaves()[value]);
    // A phase's result has its leaf's own order of indices.
    for (unsigned phase : seq(plan.numPhases()))
      if (plan.resultValue(phase) == value)
        return list(network.getLeaves()[plan.rootLeaf(phase)]);
    return list(plan.getSteps()[value - plan.numLeaves()].cost.result);
  }
  std::string contraction(const SharedPlan::Step &step, unsigned value) const {
    return indices(step.lhs) + (named ? ", " : ",") + indices(step.rhs) +
           (named ? " -> " : "->") + indices(value);
  }

private:
  std::string list(ArrayRef<unsigned> indices) const {
    return network.formatIndices(indices, named ? " " : "");
  }
  const TrainingPlan &training;
  const SharedPlan &plan;
  const ClosedNetwork &network;
  bool named;
  std::vector<std::string> names;
};

/// Who reads what.
struct Uses {
  explicit Uses(const SharedPlan &plan)
      : readers(plan.numLeaves() + plan.getSteps().size()) {
    for (const SharedPlan::Step &step : plan.getSteps())
      for (unsigned value : {step.lhs, step.rhs})
        if (!is_contained(readers[value], step.phase))
          readers[value].push_back(step.phase);
  }
  /// By value, the phases with a step that reads it, ascending.
  std::vector<SmallVector<unsigned, 2>> readers;
};

} // namespace

static unsigned stepsOf(const SharedPlan &plan, unsigned phase) {
  return count_if(plan.getSteps(), [&](const SharedPlan::Step &step) {
    return step.phase == phase;
  });
}

/// Elements of all stored values; none beyond 128 bits.
static std::optional<Cost> storedElements(const SharedPlan &plan) {
  std::optional<Cost> total = 0;
  for (unsigned value : plan.storedValues())
    if (total)
      total = addCosts(
          *total, plan.getSteps()[value - plan.numLeaves()].cost.resultVolume);
  return total;
}

void fetta::printTrainingText(const PathReport &report, raw_ostream &os) {
  const SharedPlan &plan = report.training->plan;
  const SearchResult &best = report.reference->result;
  Words words(report);
  Uses uses(plan);
  unsigned numLeaves = plan.numLeaves();

  printField(os, "training step") << groupDigits(plan.totalFlops())
                                  << " multiply-adds, all phases together\n";
  if (std::optional<Cost> three = multiplyCosts(3, best.flops)) {
    printField(os, best.proven ? "3 optima" : "3 searched orders")
        << groupDigits(*three)
        << " (training step: " << formatRatio(plan.totalFlops(), *three)
        << ")\n";
  }
  if (std::optional<Cost> apart =
          multiplyCosts(plan.numPhases(), report.result.flops))
    printField(os, "phases run apart")
        << groupDigits(*apart) << " (" << formatRatio(*apart, plan.totalFlops())
        << ")\n";
  std::vector<unsigned> stored = plan.storedValues();
  std::optional<Cost> elements = storedElements(plan);
  printField(os, "stored for backward")
      << (elements ? groupDigits(*elements) : "more than 128 bits")
      << " elements in " << stored.size()
      << (stored.size() == 1 ? " intermediate" : " intermediates")
      << ", besides X and the cores\n";
  if (!report.prepared.reductions.empty())
    printField(os, "gradients of")
        << "operands as they are after the work before the first step\n";

  os << '\n';
  Table phases({"multiply-adds", "share", "steps", "from before", "phase",
                "result", "leaves out"});
  unsigned perPhase = report.result.tree.getSteps().size();
  for (unsigned phase : seq(plan.numPhases())) {
    unsigned steps = stepsOf(plan, phase);
    phases.add(
        {groupDigits(plan.phaseFlops(phase)),
         formatShare(plan.phaseFlops(phase), plan.totalFlops()),
         std::to_string(steps), std::to_string(perPhase - steps),
         words.phase(phase),
         words.result(phase) + "[" + words.indices(plan.rootLeaf(phase)) + "]",
         words.value(plan.rootLeaf(phase))});
  }
  phases.print(os, /*numRight=*/4);

  os << '\n';
  Table steps({"step", "multiply-adds", "elements", "phase", "value",
               "operands", "contraction", "read in", "stored"});
  for (auto [number, step] : enumerate(plan.getSteps())) {
    unsigned value = numLeaves + number;
    steps.add({std::to_string(number), groupDigits(step.cost.flops),
               groupDigits(step.cost.resultVolume), words.phase(step.phase),
               words.value(value),
               words.value(step.lhs) + ", " + words.value(step.rhs),
               words.contraction(step, value),
               words.phases(uses.readers[value]),
               is_contained(stored, value) ? "yes" : ""});
  }
  steps.print(os, /*numRight=*/3);
}

void fetta::printTrainingJson(const PathReport &report, json::OStream &json) {
  const SharedPlan &plan = report.training->plan;
  const SearchResult &best = report.reference->result;
  Words words(report);
  Uses uses(plan);
  unsigned numLeaves = plan.numLeaves();
  json.attributeObject("training", [&] {
    json.attribute("input", report.training->input);
    json.attribute("total_flops", toString(plan.totalFlops()));
    if (best.flops != 0)
      json.attribute("over_three_optima",
                     toDouble(plan.totalFlops()) / (3 * toDouble(best.flops)));
    std::vector<unsigned> stored = plan.storedValues();
    if (std::optional<Cost> elements = storedElements(plan))
      json.attribute("stored_elements", toString(*elements));
    json.attributeArray("phases", [&] {
      for (unsigned phase : seq(plan.numPhases()))
        json.object([&] {
          json.attribute("phase", words.phase(phase));
          json.attribute("result", plan.resultValue(phase));
          if (plan.rootLeaf(phase) != numLeaves - 1)
            json.attribute("gradient_of", plan.rootLeaf(phase));
          json.attribute("flops", toString(plan.phaseFlops(phase)));
          json.attribute("steps", stepsOf(plan, phase));
        });
    });
    // Values: operands, the output's gradient, then the results of the steps.
    json.attributeArray("steps", [&] {
      for (auto [number, step] : enumerate(plan.getSteps())) {
        unsigned value = numLeaves + number;
        json.object([&] {
          json.attribute("value", value);
          json.attributeArray("operands", [&] {
            json.value(step.lhs);
            json.value(step.rhs);
          });
          json.attribute("contraction", words.contraction(step, value));
          json.attribute("flops", toString(step.cost.flops));
          json.attribute("elements", toString(step.cost.resultVolume));
          json.attribute("phase", step.phase);
          json.attributeArray("read_in", [&] {
            for (unsigned phase : uses.readers[value])
              json.value(phase);
          });
          json.attribute("stored", is_contained(stored, value));
        });
      }
    });
  });
}

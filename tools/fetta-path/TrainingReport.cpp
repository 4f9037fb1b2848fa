//===- TrainingReport.cpp - All phases of a layer -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "fetta/Contraction/Path.h"
#include "fetta/Contraction/TreeText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

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
    for (auto [number, step] : enumerate(plan.getSteps())) {
      // A value that is made again keeps its name.
      const SharedPlan::Step &made = step;
      auto before = llvm::find_if(plan.getSteps().take_front(number),
                                  [&](const SharedPlan::Step &other) {
                                    return other.leaves == made.leaves;
                                  });
      unsigned first = before - plan.getSteps().begin();
      names.push_back("t" + std::to_string(first) +
                      (step.recomputes ? "'" : ""));
    }
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

/// Steps of a phase that no other has done before.
static unsigned stepsOf(const SharedPlan &plan, unsigned phase) {
  return count_if(plan.getSteps(), [&](const SharedPlan::Step &step) {
    return step.phase == phase && !step.recomputes;
  });
}

static StringRef nameOf(StepTime time) {
  switch (time) {
  case StepTime::Before:
    return "before";
  case StepTime::Each:
    return "each";
  case StepTime::After:
    return "after";
  }
  llvm_unreachable("every time has a name");
}

/// "512 elements (2,048 bytes)".
static std::string elements(Cost count, unsigned bytes) {
  std::string text = groupDigits(count) + " elements";
  if (std::optional<Cost> all = multiplyCosts(count, bytes))
    text += " (" + groupDigits(*all) + " bytes)";
  return text;
}

/// 3 * optimum of a phase, for all repeats.
static std::optional<Cost> threePhases(const PathReport &report) {
  std::optional<Cost> three = multiplyCosts(3, report.reference->result.flops);
  return three ? multiplyCosts(*three, report.training->goal.repeats) : three;
}

static void printFront(const PathReport &report, raw_ostream &os) {
  const TrainingPlan &training = *report.training;
  const ParetoFront &front = *training.front;
  bool isPeak = training.axis == MemoryAxis::Peak;
  os << "\nplans that no other beats in multiply-adds and "
     << (isPeak ? "in elements alive at once" : "in stored elements") << ", ";
  if (front.epsilon == 0)
    os << "all of them:\n";
  else
    os << formatv("each within {0}% of one of these:\n", front.epsilon * 100);
  Table table({"multiply-adds", "more", "elements", "bytes", "forward path"});
  for (const ParetoPoint &point : front.points) {
    std::optional<Cost> bytes =
        multiplyCosts(point.elements, training.elementBytes);
    table.add({groupDigits(point.flops),
               formatShare(point.flops - front.points.front().flops,
                           front.points.front().flops),
               groupDigits(point.elements), bytes ? groupDigits(*bytes) : "",
               formatContractionPath(point.tree.tree.linearPath())});
  }
  table.print(os, /*numRight=*/4);
}

void fetta::printTrainingText(const PathReport &report, raw_ostream &os) {
  const TrainingPlan &training = *report.training;
  const TrainingFigures &figures = training.result.figures;
  const SharedPlan &plan = training.plan;
  const SearchResult &best = report.reference->result;
  uint64_t repeats = training.goal.repeats;
  Words words(report);
  Uses uses(plan);
  unsigned numLeaves = plan.numLeaves();

  printField(os, "training step")
      << groupDigits(figures.flops) << " multiply-adds, all phases together";
  if (repeats > 1)
    os << " and " << repeats << " micro-batches";
  os << '\n';
  if (report.order == ContractionOrder::CSSE)
    printField(os, "its certificate")
        << (training.result.proven
                ? "the best over all trees"
                : "not proven the best: " + training.result.reason)
        << '\n';
  if (std::optional<Cost> three = threePhases(report))
    printField(os, best.proven ? "3 optima" : "3 searched orders")
        << groupDigits(*three)
        << " (training step: " << formatRatio(figures.flops, *three) << ")\n";
  std::optional<Cost> apart =
      multiplyCosts(plan.numPhases(), report.result.flops);
  if (apart)
    apart = multiplyCosts(*apart, repeats);
  if (apart)
    printField(os, "phases run apart")
        << groupDigits(*apart) << " (" << formatRatio(*apart, figures.flops)
        << ")\n";
  if (figures.recomputedFlops != 0)
    printField(os, "recomputed") << groupDigits(figures.recomputedFlops)
                                 << " multiply-adds instead of storing\n";
  unsigned numStored =
      llvm::count(training.result.tree.retention, Retention::Stored);
  printField(os, "stored for backward")
      << elements(figures.storedActivations + figures.storedWeights,
                  training.elementBytes)
      << " in " << numStored
      << (numStored == 1 ? " intermediate" : " intermediates")
      << ", besides X and the cores\n";
  if (figures.storedWeights != 0)
    printField(os, "  of cores alone")
        << elements(figures.storedWeights, training.elementBytes) << '\n';
  printField(os, "alive at once")
      << elements(training.memory.peak, training.elementBytes) << " at step "
      << training.memory.peakStep << ", besides "
      << groupDigits(training.memory.inputs) << " of X, dY and the cores\n";
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
  SmallVector<std::string> header = {"step",        "multiply-adds", "elements",
                                     "phase",       "value",         "operands",
                                     "contraction", "read in",       "stored"};
  if (repeats > 1)
    header.insert(header.end() - 1, "micro-batch");
  Table steps(std::move(header));
  std::vector<unsigned> stored = plan.storedValues();
  for (auto [number, step] : enumerate(plan.getSteps())) {
    unsigned value = numLeaves + number;
    SmallVector<std::string> row = {std::to_string(number),
                                    groupDigits(step.cost.flops),
                                    groupDigits(step.cost.resultVolume),
                                    words.phase(step.phase),
                                    words.value(value),
                                    words.value(step.lhs) + ", " +
                                        words.value(step.rhs),
                                    words.contraction(step, value),
                                    words.phases(uses.readers[value]),
                                    is_contained(stored, value) ? "yes"
                                    : step.recomputes           ? "again"
                                                                : ""};
    if (repeats > 1)
      row.insert(row.end() - 1,
                 nameOf(stepTime(plan, training.goal, step)).str());
    steps.add(std::move(row));
  }
  steps.print(os, /*numRight=*/3);
  if (training.front)
    printFront(report, os);
}

static void printFrontJson(const TrainingPlan &training, json::OStream &json) {
  json.attributeObject("pareto", [&] {
    json.attribute("axis", training.axis == MemoryAxis::Peak
                               ? "peak_elements"
                               : "stored_elements");
    json.attribute("epsilon", training.front->epsilon);
    json.attributeArray("points", [&] {
      for (const ParetoPoint &point : training.front->points)
        json.object([&] {
          json.attribute("flops", toString(point.flops));
          json.attribute("elements", toString(point.elements));
          json.attribute("path",
                         formatContractionPath(point.tree.tree.linearPath()));
          json.attributeArray("recomputed_steps", [&] {
            for (auto [number, choice] : enumerate(point.tree.retention))
              if (choice == Retention::Recomputed)
                json.value(number);
          });
        });
    });
  });
}

void fetta::printTrainingJson(const PathReport &report, json::OStream &json) {
  const TrainingPlan &training = *report.training;
  const TrainingFigures &figures = training.result.figures;
  const SharedPlan &plan = training.plan;
  Words words(report);
  Uses uses(plan);
  unsigned numLeaves = plan.numLeaves();
  json.attributeObject("training", [&] {
    json.attribute("input", training.input);
    json.attribute("repeats", training.goal.repeats);
    json.attribute("total_flops", toString(figures.flops));
    std::optional<Cost> three = threePhases(report);
    if (three && *three != 0)
      json.attribute("over_three_optima",
                     toDouble(figures.flops) / toDouble(*three));
    json.attribute("proven", training.result.proven);
    json.attribute("recomputed_flops", toString(figures.recomputedFlops));
    json.attribute("stored_elements",
                   toString(figures.storedActivations + figures.storedWeights));
    json.attribute("stored_activation_elements",
                   toString(figures.storedActivations));
    json.attribute("peak_elements", toString(training.memory.peak));
    json.attribute("input_elements", toString(training.memory.inputs));
    json.attribute("element_bytes", training.elementBytes);
    json.attribute(
        "path", formatContractionPath(training.result.tree.tree.linearPath()));
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
    std::vector<unsigned> stored = plan.storedValues();
    json.attributeArray("steps", [&] {
      for (auto [number, step] : enumerate(plan.getSteps())) {
        unsigned value = numLeaves + number;
        const SharedPlan::Step &written = step;
        json.object([&] {
          json.attribute("value", value);
          json.attributeArray("operands", [&] {
            json.value(written.lhs);
            json.value(written.rhs);
          });
          json.attribute("contraction", words.contraction(written, value));
          json.attribute("flops", toString(written.cost.flops));
          json.attribute("elements", toString(written.cost.resultVolume));
          json.attribute("phase", written.phase);
          json.attributeArray("read_in", [&] {
            for (unsigned phase : uses.readers[value])
              json.value(phase);
          });
          json.attribute("stored", is_contained(stored, value));
          if (written.recomputes)
            json.attribute("recomputes", true);
          if (training.goal.repeats > 1)
            json.attribute("micro_batch",
                           nameOf(stepTime(plan, training.goal, written)));
        });
      }
    });
    if (training.front)
      printFrontJson(training, json);
  });
}

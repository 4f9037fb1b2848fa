//===- TrainingControl.cpp - What a training step has to do ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainingControl.h"

#include "SearchControl.h"
#include "fetta/Support/Error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/CommandLine.h"

using namespace llvm;
using namespace fetta;

static cl::opt<unsigned>
    inputOperand("input",
                 cl::desc("With --train: the operand that holds the "
                          "activations (default 0); the others are cores"),
                 cl::value_desc("operand"), cl::init(0),
                 cl::cat(pathCategory()));
static cl::list<unsigned>
    gradients("gradients",
              cl::desc("With --train: the operands whose gradients are wanted "
                       "(default: all)"),
              cl::value_desc("operands"), cl::CommaSeparated,
              cl::cat(pathCategory()));
static cl::opt<uint64_t>
    microBatches("micro-batches",
                 cl::desc("With --train: micro-batches (or time steps) that "
                          "use the same cores; contractions of cores alone are "
                          "done once for all (default 1)"),
                 cl::value_desc("count"), cl::init(1), cl::cat(pathCategory()));
static cl::opt<unsigned>
    storedPrice("stored-price",
                cl::desc("With --train: multiply-adds that an element stored "
                         "for the gradients is worth (default 0)"),
                cl::value_desc("count"), cl::init(0), cl::cat(pathCategory()));
static cl::opt<uint64_t>
    storedLimit("stored-limit",
                cl::desc("With --train: elements stored for the gradients, at "
                         "most"),
                cl::value_desc("elements"), cl::cat(pathCategory()));
static cl::opt<double> extraFlops(
    "extra-flops",
    cl::desc("With --train: store as little as possible with at most so many "
             "per cent more multiply-adds; with --pareto: leave out dearer "
             "plans"),
    cl::value_desc("per cent"), cl::cat(pathCategory()));
static cl::opt<bool>
    noRecompute("no-recompute",
                cl::desc("With --train: never compute a forward intermediate "
                         "again instead of storing it"),
                cl::cat(pathCategory()));
static cl::opt<bool> countWeights(
    "count-weights",
    cl::desc("With --train: intermediates of cores alone count as stored, too"),
    cl::cat(pathCategory()));
enum class Front { Stored, Peak, LatencyEnergy };
static cl::opt<Front> pareto(
    "pareto", cl::desc("All plans of which no other is better in"),
    cl::cat(pathCategory()),
    cl::values(clEnumValN(Front::Stored, "stored",
                          "multiply-adds and elements stored for the gradients "
                          "(with --train)"),
               clEnumValN(Front::Peak, "peak",
                          "multiply-adds and elements alive at once (with "
                          "--train)"),
               clEnumValN(Front::LatencyEnergy, "latency-energy",
                          "cycles and picojoules, one step after the other "
                          "(with --machine)")));
static cl::opt<double>
    epsilon("epsilon",
            cl::desc("With --pareto beyond 12 tensors: how far, in per cent, a "
                     "plan may be from the front (default 1)"),
            cl::value_desc("per cent"), cl::init(1), cl::cat(pathCategory()));
static cl::opt<unsigned>
    elementBytes("element-bytes",
                 cl::desc("With --train: bytes of an element (default 4)"),
                 cl::value_desc("count"), cl::init(4), cl::cat(pathCategory()));

bool fetta::wantsMachineFront() {
  return pareto.getNumOccurrences() != 0 && pareto == Front::LatencyEnergy;
}

std::string fetta::checkTrainingOptions(bool isTraining) {
  const std::pair<StringRef, bool> given[] = {
      {"input", inputOperand.getNumOccurrences() != 0},
      {"gradients", gradients.getNumOccurrences() != 0},
      {"micro-batches", microBatches.getNumOccurrences() != 0},
      {"stored-price", storedPrice.getNumOccurrences() != 0},
      {"stored-limit", storedLimit.getNumOccurrences() != 0},
      {"extra-flops", extraFlops.getNumOccurrences() != 0},
      {"no-recompute", noRecompute},
      {"count-weights", countWeights},
      {"pareto", pareto.getNumOccurrences() != 0 && !wantsMachineFront()},
      {"element-bytes", elementBytes.getNumOccurrences() != 0}};
  for (auto [name, isGiven] : given)
    if (isGiven && !isTraining)
      return ("--" + name + " goes with --train").str();
  unsigned aims = (storedPrice != 0) + (storedLimit.getNumOccurrences() != 0) +
                  (extraFlops.getNumOccurrences() != 0);
  if (aims > 1)
    return "give one of --stored-price, --stored-limit and --extra-flops";
  if (extraFlops < 0 || epsilon < 0)
    return "--extra-flops and --epsilon are not negative";
  if (microBatches == 0 || elementBytes == 0)
    return "--micro-batches and --element-bytes are at least 1";
  if (epsilon.getNumOccurrences() != 0 &&
      (pareto.getNumOccurrences() == 0 || wantsMachineFront()))
    return "--epsilon goes with --pareto";
  return "";
}

Expected<TrainingGoal> fetta::makeGoal(const ClosedNetwork &network,
                                       bool isTraining) {
  unsigned output = network.numLeaves() - 1;
  if (!isTraining) {
    auto goal = TrainingGoal::allGradients(network, 0, output);
    goal.gradients.reset();
    return goal;
  }
  if (inputOperand >= output)
    return makeError("--input={0}: the einsum has {1} operands, counted from 0",
                     inputOperand.getValue(), output);
  auto goal = TrainingGoal::allGradients(network, inputOperand, output);
  if (gradients.getNumOccurrences() != 0) {
    goal.gradients.reset();
    for (unsigned operand : gradients) {
      if (operand >= output)
        return makeError(
            "--gradients={0}: the einsum has {1} operands, counted from 0",
            operand, output);
      goal.gradients.set(operand);
    }
  }
  goal.repeats = microBatches;
  return goal;
}

Expected<TrainingPlan> fetta::makeTrainingPlan(const PathReport &report) {
  const ClosedNetwork &network = report.prepared.network;
  Expected<TrainingGoal> goal = makeGoal(network, /*isTraining=*/true);
  if (!goal)
    return goal.takeError();
  SearchOptions search = makeSearchOptions(Objective::flops());
  TrainingOptions options;
  options.exactLimit = std::min(options.exactLimit, search.exactLimit);
  options.heuristic = search.heuristic;
  options.storedPrice = storedPrice;
  if (storedLimit.getNumOccurrences() != 0)
    options.storedLimit = storedLimit.getValue();
  if (extraFlops.getNumOccurrences() != 0)
    options.flopSlack = extraFlops.getValue();
  options.recompute = !noRecompute;
  options.countWeights = countWeights;

  TrainingResult result{{report.result.tree, {}}, {}, 0, 0, false, ""};
  bool onMachine = report.machine && report.machine->order;
  if (report.order == ContractionOrder::CSSE && !onMachine) {
    Expected<TrainingResult> found = searchTraining(network, *goal, options);
    if (!found)
      return found.takeError();
    result = std::move(*found);
  } else {
    Expected<TrainingTree> tree =
        chooseRetention(network, *goal, report.result.tree, options);
    if (!tree)
      return tree.takeError();
    Expected<TrainingFigures> figures =
        computeTrainingFigures(network, *goal, *tree);
    if (!figures)
      return figures.takeError();
    result.tree = std::move(*tree);
    result.figures = *figures;
    result.reason =
        onMachine ? "the machine decided" : "the order was not searched";
  }
  Expected<SharedPlan> plan = planTraining(network, *goal, result.tree);
  if (!plan)
    return plan.takeError();
  Expected<PlanMemory> memory = measureMemory(network, *plan, *goal);
  if (!memory)
    return memory.takeError();
  TrainingPlan training{inputOperand,      std::move(*plan),  *goal,
                        std::move(result), *memory,           elementBytes,
                        std::nullopt,      MemoryAxis::Stored};
  if (pareto.getNumOccurrences() != 0 && !wantsMachineFront()) {
    ParetoOptions front;
    front.axis = training.axis =
        pareto == Front::Peak ? MemoryAxis::Peak : MemoryAxis::Stored;
    front.epsilon = epsilon / 100;
    front.recompute = options.recompute;
    front.countWeights = options.countWeights;
    front.flopSlack = options.flopSlack;
    Expected<ParetoFront> found = searchPareto(network, *goal, front);
    if (!found)
      return found.takeError();
    training.front = std::move(*found);
  }
  return training;
}

//===- fetta-path.cpp - The best contraction order of an einsum -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Input.h"
#include "MachineReport.h"
#include "Report.h"
#include "SearchControl.h"
#include "SlicingReport.h"
#include "TrainingControl.h"

#include "fetta/Contraction/Check.h"
#include "fetta/Contraction/LowerBound.h"
#include "fetta/Contraction/Path.h"
#include "fetta/Support/OutputFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

using namespace llvm;
using namespace fetta;

static constexpr const char *overview =
    R"help(Finds the order of pairwise contractions with the fewest multiply-adds.

Example: three matrices, of which the right two should be multiplied first

  fetta-path "ab,bc,cd->ad" --sizes a=100,b=2,c=50,d=3

prints the path [(1, 2), (0, 1)] in the linear format of opt_einsum, its cost
and a table of its steps. Modes with longer names are separated by spaces:

  fetta-path "b i0 i1, i1 r -> b i0 r" --sizes b=32,i0=8,i1=12,r=4

Verify a path from elsewhere, linear or SSA, and see how far from the optimum it
is. A long one may stand in a file, named instead:

  fetta-path "ab,bc,cd->ad" --sizes a=100,b=2,c=50,d=3 --check "(0,1),(0,1)"

Of a layer, name the activations first and then the cores, to compare the
search with --order=right-to-left, btt or cores-first. Plan all phases of the
layer's training step together, and see what they share and store:

  fetta-path "bi,ir,ro->bo" --sizes b=64,i=512,r=8,o=256 --train

Let a machine decide instead of the count of multiply-adds: by its cycles, its
energy, or their product (edp), of the pass or of the whole training step:

  fetta-path "bi,ir,ro->bo" --sizes b=64,i=512,r=8,o=256 --train \
      --machine machines/fetta-edge.yaml --objective latency

shows what was proven (for a machine that does one step after the other) and
what the best orders take as scheduled; --pareto latency-energy adds the front.

Many at once, one object a line (EINSUM<TAB>SIZES in each line of the file);
einsums of more than 20 tensors are searched for ten seconds each, and the gap
to a lower bound is told:

  fetta-path --file einsums.tsv --json --seconds 10

Draw the tree:

  fetta-path "ab,bc,cd->ad" --sizes a=100,b=2,c=50,d=3 --dot | dot -Tsvg

Exit codes: 0 done; 1 input refused; 2 bad command line; 3 the searched order
is not proven optimal because the einsum has more tensors than --exact-limit (for
a machine: than 16), or because of a signal; it is the best found.
)help";

static cl::opt<std::string> einsumText(cl::Positional, cl::desc("[einsum]"),
                                       cl::cat(pathCategory()));
static cl::opt<std::string> sizesText("sizes",
                                      cl::desc("Sizes of the indices: a=2,b=3"),
                                      cl::value_desc("list"),
                                      cl::cat(pathCategory()));
static cl::opt<std::string>
    shapesText("shapes", cl::desc("Shapes of the operands instead: 2x3,3x4"),
               cl::value_desc("list"), cl::cat(pathCategory()));
static cl::opt<std::string>
    fileName("file",
             cl::desc("Read lines of EINSUM<TAB>SIZES ('-': stdin); "
                      "empty lines and lines that begin with '#' are skipped"),
             cl::value_desc("file"), cl::cat(pathCategory()));
static cl::opt<std::string>
    outputName("o", cl::desc("Write to a file ('-', the default: stdout)"),
               cl::value_desc("file"), cl::init("-"), cl::cat(pathCategory()));
static cl::opt<bool> asJson("json", cl::desc("One JSON object for each einsum"),
                            cl::cat(pathCategory()));
static cl::opt<ContractionOrder>
    order("order", cl::desc("What decides the order (default: csse)"),
          cl::init(ContractionOrder::CSSE), cl::cat(pathCategory()),
          ContractionOrderValues());
static cl::opt<std::string>
    pathText("path",
             cl::desc("The order by hand, linear or SSA: \"(1,2),(0,1)\", or "
                      "a file with it ('-': stdin); implies --order=given"),
             cl::value_desc("path"), cl::cat(pathCategory()));
static cl::opt<std::string> checkText(
    "check",
    cl::desc("Verify somebody else's path, linear or SSA, or a file with it, "
             "and say how far it is from the optimum, or from the lower bound"),
    cl::value_desc("path"), cl::cat(pathCategory()));
static const std::string objectiveHelp =
    "What is minimized: " + describeObjectives() +
    "; the default is flops, and those on a machine take --machine";
static cl::opt<std::string> objectiveName("objective", cl::desc(objectiveHelp),
                                          cl::value_desc("name"),
                                          cl::init("flops"),
                                          cl::cat(pathCategory()));
static cl::opt<bool>
    train("train",
          cl::desc("The einsum is a layer's forward pass: plan all phases of "
                   "its training step together"),
          cl::cat(pathCategory()));
static cl::opt<bool> showTree("tree", cl::desc("Show the tree, too"),
                              cl::cat(pathCategory()));
static cl::opt<bool>
    showDot("dot",
            cl::desc("Print the tree as Graphviz graph and nothing else (with "
                     "--json: as a key)"),
            cl::cat(pathCategory()));
static cl::opt<bool> showSsa("ssa", cl::desc("Show the SSA path, too"),
                             cl::cat(pathCategory()));
static cl::opt<unsigned> checkLimit(
    "check-limit",
    cl::desc("Repeat the proof with an independent program up to this many "
             "tensors (default 12, at most 16; slow there)"),
    cl::init(12), cl::cat(pathCategory()));

namespace {

/// What the command line asks to be found.
struct Wish {
  ContractionOrder order;
  PathText path; ///< With ContractionOrder::Given.
  Objective objective;
  std::optional<ModelObjective> onMachine;
  bool needsMachine; ///< By the objective or for a front.
};

} // namespace

static Expected<std::vector<Request>> readCommandLine() {
  Expected<Request> request =
      shapesText.getNumOccurrences() == 0
          ? makeRequestFromSizes(einsumText, sizesText)
          : makeRequestFromShapes(einsumText, shapesText);
  if (!request)
    return request.takeError();
  return std::vector<Request>{std::move(*request)};
}

/// The tree of an order that is not searched. \p format says how a given path
/// is written.
static Expected<ContractionTree>
makeTree(const ClosedNetwork &network, const Wish &wish, PathFormat &format) {
  unsigned root = network.numLeaves() - 1;
  switch (wish.order) {
  case ContractionOrder::Given:
    return bindPath(wish.path.text, wish.path.start, network.numLeaves(), root,
                    &format);
  case ContractionOrder::Greedy:
    return greedyTree(network, root);
  default:
    break;
  }
  LayerRoles roles;
  roles.input = 0;
  roles.outputGradient = root;
  for (unsigned core : seq(1u, root))
    roles.cores.push_back(core);
  return fixedOrderTree(network, roles, wish.order);
}

static Expected<SearchResult> search(const ClosedNetwork &network,
                                     const Objective &objective) {
  return searchTree(network, network.numLeaves() - 1,
                    makeSearchOptions(objective));
}

/// Whether the checker repeated the proof; an error if a claim is false.
static Expected<bool> checkResult(const ClosedNetwork &network,
                                  const SearchResult &result,
                                  const Objective &objective) {
  Expected<CheckReport> check =
      checkTree(network, result.tree, result.value, result.proven,
                {checkLimit, objective});
  if (!check)
    return check.takeError();
  return check->optimalityChecked;
}

static Expected<PathReport> solve(const Request &request, const Wish &wish) {
  Expected<PreparedNetwork> prepared = prepareNetwork(request.network);
  if (!prepared)
    return prepared.takeError();
  const ClosedNetwork &network = prepared->network;
  bool isChecked = checkText.getNumOccurrences() != 0;
  PathFormat format = PathFormat::Linear;
  std::optional<PathReport::Reference> reference;
  std::optional<MachineReport> machine;
  if (wish.needsMachine) {
    Expected<TrainingGoal> goal = makeGoal(network, train);
    if (!goal)
      return goal.takeError();
    Expected<MachineReport> found =
        orderOnMachine(network, *goal, wish.onMachine, wantsMachineFront());
    if (!found)
      return found.takeError();
    machine = std::move(*found);
  }
  auto find = [&]() -> Expected<SearchResult> {
    if (wish.order == ContractionOrder::CSSE && !wish.onMachine)
      return search(network, wish.objective);
    Expected<ContractionTree> tree = wish.onMachine
                                         ? machine->order->best().tree
                                         : makeTree(network, wish, format);
    if (!tree)
      return tree.takeError();
    Expected<TreeCost> cost = computeCost(network, *tree);
    if (!cost)
      return cost.takeError();
    std::optional<Cost> value = valueOf(wish.objective, *cost);
    if (!value)
      return makeError("the objective of the path exceeds 128 bits");
    Cost bound = lowerBound(network);
    if (isChecked || train || wish.onMachine) {
      Expected<SearchResult> best = search(network, wish.objective);
      if (!best)
        return best.takeError();
      bound = best->lowerBound;
      reference = {std::move(*best), false};
    }
    return SearchResult{std::move(*tree),
                        cost->flops,
                        bound,
                        /*proven=*/*value == bound,
                        wish.onMachine ? "the machine decided"
                                       : "the order was not searched",
                        /*pairs=*/0,
                        *value};
  };
  Expected<SearchResult> result = find();
  if (!result)
    return result.takeError();
  Expected<TreeCost> cost = computeCost(network, result->tree);
  if (!cost)
    return cost.takeError();
  Expected<bool> optimalityChecked =
      checkResult(network, *result, wish.objective);
  if (!optimalityChecked)
    return optimalityChecked.takeError();
  if (reference) {
    Expected<bool> referenceChecked =
        checkResult(network, reference->result, wish.objective);
    if (!referenceChecked)
      return referenceChecked.takeError();
    reference->optimalityChecked = *referenceChecked;
  } else if (train) {
    reference = {*result, *optimalityChecked};
  }
  PathReport report{
      request.spec,       std::move(*prepared), wish.order,
      wish.objective,     std::move(*result),   std::move(*cost),
      *optimalityChecked, std::move(reference), std::nullopt,
      std::nullopt,       std::nullopt,         std::move(machine)};
  if (isChecked)
    report.checkedFormat = format;
  if (hasMemoryLimit()) {
    Expected<SlicedPlan> plan = searchWithinLimit(report.prepared.network);
    if (!plan)
      return plan.takeError();
    report.sliced = std::move(*plan);
  }
  if (train) {
    Expected<TrainingPlan> plan = makeTrainingPlan(report);
    if (!plan)
      return plan.takeError();
    report.training = std::move(*plan);
  }
  return report;
}

static int usage(const Twine &message) {
  errs() << "fetta-path: error: " << message << "; see fetta-path --help\n";
  return Usage;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(pathCategory());
  // With a stream, bad options are reported there and do not exit.
  if (!cl::ParseCommandLineOptions(argc, argv, overview, &errs()))
    return Usage;
  bool fromFile = fileName.getNumOccurrences() != 0;
  bool fromCommandLine = einsumText.getNumOccurrences() != 0;
  if (fromFile == fromCommandLine)
    return usage("give one einsum or --file");
  if (fromFile && (sizesText.getNumOccurrences() != 0 ||
                   shapesText.getNumOccurrences() != 0))
    return usage("with --file the sizes stand in the file");
  if (sizesText.getNumOccurrences() != 0 && shapesText.getNumOccurrences() != 0)
    return usage("give --sizes or --shapes, not both");
  bool isChecked = checkText.getNumOccurrences() != 0;
  if (isChecked && pathText.getNumOccurrences() != 0)
    return usage("give --path or --check, not both");
  if (train && (showTree || showDot || showSsa))
    return usage("--tree, --dot and --ssa show one phase: leave --train out");
  std::optional<ModelObjective> onMachine = parseModelObjective(objectiveName);
  std::optional<Objective> objective =
      onMachine ? Objective::flops() : parseObjective(objectiveName);
  if (!objective)
    return usage("--objective is " + listObjectives());
  bool needsMachine = onMachine || wantsMachineFront();
  if (std::string problem = checkMachineOptions(needsMachine); !problem.empty())
    return usage(problem);
  if (train && !objective->isFlops())
    return usage("--train minimizes multiply-adds: what is stored has "
                 "--stored-price, --stored-limit and --extra-flops");
  if (hasMemoryLimit() && (train || needsMachine || !objective->isFlops() ||
                           order != ContractionOrder::CSSE || showDot))
    return usage(
        "--memory-limit goes with the searched order of one phase: "
        "leave --train, --objective, --machine, --order and --dot out");
  if (std::string problem = checkTrainingOptions(train); !problem.empty())
    return usage(problem);
  if (showTree && showDot && !asJson)
    return usage("give --tree or --dot, not both");
  bool hasPath = isChecked || pathText.getNumOccurrences() != 0;
  ContractionOrder chosen = hasPath && order.getNumOccurrences() == 0
                                ? ContractionOrder::Given
                                : order.getValue();
  if (hasPath != (chosen == ContractionOrder::Given))
    return usage(isChecked ? "--check brings its own order"
                           : "--order=given and --path belong together");
  if (onMachine && chosen != ContractionOrder::CSSE)
    return usage("an objective on a machine goes with --order=csse");
  if (!objective->isFlops() && chosen != ContractionOrder::CSSE && !isChecked)
    return usage("--objective goes with --order=csse or --check");
  if (std::string problem = checkSearchOptions(); !problem.empty())
    return usage(problem);
  if (checkLimit > 16)
    return usage("--check-limit is at most 16");

  PathText path;
  if (hasPath) {
    Expected<PathText> read =
        isChecked ? readPath(checkText, "check") : readPath(pathText, "path");
    if (!read)
      return reportError("fetta-path", read.takeError());
    path = std::move(*read);
  }
  Expected<std::vector<Request>> requests =
      fromFile ? readRequests(fileName) : readCommandLine();
  if (!requests)
    return reportError("fetta-path", requests.takeError());

  catchSignals();
  Wish wish{chosen, std::move(path), *objective, onMachine, needsMachine};
  ReportOptions options{showTree, showDot, showSsa};
  int code = Done;
  std::string text;
  raw_string_ostream os(text);
  for (const Request &request : *requests) {
    Expected<PathReport> report = solve(request, wish);
    clearProgress();
    if (!report) {
      Error error = report.takeError();
      if (!request.place.empty())
        error = addErrorContext(request.place, std::move(error));
      return reportError("fetta-path", std::move(error));
    }
    if (asJson) {
      printJson(*report, options, os);
    } else {
      if (!text.empty())
        os << '\n';
      printText(*report, options, os);
    }
    // Not proven, or not known how far from the optimum.
    const SearchResult &searched =
        report->reference ? report->reference->result : report->result;
    if ((chosen == ContractionOrder::CSSE || report->reference) &&
        !searched.proven)
      code = Limit;
    if (chosen == ContractionOrder::CSSE && report->training && !onMachine &&
        !report->training->result.proven)
      code = Limit;
    if (onMachine && !report->machine->order->optimum)
      code = Limit;
  }
  if (Error error = writeOutputFile(outputName, text))
    return reportError("fetta-path", std::move(error));
  return code;
}

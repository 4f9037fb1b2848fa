//===- TrainingBench.cpp - Training steps, fronts and cost models ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How long it takes to find training trees, fronts and trees by a cost model on
// the layer suite, one thread. `--table` prints what is found instead: for each
// layer the multiply-adds, stored and live bytes of three training steps.
//
//===----------------------------------------------------------------------===//

#include "LayerSuite.h"
#include "TestNetworks.h"
#include "fetta/Contraction/CostModel.h"
#include "fetta/Contraction/Pareto.h"
#include "fetta/Contraction/TrainingPlan.h"
#include "fetta/Contraction/TreeText.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include "benchmark/benchmark.h"

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

static TrainingGoal goalOf(const ClosedNetwork &network) {
  return TrainingGoal::allGradients(network, 0, network.numLeaves() - 1);
}

namespace {

/// One training step of the table; bytes of FP32 elements.
struct Row {
  TrainingFigures figures;
  Cost peak;
};

} // namespace

static Row measure(const ClosedNetwork &network, const TrainingGoal &goal,
                   const TrainingTree &tree) {
  SharedPlan plan = must(planTraining(network, goal, tree));
  return {must(computeTrainingFigures(network, goal, tree)),
          4 * must(measureMemory(network, plan, goal)).peak};
}

/// The batch is the only index that both X and dY hold in every layer, and the
/// first one of X. In pieces, all steps with an activation are as many times
/// smaller, and sums of gradients are added up.
static TrainingFigures inMicroBatches(const ClosedNetwork &network,
                                      int64_t pieces) {
  std::vector<NetworkIndex> indices = network.getIndices().vec();
  indices[network.getLeaves()[0].front()].size /= pieces;
  ClosedNetwork piece = must(
      ClosedNetwork::create(std::move(indices), network.getLeaves().vec()));
  TrainingGoal goal = goalOf(piece);
  goal.repeats = pieces;
  TrainingOptions options;
  options.recompute = false;
  return must(searchTraining(piece, goal, options)).figures;
}

static void printTable() {
  outs() << "| layer | n | OPT | 3 OPT: stored | alive | to 5% more: flops | "
            "stored | less | alive | without dX: flops | stored | alive | 16 "
            "micro-batches: flops, sums | stored |\n"
            "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  unsigned numTenfold = 0, numInPieces = 0, numLayers = 0;
  auto bytes = [](const TrainingFigures &figures) {
    return 4 * figures.storedActivations;
  };
  auto percent = [](Cost more, Cost than) {
    std::string text;
    raw_string_ostream(text)
        << format("%+.2f%%", 100 * (toDouble(more) / toDouble(than) - 1));
    return text;
  };
  auto ratio = [](Cost more, Cost less) {
    std::string text = more == 0 ? "-" : "all";
    if (more != 0 && less != 0) {
      text.clear();
      raw_string_ostream(text)
          << format("%.1fx", toDouble(more) / toDouble(less));
    }
    return text;
  };
  for (const KnownOptimum &layer : layerSuite) {
    ClosedNetwork network = makeClosed(layer.einsum, layer.sizes);
    TrainingGoal goal = goalOf(network);
    TrainingOptions options;
    TrainingResult all = must(searchTraining(network, goal, options));
    options.flopSlack = 5;
    TrainingResult less = must(searchTraining(network, goal, options));
    TrainingGoal noInput = goal;
    noInput.gradients.reset(0);
    TrainingResult weights = must(searchTraining(network, noInput, {}));
    TrainingFigures pieces = inMicroBatches(network, 16);
    Row rowAll = measure(network, goal, all.tree);
    Row rowLess = measure(network, goal, less.tree);
    Row rowWeights = measure(network, noInput, weights.tree);
    Cost before = bytes(all.figures), flops = all.figures.flops;
    Cost inPieces = pieces.flops + pieces.accumulations;
    numLayers += before != 0;
    numTenfold += before != 0 && bytes(less.figures) * 10 <= before;
    numInPieces += before != 0 && bytes(pieces) * 10 <= before &&
                   toDouble(inPieces) <= 1.05 * toDouble(flops);
    outs() << "| " << layer.name << " | " << network.numLeaves() - 1 << " | "
           << groupDigits(all.phaseFlops) << " | " << groupDigits(before)
           << " | " << groupDigits(rowAll.peak) << " | "
           << percent(less.figures.flops, flops) << " | "
           << groupDigits(bytes(less.figures)) << " | "
           << ratio(before, bytes(less.figures)) << " | "
           << groupDigits(rowLess.peak) << " | "
           << format("%.2f OPT", toDouble(weights.figures.flops) /
                                     toDouble(weights.phaseFlops))
           << " | " << groupDigits(bytes(weights.figures)) << " | "
           << groupDigits(rowWeights.peak) << " | " << percent(inPieces, flops)
           << " | " << groupDigits(bytes(pieces)) << " |\n";
  }
  outs() << "\n10 times less stored within 5%: " << numTenfold << " of "
         << numLayers
         << " layers that store anything; in 16 micro-batches: " << numInPieces
         << "\n";
}

static void registerAll() {
  for (const KnownOptimum &layer : layerSuite) {
    auto add = [&](StringRef kind, auto run) {
      std::string name = (kind + "/" + layer.name).str();
      benchmark::RegisterBenchmark(name.c_str(), [&layer, run](
                                                     benchmark::State &state) {
        ClosedNetwork network = makeClosed(layer.einsum, layer.sizes);
        for (auto iteration : state) {
          (void)iteration;
          run(network);
        }
        state.counters["n"] = network.numLeaves() - 1;
      })->Unit(benchmark::kMillisecond);
    };
    add("no_dX", [](const ClosedNetwork &network) {
      TrainingGoal goal = goalOf(network);
      goal.gradients.reset(0);
      benchmark::DoNotOptimize(must(searchTraining(network, goal, {})));
    });
    add("slack_5", [](const ClosedNetwork &network) {
      TrainingOptions options;
      options.flopSlack = 5;
      benchmark::DoNotOptimize(
          must(searchTraining(network, goalOf(network), options)));
    });
    for (MemoryAxis axis : {MemoryAxis::Stored, MemoryAxis::Peak})
      add(axis == MemoryAxis::Peak ? "front_peak" : "front_stored",
          [axis](const ClosedNetwork &network) {
            ParetoOptions options;
            options.axis = axis;
            benchmark::DoNotOptimize(
                must(searchPareto(network, goalOf(network), options)));
          });
    for (ModelObjective objective :
         {ModelObjective::Latency, ModelObjective::EnergyDelay})
      add(objective == ModelObjective::Latency ? "model_latency" : "model_edp",
          [objective](const ClosedNetwork &network) {
            benchmark::DoNotOptimize(
                must(searchByModel(network, network.numLeaves() - 1,
                                   MatrixEngineModel(), objective)));
          });
  }
}

int main(int argc, char **argv) {
  if (argc == 2 && StringRef(argv[1]) == "--table") {
    printTable();
    return 0;
  }
  registerAll();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

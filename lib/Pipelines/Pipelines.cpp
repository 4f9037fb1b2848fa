//===- Pipelines.cpp --------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Pipelines/Pipelines.h"
#include "ChooseOrder.h"
#include "SliceToFit.h"
#include "fetta/Dialect/Fetta/Transforms/Passes.h"
#include "fetta/Dialect/TNN/Transforms/Passes.h"
#include "fetta/Target/Binary/Passes.h"
#include "fetta/Target/Queues/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace fetta;

namespace {
/// Adds passes to a module's pipeline.
using AddPasses = std::function<void(OpPassManager &)>;

/// The part from einsums to a verified program.
class MachineHalf {
public:
  explicit MachineHalf(const CompileOptions &options);

  /// The passes that order contractions by an objective of IR alone; all of
  /// them search once for what they have in common.
  AddPasses orderBy(StringRef objective, double extraFlops, bool smallestPeak);
  /// The same with the default of all other options, and where `count` is more
  /// than 1 the next best ones on a machine, from one search.
  std::vector<AddPasses> best(StringRef objective, unsigned count = 1);
  /// The ways to order by an objective, as SliceToFitOptions::orders.
  std::vector<AddPasses> waysToOrder(StringRef objective);
  /// From ordering to a verified program.
  AddPasses compile(std::vector<AddPasses> orders, unsigned moreSlices = 0,
                    bool justInTime = false, bool inTurn = false);

private:
  const CompileOptions &options;
  /// The pass that orders contractions, with the default of all other options.
  OpPassManager ordering;
  SliceToFitOptions slicing; ///< Without orders.
};
} // namespace

MachineHalf::MachineHalf(const CompileOptions &options)
    : options(options), ordering(func::FuncOp::getOperationName()) {
  tnn::TNNOrderContractionsPassOptions choice;
  choice.order = options.order;
  ordering.addPass(tnn::createTNNOrderContractionsPass(choice));
  ConvertTNNToFettaPassOptions convert;
  convert.dataflow = options.dataflow;
  convert.layouts = options.layouts;
  convert.memory = options.memory;
  hw::FettaAllocateMemoryPassOptions allocate;
  allocate.reuse = options.reuse;
  const LinkModel link =
      options.dram == DramModel::Ideal ? LinkModel::Ideal : LinkModel::Tasks;
  allocate.dram = link;
  slicing.slices = options.slices;
  slicing.inDram = options.memory == MemoryChoice::Dram;
  slicing.reuse = options.reuse;
  slicing.schedule = options.schedule;
  slicing.roll = options.roll;
  slicing.link = link;
  slicing.map = [=, schedule = bool(options.schedule)](
                    OpPassManager &passes,
                    const std::shared_ptr<AlikeContractions> &alike,
                    unsigned fill, bool steady) {
    passes.addPass(createConvertTNNToFettaPass(convert, alike));
    FettaScheduleQueuesPassOptions queues;
    queues.fill = fill;
    queues.dram = link;
    queues.steady = steady;
    if (schedule)
      passes.addPass(createFettaScheduleQueuesPass(queues));
    hw::FettaAllocateMemoryPassOptions places = allocate;
    places.steady = steady;
    places.improve = !alike || !alike->isTrial;
    passes.addPass(hw::createFettaAllocateMemoryPass(places));
  };
  slicing.finish = [](OpPassManager &passes) {
    passes.addPass(createFettaBlockTransfersPass());
    passes.addPass(hw::createFettaRouteNetworksPass());
    passes.addPass(createFettaAssignSemaphoresPass());
    passes.addPass(createFettaVerifyProgramPass());
  };
}

static AddPasses toAddPasses(const OpPassManager &ofFunction) {
  return [=](OpPassManager &passes) {
    passes.nest<func::FuncOp>() = ofFunction;
    passes.addPass(createCSEPass());
  };
}

/// The pass with further options; its copies know what the others have found.
static OpPassManager withOptions(const OpPassManager &ofFunction,
                                 const Twine &more) {
  OpPassManager copy(ofFunction);
  for (Pass &pass : copy.getPasses())
    if (failed(pass.initializeOptions(
            more.str(), [](const Twine &message) -> LogicalResult {
              llvm::report_fatal_error(message);
            })))
      llvm_unreachable("an error ends the process");
  return copy;
}

AddPasses MachineHalf::orderBy(StringRef objective, double extraFlops,
                               bool smallestPeak) {
  return toAddPasses(withOptions(
      ordering, "objective=" + objective +
                    " extra-flops=" + std::to_string(extraFlops) +
                    " smallest-peak=" + (smallestPeak ? "true" : "false")));
}

std::vector<AddPasses> MachineHalf::best(StringRef objective, unsigned count) {
  OpPassManager first = withOptions(ordering, "objective=" + objective);
  std::vector<AddPasses> orders = {toAddPasses(first)};
  for (unsigned number = 1; number < count; ++number)
    orders.push_back(
        toAddPasses(withOptions(first, "alternative=" + Twine(number))));
  return orders;
}

std::vector<AddPasses> MachineHalf::waysToOrder(StringRef objective) {
  std::vector<AddPasses> orders = best(objective);
  // Where the tree of fewest multiply-adds leaves tiny slices: trees that store
  // little, at a price, or whose largest intermediate is small, and steps in
  // the order of the smallest peak.
  if (options.order == ContractionOrder::CSSE && objective == "flops") {
    orders.push_back(orderBy("flops", 5, /*smallestPeak=*/false));
    orders.push_back(orderBy("flops", 5, /*smallestPeak=*/true));
    orders.push_back(orderBy("flops", 25, /*smallestPeak=*/true));
    orders.push_back(orderBy("size", /*extraFlops=*/-1, /*smallestPeak=*/true));
  }
  return orders;
}

AddPasses MachineHalf::compile(std::vector<AddPasses> orders,
                               unsigned moreSlices, bool justInTime,
                               bool inTurn) {
  SliceToFitOptions sliced = slicing;
  sliced.more = moreSlices;
  sliced.justInTime = justInTime;
  sliced.inTurn = inTurn;
  if (orders.size() > 1)
    sliced.orderForSlices = [](OpPassManager &passes, int64_t size) {
      tnn::TNNOrderContractionsPassOptions order;
      order.slice = size;
      OpPassManager ofFunction(func::FuncOp::getOperationName());
      ofFunction.addPass(tnn::createTNNOrderContractionsPass(order));
      toAddPasses(ofFunction)(passes);
    };
  sliced.orders = std::move(orders);
  return [=](OpPassManager &passes) {
    passes.addPass(createSliceToFitPass(sliced));
  };
}

/// Einsums to contractions, then the machine half: a verified program.
static void addMachinePasses(OpPassManager &manager,
                             const CompileOptions &options) {
  MachineHalf half(options);
  std::optional<ModelObjective> onMachine =
      parseModelObjective(options.objective);
  ChooseOrderOptions choice;
  choice.dram = options.dram;
  // Without a link, how many slices and how many loads at a time are best
  // depends on conflicts in slabs, which the places of all values decide.
  unsigned slicings = options.dram == DramModel::Bandwidth ||
                              options.slices != "auto" ||
                              options.memory != MemoryChoice::Dram
                          ? 1
                          : 5;
  auto addSlicings = [&](const std::string &name,
                         const std::vector<AddPasses> &ways) {
    choice.candidates.push_back({name, ways.front(), half.compile(ways)});
    if (slicings == 1)
      return;
    for (unsigned more : {0, 1})
      for (bool justInTime : {false, true})
        choice.candidates.push_back(
            {(name + ", slices in turn" +
              (justInTime ? ", loads just in time, " : ", ") + Twine(more) +
              " steps more slices")
                 .str(),
             ways.front(),
             half.compile(ways, more, justInTime, /*inTurn=*/true),
             /*sameOrder=*/true});
  };
  if (!onMachine || options.order != ContractionOrder::CSSE) {
    std::vector<AddPasses> ways = half.waysToOrder(options.objective);
    if (slicings == 1)
      return half.compile(ways)(manager);
    choice.mostCompiled = slicings;
    addSlicings(options.objective, ways);
    manager.addPass(createChooseOrderPass(std::move(choice)));
    return;
  }
  choice.objective = *onMachine;
  constexpr unsigned kKinds = 4; // More are the next ones by the model.
  choice.mostCompiled = std::max(1u, options.compiledOrders.getValue());
  std::vector<AddPasses> fewest = half.waysToOrder("flops");
  auto add = [&](const Twine &name, AddPasses order) {
    choice.candidates.push_back({name.str(), order, half.compile({order})});
  };
  addSlicings("fewest multiply-adds", fewest);
  std::vector<AddPasses> byModel = half.best(
      options.objective, std::max(kKinds, choice.mostCompiled) - kKinds + 1);
  choice.mostCompiled += slicings - 1; // Of one order.
  add(options.objective + " by the model", byModel.front());
  // The model does not know DRAM: trees that store less may need fewer slices.
  add("little stored", half.orderBy("flops", 5, /*smallestPeak=*/true));
  StringRef other = *onMachine == ModelObjective::Energy ? "latency" : "energy";
  add(other + " by the model", half.best(other).front());
  for (unsigned number = 1; number < byModel.size(); ++number)
    add(options.objective + " by the model, number " + Twine(number + 1),
        byModel[number]);
  manager.addPass(createChooseOrderPass(std::move(choice)));
}

/// Names while locations point into the source; then the machine, so that a bad
/// machine file is reported before any search.
static void addPreparation(OpPassManager &manager,
                           const CompileOptions &options) {
  manager.addPass(tnn::createTNNNameArgumentsPass());
  if (options.machine.empty())
    return;
  hw::FettaAttachMachinePassOptions attach;
  attach.file = options.machine;
  manager.addPass(hw::createFettaAttachMachinePass(attach));
}

void fetta::buildCompilePipeline(OpPassManager &manager,
                                 const CompileOptions &options) {
  addPreparation(manager, options);
  manager.addPass(tnn::createTNNExpandLayersPass());
  addMachinePasses(manager, options);
}

void fetta::buildCompileTrainingPipeline(OpPassManager &manager,
                                         const CompileOptions &options) {
  addPreparation(manager, options);
  manager.addPass(tnn::createTNNExpandLayersPass());
  manager.addPass(tnn::createTNNDifferentiatePass());
  addMachinePasses(manager, options);
}

void fetta::registerPipelines() {
  PassPipelineRegistration<CompileOptions>(
      "fetta-compile",
      "Compile layers, einsums or contractions for a machine (inference)",
      buildCompilePipeline);
  PassPipelineRegistration<CompileOptions>(
      "fetta-compile-training",
      "Compile the training step of a forward function for a machine",
      buildCompileTrainingPipeline);
}

//===- Pipelines.cpp --------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Pipelines/Pipelines.h"
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

/// Einsums to contractions, then the machine half: a verified program.
static void addMachinePasses(OpPassManager &manager,
                             const CompileOptions &options) {
  ConvertTNNToFettaPassOptions convert;
  convert.dataflow = options.dataflow;
  convert.layouts = options.layouts;
  convert.memory = options.memory;
  hw::FettaAllocateMemoryPassOptions allocate;
  allocate.reuse = options.reuse;
  SliceToFitOptions slicing;
  slicing.slices = options.slices;
  slicing.inDram = options.memory == MemoryChoice::Dram;
  slicing.reuse = options.reuse;
  slicing.schedule = options.schedule;
  auto addOrder = [&](StringRef objective, double extraFlops,
                      bool smallestPeak) {
    tnn::TNNOrderContractionsPassOptions order;
    order.order = options.order;
    order.objective = objective.str();
    order.extraFlops = extraFlops;
    order.smallestPeak = smallestPeak;
    slicing.orders.push_back([=](OpPassManager &passes) {
      passes.addNestedPass<func::FuncOp>(
          tnn::createTNNOrderContractionsPass(order));
      passes.addPass(createCSEPass());
    });
  };
  tnn::TNNOrderContractionsPassOptions unlimited;
  addOrder(options.objective, unlimited.extraFlops, unlimited.smallestPeak);
  // Where the tree of fewest multiply-adds leaves tiny slices: trees that store
  // little, at a price, or whose largest intermediate is small, and steps in
  // the order of the smallest peak.
  if (options.order == ContractionOrder::CSSE && options.objective == "flops") {
    addOrder("flops", 5, /*smallestPeak=*/false);
    addOrder("flops", 5, /*smallestPeak=*/true);
    addOrder("flops", 25, /*smallestPeak=*/true);
    addOrder("size", unlimited.extraFlops, /*smallestPeak=*/true);
  }
  slicing.map = [=, schedule = bool(options.schedule)](
                    OpPassManager &passes,
                    const std::shared_ptr<AlikeContractions> &alike,
                    unsigned fill) {
    passes.addPass(createConvertTNNToFettaPass(convert, alike));
    FettaScheduleQueuesPassOptions queues;
    queues.fill = fill;
    if (schedule)
      passes.addPass(createFettaScheduleQueuesPass(queues));
    passes.addPass(hw::createFettaAllocateMemoryPass(allocate));
  };
  manager.addPass(createSliceToFitPass(std::move(slicing)));
  manager.addPass(createFettaBlockTransfersPass());
  manager.addPass(hw::createFettaRouteNetworksPass());
  manager.addPass(createFettaAssignSemaphoresPass());
  manager.addPass(createFettaVerifyProgramPass());
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

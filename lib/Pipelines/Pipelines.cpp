//===- Pipelines.cpp ---------------------------------------------*- C++
//-*-===//
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
  tnn::TNNOrderContractionsPassOptions order;
  order.order = options.order;
  order.objective = options.objective;
  manager.addNestedPass<func::FuncOp>(
      tnn::createTNNOrderContractionsPass(order));
  manager.addPass(createCSEPass());
  ConvertTNNToFettaPassOptions convert;
  convert.dataflow = options.dataflow;
  convert.layouts = options.layouts;
  convert.memory = options.memory;
  hw::FettaAllocateMemoryPassOptions allocate;
  allocate.reuse = options.reuse;
  bool schedule = options.schedule;
  auto addMapping = [=](OpPassManager &passes) {
    passes.addPass(createConvertTNNToFettaPass(convert));
    if (schedule)
      passes.addPass(createFettaScheduleQueuesPass());
    passes.addPass(hw::createFettaAllocateMemoryPass(allocate));
  };
  if (options.memory == MemoryChoice::Dram || options.slices != "auto")
    manager.addPass(createSliceToFitPass(options.slices, addMapping));
  else
    addMapping(manager);
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

//===- Pipelines.h ----------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// From layers, einsums or contractions to a verified program in one step.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_PIPELINES_PIPELINES_H
#define FETTA_PIPELINES_PIPELINES_H

#include "fetta/Contraction/FixedOrder.h"
#include "fetta/Conversion/TNNToFetta/TNNToFetta.h"
#include "fetta/Simulator/Timing.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace fetta {

struct CompileOptions : mlir::PassPipelineOptions<CompileOptions> {
  Option<std::string> machine{
      *this, "machine",
      llvm::cl::desc("Machine file (YAML); without it, the machine that is "
                     "attached to the module"),
      llvm::cl::init("")};
  Option<ContractionOrder> order{
      *this, "order", llvm::cl::desc("Who decides the order of contractions"),
      llvm::cl::init(ContractionOrder::CSSE), ContractionOrderValues()};
  Option<std::string> objective{
      *this, "objective",
      llvm::cl::desc("What order=csse minimizes: flops, size, write, combo-N, "
                     "or on the machine latency, energy or edp"),
      llvm::cl::init("flops")};
  Option<unsigned> compiledOrders{
      *this, "compiled-orders",
      llvm::cl::desc("With objective latency, energy or edp: how many "
                     "different orders are compiled and timed at most"),
      llvm::cl::init(4)};
  Option<DramModel> dram{
      *this, "dram",
      llvm::cl::desc("The DRAM for which slices and orders are chosen; the "
                     "program runs with any"),
      llvm::cl::init(DramModel::Bandwidth),
      llvm::cl::values(
          clEnumValN(DramModel::Ideal, "ideal", "Transfers take no time"),
          clEnumValN(DramModel::Bandwidth, "bandwidth",
                     "That of the machine"))};
  Option<DataflowChoice> dataflow{
      *this, "dataflow", llvm::cl::desc("What the PEs hold"),
      llvm::cl::init(DataflowChoice::Auto),
      llvm::cl::values(
          clEnumValN(DataflowChoice::Auto, "auto",
                     "The fastest, for each contraction"),
          clEnumValN(DataflowChoice::AStationary, "a", "The left operand"),
          clEnumValN(DataflowChoice::BStationary, "b", "The right operand"),
          clEnumValN(DataflowChoice::OutputStationary, "output",
                     "The result"))};
  Option<LayoutChoice> layouts{
      *this, "layouts", llvm::cl::desc("Who chooses the layouts"),
      llvm::cl::init(LayoutChoice::Joint),
      llvm::cl::values(
          clEnumValN(LayoutChoice::Joint, "joint", "All contractions together"),
          clEnumValN(LayoutChoice::Separate, "separate",
                     "The first contraction that touches a tensor"))};
  Option<bool> schedule{
      *this, "schedule",
      llvm::cl::desc("Reorder contractions so that none waits for the one "
                     "before it, and load ahead"),
      llvm::cl::init(true)};
  Option<bool> reuse{*this, "reuse",
                     llvm::cl::desc("Use the rows of dead values again"),
                     llvm::cl::init(true)};
  Option<MemoryChoice> memory{
      *this, "memory", llvm::cl::desc("Where arguments and results lie"),
      llvm::cl::init(MemoryChoice::Dram),
      llvm::cl::values(
          clEnumValN(MemoryChoice::Dram, "dram", "In DRAM, moved by DMA"),
          clEnumValN(MemoryChoice::Resident, "resident",
                     "In tensor memory, placed and collected by the host"))};
  Option<std::string> slices{
      *this, "slices",
      llvm::cl::desc("Slices over the batch: a number, or auto: one where "
                     "that fits (and with memory=resident), else at least 8"),
      llvm::cl::init("auto")};
  Option<bool> roll{
      *this, "roll",
      llvm::cl::desc("Compile a few of many slices and repeat what these do "
                     "over and over, instead of writing all of them"),
      llvm::cl::init(true)};
};

/// `--fetta-compile`: inference.
void buildCompilePipeline(mlir::OpPassManager &manager,
                          const CompileOptions &options);
/// `--fetta-compile-training`: forward pass, input gradients and the gradient
/// of every parameter.
void buildCompileTrainingPipeline(mlir::OpPassManager &manager,
                                  const CompileOptions &options);

void registerPipelines();

} // namespace fetta

#endif // FETTA_PIPELINES_PIPELINES_H

//===- RepeatSlices.cpp -----------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions of many slices, compiled for a batch of a few: what these do over
// and over stands once in the program and is repeated as often as it takes.
//
//===----------------------------------------------------------------------===//

#include "SliceToFitPass.h"
#include "fetta/Dialect/Fetta/Transforms/ProgramOrder.h"
#include "fetta/Dialect/Fetta/Transforms/RollSlices.h"
#include "fetta/Program/Program.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

/// Slices of a sample, besides those that make the rest a multiple of all
/// periods that homes have; where it does not repeat, one that is larger.
static constexpr int64_t kSampleSlices[] = {20, 44};

/// Periods of homes in slices, of which this is a multiple:
/// fetta::planSteadyMemory.
static constexpr int64_t kPeriods = 4;

/// Routes of a contraction: of its operands and its result.
static constexpr unsigned routesOfContract = 3;

/// Slices that are worth a sample, in samples.
static constexpr int64_t kWorthSample = 4;

namespace {
/// A function that is compiled for a batch of a few slices.
struct Sampled {
  FunctionType full; ///< For the whole batch.
  int64_t slices = 0, written = 0;
};
} // namespace

/// Instructions of a function whose repeat is written out, and at most as many
/// that load routes.
static int64_t countInstructions(func::FuncOp function, RepeatOp repeat) {
  auto count = [](Block &block) {
    int64_t instructions = 0;
    for (Operation &op : block)
      instructions += isa<ContractOp>(op) ? 1 + int64_t(routesOfContract)
                                          : int64_t(isInstruction(&op));
    return instructions;
  };
  return count(function.getBody().front()) +
         count(repeat.getRegion().front()) * int64_t(repeat.getCount());
}

LogicalResult SliceToFitPass::finish() {
  OpPassManager passes(ModuleOp::getOperationName());
  options.finish(passes);
  return runPipeline(passes, getOperation());
}

bool SliceToFitPass::compileRepeated(
    const llvm::StringMap<int64_t> &sizes, unsigned fill,
    const std::shared_ptr<AlikeContractions> &alike, Diagnostics &reports) {
  if (!options.roll)
    return false;
  OwningOpRef<ModuleOp> backup;
  std::string told;
  auto tell = [&](const Twine &text) {
    told += (told.empty() ? "" : "; ") + text.str();
  };
  bool done = false;
  for (int64_t slices : kSampleSlices) {
    if (backup)
      restore(backup);
    llvm::StringMap<Sampled> sampled;
    for (func::FuncOp function : functions()) {
      auto it = sizes.find(function.getName());
      if (it == sizes.end())
        continue;
      const int64_t batch = batchOf(function), size = it->second,
                    all = int64_t(llvm::divideCeil(batch, size));
      if (!planOf(function).streams.empty() || all < kWorthSample * slices)
        continue;
      // The last slice is that of the whole batch.
      const int64_t few = slices + (all - slices) % kPeriods;
      sampled[function.getName()] = {function.getFunctionType(), all, few};
      if (!backup)
        backup = getOperation().clone();
      if (failed(tnn::setBatch(function, batch - (all - few) * size)))
        return false;
    }
    if (sampled.empty())
      break;
    alike->isTrial = false;
    reports.clear();
    if (failed(quietly(reports, [&]() {
          return success(succeeded(mapSlices(sizes, fill, /*sample=*/0, alike,
                                             /*steady=*/true)) &&
                         succeeded(finish()));
        }))) {
      tell(Twine(slices) + " or more slices cannot be compiled");
      continue;
    }
    done = true;
    for (func::FuncOp function : functions()) {
      auto it = sampled.find(function.getName());
      if (it == sampled.end())
        continue;
      const Sampled &sample = it->second;
      auto fail = [&](llvm::Error error) {
        tell("function '" + function.getName() + "', written with " +
             Twine(sample.written) + " of " + Twine(sample.slices) +
             " slices: " + llvm::toString(std::move(error)));
        done = false;
      };
      llvm::Expected<RepeatOp> repeat = rollSlices(function);
      if (!repeat) {
        fail(repeat.takeError());
        break;
      }
      if (llvm::Error error = extendBatch(function, *repeat, sample.full)) {
        fail(std::move(error));
        break;
      }
      if (int64_t all = countInstructions(function, *repeat);
          all > int64_t(MaxExpandedInstructions)) {
        fail(llvm::createStringError(
            "up to " + Twine(all) + " instructions, more than the " +
            Twine(MaxExpandedInstructions) + " of a program with repeats"));
        break;
      }
      tell("function '" + function.getName() + "', written with " +
           Twine(sample.written) + " of " + Twine(sample.slices) +
           " slices: a body of " +
           Twine(llvm::count_if(
               repeat->getRegion().front(),
               [](Operation &op) { return isInstruction(&op); })) +
           " instructions, " + Twine(repeat->getCount()) + " times");
    }
    if (done)
      break;
  }
  if (!told.empty())
    remark::analysis(
        getOperation().getLoc(),
        remark::RemarkOpts::name("repeat").category("fetta-slice-to-fit"))
        << remark::add("{0}", told);
  return done;
}

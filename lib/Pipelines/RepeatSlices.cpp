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

#include "JoinStages.h"
#include "SliceToFitPass.h"
#include "fetta/Dialect/Fetta/Transforms/ProgramOrder.h"
#include "fetta/Dialect/Fetta/Transforms/RollSlices.h"
#include "fetta/Dialect/TNN/Transforms/WriteStages.h"
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

/// Turns of the outermost loop over tiles in a sample: two that repeat, with
/// what leads up to them and what follows; more where turns are few
/// contractions or the last one is smaller.
static constexpr int64_t kSampleTurns[] = {3, 6};

/// Turns that are worth a sample, in samples.
static constexpr int64_t kWorthTurns = 2;

namespace {
/// How many iterations are compiled of each kind, at least.
struct SampleSize {
  llvm::ArrayRef<int64_t> slices = kSampleSlices, turns = kSampleTurns;

  /// Takes the next larger number of turns, or of slices; false if there is
  /// none.
  bool grow(bool ofTurns) {
    llvm::ArrayRef<int64_t> &sizes = ofTurns ? turns : slices;
    sizes = sizes.drop_front();
    return !sizes.empty();
  }
};

/// A function that is compiled for a few of its iterations.
struct Sampled {
  FunctionType full; ///< For all of them.
  int64_t slices = 0, written = 0;
  /// Contractions in an iteration, of tiles; else slices are iterations.
  int64_t contracts = 0;
};

/// A function that is out of its module while its stages are compiled.
struct Staged {
  OwningOpRef<func::FuncOp> function;
  struct Part {
    std::string name;
    SmallVector<tnn::StageValue> arguments;
  };
  std::vector<Part> parts;
  SmallVector<tnn::StageValue> results;
};
} // namespace

/// Instructions of a function whose repeats are written out, and at most as
/// many that load routes.
static int64_t countInstructions(Block &block) {
  int64_t instructions = 0;
  for (Operation &op : block)
    if (auto repeat = dyn_cast<RepeatOp>(op))
      instructions += int64_t(repeat.getCount()) *
                      countInstructions(repeat.getRegion().front());
    else if (isa<ContractOp>(op))
      instructions += 1 + int64_t(routesOfContract);
    else
      instructions += int64_t(isInstruction(&op));
  return instructions;
}

//===----------------------------------------------------------------------===//
// Functions for a few iterations
//===----------------------------------------------------------------------===//

namespace {
/// The functions of a module that are compiled for a few of their iterations,
/// and what becomes of them.
class Samples {
public:
  Samples(ModuleOp module, const SampleSize &size)
      : module(module), slices(size.slices.front()), turns(size.turns.front()) {
  }

  /// Makes it the function for the batch of a few slices of `size`, if it has
  /// many more.
  LogicalResult addSlices(func::FuncOp function, int64_t batch, int64_t size);
  /// Puts the stages of a function into the module in its place; false where
  /// none has many iterations. Contractions of the stages are alike to those of
  /// the function.
  FailureOr<bool> addStages(func::FuncOp function, int64_t size,
                            const tnn::ModePlan &plan,
                            AlikeContractions &alike);
  bool isEmpty() const { return sampled.empty(); }

  /// Repeats in each what it does over and over, as often as all of it takes,
  /// and makes one function of the stages of each. Says what was done, or only
  /// why it cannot be, by `tell`.
  bool finish(llvm::function_ref<void(const Twine &)> tell);
  /// Whether a function did not repeat in so many turns; else it was slices.
  bool needsTurns() const { return lacksTurns; }

private:
  llvm::Error repeat(func::FuncOp function, const Sampled &sample,
                     llvm::function_ref<void(const Twine &)> tell);
  llvm::Error join(Staged &staged);

  ModuleOp module;
  int64_t slices, turns;
  bool lacksTurns = false;
  llvm::StringMap<Sampled> sampled;
  std::vector<Staged> inStages;
};
} // namespace

LogicalResult Samples::addSlices(func::FuncOp function, int64_t batch,
                                 int64_t size) {
  const auto all = int64_t(llvm::divideCeil(batch, size));
  if (all < kWorthSample * slices)
    return success();
  // The last slice is that of the whole batch.
  const int64_t few = slices + (all - slices) % kPeriods;
  sampled[function.getName()] = {function.getFunctionType(), all, few};
  return tnn::setBatch(function, batch - (all - few) * size);
}

FailureOr<bool> Samples::addStages(func::FuncOp function, int64_t size,
                                   const tnn::ModePlan &plan,
                                   AlikeContractions &alike) {
  tnn::StageSample sample;
  sample.slices = slices;
  sample.period = kPeriods;
  sample.worthSlices = kWorthSample * slices;
  sample.turns = turns;
  sample.worthTurns = kWorthTurns * turns;
  tnn::SliceClasses own;
  FailureOr<tnn::StagedFunction> stages =
      tnn::writeStages(function, size, plan, sample, &own);
  if (failed(stages))
    return failure();
  if (llvm::all_of(stages->stages, [](const tnn::Stage &stage) {
        return stage.written == stage.iterations;
      }))
    return false;
  Staged staged;
  staged.results = std::move(stages->results);
  SymbolTable symbols(module);
  for (tnn::Stage &stage : stages->stages) {
    func::FuncOp part = stage.function.release();
    // Another name where a function is called like that.
    symbols.insert(part, function->getIterator());
    alike.mapped[part.getName().str()] = alike.mapped[function.getName().str()];
    staged.parts.push_back({part.getName().str(), std::move(stage.arguments)});
    if (stage.written < stage.iterations)
      sampled[part.getName()] = {stage.full, stage.iterations, stage.written,
                                 stage.contractsPerIteration};
  }
  function->remove();
  staged.function = function;
  inStages.push_back(std::move(staged));
  alike.classes.insert(own.begin(), own.end());
  return true;
}

llvm::Error Samples::repeat(func::FuncOp function, const Sampled &sample,
                            llvm::function_ref<void(const Twine &)> tell) {
  llvm::Expected<RepeatOp> repeat = rollSlices(function, sample.contracts);
  if (!repeat)
    return repeat.takeError();
  if (llvm::Error error = extendBatch(function, *repeat, sample.full))
    return error;
  tell("a body of " +
       Twine(llvm::count_if(repeat->getRegion().front(),
                            [](Operation &op) { return isInstruction(&op); })) +
       " instructions, " + Twine(repeat->getCount()) + " times");
  return llvm::Error::success();
}

llvm::Error Samples::join(Staged &staged) {
  SymbolTable symbols(module);
  std::vector<StagePart> parts;
  parts.reserve(staged.parts.size());
  for (const Staged::Part &part : staged.parts)
    parts.push_back({symbols.lookup<func::FuncOp>(part.name), part.arguments});
  func::FuncOp function = staged.function.release();
  module.insert(parts.front().function, function);
  return joinStages(function, parts, staged.results);
}

bool Samples::finish(llvm::function_ref<void(const Twine &)> tell) {
  std::vector<std::string> done;
  for (auto function : llvm::to_vector(module.getOps<func::FuncOp>())) {
    auto it = sampled.find(function.getName());
    if (it == sampled.end())
      continue;
    const Sampled &sample = it->second;
    const std::string name =
        ("function '" + function.getName() + "', written with " +
         Twine(sample.written) + " of " + Twine(sample.slices) +
         (sample.contracts ? " turns: " : " slices: "))
            .str();
    auto add = [&](const Twine &text) { done.push_back((name + text).str()); };
    if (llvm::Error error = repeat(function, sample, add)) {
      tell(name + llvm::toString(std::move(error)));
      lacksTurns = sample.contracts > 0;
      return false;
    }
  }
  for (Staged &staged : inStages)
    if (llvm::Error error = join(staged)) {
      tell("stages do not become one: " + llvm::toString(std::move(error)));
      return false;
    }
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal() || function.getBody().getOps<RepeatOp>().empty())
      continue;
    const int64_t all = countInstructions(function.getBody().front());
    if (all <= int64_t(MaxExpandedInstructions))
      continue;
    tell("function '" + function.getName() + "' has up to " + Twine(all) +
         " instructions, more than the " + Twine(MaxExpandedInstructions) +
         " of a program with repeats");
    return false;
  }
  for (const std::string &text : done)
    tell(text);
  return true;
}

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

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
  OwningOpRef<ModuleOp> backup = getOperation().clone();
  std::string told;
  auto tell = [&](const Twine &text) {
    told += (told.empty() ? "" : "; ") + text.str();
  };
  bool done = false;
  for (SampleSize size;;) {
    alike->classes.clear();
    alike->isTrial = false;
    reports.clear();
    Samples samples(getOperation(), size);
    llvm::StringMap<int64_t> toSlice = sizes;
    LogicalResult written = quietly(reports, [&]() {
      for (func::FuncOp function : llvm::to_vector(functions())) {
        auto it = sizes.find(function.getName());
        if (it == sizes.end())
          continue;
        const tnn::ModePlan plan = planOf(function);
        if (plan.streams.empty()) {
          if (failed(
                  samples.addSlices(function, batchOf(function), it->second)))
            return failure();
          continue;
        }
        FailureOr<bool> added =
            samples.addStages(function, it->second, plan, *alike);
        if (failed(added))
          return failure();
        if (*added)
          toSlice.erase(it->first());
      }
      return success();
    });
    auto reason = [&]() {
      return reports.empty() ? "" : ": " + reports.front().str();
    };
    if (failed(written)) {
      tell("no few slices can be written" + reason());
      break;
    }
    if (samples.isEmpty())
      break;
    if (failed(quietly(reports, [&]() {
          return success(succeeded(writeSlices(toSlice, /*sample=*/0, alike)) &&
                         succeeded(map(fill, alike, /*steady=*/true)) &&
                         succeeded(finish()));
        })))
      tell(Twine(size.slices.front()) + " or more slices cannot be compiled" +
           reason());
    else
      done = samples.finish(tell);
    if (done || !size.grow(samples.needsTurns()))
      break;
    restore(backup);
  }
  if (!told.empty())
    remark::analysis(
        getOperation().getLoc(),
        remark::RemarkOpts::name("repeat").category("fetta-slice-to-fit"))
        << remark::add("{0}", told);
  return done;
}

//===- ChooseOrder.cpp ------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChooseOrder.h"
#include "fetta/Simulator/Functional.h"
#include "fetta/Simulator/Report.h"
#include "fetta/Target/Binary/Binary.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/Remarks.h"

#include <cmath>

using namespace mlir;
using namespace fetta;

namespace {
/// Of all programs of a module, one after the other.
struct Figures {
  int64_t cycles = 0;
  double energy = 0; ///< Dynamic picojoules; 0 where nobody asks.
};

class ChooseOrderPass
    : public PassWrapper<ChooseOrderPass, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ChooseOrderPass)

  explicit ChooseOrderPass(ChooseOrderOptions options)
      : options(std::move(options)) {}
  ChooseOrderPass(const ChooseOrderPass &other)
      : PassWrapper(other), options(other.options) {}

  StringRef getArgument() const override { return "fetta-choose-order"; }
  StringRef getDescription() const override {
    return "Compile a few orders of contractions and keep the best program";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    OpPassManager passes(ModuleOp::getOperationName());
    for (const ChooseOrderOptions::Candidate &candidate : options.candidates) {
      candidate.order(passes);
      candidate.compile(passes);
    }
    passes.getDependentDialects(registry);
  }

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  LogicalResult run();
  /// Whether a candidate's order is none of `orders`, to which it is added.
  FailureOr<bool> isNew(const ChooseOrderOptions::Candidate &candidate,
                        ModuleOp source,
                        std::vector<OwningOpRef<ModuleOp>> &orders);
  FailureOr<Figures> measure();
  double valueOf(const Figures &figures) const;
  LogicalResult runPasses(const std::function<void(OpPassManager &)> &add) {
    OpPassManager passes(ModuleOp::getOperationName());
    add(passes);
    return runPipeline(passes, getOperation());
  }
  void become(OwningOpRef<ModuleOp> module) {
    getOperation()->setAttrs(module->getOperation()->getAttrDictionary());
    getOperation().getBodyRegion().takeBody(module->getBodyRegion());
  }

  ChooseOrderOptions options;
};
} // namespace

double ChooseOrderPass::valueOf(const Figures &figures) const {
  switch (options.objective) {
  case ModelObjective::Latency:
    return double(figures.cycles);
  case ModelObjective::Energy:
    return figures.energy;
  case ModelObjective::EnergyDelay:
    return double(figures.cycles) * figures.energy;
  }
  llvm_unreachable("every objective has a value");
}

FailureOr<bool>
ChooseOrderPass::isNew(const ChooseOrderOptions::Candidate &candidate,
                       ModuleOp source,
                       std::vector<OwningOpRef<ModuleOp>> &orders) {
  become(source.clone());
  if (failed(runPasses(candidate.order)))
    return failure();
  OwningOpRef<ModuleOp> ordered = getOperation().clone();
  become(source.clone());
  for (OwningOpRef<ModuleOp> &other : orders)
    if (!candidate.sameOrder &&
        OperationEquivalence::isRegionEquivalentTo(
            &ordered->getBodyRegion(), &other->getBodyRegion(),
            OperationEquivalence::IgnoreLocations))
      return false;
  orders.push_back(std::move(ordered));
  return true;
}

FailureOr<Figures> ChooseOrderPass::measure() {
  Figures figures;
  for (auto function : getOperation().getOps<FunctionOpInterface>()) {
    if (function.isExternal())
      continue;
    auto fail = [&](llvm::Error error) {
      return function.emitError() << llvm::toString(std::move(error));
    };
    FailureOr<Program> exported = exportProgram(function);
    if (failed(exported))
      return failure();
    llvm::Expected<Program> program = expandRepeats(std::move(*exported));
    if (!program)
      return fail(program.takeError());
    TimingOptions by;
    by.dram = options.dram;
    ProgramTiming timing = timeProgram(*program, by);
    figures.cycles += timing.cycles;
    if (options.objective == ModelObjective::Latency)
      continue;
    llvm::Expected<std::vector<Counters>> counters = countProgram(*program);
    if (!counters)
      return fail(counters.takeError());
    llvm::Expected<EnergyTable> table =
        EnergyTable::preset(program->machine.energyPreset);
    if (!table)
      return fail(table.takeError());
    figures.energy += Report(*program, timing, *counters, std::move(*table))
                          .total()
                          .energy.nominal;
  }
  return figures;
}

LogicalResult ChooseOrderPass::run() {
  OwningOpRef<ModuleOp> source = getOperation().clone(), best;
  std::vector<OwningOpRef<ModuleOp>> orders;
  std::vector<Diagnostic> reports; // Of the first candidate.
  std::optional<double> least;
  std::string weighed, taken;
  for (const ChooseOrderOptions::Candidate &candidate : options.candidates) {
    if (orders.size() >= options.mostCompiled)
      break;
    FailureOr<bool> differs = isNew(candidate, *source, orders);
    if (failed(differs))
      return failure();
    weighed += (weighed.empty() ? "" : "; ") + candidate.name + ": ";
    if (!*differs) {
      weighed += "as before";
      continue;
    }
    std::vector<Diagnostic> own;
    LogicalResult compiled = success();
    {
      ScopedDiagnosticHandler handler(&getContext(), [&](Diagnostic &report) {
        own.push_back(std::move(report));
        return success();
      });
      compiled = runPasses(candidate.compile);
    }
    bool isFirst = orders.size() == 1;
    if (failed(compiled)) {
      weighed += "cannot be compiled";
      if (isFirst)
        reports = std::move(own);
      continue;
    }
    FailureOr<Figures> figures = measure();
    if (failed(figures))
      return failure();
    weighed += std::to_string(figures->cycles) + " cycles";
    if (figures->energy > 0)
      weighed += ", " + std::to_string(std::llround(figures->energy)) + " pJ";
    if (least && valueOf(*figures) >= *least)
      continue;
    least = valueOf(*figures);
    taken = candidate.name;
    best = getOperation().clone();
    reports = std::move(own); // Warnings.
  }
  for (Diagnostic &report : reports)
    getContext().getDiagEngine().emit(std::move(report));
  if (!best)
    return failure();
  become(std::move(best));
  remark::analysis(getOperation().getLoc(),
                   remark::RemarkOpts::name("order-as-scheduled")
                       .category("fetta-choose-order"))
      << remark::add("orders of contractions compiled, by {0} with dram={1}: "
                     "{2}; taken: {3}",
                     stringifyModelObjective(options.objective).str(),
                     dramModelName(options.dram).str(), weighed, taken);
  return success();
}

std::unique_ptr<Pass> fetta::createChooseOrderPass(ChooseOrderOptions options) {
  return std::make_unique<ChooseOrderPass>(std::move(options));
}

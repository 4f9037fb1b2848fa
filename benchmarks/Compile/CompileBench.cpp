//===- CompileBench.cpp - What compiling a training step takes ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   CompileBench [--machine=FILE] [--options="..."] M.mlir ...
//
// Compiles training steps inside one process, each time in a context of its
// own: from the text of the model to the bytes of the program. Time is
// processor time of the one thread that works; starting a process and loading
// its libraries are not in it. Counters are milliseconds of its parts:
//
//   parse       the model, and its passes up to einsums
//   search      orders of contractions
//   slice       how many slices, and writing them
//   map         mappings of contractions, and the operations of the machine
//   schedule    the order of instructions, tokens and blocks of transfers
//   allocate    rows of tensor memory
//   route       switches of the networks
//   verify      the proof of the whole program
//   encode      the binary
//
// MLIR verifies the module after each pass; that is part of the pass' time.
// `unverified` is the same without it. `contractions` counts those of the
// program.
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "fetta/Pipelines/Pipelines.h"
#include "fetta/Program/Contractions.h"
#include "fetta/Target/Binary/Binary.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MemoryBuffer.h"

#include "benchmark/benchmark.h"

#include <ctime>

using namespace fetta;

static double now() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}

/// The part of compiling that a pass belongs to.
static llvm::StringRef partOf(llvm::StringRef pass) {
  return llvm::StringSwitch<llvm::StringRef>(pass)
      .Cases({"tnn-order-contractions", "cse"}, "search")
      .Case("fetta-slice-to-fit", "slice")
      .Case("convert-tnn-to-fetta", "map")
      .Cases({"fetta-schedule-queues", "fetta-assign-semaphores",
              "fetta-block-transfers"},
             "schedule")
      .Case("fetta-allocate-memory", "allocate")
      .Case("fetta-route-networks", "route")
      .Case("fetta-verify-program", "verify")
      .Default("parse");
}

namespace {

/// Adds up what passes take without the passes that they run.
class PartTimer : public mlir::PassInstrumentation {
public:
  explicit PartTimer(llvm::StringMap<double> &seconds) : seconds(seconds) {}

  void runBeforePass(mlir::Pass *, mlir::Operation *) override {
    running.push_back({now(), 0});
  }
  void runAfterPass(mlir::Pass *pass, mlir::Operation *) override { end(pass); }
  void runAfterPassFailed(mlir::Pass *pass, mlir::Operation *) override {
    end(pass);
  }

private:
  void end(mlir::Pass *pass) {
    auto [start, inside] = running.pop_back_val();
    double taken = now() - start;
    seconds[partOf(pass->getArgument())] += taken - inside;
    if (!running.empty())
      running.back().second += taken;
  }

  llvm::StringMap<double> &seconds;
  /// When each began, and what passes inside took.
  llvm::SmallVector<std::pair<double, double>> running;
};

/// What every compilation is given.
struct Settings {
  std::string machine = "machines/fetta-edge.yaml", options;
};

} // namespace

/// Compiles `text` and adds up the time of each part; counts contractions.
/// False where it is refused, which MLIR reports.
static bool compile(llvm::StringRef text, const Settings &settings, bool verify,
                    llvm::StringMap<double> &seconds, int64_t &contractions) {
  mlir::DialectRegistry registry;
  registry.insert<hw::FettaDialect, tnn::TNNDialect, mlir::func::FuncDialect>();
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  double start = now();
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module)
    return false;
  seconds["parse"] += now() - start;
  mlir::PassManager manager(&context);
  manager.enableVerifier(verify);
  manager.addInstrumentation(std::make_unique<PartTimer>(seconds));
  CompileOptions options;
  if (failed(options.parseFromString(settings.options)))
    return false;
  options.machine = settings.machine;
  buildCompileTrainingPipeline(manager, options);
  if (failed(manager.run(*module)))
    return false;
  start = now();
  contractions = 0;
  for (auto function : module->getOps<mlir::FunctionOpInterface>()) {
    mlir::FailureOr<Program> program = exportProgram(function);
    if (failed(program))
      return false;
    contractions += int64_t(countContractions(program->code));
    llvm::Expected<std::vector<uint8_t>> bytes = encodeProgram(*program);
    if (!bytes) {
      llvm::errs() << llvm::toString(bytes.takeError()) << '\n';
      return false;
    }
    benchmark::DoNotOptimize(bytes->data());
  }
  seconds["encode"] += now() - start;
  return true;
}

static void compileModel(benchmark::State &state, llvm::StringRef text,
                         const Settings &settings, bool verify) {
  llvm::StringMap<double> parts;
  int64_t contractions = 0;
  for (auto _ : state) {
    double start = now();
    if (!compile(text, settings, verify, parts, contractions)) {
      state.SkipWithError("refused");
      return;
    }
    state.SetIterationTime(now() - start);
  }
  for (auto &entry : parts)
    state.counters[entry.getKey().str()] = benchmark::Counter(
        entry.getValue() * 1e3, benchmark::Counter::kAvgIterations);
  state.counters["contractions"] = double(contractions);
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  Settings settings;
  std::vector<std::pair<std::string, std::unique_ptr<llvm::MemoryBuffer>>>
      models;
  for (llvm::StringRef argument : llvm::ArrayRef(argv + 1, argv + argc)) {
    if (argument.consume_front("--machine=")) {
      settings.machine = argument.str();
    } else if (argument.consume_front("--options=")) {
      settings.options = argument.str();
    } else if (auto file = llvm::MemoryBuffer::getFileOrSTDIN(argument)) {
      models.push_back({argument.str(), std::move(*file)});
    } else {
      llvm::errs() << "CompileBench: " << argument << ": "
                   << file.getError().message() << '\n';
      return 2;
    }
  }
  for (auto &[name, file] : models)
    for (bool verify : {true, false})
      benchmark::RegisterBenchmark(
          (name + (verify ? "" : "/unverified")).c_str(), compileModel,
          file->getBuffer(), settings, verify)
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

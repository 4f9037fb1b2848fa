//===- fetta-run.cpp - Runs a function natively ---------------------------===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Orders the contractions of a function (or of its training step), compiles it
// for the host through linalg and LLVM, and runs it on arrays in .npy files.
//
//===----------------------------------------------------------------------===//

#include "Native.h"
#include "fetta/Contraction/FixedOrder.h"
#include "fetta/Dialect/TNN/Transforms/NameArguments.h"
#include "fetta/InitAll.h"
#include "fetta/Support/Error.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace fetta;
namespace cl = llvm::cl;

static constexpr const char *toolName = "fetta-run";

static cl::OptionCategory category("Options of fetta-run");
static cl::opt<std::string> inputFile(cl::Positional, cl::Required,
                                      cl::desc("<MLIR file, - is stdin>"),
                                      cl::cat(category));
static cl::opt<std::string>
    functionName("function", cl::value_desc("name"), cl::cat(category),
                 cl::desc("Function to run; by default the only public one"));
static cl::opt<std::string>
    inputFolder("inputs", cl::value_desc("folder"), cl::Required,
                cl::cat(category),
                cl::desc("Reads <argument>.npy for every argument"));
static cl::opt<std::string>
    outputFolder("outputs", cl::value_desc("folder"), cl::Required,
                 cl::cat(category),
                 cl::desc("Writes <result>.npy for every result; all or none"));
static cl::opt<std::string>
    order("order", cl::value_desc("order"), cl::init("csse"), cl::cat(category),
          cl::desc("Order of contractions, as tnn-order-contractions names "
                   "it (default: csse)"));
static cl::opt<bool>
    training("training", cl::cat(category),
             cl::desc("Run the training step: arguments and d_<result> in, "
                      "results and d_<argument> out"));
static cl::opt<bool>
    rawBF16("raw-bf16", cl::cat(category),
            cl::desc("bf16 arrays are uint16 instead of float32 that is "
                     "rounded on load"));
static cl::opt<unsigned>
    optimizationLevel("O", cl::Prefix, cl::init(2), cl::value_desc("0-3"),
                      cl::cat(category),
                      cl::desc("Optimization level of the host code "
                               "(default: 2)"));

/// The function to run: the one that was named, else the only public one.
static FailureOr<func::FuncOp> findFunction(ModuleOp module) {
  if (!functionName.empty()) {
    auto function = module.lookupSymbol<func::FuncOp>(functionName);
    if (!function || function.isExternal())
      return emitError(module.getLoc())
             << "there is no function @" << functionName << " with a body";
    return function;
  }
  SmallVector<func::FuncOp> candidates;
  for (func::FuncOp function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal())
      candidates.push_back(function);
  if (candidates.size() != 1)
    return emitError(module.getLoc())
           << "the module has " << candidates.size()
           << " public functions; choose one with --function=<name>";
  return candidates.front();
}

/// Everything up to the linalg form.
static LogicalResult lowerToLinalg(ModuleOp module, StringRef function) {
  std::string pipeline = "tnn-expand-layers,";
  if (training)
    pipeline += ("tnn-differentiate{function=" + function + "},").str();
  pipeline += "func.func(tnn-order-contractions{order=" + order +
              "}),convert-tnn-to-linalg,canonicalize,cse";
  PassManager passes(module.getContext());
  if (failed(parsePassPipeline(pipeline, passes)))
    return failure();
  return passes.run(module);
}

static ExitCode run() {
  DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  fetta::registerAllDialects(registry);
  mlir::registerAllPasses();
  fetta::registerAllPasses();
  MLIRContext context(registry);
  // Messages name the place; whole functions beside them hide it.
  context.printOpOnDiagnostic(false);

  std::string message;
  auto buffer = openInputFile(inputFile, &message);
  if (!buffer)
    return reportError(toolName, makeError("{0}", message));
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  SourceMgrDiagnosticHandler diagnostics(*sources, &context);

  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(*sources, ParserConfig(&context));
  if (!module)
    return Refused;
  tnn::nameArguments(*module, [&](StringRef) {
    return sources->getMemoryBuffer(sources->getMainFileID())->getBuffer();
  });
  FailureOr<func::FuncOp> found = findFunction(*module);
  if (failed(found))
    return Refused;
  std::string name = found->getName().str();
  if (failed(lowerToLinalg(*module, name)))
    return Refused;
  // Passes may have made the function anew.
  auto function = module->lookupSymbol<func::FuncOp>(name);
  FailureOr<std::vector<HostTensor>> tensors = createHostTensors(function);
  if (failed(tensors))
    return Refused;
  unsigned numArguments = function.getNumArguments();
  bool loaded = true;
  for (HostTensor &tensor : MutableArrayRef(*tensors).take_front(numArguments))
    loaded &= succeeded(loadTensor(tensor, inputFolder, rawBF16));
  if (!loaded || failed(lowerToLLVM(*module, name)))
    return Refused;
  if (llvm::Error error =
          callFunction(*module, name, *tensors, optimizationLevel))
    return reportError(toolName, std::move(error));

  OutputDirectory output(outputFolder);
  for (const HostTensor &tensor : ArrayRef(*tensors).drop_front(numArguments))
    if (llvm::Error error = saveTensor(tensor, output, rawBF16))
      return reportError(toolName, std::move(error));
  return reportError(toolName, output.commit());
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  // Unlike LLVM's own exit code for this, 1, which stands for refused input.
  std::string text;
  llvm::raw_string_ostream errors(text);
  if (!cl::ParseCommandLineOptions(
          argc, argv,
          "Runs a function natively: contraction order, linalg, LLVM JIT\n\n"
          "  python3 -m fetta example-inputs layer.mlir --gradients --outputs "
          "in\n"
          "  fetta-run layer.mlir --training --inputs in --outputs native\n\n"
          "Exit codes: 0 done, 1 input refused, 2 wrong usage.\n",
          &errors)) {
    llvm::errs() << errors.str();
    return Usage;
  }
  if (!fetta::parseContractionOrder(order)) {
    llvm::errs() << toolName << ": error: unknown order '" << order
                 << "'; there are ";
    llvm::interleaveComma(fetta::contractionOrderNames(), llvm::errs(),
                          [](const fetta::ContractionOrderName &entry) {
                            llvm::errs() << entry.name;
                          });
    llvm::errs() << '\n';
    return Usage;
  }
  if (optimizationLevel > 3) {
    llvm::errs() << toolName << ": error: -O" << optimizationLevel
                 << " is not one of -O0 to -O3\n";
    return Usage;
  }
  return run();
}

//===- fetta-opt.cpp --------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// \file
// The optimizer driver: every upstream dialect and pass, and ours.
//
//===----------------------------------------------------------------------===//

#include "fetta/InitAll.h"
#ifdef FETTA_ENABLE_TESTS
#include "TestPasses.h"
#endif
#include "fetta/Support/Error.h"
#include "fetta/Support/OutputFile.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/MemoryBuffer.h"

/// Like upstream's driver, whose output file is there from the start.
static int writeWholeFile(llvm::StringRef input, llvm::StringRef output,
                          mlir::DialectRegistry &registry,
                          const mlir::MlirOptMainConfig &config) {
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> buffer =
      mlir::openInputFile(input, &message);
  if (!buffer)
    return fetta::reportError("fetta-opt", fetta::makeError("{0}", message));
  bool refused = false;
  llvm::Error error =
      fetta::writeOutputFile(output, [&](llvm::raw_ostream &os) -> llvm::Error {
        refused =
            failed(mlir::MlirOptMain(os, std::move(buffer), registry, config));
        return refused ? fetta::makeError("refused") : llvm::Error::success();
      });
  if (!refused)
    return fetta::reportError("fetta-opt", std::move(error));
  // The diagnostics have said why.
  llvm::consumeError(std::move(error));
  return fetta::Refused;
}

static constexpr llvm::StringLiteral overview =
    R"(Fetta optimizer driver: all of mlir-opt, and the passes of this project

From a layer to a program, and what the pipeline made of it:

  fetta-opt layer.mlir -o layer.prog.mlir \
      --fetta-compile-training="machine=machines/fetta-edge.yaml"
  fetta-opt layer.prog.mlir --fetta-print-mapping -o /dev/null
  fetta-translate --fetta-to-binary layer.prog.mlir -o layer.fbin

Only the order of contractions, with what was found and what it costs:

  fetta-opt layer.mlir --tnn-expand-layers --tnn-differentiate \
      --tnn-order-contractions="objective=latency machine=machines/fetta-edge.yaml" \
      --remarks-filter=tnn-order-contractions

The project's passes and pipelines begin with fetta- and tnn-, or convert from
and to these; docs/Passes says what each does.
)";

/// A diagnostic says where and what. The operation after it may be a whole
/// program: only on request.
static llvm::SmallVector<char *> withoutOperations(int argc, char **argv) {
  static char off[] = "--mlir-print-op-on-diagnostic=false";
  llvm::SmallVector<char *> args(argv, argv + argc);
  bool isGiven = llvm::any_of(args, [](llvm::StringRef arg) {
    return arg.contains("-mlir-print-op-on-diagnostic");
  });
  if (!isGiven)
    args.insert(args.begin() + 1, off);
  return args;
}

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  fetta::registerAllDialects(registry);
  mlir::registerAllPasses();
  fetta::registerAllPasses();
#ifdef FETTA_ENABLE_TESTS
  fetta::test::registerTestPasses();
#endif
  llvm::SmallVector<char *> args = withoutOperations(argc, argv);
  argc = int(args.size());
  args.push_back(nullptr);
  argv = args.data();
  auto [input, output] =
      mlir::registerAndParseCLIOptions(argc, argv, overview, registry);
  auto config = mlir::MlirOptMainConfig::createFromCLOptions();
  if (output == "-" || config.shouldShowDialects() || config.shouldListPasses())
    return mlir::asMainReturnCode(
        mlir::MlirOptMain(argc, argv, input, output, registry));
  return writeWholeFile(input, output, registry, config);
}

//===- fetta-translate.cpp --------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// \file
// fetta IR to a binary and back. Not mlirTranslateMain: outputs appear whole or
// not at all, a binary does not go to a terminal, and exit codes are those of
// all our tools.
//
//===----------------------------------------------------------------------===//

#include "fetta/Support/Error.h"
#include "fetta/Support/OutputFile.h"
#include "fetta/Target/Binary/Binary.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace fetta;
namespace cl = llvm::cl;

static cl::OptionCategory category("Options of fetta-translate");
static cl::opt<std::string> input(cl::Positional, cl::desc("<input>"),
                                  cl::init("-"), cl::cat(category));
static cl::opt<std::string> output("o", cl::desc("Output file (- for stdout)"),
                                   cl::value_desc("file"), cl::init("-"),
                                   cl::cat(category));
static cl::opt<bool> toBinary("fetta-to-binary",
                              cl::desc("Encode the program of a function"),
                              cl::cat(category));
static cl::opt<bool> fromBinary("binary-to-fetta",
                                cl::desc("Decode and check a binary"),
                                cl::cat(category));
static cl::opt<std::string>
    functionName("function",
                 cl::desc("Function to encode, where a module has "
                          "several"),
                 cl::value_desc("name"), cl::cat(category));

static int usage(const llvm::Twine &message) {
  llvm::errs() << "fetta-translate: error: " << message
               << "\nTry 'fetta-translate --help'.\n";
  return ExitCode::Usage;
}

static int writeBinary(std::unique_ptr<llvm::MemoryBuffer> buffer,
                       mlir::MLIRContext &context) {
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  mlir::SourceMgrDiagnosticHandler handler(*sources, &context);
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(sources, &context);
  if (!module)
    return ExitCode::Refused;
  auto function = getProgramFunction(*module, functionName);
  if (mlir::failed(function))
    return ExitCode::Refused;
  mlir::FailureOr<Program> program = exportProgram(*function);
  if (mlir::failed(program))
    return ExitCode::Refused;
  llvm::Expected<std::vector<uint8_t>> bytes = encodeProgram(*program);
  if (!bytes)
    return reportError("fetta-translate", bytes.takeError());
  llvm::StringRef contents(reinterpret_cast<const char *>(bytes->data()),
                           bytes->size());
  return reportError("fetta-translate", writeOutputFile(output, contents));
}

static int writeText(const llvm::MemoryBuffer &buffer,
                     mlir::MLIRContext &context) {
  llvm::StringRef contents = buffer.getBuffer();
  llvm::Expected<Program> program = decodeProgram(llvm::ArrayRef(
      reinterpret_cast<const uint8_t *>(contents.data()), contents.size()));
  if (!program)
    return reportError("fetta-translate",
                       addErrorContext(input, program.takeError()));
  auto module = importProgram(*program, &context);
  if (!module)
    return reportError("fetta-translate",
                       addErrorContext(input, module.takeError()));
  return reportError("fetta-translate",
                     writeOutputFile(output, [&](llvm::raw_ostream &os) {
                       (*module)->print(os);
                       os << '\n';
                       return llvm::Error::success();
                     }));
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  // With a stream for errors, the parser returns instead of exiting with 1.
  std::string errors;
  llvm::raw_string_ostream stream(errors);
  if (!cl::ParseCommandLineOptions(
          argc, argv,
          "fetta IR to a binary and back\n\n"
          "  fetta-translate --fetta-to-binary layer.prog.mlir -o layer.fbin\n"
          "  fetta-translate --binary-to-fetta layer.fbin\n\n"
          "The IR is what fetta-opt --fetta-compile-training ends with.\n"
          "Exit codes: 0 done, 1 input refused, 2 wrong usage.\n",
          &stream)) {
    llvm::errs() << errors;
    return ExitCode::Usage;
  }
  if (toBinary == fromBinary)
    return usage("choose one of --fetta-to-binary and --binary-to-fetta");
  if (toBinary && output == "-" && llvm::outs().is_displayed())
    return usage("a binary does not go to a terminal; give a file with -o");

  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(input);
  if (!buffer)
    return reportError("fetta-translate",
                       makeError("cannot read '{0}': {1}", input,
                                 buffer.getError().message()));
  mlir::DialectRegistry registry;
  registerBinaryDialects(registry);
  mlir::MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  return toBinary ? writeBinary(std::move(*buffer), context)
                  : writeText(**buffer, context);
}

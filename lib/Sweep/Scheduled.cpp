//===- Scheduled.cpp - Points that are compiled and simulated -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/Scheduled.h"

#include "fetta/Program/Container.h"
#include "fetta/Program/Contractions.h"
#include "fetta/Simulator/Functional.h"
#include "fetta/Simulator/Report.h"
#include "fetta/Support/OutputFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace fetta;

llvm::Expected<CompilerPaths> fetta::findCompiler(llvm::StringRef folder) {
  CompilerPaths paths;
  for (auto [name, path] :
       {std::pair<llvm::StringRef, std::string *>{"fetta-opt", &paths.opt},
        {"fetta-translate", &paths.translate}}) {
    llvm::ErrorOr<std::string> found =
        llvm::sys::findProgramByName(name, {folder});
    if (!found)
      found = llvm::sys::findProgramByName(name);
    if (!found)
      return makeError(
          "mode: scheduled runs {0}, which is neither in '{1}' nor "
          "in PATH: build the compiler half, or use mode: "
          "cost-model",
          name, folder);
    *path = *found;
  }
  return paths;
}

std::string fetta::moduleOf(const Layer &layer) {
  const EinsumSpec &einsum = layer.einsum;
  auto spell = [&](const IndexList &list) {
    std::string text;
    for (unsigned index : list)
      text += (text.empty() ? "" : " ") + einsum.names[index];
    return text;
  };
  auto type = [&](const IndexList &list) {
    std::string text = "tensor<";
    for (unsigned index : list)
      text += std::to_string(layer.sizes[index]) + "x";
    return text + "bf16>";
  };
  std::string arguments, operands, values, types;
  for (auto [i, list] : llvm::enumerate(einsum.operands)) {
    std::string name = i ? "g" + std::to_string(i - 1) : "x";
    std::string comma = i ? ", " : "";
    arguments += comma + "%" + name + ": " + type(list) + " {tnn.name = \"" +
                 name + "\", tnn.role = \"" + (i ? "param" : "input") + "\"}";
    operands += comma + spell(list);
    values += comma + "%" + name;
    types += comma + type(list);
  }
  std::string result = type(einsum.output);
  return "func.func @forward(" + arguments + ") -> (" + result +
         " {tnn.name = \"y\"}) {\n  %y = tnn.einsum \"" + operands + " -> " +
         spell(einsum.output) + "\" " + values + " : (" + types + ") -> " +
         result + "\n  return %y : " + result + "\n}\n";
}

std::string fetta::machineFileOf(const Machine &machine) {
  std::string text = "name: " + machine.name + "\n";
  for (llvm::StringRef key : Machine::keys())
    text += key.str() + ": {value: " + machine.get(key) + ", source: sweep}\n";
  return text;
}

namespace {

/// A folder that goes away with what is in it.
class ScratchFolder {
public:
  static llvm::Expected<ScratchFolder> create() {
    llvm::SmallString<128> path;
    if (std::error_code code =
            llvm::sys::fs::createUniqueDirectory("fetta-sweep", path))
      return makeError("cannot create a temporary folder: {0}", code.message());
    return ScratchFolder(path.str());
  }
  ScratchFolder(ScratchFolder &&o) : path(std::exchange(o.path, "")) {}
  ~ScratchFolder() {
    if (!path.empty())
      (void)llvm::sys::fs::remove_directories(path);
  }
  std::string file(llvm::StringRef name) const {
    llvm::SmallString<128> result(path);
    llvm::sys::path::append(result, name);
    return result.str().str();
  }

private:
  explicit ScratchFolder(llvm::StringRef path) : path(path.str()) {}
  std::string path;
};

class ScheduledEvaluator : public PointEvaluator {
public:
  ScheduledEvaluator(CompilerPaths paths, const std::atomic<bool> *stop)
      : paths(std::move(paths)), stop(stop) {}

  llvm::Expected<PointResult> evaluate(const SweepSpec &spec,
                                       const SweepPoint &point) override;

private:
  struct Outcome {
    std::string problem; ///< Its message; empty when all went well.
    bool killed = false; ///< It did not end by itself.
  };
  llvm::Expected<Outcome> runTool(const ScratchFolder &folder,
                                  llvm::ArrayRef<std::string> command);
  PointResult simulate(llvm::StringRef bytes, DramModel dram) const;

  static PointResult refused(std::string reason) {
    PointResult result;
    result.status = PointResult::Refused;
    result.reason = std::move(reason);
    return result;
  }

  CompilerPaths paths;
  const std::atomic<bool> *stop;
};

} // namespace

llvm::Expected<ScheduledEvaluator::Outcome>
ScheduledEvaluator::runTool(const ScratchFolder &folder,
                            llvm::ArrayRef<std::string> command) {
  llvm::SmallVector<llvm::StringRef, 8> arguments(command.begin(),
                                                  command.end());
  std::string messages = folder.file("messages");
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(), messages,
                                                messages};
  std::string problem;
  int code = llvm::sys::ExecuteAndWait(command.front(), arguments, std::nullopt,
                                       redirects, 0, 0, &problem);
  if (code == 0)
    return Outcome();
  if (code == -1)
    return makeError("cannot run '{0}': {1}", command.front(), problem);
  if (code < 0)
    return Outcome{llvm::formatv("{0} was killed: {1}",
                                 llvm::sys::path::filename(command.front()),
                                 problem)
                       .str(),
                   true};
  std::string text;
  if (auto buffer = llvm::MemoryBuffer::getFile(messages))
    text = (*buffer)->getBuffer().str();
  llvm::SmallVector<llvm::StringRef, 8> lines;
  llvm::StringRef(text).split(lines, '\n', -1, false);
  for (llvm::StringRef line : lines)
    if (size_t at = line.find("error: "); at != llvm::StringRef::npos)
      return Outcome{line.drop_front(at + 7).str()};
  if (!lines.empty())
    return Outcome{lines.front().str()};
  return Outcome{llvm::formatv("{0} ended with code {1} and no message",
                               llvm::sys::path::filename(command.front()), code)
                     .str()};
}

PointResult ScheduledEvaluator::simulate(llvm::StringRef bytes,
                                         DramModel dram) const {
  llvm::Expected<Program> loaded =
      decodeProgram({bytes.bytes_begin(), bytes.size()});
  if (!loaded)
    return refused(toString(loaded.takeError()));
  llvm::Expected<Program> program = expandRepeats(std::move(*loaded));
  if (!program)
    return refused(toString(program.takeError()));
  llvm::Expected<std::vector<Counters>> counters = countProgram(*program);
  if (!counters)
    return refused(toString(counters.takeError()));
  llvm::Expected<EnergyTable> energy =
      EnergyTable::preset(program->machine.energyPreset);
  if (!energy)
    return refused(toString(energy.takeError()));
  TimingOptions options;
  options.dram = dram;
  ProgramTiming timing = timeProgram(*program, options);
  Report report(*program, timing, *counters, std::move(*energy));
  const Counters &all = report.total().counters;
  PointResult result;
  result.status = PointResult::Done;
  RawFigures &f = result.figures;
  f.cycles = timing.cycles;
  f.limitCompute = report.limits().compute;
  f.limitArray = report.limits().array;
  f.limitDram = report.limits().dram;
  f.limitPath = report.limits().criticalPath;
  f.multiplyAdds = all.multiplyAdds;
  f.dramBytes = all.dramBytes;
  f.contractions = int64_t(countContractions(program->code));
  f.weights =
      energyWeights(all, program->machine,
                    double(f.cycles) * 1e9 / double(program->machine.clockHz));
  return result;
}

llvm::Expected<PointResult>
ScheduledEvaluator::evaluate(const SweepSpec &spec, const SweepPoint &point) {
  llvm::Expected<ScratchFolder> folder = ScratchFolder::create();
  if (!folder)
    return folder.takeError();
  std::string machine = folder->file("machine.yaml");
  std::string model = folder->file("model.mlir");
  std::string program = folder->file("program.mlir");
  std::string binary = folder->file("program.fbin");
  if (llvm::Error error =
          writeOutputFile(machine, machineFileOf(point.machine)))
    return error;
  if (llvm::Error error =
          writeOutputFile(model, spec.modelText.empty() ? moduleOf(point.layer)
                                                        : spec.modelText))
    return error;
  std::string layouts =
      point.layouts == LayoutChoice::Joint ? "joint" : "separate";
  std::string pipeline =
      "--fetta-compile-training=machine=" + machine +
      " memory=dram slices=auto layouts=" + layouts +
      " order=" + stringifyContractionOrder(point.order.order).str() +
      " objective=" + point.order.objectiveName +
      " dram=" + dramModelName(spec.dram).str();
  std::vector<std::string> commands[] = {
      {paths.opt, model, pipeline, "-o", program},
      {paths.translate, "--fetta-to-binary", program, "-o", binary}};
  for (const std::vector<std::string> &command : commands) {
    llvm::Expected<Outcome> outcome = runTool(*folder, command);
    if (!outcome)
      return outcome.takeError();
    if (stop && *stop)
      return PointResult();
    if (!outcome->problem.empty()) {
      PointResult result = refused(outcome->problem);
      result.lasting = !outcome->killed;
      return result;
    }
  }
  auto buffer = llvm::MemoryBuffer::getFile(binary, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return makeError("cannot read '{0}': {1}", binary,
                     buffer.getError().message());
  return simulate((*buffer)->getBuffer(), spec.dram);
}

std::unique_ptr<PointEvaluator>
fetta::makeScheduledEvaluator(CompilerPaths paths,
                              const std::atomic<bool> *stop) {
  return std::make_unique<ScheduledEvaluator>(std::move(paths), stop);
}

//===- RunCommand.cpp - fetta-sim run -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunCommand.h"

#include "fetta/Simulator/Functional.h"
#include "fetta/Simulator/Level2.h"
#include "fetta/Simulator/Report.h"
#include "fetta/Support/BFloat16.h"
#include "fetta/Support/Error.h"
#include "fetta/Support/Npy.h"
#include "fetta/Support/OutputFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <chrono>
#include <cstring>

using namespace fetta;

/// Reads the array of one tensor or region; checks type and shape.
template <typename Entry>
static llvm::Expected<std::vector<float>> readArray(const Entry &tensor,
                                                    const RunOptions &options) {
  if (options.inputs.empty())
    return makeError("the program needs an array '{0}' of shape {1}: give its "
                     "folder with --inputs",
                     tensor.name, formatShape(tensor.shape));
  llvm::SmallString<128> path(options.inputs);
  llvm::sys::path::append(path, tensor.name + ".npy");
  if (!llvm::sys::fs::exists(path))
    return makeError("{0}: no such file; the program needs an array '{1}' of "
                     "shape {2} there",
                     path, tensor.name, formatShape(tensor.shape));
  llvm::Expected<NpyArray> array = readNpy(path);
  if (!array)
    return array.takeError();
  if (llvm::Error error = checkNpyShape(*array, tensor.shape, path))
    return error;
  bool raw = options.rawBF16 && tensor.elementType == ElementType::BF16;
  NpyType expected = raw ? NpyType::U16 : NpyType::F32;
  if (array->type != expected)
    return makeError("{0}: the elements are {1}, expected {2}{3}", path,
                     getNpyTypeName(array->type), getNpyTypeName(expected),
                     raw ? " (bfloat16 words, --raw-bf16)"
                     : array->type == NpyType::U16
                         ? " (--raw-bf16 takes bfloat16 as uint16)"
                         : "");
  if (!raw)
    return array->toFloats(path);
  llvm::Expected<std::vector<uint16_t>> words = array->toUInt16(path);
  if (!words)
    return words.takeError();
  std::vector<float> values;
  for (uint16_t word : *words)
    values.push_back(bf16ToFloat(word));
  return values;
}

template <typename Entry>
static NpyArray toArray(const Entry &tensor, const std::vector<float> &values,
                        bool rawBF16) {
  if (!rawBF16 || tensor.elementType != ElementType::BF16)
    return NpyArray::fromFloats(tensor.shape, values);
  std::vector<uint16_t> words;
  for (float value : values) // Exact: the words hold BF16.
    words.push_back(uint16_t(floatToBits(value) >> 16));
  return NpyArray::fromUInt16(tensor.shape, words);
}

static llvm::Expected<EnergyTable> energyTable(const Program &program,
                                               const RunOptions &options) {
  if (options.energy.empty())
    return EnergyTable::preset(program.machine.energyPreset);
  if (llvm::StringRef(options.energy).ends_with(".yaml"))
    return EnergyTable::load(options.energy);
  return EnergyTable::preset(options.energy);
}

/// What a trace lacks for its limit; empty for nothing.
static std::string noteOn(const TraceWriter &trace,
                          const TraceOptions &options) {
  if (trace.cut() == 0)
    return "";
  return llvm::formatv("trace: cut at {0} bytes: {1} intervals left out, all "
                       "before cycle {2} are there; raise --trace-limit or "
                       "choose a --trace-window\n",
                       options.maxBytes, trace.cut(), trace.completeUntil());
}

namespace {
/// Says on stderr how far a run has come, when it takes longer than a moment.
class Progress {
public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds interval{5};

  Progress(const char *what, const char *unit) : what(what), unit(unit) {}
  void operator()(int64_t done, int64_t all) {
    Clock::time_point now = Clock::now();
    if (now < next)
      return;
    next = now + interval;
    double spent = std::chrono::duration<double>(now - start).count();
    double share = double(done) / double(all);
    llvm::errs() << llvm::formatv(
        "fetta-sim: {0}: {1:P1} of {2:N} {3} after {4:F0} s", what, share, all,
        unit, spent);
    if (done)
      llvm::errs() << llvm::formatv(", {0:F0} s to go", spent / share - spent);
    llvm::errs() << '\n';
  }

private:
  const char *what, *unit;
  Clock::time_point start = Clock::now(), next = start + interval;
};
} // namespace

/// Runs level 2 on memories of its own and sets it against the functional run
/// and level 1; says so in one line.
static llvm::Expected<std::string>
runLevel2Beside(const Program &program, TensorMemory memory, DramMemory dram,
                const TensorMemory &expectedMemory,
                const DramMemory &expectedDram, DramModel model, int64_t cycles,
                bool quiet) {
  std::function<void(int64_t)> tell;
  if (!quiet) // Level 2 may take a little longer than level 1.
    tell = [cycles,
            progress = Progress("level 2", "cycles")](int64_t done) mutable {
      progress(std::min(done, cycles), cycles);
    };
  llvm::Expected<Level2Run> run = runLevel2(program, memory, dram, model, tell);
  if (!run)
    return run.takeError();
  auto same = [](llvm::Expected<std::vector<float>> x,
                 llvm::Expected<std::vector<float>> y) -> llvm::Expected<bool> {
    if (!x)
      return llvm::joinErrors(x.takeError(), y.takeError());
    if (!y)
      return y.takeError();
    return x->size() == y->size() &&
           std::memcmp(x->data(), y->data(), x->size() * sizeof(float)) == 0;
  };
  auto check = [&](llvm::StringRef name,
                   llvm::Expected<bool> equal) -> llvm::Error {
    if (!equal)
      return equal.takeError();
    if (!*equal)
      return makeError("level 2 computes another '{0}' than the functional "
                       "run: a defect of the simulator",
                       name);
    return llvm::Error::success();
  };
  for (const TensorEntry &tensor : program.tensors)
    if (isCollected(tensor.role))
      if (llvm::Error error =
              check(tensor.name,
                    same(memory.load(tensor), expectedMemory.load(tensor))))
        return error;
  for (auto [r, region] : llvm::enumerate(program.regions))
    if (isCollected(region.role))
      if (llvm::Error error = check(
              region.name, same(dram.load(uint32_t(r)), expectedDram.load(r))))
        return error;
  double difference =
      100 * (double(cycles) - double(run->cycles)) / double(run->cycles);
  return llvm::formatv("level 2: {0:N} cycles, the same values bit for bit; "
                       "level 1 is off by {1:F2} %\n",
                       run->cycles, difference)
      .str();
}

/// Reads what the host places into tensor memory and DRAM.
static llvm::Error readInputs(const Program &program, const RunOptions &options,
                              TensorMemory &memory, DramMemory &dram) {
  for (const TensorEntry &tensor : program.tensors) {
    if (!isPreloaded(tensor.role))
      continue;
    llvm::Expected<std::vector<float>> values = readArray(tensor, options);
    if (!values)
      return values.takeError();
    if (llvm::Error error = memory.store(tensor, *values))
      return error;
  }
  for (auto [r, region] : llvm::enumerate(program.regions)) {
    if (!isPreloaded(region.role))
      continue;
    llvm::Expected<std::vector<float>> values = readArray(region, options);
    if (!values)
      return values.takeError();
    if (llvm::Error error = dram.store(uint32_t(r), *values))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error fetta::runCommand(const Program &program,
                              const RunOptions &options) {
  llvm::Expected<EnergyTable> energy = energyTable(program, options);
  if (!energy)
    return energy.takeError();
  TensorMemory memory(program.machine);
  DramMemory dram(program);
  if (!options.timingOnly)
    if (llvm::Error error = readInputs(program, options, memory, dram))
      return error;
  std::optional<std::pair<TensorMemory, DramMemory>> before;
  if (options.level == 2) {
    TimingOptions timingOptions;
    timingOptions.dram = options.dram;
    if (!options.quiet)
      timingOptions.progress = Progress("timing", "contractions");
    if (!options.longRun)
      if (llvm::Error error = checkLevel2Duration(
              program.machine, timeProgram(program, timingOptions).cycles))
        return error;
    before.emplace(memory, dram);
  }
  ExecutionOptions execution;
  if (!options.quiet)
    execution.progress =
        Progress(options.timingOnly ? "counting" : "values", "beats");
  llvm::Expected<std::vector<Counters>> counters =
      options.timingOnly ? countProgram(program, execution)
                         : runProgram(program, memory, dram, execution);
  if (!counters)
    return counters.takeError();
  TimingOptions timingOptions;
  timingOptions.dram = options.dram;
  if (!options.quiet)
    timingOptions.progress = Progress("timing", "contractions");
  OutputDirectory outputs(options.outputs), reports(options.report);
  ProgramTiming timing;
  std::string traceNote;
  if (options.report.empty()) {
    timing = timeProgram(program, timingOptions);
  } else if (llvm::Error error =
                 reports.add("trace.json", [&](llvm::raw_ostream &os) {
                   // The trace is written while the program is timed.
                   TraceWriter trace(program, options.trace, os);
                   timingOptions.sink = &trace;
                   timing = timeProgram(program, timingOptions);
                   trace.finish();
                   traceNote = noteOn(trace, options.trace);
                   return llvm::Error::success();
                 })) {
    return error;
  }
  Report report(program, timing, *counters, std::move(*energy));
  std::string level2Note;
  if (before) {
    llvm::Expected<std::string> note = runLevel2Beside(
        program, std::move(before->first), std::move(before->second), memory,
        dram, options.dram, timing.cycles, options.quiet);
    if (!note)
      return note.takeError();
    level2Note = std::move(*note);
  }

  if (!options.outputs.empty()) {
    auto write = [&](const auto &entry,
                     llvm::Expected<std::vector<float>> values) {
      if (!values)
        return values.takeError();
      NpyArray array = toArray(entry, *values, options.rawBF16);
      return outputs.add(entry.name + ".npy", [&](llvm::raw_ostream &os) {
        writeNpy(array, os);
        return llvm::Error::success();
      });
    };
    for (const TensorEntry &tensor : program.tensors)
      if (isCollected(tensor.role))
        if (llvm::Error error = write(tensor, memory.load(tensor)))
          return error;
    for (auto [r, region] : llvm::enumerate(program.regions))
      if (isCollected(region.role))
        if (llvm::Error error = write(region, dram.load(uint32_t(r))))
          return error;
  }
  if (!options.report.empty()) {
    auto add = [&](llvm::StringRef name,
                   void (Report::*write)(llvm::raw_ostream &) const) {
      return reports.add(name, [&](llvm::raw_ostream &os) {
        (report.*write)(os);
        return llvm::Error::success();
      });
    };
    if (llvm::Error error = add("summary.json", &Report::writeSummaryJson))
      return error;
    if (llvm::Error error = add("ops.csv", &Report::writeOpsCsv))
      return error;
    if (llvm::Error error = add("table.txt", &Report::printTable))
      return error;
  }
  if (!options.outputs.empty())
    if (llvm::Error error = outputs.commit())
      return error;
  if (!options.report.empty())
    if (llvm::Error error = reports.commit())
      return error;
  if (options.quiet)
    return llvm::Error::success();
  return writeOutputFile("-", [&](llvm::raw_ostream &os) {
    report.printTable(os);
    os << level2Note << traceNote;
    return llvm::Error::success();
  });
}

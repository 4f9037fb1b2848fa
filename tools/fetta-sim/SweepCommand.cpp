//===- SweepCommand.cpp - fetta-sim sweep ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SweepCommand.h"

#include "fetta/Support/OutputFile.h"
#include "fetta/Sweep/Results.h"
#include "fetta/Sweep/Scheduled.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/xxhash.h"

#include <cmath>
#include <csignal>

using namespace fetta;
namespace cl = llvm::cl;

cl::SubCommand fetta::sweepCmd("sweep",
                               "Evaluate a layer on many machines or sizes");
cl::OptionCategory fetta::sweepCategory("fetta-sim sweep options");

/// More need --points.
static constexpr uint64_t defaultPoints = 1000000;

static cl::opt<std::string> file(cl::Positional, cl::Required,
                                 cl::desc("<sweep.yaml, - for stdin>"),
                                 cl::sub(sweepCmd), cl::cat(sweepCategory));
static cl::opt<std::string>
    output("output", cl::value_desc("file.csv"),
           cl::desc("One line per point (default: the name of the sweep file "
                    "with .csv, in the current folder; - prints it instead of "
                    "the table). FILE.csv.journal beside it takes results as "
                    "they come: the same command goes on after a stop"),
           cl::sub(sweepCmd), cl::cat(sweepCategory));
static cl::opt<std::string> jsonOutput("json-output",
                                       cl::value_desc("file.json"),
                                       cl::desc("The same as JSON"),
                                       cl::sub(sweepCmd),
                                       cl::cat(sweepCategory));
static cl::opt<unsigned> jobs("jobs", cl::init(0), cl::value_desc("n"),
                              cl::desc("Threads (default: one for each core)"),
                              cl::sub(sweepCmd), cl::cat(sweepCategory));
static cl::opt<bool> dryRun("dry-run",
                            cl::desc("List the points; evaluate nothing"),
                            cl::sub(sweepCmd), cl::cat(sweepCategory));
static cl::opt<uint64_t>
    maxPoints("points", cl::init(defaultPoints), cl::value_desc("n"),
              cl::desc("Points at most (default: 1000000)"), cl::sub(sweepCmd),
              cl::cat(sweepCategory));
static cl::opt<bool> fresh("fresh", cl::desc("Forget the journal first"),
                           cl::sub(sweepCmd), cl::cat(sweepCategory));
static cl::opt<bool> quiet("no-table", cl::desc("Print no table"),
                           cl::sub(sweepCmd), cl::cat(sweepCategory));
static cl::extrahelp sweepHelp(
    "\nfetta-sim sweep FILE, for example with this FILE (docs/Sweep.md has all "
    "keys):\n\n"
    "  machine: machines/fetta-edge.yaml\n"
    "  layer: {suite: TT_ATIS, sizes: {a: 32}}\n"
    "  vary:\n"
    "    contraction_engines: 16..256 x2\n"
    "    dram_bytes_per_second: [12800000000, 25600000000, 51200000000]\n"
    "  zip: {pe_rows: [2, 4, 8], pe_columns: [8, 4, 2]}\n");

//===----------------------------------------------------------------------===//
// Progress and interrupts
//===----------------------------------------------------------------------===//

static std::atomic<bool> stopRequested{false};

/// The first one ends the sweep in good order, the second one at once.
static void handleSignals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { stopRequested = true; };
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

static std::string duration(double seconds) {
  auto whole = uint64_t(std::llround(seconds));
  if (whole < 60)
    return llvm::formatv("{0} s", whole).str();
  if (whole < 3600)
    return llvm::formatv("{0}:{1,0+2} min", whole / 60, whole % 60).str();
  return llvm::formatv("{0}:{1,0+2} h", whole / 3600, whole / 60 % 60).str();
}

namespace {

/// A line that changes on a terminal, and one now and then elsewhere.
class ProgressLine {
public:
  ProgressLine() : terminal(llvm::sys::Process::StandardErrIsDisplayed()) {}

  void operator()(const SweepProgress &progress) {
    if (progress.seconds < next)
      return;
    next = progress.seconds + (terminal ? 0.5 : 10);
    uint64_t own = progress.done - progress.reused;
    std::string text =
        llvm::formatv("fetta-sim: {0} of {1} points after {2}", progress.done,
                      progress.all, duration(progress.seconds))
            .str();
    if (own && progress.seconds > 0) {
      double rate = double(own) / progress.seconds;
      text +=
          llvm::formatv(", {0:F1} a second, {1} to go", rate,
                        duration(double(progress.all - progress.done) / rate))
              .str();
    }
    if (!terminal) {
      llvm::errs() << text << '\n';
      return;
    }
    llvm::errs() << '\r' << text
                 << std::string(shown > text.size() ? shown - text.size() : 0,
                                ' ');
    shown = text.size();
  }
  /// Leaves an empty line.
  void clear() {
    if (shown)
      llvm::errs() << '\r' << std::string(shown, ' ') << '\r';
    shown = 0;
  }

private:
  bool terminal;
  double next = 2; ///< Short sweeps say nothing.
  size_t shown = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

/// Hash of programs: results of another build are not reused.
static llvm::Expected<std::string>
saltOf(llvm::ArrayRef<std::string> programs) {
  std::string salt;
  for (const std::string &program : programs) {
    auto buffer = llvm::MemoryBuffer::getFile(program, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!buffer)
      return makeError("cannot read '{0}': {1}", program,
                       buffer.getError().message());
    salt += llvm::utohexstr(llvm::xxh3_64bits((*buffer)->getBuffer())) + " ";
  }
  return salt;
}

static llvm::Error list(const SweepSpec &spec) {
  return writeOutputFile("-", [&](llvm::raw_ostream &os) {
    os << "point";
    for (const SweepColumn &column : spec.columns)
      os << ',' << column.name;
    os << ",refused\n";
    uint64_t count = spec.pointCount();
    for (uint64_t point = 0; point < count; ++point) {
      os << point;
      for (llvm::StringRef value : spec.valuesOf(point))
        os << ',' << value;
      llvm::Expected<SweepPoint> resolved = spec.resolve(point);
      os << ',' << (resolved ? "" : toString(resolved.takeError())) << '\n';
    }
    return llvm::Error::success();
  });
}

static llvm::Error writeResults(const SweepSpec &spec, const SweepRun &run,
                                llvm::StringRef csv) {
  llvm::Expected<SweepResults> results = SweepResults::create(spec, run);
  if (!results)
    return results.takeError();
  auto write = [&](llvm::StringRef path, auto member) {
    return writeOutputFile(path, [&](llvm::raw_ostream &os) {
      ((*results).*member)(os);
      return llvm::Error::success();
    });
  };
  if (llvm::Error error = write(csv, &SweepResults::writeCsv))
    return error;
  if (!jsonOutput.empty())
    if (llvm::Error error = write(jsonOutput, &SweepResults::writeJson))
      return error;
  if (quiet || csv == "-")
    return llvm::Error::success();
  return write("-", &SweepResults::print);
}

/// The journal, if the output has a place for one beside it.
static llvm::Expected<std::unique_ptr<SweepJournal>>
openJournal(const SweepSpec &spec, llvm::StringRef csv) {
  llvm::sys::fs::file_status status;
  bool exists = !llvm::sys::fs::status(csv, status);
  if (exists && status.type() == llvm::sys::fs::file_type::directory_file)
    return makeError("cannot write '{0}': is a directory", csv);
  // Pipes and devices have no neighbours.
  if (csv == "-" ||
      (exists && status.type() != llvm::sys::fs::file_type::regular_file))
    return nullptr;
  std::string path = csv.str() + ".journal";
  if (fresh)
    if (std::error_code code = llvm::sys::fs::remove(path))
      return makeError("cannot remove '{0}': {1}", path, code.message());
  llvm::Expected<std::unique_ptr<SweepJournal>> journal =
      SweepJournal::open(path, llvm::xxh3_64bits(spec.text));
  if (!journal)
    return journal;
  if ((*journal)->fileHasChanged())
    llvm::errs() << "fetta-sim: note: " << spec.path << " has changed since "
                 << path
                 << " was written; points that are the same are reused "
                    "(--fresh forgets them)\n";
  if (size_t lines = (*journal)->damaged())
    llvm::errs() << "fetta-sim: note: " << path << ": " << lines
                 << (lines == 1 ? " line was" : " lines were")
                 << " cut or damaged; these points are done again\n";
  return journal;
}

static llvm::Expected<ExitCode> run(const char *program) {
  llvm::Expected<SweepSpec> spec = SweepSpec::load(file);
  if (!spec)
    return spec.takeError();
  uint64_t count = spec->pointCount();
  if (count > maxPoints)
    return makeError("{0}: {1} points are more than {2}; if that is meant, "
                     "allow it with --points=N",
                     spec->path,
                     count == SweepSpec::tooMany ? "more than 2^64"
                                                 : std::to_string(count),
                     maxPoints.getValue());
  if (dryRun) {
    if (llvm::Error error = list(*spec))
      return error;
    return Done;
  }
  std::string csv = output;
  if (csv.empty()) {
    if (spec->path == "-")
      return makeError("a sweep from standard input needs --output");
    csv = llvm::sys::path::stem(spec->path).str() + ".csv";
  }

  std::string self =
      llvm::sys::fs::getMainExecutable(program, reinterpret_cast<void *>(&run));
  std::vector<std::string> programs = {self};
  std::unique_ptr<PointEvaluator> evaluator;
  if (spec->mode == SweepMode::Scheduled) {
    llvm::Expected<CompilerPaths> paths =
        findCompiler(llvm::sys::path::parent_path(self));
    if (!paths)
      return paths.takeError();
    programs.insert(programs.end(), {paths->opt, paths->translate});
    evaluator = makeScheduledEvaluator(*paths, &stopRequested);
  }
  llvm::Expected<std::string> salt = saltOf(programs);
  if (!salt)
    return salt.takeError();
  llvm::Expected<std::unique_ptr<SweepJournal>> journal =
      openJournal(*spec, csv);
  if (!journal)
    return journal.takeError();

  handleSignals();
  ProgressLine progress;
  SweepOptions options;
  options.jobs = jobs;
  options.journal = journal->get();
  options.evaluator = evaluator.get();
  options.salt = *salt;
  options.stop = &stopRequested;
  options.progress = [&](const SweepProgress &p) { progress(p); };
  llvm::Expected<SweepRun> run = runSweep(*spec, options);
  progress.clear();
  if (!run)
    return run.takeError();
  if (llvm::Error error = writeResults(*spec, *run, csv))
    return error;
  if (run->reused)
    llvm::errs() << llvm::formatv("fetta-sim: {0} of {1} points were in the "
                                  "journal\n",
                                  run->reused, count);
  if (run->stopped) {
    llvm::errs() << llvm::formatv(
        "fetta-sim: stopped: {0} of {1} points are done{2}\n",
        run->evaluated + run->reused, count,
        *journal ? "; the same command goes on" : "");
    return Limit;
  }
  for (const PointResult &result : run->results)
    if (result.status == PointResult::Done)
      return Done;
  return makeError("{0}: no point could be evaluated; of the first: {1}",
                   spec->path, run->results.front().reason);
}

ExitCode fetta::sweepCommand(const char *program) {
  llvm::Expected<ExitCode> code = run(program);
  return code ? *code : reportError("fetta-sim", code.takeError());
}

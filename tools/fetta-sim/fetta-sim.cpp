//===- fetta-sim.cpp - The simulator's command line -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DiffCommand.h"
#include "RunCommand.h"
#include "SweepCommand.h"
#include "fetta/Machine/AreaTable.h"
#include "fetta/Program/Contractions.h"
#include "fetta/Support/Error.h"
#include "fetta/Support/OutputFile.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace fetta;
namespace cl = llvm::cl;

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

static const char overview[] =
    "Runs programs for the modelled accelerator: values, cycles, energy.\n\n"
    "  fetta-sim run P.fbin --inputs in --outputs out --report report\n"
    "      takes in/NAME.npy for every array the host places, writes\n"
    "      out/NAME.npy for every result and gradient, prints a table, and\n"
    "      writes summary.json, ops.csv, trace.json (ui.perfetto.dev opens "
    "it)\n"
    "      and table.txt\n"
    "  fetta-sim verify P.fbin [--json]        checks a binary, runs nothing\n"
    "  fetta-sim dump P.fbin                   tables and instructions as "
    "text\n"
    "  fetta-sim diff A B [--json]             two reports or binaries side "
    "by\n"
    "      side: figures, cycles of every resource by class, and what explains "
    "the\n"
    "      change\n"
    "  fetta-sim machine FILE --check|--explain\n"
    "  fetta-sim sweep FILE                    a layer on many machines or "
    "sizes:\n"
    "      cycles, energy and area of every point as CSV, and the front of "
    "the\n"
    "      best ones\n\n"
    "Exit codes: 0 done, 1 input refused, 2 wrong usage, 3 sweep stopped.\n";

static cl::SubCommand runCmd("run", "Run a program on arrays");
static cl::SubCommand verifyCmd("verify", "Check a binary; nothing runs");
static cl::SubCommand dumpCmd("dump", "Print a binary as text");
static cl::SubCommand diffCmd("diff", "Compare two runs");
static cl::SubCommand machineCmd("machine", "Check or explain a machine file");

static cl::OptionCategory category("fetta-sim options");

static cl::opt<std::string> binary(cl::Positional, cl::Required,
                                   cl::desc("<program.fbin, - for stdin>"),
                                   cl::sub(runCmd), cl::sub(verifyCmd),
                                   cl::sub(dumpCmd), cl::cat(category));
static cl::opt<std::string>
    machineFile("machine", cl::value_desc("file"),
                cl::desc("Refuse a binary for any machine but this one"),
                cl::sub(runCmd), cl::sub(verifyCmd), cl::cat(category));
static cl::opt<std::string>
    inputs("inputs", cl::value_desc("dir"),
           cl::desc("Folder with NAME.npy (float32, rounded to bfloat16) for "
                    "every array the host places"),
           cl::sub(runCmd), cl::cat(category));
static cl::opt<std::string>
    outputs("outputs", cl::value_desc("dir"),
            cl::desc("Folder for NAME.npy of every result and gradient"),
            cl::sub(runCmd), cl::cat(category));
static cl::opt<std::string>
    reportDir("report", cl::value_desc("dir"),
              cl::desc("Folder for summary.json, ops.csv, trace.json, "
                       "table.txt"),
              cl::sub(runCmd), cl::cat(category));

static cl::opt<DramModel>
    dram("dram", cl::desc("Model of the external memory"),
         cl::values(clEnumValN(DramModel::Ideal, "ideal",
                               "transfers take no time and no port"),
                    clEnumValN(DramModel::Bandwidth, "bandwidth",
                               "rate, bursts, latency and staging buffers of "
                               "the machine file (default)")),
         cl::init(DramModel::Bandwidth), cl::sub(runCmd), cl::sub(diffCmd),
         cl::cat(category));
static cl::opt<unsigned>
    level("level", cl::init(1), cl::value_desc("1|2"),
          cl::desc("Level of the timing model: 1, tile events; 2, next to it "
                   "cycle by cycle, with values"),
          cl::sub(runCmd), cl::cat(category));
static cl::opt<bool> longRun("long",
                             cl::desc("Run --level=2 even if it takes hours"),
                             cl::sub(runCmd), cl::cat(category));
static cl::opt<std::string>
    energy("energy", cl::value_desc("preset or file.yaml"),
           cl::desc("Energy table instead of the machine's"), cl::sub(runCmd),
           cl::cat(category));
static cl::opt<bool>
    rawBF16("raw-bf16",
            cl::desc("bfloat16 arrays travel as uint16, not as float32"),
            cl::sub(runCmd), cl::cat(category));
static cl::opt<std::string>
    traceWindow("trace-window", cl::value_desc("from:to"),
                cl::desc("Cycles of trace.json: from the first to before the "
                         "second; either may be left out"),
                cl::sub(runCmd), cl::cat(category));
static cl::opt<int64_t>
    traceLimit("trace-limit", cl::value_desc("bytes"),
               cl::desc("Size beyond which trace.json is cut (default 64 MiB)"),
               cl::init(TraceOptions().maxBytes), cl::sub(runCmd),
               cl::cat(category));
static cl::opt<bool> quiet("quiet",
                           cl::desc("Print neither table nor progress"),
                           cl::sub(runCmd), cl::cat(category));
static cl::opt<bool>
    timingOnly("timing-only",
               cl::desc("Cycles and energy without values: takes no inputs"),
               cl::sub(runCmd), cl::cat(category));
static cl::opt<bool> json("json", cl::desc("Print the outcome as JSON"),
                          cl::sub(verifyCmd), cl::sub(diffCmd),
                          cl::cat(category));

static cl::opt<std::string> diffBefore(cl::Positional, cl::Required,
                                       cl::desc("<A>"), cl::sub(diffCmd),
                                       cl::cat(category));
static cl::opt<std::string> diffAfter(cl::Positional, cl::Required,
                                      cl::desc("<B>"), cl::sub(diffCmd),
                                      cl::cat(category));

static cl::opt<std::string> machineArg(cl::Positional, cl::Required,
                                       cl::desc("<machine.yaml>"),
                                       cl::sub(machineCmd), cl::cat(category));
static cl::opt<bool> check("check", cl::desc("Say whether the file is right"),
                           cl::sub(machineCmd), cl::cat(category));
static cl::opt<bool>
    explain("explain",
            cl::desc("Print every parameter, its source, what follows, and "
                     "the area"),
            cl::sub(machineCmd), cl::cat(category));
static cl::opt<std::string>
    area("area", cl::value_desc("preset or file.yaml"),
         cl::desc("Area table of --explain (default: scaled7nm)"),
         cl::sub(machineCmd), cl::cat(category));

//===----------------------------------------------------------------------===//
// Commands
//===----------------------------------------------------------------------===//

/// Prints through a buffer: a full disk or a closed output is an error like any
/// other.
static llvm::Error print(const std::string &text) {
  return writeOutputFile("-", text);
}

/// Decodes the binary. Errors of files name the file; what is wrong with the
/// binary comes as LoadError.
static llvm::Expected<Program> loadProgram() {
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(binary, /*IsText=*/false);
  if (!file)
    return makeError("cannot read '{0}': {1}", binary.getValue(),
                     file.getError().message());
  std::optional<Machine> expected;
  if (!machineFile.empty()) {
    llvm::Expected<Machine> machine = Machine::load(machineFile);
    if (!machine)
      return machine.takeError();
    expected = std::move(*machine);
  }
  llvm::StringRef bytes = (*file)->getBuffer();
  return decodeProgram({bytes.bytes_begin(), bytes.size()},
                       expected ? &*expected : nullptr);
}

/// Puts the name of the binary before what is wrong with it.
static llvm::Error named(llvm::Error error) {
  return error.isA<LoadError>() ? addErrorContext(binary, std::move(error))
                                : std::move(error);
}

/// What is wrong with the options of run, or nothing; reads the window.
static std::string checkRunOptions(TraceOptions &trace) {
  if (level != 1 && level != 2)
    return llvm::formatv("--level={0} does not exist: use --level=1, tile "
                         "events, or --level=2, cycle by cycle",
                         level.getValue());
  if (timingOnly && (!inputs.empty() || !outputs.empty() || level == 2))
    return "--timing-only computes no values: leave out --inputs, --outputs "
           "and --level=2";
  trace.maxBytes = traceLimit;
  if (traceWindow.empty())
    return "";
  auto [from, to] = llvm::StringRef(traceWindow).split(':');
  bool wrong = !llvm::StringRef(traceWindow).contains(':') ||
               (!from.empty() && from.getAsInteger(10, trace.from)) ||
               (!to.empty() && to.getAsInteger(10, trace.to)) ||
               trace.from < 0 || trace.to <= trace.from;
  if (!wrong)
    return "";
  return llvm::formatv("--trace-window={0}: expected FROM:TO, two cycles in "
                       "ascending order, e.g. 0:5000 or 5000:",
                       traceWindow.getValue());
}

static llvm::Error run(const TraceOptions &trace) {
  llvm::Expected<Program> loaded = loadProgram();
  if (!loaded)
    return named(loaded.takeError());
  llvm::Expected<Program> program = expandRepeats(std::move(*loaded));
  if (!program)
    return named(program.takeError());
  RunOptions options;
  options.inputs = inputs;
  options.outputs = outputs;
  options.report = reportDir;
  options.energy = energy;
  options.dram = dram;
  options.trace = trace;
  options.level = level;
  options.longRun = longRun;
  options.rawBF16 = rawBF16;
  options.quiet = quiet;
  options.timingOnly = timingOnly;
  return runCommand(*program, options);
}

static const char *stageName(LoadError::Stage stage) {
  switch (stage) {
  case LoadError::Stage::Bytes:
    return "bytes";
  case LoadError::Stage::Sections:
    return "sections";
  case LoadError::Stage::Machine:
    return "machine";
  case LoadError::Stage::Decode:
    return "decode";
  case LoadError::Stage::Semantics:
    return "semantics";
  case LoadError::Stage::Synchronisation:
    return "synchronisation";
  case LoadError::Stage::Initialisation:
    return "initialisation";
  }
  llvm_unreachable("unknown stage");
}

static ExitCode verify() {
  llvm::Expected<Program> program = loadProgram();
  if (!json) {
    if (!program)
      return reportError("fetta-sim", named(program.takeError()));
    size_t length = program->code.size();
    program = expandRepeats(std::move(*program));
    if (!program)
      return reportError("fetta-sim", named(program.takeError()));
    std::string run;
    if (program->code.size() != length)
      run = llvm::formatv(" ({0} with repeats written out)",
                          program->code.size());
    return reportError(
        "fetta-sim",
        print(llvm::formatv("{0}: right: {1} instructions{2}, {3} "
                            "contractions, {4} tensors, {5} routes, for "
                            "machine {6}\n",
                            binary.getValue(), length, run,
                            countContractions(program->code),
                            program->tensors.size(), program->routes.size(),
                            program->machine.name)));
  }
  llvm::json::Object object{{"schema_version", 1},
                            {"file", binary.getValue()},
                            {"ok", bool(program)}};
  if (!program)
    llvm::handleAllErrors(
        program.takeError(),
        [&](const LoadError &error) {
          object["stage"] = stageName(error.stage);
          object["code"] = int64_t(error.code);
          object["section"] = error.section;
          object["offset_bytes"] = int64_t(error.offset);
          object["message"] = error.message;
        },
        [&](const llvm::ErrorInfoBase &error) {
          object["message"] = error.message();
        });
  bool ok = *object.getBoolean("ok");
  ExitCode code = reportError(
      "fetta-sim",
      print(llvm::formatv("{0:2}\n", llvm::json::Value(std::move(object)))));
  return ok ? code : Refused;
}

static llvm::Error dump() {
  llvm::Expected<Program> program = loadProgram();
  if (!program)
    return named(program.takeError());
  return writeOutputFile("-", [&](llvm::raw_ostream &os) {
    print(os, *program);
    return llvm::Error::success();
  });
}

static llvm::Error machine() {
  llvm::Expected<Machine> machine = Machine::load(machineArg);
  if (!machine)
    return machine.takeError();
  llvm::Expected<AreaTable> table = areaTableFor(area);
  if (!table)
    return table.takeError();
  return writeOutputFile("-", [&](llvm::raw_ostream &os) {
    if (explain) {
      describe(*machine, os);
      describeArea(*machine, *table, os);
    } else
      os << machineArg << ": right: machine " << machine->name << ", "
         << machine->ces() << " CEs of " << machine->peRows() << "x"
         << machine->peColumns() << " PEs\n";
    return llvm::Error::success();
  });
}

int main(int argc, char **argv) {
  for (cl::SubCommand *sub : {&cl::SubCommand::getTopLevel(), &runCmd,
                              &verifyCmd, &dumpCmd, &diffCmd, &machineCmd})
    cl::HideUnrelatedOptions(category, *sub);
  cl::HideUnrelatedOptions(sweepCategory, sweepCmd);
  if (!cl::ParseCommandLineOptions(argc, argv, overview, &llvm::errs()))
    return Usage;
  if (runCmd) {
    TraceOptions trace;
    if (std::string wrong = checkRunOptions(trace); !wrong.empty()) {
      llvm::errs() << "fetta-sim: error: " << wrong << '\n';
      return Usage;
    }
    return reportError("fetta-sim", run(trace));
  }
  if (verifyCmd)
    return verify();
  if (dumpCmd)
    return reportError("fetta-sim", dump());
  if (diffCmd)
    return reportError("fetta-sim",
                       diffCommand(diffBefore, diffAfter, dram, json));
  if (machineCmd)
    return reportError("fetta-sim", machine());
  if (sweepCmd)
    return sweepCommand(argv[0]);
  llvm::errs() << "fetta-sim: error: no command given; try fetta-sim --help\n";
  return Usage;
}

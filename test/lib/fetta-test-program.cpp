//===- fetta-test-program.cpp - A binary with arrays for tests ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes a random contraction as a binary, arrays for its operands, and the
// array that the scalar reference makes of them; or a program with a repeat,
// rolled and written out. Tests of the simulator's command line need no
// compiler that way.
//
//===----------------------------------------------------------------------===//

#include "SteadyProgram.h"
#include "TestPrograms.h"
#include "fetta/Support/Npy.h"
#include "fetta/Support/OutputFile.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"

using namespace fetta;
using namespace fetta::test;
namespace cl = llvm::cl;

static cl::opt<std::string> folder(cl::Positional, cl::Required,
                                   cl::desc("<folder>"));
static cl::opt<std::string> machineFile("machine", cl::Required,
                                        cl::desc("Machine file"));
static cl::opt<uint64_t> seed("seed", cl::init(1), cl::desc("Seed"));
static cl::opt<unsigned> missing("missing", cl::init(0),
                                 cl::desc("Missing bits"));
static cl::opt<int64_t> work("work", cl::init(20000),
                             cl::desc("Largest number of multiply-adds"));
static cl::opt<bool> split("split", cl::desc("Split the reduction"));

static cl::opt<unsigned>
    steady("steady", cl::init(0), cl::value_desc("iterations"),
           cl::desc("Write rolled.fbin and flat.fbin instead"));

static void writeBinary(const std::string &path, const Program &program) {
  std::vector<uint8_t> bytes = must(encodeProgram(program));
  must(writeOutputFile(
      path, llvm::StringRef(reinterpret_cast<const char *>(bytes.data()),
                            bytes.size())));
}

static void write(const std::string &path, const RandomContraction &contraction,
                  OperandId id, const std::vector<float> &values) {
  llvm::SmallVector<int64_t> shape;
  for (unsigned mode : contraction.modes[id])
    shape.push_back(contraction.sizes[mode]);
  must(writeNpyFile(NpyArray::fromFloats(shape, values), path));
}

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(argc, argv, "Writes a random contraction\n");
  Machine machine = must(Machine::load(machineFile));
  if (steady) {
    if (auto error = llvm::sys::fs::create_directories(folder))
      llvm::report_fatal_error(llvm::Twine(error.message()));
    SteadyOptions options;
    options.seed = seed;
    options.iterations = steady;
    writeBinary(folder + "/rolled.fbin", steadyProgram(machine, options));
    options.form = SteadyOptions::OwnTensors;
    writeBinary(folder + "/flat.fbin", steadyProgram(machine, options));
    return 0;
  }
  RandomNestOptions options;
  options.seed = seed;
  options.missingBits = missing;
  options.splitReduction = split;
  options.maxMultiplyAdds = work;
  RandomContraction contraction = randomContraction(machine, options);
  serialiseForNetworks(contraction, machine);
  std::string base = folder + "/";
  for (const char *name : {"in", "expected"})
    if (auto error = llvm::sys::fs::create_directories(base + name))
      llvm::report_fatal_error(llvm::Twine(error.message()));
  writeBinary(base + "program.fbin", programOf(contraction, machine));
  std::mt19937_64 random(seed);
  std::array<ModeArray, 3> arrays;
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    arrays[id] = arrayOf(contraction, id);
    if (id == OperandC)
      continue;
    arrays[id].values =
        randomValues(random, size_t(contraction.layouts[id].elements()));
    write(base + "in/" + (id == OperandA ? "A" : "B") + ".npy", contraction, id,
          arrays[id].values);
  }
  ReferenceSums sums(arrays[OperandC]);
  for (size_t i = 0; i < contraction.nests.size(); ++i)
    referenceContract(
        contraction.nests[i],
        {contraction.offsets[i].begin(), contraction.offsets[i].end()},
        arrays[OperandA], arrays[OperandB], sums);
  write(base + "expected/C.npy", contraction, OperandC,
        referenceDrain(sums, contraction.resultType));
  llvm::outs() << describe(contraction) << '\n';
}

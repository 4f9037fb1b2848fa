//===- MutationTest.cpp - Changed programs are noticed --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Changes one switch state, one bit of a flip mask or one bit of an instruction
// of a program that is right and signs the binary again. The change is noticed
// by the loader, or because the run stops or an accumulator drains another
// word. The two are counted apart: loading never runs, and the run is that of
// the decoded program without verification. Changes that compute the same for
// all values (SymbolicRun.h) are set aside and counted. docs/Simulator.md has
// the table and says what each column means.
//
//===----------------------------------------------------------------------===//

#include "Mutants.h"
#include "RandomQueuedProgram.h"
#include "SteadyProgram.h"
#include "WorkedExample.h"
#include "fetta/Mapping/Mapping.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <cstdlib>

using namespace fetta;
using namespace fetta::test;

namespace {

bool isLong() {
  const char *value = std::getenv("FETTA_LONG");
  return value && llvm::StringRef(value) == "1";
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

/// Y = ((X W1) W2) W3 with ragged edges, each step in another dataflow, mapped
/// and routed as the compiler does it.
Program chain() {
  Machine machine = loadMachine("small-4ce");
  enum : unsigned { M, K, I, N, J, L };
  const int64_t sizes[] = {6, 5, 3, 7, 9, 5};
  struct Tensor {
    const char *name;
    std::vector<unsigned> modes;
    TensorRole role;
    int64_t slab;
  };
  const Tensor tensors[] = {{"X", {M, K, I}, TensorRole::Input, 0},
                            {"W1", {K, I, N}, TensorRole::Param, 1},
                            {"T1", {M, N}, TensorRole::Temporary, 2},
                            {"W2", {N, J}, TensorRole::Param, 1},
                            {"T2", {M, J}, TensorRole::Temporary, 3},
                            {"W3", {J, L}, TensorRole::Param, 1},
                            {"Y", {M, L}, TensorRole::Gradient, 2}};
  const std::array<unsigned, 3> steps[] = {{0, 1, 2}, {2, 3, 4}, {4, 5, 6}};
  const Dataflow dataflows[] = {Dataflow::BStationary, Dataflow::AStationary,
                                Dataflow::OutputStationary};
  ProgramBuilder builder(machine);
  std::array<std::optional<Layout>, 7> layouts;
  std::array<int64_t, 7> baseRows;
  std::array<int64_t, 4> nextRow = {3, 0, 1, 0};
  for (unsigned s = 0; s < 3; ++s) {
    // Modes of the step: those of its operands in order of appearance.
    std::vector<unsigned> modes;
    ContractionSpec spec;
    spec.dataflow = dataflows[s];
    spec.resultType = s == 2 ? ElementType::F32 : ElementType::BF16;
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      spec.layouts[id] = layouts[steps[s][id]];
      for (unsigned mode : tensors[steps[s][id]].modes) {
        if (!llvm::is_contained(modes, mode)) {
          modes.push_back(mode);
          spec.sizes.push_back(sizes[mode]);
        }
        spec.modes[id].push_back(
            unsigned(llvm::find(modes, mode) - modes.begin()));
      }
    }
    MappedContraction mapped = must(mapContraction(spec, machine));
    std::array<uint32_t, 3> ids, routes;
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      unsigned t = steps[s][id];
      ids[id] = t; // Tensors appear in the order of the table.
      Operand &operand = mapped.nest.operands[id];
      if (!layouts[t]) {
        TensorEntry entry;
        entry.name = tensors[t].name;
        for (unsigned mode : tensors[t].modes)
          entry.shape.push_back(sizes[mode]);
        entry.elementType = operand.elementType;
        entry.role = tensors[t].role;
        entry.layout = mapped.layouts[id];
        entry.slab = tensors[t].slab;
        entry.baseRow = baseRows[t] = nextRow[size_t(entry.slab)];
        nextRow[size_t(entry.slab)] += entry.physicalRows();
        layouts[t] = entry.layout;
        EXPECT_EQ(builder.addTensor(entry), t);
      }
      operand.slab = tensors[t].slab;
      operand.baseRow = baseRows[t];
    }
    auto words = routesOf(mapped.nest, machine);
    for (unsigned net = 0; net < 3; ++net)
      routes[net] = builder.addRoute(std::move(words[net]));
    uint32_t op = builder.addOp({"step" + std::to_string(s), "", "", {}});
    builder.addContract(mapped.nest, ids, routes, op);
  }
  return std::move(builder).finish();
}

Program workedExample() {
  Machine machine = loadMachine("fetta-edge");
  ForwardSteps example = forwardSteps();
  ProgramBuilder builder(machine);
  for (const TensorEntry &tensor : example.tensors)
    builder.addTensor(tensor);
  for (size_t s = 0; s < example.nests.size(); ++s) {
    std::array<uint32_t, 3> routes;
    auto words = routesOf(example.nests[s], machine);
    for (unsigned net = 0; net < 3; ++net)
      routes[net] = builder.addRoute(std::move(words[net]));
    uint32_t op = builder.addOp({"step" + std::to_string(s), "", "", {}});
    builder.addContract(example.nests[s], example.operands[s], routes, op);
  }
  return std::move(builder).finish();
}

//===----------------------------------------------------------------------===//
// Tests
//===----------------------------------------------------------------------===//

/// Every switch with every other code, every bit of every mask and every change
/// of every field.
TEST(Mutation, ChainInAllDataflows) {
  Subject subject(chain(), 1);
  for (size_t at = 0; at < subject.switchCount(); ++at)
    for (unsigned change = 1; change < 4; ++change)
      subject.mutateSwitch(at, change);
  subject.mutateMasks();
  for (unsigned kind = Descriptor; kind < Kinds; ++kind)
    for (auto change : subject.fieldChanges(Kind(kind)))
      subject.mutateField(change);
  report("chain of three contractions on small-4ce", subject.scores,
         subject.remarks);
}

/// `count` mutants of each kind.
void sample(Subject &subject, std::mt19937_64 &random, unsigned count,
            unsigned laneBits) {
  auto masks = subject.usedMasks();
  for (unsigned i = 0; i < count; ++i) {
    subject.mutateSwitch(random() % subject.switchCount(), 1 + random() % 3);
    if (masks.empty())
      continue;
    auto [route, bank] = masks[random() % masks.size()];
    subject.mutateMask(route, bank, unsigned(random() % laneBits));
  }
  for (unsigned kind = Descriptor; kind < Kinds; ++kind) {
    auto changes = subject.fieldChanges(Kind(kind));
    for (unsigned i = 0; i < count && !changes.empty(); ++i)
      subject.mutateField(changes[random() % changes.size()]);
  }
}

TEST(Mutation, WorkedExample) {
  const uint64_t seed = 11;
  std::mt19937_64 random(seed);
  Subject subject(workedExample(), seed);
  sample(subject, random, isLong() ? 1000 : 20, 8);
  report("worked example 1 on fetta-edge, seed " + std::to_string(seed),
         subject.scores, subject.remarks);
}

/// Adds what became of the mutants of a draw.
void add(const Subject &subject, unsigned draw,
         std::array<Score, Kinds> &scores, std::vector<std::string> &remarks) {
  for (unsigned kind = 0; kind < Kinds; ++kind)
    scores[kind] += subject.scores[kind];
  for (const std::string &remark : subject.remarks)
    remarks.push_back("draw " + std::to_string(draw) + ", " + remark);
}

/// Sub-beats, splits and machines that the two programs above have not.
TEST(Mutation, RandomContractions) {
  std::array<Score, Kinds> scores;
  std::vector<std::string> remarks;
  const uint64_t seed = 31000;
  for (unsigned draw = 0; draw < 24; ++draw) {
    Machine machine = smallMachine(2 + draw % 2, 1 + draw / 3 % 2, 2);
    RandomNestOptions options;
    options.seed = seed + draw;
    options.dataflow = Dataflow(draw % 3);
    options.missingBits = draw % 4;
    options.splitReduction = draw % 5 == 0;
    options.maxMultiplyAdds = 400;
    Subject subject(programOf(randomContraction(machine, options), machine),
                    options.seed);
    std::mt19937_64 random(options.seed);
    sample(subject, random, isLong() ? 300 : 10, machine.laneBits());
    add(subject, draw, scores, remarks);
  }
  report("random contractions, seeds from " + std::to_string(seed), scores,
         remarks);
}

/// Changes random fields of each kind: few, and of kinds from `manyFrom` on
/// many.
void changeFields(Subject &subject, llvm::ArrayRef<Kind> kinds, Kind manyFrom,
                  uint64_t seed) {
  std::mt19937_64 random(seed);
  for (Kind kind : kinds) {
    auto changes = subject.fieldChanges(kind);
    unsigned count = isLong() ? 300 : kind >= manyFrom ? 40 : 10;
    for (unsigned i = 0; i < count && !changes.empty(); ++i)
      subject.mutateField(changes[random() % changes.size()]);
  }
}

/// Transfers, tokens, sums that go on and memory that is used again.
TEST(Mutation, ProgramsForAllQueues) {
  std::array<Score, Kinds> scores;
  std::vector<std::string> remarks;
  const uint64_t seed = 32000;
  for (unsigned draw = 0; draw < (isLong() ? 24u : 6u); ++draw) {
    Machine machine = smallMachine(2, 1, 1 + draw % 2);
    QueuedProgramOptions options;
    options.seed = seed + draw;
    options.jobs = 3;
    options.maxMultiplyAdds = 200;
    Subject subject(randomQueuedProgram(machine, options).program,
                    options.seed);
    changeFields(subject,
                 {Descriptor, LoopBound, Slot, Flag, Transfer, TokenField},
                 /*manyFrom=*/Transfer, options.seed);
    add(subject, draw, scores, remarks);
  }
  // A transfer of other elements is a legal program that means something else.
  report("programs for all queues, seeds from " + std::to_string(seed), scores,
         remarks, /*loaderAlone=*/false);
}

/// Programs with a repeat.
TEST(Mutation, Repeats) {
  std::array<Score, Kinds> scores;
  std::vector<std::string> remarks;
  const uint64_t seed = 33000;
  for (unsigned draw = 0; draw < (isLong() ? 12u : 3u); ++draw) {
    SteadyOptions options;
    options.seed = seed + draw;
    options.iterations = 2 + draw % 3;
    Subject subject(steadyProgram(smallMachine(1, 1, 1 + draw % 2), options),
                    options.seed);
    changeFields(subject, {Descriptor, Slot, Flag, Transfer, TokenField},
                 /*manyFrom=*/Flag, options.seed);
    add(subject, draw, scores, remarks);
  }
  report("programs with a repeat, seeds from " + std::to_string(seed), scores,
         remarks, /*loaderAlone=*/false);
}

} // namespace

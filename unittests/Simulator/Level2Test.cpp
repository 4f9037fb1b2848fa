//===- Level2Test.cpp - The cycle-stepped model against the others --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values must be those of the functional run, bit for bit; cycles those of the
// tile-event model within the bounds of docs/Machine.md section 8.
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Level2.h"

#include "RandomChain.h"
#include "RandomQueuedProgram.h"
#include "TestPrograms.h"
#include "WorkedExample.h"
#include "fetta/Simulator/Functional.h"
#include "fetta/Simulator/Timing.h"
#include "fetta/Support/BFloat16.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace fetta;
using namespace fetta::test;

namespace {

/// Cycles of both models, after the values were compared.
struct Compared {
  int64_t level1 = 0, level2 = 0;
  double error() const { return double(level1 - level2) / double(level2); }
};

/// What a run starts from and ends with.
struct Memories {
  TensorMemory tensors;
  DramMemory regions;
  Memories(const Program &program, uint64_t seed)
      : tensors(program.machine), regions(program) {
    std::mt19937_64 random(seed);
    for (const TensorEntry &tensor : program.tensors)
      if (isPreloaded(tensor.role))
        must(tensors.store(
            tensor, randomValues(random, size_t(tensor.layout.elements()))));
    for (size_t r = 0; r < program.regions.size(); ++r)
      if (isPreloaded(program.regions[r].role))
        must(regions.store(
            uint32_t(r),
            randomValues(random, size_t(program.regions[r].elements()))));
    tensors.poison(0xFFA5);
  }
};

void expectBits(llvm::Expected<std::vector<float>> x,
                llvm::Expected<std::vector<float>> y, const std::string &name) {
  std::vector<float> values = must(std::move(x)), expected = must(std::move(y));
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(floatToBits(values[i]), floatToBits(expected[i]))
        << name << "[" << i << "]: " << values[i] << " for " << expected[i];
}

void compare(const Program &program, uint64_t seed, Compared &result,
             DramModel model = DramModel::Ideal) {
  Memories expected(program, seed), memory(program, seed);
  std::vector<Counters> counters = must(runProgram(
      program, expected.tensors, expected.regions, ExecutionOptions()));
  std::vector<int64_t> heard;
  auto run = runLevel2(program, memory.tensors, memory.regions, model,
                       [&](int64_t cycles) { heard.push_back(cycles); });
  ASSERT_TRUE(bool(run)) << llvm::toString(run.takeError());
  for (size_t i = 0; i < heard.size(); ++i)
    EXPECT_EQ(heard[i], int64_t(1024 * i));
  // The last instructions complete a pipeline after they have ended.
  EXPECT_NEAR(double(heard.size()), double(run->cycles) / 1024 + 0.5, 0.75);
  for (const TensorEntry &tensor : program.tensors)
    if (isCollected(tensor.role))
      expectBits(memory.tensors.load(tensor), expected.tensors.load(tensor),
                 tensor.name);
  for (size_t r = 0; r < program.regions.size(); ++r)
    if (isCollected(program.regions[r].role))
      expectBits(memory.regions.load(uint32_t(r)),
                 expected.regions.load(uint32_t(r)), program.regions[r].name);
  Counters total;
  for (const Counters &c : counters)
    total += c;
#define SAME(counter) EXPECT_EQ(run->counters.counter, total.counter)
  SAME(beats);
  SAME(tiles);
  SAME(loadBeats);
  SAME(tileDrainBeats);
  SAME(streamWords);
  SAME(holdWords);
  SAME(reduceWords);
  SAME(networkAdds);
  SAME(accumulatorAdds);
  SAME(accumulatorWrites);
  SAME(drainedWords);
  SAME(drainedRows);
  SAME(rowReads);
  SAME(rowWrites);
#undef SAME
  TimingOptions options;
  options.dram = model;
  result.level1 = timeProgram(program, options).cycles;
  result.level2 = run->cycles;
}

/// Collects relative differences of level 1.
struct Errors {
  double sum = 0, absolute = 0, worst = 0;
  unsigned count = 0;
  void add(const std::string &what, const Compared &c) {
    double error = c.error();
    ++count;
    sum += error;
    absolute += std::abs(error);
    worst = std::max(worst, std::abs(error));
    if (std::abs(error) > 0.005)
      std::cout << what << ": level 1 " << c.level1 << ", level 2 " << c.level2
                << '\n';
  }
  /// What docs/Machine.md section 8 promises.
  void check(const char *name) const {
    std::cout << name << ": " << count << ", bias of level 1 "
              << 100 * sum / count << " %, mean " << 100 * absolute / count
              << " %, worst " << 100 * worst << " %\n";
    EXPECT_LE(absolute / count, 0.01);
    EXPECT_LE(worst, 0.05);
  }
};

/// Quick runs take a part; FETTA_LONG=1 takes all.
unsigned countOf(unsigned quick, unsigned all) {
  return std::getenv("FETTA_LONG") ? all : quick;
}

/// Machines that differ in what level 2 steps through.
std::vector<Machine> machines() {
  std::vector<Machine> all = {smallMachine(2, 2, 2), smallMachine(3, 1, 2),
                              smallMachine(2, 3, 1), smallMachine(4, 2, 2)};
  all.push_back(smallMachine(3, 2, 2)); // Slow adders.
  all.back().latency.fp32Add = 3;
  all.push_back(smallMachine(3, 2, 2)); // Every latency another.
  all.back().latency = {3, 2, 2, 2, 3, 2, 4, 2};
  all.push_back(smallMachine(3, 2, 2));
  all.back().networks = NetworkTopology::Butterfly;
  return all;
}

TEST(Level2, RandomTiles) {
  std::vector<Machine> all = machines();
  Errors errors;
  for (unsigned draw = 0; draw < countOf(70, 1000); ++draw) {
    RandomNestOptions options;
    options.seed = 50000 + draw;
    options.dataflow = Dataflow(draw % 3);
    options.missingBits = draw / 3 % 3;
    options.splitReduction = draw / 9 % 2;
    options.maxMultiplyAdds = 20000;
    if (draw % 8 == 7) // Slabs that are shared.
      options.slabs = {int64_t(draw / 8 % 2), 0, int64_t(draw / 16 % 2)};
    const Machine &machine = all[draw % all.size()];
    RandomContraction contraction = randomContraction(machine, options);
    serialiseForNetworks(contraction, machine);
    std::string what =
        "seed " + std::to_string(options.seed) + " " + describe(contraction);
    SCOPED_TRACE(what);
    Compared result;
    compare(programOf(contraction, machine), options.seed, result);
    if (HasFatalFailure())
      return;
    errors.add(what, result);
  }
  errors.check("tiles");
}

TEST(Level2, RandomPrograms) {
  std::vector<Machine> all = machines();
  Errors errors;
  for (unsigned draw = 0; draw < countOf(12, 100); ++draw) {
    RandomChainOptions options;
    options.seed = 70000 + draw;
    options.contractions = 3 + draw % 8;
    const Machine &machine = all[draw % (all.size() - 1)]; // No butterfly.
    std::string what = "seed " + std::to_string(options.seed);
    SCOPED_TRACE(what);
    Program program = throughBinary(randomChain(machine, options));
    Compared result;
    compare(program, options.seed, result);
    if (HasFatalFailure())
      return;
    errors.add(what, result);
  }
  errors.check("programs");
}

TEST(Level2, RandomQueues) {
  std::vector<Machine> all = machines();
  Errors errors;
  for (unsigned draw = 0; draw < countOf(12, 100); ++draw) {
    QueuedProgramOptions options;
    options.seed = 80000 + draw;
    options.jobs = 3 + draw % 8;
    const Machine &machine = all[draw % (all.size() - 1)]; // No butterfly.
    std::string what = "seed " + std::to_string(options.seed);
    SCOPED_TRACE(what);
    Program program =
        throughBinary(randomQueuedProgram(machine, options).program);
    Compared result;
    compare(program, options.seed, result);
    if (HasFatalFailure())
      return;
    errors.add(what, result);
  }
  errors.check("queued programs");
}

TEST(Level2, RandomQueuesWithALink) {
  std::vector<Machine> all = machines();
  Errors errors;
  for (unsigned draw = 0; draw < countOf(12, 100); ++draw) {
    QueuedProgramOptions options;
    options.seed = 80000 + draw;
    options.jobs = 3 + draw % 8;
    const Machine &machine = all[draw % (all.size() - 1)]; // No butterfly.
    std::string what = "seed " + std::to_string(options.seed);
    SCOPED_TRACE(what);
    Program program =
        throughBinary(randomQueuedProgram(machine, options).program);
    Compared result;
    compare(program, options.seed, result, DramModel::Bandwidth);
    if (HasFatalFailure())
      return;
    errors.add(what, result);
  }
  errors.check("queued programs, link");
}

TEST(Level2, SaysHowLongItTakes) {
  Machine machine = loadMachine("fetta-edge");
  // 15 stages of 128 switches.
  EXPECT_NEAR(level2Seconds(machine, 1000000), 17.28, 0.01);
  EXPECT_FALSE(bool(checkLevel2Duration(machine, 200000000)));
  std::string message =
      llvm::toString(checkLevel2Duration(machine, 1000000000));
  EXPECT_NE(message.find("about 4.8 hours; --long runs it"), std::string::npos)
      << message;
}

/// One contraction of worked example 1 or 2 of docs/Machine.md.
Program workedExample(Nest nest, llvm::ArrayRef<TensorEntry> tensors) {
  ProgramBuilder builder(loadMachine("fetta-edge"));
  std::array<uint32_t, 3> ids, routes;
  for (unsigned i = 0; i < 3; ++i)
    ids[i] = builder.addTensor(tensors[i]);
  auto words = routesOf(nest, loadMachine("fetta-edge"));
  for (unsigned net = 0; net < 3; ++net)
    routes[net] = builder.addRoute(std::move(words[net]));
  uint32_t op = builder.addOp({"step", "", "", Phase::Forward});
  builder.addContract(std::move(nest), ids, routes, op);
  return throughBinary(std::move(builder).finish());
}

TEST(Level2, WorkedExamplesByHand) {
  using namespace example1;
  // 480 bytes of switch words and 8 of masks at 32 a cycle.
  constexpr int64_t route = 16;
  Compared result;
  ForwardSteps steps = forwardSteps();
  std::vector<TensorEntry> tensors(steps.tensors.begin(),
                                   steps.tensors.begin() + 3);
  tensors[2].role = TensorRole::Result;
  compare(workedExample(steps.nests[0], tensors), 1, result);
  // First load, beats, pipeline, rows.
  EXPECT_EQ(result.level2, route + 4 + 288 + 24 + 12);

  TensorEntry x = tensorOf("X", layoutOfX(), TensorRole::Input, 0);
  TensorEntry dy = tensorOf("dY1", layoutOfY1(), TensorRole::Input, 1);
  TensorEntry de = tensorOf("dE", layoutOfE(), TensorRole::Gradient, 2);
  Nest nest;
  nest.dataflow = Dataflow::OutputStationary;
  nest.sizes = {32, 8, 8, 12, 12};
  nest.loops = {{I2, 3, 4}, {R, 3, 4}, {B, 32, 1}};
  nest.lanes.row = lanesOf({{I2, 2}});
  nest.lanes.column = lanesOf({{R, 2}});
  nest.lanes.ce = lanesOf({{I1, 3}, {I0, 3}});
  nest.operands = {operandOf(x, {B, I0, I1, I2}, 5),
                   operandOf(dy, {B, I0, R}, 5), operandOf(de, {I1, I2, R}, 5)};
  nest.accumulatorStrides = {0, 0, 0, 1, 3};
  compare(workedExample(nest, {x, dy, de}), 1, result);
  // Beats, the last tile's drain, pipeline, rows.
  EXPECT_EQ(result.level2, route + 288 + 4 + 24 + 9);
}

TEST(Level2, Refusals) {
  Machine machine = smallMachine(2, 1, 1);
  Program program = programOf(randomContraction(machine, {}), machine);
  TensorMemory memory(machine);
  DramMemory dram(program);
  size_t count = size_t(program.tensors[0].layout.elements());
  must(memory.store(program.tensors[0], std::vector<float>(count)));
  auto run = runLevel2(program, memory, dram);
  ASSERT_FALSE(bool(run));
  std::string message = llvm::toString(run.takeError());
  EXPECT_NE(message.find("operand B, tensor 'B': lane"), std::string::npos)
      << message;
  // A token that nobody gives.
  program.code.insert(program.code.begin(),
                      Sync{Queue::Contract, {{{{3, 1}, {}}}, {}}});
  run = runLevel2(program, memory, dram);
  ASSERT_FALSE(bool(run));
  message = llvm::toString(run.takeError());
  EXPECT_NE(message.find("nothing has moved since cycle 0"), std::string::npos)
      << message;
}

} // namespace

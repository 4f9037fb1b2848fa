//===- WriteStagesTest.cpp - Stages as functions of their own -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// \file
// Stages of a training step with contractions through DRAM: what they are,
// counted by hand, and what they compute, against an evaluation of the step
// before it is cut. Values are small integers, so every order of sums agrees.
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/Transforms/WriteStages.h"
#include "IntegerTensors.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include <map>
#include <random>
#include <set>

using namespace mlir;
using namespace fetta::tnn;
using namespace fetta::tnn::test;

namespace {

/// A core `%g` between two matrices and one, forward and backward; `%xv` and
/// `%gv` are views of arguments, `%dxv` and `%dgv` of results. `B`: the batch.
constexpr const char *step = R"(
func.func @f(%x: tensor<Bx2x3xbf16> {tnn.name = "x", tnn.role = "input"},
             %a: tensor<6x5xbf16> {tnn.name = "a", tnn.role = "param"},
             %e: tensor<5x8xbf16> {tnn.name = "e", tnn.role = "param"},
             %g: tensor<8x2x5xbf16> {tnn.role = "param"},
             %c: tensor<4x10xbf16> {tnn.name = "arg0", tnn.role = "param"},
             %dy: tensor<Bx4xbf16> {tnn.name = "d_result0"})
    -> (tensor<Bx4xbf16>, tensor<Bx2x3xbf16> {tnn.name = "d_x"},
        tensor<6x5xf32>, tensor<5x8xf32>, tensor<8x2x5xf32>, tensor<4x10xf32>) {
  %xv = tensor.collapse_shape %x [[0], [1, 2]]
      : tensor<Bx2x3xbf16> into tensor<Bx6xbf16>
  %gv = tensor.collapse_shape %g [[0], [1, 2]]
      : tensor<8x2x5xbf16> into tensor<8x10xbf16>
  %m = tnn.contract "b i, i j -> b j" %xv, %a {tnn.phase = "fp"}
      : (tensor<Bx6xbf16>, tensor<6x5xbf16>) -> tensor<Bx5xbf16>
  %h = tnn.contract "b j, j r -> b r" %m, %e {tnn.phase = "fp"}
      : (tensor<Bx5xbf16>, tensor<5x8xbf16>) -> tensor<Bx8xbf16>
  %t = tnn.contract "b r, r s -> b s" %h, %gv {tnn.phase = "fp"}
      : (tensor<Bx8xbf16>, tensor<8x10xbf16>) -> tensor<Bx10xbf16>
  %y = tnn.contract "b s, o s -> b o" %t, %c {tnn.phase = "fp"}
      : (tensor<Bx10xbf16>, tensor<4x10xbf16>) -> tensor<Bx4xbf16>
  %dt = tnn.contract "b o, o s -> b s" %dy, %c {tnn.phase = "bp"}
      : (tensor<Bx4xbf16>, tensor<4x10xbf16>) -> tensor<Bx10xbf16>
  %dc = tnn.contract "b o, b s -> o s" %dy, %t {tnn.phase = "wg"}
      : (tensor<Bx4xbf16>, tensor<Bx10xbf16>) -> tensor<4x10xf32>
  %dg = tnn.contract "b r, b s -> r s" %h, %dt {tnn.phase = "wg"}
      : (tensor<Bx8xbf16>, tensor<Bx10xbf16>) -> tensor<8x10xf32>
  %dh = tnn.contract "b s, r s -> b r" %dt, %gv {tnn.phase = "bp"}
      : (tensor<Bx10xbf16>, tensor<8x10xbf16>) -> tensor<Bx8xbf16>
  %de = tnn.contract "b j, b r -> j r" %m, %dh {tnn.phase = "wg"}
      : (tensor<Bx5xbf16>, tensor<Bx8xbf16>) -> tensor<5x8xf32>
  %dm = tnn.contract "b r, j r -> b j" %dh, %e {tnn.phase = "bp"}
      : (tensor<Bx8xbf16>, tensor<5x8xbf16>) -> tensor<Bx5xbf16>
  %da = tnn.contract "b i, b j -> i j" %xv, %dm {tnn.phase = "wg"}
      : (tensor<Bx6xbf16>, tensor<Bx5xbf16>) -> tensor<6x5xf32>
  %dx = tnn.contract "b j, i j -> b i" %dm, %a {tnn.phase = "bp"}
      : (tensor<Bx5xbf16>, tensor<6x5xbf16>) -> tensor<Bx6xbf16>
  %dxv = tensor.expand_shape %dx [[0], [1, 2]] output_shape [B, 2, 3]
      : tensor<Bx6xbf16> into tensor<Bx2x3xbf16>
  %dgv = tensor.expand_shape %dg [[0], [1, 2]] output_shape [8, 2, 5]
      : tensor<8x10xf32> into tensor<8x2x5xf32>
  return %y, %dxv, %da, %de, %dgv, %dc : tensor<Bx4xbf16>,
      tensor<Bx2x3xbf16>, tensor<6x5xf32>, tensor<5x8xf32>,
      tensor<8x2x5xf32>, tensor<4x10xf32>
}
)";

/// Numbers of values of the step: six arguments, then results.
constexpr unsigned valueT = 10, valueDG = 14, valueDH = 15;

int64_t countContracts(const Stage &stage) {
  return llvm::range_size(
      func::FuncOp(*stage.function).getBody().front().getOps<ContractOp>());
}

class WriteStagesTest : public ::testing::Test {
protected:
  WriteStagesTest() {
    context.loadDialect<TNNDialect, tensor::TensorDialect, func::FuncDialect,
                        arith::ArithDialect>();
  }

  func::FuncOp parse(StringRef source, int64_t batch) {
    std::string text;
    for (char c : source)
      text += c == 'B' ? std::to_string(batch) : std::string(1, c);
    module = parseSourceString<ModuleOp>(text, &context);
    return *module->getOps<func::FuncOp>().begin();
  }
  std::vector<Tensor> randomInputs(TypeRange types) {
    std::uniform_int_distribution<int64_t> draw(-2, 2);
    std::vector<Tensor> inputs;
    for (Type type : types) {
      inputs.push_back(makeTensor(type, 0));
      for (int64_t &element : inputs.back().elements)
        element = draw(random);
    }
    return inputs;
  }

  /// Runs stages one after the other.
  std::vector<Tensor> run(const StagedFunction &staged, func::FuncOp function,
                          ArrayRef<Tensor> inputs) {
    std::vector<std::vector<Tensor>> made;
    auto get = [&](StageValue value) {
      return value.stage ? made.at(*value.stage).at(value.number)
                         : inputs[value.number];
    };
    for (const Stage &stage : staged.stages)
      made.push_back(
          evaluate(*stage.function, llvm::map_to_vector(stage.arguments, get)));
    std::vector<Tensor> results;
    for (auto [value, type] :
         llvm::zip_equal(staged.results, function.getResultTypes())) {
      results.push_back(get(value));
      results.back().shape =
          SmallVector<int64_t>(cast<RankedTensorType>(type).getShape());
    }
    return results;
  }

  /// Stages are functions by themselves, and types fit together.
  void check(const StagedFunction &staged, func::FuncOp function) {
    std::vector<FunctionType> full;
    for (const Stage &stage : staged.stages) {
      func::FuncOp written = *stage.function;
      EXPECT_TRUE(succeeded(verify(written)));
      ASSERT_EQ(stage.arguments.size(), written.getNumArguments());
      EXPECT_EQ(stage.iterations == stage.written,
                stage.full == written.getFunctionType());
      for (auto [value, type] :
           llvm::zip_equal(stage.arguments, stage.full.getInputs()))
        EXPECT_EQ(type, value.stage
                            ? full.at(*value.stage).getResult(value.number)
                            : function.getArgument(value.number).getType());
      full.push_back(stage.full);
    }
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  unsigned seed = 20261123;
  std::mt19937 random{seed};
};

StageValue ofFunction(unsigned number) { return {std::nullopt, number}; }
StageValue ofStage(unsigned stage, unsigned number) { return {stage, number}; }

/// 101 tokens are 26 slices of 4 and 7 tiles of 16, the last one of 1 and of 5.
ModePlan makePlan() {
  ModePlan plan;
  plan.streams = {{valueT, {16, 3, 4}},    // b r s: 7 turns of 3 x 3 tiles
                  {valueDG, {40, 8, 1}},   // b r s: 10 turns of 3 tiles
                  {valueDH, {101, 2, 1}}}; // b s r: 8 turns of 5 tiles
  return plan;
}
constexpr StageSample someSample{/*slices=*/5, /*period=*/4, /*worthSlices=*/20,
                                 /*turns=*/3, /*worthTurns=*/6};
} // namespace

TEST_F(WriteStagesTest, StagesOfAStep) {
  func::FuncOp function = parse(step, 101);
  SliceClasses classes;
  FailureOr<StagedFunction> staged =
      writeStages(function, 4, makePlan(), someSample, &classes);
  ASSERT_TRUE(succeeded(staged));
  check(*staged, function);
  ASSERT_EQ(staged->stages.size(), 6u);

  struct Expected {
    int64_t iterations, written, perIteration, contracts;
    std::vector<StageValue> arguments;
    std::vector<unsigned> classes;
    std::vector<std::vector<int64_t>> shapes; ///< Arguments, then results.
  };
  // Slices: 5, and what makes the rest of 21 a multiple of 4.
  const Expected expected[] = {
      {26,
       6,
       0,
       6 * 2,
       {ofFunction(0), ofFunction(1), ofFunction(2)},
       {0, 1},
       {{21, 2, 3}, {6, 5}, {5, 8}, {21, 8}, {21, 5}}},
      {7,
       3,
       9,
       3 * 9,
       {ofStage(0, 0), ofFunction(3)},
       {2},
       {{37, 8}, {8, 2, 5}, {37, 10}}},
      {26,
       6,
       0,
       6 * 3,
       {ofStage(1, 0), ofFunction(4), ofFunction(5)},
       {3, 4, 5},
       {{21, 10}, {4, 10}, {21, 4}, {4, 10}, {21, 10}, {21, 4}}},
      {10,
       3,
       3,
       3 * 3,
       {ofStage(0, 0), ofStage(2, 1)},
       {6},
       {{101, 8}, {101, 3}, {8, 3}}},
      {8,
       3,
       5,
       3 * 5,
       {ofStage(2, 1), ofFunction(3)},
       {7},
       {{101, 10}, {3, 2, 5}, {101, 3}}},
      {26,
       6,
       0,
       6 * 4,
       {ofStage(0, 1), ofStage(4, 0), ofFunction(2), ofFunction(0),
        ofFunction(1)},
       {8, 9, 10, 11},
       {{21, 5}, {21, 8}, {5, 8}, {21, 2, 3}, {6, 5}, {21, 6}, {6, 5}, {5, 8}}},
  };
  for (auto [stage, want] : llvm::zip_equal(staged->stages, expected)) {
    func::FuncOp written = *stage.function;
    SCOPED_TRACE(written.getName().str());
    EXPECT_EQ(stage.iterations, want.iterations);
    EXPECT_EQ(stage.written, want.written);
    EXPECT_EQ(stage.contractsPerIteration, want.perIteration);
    EXPECT_EQ(countContracts(stage), want.contracts);
    EXPECT_EQ(
        std::vector<StageValue>(stage.arguments.begin(), stage.arguments.end()),
        want.arguments);
    std::set<unsigned> found;
    for (auto op : written.getBody().front().getOps<ContractOp>())
      found.insert(classes.at(op).contract);
    EXPECT_EQ(std::vector<unsigned>(found.begin(), found.end()), want.classes);
    std::vector<std::vector<int64_t>> shapes;
    for (TypeRange types : {TypeRange(written.getArgumentTypes()),
                            TypeRange(written.getResultTypes())})
      for (Type type : types)
        shapes.emplace_back(cast<RankedTensorType>(type).getShape());
    EXPECT_EQ(shapes, want.shapes);
  }
  const std::vector<StageValue> results = {ofStage(2, 2), ofStage(5, 0),
                                           ofStage(5, 1), ofStage(5, 2),
                                           ofStage(3, 0), ofStage(2, 0)};
  EXPECT_EQ(
      std::vector<StageValue>(staged->results.begin(), staged->results.end()),
      results);
}

TEST_F(WriteStagesTest, NamesAndRoles) {
  func::FuncOp function = parse(step, 101);
  FailureOr<StagedFunction> staged =
      writeStages(function, 4, makePlan(), someSample);
  ASSERT_TRUE(succeeded(staged));
  auto describe = [&](unsigned number) {
    func::FuncOp stage = *staged->stages[number].function;
    std::string text = stage.getName().str() + ":";
    auto add = [&](Attribute name, Attribute role) {
      text += ' ' + (name ? cast<StringAttr>(name).str() : "-");
      text += role ? "/" + cast<StringAttr>(role).str() : "";
    };
    for (unsigned i = 0; i < stage.getNumArguments(); ++i)
      add(stage.getArgAttr(i, kNameAttr), stage.getArgAttr(i, kRoleAttr));
    text += " ->";
    for (unsigned i = 0; i < stage.getNumResults(); ++i)
      add(stage.getResultAttr(i, kNameAttr), {});
    return text;
  };
  EXPECT_EQ(describe(0), "f.stage0: x/input a/param e/param -> - -");
  EXPECT_EQ(describe(1), "f.stage1: - arg3/param -> -");
  // The first argument would be called as the parameter is, and the first
  // result as that whose gradient is the last argument.
  EXPECT_EQ(describe(2), "f.stage2: arg0_ arg0/param d_result0 -> result5 - "
                         "result0");
  EXPECT_EQ(describe(3), "f.stage3: - - -> result4");
  EXPECT_EQ(describe(4), "f.stage4: - arg3/param -> -");
  EXPECT_EQ(describe(5),
            "f.stage5: - - e/param x/input a/param -> d_x result2 result3");
}

/// The classes of what is written are those of one function; a sample has them
/// all.
TEST_F(WriteStagesTest, ClassesAreThoseOfOneFunction) {
  func::FuncOp function = parse(step, 101);
  SliceClasses whole, sampled, single;
  using Class = std::tuple<unsigned, std::vector<int64_t>, bool, bool>;
  auto count = [](const SliceClasses &classes) {
    std::map<Class, size_t> numbers;
    for (auto &[op, kind] : classes)
      ++numbers[{kind.contract,
                 {kind.sizes.begin(), kind.sizes.end()},
                 kind.continues,
                 kind.goesOn}];
    return numbers;
  };
  FailureOr<StagedFunction> all =
      writeStages(function, 4, makePlan(), {}, &whole);
  FailureOr<StagedFunction> few =
      writeStages(function, 4, makePlan(), someSample, &sampled);
  ASSERT_TRUE(succeeded(all) && succeeded(few));
  check(*all, function);
  for (const Stage &stage : all->stages)
    EXPECT_EQ(stage.contractsPerIteration, 0);
  ASSERT_TRUE(
      succeeded(sliceBatch(function, 4, /*sample=*/0, &single, makePlan())));
  EXPECT_EQ(whole.size(), size_t(26 * 9 + 63 + 30 + 40));
  EXPECT_EQ(sampled.size(), size_t(6 * 9 + 27 + 9 + 15));
  std::map<Class, size_t> wanted = count(single);
  EXPECT_EQ(count(whole), wanted);
  std::map<Class, size_t> found = count(sampled);
  ASSERT_EQ(found.size(), wanted.size());
  for (auto &[kind, number] : found)
    EXPECT_TRUE(wanted.count(kind));
}

/// Values that are made again in a later stage are no results of a stage.
TEST_F(WriteStagesTest, WhatIsMadeAgainIsNoResult) {
  func::FuncOp function = parse(step, 101);
  ModePlan plan = makePlan();
  plan.workPerByte = 1000;
  FailureOr<StagedFunction> staged = writeStages(function, 4, plan, someSample);
  ASSERT_TRUE(succeeded(staged));
  check(*staged, function);
  EXPECT_EQ(staged->stages.front().full.getNumResults(), 1u);
  EXPECT_EQ(countContracts(staged->stages.back()), 6 * 5);
}

/// As functions one after the other, and as one function, stages compute what
/// the step does; a part of their iterations computes it for the part.
TEST_F(WriteStagesTest, ValuesAreThoseOfTheStep) {
  seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  random.seed(seed);
  auto draw = [&](int64_t from, int64_t to) {
    return std::uniform_int_distribution<int64_t>(from, to)(random);
  };
  for (int round = 0; round < 24; ++round) {
    const int64_t batch = draw(2, 60),
                  size = draw(1, std::min<int64_t>(batch, 9));
    ModePlan plan;
    plan.workPerByte = draw(0, 1) ? 1000 : 0;
    plan.inTurn = draw(0, 1);
    plan.streams = {{valueT, {draw(1, batch), draw(1, 8), draw(1, 10)}},
                    {valueDG, {draw(1, batch), draw(1, 8), draw(1, 10)}},
                    {valueDH, {draw(1, batch), draw(1, 10), draw(1, 8)}}};
    StageSample sample;
    sample.slices = draw(2, 8);
    sample.period = draw(1, 4);
    sample.turns = draw(2, 4);
    sample.worthTurns = draw(3, 7);
    SCOPED_TRACE("batch " + std::to_string(batch) + ", slices of " +
                 std::to_string(size));

    func::FuncOp function = parse(step, batch);
    std::vector<Tensor> inputs = randomInputs(function.getArgumentTypes());
    const std::vector<Tensor> wanted = evaluate(function, inputs);
    FailureOr<StagedFunction> all = writeStages(function, size, plan, {});
    FailureOr<StagedFunction> few = writeStages(function, size, plan, sample);
    ASSERT_TRUE(succeeded(all) && succeeded(few));
    check(*all, function);
    check(*few, function);
    EXPECT_TRUE(evaluate(function, inputs) == wanted);
    EXPECT_TRUE(run(*all, function, inputs) == wanted);
    ASSERT_TRUE(
        succeeded(sliceBatch(function, size, /*sample=*/0, nullptr, plan)));
    EXPECT_TRUE(evaluate(function, inputs) == wanted);

    for (auto [part, whole] : llvm::zip_equal(few->stages, all->stages)) {
      func::FuncOp written = *part.function;
      SCOPED_TRACE(written.getName().str());
      EXPECT_TRUE(part.full == whole.full);
      EXPECT_LE(part.written, part.iterations);
      std::vector<Tensor> some = randomInputs(written.getArgumentTypes());
      std::vector<Tensor> padded;
      for (auto [tensor, type] : llvm::zip_equal(some, part.full.getInputs()))
        padded.push_back(cut(tensor, type));
      std::vector<Tensor> found = evaluate(written, some);
      std::vector<Tensor> reference = evaluate(*whole.function, padded);
      for (auto [one, other, type] :
           llvm::zip_equal(found, reference, written.getResultTypes()))
        EXPECT_TRUE(one == cut(other, type));
    }
  }
}

/// A loop whose mode a view merges or splits is written as it is.
TEST_F(WriteStagesTest, AModeThatAViewChangesStays) {
  const char *expanded = R"(
func.func @f(%x: tensor<Bx8xbf16>, %g: tensor<80xbf16> {tnn.role = "param"})
    -> (tensor<Bx10xbf16>) {
  %gv = tensor.expand_shape %g [[0, 1]] output_shape [8, 10]
      : tensor<80xbf16> into tensor<8x10xbf16>
  %y = tnn.contract "b r, r s -> b s" %x, %gv
      : (tensor<Bx8xbf16>, tensor<8x10xbf16>) -> tensor<Bx10xbf16>
  return %y : tensor<Bx10xbf16>
}
)";
  // s, which is 2 x 5 of the argument, or in one dimension with r.
  for (auto [source, value, number] :
       {std::tuple(step, valueT, 1u), {expanded, 3u, 0u}}) {
    func::FuncOp function = parse(source, 101);
    ModePlan plan;
    plan.streams = {{value, {101, 8, 1}}};
    FailureOr<StagedFunction> staged =
        writeStages(function, 4, plan, someSample);
    ASSERT_TRUE(succeeded(staged));
    const Stage &stage = staged->stages[number];
    EXPECT_EQ(stage.iterations, 10);
    EXPECT_EQ(stage.written, 10);
    EXPECT_EQ(stage.contractsPerIteration, 0);
    EXPECT_EQ(countContracts(stage), 10);
    check(*staged, function);
  }
}

/// A tensor that holds a mode twice; and one that no slice is of, from a stage.
TEST_F(WriteStagesTest, AModeThatATensorHasTwiceStays) {
  func::FuncOp function = parse(R"(
func.func @f(%x: tensor<Bx12xbf16>, %g: tensor<12x3xbf16> {tnn.role = "param"})
    -> (tensor<Bx12xbf16>) {
  %gg = tnn.contract "r k, s k -> r s" %g, %g
      : (tensor<12x3xbf16>, tensor<12x3xbf16>) -> tensor<12x12xbf16>
  %y = tnn.contract "b r, r s -> b s" %x, %gg
      : (tensor<Bx12xbf16>, tensor<12x12xbf16>) -> tensor<Bx12xbf16>
  return %y : tensor<Bx12xbf16>
}
)",
                                101);
  ModePlan plan;
  plan.streams = {{2, {1, 3, 12}}};
  FailureOr<StagedFunction> staged = writeStages(function, 4, plan, someSample);
  ASSERT_TRUE(succeeded(staged));
  check(*staged, function);
  ASSERT_EQ(staged->stages.size(), 2u);
  EXPECT_EQ(staged->stages[0].arguments.size(), 1u);
  EXPECT_EQ(staged->stages[0].written, 12);
  EXPECT_EQ(countContracts(staged->stages[0]), 12);
  func::FuncOp slices = *staged->stages[1].function;
  EXPECT_EQ(staged->stages[1].written, 6);
  EXPECT_FALSE(slices.getArgAttr(1, kRoleAttr));
  std::vector<Tensor> inputs = randomInputs(function.getArgumentTypes());
  staged = writeStages(function, 4, plan, {});
  ASSERT_TRUE(succeeded(staged));
  EXPECT_TRUE(run(*staged, function, inputs) == evaluate(function, inputs));
}

/// What has no stage of its own is refused, and stays as it is.
TEST_F(WriteStagesTest, ResultsThatAreNoTensorsOfStages) {
  struct Case {
    const char *body, *message;
  } cases[] = {{"return %y, %x : tensor<Bx4xbf16>, tensor<Bx4xbf16>",
                "result #1 is argument #0"},
               {"return %y, %y : tensor<Bx4xbf16>, tensor<Bx4xbf16>",
                "result #1 is the same tensor as result #0"},
               {R"(%z = tnn.contract "b i, i o -> b o" %x, %g
              : (tensor<Bx4xbf16>, tensor<4x4xbf16>) -> tensor<Bx4xf32>
          %v = arith.truncf %z : tensor<Bx4xf32> to tensor<Bx4xbf16>
          return %y, %v : tensor<Bx4xbf16>, tensor<Bx4xbf16>)",
                "result #1 is a contraction's of 'f32' behind 'arith.truncf'"}};
  for (auto &[body, message] : cases) {
    func::FuncOp function = parse(std::string(R"(
func.func @f(%x: tensor<Bx4xbf16>, %g: tensor<4x4xbf16> {tnn.role = "param"})
    -> (tensor<Bx4xbf16>, tensor<Bx4xbf16>) {
  %y = tnn.contract "b i, i o -> b o" %x, %g
      : (tensor<Bx4xbf16>, tensor<4x4xbf16>) -> tensor<Bx4xbf16>
  )") + body + "\n}\n",
                                  8);
    std::string reported;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      reported += diagnostic.str();
      return success();
    });
    auto print = [&]() {
      std::string text;
      llvm::raw_string_ostream(text) << *function;
      return text;
    };
    const std::string before = print();
    ModePlan plan;
    plan.streams = {{2, {8, 4, 2}}};
    SliceClasses classes;
    EXPECT_TRUE(failed(writeStages(function, 4, plan, {}, &classes)));
    EXPECT_NE(reported.find(message), std::string::npos) << reported;
    EXPECT_EQ(print(), before);
    EXPECT_TRUE(classes.empty());
  }
}

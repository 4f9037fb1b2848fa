//===- ProgramTest.cpp - Contractions mapped together ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BruteForce.h"
#include "TrainingProgram.h"
#include "fetta/Machine/Machine.h"

#include "gtest/gtest.h"

#include <chrono>
#include <cmath>
#include <map>
#include <random>

using namespace fetta;
using namespace fetta::test;

namespace {

using Shape = llvm::SmallVector<int64_t, 8>;

/// "m k, k n -> m n" with single letters, sizes by letter.
ProgramSpec::Step step(llvm::StringRef a, llvm::StringRef b, llvm::StringRef c,
                       std::array<unsigned, 3> values,
                       const std::map<char, int64_t> &sizes) {
  ProgramSpec::Step result;
  result.values = values;
  std::string modes;
  for (auto [id, text] : llvm::enumerate(std::array{a, b, c}))
    for (char letter : text) {
      size_t mode = modes.find(letter);
      if (mode == std::string::npos) {
        mode = modes.size();
        modes += letter;
        result.contraction.sizes.push_back(sizes.at(letter));
      }
      result.contraction.modes[id].push_back(unsigned(mode));
    }
  return result;
}

ProgramSpec::Value value(Shape sizes) {
  ProgramSpec::Value result;
  result.sizes = std::move(sizes);
  return result;
}

Shape shapeOf(const ProgramSpec::Step &step, unsigned id) {
  Shape shape;
  for (unsigned m : step.contraction.modes[id])
    shape.push_back(step.contraction.sizes[m]);
  return shape;
}

/// Row-major index of `linear` in a shape.
llvm::SmallVector<int64_t, 8> indexOf(int64_t linear,
                                      llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t, 8> index(shape.size());
  for (size_t d = shape.size(); d-- > 0;) {
    index[d] = linear % shape[d];
    linear /= shape[d];
  }
  return index;
}

/// Every nest is right by the walk, every view of a value finds its elements
/// where the value's layout says, and the sums are those of the steps.
void check(const ProgramSpec &program, const MappedProgram &mapped,
           const Machine &machine) {
  ASSERT_EQ(mapped.steps.size(), program.steps.size());
  ASSERT_EQ(mapped.layouts.size(), program.values.size());
  int64_t occupancy = 0;
  unsigned conflicts = 0;
  for (auto [s, step] : llvm::enumerate(program.steps)) {
    const MappedContraction &contraction = mapped.steps[s];
    Walk w = walk(contraction.nest, machine);
    EXPECT_EQ(w.broken, "") << "step " << s;
    EXPECT_EQ(w.total, contraction.cycles.total()) << "step " << s;
    // Reduced loops come first in a scope, or last where the PEs sum.
    bool outputStationary =
        contraction.nest.dataflow == Dataflow::OutputStationary;
    auto inside = llvm::ArrayRef(contraction.nest.loops)
                      .drop_front(contraction.nest.scopeLevel);
    EXPECT_TRUE(llvm::is_sorted(
        inside,
        [&](const Loop &a, const Loop &b) {
          bool aReduced = contraction.nest.isReduced(a.mode);
          bool bReduced = contraction.nest.isReduced(b.mode);
          return outputStationary ? aReduced < bReduced : aReduced > bReduced;
        }))
        << "step " << s;
    occupancy += w.total - contraction.cycles.firstLoad -
                 contraction.cycles.fill - contraction.cycles.drain;
    for (unsigned id = 0; id < 3; ++id) {
      const Operand &operand = contraction.nest.operands[id];
      EXPECT_EQ(operand.serialLanes,
                missingLanes(contraction.nest, OperandId(id), machine));
      conflicts += operand.serialLanes != 0;
      const Layout &whole = mapped.layouts[step.values[id]];
      const Layout &view = contraction.layouts[id];
      Shape shape = shapeOf(step, id);
      for (int64_t e = 0; e < whole.elements(); ++e) {
        auto inWhole = indexOf(e, program.values[step.values[id]].sizes);
        auto inView = indexOf(e, shape);
        ASSERT_EQ(whole.rowOf(inWhole), view.rowOf(inView))
            << "step " << s << " operand " << id << " element " << e;
        ASSERT_EQ(whole.bankOf(inWhole), view.bankOf(inView))
            << "step " << s << " operand " << id << " element " << e;
      }
    }
  }
  for (const Layout &layout : mapped.layouts)
    EXPECT_FALSE(bool(layout.verify(machine.laneBits())));
  EXPECT_EQ(mapped.occupancy, occupancy);
  EXPECT_EQ(mapped.conflicts, conflicts);
}

Machine smallMachine(unsigned ceBits) {
  Machine machine;
  machine.ceBits = ceBits;
  machine.peRowBits = machine.peColumnBits = 1;
  return machine;
}

} // namespace

TEST(CommonShape, RefinesBoth) {
  auto common = [](Shape a, Shape b) { return commonShape(a, b); };
  EXPECT_EQ(common({8, 24}, {4, 2, 24}), Shape({4, 2, 24}));
  EXPECT_EQ(common({8, 24}, {8, 4, 6}), Shape({8, 4, 6}));
  EXPECT_EQ(common({4, 6}, {8, 3}), Shape({4, 2, 3}));
  EXPECT_EQ(common({1, 12, 12}, {12, 12}), Shape({12, 12}));
  EXPECT_EQ(common({1, 12}, {1, 12}), Shape({1, 12}));
  EXPECT_EQ(common({3, 5}, {5, 3}), std::nullopt);
  EXPECT_EQ(common({3, 4}, {4, 3}), std::nullopt);
  EXPECT_EQ(common({3, 4}, {13}), std::nullopt);
}

/// One by one, the first contraction gives Y the layout that suits it, and one
/// of the others pays.
TEST(Program, SharedValueSuitsAllUses) {
  Machine machine = smallMachine(2);
  std::map<char, int64_t> sizes = {{'a', 8}, {'b', 8}, {'c', 8},
                                   {'d', 8}, {'e', 8}, {'f', 8}};
  ProgramSpec program;
  for (unsigned v = 0; v < 7; ++v)
    program.values.push_back(value({8, 8}));
  program.values[2] = value({8, 8, 8});
  program.values[4] = value({8, 8, 8});
  program.values[6] = value({8, 8, 8});
  program.steps.push_back(step("ad", "dbc", "abc", {0, 2, 4}, sizes));
  program.values[4].sizes = {8, 8, 8};
  program.steps.push_back(step("abc", "be", "aec", {4, 1, 6}, sizes));
  program.steps.push_back(step("abc", "abf", "cf", {4, 2, 5}, sizes));
  MappedProgram mapped = must(mapProgram(program, machine));
  check(program, mapped, machine);
  EXPECT_EQ(mapped.conflicts, 0u);
  EXPECT_EQ(mapped.occupancy, mapped.occupancyBound);
}

TEST(Program, ReshapedViewsShareOneLayout) {
  Machine machine = smallMachine(3);
  std::map<char, int64_t> sizes = {{'b', 12}, {'c', 4}, {'d', 3}, {'k', 8},
                                   {'n', 6},  {'x', 2}, {'y', 6}};
  ProgramSpec program;
  // T is written as 12 x 6, and read as 4 x 3 x 6 and as 2 x 6 x 6.
  program.values = {value({12, 8}),   value({8, 6}), value({2, 2, 3, 6}),
                    value({4, 3, 8}), value({8, 6}), value({2, 6, 8}),
                    value({8, 6}),    value({8, 6})};
  program.steps.push_back(step("bk", "kn", "bn", {0, 1, 2}, sizes));
  program.steps.push_back(step("cdk", "cdn", "kn", {3, 2, 4}, sizes));
  program.steps.push_back(step("xyn", "kn", "xyk", {2, 4, 5}, sizes));
  MappedProgram mapped = must(mapProgram(program, machine));
  check(program, mapped, machine);
}

TEST(Program, OneValueAsBothOperands) {
  Machine machine = smallMachine(2);
  std::map<char, int64_t> sizes = {{'b', 16}, {'c', 16}, {'k', 16}};
  ProgramSpec program;
  program.values = {value({16, 16}), value({16, 16})};
  program.steps.push_back(step("bk", "ck", "bc", {0, 0, 1}, sizes));
  MappedProgram mapped = must(mapProgram(program, machine));
  check(program, mapped, machine);
  EXPECT_EQ(mapped.steps[0].layouts[0], mapped.steps[0].layouts[1]);
}

TEST(Program, FixedLayoutStays) {
  Machine machine = smallMachine(2);
  std::map<char, int64_t> sizes = {{'m', 16}, {'n', 8}, {'k', 8}};
  ProgramSpec program;
  program.values = {value({16, 8}), value({8, 8}), value({16, 8})};
  // Banks all from m: the rows of a stationary tile need k.
  program.values[0].layout = lowBitLayout({16, 8}, {3, 0}, machine);
  program.steps.push_back(step("mk", "kn", "mn", {0, 1, 2}, sizes));
  MappedProgram mapped = must(mapProgram(program, machine));
  check(program, mapped, machine);
  EXPECT_EQ(mapped.layouts[0], *program.values[0].layout);
}

/// Partial sums of two slices in one FP32 tensor: each scope reloads rows of
/// its own (rule N16), though small scopes would drain sooner.
TEST(Program, SumsGoOnInTheirRows) {
  Machine machine = smallMachine(3);
  machine.accumulatorRows = 2;
  for (int64_t size : {12, 24, 40}) {
    std::map<char, int64_t> sizes = {{'b', 8}, {'m', size}, {'n', size}};
    ProgramSpec program;
    for (unsigned v = 0; v < 5; ++v)
      program.values.push_back(
          value(v == 4 ? Shape{size, size} : Shape{8, size}));
    for (unsigned slice = 0; slice < 2; ++slice) {
      program.steps.push_back(
          step("bm", "bn", "mn", {2 * slice, 2 * slice + 1, 4}, sizes));
      program.steps.back().contraction.resultType = ElementType::F32;
      program.steps.back().contraction.accumulates = slice > 0;
    }
    for (LayoutChoice layouts : {LayoutChoice::Joint, LayoutChoice::Separate}) {
      MappedProgram mapped = must(mapProgram(program, machine, {layouts}));
      check(program, mapped, machine);
      EXPECT_FALSE(mapped.steps[0].nest.accumulate);
      const Nest &nest = mapped.steps[1].nest;
      EXPECT_TRUE(nest.accumulate);
      EXPECT_GT(nest.scopeLevel, 0u) << "the sums exceed the accumulators";
      for (const Loop &loop :
           llvm::ArrayRef(nest.loops).take_front(nest.scopeLevel))
        EXPECT_EQ(loop.weight % (1 << nest.c().modes[loop.mode]->lowBits), 0);
    }
    program.steps[1].contraction.resultType = ElementType::BF16;
    MappedProgram rounded = must(mapProgram(program, machine));
    check(program, rounded, machine);
    EXPECT_TRUE(rounded.steps[1].nest.roundsSums());
    EXPECT_EQ(rounded.steps[0].layouts[OperandC],
              rounded.steps[1].layouts[OperandC]);
  }
}

TEST(Program, Errors) {
  Machine machine = smallMachine(2);
  std::map<char, int64_t> sizes = {{'m', 4}, {'n', 4}, {'k', 4}};
  ProgramSpec program;
  program.values = {value({4, 4}), value({4, 4}), value({4, 4}), value({4, 4})};
  program.steps.push_back(step("mk", "kn", "mn", {0, 1, 2}, sizes));
  program.steps.push_back(step("mk", "kn", "mn", {2, 1, 7}, sizes));
  unsigned failed = 0;
  EXPECT_EQ(messageOf(mapProgram(program, machine, {}, &failed)),
            "contraction 1: there is no value 7");
  EXPECT_EQ(failed, 1u);
  program.steps[1].values = {3, 1, 2};
  program.values[3].sizes = {3, 5};
  EXPECT_NE(messageOf(mapProgram(program, machine, {}, &failed))
                .find("contraction 1: operand 0 has a shape that does not"),
            std::string::npos);
  program.steps[1].values = {2, 1, 3};
  program.values[3].sizes = {4, 4};
  program.steps[1].contraction.sizes[0] = int64_t(1) << 60;
  EXPECT_NE(messageOf(mapProgram(program, machine, {}, &failed))
                .find("contraction 1: more than 2^48 multiply-adds"),
            std::string::npos);
}

/// Slices of the tokens are mapped once, with the cores shared by all: 128
/// slices take hardly longer than one.
TEST(Program, SlicesAreMappedOnce) {
  Machine machine;
  ProgramSpec one = makeTrainingProgram(makeLayer(layerSuite[0], 32));
  auto leaves = unsigned(one.values.size() - one.steps.size());
  ProgramSpec many;
  constexpr unsigned slices = 128;
  for (unsigned slice = 0; slice < slices; ++slice) {
    // X, dY and all results are the slice's own.
    std::vector<unsigned> numbers;
    for (auto [v, value] : llvm::enumerate(one.values)) {
      bool core = v > 0 && v + 1 < leaves;
      numbers.push_back(core && slice > 0 ? unsigned(v)
                                          : unsigned(many.values.size()));
      if (!core || slice == 0)
        many.values.push_back(value);
    }
    for (ProgramSpec::Step step : one.steps) {
      for (unsigned &v : step.values)
        v = numbers[v];
      many.steps.push_back(std::move(step));
    }
  }
  MappedProgram single = must(mapProgram(one, machine));
  MappedProgram mapped = must(mapProgram(many, machine));
  EXPECT_EQ(mapped.classes, single.classes);
  EXPECT_EQ(mapped.occupancy, slices * single.occupancy);
  for (auto [s, step] : llvm::enumerate(many.steps))
    for (unsigned id = 0; id < 3; ++id)
      EXPECT_EQ(mapped.layouts[step.values[id]],
                single.layouts[one.steps[s % one.steps.size()].values[id]]);
}

//===----------------------------------------------------------------------===//
// Against all layouts
//===----------------------------------------------------------------------===//

namespace {

/// Low bits of all layouts that leave no room for another useful bit.
std::vector<llvm::SmallVector<unsigned, 8>>
fullLayouts(llvm::ArrayRef<int64_t> sizes, unsigned rowBits) {
  std::vector<llvm::SmallVector<unsigned, 8>> layouts = {{}};
  unsigned useful = 0;
  for (int64_t size : sizes) {
    unsigned bits = llvm::Log2_64_Ceil(uint64_t(size));
    useful += bits;
    std::vector<llvm::SmallVector<unsigned, 8>> longer;
    for (const auto &layout : layouts)
      for (unsigned b = 0; b <= bits; ++b) {
        longer.push_back(layout);
        longer.back().push_back(b);
      }
    layouts = std::move(longer);
  }
  llvm::erase_if(layouts, [&](const auto &layout) {
    return std::accumulate(layout.begin(), layout.end(), 0u) !=
           std::min(useful, rowBits);
  });
  return layouts;
}

int64_t occupancyOf(const SerialCycles &cycles) {
  return cycles.beats + cycles.bankConflict + cycles.stationaryReload +
         cycles.drainBusy;
}

} // namespace

/// Every layout of the values that several contractions share, with the best
/// mapping of each contraction on them.
TEST(ProgramProperty, ComparedWithEveryLayout) {
  std::mt19937_64 random(20261123);
  auto uniform = [&](int64_t low, int64_t high) {
    return low + int64_t(random() % uint64_t(high - low + 1));
  };
  double sum = 0, worst = 1, separateSum = 0;
  int compared = 0;
  for (int round = 0; round < 40; ++round) {
    Machine machine;
    machine.ceBits = unsigned(uniform(1, 3));
    machine.peRowBits = unsigned(uniform(0, 1));
    machine.peColumnBits = unsigned(uniform(0, 1));
    // With short pipelines the time of the array is what counts.
    machine.latency = {0, 64, 0, 0, 0, 0, 0, 1};
    // T = A B is read by two contractions; one of them with A again.
    static const int64_t some[] = {2, 3, 4, 5, 6, 8, 12};
    std::map<char, int64_t> sizes;
    for (char letter : {'a', 'b', 'c', 'd', 'e', 'f'})
      sizes[letter] = some[random() % 7];
    auto shape = [&](llvm::StringRef letters) {
      Shape result;
      for (char letter : letters)
        result.push_back(sizes[letter]);
      return value(result);
    };
    ProgramSpec program;
    program.values = {shape("ad"), shape("dbc"), shape("abc"),
                      shape("be"), shape("aec"), shape("dbc")};
    program.steps.push_back(step("ad", "dbc", "abc", {0, 1, 2}, sizes));
    program.steps.push_back(step("abc", "be", "aec", {2, 3, 4}, sizes));
    program.steps.push_back(step("ad", "abc", "dbc", {0, 2, 5}, sizes));
    MappedProgram mapped = must(mapProgram(program, machine));
    check(program, mapped, machine);
    MappedProgram separate =
        must(mapProgram(program, machine, {LayoutChoice::Separate}));
    check(program, separate, machine);

    int64_t best = std::numeric_limits<int64_t>::max();
    for (const auto &lowA :
         fullLayouts(program.values[0].sizes, machine.laneBits()))
      for (const auto &lowT :
           fullLayouts(program.values[2].sizes, machine.laneBits())) {
        Layout a = lowBitLayout(program.values[0].sizes, lowA, machine);
        Layout t = lowBitLayout(program.values[2].sizes, lowT, machine);
        int64_t total = 0;
        for (const ProgramSpec::Step &step : program.steps) {
          ContractionSpec spec = step.contraction;
          for (unsigned id = 0; id < 3; ++id) {
            if (step.values[id] == 0)
              spec.layouts[id] = a;
            if (step.values[id] == 2)
              spec.layouts[id] = t;
          }
          total += occupancyOf(must(mapContraction(spec, machine)).cycles);
        }
        best = std::min(best, total);
      }
    double gap = double(mapped.occupancy) / double(best);
    ++compared;
    sum += gap;
    separateSum += double(separate.occupancy) / double(best);
    worst = std::max(worst, gap);
    EXPECT_LE(mapped.occupancyBound, best);
    if (gap > 1.1)
      std::printf("round %d: %lld against %lld\n", round,
                  (long long)mapped.occupancy, (long long)best);
  }
  std::printf("%d programs: mean %.4f of the best layouts, worst %.4f; mapped "
              "one by one %.4f\n",
              compared, sum / compared, worst, separateSum / compared);
  EXPECT_LE(sum / compared, 1.02);
  EXPECT_LE(worst, 1.3);
}

/// A tensor is written in one shape and read in others that merge neighbours.
TEST(ProgramProperty, RandomViews) {
  std::mt19937_64 random(7);
  auto below = [&](uint64_t n) { return unsigned(random() % n); };
  int mergedReads = 0;
  for (int round = 0; round < 60; ++round) {
    Machine machine = smallMachine(1 + below(4));
    machine.peRowBits = below(3);
    static const int64_t some[] = {1, 2, 3, 4, 6, 8};
    Shape whole;
    for (unsigned d = 0, n = 2 + below(3); d < n; ++d)
      whole.push_back(some[below(6)]);
    // T[i.., n] = A[i.., k] B[k, n].
    ProgramSpec program;
    std::map<char, int64_t> sizes = {{'k', 4}, {'f', some[below(6)]}};
    std::string modes;
    for (auto [d, size] : llvm::enumerate(whole)) {
      modes += char('p' + d);
      sizes[modes.back()] = size;
    }
    std::string a = modes.substr(0, modes.size() - 1) + "k";
    std::string b = std::string("k") + modes.back();
    auto add = [&](llvm::StringRef letters) {
      Shape shape;
      for (char letter : letters)
        shape.push_back(sizes.at(letter));
      program.values.push_back(value(shape));
      return unsigned(program.values.size() - 1);
    };
    unsigned aValue = add(a), bValue = add(b), t = add(modes);
    program.steps.push_back(step(a, b, modes, {aValue, bValue, t}, sizes));
    for (unsigned reader = 0; reader < 2; ++reader) {
      std::string view, reduced, rest;
      for (size_t d = 0; d < whole.size();) {
        int64_t size = whole[d++];
        while (d < whole.size() && below(2)) {
          size *= whole[d++];
          ++mergedReads;
        }
        char letter = char('A' + view.size());
        sizes[letter] = size;
        view += letter;
        (below(2) ? reduced : rest) += letter;
      }
      std::string g = reduced + "f", u = rest + "f";
      unsigned gValue = add(g), uValue = add(u);
      program.steps.push_back(step(view, g, u, {t, gValue, uValue}, sizes));
    }
    MappedProgram mapped = must(mapProgram(program, machine));
    check(program, mapped, machine);
  }
  EXPECT_GT(mergedReads, 40);
}

/// The layer suite: training steps on the default machine.
TEST(ProgramProperty, LayerSuite) {
  Machine machine;
  bool all = std::getenv("FETTA_LONG") != nullptr;
  for (const KnownOptimum &layer : layerSuite) {
    llvm::StringRef name = layer.name;
    if (!all && name != "TT_ATIS" && name != "TTM_UCF" && name != "TR_UCF")
      continue;
    for (int64_t tokens : {1, 32, 128, 2048}) {
      if (!all && tokens != 128)
        continue;
      ProgramSpec program = makeTrainingProgram(makeLayer(layer, tokens));
      MappedProgram mapped = must(mapProgram(program, machine));
      MappedProgram separate =
          must(mapProgram(program, machine, {LayoutChoice::Separate}));
      std::printf("%-14s %5lld tokens: %.3f of the bound, one by one %.3f\n",
                  layer.name, (long long)tokens,
                  double(mapped.occupancyBound) / double(mapped.occupancy),
                  double(mapped.occupancyBound) / double(separate.occupancy));
      EXPECT_LE(double(mapped.occupancy), 1.1 * double(mapped.occupancyBound))
          << layer.name << ", " << tokens << " tokens";
    }
  }
}

//===- LimitsTest.cpp - Bounds against many mappings ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The critical path is a bound of every mapping and schedule of the same
// contractions: no mapping that is drawn here beats it, and some reach it, so
// that one cycle more would be too high.
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Limits.h"
#include "fetta/Mapping/Mapping.h"
#include "fetta/Simulator/Timing.h"

#include "TestPrograms.h"

#include "gtest/gtest.h"

#include <random>

using namespace fetta;
using namespace fetta::test;

namespace {

/// A contraction that reads the result of the one before, or of step `from`.
struct Step {
  llvm::SmallVector<int64_t, 8> sizes;
  std::array<llvm::SmallVector<unsigned, 8>, 3> modes;
  std::optional<unsigned> from = std::nullopt;
  ElementType type = ElementType::BF16;
};

/// Dense layouts with random low bits.
Layout drawLayout(llvm::ArrayRef<int64_t> sizes, const Machine &machine,
                  std::mt19937_64 &random) {
  llvm::SmallVector<BankBit, 8> banks(machine.laneBits());
  llvm::SmallVector<unsigned, 8> low(sizes.size(), 0), order;
  for (BankBit &bank : banks) {
    auto d = unsigned(random() % (sizes.size() + 1));
    if (d < sizes.size() && (int64_t(1) << low[d]) < sizes[d])
      bank.source = ModeBit{d, low[d]++};
  }
  for (unsigned d = 0; d < sizes.size(); ++d)
    order.push_back(d);
  return Layout::packed(sizes, banks, order);
}

/// The steps with the layouts and dataflows of one draw.
Program drawProgram(llvm::ArrayRef<Step> steps, const Machine &machine,
                    std::mt19937_64 &random) {
  ProgramBuilder builder(machine);
  int64_t slab = 0;
  std::vector<uint32_t> results;
  std::vector<Layout> layouts;
  std::vector<int64_t> slabs;
  for (auto [s, step] : llvm::enumerate(steps)) {
    ContractionSpec spec;
    spec.sizes = step.sizes;
    spec.modes = step.modes;
    spec.dataflow = Dataflow(random() % 3);
    spec.resultType = step.type;
    auto shape = [&](unsigned id) {
      llvm::SmallVector<int64_t, 4> sizes;
      for (unsigned m : spec.modes[id])
        sizes.push_back(spec.sizes[m]);
      return sizes;
    };
    unsigned from = step.from.value_or(s == 0 ? 0 : unsigned(s - 1));
    if (s > 0)
      spec.layouts[OperandA] = layouts[from];
    if (random() % 2)
      spec.layouts[OperandC] = drawLayout(shape(OperandC), machine, random);
    MappedContraction mapped = must(mapContraction(spec, machine));
    std::array<uint32_t, 3> tensors;
    for (unsigned id = 0; id < 3; ++id) {
      if (id == OperandA && s > 0) {
        tensors[id] = results[from];
        mapped.nest.operands[id].slab = unsigned(slabs[from]);
        continue;
      }
      TensorEntry tensor;
      tensor.name = "t" + std::to_string(s) + "_" + std::to_string(id);
      tensor.shape = shape(id);
      tensor.layout = mapped.layouts[id];
      tensor.slab = mapped.nest.operands[id].slab = slab++;
      tensor.elementType = id == OperandC ? step.type : ElementType::BF16;
      tensor.role = id < 2                  ? TensorRole::Input
                    : s + 1 == steps.size() ? TensorRole::Result
                                            : TensorRole::Temporary;
      tensors[id] = builder.addTensor(std::move(tensor));
    }
    results.push_back(tensors[OperandC]);
    layouts.push_back(mapped.layouts[OperandC]);
    slabs.push_back(slab - 1);
    std::array<uint32_t, 3> numbers = {};
    std::array<Route, 3> words = routesOf(mapped.nest, machine);
    for (unsigned net = 0; net < 3; ++net)
      numbers[net] = builder.addRoute(std::move(words[net]));
    uint32_t op = builder.addOp({"contract" + std::to_string(s), "", "", {}});
    builder.addContract(mapped.nest, tensors, numbers, op);
  }
  return std::move(builder).finish();
}

/// The least cycles beyond the limit over many draws; none is below it.
int64_t leastGap(llvm::ArrayRef<Step> steps, const Machine &machine,
                 unsigned draws) {
  int64_t least = std::numeric_limits<int64_t>::max();
  for (unsigned seed = 1; seed <= draws; ++seed) {
    std::mt19937_64 random(seed);
    Program program = drawProgram(steps, machine, random);
    int64_t limit = limitsOf(program, 0).largest();
    int64_t cycles = timeProgram(program).cycles;
    EXPECT_LE(limit, cycles) << "seed " << seed;
    least = std::min(least, cycles - limit);
  }
  return least;
}

Machine machineFor(unsigned ce, unsigned rows, unsigned columns) {
  Machine machine = smallMachine(ce, rows, columns);
  machine.slabs = 32;
  return machine;
}

} // namespace

TEST(CriticalPath, StartsBehindARouteAndALoad) {
  // y = a b, one beat: route, load, beat, pipeline, row.
  Step scalar = {{1, 1, 1}, {{{0, 1}, {1, 2}, {0, 2}}}};
  for (unsigned rows : {0, 1, 2})
    EXPECT_EQ(leastGap({scalar}, machineFor(2, rows, 1), 20), 0);
  // More beats than one.
  Step product = {{8, 4, 16}, {{{0, 1}, {1, 2}, {0, 2}}}};
  EXPECT_EQ(leastGap({product}, machineFor(2, 0, 2), 100), 0);
}

TEST(CriticalPath, WaitsForTheLastRow) {
  // Each of one beat: only the pipeline counts.
  Step first = {{4, 4}, {{{0}, {0, 1}, {1}}}};
  EXPECT_EQ(leastGap({first, first, first}, machineFor(4, 0, 0), 100), 0);
}

TEST(CriticalPath, SumsOverAllOfAnOperandHoldUpWhatFollows) {
  // The second needs all of the first's result for each of its words, so that
  // all beats of the third come behind its last.
  Step first = {{4, 4}, {{{0}, {0, 1}, {1}}}};
  Step wide = {{4, 24}, {{{0}, {0, 1}, {1}}}};
  for (auto [ce, rows, columns] :
       {std::array<unsigned, 3>{4, 0, 0}, {2, 0, 2}, {3, 0, 1}})
    EXPECT_LE(
        leastGap({first, first, wide}, machineFor(ce, rows, columns), 400), 0);
  // Modes that the sum keeps hold nothing up: rows follow each other.
  Step rows = {{8, 4, 4}, {{{0, 1}, {1, 2}, {0, 2}}}};
  leastGap({rows, rows, rows}, machineFor(3, 0, 1), 200);
}

TEST(CriticalPath, ReadersOfOneResultTakeTurns) {
  // The beats of all that read a result come behind its first words, one a
  // cycle: another reader costs its beats.
  Step first = {{4, 4}, {{{0}, {0, 1}, {1}}}};
  Step reader = {{4, 12}, {{{0}, {0, 1}, {0, 1}}}, 0};
  Machine machine = machineFor(3, 0, 0);
  auto limitOf = [&](unsigned readers) {
    std::vector<Step> steps(1 + readers, reader);
    steps[0] = first;
    std::mt19937_64 random(1);
    return limitsOf(drawProgram(steps, machine, random), 0).largest();
  };
  constexpr int64_t beats = 4 * 12 / 8;
  EXPECT_EQ(limitOf(3), limitOf(1) + 2 * beats);
  EXPECT_EQ(limitOf(2), limitOf(1) + beats);
  EXPECT_LE(leastGap({first, reader, reader, reader}, machine, 100), 1);
  // What follows one of the readers follows its last row; the other fills the
  // time in between or comes last.
  Step behind = {{4, 12}, {{{0, 1}, {0, 1}, {0}}}, 1};
  leastGap({first, reader, reader, behind}, machine, 100);
}

TEST(CriticalPath, DrainsFollowEachOther) {
  // An outer product has one multiply-add for each word; of FP32 words, two
  // rows leave for the words of one beat.
  Step outer = {{8, 16}, {{{0}, {1}, {0, 1}}}};
  Machine machine = machineFor(2, 0, 1);
  EXPECT_EQ(leastGap({outer}, machine, 100), 0);
  outer.type = ElementType::F32;
  EXPECT_EQ(leastGap({outer}, machine, 100), 0);
  // Those of several share the drain, whatever they wait for.
  Step first = {{4, 8}, {{{0}, {0, 1}, {1}}}};
  Step second = {{8, 16}, {{{0}, {1}, {0, 1}}}, 0, ElementType::F32};
  EXPECT_LE(leastGap({first, second, second}, machine, 200), 1);
}

TEST(CriticalPath, EveryWordIsReadOnce) {
  // A matrix times a vector: each word of the matrix is used once, and one row
  // of it is read in a cycle.
  Step product = {{64, 8}, {{{0}, {0, 1}, {1}}}};
  EXPECT_LE(leastGap({product}, machineFor(2, 1, 1), 200), 1);
}

TEST(CriticalPath, RaggedModesWasteLanes) {
  // Modes of 5 fill 5 of 8 places, or one after the other all.
  Step product = {{5, 5, 5}, {{{0, 1}, {1, 2}, {0, 2}}}};
  for (auto [ce, rows, columns] :
       {std::array<unsigned, 3>{3, 0, 0}, {2, 1, 1}, {4, 0, 2}})
    EXPECT_LE(leastGap({product}, machineFor(ce, rows, columns), 200), 1);
}

TEST(CriticalPath, RandomTrees) {
  std::mt19937_64 random(11);
  auto draw = [&] { return int64_t(1 + random() % 5); };
  for (unsigned tree = 0; tree < 60; ++tree) {
    SCOPED_TRACE("tree " + std::to_string(tree));
    Machine machine =
        machineFor(1 + random() % 3, random() % 3, 1 + random() % 2);
    std::vector<Step> steps;
    std::vector<std::array<int64_t, 2>> shapes = {{draw(), draw()}};
    for (unsigned s = 0; s < 4 + tree % 4; ++s) {
      auto from = unsigned(random() % std::max<unsigned>(1, s));
      auto [m, k] = shapes[s == 0 ? 0 : from];
      if (s == 0)
        shapes.clear();
      int64_t n = 4 * draw(), p = draw();
      // Sums over one mode, over both, or none.
      switch (random() % 3) {
      case 0:
        steps.push_back({{m, k, n}, {{{0, 1}, {1, 2}, {0, 2}}}, from});
        shapes.push_back({m, n});
        break;
      case 1:
        steps.push_back({{m, k, n, p}, {{{0, 1}, {0, 1, 2, 3}, {2, 3}}}, from});
        shapes.push_back({n, p});
        break;
      default:
        steps.push_back({{m, k}, {{{0, 1}, {0, 1}, {0, 1}}}, from});
        shapes.push_back({m, k});
      }
      // Nobody reads the last, nor what is left over.
      if (s > 0 && (random() % 4 == 0 || s + 1 == 4 + tree % 4))
        steps.push_back(
            {{m, k, p}, {{{0, 1}, {2}, {0, 1, 2}}}, from, ElementType::F32});
      else
        continue;
      shapes.push_back({1, 1});
      break;
    }
    leastGap(steps, machine, 10);
  }
}

TEST(CriticalPath, RandomChains) {
  std::mt19937_64 random(7);
  auto draw = [&] { return int64_t(1 + random() % 6); };
  for (unsigned chain = 0; chain < 40; ++chain) {
    SCOPED_TRACE("chain " + std::to_string(chain));
    Machine machine =
        machineFor(1 + random() % 3, random() % 3, 1 + random() % 2);
    std::vector<Step> steps;
    int64_t m = draw(), k = draw();
    for (unsigned s = 0; s < 3 + chain % 2; ++s) {
      int64_t n = 4 * draw();
      // Sums over one mode, or over both.
      if (random() % 2) {
        steps.push_back({{m, k, n}, {{{0, 1}, {1, 2}, {0, 2}}}});
        k = n;
      } else {
        int64_t p = draw();
        steps.push_back({{m, k, n, p}, {{{0, 1}, {0, 1, 2, 3}, {2, 3}}}});
        m = n;
        k = p;
      }
    }
    leastGap(steps, machine, 10);
  }
}

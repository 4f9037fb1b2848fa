//===- NestEnumerationTest.cpp - Rules against enumeration ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NestRules.h"
#include "RandomNest.h"

#include "llvm/ADT/STLExtras.h"

#include <map>
#include <random>

using namespace fetta;
using namespace fetta::test;

namespace {

//===----------------------------------------------------------------------===//
// Worked examples 1 and 2 of docs/Machine.md, on fetta-edge
//===----------------------------------------------------------------------===//

enum : unsigned { Token, I0, I1, I2, R }; // Modes of both examples.

/// A layout with the low bits of dimensions on banks, in the order given.
Layout lowBits(llvm::ArrayRef<int64_t> sizes,
               llvm::ArrayRef<std::pair<unsigned, unsigned>> low) {
  llvm::SmallVector<BankBit, 8> banks;
  for (auto [dim, bits] : low)
    for (unsigned bit = 0; bit < bits; ++bit)
      banks.push_back(bank(dim, bit));
  banks.resize(8);
  llvm::SmallVector<unsigned, 6> order;
  for (unsigned d = 0; d < sizes.size(); ++d)
    order.push_back(d);
  return Layout::packed(sizes, banks, order);
}

void setOperand(Nest &nest, OperandId id, const Layout &layout,
                llvm::ArrayRef<unsigned> modes) {
  Operand &operand = nest.operands[id];
  operand.modes.resize(nest.modeCount());
  operand.slab = id;
  operand.banks = layout.banks;
  for (auto [d, mode] : llvm::enumerate(modes))
    operand.modes[mode] = layout.dims[d];
  for (BankBit &bit : operand.banks)
    if (bit.source)
      bit.source->mode = modes[bit.source->mode];
}

TEST(NestRules, WorkedExamples) {
  Machine machine;
  // X[token, i0, i1, i2], E[i1, i2, r] = G5 G4, Y[token, i0, r].
  Layout x = lowBits({32, 8, 8, 12}, {{3, 2}, {2, 3}, {1, 3}});
  Layout e = lowBits({8, 12, 12}, {{2, 2}, {0, 3}, {1, 2}});
  Layout y = lowBits({32, 8, 12}, {{2, 2}, {1, 3}, {0, 3}});
  EXPECT_EQ(x.rows(), 96);
  EXPECT_EQ(e.rows(), 9);
  EXPECT_EQ(y.rows(), 12);
  Nest first;
  first.sizes = {32, 8, 8, 12, 12};
  first.lanes.row = {ModeBit{I2, 0}, ModeBit{I2, 1}};
  first.lanes.column = {ModeBit{R, 0}, ModeBit{R, 1}};
  first.lanes.ce = {ModeBit{I1, 0}, ModeBit{I1, 1}, ModeBit{I1, 2},
                    ModeBit{I0, 0}, ModeBit{I0, 1}, ModeBit{I0, 2}};
  Nest second = first;
  first.dataflow = Dataflow::BStationary;
  first.loops = {{I2, 3, 4}, {R, 3, 4}, {Token, 32, 1}};
  first.accumulatorStrides = {1, 0, 0, 0, 4};
  setOperand(first, OperandA, x, {Token, I0, I1, I2});
  setOperand(first, OperandB, e, {I1, I2, R});
  setOperand(first, OperandC, y, {Token, I0, R});
  // The gradient of E, without reloads.
  second.dataflow = Dataflow::OutputStationary;
  second.loops = {{R, 3, 4}, {I2, 3, 4}, {Token, 32, 1}};
  second.accumulatorStrides = {0, 0, 0, 1, 3};
  setOperand(second, OperandA, x, {Token, I0, I1, I2});
  setOperand(second, OperandB, y, {Token, I0, R});
  setOperand(second, OperandC, e, {I1, I2, R});
  for (const Nest &nest : {first, second}) {
    EXPECT_EQ(llvm::toString(verifyNest(nest, machine)), "");
    EXPECT_EQ(beats(nest), 288);
    for (OperandId id : {OperandA, OperandB, OperandC})
      EXPECT_EQ(missingLanes(nest, id, machine), 0u);
  }
}

//===----------------------------------------------------------------------===//
// Against enumeration
//===----------------------------------------------------------------------===//

/// One mode and random loops: accepted exactly when counting the visits says
/// that every index is visited once and every loop's last iteration is needed.
TEST(NestRules, IndicesAgainstCounting) {
  const unsigned seed = 11;
  SCOPED_TRACE(seed);
  std::mt19937 rng(seed);
  unsigned accepted = 0;
  for (unsigned i = 0; i < 20000; ++i) {
    Nest nest;
    nest.lanes = {{{}, {}}, {{}, {}}, {{}, {}}};
    int64_t size = 1 + rng() % 13;
    nest.sizes = {size};
    nest.accumulatorStrides = {0};
    for (Operand &operand : nest.operands) {
      operand.modes = {DimLayout{size, 0, 1}};
      operand.banks.resize(4);
    }
    nest.accumulatorStrides = {1};
    std::vector<int64_t> visited = {0};
    bool needed = true;
    for (unsigned n = rng() % 4; n; --n) {
      Loop loop{0, 1 + int64_t(rng() % 4), 1 + int64_t(rng() % 8)};
      nest.loops.push_back(loop);
      needed &= loop.count == 1 || (loop.count - 1) * loop.weight < size;
      std::vector<int64_t> next;
      for (int64_t c = 0; c < loop.count; ++c)
        for (int64_t v : visited)
          next.push_back(v + c * loop.weight);
      visited = next;
    }
    bool once = needed;
    for (int64_t index = 0; index < size; ++index)
      once &= llvm::count(visited, index) == 1;
    Machine m = machine();
    m.accumulatorRows = 64;
    EXPECT_EQ(ruleOf(nest, m), once ? 0u : 5u) << i;
    accepted += once;
  }
  EXPECT_GT(accepted, 300u);
}

/// Rows and words of the accumulators by walking every scope.
struct AccumulatorUse {
  int64_t lastRow = 0;
  bool shared = false;
};
AccumulatorUse walkScopes(const Nest &nest, const Machine &machine) {
  AccumulatorUse use;
  std::vector<Loop> loops(nest.loops.begin(), nest.loops.end());
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
    int64_t lanes = 1;
    auto count = [&](const auto &bits) {
      for (const auto &bit : bits)
        lanes *= bit && bit->mode == mode ? 2 : 1;
    };
    count(nest.lanes.ce);
    count(nest.lanes.row);
    count(nest.lanes.column);
    loops.push_back({mode, lanes, 1});
  }
  std::vector<int64_t> counter(loops.size(), 0);
  std::map<std::pair<int64_t, uint32_t>, std::vector<int64_t>> owner;
  while (true) {
    std::vector<int64_t> start(nest.modeCount(), 0), index;
    for (unsigned l = 0; l < nest.scopeLevel; ++l)
      start[loops[l].mode] += counter[l] * loops[l].weight;
    index = start;
    for (unsigned l = nest.scopeLevel; l < loops.size(); ++l)
      index[loops[l].mode] += counter[l] * loops[l].weight;
    int64_t row = nest.accumulatorBase;
    uint32_t bank = 0;
    bool inside = true;
    std::vector<int64_t> element;
    for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
      if (!nest.c().holds(mode))
        continue;
      unsigned low = nest.c().modes[mode]->lowBits;
      row += ((index[mode] >> low) - (start[mode] >> low)) *
             nest.accumulatorStrides[mode];
      inside &= index[mode] < nest.sizes[mode];
      element.push_back(index[mode]);
    }
    for (auto [j, bit] : llvm::enumerate(nest.c().banks))
      if (bit.source)
        bank |= uint32_t(index[bit.source->mode] >> bit.source->bit & 1) << j;
    if (inside) {
      use.lastRow = std::max(use.lastRow, row);
      auto [it, isNew] = owner.try_emplace({row, bank}, element);
      use.shared |= it->second != element;
    }
    size_t l = loops.size();
    while (l > 0 && ++counter[l - 1] == loops[l - 1].count)
      counter[--l] = 0;
    if (l == 0)
      return use;
    if (l <= nest.scopeLevel)
      owner.clear();
  }
}

TEST(NestRules, AccumulatorsAgainstWalk) {
  const unsigned seed = 12;
  SCOPED_TRACE(seed);
  std::mt19937 rng(seed);
  unsigned accepted = 0, tooLarge = 0, shared = 0;
  for (unsigned i = 0; i < 500; ++i) {
    Machine m = machine();
    test::RandomNestOptions options;
    options.seed = 1000 + i;
    options.missingBits = i % 3;
    options.maxMultiplyAdds = 2000;
    Nest nest = test::randomContraction(m, options).nests[0];
    EXPECT_EQ(ruleOf(nest, m), 0u) << i;
    // Other strides and another base than the generator's.
    if (i % 4 == 0)
      nest.accumulatorBase = rng() % m.accumulatorRows;
    for (unsigned mode = 0; i % 4 && mode < nest.modeCount(); ++mode)
      if (nest.c().holds(mode) && rng() % 3 == 0)
        nest.accumulatorStrides[mode] = rng() % 6;
    unsigned rule = ruleOf(nest, m);
    AccumulatorUse use = walkScopes(nest, m);
    if (rule == 0) {
      EXPECT_LT(use.lastRow, m.accumulatorRows) << i;
      EXPECT_FALSE(use.shared) << i;
      ++accepted;
    } else if (rule == 13) {
      EXPECT_GE(use.lastRow, m.accumulatorRows) << i;
      ++tooLarge;
    } else {
      EXPECT_EQ(rule, 14u);
      shared += use.shared;
    }
  }
  EXPECT_GT(accepted, 20u);
  EXPECT_GT(tooLarge, 20u);
  EXPECT_GT(shared, 20u);
}

} // namespace

//===- PropertyTest.cpp - Random ragged contractions ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BruteForce.h"

#include "fetta/Machine/Machine.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <chrono>
#include <cstdlib>
#include <random>

using namespace fetta;
using namespace fetta::test;

namespace {

/// FETTA_TEST_SEED repeats or varies a run.
class MapperProperty : public ::testing::Test {
protected:
  MapperProperty() {
    const char *text = std::getenv("FETTA_TEST_SEED");
    uint64_t seed = text ? std::strtoull(text, nullptr, 10) : 20251;
    std::printf("seed %llu (FETTA_TEST_SEED)\n", (unsigned long long)seed);
    engine.seed(seed);
  }

  int64_t uniform(int64_t low, int64_t high) {
    return low + int64_t(engine() % uint64_t(high - low + 1));
  }
  bool chance(int64_t percent) { return uniform(1, 100) <= percent; }

  Machine randomMachine() {
    static const unsigned shapes[][3] = {{2, 2, 2}, {4, 2, 2}, {6, 2, 2},
                                         {2, 1, 3}, {4, 1, 3}, {2, 3, 1},
                                         {4, 3, 1}, {0, 1, 1}, {1, 0, 2}};
    const unsigned *shape = shapes[uniform(0, std::size(shapes) - 1)];
    Machine machine;
    machine.ceBits = shape[0];
    machine.peRowBits = shape[1];
    machine.peColumnBits = shape[2];
    machine.rowsPerSlab = int64_t(1) << 40; // Some layouts are poor.
    return machine;
  }

  /// Sizes that are mostly no powers of two; at most `limit` multiply-adds.
  ContractionSpec randomSpec(int64_t limit, unsigned mostModes) {
    ContractionSpec spec;
    unsigned modes = unsigned(uniform(0, mostModes));
    for (unsigned m = 0; m < modes; ++m) {
      int64_t size = chance(15) ? 1 : uniform(1, chance(30) ? 40 : 13);
      if (size > limit)
        size = 1;
      limit /= size;
      spec.sizes.push_back(size);
      unsigned missing = unsigned(uniform(0, 3)); // 3: in all, a batch mode.
      for (unsigned id = 0; id < 3; ++id)
        if (id != missing)
          spec.modes[id].push_back(m);
    }
    for (auto &list : spec.modes)
      std::shuffle(list.begin(), list.end(), engine);
    if (chance(50))
      spec.resultType = ElementType::F32;
    if (chance(60))
      spec.dataflow = Dataflow(uniform(0, 2));
    return spec;
  }

  /// Few to many bank bits, any bank, chunks in any order.
  Layout randomLayout(llvm::ArrayRef<int64_t> sizes, const Machine &machine) {
    llvm::SmallVector<unsigned, 8> lowBits(sizes.size(), 0);
    llvm::SmallVector<BankBit, 8> banks;
    unsigned want = unsigned(uniform(0, machine.laneBits()));
    for (unsigned i = 0; i < want && !sizes.empty(); ++i) {
      unsigned d = unsigned(uniform(0, int64_t(sizes.size()) - 1));
      if (lowBits[d] <= llvm::Log2_64_Ceil(uint64_t(sizes[d])))
        banks.push_back({ModeBit{d, lowBits[d]++}, false});
    }
    while (banks.size() < machine.laneBits())
      banks.push_back({std::nullopt, chance(30)});
    std::shuffle(banks.begin(), banks.end(), engine);
    llvm::SmallVector<unsigned, 8> order;
    for (unsigned d = 0; d < sizes.size(); ++d)
      order.push_back(d);
    std::shuffle(order.begin(), order.end(), engine);
    return Layout::packed(sizes, banks, order);
  }
  Layout randomLayout(const ContractionSpec &spec, unsigned id,
                      const Machine &machine) {
    llvm::SmallVector<int64_t, 8> sizes;
    for (unsigned m : spec.modes[id])
      sizes.push_back(spec.sizes[m]);
    return randomLayout(sizes, machine);
  }

  static std::string show(const ContractionSpec &spec, const Nest &nest) {
    std::string text = "sizes";
    for (int64_t size : spec.sizes)
      text += " " + std::to_string(size);
    return text + "\n" + describe(nest, {});
  }

  std::mt19937_64 engine;
};

} // namespace

TEST_F(MapperProperty, NestsComputeTheContraction) {
  std::array<int, 3> reached = {0, 0, 0};
  int conflicts = 0, blocked = 0;
  for (int round = 0; round < 250; ++round) {
    Machine machine = randomMachine();
    ContractionSpec spec = randomSpec(6000, 6);
    if (chance(40))
      machine.accumulatorRows = uniform(1, 12);
    for (unsigned id = 0; id < 3; ++id)
      if (chance(30))
        spec.layouts[id] = randomLayout(spec, id, machine);
    llvm::Expected<MappedContraction> mapped = mapContraction(spec, machine);
    ASSERT_TRUE(bool(mapped)) << llvm::toString(mapped.takeError());
    const Nest &nest = mapped->nest;
    SCOPED_TRACE(show(spec, nest));
    Walk w = walk(nest, machine);
    EXPECT_EQ(w.broken, "");
    if (llvm::Error error = verifyNest(nest, machine))
      ADD_FAILURE() << llvm::toString(std::move(error));
    const SerialCycles &c = mapped->cycles;
    EXPECT_EQ(c.total(), w.total);
    EXPECT_EQ(c.beats, w.beats);
    EXPECT_EQ(c.beats + c.bankConflict, w.beatCycles);
    EXPECT_EQ(c.tiles, w.tiles);
    EXPECT_EQ(c.loadBeats, w.loadBeats);
    EXPECT_EQ(c.networkAdditions, w.networkAdditions);
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      EXPECT_FALSE(mapped->layouts[id].verify(machine.laneBits()));
      if (spec.layouts[id])
        EXPECT_EQ(mapped->layouts[id], *spec.layouts[id]);
      else
        EXPECT_EQ(missingLanes(nest, id, machine), 0u);
      EXPECT_EQ(nest.operands[id].serialLanes, missingLanes(nest, id, machine));
    }
    if (spec.dataflow)
      EXPECT_EQ(nest.dataflow, *spec.dataflow);
    else
      ++reached[unsigned(nest.dataflow)];
    conflicts += c.bankConflict > 0;
    blocked += nest.scopeLevel > 0;
    if (HasFailure())
      return;
  }
  std::printf("chosen freely: A %d, B %d, output %d; conflicts in %d, several "
              "scopes in %d\n",
              reached[0], reached[1], reached[2], conflicts, blocked);
  EXPECT_GT(conflicts, 5);
  EXPECT_GT(blocked, 20);
}

TEST_F(MapperProperty, ClosedFormOfAnyLoopOrder) {
  for (int round = 0; round < 250; ++round) {
    Machine machine = randomMachine();
    ContractionSpec spec = randomSpec(4000, 5);
    for (unsigned id = 0; id < 3; ++id)
      if (chance(50))
        spec.layouts[id] = randomLayout(spec, id, machine);
    if (chance(30))
      machine.accumulatorRows = uniform(4, 12);
    llvm::Expected<MappedContraction> mapped = mapContraction(spec, machine);
    ASSERT_TRUE(bool(mapped)) << llvm::toString(mapped.takeError());
    // Any order, any scope: where the accumulators end is not of interest.
    Nest nest = mapped->nest;
    std::shuffle(nest.loops.begin(), nest.loops.end(), engine);
    unsigned most = 0;
    while (most < nest.loops.size() && !nest.isReduced(nest.loops[most].mode))
      ++most;
    nest.scopeLevel = unsigned(uniform(0, most));
    SCOPED_TRACE(show(spec, nest));
    SerialCycles c = serialCycles(nest, machine);
    Walk w = walk(nest, machine);
    EXPECT_EQ(c.total(), w.total);
    EXPECT_EQ(c.beats + c.bankConflict, w.beatCycles);
    EXPECT_EQ(c.tiles, w.tiles);
    EXPECT_EQ(c.loadBeats, w.loadBeats);
    EXPECT_EQ(c.networkAdditions, w.networkAdditions);
    EXPECT_GE(c.stationaryReload, 0);
    EXPECT_GE(c.drainBusy, 0);
    EXPECT_GE(c.drain, 0);
    if (HasFailure())
      return;
  }
}

namespace {

/// Every mapping of a small contraction whose layouts are given: all lane
/// shares, all orders of the loops, every way to block one loop, all scopes.
class Exhaustive {
public:
  Exhaustive(const ContractionSpec &spec, const Machine &machine)
      : spec(spec), machine(machine) {}

  int64_t best() {
    for (Dataflow dataflow : {Dataflow::AStationary, Dataflow::BStationary,
                              Dataflow::OutputStationary}) {
      hand.dataflow = dataflow;
      hand.sizes = spec.sizes;
      hand.modes = spec.modes;
      for (unsigned id = 0; id < 3; ++id)
        hand.layouts[id] = *spec.layouts[id];
      used.assign(spec.sizes.size(), 0);
      lanes(0);
    }
    return bestTotal;
  }

private:
  bool holds(unsigned id, unsigned mode) const {
    return llvm::is_contained(spec.modes[id], mode);
  }
  bool mayLieOnRows(unsigned m) const {
    if (hand.dataflow == Dataflow::OutputStationary)
      return holds(OperandC, m) && !holds(OperandB, m);
    return !holds(OperandC, m);
  }
  bool mayLieOnColumns(unsigned m) const {
    bool swapped = hand.dataflow == Dataflow::AStationary;
    return holds(OperandC, m) && !holds(swapped ? OperandB : OperandA, m);
  }

  /// Gives every mode its bits one at a time, to any lane that may have them.
  void lanes(unsigned m) {
    if (m == spec.sizes.size()) {
      orders();
      return;
    }
    lanes(m + 1);
    if (int64_t(1) << used[m] >= spec.sizes[m])
      return;
    auto give = [&](llvm::SmallVectorImpl<ModeBit> &list, unsigned room) {
      if (list.size() == room)
        return;
      list.push_back({m, used[m]++});
      lanes(m);
      --used[m];
      list.pop_back();
    };
    give(hand.ce, machine.ceBits);
    if (mayLieOnRows(m))
      give(hand.row, machine.peRowBits);
    if (mayLieOnColumns(m))
      give(hand.column, machine.peColumnBits);
  }

  void orders() {
    llvm::SmallVector<Loop, 8> full;
    for (unsigned m = 0; m < spec.sizes.size(); ++m) {
      int64_t step = int64_t(1) << used[m];
      int64_t count = (spec.sizes[m] + step - 1) / step;
      if (count > 1)
        full.push_back({m, count, step});
    }
    permute(full);
    for (unsigned l = 0; l < full.size(); ++l)
      for (int64_t inner = 2; inner < full[l].count; ++inner) {
        if (full[l].count % inner || !holds(OperandC, full[l].mode))
          continue;
        llvm::SmallVector<Loop, 8> split = full;
        split[l].count = inner;
        split.push_back(
            {full[l].mode, full[l].count / inner, full[l].weight * inner});
        permute(split);
      }
  }

  void permute(llvm::SmallVector<Loop, 8> loops) {
    auto less = [](const Loop &a, const Loop &b) {
      return std::make_pair(a.mode, a.weight) <
             std::make_pair(b.mode, b.weight);
    };
    llvm::sort(loops, less);
    do {
      hand.loops = loops;
      Nest nest = hand.build(machine);
      nest.operands[OperandC].elementType = spec.resultType;
      for (unsigned level = 0; level <= loops.size(); ++level) {
        nest.scopeLevel = level;
        if (fits(nest))
          bestTotal = std::min(bestTotal, serialCycles(nest, machine).total());
        if (level < loops.size() && nest.isReduced(loops[level].mode))
          break;
      }
    } while (std::next_permutation(loops.begin(), loops.end(), less));
  }

  /// Rows of a scope, counted generously: whole ranges of every mode.
  bool fits(const Nest &nest) const {
    int64_t rows = 1;
    for (unsigned m = 0; m < spec.sizes.size(); ++m) {
      if (nest.isReduced(m))
        continue;
      int64_t last = (int64_t(1) << used[m]) - 1;
      for (unsigned l = nest.scopeLevel; l < nest.loops.size(); ++l)
        if (nest.loops[l].mode == m)
          last += (nest.loops[l].count - 1) * nest.loops[l].weight;
      last = std::min(last, spec.sizes[m] - 1);
      rows *= (last >> nest.c().modes[m]->lowBits) + 1;
    }
    return rows <= machine.accumulatorRows;
  }

  const ContractionSpec &spec;
  const Machine &machine;
  HandMade hand;
  llvm::SmallVector<unsigned, 8> used;
  int64_t bestTotal = std::numeric_limits<int64_t>::max();
};

} // namespace

TEST_F(MapperProperty, ComparedWithEveryMapping) {
  int compared = 0, equal = 0;
  double worst = 1, sum = 0;
  for (int round = 0; round < 60; ++round) {
    Machine machine;
    machine.ceBits = unsigned(uniform(0, 2));
    machine.peRowBits = unsigned(uniform(0, 1));
    machine.peColumnBits = unsigned(uniform(0, 1));
    // Short pipelines let the rest of the cycles count.
    machine.latency = {0, 64, 0, 0, 0, 0, 0, 1};
    ContractionSpec spec = randomSpec(300, 4);
    spec.dataflow.reset();
    if (chance(30))
      machine.accumulatorRows = uniform(2, 8);
    for (unsigned id = 0; id < 3; ++id)
      spec.layouts[id] = randomLayout(spec, id, machine);
    llvm::Expected<MappedContraction> mapped = mapContraction(spec, machine);
    ASSERT_TRUE(bool(mapped)) << llvm::toString(mapped.takeError());
    int64_t best = Exhaustive(spec, machine).best();
    double gap = double(mapped->cycles.total()) / double(best);
    ++compared;
    equal += mapped->cycles.total() <= best;
    sum += gap;
    if (gap > worst) {
      worst = gap;
      std::printf("gap %.3f: %lld against %lld\n%s", gap,
                  (long long)mapped->cycles.total(), (long long)best,
                  show(spec, mapped->nest).c_str());
    }
  }
  std::printf(
      "of %d contractions %d no worse than every mapping; mean gap %.4f, "
      "worst %.4f\n",
      compared, equal, sum / compared, worst);
  EXPECT_LE(sum / compared, 1.02);
  EXPECT_LE(worst, 1.25);
}

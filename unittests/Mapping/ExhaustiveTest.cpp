//===- ExhaustiveTest.cpp - The mapper against every mapping --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BruteForce.h"
#include "RandomSpecs.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <limits>

using namespace fetta;
using namespace fetta::test;

namespace {

/// Every mapping of a small contraction: all lane shares, all orders of the
/// loops, every way to block one loop, all scopes. Operands without a layout
/// meet no conflict; of the result every layout is tried, for its rows count.
class Exhaustive {
public:
  Exhaustive(const ContractionSpec &spec, const Machine &machine)
      : spec(spec), machine(machine) {}

  const Nest &best() {
    for (Dataflow dataflow : {Dataflow::AStationary, Dataflow::BStationary,
                              Dataflow::OutputStationary}) {
      hand.dataflow = dataflow;
      hand.sizes = spec.sizes;
      hand.modes = spec.modes;
      for (OperandId id : {OperandA, OperandB, OperandC}) {
        llvm::SmallVector<int64_t, 8> sizes;
        for (unsigned m : spec.modes[id])
          sizes.push_back(spec.sizes[m]);
        hand.layouts[id] = spec.layouts[id].value_or(lowBitLayout(
            sizes, llvm::SmallVector<unsigned, 8>(sizes.size()), machine));
      }
      used.assign(spec.sizes.size(), 0);
      if (spec.layouts[OperandC])
        lanes(0);
      else
        resultLayouts({}, machine.laneBits());
    }
    return bestNest;
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

  /// All layouts of the result that fill its rows as far as they can.
  void resultLayouts(llvm::SmallVector<unsigned, 8> lowBits, unsigned left) {
    llvm::ArrayRef<unsigned> modes = spec.modes[OperandC];
    if (lowBits.size() == modes.size()) {
      llvm::SmallVector<int64_t, 8> sizes;
      for (unsigned m : modes)
        sizes.push_back(spec.sizes[m]);
      hand.layouts[OperandC] = lowBitLayout(sizes, lowBits, machine);
      lanes(0);
      return;
    }
    auto size = uint64_t(spec.sizes[modes[lowBits.size()]]);
    lowBits.push_back(0);
    for (unsigned bits = 0; bits <= std::min(left, llvm::Log2_64_Ceil(size));
         ++bits) {
      lowBits.back() = bits;
      resultLayouts(lowBits, left - bits);
    }
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
      for (OperandId id : {OperandA, OperandB})
        if (!spec.layouts[id])
          nest.operands[id].serialLanes = 0;
      // With its layout free, its bits may lie where the lanes are.
      if (!spec.layouts[OperandC] && nest.operands[OperandC].serialLanes != 0)
        return;
      for (unsigned level = 0; level <= loops.size(); ++level) {
        nest.scopeLevel = level;
        if (!fits(nest))
          ;
        else if (int64_t total = serialCycles(nest, machine).total();
                 total < bestTotal) {
          bestTotal = total;
          bestNest = nest;
        }
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
  Nest bestNest;
  int64_t bestTotal = std::numeric_limits<int64_t>::max();
};

} // namespace

namespace {
class MapperExhaustive : public RandomSpecs {};
} // namespace

// On 1,000 random contractions (FETTA_LONG=1) on small machines, layouts given,
// partly given and free, at least 95 of 100 mappings are as good as the best of
// all, and none is more than 5 percent worse.
TEST_F(MapperExhaustive, NoMappingIsMuchBetter) {
  const int rounds = std::getenv("FETTA_LONG") ? 1000 : 150;
  int equal = 0, better = 0;
  double worst = 1, sum = 0;
  std::array<int, 4> given = {};
  for (int round = 0; round < rounds; ++round) {
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
    // A third with all layouts, a third with none, the rest with some.
    int64_t share = round % 3 == 0 ? 100 : round % 3 == 1 ? 0 : 50;
    unsigned count = 0;
    for (unsigned id = 0; id < 3; ++id)
      if (chance(share)) {
        spec.layouts[id] = randomLayout(spec, id, machine);
        ++count;
      }
    ++given[count];
    llvm::Expected<MappedContraction> mapped = mapContraction(spec, machine);
    ASSERT_TRUE(bool(mapped)) << llvm::toString(mapped.takeError());
    Exhaustive every(spec, machine);
    const Nest &bestNest = every.best();
    int64_t best = serialCycles(bestNest, machine).total();
    int64_t total = mapped->cycles.total();
    double gap = double(total) / double(best);
    equal += total <= best;
    better += total < best;
    sum += std::max(1.0, gap);
    if (gap > 1.0) {
      worst = std::max(worst, gap);
      std::printf("round %d: %lld against %lld, gap %.3f, %u layouts "
                  "given\n%sbest:\n%s",
                  round, (long long)total, (long long)best, gap, count,
                  show(spec, mapped->nest).c_str(),
                  describe(bestNest, {}).c_str());
    }
  }
  std::printf(
      "of %d contractions (%d, %d, %d, %d with 0 to 3 layouts given) %d "
      "are no worse than every mapping, %d of them better than those "
      "with one loop in blocks; mean gap %.4f, worst %.4f\n",
      rounds, given[0], given[1], given[2], given[3], equal, better,
      sum / rounds, worst);
  EXPECT_GE(equal * 100, rounds * 95);
  EXPECT_LE(worst, 1.05);
}

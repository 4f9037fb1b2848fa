//===- LeastCyclesTest.cpp - Least cycles against every mapping -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every lane table and loop order of small contractions, walked beat by beat by
// the rules of docs/Machine.md, section 3: the best of them is what the closed
// form says. Random nests with conflicts, and whole runs, are never faster.
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/ArrayJobs.h"
#include "fetta/Simulator/Limits.h"
#include "fetta/Simulator/Timing.h"

#include "TestPrograms.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <numeric>

using namespace fetta;
using namespace fetta::test;

namespace {

/// A[held by A] B[held by B] -> C, by mode.
struct Contraction {
  llvm::SmallVector<int64_t, 8> sizes;
  std::array<llvm::SmallVector<unsigned, 8>, 3> modes;
  bool holds(unsigned id, unsigned mode) const {
    return llvm::is_contained(modes[id], mode);
  }
};

/// Finds the best of all mappings by walking each.
class EveryMapping {
public:
  EveryMapping(const Contraction &contraction, const Machine &machine)
      : contraction(contraction), machine(machine),
        bits(contraction.sizes.size(), 0) {
    for (Dataflow each : {Dataflow::AStationary, Dataflow::BStationary,
                          Dataflow::OutputStationary}) {
      dataflow = each;
      lanes(0, 0);
    }
  }

  LeastCycles best = {1 << 30, 1 << 30, 1, 1 << 30};

private:
  bool outputStationary() const {
    return dataflow == Dataflow::OutputStationary;
  }
  unsigned held() const { return dataflow == Dataflow::AStationary ? 0 : 1; }
  bool mayLie(unsigned lane, unsigned m) const {
    bool a = contraction.holds(0, m), b = contraction.holds(1, m),
         c = contraction.holds(2, m);
    if (lane < machine.peRowBits)
      return outputStationary() ? c && !b : !c;
    if (lane < machine.peRowBits + machine.peColumnBits)
      return c && (held() == 0 ? !b : !a);
    return true;
  }

  /// Gives every lane bit from `lane` on a mode, or none.
  void lanes(unsigned lane, unsigned rows) {
    if (lane ==
        machine.peRowBits + machine.peColumnBits + unsigned(machine.ceBits)) {
      std::vector<unsigned> order(bits.size());
      std::iota(order.begin(), order.end(), 0u);
      do
        walk(order, int64_t(1) << rows);
      while (std::next_permutation(order.begin(), order.end()));
      return;
    }
    lanes(lane + 1, rows);
    for (unsigned m = 0; m < bits.size(); ++m) {
      if (!mayLie(lane, m) || int64_t(1) << bits[m] >= contraction.sizes[m])
        continue;
      ++bits[m];
      lanes(lane + 1, rows + (lane < machine.peRowBits));
      --bits[m];
    }
  }

  /// One loop per mode, outermost first.
  void walk(llvm::ArrayRef<unsigned> order, int64_t peRows) {
    std::vector<int64_t> counts, at(order.size(), 0);
    size_t inner = order.size(); // The innermost run of reduced loops.
    for (unsigned m : order)
      counts.push_back((contraction.sizes[m] + (1 << bits[m]) - 1) >> bits[m]);
    while (inner > 0 && !contraction.holds(2, order[inner - 1]))
      --inner;
    std::map<std::vector<int64_t>, int64_t> beatsOfWords;
    int64_t now = 0;       // Cycle after the last beat.
    int64_t tileBegin = 0; // Of the tile before; its load has ended then.
    int64_t drainEnd = 0;
    std::vector<int64_t> last;
    for (bool more = true; more;) {
      std::vector<int64_t> tile, word;
      for (size_t l = 0; l < order.size(); ++l) {
        if (outputStationary() ? l < inner
                               : contraction.holds(held(), order[l]))
          tile.push_back(at[l]);
        if (contraction.holds(2, order[l]))
          word.push_back(at[l]);
      }
      bool first = now == 0;
      if (!first && tile != last) {
        if (outputStationary()) {
          now = std::max(now, drainEnd);
          drainEnd = now + peRows;
        } else {
          now = std::max(now, tileBegin + peRows);
        }
      }
      if (first || tile != last)
        tileBegin = now;
      last = tile;
      ++now;
      ++beatsOfWords[word];
      more = false;
      for (size_t l = order.size(); l-- > 0 && !more;) {
        more = ++at[l] < counts[l];
        if (!more)
          at[l] = 0;
      }
    }
    now = std::max(now, drainEnd);
    best.window = std::min(best.window, now);
    best.alone = std::min(best.alone, now + peRows - 1);
    for (auto &[word, beats] : beatsOfWords)
      best.word = std::min(best.word, beats);
  }

  const Contraction &contraction;
  const Machine &machine;
  Dataflow dataflow = Dataflow::AStationary;
  std::vector<unsigned> bits;
};

Nest nestOf(const Contraction &contraction, ElementType type) {
  Nest nest;
  nest.sizes = contraction.sizes;
  for (unsigned id = 0; id < 3; ++id) {
    nest.operands[id].modes.resize(contraction.sizes.size());
    for (unsigned m : contraction.modes[id])
      nest.operands[id].modes[m] = DimLayout();
  }
  nest.operands[OperandC].elementType = type;
  return nest;
}

Machine machineOf(unsigned ce, unsigned rows, unsigned columns) {
  return smallMachine(ce, rows, columns);
}

} // namespace

TEST(LeastCycles, TheBestOfEveryMapping) {
  const std::vector<Contraction> contractions = {
      {{5, 5, 6}, {{{0, 1}, {1, 2}, {0, 2}}}}, // Ragged.
      {{7, 9}, {{{0}, {0, 1}, {1}}}},          // Matrix times vector.
      {{9, 7}, {{{0}, {1}, {0, 1}}}},          // Outer product.
      {{3, 5, 4}, {{{0, 1}, {0, 1, 2}, {2}}}}, // Two reduced modes.
      {{3, 2, 5, 3}, {{{0, 1, 2}, {0, 2, 3}, {0, 1, 3}}}}, // A batch.
      {{6, 3, 3}, {{{0, 1, 2}, {1, 2}, {0}}}},
      {{5, 3, 3}, {{{0, 1}, {0, 2}, {0, 1, 2}}}}, // Nothing is summed.
      {{12}, {{{0}, {0}, {}}}},
      {{1}, {{{0}, {0}, {0}}}}};
  for (auto [ce, rows, columns] :
       {std::array<unsigned, 3>{2, 1, 1}, {1, 2, 1}, {2, 0, 2}, {0, 2, 2}}) {
    Machine machine = machineOf(ce, rows, columns);
    LeastCyclesOf leastCyclesOf(machine);
    for (auto [n, contraction] : llvm::enumerate(contractions)) {
      SCOPED_TRACE("contraction " + std::to_string(n) + ", " +
                   std::to_string(ce) + "+" + std::to_string(rows) + "+" +
                   std::to_string(columns) + " bits");
      LeastCycles best = EveryMapping(contraction, machine).best;
      LeastCycles least = leastCyclesOf(nestOf(contraction, ElementType::BF16));
      EXPECT_EQ(least.window, best.window);
      EXPECT_EQ(least.alone, best.alone);
      EXPECT_EQ(least.word, best.word);
    }
  }
}

TEST(LeastCycles, RowsOfAResult) {
  Machine machine = machineOf(2, 0, 1); // 8 words a row.
  LeastCyclesOf leastCyclesOf(machine);
  auto rows = [&](int64_t m, int64_t n, ElementType type) {
    return leastCyclesOf(nestOf({{m, n}, {{{0}, {1}, {0, 1}}}}, type)).drain;
  };
  EXPECT_EQ(rows(8, 8, ElementType::BF16), 8);
  EXPECT_EQ(rows(8, 8, ElementType::F32), 16);
  EXPECT_EQ(rows(1, 1, ElementType::F32), 2);
  // 5 by 5: whole columns of 8 places, or pieces of 4 by 2.
  EXPECT_EQ(rows(5, 5, ElementType::BF16), 5);
  EXPECT_EQ(rows(6, 4, ElementType::BF16), 3);
}

TEST(LeastCycles, RandomNestsTakeLonger) {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    Machine machine =
        machineOf(2 + seed % 2, 1 + seed / 2 % 2, 1 + seed / 4 % 2);
    RandomNestOptions options;
    options.seed = seed;
    options.missingBits = seed % 3 == 0 ? 1 : 0;
    options.splitReduction = seed % 5 == 0;
    options.maxMultiplyAdds = 3000;
    Program program = programOf(randomContraction(machine, options), machine);
    EXPECT_LE(limitsOf(program, 0).largest(), timeProgram(program).cycles)
        << "seed " << seed;
  }
}

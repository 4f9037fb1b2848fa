//===- RowClockTest.cpp - Dates of rows against tile events ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The mapper's dates of rows and the tile-event model are written apart. The
// first are a lower bound of the second, and equal where every tensor has a
// slab of its own and routes are there.
//
//===----------------------------------------------------------------------===//

#include "fetta/Mapping/Mapping.h"
#include "fetta/Mapping/RowOrder.h"
#include "fetta/Simulator/Timing.h"

#include "TestPrograms.h"

#include "gtest/gtest.h"

#include <limits>
#include <map>
#include <random>

using namespace fetta;
using namespace fetta::test;

namespace {

/// Contractions each of which may read the result of the one before.
struct Chain {
  std::vector<Nest> nests;
  std::vector<std::array<bool, 2>> reads;
};

Chain drawChain(const Machine &machine, uint64_t seed) {
  std::mt19937_64 random(seed);
  auto draw = [&](int64_t from, int64_t to) {
    return from + int64_t(random() % uint64_t(to - from + 1));
  };
  Chain chain;
  std::optional<Layout> result;
  for (int64_t left = draw(2, 4); left > 0; --left) {
    // The first operand has rows, columns and a third mode.
    std::array<int64_t, 3> a;
    for (size_t d = 0; d < 3; ++d)
      a[d] = result ? result->dims[d].size : draw(1, 9);
    ContractionSpec spec;
    spec.sizes = {a[0], a[1], a[2], draw(1, 7)};
    // Sums over the third mode, or the second as well.
    if (draw(0, 1))
      spec.modes = {llvm::SmallVector<unsigned, 8>{0, 1, 2}, {2, 3}, {0, 1, 3}};
    else
      spec.modes = {
          llvm::SmallVector<unsigned, 8>{0, 1, 2}, {1, 2, 3, 4}, {0, 3, 4}};
    if (spec.modes[1].size() == 4)
      spec.sizes.push_back(draw(1, 5));
    if (draw(0, 3))
      spec.dataflow = Dataflow(draw(0, 2));
    bool reads = result && draw(0, 5);
    if (result)
      spec.layouts[OperandA] = result;
    bool swapped = draw(0, 1);
    if (swapped) {
      std::swap(spec.modes[0], spec.modes[1]);
      std::swap(spec.layouts[0], spec.layouts[1]);
    }
    MappedContraction mapped = must(mapContraction(spec, machine));
    chain.nests.push_back(mapped.nest);
    chain.reads.push_back({reads && !swapped, reads && swapped});
    result = mapped.layouts[OperandC];
  }
  return chain;
}

/// Beats and end of every contraction in the tile-event model. Tensors lie in
/// slabs of their own, or two and two in one.
struct Beats : TimelineSink {
  std::map<uint32_t, std::pair<int64_t, int64_t>> of;
  void interval(unsigned resource, CycleClass cycleClass, int64_t from,
                int64_t to, uint32_t instruction) override {
    if (resource != 0 || cycleClass != CycleClass::Beat)
      return;
    auto [it, isNew] = of.try_emplace(instruction, from, to);
    it->second.second = to;
  }
};

ProgramTiming timeOf(const Chain &chain, const Machine &machine, bool shared,
                     Beats &beats) {
  Program program;
  program.machine = machine;
  int64_t slab = 0, before = 0;
  for (auto [i, nest] : llvm::enumerate(chain.nests)) {
    Contract contract;
    contract.nest = nest;
    for (unsigned id = 0; id < 3; ++id) {
      Operand &operand = contract.nest.operands[id];
      operand.slab = id < 2 && chain.reads[i][id] ? before
                     : shared                     ? slab++ / 2
                                                  : slab++;
      // What shares a slab shares no rows.
      operand.baseRow = 512 * operand.slab + (shared ? 256 * (slab % 2) : 0);
      if (id < 2 && chain.reads[i][id])
        operand.baseRow =
            std::get<Contract>(program.code.back()).nest.c().baseRow;
    }
    before = contract.nest.c().slab;
    program.code.push_back(contract);
  }
  program.code.push_back(Halt());
  TimingOptions options;
  options.sink = &beats;
  return timeProgram(program, options);
}

Machine drawMachine(uint64_t seed) {
  Machine machine = smallMachine(2 + seed % 3, 1 + seed / 3 % 2, 2);
  machine.slabs = 16;
  machine.rowsPerSlab = 16384;
  return machine;
}

} // namespace

TEST(RowClock, SameDatesAsTileEvents) {
  unsigned waited = 0, earlier = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Machine machine = drawMachine(seed);
    Chain chain = drawChain(machine, seed);
    Beats beats, conflicts;
    ProgramTiming timing = timeOf(chain, machine, false, beats);
    timeOf(chain, machine, true, conflicts);
    ArrayClock clock;
    clock.values.resize(chain.nests.size());
    bool equal = true;
    for (auto [i, nest] : llvm::enumerate(chain.nests)) {
      constexpr unsigned none = ArrayClock::none;
      std::array<unsigned, 3> values = {none, none, unsigned(i)};
      for (unsigned id = 0; id < 2; ++id)
        if (chain.reads[i][id])
          values[id] = unsigned(i) - 1;
      ArrayClock alone = clock;
      RowWalk walk(nest, machine);
      WalkDates dates = runWalk(walk, machine, clock, values);
      auto [first, end] = beats.of[uint32_t(i)];
      ASSERT_LE(dates.first, first) << "contraction " << i;
      ASSERT_LE(dates.end, end) << "contraction " << i;
      // The first load of a row that was written early delays later drains.
      equal &= dates.first == first && dates.end == end;
      EXPECT_LE(dates.end, conflicts.of[uint32_t(i)].second);
      waited += dates.end >
                runWalk(walk, machine, alone, {none, none, unsigned(i)}).end;
    }
    int64_t written = finishDrains(clock);
    EXPECT_LE(written, timing.cycles);
    equal &= written == timing.cycles;
    for (auto [i, rows] : llvm::enumerate(clock.values))
      equal &= *std::max_element(rows.begin(), rows.end()) ==
               timing.instructions[i].end;
    earlier += !equal;
  }
  EXPECT_LE(earlier, 6u); // Of 300 chains.
  EXPECT_GT(waited, 200u);
}

TEST(RowClock, FollowingIsWhatTwoAloneTake) {
  unsigned earlier = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Machine machine = drawMachine(seed);
    Chain chain = drawChain(machine, seed);
    chain.nests.resize(2);
    chain.reads.resize(2);
    Beats beats;
    timeOf(chain, machine, false, beats);
    Following gap =
        followingOf(chain.nests[0], chain.nests[1], chain.reads[1], machine);
    int64_t start = beats.of[1].first - beats.of[0].second,
            finish = beats.of[1].second - beats.of[0].second;
    EXPECT_LE(gap.start, start);
    EXPECT_LE(gap.finish, finish);
    earlier += gap.start != start || gap.finish != finish;
  }
  EXPECT_LE(earlier, 2u); // Of 100 pairs.
}

TEST(RowClock, ALastTileWaitsForManyRowsToDrain) {
  // Scopes of more rows than the pipeline has cycles, and the last tile of the
  // contraction waits for the half that two scopes before it fill.
  Machine machine = drawMachine(1);
  ContractionSpec spec;
  spec.sizes = {96, 2, 2};
  spec.modes = {llvm::SmallVector<unsigned, 8>{0, 1}, {1, 2}, {0, 2}};
  spec.resultType = ElementType::F32;
  spec.dataflow = Dataflow::OutputStationary;
  // A row for each word of the result.
  spec.layouts[OperandC] = Layout::packed(
      {96, 2}, llvm::SmallVector<BankBit, 8>(machine.laneBits()), {0, 1});
  Nest nest = must(mapContraction(spec, machine)).nest;
  Chain chain;
  for (unsigned i = 0; i < 3; ++i) {
    chain.nests.push_back(nest);
    chain.reads.push_back({false, false});
  }
  Beats beats;
  ProgramTiming timing = timeOf(chain, machine, false, beats);
  ArrayClock clock;
  clock.values.resize(3);
  for (unsigned i = 0; i < 3; ++i)
    runWalk(RowWalk(nest, machine), machine, clock,
            {ArrayClock::none, ArrayClock::none, i});
  EXPECT_EQ(finishDrains(clock), timing.cycles);
}

TEST(RowOrder, AgainstEveryOrder) {
  unsigned best = 0, better = 0, count = 60;
  for (uint64_t seed = 1; seed <= count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Machine machine = drawMachine(seed);
    // Two chains that may go between each other.
    std::vector<RowTask> tasks;
    for (uint64_t half = 0; half < 2; ++half) {
      Chain chain = drawChain(machine, 2 * seed + half);
      for (auto [i, nest] : llvm::enumerate(chain.nests)) {
        if (i == 3)
          break;
        RowTask task;
        task.walk = RowWalk(nest, machine);
        auto number = unsigned(tasks.size());
        task.values[OperandC] = number;
        for (unsigned id = 0; id < 2; ++id)
          if (chain.reads[i][id]) {
            task.values[id] = number - 1;
            task.before = {number - 1};
          }
        // As behind a loss.
        if (half == 1 && i == 1 && task.before.empty()) {
          task.written = {number - 1};
          task.before = {number - 1};
        }
        tasks.push_back(std::move(task));
      }
    }
    std::vector<unsigned> given, order;
    for (unsigned t = 0; t < tasks.size(); ++t)
      given.push_back(t);
    order = given;
    int64_t least = std::numeric_limits<int64_t>::max();
    do {
      std::vector<bool> done(tasks.size());
      bool legal = true;
      for (unsigned t : order) {
        for (unsigned before : tasks[t].before)
          legal &= done[before];
        done[t] = true;
      }
      if (legal)
        least = std::min(least, runOrder(tasks, order, machine));
    } while (std::next_permutation(order.begin(), order.end()));
    std::vector<unsigned> found =
        improveOrder(tasks, given, 24, int64_t(1) << 40, machine);
    int64_t cycles = runOrder(tasks, found, machine);
    EXPECT_GE(cycles, least);
    EXPECT_LE(cycles, runOrder(tasks, given, machine));
    better += cycles < runOrder(tasks, given, machine);
    best += cycles == least;
    EXPECT_EQ(improveOrder(tasks, given, 24, 0, machine), given);
    // No task may pass another.
    EXPECT_EQ(improveOrder(tasks, given, 1, int64_t(1) << 40, machine), given);
  }
  EXPECT_GT(better, count / 3);
  EXPECT_GE(best, count / 2); // One move at a time, from program order.
}

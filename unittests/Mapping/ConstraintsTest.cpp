//===- ConstraintsTest.cpp - Mappings that are held to something ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BruteForce.h"
#include "RandomSpecs.h"

#include "fetta/Mapping/Program.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

/// X [b, i0, i1, i2] * E [i1, i2, r] -> [b, i0, r] of worked example 1.
ContractionSpec example1() {
  ContractionSpec spec;
  spec.sizes = {32, 8, 8, 12, 12};
  spec.modes = {{{0, 1, 2, 3}, {2, 3, 4}, {0, 1, 4}}};
  spec.names = {"b", "i0", "i1", "i2", "r"};
  return spec;
}

unsigned bitsOn(llvm::ArrayRef<std::optional<ModeBit>> lanes, unsigned mode) {
  return unsigned(llvm::count_if(
      lanes, [&](const auto &bit) { return bit && bit->mode == mode; }));
}

/// What is broken of the constraints in a nest; empty if nothing.
std::string broken(const ContractionSpec &spec, const Nest &nest) {
  const MappingConstraints &constraints = spec.constraints;
  if (spec.dataflow && nest.dataflow != *spec.dataflow)
    return "dataflow";
  for (unsigned m = 0; m < spec.sizes.size(); ++m) {
    auto differs = [&](const auto &list, unsigned bits) {
      return m < list.size() && list[m] && *list[m] != bits;
    };
    if (differs(constraints.rows, bitsOn(nest.lanes.row, m)))
      return "rows";
    if (differs(constraints.columns, bitsOn(nest.lanes.column, m)))
      return "columns";
    if (differs(constraints.ces, bitsOn(nest.lanes.ce, m)))
      return "ces";
    if (m >= constraints.scope.size() || !constraints.scope[m])
      continue;
    int64_t inside =
        int64_t(1) << (bitsOn(nest.lanes.row, m) +
                       bitsOn(nest.lanes.column, m) + bitsOn(nest.lanes.ce, m));
    for (const Loop &loop : llvm::drop_begin(nest.loops, nest.scopeLevel))
      if (loop.mode == m)
        inside *= loop.count;
    if (std::min(inside, spec.sizes[m]) !=
        std::min(*constraints.scope[m], spec.sizes[m]))
      return "scope";
  }
  for (bool outside : {true, false}) {
    size_t rank = 0;
    for (auto [l, loop] : llvm::enumerate(nest.loops)) {
      const unsigned *it = llvm::find(constraints.loops, loop.mode);
      if ((l < nest.scopeLevel) != outside || it == constraints.loops.end())
        continue;
      if (size_t(it - constraints.loops.begin()) < rank)
        return "loops";
      rank = size_t(it - constraints.loops.begin());
    }
  }
  return "";
}

std::string messageOf(const ContractionSpec &spec,
                      const Machine &machine = Machine()) {
  llvm::Expected<MappedContraction> mapped = mapContraction(spec, machine);
  if (mapped)
    return "mapped:\n" + describe(mapped->nest, spec.names);
  return llvm::toString(mapped.takeError());
}

} // namespace

// The mapping by hand of docs/Machine.md, section 10.1: 288 beats, 9 tiles, and
// all of b in one scope.
TEST(Constraints, TheWorkedExampleByHand) {
  Machine machine;
  ContractionSpec spec = example1();
  spec.dataflow = Dataflow::BStationary;
  spec.constraints.rows = {{}, {}, {}, 2u, {}};
  spec.constraints.columns = {{}, {}, {}, {}, 2u};
  spec.constraints.ces = {0u, 3u, 3u, 0u, 0u};
  spec.constraints.scope = {32, 8, {}, {}, 12};
  spec.constraints.loops = {4, 0};
  llvm::Expected<MappedContraction> mapped = mapContraction(spec, machine);
  ASSERT_TRUE(bool(mapped)) << llvm::toString(mapped.takeError());
  EXPECT_EQ(broken(spec, mapped->nest), "");
  EXPECT_EQ(mapped->cycles.beats, 288);
  EXPECT_EQ(mapped->cycles.tiles, 9);
  EXPECT_EQ(mapped->nest.scopeLevel, 0u);
  // Nothing is better than the free choice.
  llvm::Expected<MappedContraction> free = mapContraction(example1(), machine);
  ASSERT_TRUE(bool(free));
  EXPECT_GE(mapped->cycles.total(), free->cycles.total());
}

TEST(Constraints, MessagesNameWhatIsNearest) {
  ContractionSpec spec = example1();
  spec.constraints.rows = {{}, {}, 1u, 2u, {}};
  EXPECT_EQ(messageOf(spec), "rows: 3 bits are asked for, the machine has 2: "
                             "at most 2 in all");
  spec = example1();
  spec.constraints.ces = {{}, 4u, {}, {}, {}};
  EXPECT_EQ(messageOf(spec), "rows, columns and ces: 4 bits of mode i0 are "
                             "asked for, its size 8 has 3: at most 3 in all");
  spec = example1();
  spec.dataflow = Dataflow::BStationary;
  spec.constraints.rows = {1u, {}, {}, {}, {}};
  EXPECT_EQ(messageOf(spec),
            "rows: mode b cannot lie there B-stationary, where "
            "only i1, i2 can");
  spec = example1();
  spec.dataflow = Dataflow::OutputStationary;
  spec.constraints.columns = {{}, {}, 1u, {}, {}};
  EXPECT_EQ(messageOf(spec), "columns: mode i1 cannot lie there "
                             "output-stationary, where only r can");
  spec = example1();
  spec.constraints.scope = {{}, {}, {}, 4, {}};
  EXPECT_EQ(messageOf(spec), "scope: mode i2 is reduced, all of its 12 indices "
                             "lie inside a scope: at least 12");
  spec = example1();
  spec.constraints.loops = {0, 3};
  EXPECT_EQ(messageOf(spec),
            "loops: mode i2 is reduced; its loop has its place "
            "by the dataflow: name modes of the result only");
  spec = example1();
  spec.constraints.loops = {0, 1, 0};
  EXPECT_EQ(messageOf(spec), "loops: mode b is named twice");
  // 12 is no multiple of 8 indices on lanes; 8 and 16 are as near.
  spec = example1();
  spec.constraints.ces = {3u, {}, {}, {}, {}};
  spec.constraints.scope = {12, {}, {}, {}, {}};
  EXPECT_NE(messageOf(spec).find("no mapping holds 12 indices of mode b inside "
                                 "a scope"),
            std::string::npos);
  EXPECT_NE(messageOf(spec).find("; 8 would do"), std::string::npos);
}

TEST(Constraints, ProgramsKeepThemApart) {
  // Two equal contractions, one of them held to a dataflow that it would not
  // take, one to a scope.
  ProgramSpec program;
  ContractionSpec spec = example1();
  for (const auto &modes : spec.modes) {
    program.values.emplace_back();
    for (unsigned m : modes)
      program.values.back().sizes.push_back(spec.sizes[m]);
  }
  program.values.push_back(program.values.back());
  program.steps.push_back({spec, {0, 1, 2}});
  program.steps.push_back({spec, {0, 1, 3}});
  program.steps[0].contraction.constraints.scope = {8, {}, {}, {}, {}};
  program.steps[1].contraction.dataflow = Dataflow::OutputStationary;
  for (LayoutChoice choice : {LayoutChoice::Joint, LayoutChoice::Separate}) {
    llvm::Expected<MappedProgram> mapped =
        mapProgram(program, Machine(), {choice});
    ASSERT_TRUE(bool(mapped)) << llvm::toString(mapped.takeError());
    for (unsigned s = 0; s < 2; ++s)
      EXPECT_EQ(broken(program.steps[s].contraction, mapped->steps[s].nest),
                "");
  }
}

namespace {
class ConstraintsProperty : public RandomSpecs {};
} // namespace

// Parts of the mapping that a free search finds are always possible, and never
// cost more than it does; other numbers are met or refused.
TEST_F(ConstraintsProperty, MetOrRefused) {
  int met = 0, refused = 0;
  for (int round = 0; round < 150; ++round) {
    Machine machine = randomMachine();
    ContractionSpec spec = randomSpec(3000, 5);
    spec.dataflow.reset();
    if (chance(30))
      machine.accumulatorRows = uniform(2, 12);
    llvm::Expected<MappedContraction> free = mapContraction(spec, machine);
    ASSERT_TRUE(bool(free));
    const Nest &nest = free->nest;
    bool possible = chance(50);
    MappingConstraints &constraints = spec.constraints;
    auto modes = unsigned(spec.sizes.size());
    constraints.rows.resize(modes);
    constraints.columns.resize(modes);
    constraints.ces.resize(modes);
    constraints.scope.resize(modes);
    for (unsigned m = 0; m < modes; ++m) {
      auto off = [&] { return possible ? 0u : unsigned(uniform(0, 1)); };
      if (chance(40))
        constraints.rows[m] = bitsOn(nest.lanes.row, m) + off();
      if (chance(40))
        constraints.columns[m] = bitsOn(nest.lanes.column, m) + off();
      if (chance(40))
        constraints.ces[m] = bitsOn(nest.lanes.ce, m) + off();
      if (!possible && chance(20))
        constraints.scope[m] = uniform(1, spec.sizes[m]);
    }
    if (chance(50))
      spec.dataflow = nest.dataflow;
    if (chance(50)) {
      constraints.loops.assign(spec.modes[OperandC].begin(),
                               spec.modes[OperandC].end());
      std::shuffle(constraints.loops.begin(), constraints.loops.end(), engine);
    }
    llvm::Expected<MappedContraction> held = mapContraction(spec, machine);
    if (!held) {
      std::string message = llvm::toString(held.takeError());
      EXPECT_FALSE(possible) << message;
      ++refused;
      continue;
    }
    ++met;
    SCOPED_TRACE(show(spec, held->nest));
    EXPECT_EQ(broken(spec, held->nest), "");
    Walk w = walk(held->nest, machine);
    EXPECT_EQ(w.broken, "");
    EXPECT_EQ(w.total, held->cycles.total());
    if (HasFailure())
      return;
  }
  std::printf("%d met, %d refused\n", met, refused);
  EXPECT_GT(refused, 10);
}

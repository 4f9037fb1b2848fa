//===- LaneCatalogTest.cpp - Lane assignments that searches share ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "RandomSpecs.h"

#include <map>

using namespace fetta;
using namespace fetta::mapping;
using namespace fetta::test;
using llvm::SmallVector;

namespace {

/// Beats times sub-beats by the shares of all modes, rows or columns and CEs
/// alternating.
using Assignments = std::map<std::vector<unsigned>, int64_t>;

class LaneCatalogTest : public RandomSpecs {
protected:
  LaneMode randomMode() {
    LaneMode mode;
    mode.size = uniform(2, 40);
    mode.group = Group(uniform(0, 3));
    mode.cap = llvm::Log2_64_Ceil(uint64_t(mode.size));
    if (chance(30))
      mode.cap = unsigned(uniform(0, mode.cap));
    if (chance(10))
      mode.ce = unsigned(uniform(0, mode.cap));
    if (chance(10))
      mode.position = unsigned(uniform(0, mode.cap));
    for (unsigned &low : mode.low)
      low = chance(50) ? mode.cap : unsigned(uniform(0, mode.cap));
    return mode;
  }
};

/// Collects what every mapping costs.
class EveryCost : public CandidateVisitor {
public:
  int64_t mostOccupancy() const override {
    return std::numeric_limits<int64_t>::max();
  }
  bool skip(const MappingCost &cost) const override { return false; }
  bool visit(const Candidate &candidate) override {
    costs.push_back(candidate.cost);
    return true;
  }
  std::vector<MappingCost> costs;
};

/// Wants nothing that cannot be as cheap as `wanted` in every respect.
class NoDearer : public CandidateVisitor {
public:
  NoDearer(const MappingCost &wanted) : wanted(wanted) {}
  int64_t mostOccupancy() const override { return wanted.occupancy; }
  bool skip(const MappingCost &cost) const override {
    return cost.occupancy > wanted.occupancy ||
           cost.transfer > wanted.transfer || cost.drain > wanted.drain ||
           cost.wait > wanted.wait || cost.rowAccesses > wanted.rowAccesses;
  }
  bool visit(const Candidate &candidate) override { return false; }

private:
  MappingCost wanted;
};

/// Every way to deal out the lanes of a machine.
class EveryAssignment {
public:
  EveryAssignment(const Machine &machine, bool outputStationary,
                  llvm::ArrayRef<LaneMode> modes)
      : machine(machine), outputStationary(outputStationary), modes(modes) {
    deal(0, machine.peRowBits, machine.peColumnBits, machine.ceBits);
  }

  Assignments all;

private:
  void deal(size_t place, unsigned rows, unsigned columns, unsigned ces) {
    if (place == modes.size()) {
      int64_t beats = 1;
      std::array<unsigned, 2> missing = {0, 0}; // Streamed, per beat.
      for (auto [m, mode] : llvm::enumerate(modes)) {
        unsigned position = shares[2 * m], ce = shares[2 * m + 1];
        int64_t block = int64_t(1) << (position + ce);
        beats *= (mode.size + block - 1) / block;
        bool onRows = isOnRows(mode);
        unsigned seen[2] = {position + ce, onRows ? ce : position + ce};
        for (unsigned use = 0; use < 2; ++use)
          missing[use] +=
              seen[use] > mode.low[use] ? seen[use] - mode.low[use] : 0;
      }
      all[shares] = beats << std::max(missing[0], missing[1]);
      return;
    }
    const LaneMode &mode = modes[place];
    unsigned none = 0;
    unsigned &positions = isOnRows(mode)                  ? rows
                          : mode.group == Group::HoldFree ? columns
                                                          : none;
    const unsigned free = positions;
    for (unsigned position = 0; position <= free; ++position)
      for (unsigned ce = 0; ce <= ces; ++ce) {
        if (position + ce > mode.cap ||
            mode.position.value_or(position) != position ||
            mode.ce.value_or(ce) != ce)
          continue;
        shares.insert(shares.end(), {position, ce});
        positions = free - position;
        deal(place + 1, rows, columns, ces - ce);
        positions = free;
        shares.resize(2 * place);
      }
  }

  bool isOnRows(const LaneMode &mode) const {
    return mode.group ==
           (outputStationary ? Group::StreamFree : Group::Reduced);
  }

  const Machine &machine;
  bool outputStationary;
  llvm::ArrayRef<LaneMode> modes;
  std::vector<unsigned> shares;
};

/// Of a list, with what EveryAssignment says of each.
Assignments assignmentsOf(const LaneCatalog::List &list, size_t modes) {
  Assignments found;
  for (const LaneAssignment &assignment : list.found) {
    std::vector<unsigned> shares;
    for (size_t m = 0; m < modes; ++m) {
      LaneShare share = list.shares[assignment.index * modes + m];
      shares.insert(shares.end(), {share.position, share.ce});
    }
    EXPECT_TRUE(
        found.insert({shares, assignment.beats << assignment.beatBits}).second);
  }
  return found;
}

Assignments upTo(const Assignments &all, int64_t beats) {
  Assignments some;
  for (const auto &[shares, own] : all)
    if (own <= beats)
      some.insert({shares, own});
  return some;
}

} // namespace

// Whatever was listed before, a list has all that was asked for, and none of it
// twice.
TEST_F(LaneCatalogTest, ListsAreComplete) {
  int complete = 0, shortened = 0;
  for (int round = 0; round < 150; ++round) {
    Machine machine = randomMachine();
    machine.ceBits = std::min(machine.ceBits, 4u);
    SmallVector<LaneMode, 8> modes;
    for (int64_t count = chance(20) ? 7 : uniform(0, 6); count > 0; --count)
      modes.push_back(randomMode());
    const bool outputStationary = chance(30);
    Assignments all = EveryAssignment(machine, outputStationary, modes).all;
    LaneCatalogs catalogs(machine);
    LaneCatalog &catalog = catalogs.get(outputStationary, modes);
    EXPECT_EQ(&catalog, &catalogs.get(outputStationary, modes));
    if (all.empty()) {
      EXPECT_EQ(catalog.leastBeats(), LaneCatalog::unreachable);
      continue;
    }
    std::vector<int64_t> beats;
    for (const auto &entry : all)
      beats.push_back(entry.second);
    for (int request = 0; request < 6; ++request) {
      int64_t most = beats[size_t(uniform(0, int64_t(beats.size()) - 1))];
      SCOPED_TRACE("round " + std::to_string(round) + ", up to " +
                   std::to_string(most));
      const LaneCatalog::List &list = catalog.list(most);
      Assignments found = assignmentsOf(list, modes.size()),
                  wanted = upTo(all, most);
      for (const auto &[shares, own] : found)
        EXPECT_EQ(all.count(shares) ? all.at(shares) : -1, own);
      EXPECT_EQ(list.complete, int64_t(found.size()) < searchBudget);
      if (list.complete)
        EXPECT_EQ(upTo(found, most), wanted);
      else
        EXPECT_GE(int64_t(wanted.size()), searchBudget);
      ++(list.complete ? complete : shortened);
      if (HasFailure())
        return;
    }
  }
  EXPECT_GT(complete, 100);
  EXPECT_GT(shortened, 5);
}

// What one search has listed does not change what another one finds.
TEST_F(LaneCatalogTest, SearchesDoNotDisturbEachOther) {
  for (int round = 0; round < 12; ++round) {
    Machine machine = randomMachine();
    LaneCatalogs shared(machine);
    ContractionSpec model = randomSpec(200000, 6);
    for (int variant = 0; variant < 8; ++variant) {
      ContractionSpec spec = model;
      spec.resultType = chance(50) ? ElementType::F32 : ElementType::BF16;
      for (unsigned id = 0; id < 3; ++id)
        if (chance(40))
          spec.layouts[id] = randomLayout(spec, id, machine);
      std::optional<Candidate> alone, together;
      for (Dataflow dataflow : allDataflows) {
        Problem problem = makeProblem(spec, machine, dataflow);
        LaneCatalogs own(machine);
        search(problem, {16, 1, 4, 4}, own, alone);
        search(problem, {16, 1, 4, 4}, shared, together);
      }
      ASSERT_TRUE(alone && together);
      EXPECT_EQ(alone->score, together->score);
      EXPECT_EQ(alone->cost.rowAccesses, together->cost.rowAccesses);
      EXPECT_EQ(alone->dataflow, together->dataflow);
      EXPECT_EQ(alone->resultLoops, together->resultLoops);
      EXPECT_EQ(alone->inside, together->inside);
      for (auto [a, b] : llvm::zip_equal(alone->lanes, together->lanes))
        EXPECT_EQ(std::make_pair(a.position, a.ce),
                  std::make_pair(b.position, b.ce));
    }
  }
}

// A search ends where a space holds nothing better by its bound.
TEST_F(LaneCatalogTest, NothingCostsLessThanTheBound) {
  int64_t all = 0, tight = 0;
  for (int round = 0; round < 60; ++round) {
    Machine machine = randomMachine();
    ContractionSpec spec = randomSpec(3000, 5);
    spec.dataflow = Dataflow(uniform(0, 2));
    for (unsigned id = 0; id < 3; ++id)
      if (chance(40))
        spec.layouts[id] = randomLayout(spec, id, machine);
    Problem problem = makeProblem(spec, machine, *spec.dataflow);
    LaneCatalogs catalogs(machine);
    EveryCost every;
    enumerate(problem, every, catalogs);
    LaneSpace space(problem, LaneSpace::All, catalogs);
    bool isTight = false;
    for (const MappingCost &cost : every.costs) {
      EXPECT_TRUE(space.isPromising(NoDearer(cost), /*conflictsOnly=*/false));
      MappingCost less = cost;
      --less.rowAccesses;
      isTight |= !space.isPromising(NoDearer(less), /*conflictsOnly=*/false);
    }
    all += int64_t(every.costs.size());
    tight += isTight;
    if (HasFailure())
      return;
  }
  EXPECT_GT(all, 1000);
  EXPECT_GT(tight, 10);
}

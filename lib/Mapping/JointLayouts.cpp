//===- JointLayouts.cpp - From a program to its layouts -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JointLayouts.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <tuple>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;
using llvm::SmallVector;

/// Choices that the joint search weighs per contraction.
static constexpr size_t mostChoices = 1024;

/// Mappings of the best occupancy are tried first; where they conflict, slower
/// ones may not.
static constexpr Tolerance tolerances[2] = {{1.0, 2}, {1.5, 8}};

CostWeights ProgramClass::weights(Dataflow dataflow) const {
  // The last drain and the wait for operands stand between contractions that
  // depend on each other; other loads overlap what comes before.
  CostWeights weights{16, 1, latencyWeight, latencyWeight};
  if (dataflow == Dataflow::OutputStationary)
    weights.transfer = latencyWeight;
  return weights;
}

Problem ProgramClass::problem(const ContractionSpec &onLayouts,
                              const Machine &machine, Dataflow dataflow) const {
  Problem result = makeProblem(onLayouts, machine, dataflow);
  result.produced = produced;
  return result;
}

/// Further low bits until the row is full, always of the dimension whose
/// chunks shrink most: they make the tensor take few rows.
static void fillRow(const LayoutGroup &group, unsigned rowBits, LowBits &bits) {
  while (bits.sum() < rowBits) {
    std::optional<LowBits> best;
    int64_t bestBefore = 0, bestAfter = 1;
    for (unsigned d = 0; d < group.sizes.size(); ++d) {
      auto before = int64_t(
          llvm::divideCeil(uint64_t(group.sizes[d]), uint64_t(1) << bits[d]));
      if (before == 1)
        continue;
      LowBits more = bits;
      ++more[d];
      if (!group.close(more) || more.sum() > rowBits)
        continue;
      int64_t after = (before + 1) / 2;
      int64_t ours = before * bestAfter, theirs = bestBefore * after;
      if (!best || ours > theirs || (ours == theirs && before > bestBefore)) {
        best = more;
        bestBefore = before;
        bestAfter = after;
      }
    }
    if (!best)
      return;
    bits = *best;
  }
}

using SpecKey =
    std::tuple<SmallVector<int64_t, 8>, std::array<SmallVector<unsigned, 8>, 3>,
               unsigned, unsigned, bool, SmallVector<int64_t, 0>>;

static SpecKey keyOf(const ContractionSpec &spec) {
  return SpecKey(SmallVector<int64_t, 8>(spec.sizes.begin(), spec.sizes.end()),
                 spec.modes, unsigned(spec.resultType),
                 spec.dataflow ? unsigned(*spec.dataflow) : 3u,
                 spec.accumulates, spec.constraints.key());
}

ProgramSearch::Key ProgramSearch::keyOf(const ProgramClass &cls,
                                        const LowBitsOfOperands &lowBits) {
  const ContractionSpec &spec = cls.spec;
  Key key = {cls.latencyWeight,
             int64_t(spec.resultType) | (spec.accumulates ? 2 : 0) |
                 (cls.produced[0] ? 4 : 0) | (cls.produced[1] ? 8 : 0),
             spec.dataflow ? int64_t(*spec.dataflow) : -1};
  key.append(spec.sizes.begin(), spec.sizes.end());
  key.append(spec.constraints.key());
  // A mapping does not depend on the order of the dimensions.
  SmallVector<int64_t, 16> heldBy(spec.sizes.size(), 0);
  for (unsigned id = 0; id < 3; ++id)
    for (unsigned m : spec.modes[id])
      heldBy[m] |= int64_t(1) << id;
  key.append(heldBy.begin(), heldBy.end());
  for (const auto &low : lowBits) {
    key.push_back(low.has_value());
    if (low)
      key.append(low->begin(), low->end());
  }
  return key;
}

const Candidate *ProgramSearch::best(const ProgramClass &cls,
                                     const ContractionSpec &spec,
                                     const LowBitsOfOperands &lowBits) {
  auto [it, isNew] = known.try_emplace(keyOf(cls, lowBits));
  if (!isNew)
    return it->second ? &*it->second : nullptr;
  std::optional<Candidate> &best = it->second;
  for (Dataflow dataflow : allDataflows) {
    if (spec.dataflow && *spec.dataflow != dataflow)
      continue;
    Problem problem = cls.problem(spec, machine, dataflow);
    problem.lowBits = lowBits;
    search(problem, cls.weights(dataflow), catalogs, best);
  }
  return best ? &*best : nullptr;
}

std::shared_ptr<const MappedContraction>
ProgramSearch::nestOf(const ContractionSpec &spec, const Problem &problem,
                      const Candidate &candidate) {
  // Contractions with the same candidate differ in nothing else.
  std::vector<Built> &known = nests[&candidate];
  for (const Built &built : known)
    if (built.modes == spec.modes && built.layouts == spec.layouts)
      return built.mapping;
  known.push_back({spec.modes, spec.layouts,
                   std::make_shared<MappedContraction>(
                       buildNest(spec, problem, candidate))});
  return known.back().mapping;
}

LowerBound ProgramSearch::boundOf(ArrayRef<ProgramClass> classes) {
  LowerBound bound;
  for (const ProgramClass &cls : classes) {
    const Candidate *found = best(cls, cls.spec, {});
    bound.score += cls.count * found->score;
    auto [it, isNew] = leastOccupancy.try_emplace(keyOf(cls, {}), 0);
    if (isNew) {
      // What is known already leaves little to look for.
      std::optional<Candidate> best = *found;
      best->score = found->cost.occupancy;
      for (Dataflow dataflow : allDataflows)
        if (!cls.spec.dataflow || *cls.spec.dataflow == dataflow)
          search(cls.problem(cls.spec, machine, dataflow), {1, 0, 0, 0},
                 catalogs, best);
      it->second = best->score;
    }
    bound.occupancy += cls.count * it->second;
  }
  return bound;
}

namespace {

/// Lists of choices, one for all contractions of equal shape.
class ChoiceLists {
public:
  ChoiceLists(const Machine &machine) : machine(machine) {}

  const std::vector<Choice> &get(const ProgramClass &cls, bool wide) {
    auto [it, isNew] =
        lists.try_emplace(Key(keyOf(cls.spec), cls.produced, wide));
    if (isNew) {
      it->second = collectChoices(cls.spec, cls.produced, machine,
                                  tolerances[wide], mostChoices);
      count += int64_t(it->second.size());
    }
    return it->second;
  }

  int64_t count = 0;

private:
  using Key = std::tuple<SpecKey, std::array<bool, 2>, bool>;
  const Machine &machine;
  std::map<Key, std::vector<Choice>> lists;
};

} // namespace

JointLayouts mapping::chooseLayouts(ArrayRef<LayoutGroup> groups,
                                    ArrayRef<ProgramClass> classes,
                                    const Machine &machine) {
  JointLayouts result;
  ChoiceLists lists(machine);
  JointProblem problem;
  problem.rowBits = machine.laneBits();
  problem.groups.assign(groups.begin(), groups.end());
  for (const ProgramClass &cls : classes) {
    ContractionClass member;
    member.views = cls.views;
    member.count = cls.count;
    member.choices = &lists.get(cls, false);
    for (Dataflow dataflow : allDataflows)
      member.weights[unsigned(dataflow)] = cls.weights(dataflow);
    problem.classes.push_back(std::move(member));
  }

  JointSolution best = solveJointly(problem);
  result.states = best.states;
  auto takeLanes = [&](const JointSolution &solution) {
    result.lanes.clear();
    for (auto [cls, k] : llvm::zip_equal(problem.classes, solution.choices)) {
      const Candidate &candidate = (*cls.choices)[k].candidate;
      result.lanes.push_back({candidate.dataflow, candidate.lanes});
    }
  };
  takeLanes(best);
  if (llvm::is_contained(best.conflicts, true)) {
    std::vector<bool> touched(groups.size(), false);
    for (auto [c, cls] : llvm::enumerate(classes))
      for (const GroupView &view : cls.views)
        if (best.conflicts[c])
          touched[view.group] = true;
    for (auto [c, cls] : llvm::enumerate(classes))
      if (llvm::any_of(cls.views, [&](const GroupView &view) {
            return touched[view.group];
          }))
        problem.classes[c].choices = &lists.get(cls, true);
    JointSolution wider = solveJointly(problem);
    result.states += wider.states;
    if (wider.score < best.score) {
      best = std::move(wider);
      takeLanes(best);
    }
  }
  result.candidates = lists.count;
  result.layouts = std::move(best.layouts);
  for (auto [group, bits] : llvm::zip_equal(groups, result.layouts))
    if (!group.fixed)
      fillRow(group, machine.laneBits(), bits);
  return result;
}

std::vector<Layout> fetta::mapping::layoutsOfValues(
    const ProgramSpec &program, ArrayRef<unsigned> groupOf,
    ArrayRef<std::optional<Layout>> layouts, const Machine &machine) {
  std::vector<Layout> result;
  for (auto [value, group] : llvm::zip_equal(program.values, groupOf)) {
    std::optional<Layout> layout = layouts[group];
    if (!layout)
      layout = Layout::packed(
          value.sizes, SmallVector<BankBit, 8>(machine.laneBits()),
          llvm::to_vector<8>(llvm::seq<unsigned>(0, value.sizes.size())));
    result.push_back(std::move(*layout));
  }
  return result;
}

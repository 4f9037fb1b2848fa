//===- StepTables.cpp - One step on many layouts --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StepTables.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace fetta;
using namespace fetta::mapping;
using llvm::SmallVector;

//===----------------------------------------------------------------------===//
// Groups and cases
//===----------------------------------------------------------------------===//

template <typename T> static llvm::StringRef bytesOf(const T &list) {
  return {reinterpret_cast<const char *>(list.data()),
          list.size() * sizeof(*list.data())};
}

unsigned StepCases::intern(GroupSpread group) {
  SmallVector<double, 64> content = {group.size};
  auto add = [&](const LaneSpread &spread) {
    content.push_back(spread.bits);
    content.append(spread.chunks.begin(),
                   spread.chunks.begin() + spread.bits + 1);
  };
  add(group.plain);
  for (const std::vector<LaneSpread> &rows : group.rows) {
    content.push_back(double(rows.size()));
    for (const LaneSpread &row : rows)
      add(row);
  }
  auto [it, isNew] =
      contents.try_emplace(bytesOf(content), unsigned(groups.size()));
  if (isNew)
    groups.push_back(std::move(group));
  return it->second;
}

StepEstimate StepCases::minimize(const Case &step) const {
  StepEstimate best;
  best.beats = std::numeric_limits<double>::infinity();
  const GroupSpread &freeA = groups[step.groups[0]],
                    &freeB = groups[step.groups[1]],
                    &reduced = groups[step.groups[2]],
                    &batch = groups[step.groups[3]];
  auto run = [&](Dataflow dataflow, const std::vector<LaneSpread> &rows,
                 const GroupSpread &held, const GroupSpread &other,
                 bool aStreams) {
    form.minimize({dataflow, &rows, &held.plain, &other.plain, &batch.plain,
                   batch.size, aStreams ? freeA.size : freeB.size,
                   aStreams ? freeB.size : freeA.size, reduced.size,
                   step.resultRows},
                  best);
  };
  run(Dataflow::BStationary, reduced.rows[0], freeB, freeA, true);
  run(Dataflow::AStationary, reduced.rows[1], freeA, freeB, false);
  run(Dataflow::OutputStationary, freeA.rows[0], freeB, reduced, true);
  run(Dataflow::OutputStationary, freeB.rows[1], freeA, reduced, false);
  return best;
}

Price StepCases::price(const Case &step) {
  auto [it, isNew] = prices.try_emplace(step);
  if (isNew) {
    StepEstimate found = minimize(step);
    it->second = {found.latency(), found.energy};
  }
  return it->second;
}

//===----------------------------------------------------------------------===//
// The layouts of a step
//===----------------------------------------------------------------------===//

StepTables::StepTables(const StepForm &form, StepCases &cases, double lanes,
                       const StepModes &modes)
    : form(form), cases(cases), lanes(lanes), modes(modes) {
  for (auto [m, size] : llvm::enumerate(modes.sizes)) {
    const std::array<bool, 3> &in = modes.in[m];
    groupOf.push_back(in[0] && in[1] && in[2] ? Batch
                      : in[0] && in[2]        ? FreeA
                      : in[1] && in[2]        ? FreeB
                                              : Reduced);
    sizes[groupOf.back()] *= double(size);
  }
}

void StepTables::meet(unsigned id, unsigned number, const LayoutClass *given) {
  View &view = views[id][number];
  if (view.low.size() == modes.sizes.size())
    return;
  unsigned at = 0;
  for (auto [m, size] : llvm::enumerate(modes.sizes)) {
    auto need = uint8_t(std::min<unsigned>(LaneSpread::maxBits,
                                           llvm::Log2_64_Ceil(uint64_t(size))));
    view.low.push_back(modes.in[m][id] && given ? std::min(need, (*given)[at++])
                                                : need);
    if (modes.in[m][2])
      view.rows *=
          double((size + (int64_t(1) << view.low[m]) - 1) >> view.low[m]);
  }
  if (!given)
    view.rows = std::ceil(sizes[Batch] * sizes[FreeA] * sizes[FreeB] / lanes);
  for (Group group : {FreeA, FreeB, Reduced}) {
    auto *first = llvm::find_if(views[id], [&](const View &other) {
      if (other.low.empty())
        return false;
      for (auto [m, own] : llvm::enumerate(groupOf))
        if (own == group && view.low[m] != other.low[m])
          return false;
      return true;
    });
    view.alike[group] = unsigned(first - views[id].begin());
  }
}

/// Bits that each mode of a group may have on lanes: as many as are low in all
/// tensors; of a group on PE rows, whose bits are spatial for the streamed
/// operand only, as many as are low in that one.
unsigned StepTables::find(Group group,
                          const std::array<const View *, 3> &seen) const {
  // A mode's size and low bits in A, in B, and in all three, in one number.
  static_assert(LaneSpread::maxBits < 16, "four bits each");
  SmallVector<uint64_t, 8> list;
  for (auto [m, size] : llvm::enumerate(modes.sizes))
    if (groupOf[m] == group) {
      uint8_t a = seen[0]->low[m], b = seen[1]->low[m],
              all = std::min({a, b, seen[2]->low[m]});
      list.push_back(uint64_t(size) << 12 | uint64_t(a) << 8 |
                     uint64_t(b) << 4 | all);
    }
  // The order of the modes means nothing.
  std::sort(list.begin(), list.end());
  llvm::SmallString<128> key(bytesOf(list));
  key.push_back(char(group));
  return cases.number(key, [&] {
    auto limited = [&](unsigned shift) {
      SmallVector<SpreadMode, 8> result;
      for (uint64_t mode : list)
        result.push_back({int64_t(mode >> 12), uint8_t(mode >> shift & 15),
                          uint8_t(mode & 15)});
      return result;
    };
    GroupSpread spread;
    spread.size = sizes[group];
    spread.plain =
        spreadLanes(limited(0), std::min(form.columnBits + form.ceBits,
                                         LaneSpread::maxBits));
    // The streamed operand holds its free modes.
    for (unsigned streamed : {0u, 1u})
      if (group == Reduced || group == (streamed == 0 ? FreeA : FreeB))
        spread.rows[streamed] = spreadRows(limited(streamed == 0 ? 8 : 4),
                                           form.rowBits, form.ceBits);
    return spread;
  });
}

StepCases::Case
StepTables::caseOf(std::array<unsigned, 3> numbers,
                   const std::array<const LayoutClass *, 3> &given) {
  std::array<const View *, 3> seen;
  for (unsigned id = 0; id < 3; ++id) {
    meet(id, numbers[id], given[id]);
    seen[id] = &views[id][numbers[id]];
  }
  StepCases::Case result;
  constexpr std::pair<unsigned, unsigned> heldBy[3] = {{0, 2}, {1, 2}, {0, 1}};
  for (Group group : {FreeA, FreeB, Reduced}) {
    auto [x, y] = heldBy[group];
    unsigned &known =
        pairs[group][seen[x]->alike[group] * CostModel::maxLayouts +
                     seen[y]->alike[group]];
    if (known == 0)
      known = 1 + find(group, seen);
    result.groups[group] = known - 1;
  }
  // All three tensors hold the batch.
  if (batch == 0 || llvm::is_contained(groupOf, Batch))
    batch = 1 + find(Batch, seen);
  result.groups[Batch] = batch - 1;
  result.resultRows = seen[2]->rows;
  return result;
}

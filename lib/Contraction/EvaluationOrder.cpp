//===- EvaluationOrder.cpp - The smallest peak of a tree ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The memory of a subtree over time goes up hills and down into valleys. Seen
// from outside only some of them matter: the highest hill, the lowest valley
// after it, the highest hill after that, and so on; hills then descend and
// valleys ascend. Between two subtrees one should switch at valleys only, and
// go next where a hill stands highest above the valley behind it.
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Slicing.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace llvm;
using namespace fetta;

namespace {

/// From the valley before it over a hill to its own valley.
struct Segment {
  Cost hill, valley;
  std::vector<unsigned> steps;
};

} // namespace

/// Joins segments until hills descend and valleys ascend.
static std::vector<Segment> simplify(std::vector<Segment> segments) {
  std::vector<Segment> result;
  for (size_t begin = 0; begin < segments.size();) {
    size_t top = begin;
    for (size_t k = begin; k < segments.size(); ++k)
      if (segments[k].hill >= segments[top].hill)
        top = k;
    size_t bottom = top;
    for (size_t k = top; k < segments.size(); ++k)
      if (segments[k].valley <= segments[bottom].valley)
        bottom = k;
    Segment joined{segments[top].hill, segments[bottom].valley, {}};
    for (size_t k = begin; k <= bottom; ++k)
      append_range(joined.steps, segments[k].steps);
    result.push_back(std::move(joined));
    begin = bottom + 1;
  }
  return result;
}

Expected<EvaluationOrder> fetta::smallestPeakOrder(const ContractionTree &tree,
                                                   ArrayRef<Cost> elements) {
  assert(elements.size() == tree.getSteps().size() && "one for each step");
  std::optional<Cost> all = 0;
  for (Cost volume : elements)
    all = all ? addCosts(*all, volume) : all;
  if (!all)
    return createStringError("the elements of a tree exceed 128 bits");
  unsigned n = tree.numLeaves();
  std::vector<std::vector<Segment>> profiles(tree.numValues());
  for (auto [number, step] : enumerate(tree.getSteps())) {
    std::vector<Segment> &first = profiles[step.lhs];
    std::vector<Segment> &second = profiles[step.rhs];
    std::vector<Segment> merged;
    Cost alive[2] = {0, 0};
    for (size_t i = 0, j = 0; i < first.size() || j < second.size();) {
      bool takeSecond =
          i == first.size() ||
          (j < second.size() &&
           second[j].hill - second[j].valley > first[i].hill - first[i].valley);
      Segment &next = takeSecond ? second[j++] : first[i++];
      Cost other = alive[!takeSecond];
      alive[takeSecond] = next.valley;
      merged.push_back(
          {next.hill + other, next.valley + other, std::move(next.steps)});
    }
    merged.push_back({alive[0] + alive[1] + elements[number],
                      elements[number],
                      {static_cast<unsigned>(number)}});
    profiles[n + number] = simplify(std::move(merged));
    first.clear();
    second.clear();
  }
  EvaluationOrder order;
  for (Segment &segment : profiles[tree.resultValue()]) {
    order.peak = std::max(order.peak, segment.hill);
    append_range(order.steps, segment.steps);
  }
  return order;
}

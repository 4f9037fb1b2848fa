//===- Candidates.cpp - Good mappings of one contraction ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Candidates.h"
#include "LaneCatalog.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <map>
#include <tuple>

using namespace fetta;
using namespace fetta::mapping;

namespace {

/// The cut for throughput and the one for latency.
constexpr CostWeights cutWeights[2] = {{16, 1, 1, 1}, {4, 1, 4, 4}};

auto keyOf(const CostWeights &weights, const Candidate &candidate) {
  return std::make_pair(weights.score(candidate.cost),
                        candidate.cost.rowAccesses);
}

/// Keeps, of every lane assignment close to the best occupancy, the cuts that
/// are best for throughput and for latency.
class Collector : public CandidateVisitor {
public:
  Collector(Tolerance tolerance) : tolerance(tolerance) {}

  int64_t mostOccupancy() const override { return limit; }
  bool skip(const MappingCost &cost) const override {
    return cost.occupancy > limit;
  }
  bool visit(const Candidate &candidate) override {
    int64_t occupancy = candidate.cost.occupancy;
    if (occupancy > limit)
      return true;
    limit = std::min(limit, int64_t(double(occupancy) * tolerance.factor) +
                                tolerance.cycles);
    auto sameLanes = [&](const Candidate &other) {
      return other.dataflow == candidate.dataflow &&
             llvm::equal(other.lanes, candidate.lanes,
                         [](LaneShare a, LaneShare b) {
                           return a.position == b.position && a.ce == b.ce;
                         });
    };
    if (found.empty() || !sameLanes(found.back()[0])) {
      found.push_back({candidate, candidate});
      return true;
    }
    for (unsigned i = 0; i < 2; ++i)
      if (keyOf(cutWeights[i], candidate) <
          keyOf(cutWeights[i], found.back()[i]))
        found.back()[i] = candidate;
    return true;
  }

  std::vector<std::array<Candidate, 2>> found;
  int64_t limit = std::numeric_limits<int64_t>::max();

private:
  Tolerance tolerance;
};

/// Whether whatever satisfies `a` satisfies `b`.
bool covers(const std::array<LowBits, 3> &a, const std::array<LowBits, 3> &b) {
  for (unsigned id = 0; id < 3; ++id)
    if (a[id].missing(b[id]) > 0)
      return false;
  return true;
}

} // namespace

std::vector<Choice> mapping::collectChoices(const ContractionSpec &spec,
                                            std::array<bool, 2> produced,
                                            const Machine &machine,
                                            Tolerance tolerance, size_t most) {
  Collector collector(tolerance);
  LaneCatalogs catalogs(machine);
  std::vector<Choice> choices;
  for (Dataflow dataflow : allDataflows) {
    if (spec.dataflow && *spec.dataflow != dataflow)
      continue;
    Problem problem = makeProblem(spec, machine, dataflow);
    problem.produced = produced;
    enumerate(problem, collector, catalogs);
  }
  for (const std::array<Candidate, 2> &cuts : collector.found) {
    Problem problem = makeProblem(spec, machine, cuts[0].dataflow);
    std::array<LowBits, 3> needs;
    for (unsigned id = 0; id < 3; ++id)
      for (unsigned m : spec.modes[id])
        needs[id][m] =
            uint8_t(spatialBits(problem, m, cuts[0].lanes[m], OperandId(id)));
    for (unsigned i = 0; i < 2; ++i) {
      if (cuts[i].cost.occupancy > collector.limit ||
          (i == 1 && cuts[1].inside == cuts[0].inside))
        continue;
      choices.push_back({cuts[i], needs});
    }
  }
  llvm::stable_sort(choices, [](const Choice &a, const Choice &b) {
    return keyOf(cutWeights[0], a.candidate) <
           keyOf(cutWeights[0], b.candidate);
  });
  // Comparing all with all takes long on long lists; there only those with
  // the same needs are compared.
  constexpr size_t shortList = 256;
  std::vector<Choice> front;
  std::map<std::array<LowBits, 3>, MappingCost> seen;
  for (Choice &choice : choices) {
    if (front.size() == most)
      break;
    if (choices.size() > shortList) {
      const MappingCost &cost = choice.candidate.cost;
      auto [it, isNew] = seen.try_emplace(choice.needs, cost);
      int64_t latency = cutWeights[1].score(cost);
      const MappingCost &other = it->second;
      if (!isNew && latency >= cutWeights[1].score(other))
        continue;
      it->second = cost;
      front.push_back(std::move(choice));
      continue;
    }
    bool dominated = llvm::any_of(front, [&](const Choice &other) {
      const MappingCost &a = other.candidate.cost, &b = choice.candidate.cost;
      return a.occupancy <= b.occupancy && a.transfer <= b.transfer &&
             a.drain <= b.drain && a.wait <= b.wait &&
             covers(choice.needs, other.needs);
    });
    if (!dominated)
      front.push_back(std::move(choice));
  }
  return front;
}

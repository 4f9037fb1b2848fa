//===- JointSearch.cpp - Layouts for several contractions -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JointSearch.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <numeric>
#include <tuple>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;
using llvm::SmallVector;

bool LayoutGroup::close(LowBits &low) const {
  auto full = [&](unsigned d) {
    return llvm::isPowerOf2_64(uint64_t(sizes[d])) &&
           low[d] >= llvm::Log2_64(uint64_t(sizes[d]));
  };
  // Bits of one merge may lie in another one, too.
  for (bool changed = true; changed;) {
    changed = false;
    for (ArrayRef<unsigned> dims : merges) {
      size_t i = dims.size() - 1;
      while (i > 0 && full(dims[i]))
        --i;
      if (i == 0)
        continue;
      bool outerBits = llvm::any_of(
          dims.take_front(i), [&](unsigned outer) { return low[outer] > 0; });
      uint64_t size = uint64_t(sizes[dims[i]]);
      if (outerBits && llvm::isPowerOf2_64(size)) {
        low[dims[i]] = uint8_t(llvm::Log2_64(size));
        changed = true;
      } else if (outerBits || size % (uint64_t(1) << low[dims[i]]) != 0) {
        return false;
      }
    }
  }
  return true;
}

namespace {

/// What a choice asks of the three values, over their dimensions.
struct Needs {
  std::array<LowBits, 3> low;
  std::array<unsigned, 3> never = {}; ///< Bits that no layout can provide.
};

Needs needsOf(const Choice &choice, const ContractionClass &cls,
              ArrayRef<LayoutGroup> groups) {
  Needs needs;
  for (unsigned id = 0; id < 3; ++id) {
    const GroupView &view = cls.views[id];
    const LayoutGroup &group = groups[view.group];
    for (auto [mode, dims] : llvm::enumerate(view.dims)) {
      unsigned left = choice.needs[id][mode];
      for (size_t i = dims.size(); i-- > 0 && left > 0;) {
        uint64_t size = uint64_t(group.sizes[dims[i]]);
        unsigned fits = left;
        if (i > 0 && llvm::isPowerOf2_64(size))
          fits = llvm::Log2_64(size);
        else if (i > 0)
          fits = unsigned(llvm::countr_zero(size));
        unsigned taken = std::min(fits, left);
        needs.low[id][dims[i]] = uint8_t(taken);
        left -= taken;
        if (i > 0 && !llvm::isPowerOf2_64(size))
          break;
      }
      needs.never[id] += left;
    }
  }
  return needs;
}

class Solver {
public:
  Solver(const JointProblem &problem) : problem(problem) {
    for (const ContractionClass &cls : problem.classes) {
      needs.emplace_back();
      scores.emplace_back();
      for (const Choice &choice : *cls.choices) {
        needs.back().push_back(needsOf(choice, cls, problem.groups));
        scores.back().push_back(
            cls.count * cls.score(choice.candidate, choice.candidate.cost));
      }
      bound += *std::min_element(scores.back().begin(), scores.back().end());
    }
    orderClasses();
  }

  JointSolution run() {
    JointSolution best = improve(beam(1));
    for (size_t width : {4, 16, 64}) {
      if (best.score <= bound + bound / closeEnough)
        break;
      JointSolution solution = improve(beam(width));
      // Where a wider beam is of no use, an even wider one seldom is.
      if (solution.score >= best.score)
        break;
      best = std::move(solution);
    }
    best.proven = best.score <= bound;
    best.states = states;
    return best;
  }

private:
  struct State {
    int64_t score = 0;
    unsigned used = 0; ///< Bits of all layouts: fewer leave more room.
    std::vector<LowBits> low;
    std::vector<unsigned> choices;
  };
  /// A state with one more choice.
  struct Step {
    int64_t score;
    unsigned used;
    unsigned state, choice;
    bool operator<(const Step &o) const {
      return std::tie(score, used, state, choice) <
             std::tie(o.score, o.used, o.state, o.choice);
    }
  };

  unsigned groupOf(unsigned cls, unsigned id) const {
    return problem.classes[cls].views[id].group;
  }

  /// The classes that share most values with those before them first, large
  /// ones first among equals.
  void orderClasses() {
    size_t count = problem.classes.size();
    auto weight = [&](unsigned c) {
      return *std::min_element(scores[c].begin(), scores[c].end());
    };
    std::vector<bool> taken(count), touched(problem.groups.size());
    while (order.size() < count) {
      std::optional<std::tuple<unsigned, int64_t, int64_t>> bestKey;
      for (unsigned c = 0; c < count; ++c) {
        if (taken[c])
          continue;
        unsigned shared = 0;
        for (unsigned id = 0; id < 3; ++id)
          shared += touched[groupOf(c, id)];
        auto key = std::make_tuple(shared, weight(c), -int64_t(c));
        if (!bestKey || key > *bestKey)
          bestKey = key;
      }
      auto next = unsigned(-std::get<2>(*bestKey));
      taken[next] = true;
      order.push_back(next);
      for (unsigned id = 0; id < 3; ++id)
        touched[groupOf(next, id)] = true;
    }
  }

  /// Adds what a use needs to a layout. What finds no room is missing.
  unsigned add(unsigned g, const LowBits &need, LowBits &low) const {
    const LayoutGroup &group = problem.groups[g];
    if (group.fixed)
      return group.fixed->missing(need);
    LowBits all = low;
    all.unite(need);
    if ((group.merges.empty() || group.close(all)) &&
        all.sum() <= problem.rowBits) {
      low = all;
      return 0;
    }
    unsigned room = problem.rowBits - low.sum();
    for (unsigned d = 0; d < group.sizes.size(); ++d)
      while (room > 0 && low[d] < need[d]) {
        LowBits more = low;
        ++more[d];
        if (!group.close(more) || more.sum() > problem.rowBits)
          break;
        low = more;
        room = problem.rowBits - low.sum();
      }
    return low.missing(need);
  }

  int64_t scoreWith(unsigned cls, unsigned choice,
                    const std::array<unsigned, 3> &missing) const {
    const std::array<unsigned, 3> &never = needs[cls][choice].never;
    unsigned f[3];
    for (unsigned id = 0; id < 3; ++id)
      f[id] = missing[id] + never[id];
    if (f[0] + f[1] + f[2] == 0)
      return scores[cls][choice];
    const ContractionClass &c = problem.classes[cls];
    const Candidate &candidate = (*c.choices)[choice].candidate;
    OperandId streamed = operandOn(candidate.dataflow, Net::Stream);
    OperandId held = operandOn(candidate.dataflow, Net::Hold);
    OperandId perBeat = OperandC, perTile = held;
    if (candidate.dataflow == Dataflow::OutputStationary)
      std::swap(perBeat, perTile);
    bool inPEs = candidate.dataflow == Dataflow::OutputStationary;
    return c.count *
           c.score(candidate,
                   candidate.numbers.cost(
                       std::max(f[streamed], f[perBeat]), f[perTile],
                       inPEs ? 0 : std::min(f[streamed], f[perBeat])));
  }

  /// Extends `low` by a choice and returns its score.
  int64_t extend(unsigned cls, unsigned choice,
                 std::vector<LowBits> &low) const {
    std::array<unsigned, 3> missing;
    for (unsigned id = 0; id < 3; ++id) {
      unsigned g = groupOf(cls, id);
      missing[id] = add(g, needs[cls][choice].low[id], low[g]);
    }
    return scoreWith(cls, choice, missing);
  }

  JointSolution beam(size_t width) {
    std::vector<State> beam(1);
    beam[0].low.resize(problem.groups.size());
    beam[0].choices.resize(problem.classes.size());
    std::vector<Step> steps;
    for (unsigned cls : order) {
      steps.clear();
      std::array<LowBits, 3> saved;
      for (auto [s, state] : llvm::enumerate(beam))
        for (unsigned k = 0; k < needs[cls].size(); ++k) {
          unsigned before = 0, after = 0;
          for (unsigned id = 0; id < 3; ++id) {
            saved[id] = state.low[groupOf(cls, id)];
            before += saved[id].sum();
          }
          int64_t score = state.score + extend(cls, k, state.low);
          for (unsigned id = 0; id < 3; ++id)
            after += state.low[groupOf(cls, id)].sum();
          for (unsigned id = 0; id < 3; ++id)
            state.low[groupOf(cls, id)] = saved[id];
          steps.push_back({score, state.used + after - before, unsigned(s), k});
        }
      states += int64_t(steps.size());
      // Twins are left out below, so a few more are sorted.
      size_t keep = std::min(steps.size(), 4 * width);
      std::partial_sort(steps.begin(), steps.begin() + keep, steps.end());
      std::vector<State> next;
      for (const Step &step : llvm::ArrayRef(steps).take_front(keep)) {
        if (next.size() == width)
          break;
        State state = beam[step.state];
        state.score += extend(cls, step.choice, state.low);
        state.used = step.used;
        state.choices[cls] = step.choice;
        bool twin = llvm::any_of(next, [&](const State &other) {
          return other.score == state.score && other.used == state.used &&
                 other.low == state.low;
        });
        if (!twin)
          next.push_back(std::move(state));
      }
      beam = std::move(next);
    }
    return solutionOf(beam.front().choices);
  }

  //===--------------------------------------------------------------------===//
  // Complete solutions
  //===--------------------------------------------------------------------===//

  /// Layouts and score of complete choices. Where the needs of a value exceed a
  /// row, the bits go whose loss costs least.
  JointSolution solutionOf(std::vector<unsigned> choices) const {
    JointSolution solution = layoutsOf(std::move(choices), noClass);
    for (unsigned cls = 0; cls < problem.classes.size(); ++cls) {
      std::array<unsigned, 3> missing = missingOf(cls, solution);
      solution.score += scoreWith(cls, solution.choices[cls], missing);
      const Needs &need = needs[cls][solution.choices[cls]];
      for (unsigned id = 0; id < 3; ++id)
        if (missing[id] + need.never[id] > 0)
          solution.conflicts[cls] = true;
    }
    return solution;
  }

  /// The layouts alone, as if there were no class `without`.
  JointSolution layoutsOf(std::vector<unsigned> choices,
                          unsigned without) const {
    JointSolution solution;
    solution.choices = std::move(choices);
    solution.layouts.resize(problem.groups.size());
    for (unsigned g = 0; g < problem.groups.size(); ++g)
      solution.layouts[g] = problem.groups[g].fixed.value_or(LowBits());
    // Dearest first: what is added last finds no room.
    SmallVector<unsigned, 32> sequence(order.begin(), order.end());
    llvm::stable_sort(sequence, [&](unsigned a, unsigned b) {
      return scores[a][solution.choices[a]] > scores[b][solution.choices[b]];
    });
    for (unsigned cls : sequence)
      if (cls != without)
        extend(cls, solution.choices[cls], solution.layouts);
    solution.conflicts.resize(problem.classes.size());
    return solution;
  }

  std::array<unsigned, 3> missingOf(unsigned cls,
                                    const JointSolution &solution) const {
    std::array<unsigned, 3> missing;
    const Needs &need = needs[cls][solution.choices[cls]];
    for (unsigned id = 0; id < 3; ++id)
      missing[id] = solution.layouts[groupOf(cls, id)].missing(need.low[id]);
    return missing;
  }

  /// Changes one choice after the other while that helps, those with conflicts
  /// and their neighbours first.
  JointSolution improve(JointSolution solution) {
    for (unsigned round = 0; round < 4 && solution.score > bound; ++round) {
      bool better = false;
      for (unsigned cls : order) {
        if (!meetsConflict(cls, solution))
          continue;
        for (unsigned k : promising(cls, solution)) {
          ++states;
          std::vector<unsigned> choices = solution.choices;
          choices[cls] = k;
          JointSolution other = solutionOf(std::move(choices));
          if (other.score < solution.score) {
            solution = std::move(other);
            better = true;
          }
        }
      }
      if (!better)
        break;
    }
    return solution;
  }

  /// The choices of a class that cost least where the others have taken the
  /// room that they need.
  SmallVector<unsigned, 8> promising(unsigned cls,
                                     const JointSolution &solution) {
    constexpr size_t most = 6;
    JointSolution others = layoutsOf(solution.choices, cls);
    std::vector<std::pair<int64_t, unsigned>> list;
    for (unsigned k = 0; k < needs[cls].size(); ++k) {
      if (k == solution.choices[cls])
        continue;
      std::array<LowBits, 3> saved;
      for (unsigned id = 0; id < 3; ++id)
        saved[id] = others.layouts[groupOf(cls, id)];
      list.push_back({extend(cls, k, others.layouts), k});
      for (unsigned id = 0; id < 3; ++id)
        others.layouts[groupOf(cls, id)] = saved[id];
    }
    states += int64_t(list.size());
    auto end = list.begin() + int64_t(std::min(list.size(), most));
    std::partial_sort(list.begin(), end, list.end());
    SmallVector<unsigned, 8> best;
    for (auto it = list.begin(); it != end; ++it)
      best.push_back(it->second);
    return best;
  }

  bool meetsConflict(unsigned cls, const JointSolution &solution) const {
    for (unsigned other = 0; other < problem.classes.size(); ++other) {
      if (!solution.conflicts[other])
        continue;
      for (unsigned a = 0; a < 3; ++a)
        for (unsigned b = 0; b < 3; ++b)
          if (groupOf(cls, a) == groupOf(other, b))
            return true;
    }
    return false;
  }

  static constexpr unsigned noClass = ~0u;

  const JointProblem &problem;
  std::vector<std::vector<Needs>> needs;    ///< By class and choice.
  std::vector<std::vector<int64_t>> scores; ///< Without conflicts.
  std::vector<unsigned> order;              ///< Of classes.
  int64_t bound = 0;
  int64_t states = 0;
};

} // namespace

JointSolution mapping::solveJointly(const JointProblem &problem) {
  return Solver(problem).run();
}

//===- Certificate.h - From doubles to a certified optimum ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the solvers in doubles have in common: reading a tree off their
/// tables, and deciding in integers where doubles cannot tell.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_CERTIFICATE_H
#define FETTA_LIB_CONTRACTION_CERTIFICATE_H

#include "ExactSearch.h"

#include "llvm/ADT/bit.h"

#include <cmath>
#include <map>

namespace fetta {

/// A Solver has `double costOf(set)`, the least value of contracting a set,
/// and `forEachSplit(set, threshold, call(a, b, cost))`, all splits that it
/// weighs whose value is at most the threshold, each once.
template <typename Solver> class Certifier {
public:
  Certifier(const Solver &solver, const IntegerCosts &costs)
      : solver(solver), costs(costs), error(relativeErrorOf(costs.phase)) {}

  /// The optimum and a tree; none: beyond 128 bits.
  std::optional<std::pair<SplitList, Cost>> run() {
    TensorMask full = costs.phase.full();
    double optimum = solver.costOf(full);
    if (!std::isfinite(optimum))
      return std::nullopt;
    SplitList splits;
    appendBest(full, splits);
    std::optional<Cost> value = costs.sum(splits);
    // One integer in the interval of error: it is the optimum.
    double bound = std::ceil(optimum * (1 - 2 * error));
    constexpr double exactBelow = 0x1p52;
    if (value && bound < exactBelow && *value <= static_cast<uint64_t>(bound))
      return std::make_pair(std::move(splits), *value);
    // Otherwise the trees that look alike are compared in integers.
    value = solveInIntegers(full).cost;
    if (!value)
      return std::nullopt;
    splits.clear();
    appendExact(full, splits);
    return std::make_pair(std::move(splits), *value);
  }

private:
  struct Entry {
    std::optional<Cost> cost;
    TensorMask split = 0;
  };

  void appendBest(TensorMask set, SplitList &splits) const {
    if (llvm::popcount(set) < 2)
      return;
    TensorMask chosen = 0;
    double best = 0;
    solver.forEachSplit(set, solver.costOf(set) * (1 + 2 * error),
                        [&](TensorMask a, TensorMask, double cost) {
                          if (chosen == 0 || cost < best) {
                            chosen = a;
                            best = cost;
                          }
                        });
    assert(chosen && "the recurrence met its minimum");
    appendBest(chosen, splits);
    appendBest(set ^ chosen, splits);
    splits.push_back({chosen, set ^ chosen});
  }

  const Entry &solveInIntegers(TensorMask set) {
    auto found = exact.find(set);
    if (found != exact.end())
      return found->second;
    Entry entry;
    if (llvm::popcount(set) < 2) {
      entry.cost = 0;
    } else {
      // A split of an optimal tree is never further from the best than this.
      double margin = std::max(1e-12, 4 * error);
      std::vector<TensorMask> candidates;
      solver.forEachSplit(
          set, solver.costOf(set) * (1 + margin),
          [&](TensorMask a, TensorMask, double) { candidates.push_back(a); });
      for (TensorMask a : candidates) {
        std::optional<Cost> cost = costs.stepCost(a, set ^ a);
        for (TensorMask half : {a, set ^ a}) {
          std::optional<Cost> inner = solveInIntegers(half).cost;
          cost = cost && inner ? addCosts(*cost, *inner) : std::nullopt;
        }
        if (cost && (!entry.cost || *cost < *entry.cost))
          entry = {cost, a};
      }
    }
    return exact.emplace(set, entry).first->second;
  }

  void appendExact(TensorMask set, SplitList &splits) const {
    if (llvm::popcount(set) < 2)
      return;
    TensorMask chosen = exact.at(set).split;
    appendExact(chosen, splits);
    appendExact(set ^ chosen, splits);
    splits.push_back({chosen, set ^ chosen});
  }

  const Solver &solver;
  const IntegerCosts &costs;
  double error;
  std::map<TensorMask, Entry> exact;
};

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_CERTIFICATE_H

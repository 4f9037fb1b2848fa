//===- References.h - Optima by other means ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The least value of an objective over all trees, straight from the
/// definitions and in integers: every sequence of pairwise steps, and a
/// dynamic programme over all splits of all subsets. Nothing of the search is
/// used.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_CONTRACTION_REFERENCES_H
#define FETTA_UNITTESTS_CONTRACTION_REFERENCES_H

#include "fetta/Contraction/Objective.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <algorithm>
#include <cassert>
#include <vector>

namespace fetta::test {

/// Networks of at most 64 indices whose costs fit in 128 bits.
class Reference {
public:
  Reference(const ClosedNetwork &network, unsigned rootLeaf)
      : root(indicesOf(network, rootLeaf)) {
    assert(network.getIndices().size() <= 64 && "too many indices");
    for (const NetworkIndex &index : network.getIndices())
      sizes.push_back(index.size);
    for (unsigned leaf : llvm::seq(network.numLeaves()))
      if (leaf != rootLeaf)
        tensors.push_back(indicesOf(network, leaf));
  }

  /// Every order of pairwise steps; meant for at most 7 tensors.
  Cost bruteForce(const Objective &objective) const {
    Cost best = ~Cost(0);
    tryAllSteps(tensors, objective, 0, best);
    return best;
  }

  /// Every split of every subset.
  Cost unprunedProgramme(const Objective &objective) const {
    unsigned n = tensors.size();
    std::vector<Cost> best(size_t(1) << n, 0);
    std::vector<uint64_t> open(best.size());
    for (unsigned set : llvm::seq<unsigned>(1, best.size())) {
      uint64_t inside = 0, outside = root;
      for (unsigned k : llvm::seq(n))
        (set >> k & 1 ? inside : outside) |= tensors[k];
      open[set] = inside & outside;
      if ((set & (set - 1)) == 0)
        continue;
      best[set] = ~Cost(0);
      for (unsigned a = (set - 1) & set; a > (set ^ a); a = (a - 1) & set) {
        unsigned b = set ^ a;
        best[set] = std::min(
            best[set], join(objective, best[a], best[b],
                            step(objective, open[a] | open[b], open[set])));
      }
    }
    return best.back();
  }

private:
  static uint64_t indicesOf(const ClosedNetwork &network, unsigned leaf) {
    uint64_t mask = 0;
    for (unsigned index : network.getLeaves()[leaf])
      mask |= uint64_t(1) << index;
    return mask;
  }
  Cost volume(uint64_t indices) const {
    Cost product = 1;
    for (unsigned index = 0; indices >> index; ++index)
      if (indices >> index & 1)
        product *= sizes[index];
    return product;
  }
  Cost step(const Objective &objective, uint64_t touched,
            uint64_t result) const {
    if (objective.isLargest)
      return volume(result);
    return objective.flopWeight * volume(touched) +
           objective.writeWeight * volume(result);
  }
  static Cost join(const Objective &objective, Cost a, Cost b, Cost step) {
    return objective.isLargest ? std::max({a, b, step}) : a + b + step;
  }

  void tryAllSteps(const std::vector<uint64_t> &present,
                   const Objective &objective, Cost soFar, Cost &best) const {
    if (present.size() < 2) {
      best = std::min(best, soFar);
      return;
    }
    for (unsigned b : llvm::seq<unsigned>(0, present.size()))
      for (unsigned a : llvm::seq(b)) {
        // An index goes when nothing that is left and not the output holds it.
        uint64_t touched = present[a] | present[b], held = root;
        std::vector<uint64_t> next;
        for (unsigned k : llvm::seq<unsigned>(0, present.size()))
          if (k != a && k != b) {
            next.push_back(present[k]);
            held |= present[k];
          }
        next.push_back(touched & held);
        tryAllSteps(
            next, objective,
            join(objective, soFar, 0, step(objective, touched, touched & held)),
            best);
      }
  }

  uint64_t root;
  std::vector<uint64_t> tensors;
  std::vector<Cost> sizes;
};

} // namespace fetta::test

#endif // FETTA_UNITTESTS_CONTRACTION_REFERENCES_H

//===- TrainingTables.h - Least costs of all subsets ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the searches for training trees, fronts and hardware cost have in
/// common: costs of steps, and for each set of tensors the fewest multiply-adds
/// inside and outside of it. Sets are bit masks; the root leaf is in none.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_TRAININGTABLES_H
#define FETTA_LIB_CONTRACTION_TRAININGTABLES_H

#include "fetta/Contraction/TrainingSearch.h"

#include "ExactSearch.h"

#include <limits>

namespace fetta {

/// The volumes of all subsets of a phase's tensors, in doubles that hold the
/// exact integers below exactBelow().
class SubsetVolumes {
public:
  using Mask = uint32_t;

  /// Errors: more than maxExactTensors; the product of all index sizes leaves
  /// the range of a double.
  static llvm::Expected<SubsetVolumes> create(const ClosedNetwork &network,
                                              unsigned rootLeaf);

  unsigned numTensors() const { return n; }
  Mask full() const { return (Mask(1) << n) - 1; }
  Mask maskOf(const LeafSet &leaves) const;
  /// Elements of what a set contracts to.
  double elements(Mask set) const {
    return nearest(outside[set] * inverse[set]);
  }
  /// Multiply-adds of a step that makes a|b; part of it is common to all
  /// splits of a set.
  double scale(Mask set) const { return outside[set]; }
  double flops(double scale, Mask a, Mask b) const {
    return nearest(scale * (inverse[a] * inverse[b]));
  }
  /// A total below this is an exact integer, and all its steps are.
  double exactBelow() const { return exactLimit; }
  llvm::ArrayRef<Bundle> getBundles() const { return bundles; }

private:
  /// Whole numbers, as long as a rounding error cannot reach a half.
  double nearest(double x) const {
    return x < exactLimit ? (x + 0x1p52) - 0x1p52 : x;
  }
  unsigned n = 0;
  unsigned root = 0;
  double exactLimit = 0;
  std::vector<Bundle> bundles;
  std::vector<double> inverse; ///< 1 / P(set), see DenseSearch.cpp.
  std::vector<double> outside; ///< W / P(all leaves outside of the set).
};

/// Calls for every unordered split of a set; the lowest tensor is in the first
/// half.
template <typename Callback> void forEachSplit(uint32_t set, Callback call) {
  uint32_t low = set & -set, rest = set ^ low;
  for (uint32_t part = (rest - 1) & rest; rest != 0; part = (part - 1) & rest) {
    call(low | part, rest ^ part);
    if (part == 0)
      return;
  }
}

/// Multiply-adds of a goal, by the set that a vertex of the tree makes.
class TrainingTables {
public:
  using Mask = SubsetVolumes::Mask;

  TrainingTables(SubsetVolumes volumes, const TrainingGoal &goal);

  /// Fills least(): no set that takes more than \p upperBound multiply-adds or
  /// has more than \p maxElements is kept.
  void searchInside(double upperBound,
                    double maxElements = std::numeric_limits<double>::max());
  /// Fills leastOutside().
  void searchOutside();

  const SubsetVolumes &getVolumes() const { return volumes; }
  bool wantsGradient(Mask set) const { return set & gradients; }
  bool isActivation(Mask set) const { return set & activations; }
  /// How often the steps of a vertex are done.
  double repeats(Mask set) const { return isActivation(set) ? times : 1; }
  /// All steps of the vertex that splits a|b, for a repeat: forward, and one
  /// for each side with a gradient.
  double directions(Mask a, Mask b) const {
    return 1 + wantsGradient(a) + wantsGradient(b);
  }
  /// Fewest multiply-adds of all vertices within the set, all directions.
  double least(Mask set) const { return inside[set]; }
  /// Fewest of the rest of a tree that contains the set.
  double leastOutside(Mask set) const { return around[set]; }
  /// The splits of a tree with least(full), operands first.
  std::vector<std::pair<Mask, Mask>> bestSplits() const;

  double vertexFlops(Mask set, Mask a, Mask b) const {
    return repeats(set) * directions(a, b) *
           volumes.flops(volumes.scale(set), a, b);
  }

private:
  void appendSplits(Mask set, std::vector<std::pair<Mask, Mask>> &splits) const;

  SubsetVolumes volumes;
  Mask gradients, activations;
  double times;
  std::vector<double> inside, around;
};

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_TRAININGTABLES_H

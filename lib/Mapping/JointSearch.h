//===- JointSearch.h - Layouts for several contractions ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The combinatorial core of the joint mapper. Every contraction chooses one of
/// its mappings; a value's layout has to hold, dimension by dimension, the most
/// low bits that any of its uses needs, in no more bits than a row has. What
/// does not fit is paid for in sub-beats.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_JOINTSEARCH_H
#define FETTA_LIB_MAPPING_JOINTSEARCH_H

#include "Candidates.h"

namespace fetta::mapping {

/// A solution within this fraction of the lower bound is not worth a wider
/// search.
constexpr int64_t closeEnough = 64;

/// Values that share a layout.
struct LayoutGroup {
  llvm::SmallVector<int64_t, 8> sizes;
  std::optional<LowBits> fixed;
  /// Dimensions, outer to inner, that some view merges into one.
  std::vector<llvm::SmallVector<unsigned, 2>> merges;

  /// Adds the bits that the merges ask for besides `low`: an outer dimension
  /// has low bits only when the inner ones lie in them entirely. False if that
  /// is impossible.
  bool close(LowBits &low) const;
};

/// How a contraction sees a value: dimensions, outer to inner, of every mode.
struct GroupView {
  unsigned group = 0;
  llvm::SmallVector<llvm::SmallVector<unsigned, 2>, 8> dims;
};

/// The dimensions of `shape`, outer to inner, that each dimension of `view`
/// merges; none if it does not merge neighbours.
std::optional<llvm::SmallVector<llvm::SmallVector<unsigned, 2>, 8>>
mergedDims(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> view);

/// Contractions that are mapped alike.
struct ContractionClass {
  const std::vector<Choice> *choices = nullptr; ///< Not empty.
  std::array<GroupView, 3> views;
  int64_t count = 1;                  ///< So many of them.
  std::array<CostWeights, 3> weights; ///< By dataflow.

  int64_t score(const Candidate &candidate, const MappingCost &cost) const {
    return weights[unsigned(candidate.dataflow)].score(cost);
  }
};

struct JointProblem {
  unsigned rowBits = 0; ///< Bank bits of a row.
  std::vector<LayoutGroup> groups;
  std::vector<ContractionClass> classes;
};

struct JointSolution {
  std::vector<LowBits> layouts;  ///< By group.
  std::vector<unsigned> choices; ///< By class.
  std::vector<bool> conflicts;   ///< By class: some access lacks a bit.
  int64_t score = 0;             ///< Weighted, over all contractions.
  /// No solution has a lower score: every class has its best choice.
  bool proven = false;
  int64_t states = 0; ///< Partial solutions that were looked at.
};

/// Deterministic. Exact where it says `proven`.
JointSolution solveJointly(const JointProblem &problem);

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_JOINTSEARCH_H

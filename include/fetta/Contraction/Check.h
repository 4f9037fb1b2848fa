//===- Check.h - An independent look at a tree ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Recomputes from the einsum alone what the search claims. It shares no
/// algorithm with it: arbitrary-precision integers, index sets by definition,
/// and a dynamic programme without any pruning.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_CHECK_H
#define FETTA_CONTRACTION_CHECK_H

#include "fetta/Contraction/Objective.h"

namespace fetta {

struct CheckOptions {
  /// Optimality is re-proved for phases of up to this many tensors (3^n / 2
  /// pairs; at most 16). 0: only the cost is recomputed.
  unsigned optimalityLimit = 16;
  /// What is claimed. Of Objective::size only the largest intermediate is
  /// looked at, not the multiply-adds that decide between equals.
  Objective objective = {};
};

/// What was found true.
struct CheckReport {
  bool optimalityChecked = false; ///< Else above the limit, or not claimed.
};

/// Checks that \p tree is a contraction tree of \p network, that the objective
/// (multiply-adds unless options say otherwise) is \p claimedValue, and, if
/// \p claimedOptimal, that no tree has a smaller one.
/// Error: the first claim that is false, with both values.
llvm::Expected<CheckReport> checkTree(const ClosedNetwork &network,
                                      const ContractionTree &tree,
                                      Cost claimedValue, bool claimedOptimal,
                                      const CheckOptions &options = {});

} // namespace fetta

#endif // FETTA_CONTRACTION_CHECK_H

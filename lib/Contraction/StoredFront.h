//===- StoredFront.h - Multiply-adds against stored elements ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Dynamic programming over training trees and what they keep for the
/// gradients, for one weighted sum and for the whole front.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_STOREDFRONT_H
#define FETTA_LIB_CONTRACTION_STOREDFRONT_H

#include "TrainingTables.h"

namespace fetta {

/// A training tree by its splits; retention is that of the split's union.
struct StoredPoint {
  double flops, stored; ///< As the programme found them.
  std::vector<std::pair<uint32_t, uint32_t>> splits; ///< Operands first.
  std::vector<Retention> retention;
};

struct StoredFrontOptions {
  double flopCap; ///< No more multiply-adds than this (with a price: the sum).
  double storedCap; ///< No more stored elements than this.
  bool recompute = true, countWeights = false;
  double factor = 1; ///< See Front.
};

/// The trees of which no other has fewer multiply-adds and stored elements
/// together; ascending in multiply-adds. \p tables: inside and outside, with
/// a bound not below flopCap.
std::vector<StoredPoint> findStoredFront(const TrainingTables &tables,
                                         const StoredFrontOptions &options);

/// The tree with the least multiply-adds + price * stored elements; none
/// within the cap.
std::optional<StoredPoint> findStoredOptimum(const TrainingTables &tables,
                                             double price,
                                             const StoredFrontOptions &options);

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_STOREDFRONT_H

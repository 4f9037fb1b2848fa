//===- TrainingFronts.h - Fronts over training trees ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Dynamic programming over training trees by multiply-adds and another figure:
/// what they keep for the gradients, or the peak of what is alive.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_TRAININGFRONTS_H
#define FETTA_LIB_CONTRACTION_TRAININGFRONTS_H

#include "TrainingTables.h"

namespace fetta {

/// A training tree by its splits; retention is that of the split's union.
struct FrontPoint {
  double flops, elements; ///< As the programme found them.
  std::vector<std::pair<uint32_t, uint32_t>> splits; ///< Operands first.
  std::vector<Retention> retention;
};

/// What known trees achieve. A tree that is strictly worse than one of them
/// need not be looked at.
class Incumbents {
public:
  Incumbents() = default;
  explicit Incumbents(llvm::ArrayRef<FrontPoint> points);
  /// Whether a known tree is better in one figure and no worse in the other
  /// than any tree with at least these.
  bool beat(double flops, double elements) const;
  /// Multiply-adds beyond which any tree with at least so many elements is
  /// beaten; infinite if there is no such bound.
  double flopCap(double elements) const;

private:
  /// Ascending in multiply-adds, descending in elements.
  std::vector<std::pair<double, double>> known;
};

struct FrontOptions {
  double flopCap; ///< No more multiply-adds than this (with a price: the sum).
  double elementCap; ///< No more stored elements than this.
  bool recompute = true, countWeights = false;
  double factor = 1; ///< See Front.
  Incumbents incumbents = {};
  /// The last result takes no elements: it has its place already.
  bool resultInPlace = false;
};

/// The trees of which no other has fewer multiply-adds and stored elements
/// together; ascending in multiply-adds. \p tables: inside and outside, with
/// a bound not below flopCap.
std::vector<FrontPoint> findStoredFront(const TrainingTables &tables,
                                        const FrontOptions &options);

/// The tree with the least multiply-adds + price * stored elements; none
/// within the cap.
std::optional<FrontPoint> findStoredOptimum(const TrainingTables &tables,
                                            double price,
                                            const FrontOptions &options);

/// The same for multiply-adds and the peak of live elements as planTraining
/// arranges it; everything that a gradient reads is stored, nothing repeats.
/// recompute and countWeights are without meaning, elementCap is one of the
/// peak.
std::vector<FrontPoint> findPeakFront(const TrainingTables &tables,
                                      const FrontOptions &options);

/// Those of which no other is better; one of each pair of equals.
std::vector<FrontPoint> undominated(std::vector<FrontPoint> points);

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_TRAININGFRONTS_H

//===- ScalarReference.h - The machine's arithmetic in loops ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Section 7 of docs/Machine.md as plain scalar loops. Takes from a nest only
/// the order in which things are added; knows nothing of layouts, rows, banks,
/// networks or sub-beats, and shares no code with what it checks.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TEST_LIB_SCALARREFERENCE_H
#define FETTA_TEST_LIB_SCALARREFERENCE_H

#include "fetta/Layout/Nest.h"

#include <cstdint>
#include <vector>

namespace fetta::test {

/// An array over modes of a contraction, row-major in the order of `modes`.
struct ModeArray {
  std::vector<unsigned> modes;
  std::vector<int64_t> sizes; ///< Of those modes.
  std::vector<float> values;

  size_t offset(const std::vector<int64_t> &modeIndex) const;
};

/// Sums of a result while its scope is open.
struct ReferenceSums {
  ModeArray array;
  std::vector<bool> started;

  explicit ReferenceSums(ModeArray shape);
};

/// Adds what one instruction contributes. `offsets`: per mode, what the nest's
/// indices are offset by in the arrays (a reduction split over instructions).
void referenceContract(const Nest &nest, const std::vector<int64_t> &offsets,
                       const ModeArray &a, const ModeArray &b,
                       ReferenceSums &sums);

/// Rounds drained sums to the result's type, NaN made canonical.
std::vector<float> referenceDrain(const ReferenceSums &sums, ElementType type);

/// The same contraction in double, and the sum of the magnitudes of the
/// products, for error bounds.
struct DoubleResult {
  std::vector<double> value, magnitude;
};
DoubleResult doubleContract(const std::vector<int64_t> &modeSizes,
                            const ModeArray &a, const ModeArray &b,
                            const ModeArray &c);

} // namespace fetta::test

#endif // FETTA_TEST_LIB_SCALARREFERENCE_H

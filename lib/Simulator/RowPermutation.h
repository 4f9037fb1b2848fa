//===- RowPermutation.h - A whole row through a distribution ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A distribution whose lanes read words from all over the row takes one load
/// per lane, unless the processor permutes words between registers (AVX-512).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_ROWPERMUTATION_H
#define FETTA_LIB_SIMULATOR_ROWPERMUTATION_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fetta {

class RowPermutation {
public:
  /// Whether this processor can, for rows of so many words.
  static bool supported(size_t lanes);

  RowPermutation() = default;
  /// `banks`: the bank that each lane reads.
  explicit RowPermutation(const std::vector<uint16_t> &banks);
  explicit operator bool() const { return !banks.empty(); }

  /// out[lane] = words[banks[lane]] as a float.
  void apply(float *out, const uint16_t *words) const;

private:
  std::vector<uint16_t> banks;
  /// Which lanes of a block of 32 read from a block of 64 banks, lanes-major.
  std::vector<uint32_t> masks;
};

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_ROWPERMUTATION_H

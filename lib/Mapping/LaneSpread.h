//===- LaneSpread.h - Lane bits over the modes of a group -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Modes of a group (batch, free, reduced) may share the lane bits that the
/// group gets in any way. What a closed form needs is the least product of
/// chunks for each number of bits.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_LANESPREAD_H
#define FETTA_LIB_MAPPING_LANESPREAD_H

#include "llvm/ADT/ArrayRef.h"

#include <array>
#include <cstdint>
#include <vector>

namespace fetta::mapping {

/// A mode and the bits of it that may lie on lanes.
struct SpreadMode {
  int64_t size = 1;
  uint8_t total = 0; ///< On any lanes.
  uint8_t ce = 0;    ///< On CEs, where rows are counted apart.
};

/// Least product of chunks by the number of bits.
struct LaneSpread {
  static constexpr unsigned maxBits = 12; ///< Lane bits at most.
  std::array<double, maxBits + 1> chunks;
  unsigned bits = 0; ///< More change nothing.

  double operator[](unsigned k) const { return chunks[k < bits ? k : bits]; }
};

/// With up to `most` bits; the CE limit of modes does not count.
LaneSpread spreadLanes(llvm::ArrayRef<SpreadMode> modes, unsigned most);

/// With p bits on PE rows (the entry) and any number up to `ceBits` on CEs.
/// There are as many entries as rows make a difference, at least one.
std::vector<LaneSpread> spreadRows(llvm::ArrayRef<SpreadMode> modes,
                                   unsigned rowBits, unsigned ceBits);

/// A single mode: no group of modes with this product has fewer chunks.
LaneSpread mergedSpread(double size, unsigned most);
std::vector<LaneSpread> mergedRows(double size, unsigned rowBits,
                                   unsigned ceBits);

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_LANESPREAD_H

//===- SlabBits.h - Cycles of a window, one bit each ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A window has at most 64 cycles; bit i of a word is its cycle number i.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_SLABBITS_H
#define FETTA_LIB_SIMULATOR_SLABBITS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/bit.h"

#include <cstdint>
#include <limits>

namespace fetta {

inline constexpr int64_t windowCycles = 64;
/// "Not before something else happens".
inline constexpr int64_t never = std::numeric_limits<int64_t>::max() / 2;

/// Cycles in which a slab is taken, by slab.
using SlabBits = llvm::SmallVector<uint64_t, 8>;

/// The bits [0, count).
inline uint64_t lowBits(int64_t count) {
  return count >= 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1;
}

/// The lowest `count` bits that are set.
inline uint64_t firstBits(uint64_t bits, int64_t count) {
  if (llvm::popcount(bits) <= count)
    return bits;
  uint64_t rest = bits;
  for (; count > 0; --count)
    rest &= rest - 1;
  return bits & ~rest;
}

/// Cycles up to and including the last bit.
inline int64_t bitsEnd(uint64_t bits) { return 64 - llvm::countl_zero(bits); }

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_SLABBITS_H

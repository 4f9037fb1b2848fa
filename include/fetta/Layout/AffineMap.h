//===- AffineMap.h - Affine maps over GF(2) ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// `y = A x + b` on bit vectors: what a route means. For a distribution
/// network x is a lane and y the bank it reads; for the reduction network x is
/// a lane and y the bank its word goes to (several lanes on one bank add up).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LAYOUT_AFFINEMAP_H
#define FETTA_LAYOUT_AFFINEMAP_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/bit.h"

#include <cstdint>

namespace fetta {

struct BitMap {
  /// Bit j of the image is the parity of (rows[j] & x), xor bit j of
  /// `constant`. Square: as many rows as x has bits.
  llvm::SmallVector<uint32_t, 12> rows;
  uint32_t constant = 0;

  unsigned bits() const { return rows.size(); }
  uint32_t apply(uint32_t x) const {
    uint32_t y = constant;
    for (unsigned j = 0; j < rows.size(); ++j)
      y ^= uint32_t(llvm::popcount(rows[j] & x) & 1) << j;
    return y;
  }
  /// Number of linearly independent rows.
  unsigned rank() const;
  /// this(inner(x)).
  BitMap compose(const BitMap &inner) const;
  bool invertible() const { return rank() == bits(); }
  /// Of an invertible map.
  BitMap inverse() const;
  bool operator==(const BitMap &o) const {
    return rows == o.rows && constant == o.constant;
  }
  static BitMap identity(unsigned bits);
};

} // namespace fetta

#endif // FETTA_LAYOUT_AFFINEMAP_H

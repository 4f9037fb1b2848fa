//===- AffineMap.cpp - Affine maps over GF(2) -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Layout/AffineMap.h"

#include <cassert>
#include <utility>

using namespace fetta;

unsigned BitMap::rank() const {
  llvm::SmallVector<uint32_t, 12> work(rows);
  unsigned rank = 0;
  for (unsigned bit = 0; bit < 32 && rank < work.size(); ++bit) {
    unsigned pivot = rank;
    while (pivot < work.size() && !(work[pivot] >> bit & 1))
      ++pivot;
    if (pivot == work.size())
      continue;
    std::swap(work[rank], work[pivot]);
    for (unsigned i = rank + 1; i < work.size(); ++i)
      if (work[i] >> bit & 1)
        work[i] ^= work[rank];
    ++rank;
  }
  return rank;
}

BitMap BitMap::compose(const BitMap &inner) const {
  assert(bits() == inner.bits() && "maps of different width");
  BitMap result;
  result.constant = apply(inner.constant);
  for (uint32_t row : rows) {
    uint32_t combined = 0;
    for (unsigned j = 0; j < bits(); ++j)
      if (row >> j & 1)
        combined ^= inner.rows[j];
    result.rows.push_back(combined);
  }
  return result;
}

BitMap BitMap::inverse() const {
  BitMap result = identity(bits());
  llvm::SmallVector<uint32_t, 12> work(rows);
  // Gauss-Jordan on [A | I].
  for (unsigned bit = 0; bit < bits(); ++bit) {
    unsigned pivot = bit;
    while (pivot < bits() && !(work[pivot] >> bit & 1))
      ++pivot;
    assert(pivot < bits() && "the map is not invertible");
    std::swap(work[bit], work[pivot]);
    std::swap(result.rows[bit], result.rows[pivot]);
    for (unsigned i = 0; i < bits(); ++i)
      if (i != bit && (work[i] >> bit & 1)) {
        work[i] ^= work[bit];
        result.rows[i] ^= result.rows[bit];
      }
  }
  // x = A^-1 (y + b) = A^-1 y + A^-1 b.
  result.constant = result.apply(constant);
  return result;
}

BitMap BitMap::identity(unsigned bits) {
  BitMap result;
  for (unsigned j = 0; j < bits; ++j)
    result.rows.push_back(uint32_t(1) << j);
  return result;
}

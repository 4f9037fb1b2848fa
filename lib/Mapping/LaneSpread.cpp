//===- LaneSpread.cpp - Lane bits over the modes of a group ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneSpread.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace fetta;
using namespace fetta::mapping;

static double chunksOf(int64_t size, unsigned bits) {
  return double((size + (int64_t(1) << bits) - 1) >> bits);
}

/// Fewer bits are allowed, too; the last number that gains is the saturation.
static void finish(LaneSpread &spread, unsigned most) {
  spread.bits = 0;
  for (unsigned k = 1; k <= most; ++k) {
    spread.chunks[k] = std::min(spread.chunks[k], spread.chunks[k - 1]);
    if (spread.chunks[k] < spread.chunks[spread.bits])
      spread.bits = k;
  }
}

LaneSpread mapping::spreadLanes(llvm::ArrayRef<SpreadMode> modes,
                                unsigned most) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  LaneSpread best;
  best.chunks.fill(infinity);
  best.chunks[0] = 1;
  unsigned reach = 0;
  for (const SpreadMode &mode : modes) {
    LaneSpread next;
    next.chunks.fill(infinity);
    unsigned limit = std::min<unsigned>(mode.total, most);
    for (unsigned bits = 0; bits <= limit; ++bits) {
      double chunks = chunksOf(mode.size, bits);
      for (unsigned k = 0; k <= reach && k + bits <= most; ++k)
        next.chunks[k + bits] =
            std::min(next.chunks[k + bits], best.chunks[k] * chunks);
    }
    reach = std::min(reach + limit, most);
    best = next;
  }
  finish(best, most);
  return best;
}

std::vector<LaneSpread> mapping::spreadRows(llvm::ArrayRef<SpreadMode> modes,
                                            unsigned rowBits, unsigned ceBits) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  LaneSpread none;
  none.chunks.fill(infinity);
  std::vector<LaneSpread> best(rowBits + 1, none);
  best[0].chunks[0] = 1;
  for (const SpreadMode &mode : modes) {
    std::vector<LaneSpread> next(rowBits + 1, none);
    for (unsigned ce = 0; ce <= std::min<unsigned>(mode.ce, ceBits); ++ce)
      for (unsigned row = 0; row <= rowBits && row + ce <= mode.total; ++row) {
        double chunks = chunksOf(mode.size, row + ce);
        for (unsigned p = 0; p + row <= rowBits; ++p)
          for (unsigned k = 0; k + ce <= ceBits; ++k)
            next[p + row].chunks[k + ce] = std::min(
                next[p + row].chunks[k + ce], best[p].chunks[k] * chunks);
      }
    best = std::move(next);
  }
  unsigned useful = 1;
  for (unsigned p = 0; p <= rowBits; ++p) {
    if (p > 0)
      for (unsigned k = 0; k <= ceBits; ++k)
        best[p].chunks[k] = std::min(best[p].chunks[k], best[p - 1].chunks[k]);
    finish(best[p], ceBits);
    if (p > 0 &&
        !std::equal(best[p].chunks.begin(), best[p].chunks.begin() + ceBits + 1,
                    best[p - 1].chunks.begin()))
      useful = p + 1;
  }
  best.resize(useful);
  return best;
}

LaneSpread mapping::mergedSpread(double size, unsigned most) {
  LaneSpread spread;
  double chunks = size;
  for (unsigned k = 0; k <= most; ++k) {
    spread.chunks[k] = std::ceil(chunks);
    chunks /= 2;
    spread.bits = k;
    if (spread.chunks[k] == 1)
      break;
  }
  return spread;
}

std::vector<LaneSpread> mapping::mergedRows(double size, unsigned rowBits,
                                            unsigned ceBits) {
  std::vector<LaneSpread> rows;
  for (unsigned p = 0; p <= rowBits; ++p) {
    rows.push_back(mergedSpread(std::ceil(size / double(1u << p)), ceBits));
    if (rows.back().chunks[0] == 1)
      break;
  }
  return rows;
}

//===- BFloat16Test.cpp - Rounding to bfloat16 ----------------------------===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Support/BFloat16.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>

using namespace fetta;

// Usable where a constant is needed.
static_assert(floatToBF16(1.0f) == 0x3F80);
static_assert(bf16ToFloat(0xC000) == -2.0f);

namespace {

TEST(BFloat16, EveryValueSurvivesARoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    float value = bf16ToFloat(static_cast<uint16_t>(bits));
    bool isNaN = (bits & 0x7F80) == 0x7F80 && (bits & 0x7F);
    EXPECT_EQ(std::isnan(value), isNaN) << bits;
    EXPECT_EQ(floatToBF16(value), isNaN ? 0x7FC0 : bits);
  }
}

/// The nearest of the two neighbours, computed in double, where both
/// neighbours, their midpoint and all distances are exact.
uint16_t nearestByDistance(float value) {
  uint32_t bits = floatToBits(value);
  uint16_t below = static_cast<uint16_t>(bits >> 16);
  uint16_t above = static_cast<uint16_t>(below + 1);
  double lower = std::fabs(static_cast<double>(bf16ToFloat(below)));
  // Above the largest finite value the next step would be 2^128.
  double upper = (above & 0x7FFF) == 0x7F80
                     ? std::ldexp(1.0, 128)
                     : std::fabs(static_cast<double>(bf16ToFloat(above)));
  double magnitude = std::fabs(static_cast<double>(value));
  if (magnitude - lower != upper - magnitude)
    return magnitude - lower < upper - magnitude ? below : above;
  return below & 1 ? above : below;
}

TEST(BFloat16, RoundsToNearestEvenAroundEveryValue) {
  // Between each pair of neighbours: just inside both ends, and the midpoint
  // with the floats beside it. Subnormals of both signs are among them.
  for (uint32_t high = 0; high < 0x10000; ++high) {
    if ((high & 0x7F80) == 0x7F80)
      continue;
    for (uint32_t low :
         {0x0001u, 0x4000u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu}) {
      float value = bitsToFloat(high << 16 | low);
      EXPECT_EQ(floatToBF16(value), nearestByDistance(value))
          << std::hex << high << ' ' << low;
    }
  }
}

TEST(BFloat16, TiesGoToTheEvenNeighbour) {
  EXPECT_EQ(floatToBF16(bitsToFloat(0x3F808000)), 0x3F80);
  EXPECT_EQ(floatToBF16(bitsToFloat(0x3F818000)), 0x3F82);
  EXPECT_EQ(floatToBF16(bitsToFloat(0x3FFF8000)), 0x4000);
}

TEST(BFloat16, KeepsSubnormals) {
  // 1e-39 is below the smallest normal number, 1.18e-38.
  EXPECT_EQ(floatToBF16(1e-39f), 0x000B);
  EXPECT_NE(roundToBF16(-1e-39f), 0.0f);
  EXPECT_EQ(floatToBF16(-0.0f), 0x8000);
}

TEST(BFloat16, OverflowsToInfinity) {
  EXPECT_EQ(floatToBF16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(floatToBF16(-std::numeric_limits<float>::max()), 0xFF80);
  EXPECT_EQ(floatToBF16(std::numeric_limits<float>::infinity()), 0x7F80);
}

TEST(BFloat16, MakesEveryNaNCanonical) {
  for (uint32_t bits : {0x7F800001u, 0x7FFFFFFFu, 0xFF800001u, 0xFFC00000u}) {
    EXPECT_EQ(floatToBF16(bitsToFloat(bits)), canonicalNaNBF16);
    EXPECT_EQ(floatToBits(canonicalizeNaN(bitsToFloat(bits))), canonicalNaNF32);
  }
  EXPECT_EQ(canonicalizeNaN(1.5f), 1.5f);
  EXPECT_EQ(floatToBits(canonicalizeNaN(bitsToFloat(0xFF800000))), 0xFF800000u);
}

} // namespace

//===- AffineMapTest.cpp - Algebra of affine maps -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Layout/AffineMap.h"

#include "gtest/gtest.h"

#include <set>

using namespace fetta;

namespace {

BitMap matrix(unsigned p, uint32_t code, uint32_t constant) {
  BitMap map;
  for (unsigned j = 0; j < p; ++j)
    map.rows.push_back(code >> (j * p) & ((1u << p) - 1));
  map.constant = constant;
  return map;
}

// Rank, inverse: from the image of every vector, for all maps of 2 and 3 bits.
TEST(BitMap, RankAndInverseExhaustive) {
  for (unsigned p : {1u, 2u, 3u})
    for (uint32_t code = 0; code < 1u << (p * p); ++code)
      for (uint32_t c = 0; c < 1u << p; ++c) {
        BitMap map = matrix(p, code, c);
        std::set<uint32_t> image;
        for (uint32_t x = 0; x < 1u << p; ++x)
          image.insert(map.apply(x));
        ASSERT_EQ(image.size(), 1u << map.rank()) << "code " << code;
        ASSERT_EQ(map.invertible(), image.size() == 1u << p);
        if (!map.invertible())
          continue;
        BitMap inverse = map.inverse();
        for (uint32_t x = 0; x < 1u << p; ++x)
          ASSERT_EQ(inverse.apply(map.apply(x)), x) << "code " << code;
        ASSERT_TRUE(inverse.inverse() == map);
        ASSERT_TRUE(map.compose(inverse) == BitMap::identity(p));
      }
}

TEST(BitMap, ComposeExhaustive) {
  // All pairs of 2 bits with constants, all pairs of 3 bits.
  auto check = [](const BitMap &outer, const BitMap &inner) {
    BitMap both = outer.compose(inner);
    for (uint32_t x = 0; x < 1u << outer.bits(); ++x)
      if (both.apply(x) != outer.apply(inner.apply(x)))
        return false;
    return true;
  };
  for (uint32_t a = 0; a < 64; ++a)
    for (uint32_t b = 0; b < 64; ++b)
      ASSERT_TRUE(check(matrix(2, a & 15, a >> 4), matrix(2, b & 15, b >> 4)));
  for (uint32_t a = 0; a < 512; ++a)
    for (uint32_t b = 0; b < 512; ++b)
      ASSERT_TRUE(check(matrix(3, a, b & 7), matrix(3, b, a & 7)));
}

TEST(BitMap, AppliesRowByRow) {
  // y0 = x0 + x1, y1 = x1 + 1.
  BitMap map;
  map.rows = {3, 2};
  map.constant = 2;
  EXPECT_EQ(map.apply(0), 2u);
  EXPECT_EQ(map.apply(1), 3u);
  EXPECT_EQ(map.apply(2), 1u);
  EXPECT_EQ(map.apply(3), 0u);
  EXPECT_TRUE(BitMap::identity(2).rows ==
              (llvm::SmallVector<uint32_t, 12>{1, 2}));
}

} // namespace

//===- LayoutTest.cpp - Where elements lie --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shapes.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <set>

using namespace fetta;

namespace {

std::string messageOf(const Layout &layout, unsigned bankBits) {
  return toString(layout.verify(bankBits));
}

BankBit on(unsigned mode, unsigned bit) { return {ModeBit{mode, bit}, false}; }

// Every layout of two dimensions up to 6 with up to 3 bank bits: no two
// elements share a word, and rows() is exactly what they span.
TEST(Layout, PackedExhaustive) {
  int layouts = 0;
  shapes::forEachPacked({6, 6}, 3, [&](const Layout &layout) {
    ++layouts;
    ASSERT_EQ(messageOf(layout, 3), "");
    std::set<std::pair<int64_t, uint32_t>> words;
    std::set<int64_t> rows;
    shapes::forEachIndex(layout.dims, [&](llvm::ArrayRef<int64_t> index) {
      words.insert({layout.rowOf(index), layout.bankOf(index)});
      rows.insert(layout.rowOf(index));
      ASSERT_LT(layout.bankOf(index), 8u);
    });
    ASSERT_EQ(int64_t(words.size()), layout.elements());
    // Packed: rows 0 .. rows()-1 without a hole.
    ASSERT_EQ(*rows.begin(), 0);
    ASSERT_EQ(*rows.rbegin() + 1, layout.rows());
    ASSERT_EQ(int64_t(rows.size()), layout.rows());
  });
  EXPECT_GT(layouts, 1000);
}

TEST(Layout, PermutedIsARelabeling) {
  shapes::forEachPacked({3, 2, 4}, 2, [&](const Layout &layout) {
    unsigned order[] = {0, 1, 2};
    do {
      Layout permuted = layout.permuted(order);
      ASSERT_EQ(messageOf(permuted, 2), "");
      shapes::forEachIndex(layout.dims, [&](llvm::ArrayRef<int64_t> index) {
        int64_t moved[] = {index[order[0]], index[order[1]], index[order[2]]};
        ASSERT_EQ(permuted.rowOf(moved), layout.rowOf(index));
        ASSERT_EQ(permuted.bankOf(moved), layout.bankOf(index));
      });
    } while (std::next_permutation(order, order + 3));
  });
}

// Worked example 1: X[b 32, i1 8, i2 12] with bank bits {i2:2, i1:3, i0:3}.
TEST(Layout, WorkedExample) {
  // Dimensions b 32, i0 8, i1 8, i2 12.
  Layout x = Layout::packed({32, 8, 8, 12},
                            {on(3, 0), on(3, 1), on(2, 0), on(2, 1), on(2, 2),
                             on(1, 0), on(1, 1), on(1, 2)},
                            {0, 3, 1, 2});
  EXPECT_EQ(x.rows(), 96);
  EXPECT_EQ(x.rowOf({31, 7, 7, 11}), 95);
  // b 2, i2 5 = chunk 1, low 1; i1 3; i0 4.
  EXPECT_EQ(x.rowOf({2, 4, 3, 5}), 7);
  EXPECT_EQ(x.bankOf({2, 4, 3, 5}), 1u | 3u << 2 | 4u << 5);
  std::string text;
  llvm::raw_string_ostream os(text);
  print(os, x);
  EXPECT_EQ(text, "[d3:0, d3:1, d2:0, d2:1, d2:2, d1:0, d1:1, d1:2] rows "
                  "(3*d0 + d3/4)");
}

TEST(Layout, Print) {
  auto text = [](const Layout &layout) {
    std::string result;
    llvm::raw_string_ostream os(result);
    print(os, layout);
    return result;
  };
  EXPECT_EQ(
      text(Layout::packed({6, 5}, {on(1, 0), {std::nullopt, true}}, {0, 1})),
      "[d1:0, 1] rows (3*d0 + d1/2)");
  EXPECT_EQ(text(Layout::packed({1}, {{}}, {0})), "[0] rows (0)");
}

// Every rule, broken.
TEST(Layout, VerifyNamesTheFault) {
  Layout good = Layout::packed({6, 5}, {on(1, 0), on(0, 0), {}}, {0, 1});
  ASSERT_EQ(messageOf(good, 3), "");
  EXPECT_EQ(messageOf(good, 2),
            "the layout names 3 bank bits, the machine has 2");
  Layout bad = good;
  bad.dims[1].size = 0;
  EXPECT_EQ(messageOf(bad, 3), "dimension 1: size 0 is not positive");
  bad = good;
  bad.banks[2] = on(1, 1);
  EXPECT_EQ(messageOf(bad, 3), "bank bit 2: bit 1 of dimension 1 is not among "
                               "its 1 low bits");
  bad = good;
  bad.banks[2] = on(2, 0);
  EXPECT_EQ(messageOf(bad, 3), "bank bit 2: there is no dimension 2 (of 2)");
  bad = good;
  bad.banks[2] = on(1, 0);
  EXPECT_EQ(messageOf(bad, 3), "dimension 1: bit 0 is on bank bits 0 and 2");
  bad = good;
  bad.banks[0] = {};
  EXPECT_EQ(messageOf(bad, 3), "dimension 1: low bit 0 is on no bank bit");
  bad = good;
  bad.dims[0].rowStride = 2; // d1 has three chunks.
  EXPECT_EQ(messageOf(bad, 3),
            "dimension 0: row stride 2 is too small: its 3 chunks need a "
            "stride of at least 3, the rows that the dimensions with smaller "
            "strides take");
  bad.dims[0].rowStride = 0;
  EXPECT_NE(messageOf(bad, 3), "");
  bad = good;
  bad.dims[0].rowStride = int64_t(1) << 62;
  EXPECT_EQ(messageOf(bad, 3),
            "dimension 0: the number of rows exceeds 63 bits");
  bad = good;
  bad.dims[0].size = int64_t(1) << 62;
  EXPECT_EQ(messageOf(bad, 3),
            "dimension 1: the number of elements exceeds 63 bits");
  bad = good;
  bad.dims[0].lowBits = 4;
  EXPECT_EQ(messageOf(bad, 3), "dimension 0: 4 low bits, but only 3 bank bits");
}

// Strides that verify() passes never put two chunks into one row.
TEST(Layout, VerifiedStridesAreDistinct) {
  for (int64_t a = 0; a <= 7; ++a)
    for (int64_t b = 0; b <= 7; ++b)
      for (int64_t c = 0; c <= 7; ++c) {
        Layout layout;
        layout.dims = {{2, 0, a}, {3, 0, b}, {2, 0, c}};
        if (llvm::Error error = layout.verify(0)) {
          llvm::consumeError(std::move(error));
          continue;
        }
        std::set<int64_t> rows;
        shapes::forEachIndex(layout.dims, [&](llvm::ArrayRef<int64_t> index) {
          rows.insert(layout.rowOf(index));
        });
        ASSERT_EQ(rows.size(), 12u);
        ASSERT_EQ(*rows.rbegin() + 1, layout.rows());
      }
}

} // namespace

//===- PictureTest.cpp - Layouts for the reader ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BruteForce.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

/// A of docs/Machine.md, section 10.3: banks k:2, j:1, m:1, row 2*(m/2) + j/2.
TEST(Picture, WorkedExample) {
  Layout layout = Layout::packed({8, 4, 4},
                                 {{ModeBit{1, 0}, false},
                                  {ModeBit{1, 1}, false},
                                  {ModeBit{2, 0}, false},
                                  {ModeBit{0, 0}, false}},
                                 {0, 2, 1});
  EXPECT_EQ(drawLayout(layout, {"m", "k", "j"}),
            "  bank bit 3   2   1   0\n"
            "           m:0 j:0 k:1 k:0\n"
            "  row = 2*m/2 + j/2\n"
            "  row/bank 0     2     4     6     8     10    12    14\n"
            "         0 0,0,0 0,2,0 0,0,1 0,2,1 1,0,0 1,2,0 1,0,1 1,2,1\n"
            "         1 0,0,2 0,2,2 0,0,3 0,2,3 1,0,2 1,2,2 1,0,3 1,2,3\n"
            "         2 2,0,0 2,2,0 2,0,1 2,2,1 3,0,0 3,2,0 3,0,1 3,2,1\n"
            "         3 2,0,2 2,2,2 2,0,3 2,2,3 3,0,2 3,2,2 3,0,3 3,2,3\n"
            "       ...\n"
            "         7 6,0,2 6,2,2 6,0,3 6,2,3 7,0,2 7,2,2 7,0,3 7,2,3\n");
}

/// What lies beyond an edge, or in the other half of a
/// constant bank bit, is no element.
TEST(Picture, EdgesAndConstants) {
  Layout layout = Layout::packed({3, 3},
                                 {{ModeBit{1, 0}, false},
                                  {ModeBit{1, 1}, false},
                                  {std::nullopt, true},
                                  {ModeBit{0, 0}, false}},
                                 {0, 1});
  EXPECT_EQ(
      drawLayout(layout, {}),
      "  bank bit 3    2 1    0\n"
      "           d0:0 1 d1:1 d1:0\n"
      "  row = d0/2\n"
      "  row/bank 0   1   2   3   4   5   6   7   8   9   10  11  12  13 "
      " 14  15\n"
      "         0 -   -   -   -   0,0 0,1 0,2 -   -   -   -   -   1,0 1,1 "
      "1,2 -\n"
      "         1 -   -   -   -   2,0 2,1 2,2 -   -   -   -   -   -   -  "
      " -   -\n");
}

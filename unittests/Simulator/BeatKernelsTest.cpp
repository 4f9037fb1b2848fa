//===- BeatKernelsTest.cpp - Vector loops against loops over lanes --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BeatKernels.h"
#include "RowPermutation.h"
#include "TestPrograms.h"
#include "fetta/Support/BFloat16.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

constexpr uint32_t Lanes = 64;

void expectBits(const std::vector<float> &x, const std::vector<float> &y) {
  ASSERT_EQ(x.size(), y.size());
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_EQ(floatToBits(x[i]), floatToBits(y[i])) << "word " << i;
}

TEST(BeatKernels, EveryArrayWithAndWithoutAVX2) {
  std::mt19937_64 random(3);
  for (uint32_t positions = 1; positions <= 16; positions *= 2)
    for (uint32_t rows = 1; rows <= positions; rows *= 2)
      for (bool avx2 : {false, hostHasAVX2()}) {
        SCOPED_TRACE(std::to_string(rows) + " rows, " +
                     std::to_string(positions) + " positions, AVX2 " +
                     std::to_string(avx2));
        ArrayKernels kernels = arrayKernels(rows, positions, Lanes, avx2);
        auto streamed = randomValues(random, Lanes);
        auto held = randomValues(random, size_t(rows) * Lanes);
        std::vector<float> sums(Lanes), expected(Lanes);
        kernels.columnChain(sums.data(), streamed.data(), held.data(), rows,
                            positions, Lanes);
        columnChainOfLanes(expected.data(), streamed.data(), held.data(), rows,
                           positions, Lanes);
        expectBits(sums, expected);
        // By the definition, for one lane.
        uint32_t lane = random() % Lanes, ce = lane / positions * positions;
        float sum = streamed[ce] * held[lane];
        for (uint32_t row = 1; row < rows; ++row)
          sum = sum + streamed[ce + row] * held[row * Lanes + lane];
        EXPECT_EQ(floatToBits(sums[lane]), floatToBits(sum));

        std::vector<float> registers(held.size()), slow(held.size());
        for (bool first : {true, false, false}) {
          auto weights = randomValues(random, Lanes);
          kernels.multiplyInto(registers.data(), streamed.data(),
                               weights.data(), rows, positions, Lanes, first);
          multiplyIntoLanes(slow.data(), streamed.data(), weights.data(), rows,
                            positions, Lanes, first);
          expectBits(registers, slow);
        }
      }
}

TEST(BeatKernels, RowsThroughADistribution) {
  std::mt19937_64 random(4);
  for (size_t lanes : {64, 128, 256, 512})
    for (unsigned draw = 0; draw < 20; ++draw) {
      std::vector<uint16_t> words(lanes), banks(lanes);
      std::vector<WordMoves::Move> moves;
      for (size_t i = 0; i < lanes; ++i) {
        words[i] = uint16_t(random());
        // Neighbours in some draws, anything in others.
        banks[i] = uint16_t(draw % 2 && i % 4 ? banks[i - 1] + 1
                                              : random() % (lanes - 3));
        moves.push_back({uint16_t(i), banks[i]});
      }
      std::vector<float> expected(lanes), out(lanes);
      for (size_t i = 0; i < lanes; ++i)
        expected[i] = bf16ToFloat(words[banks[i]]);
      gatherWords(out.data(), words.data(), WordMoves(moves));
      expectBits(out, expected);
      if (!RowPermutation::supported(lanes))
        continue;
      out.assign(lanes, 0);
      RowPermutation(banks).apply(out.data(), words.data());
      expectBits(out, expected);
    }
}

TEST(BeatKernels, MovesInFoursAndOnes) {
  WordMoves moves({{0, 9}, {4, 20}, {5, 21}, {6, 22}, {7, 23}, {8, 3}});
  ASSERT_EQ(moves.fours.size(), 1u);
  EXPECT_EQ(moves.fours[0].to, 4);
  EXPECT_EQ(moves.fours[0].from, 20);
  ASSERT_EQ(moves.ones.size(), 2u);
  std::vector<float> from(32), to(32, 100);
  for (size_t i = 0; i < from.size(); ++i)
    from[i] = float(i);
  addWords(to.data(), from.data(), moves);
  EXPECT_EQ(to[0], 109);
  EXPECT_EQ(to[7], 123);
  EXPECT_EQ(to[8], 103);
  EXPECT_EQ(to[1], 100);
  copyWords(to.data(), from.data(), moves);
  EXPECT_EQ(to[0], 9);
  EXPECT_EQ(to[4], 20);
  EXPECT_EQ(to[9], 100);
}

TEST(BeatKernels, Bytes) {
  std::vector<uint8_t> have(64, 0), need(64, 0);
  EXPECT_TRUE(covers(have.data(), need.data(), 64));
  EXPECT_FALSE(meets(have.data(), need.data(), 64));
  need[63] = 1;
  EXPECT_FALSE(covers(have.data(), need.data(), 64));
  EXPECT_TRUE(covers(have.data(), need.data(), 63));
  unite(have.data(), need.data(), 64);
  EXPECT_TRUE(covers(have.data(), need.data(), 64));
  EXPECT_TRUE(meets(have.data(), need.data(), 64));
}

TEST(BeatKernels, WordsThatDrain) {
  std::vector<float> words = {1.00390625f, bitsToFloat(0xFFC12345), -0.0f, 3};
  std::vector<uint8_t> valid = {1, 1, 1, 0};
  std::vector<uint16_t> bf16(4, 7), high(4, 7), low(4, 7);
  roundWords(bf16.data(), words.data(), valid.data(), 4);
  EXPECT_EQ(bf16, (std::vector<uint16_t>{0x3F80, 0x7FC0, 0x8000, 7}));
  splitWords(high.data(), low.data(), words.data(), valid.data(), 4);
  EXPECT_EQ(high, (std::vector<uint16_t>{0x3F80, 0x7FC0, 0x8000, 7}));
  EXPECT_EQ(low, (std::vector<uint16_t>{0x8000, 0, 0, 7}));
}

} // namespace

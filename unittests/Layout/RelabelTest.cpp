//===- RelabelTest.cpp - Reshapes that cost nothing -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shapes.h"

#include "gtest/gtest.h"

#include <random>

using namespace fetta;

namespace {

using Word = std::pair<int64_t, uint32_t>;

/// Row and bank of every element, row-major.
std::vector<Word> words(const Layout &layout) {
  std::vector<Word> result;
  shapes::forEachIndex(layout.dims, [&](llvm::ArrayRef<int64_t> index) {
    result.push_back({layout.rowOf(index), layout.bankOf(index)});
  });
  return result;
}

/// Is there any layout over `to` that keeps every element where it is? What a
/// dimension does is read off its unit indices; then every element is tried.
bool exists(const std::vector<Word> &want, llvm::ArrayRef<int64_t> to,
            unsigned bankBits) {
  Layout layout;
  uint32_t base = want[0].second;
  for (unsigned j = 0; j < bankBits; ++j)
    layout.banks.push_back({std::nullopt, (base >> j & 1) != 0});
  if (want[0].first != 0)
    return false;
  int64_t stride = 1;
  for (int64_t size : to)
    stride *= size;
  for (unsigned d = 0; d < to.size(); ++d) {
    stride /= to[d];
    DimLayout dim{to[d], 0, 0};
    for (unsigned bit = 0; int64_t(1) << bit < to[d]; ++bit) {
      auto [row, bank] = want[(int64_t(1) << bit) * stride];
      uint32_t changed = bank ^ base;
      if (row == 0 && llvm::popcount(changed) == 1 && dim.lowBits == bit) {
        layout.banks[llvm::Log2_32(changed)] = {ModeBit{d, bit}, false};
        ++dim.lowBits;
        continue;
      }
      dim.rowStride = row;
      break;
    }
    layout.dims.push_back(dim);
  }
  return words(layout) == want;
}

/// Counts how many reshapes cost nothing, so that no test passes idly.
int relabeled = 0;

void check(const Layout &layout, llvm::ArrayRef<int64_t> to) {
  std::vector<Word> want = words(layout);
  std::optional<Layout> got = relabel(layout, to);
  ASSERT_EQ(got.has_value(), exists(want, to, unsigned(layout.banks.size())));
  if (!got)
    return;
  ASSERT_EQ(toString(got->verify(unsigned(layout.banks.size()))), "");
  ASSERT_EQ(words(*got), want);
  relabeled += got->dims != layout.dims;
}

/// All shapes of `elements` elements with up to `dims` dimensions above 1.
void factorisations(int64_t elements, unsigned dims,
                    std::vector<std::vector<int64_t>> &result,
                    std::vector<int64_t> prefix = {}) {
  if (elements == 1) {
    result.push_back(prefix);
    return;
  }
  if (dims == 0)
    return;
  for (int64_t f = 2; f <= elements; ++f)
    if (elements % f == 0) {
      prefix.push_back(f);
      factorisations(elements / f, dims - 1, result, prefix);
      prefix.pop_back();
    }
}

// Every layout with two bank bits of every shape, reshaped into every shape.
TEST(Relabel, Exhaustive) {
  relabeled = 0;
  for (int64_t elements : {2, 4, 6, 8, 9, 12, 16, 18, 20, 24, 36}) {
    std::vector<std::vector<int64_t>> all;
    factorisations(elements, 3, all);
    for (const auto &from : all)
      shapes::forEachPackedOf(from, 2, [&](const Layout &layout) {
        for (const auto &to : all)
          check(layout, to);
      });
    if (testing::Test::HasFatalFailure())
      return;
  }
  EXPECT_GT(relabeled, 1000);
}

// More bank bits, holes between rows, dimensions of size 1.
TEST(Relabel, Random) {
  constexpr uint64_t seed = 5;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  relabeled = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    std::vector<std::vector<int64_t>> all;
    int64_t sizes[] = {12, 16, 24, 32, 48, 64};
    factorisations(sizes[random() % 6], 3, all);
    auto from = all[random() % all.size()], to = all[random() % all.size()];
    for (auto *shape : {&from, &to})
      if (random() % 4 == 0)
        shape->insert(shape->begin() + long(random() % (shape->size() + 1)), 1);
    // Mostly the low bits of the innermost dimensions: those relabel.
    unsigned bankBits = 4;
    std::vector<BankBit> banks(bankBits);
    std::vector<unsigned> used(from.size(), 0);
    unsigned next = 0;
    for (unsigned d = unsigned(from.size()); d-- > 0 && next < bankBits;)
      while (next < bankBits && int64_t(1) << used[d] < from[d] && random() % 5)
        banks[next++] = {ModeBit{d, used[d]++}, false};
    std::shuffle(banks.begin(), banks.end(), random);
    std::vector<unsigned> order(from.size());
    std::iota(order.begin(), order.end(), 0);
    if (random() % 3 == 0)
      std::shuffle(order.begin(), order.end(), random);
    Layout layout = Layout::packed(from, banks, order);
    if (random() % 4 == 0)
      for (DimLayout &dim : layout.dims)
        dim.rowStride *= 3;
    check(layout, to);
    if (testing::Test::HasFatalFailure())
      FAIL() << "trial " << trial;
  }
  EXPECT_GT(relabeled, 500);
}

TEST(Relabel, TwelveWithTwoLowBits) {
  Layout layout = Layout::packed(
      {12}, {{ModeBit{0, 0}, false}, {ModeBit{0, 1}, false}}, {0});
  EXPECT_TRUE(relabel(layout, {3, 4}).has_value());
  EXPECT_TRUE(relabel(layout, {6, 2}).has_value());
  EXPECT_FALSE(relabel(layout, {4, 3}).has_value());
  EXPECT_FALSE(relabel(layout, {2, 6}).has_value()); // 6 = 1.5 chunks of 4.
  EXPECT_FALSE(relabel(layout, {11}).has_value());
  EXPECT_FALSE(relabel(layout, {0}).has_value());
  EXPECT_EQ(*relabel(*relabel(layout, {3, 4}), {12}), layout);
}

} // namespace

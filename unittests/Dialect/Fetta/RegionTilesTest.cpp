//===- RegionTilesTest.cpp - Tiles against their elements -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RegionTiles.h"

#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

#include <map>
#include <random>
#include <set>

using namespace fetta::hw;

namespace {

std::vector<int64_t> elementsOf(const RegionTile &tile) {
  std::vector<int64_t> elements = {tile.at};
  for (auto [size, stride] : llvm::zip_equal(tile.sizes, tile.strides)) {
    std::vector<int64_t> more;
    for (int64_t element : elements)
      for (int64_t i = 0; i < size; ++i)
        more.push_back(element + i * stride);
    elements = std::move(more);
  }
  return elements;
}

std::vector<int64_t> indicesOf(int64_t element, llvm::ArrayRef<int64_t> shape) {
  std::vector<int64_t> indices(shape.size());
  for (size_t d = shape.size(); d-- > 0; element /= shape[d])
    indices[d] = element % shape[d];
  return indices;
}

int64_t linear(llvm::ArrayRef<int64_t> indices, llvm::ArrayRef<int64_t> shape) {
  int64_t element = 0;
  for (auto [index, size] : llvm::zip_equal(indices, shape))
    element = element * size + index;
  return element;
}

struct Drawn {
  std::vector<int64_t> shape;
  unsigned dim;
  RegionTile tile;
  bool isOfRanges = false; ///< A dimension for each range of indices.
};

/// A region, and a tile of any strides that lies in it; in every second one the
/// tile is made of ranges of indices, some of them merged.
Drawn draw(std::mt19937 &random) {
  Drawn drawn;
  std::vector<int64_t> strides;
  for (size_t rank = 1 + random() % 4; drawn.shape.size() < rank;)
    drawn.shape.push_back(1 + random() % 5);
  int64_t elements = 1;
  for (size_t d = drawn.shape.size(); d-- > 0; elements *= drawn.shape[d])
    strides.insert(strides.begin(), elements);
  drawn.dim = random() % drawn.shape.size();
  RegionTile &tile = drawn.tile;
  if (random() % 2) {
    drawn.isOfRanges = true;
    for (size_t d = 0; d < drawn.shape.size(); ++d) {
      const int64_t begin = random() % drawn.shape[d];
      tile.at += begin * strides[d];
      tile.sizes.push_back(1 + random() % (drawn.shape[d] - begin));
      tile.strides.push_back(strides[d]);
      // Dimensions that follow each other in memory become one.
      const size_t last = tile.sizes.size() - 1;
      if (last > 0 && random() % 2 &&
          tile.strides[last - 1] == tile.sizes[last] * tile.strides[last]) {
        drawn.isOfRanges = false;
        tile.sizes[last - 1] *= tile.sizes.pop_back_val();
        tile.strides[last - 1] = tile.strides.pop_back_val();
      }
    }
    return drawn;
  }
  tile.at = random() % elements;
  for (size_t d = 0, rank = random() % 3; d < rank; ++d) {
    tile.strides.push_back(1 + random() % elements);
    tile.sizes.push_back(
        1 +
        random() % ((elements - 1 - tile.last()) / tile.strides.back() + 1));
    if (tile.sizes.size() < tile.strides.size())
      break;
  }
  return drawn;
}

TEST(RegionTiles, BoxesHoldAllElements) {
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Drawn drawn = draw(random);
    GrowingRegion region(drawn.shape, drawn.dim);
    if (random() % 2) {
      // The same elements, told by more indices.
      const GrowingRegion finer = region.refine(drawn.tile);
      EXPECT_EQ(finer.size(), region.size());
      EXPECT_EQ(finer.elementsPerIndex(), region.elementsPerIndex());
      EXPECT_EQ(finer.elementsOfIndex(), region.elementsOfIndex());
      region = finer;
      drawn.shape = finer.sizes().vec();
    }
    auto box = region.boxOf(drawn.tile);
    std::vector<std::set<int64_t>> seen(drawn.shape.size());
    std::set<int64_t> elements;
    for (int64_t element : elementsOf(drawn.tile)) {
      elements.insert(element);
      for (auto [d, index] : llvm::enumerate(indicesOf(element, drawn.shape))) {
        EXPECT_GE(index, box[d].begin);
        EXPECT_LT(index, box[d].end);
        seen[d].insert(index);
      }
    }
    size_t ranges = 1;
    for (const auto &indices : seen)
      ranges *= size_t(*indices.rbegin() - *indices.begin() + 1);
    if (ranges != elements.size())
      continue;
    // What is made of ranges is told as such.
    for (auto [range, indices] : llvm::zip_equal(box, seen)) {
      EXPECT_EQ(range.begin, *indices.begin());
      EXPECT_EQ(range.end, *indices.rbegin() + 1);
    }
  }
}

TEST(RegionTiles, TellsMergedDimensionsApart) {
  // Of 3 x 4 x 6 indices, merged to 3 x 24: the middle ones 0 and 1, and 2
  // and 3.
  const RegionTile first{0, {3, 2, 6}, {24, 6, 1}},
      second{12, {3, 2, 6}, {24, 6, 1}}, column{2, {3, 4}, {24, 6}};
  const GrowingRegion region({3, 24}, 0);
  EXPECT_EQ(region.boxOf(column)[1].end, 21);
  const GrowingRegion finer = region.refine({first, second, column});
  EXPECT_EQ(finer.sizes(), llvm::ArrayRef<int64_t>({3, 2, 2, 6}));
  EXPECT_EQ(finer.growingDim(), 0u);
  EXPECT_EQ(finer.boxOf(second)[1].begin, 1);
  EXPECT_EQ(finer.boxOf(column)[3].begin, 2);
  EXPECT_EQ(finer.boxOf(column)[3].end, 3);
  // The dimension that grows stays whole.
  const GrowingRegion grows = GrowingRegion({3, 24}, 1).refine({first, column});
  EXPECT_EQ(grows.sizes(), llvm::ArrayRef<int64_t>({3, 24}));
  EXPECT_EQ(grows.growingDim(), 1u);
}

TEST(RegionTiles, GrowsWithTheSameIndices) {
  size_t refused = 0;
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Drawn drawn = draw(random);
    const GrowingRegion region(drawn.shape, drawn.dim);
    const int64_t newSize = region.size() + 1 + random() % 3;
    std::vector<int64_t> newShape = drawn.shape;
    newShape[drawn.dim] = newSize;
    // Moved by whole indices within the region, the tile stays one.
    int64_t highest = 0;
    for (int64_t element : elementsOf(drawn.tile))
      highest = std::max(highest, indicesOf(element, drawn.shape)[drawn.dim]);
    const int64_t moves = random() % (region.size() - highest);
    auto grown =
        region.grow(drawn.tile, newSize, moves * region.elementsPerIndex());
    if (!grown) {
      ++refused;
      EXPECT_FALSE(drawn.isOfRanges);
      continue;
    }
    EXPECT_EQ(grown->sizes, drawn.tile.sizes);
    for (int64_t move = 0; move <= moves; ++move) {
      RegionTile from = drawn.tile, to = *grown;
      from.at += move * region.elementsPerIndex();
      to.at += move * region.elementsPerIndex();
      for (auto [old, now] : llvm::zip_equal(elementsOf(from), elementsOf(to)))
        EXPECT_EQ(linear(indicesOf(old, drawn.shape), newShape), now);
    }
  }
  EXPECT_GT(refused, 50u);
  EXPECT_LT(refused, 1500u);
}

/// Whole rows of a matrix with two columns, or one column of them.
PlacedTile rows(Part part, bool isStore, int64_t row, int64_t column = -1) {
  if (column < 0)
    return {part, isStore, {2 * row, {1, 2}, {2, 1}}};
  return {part, isStore, {2 * row + column, {1}, {2}}};
}

struct Transfer : PlacedTile {
  char sweep; ///< A letter.
};

/// For each element the sweeps that touch it, in order, in a program of `count`
/// iterations that was written for `written`.
std::vector<std::string> history(llvm::ArrayRef<Transfer> transfers,
                                 int64_t size, int64_t step, int64_t count,
                                 int64_t written) {
  std::vector<std::string> touched(2 * size);
  auto touch = [&](const Transfer &transfer, int64_t moved) {
    for (int64_t element : elementsOf(transfer.tile))
      touched.at(element + 2 * moved) += transfer.sweep;
  };
  for (const Transfer &transfer : transfers)
    if (transfer.part == Part::Before)
      touch(transfer, 0);
  for (int64_t n = 0; n < count; ++n)
    for (const Transfer &transfer : transfers)
      if (transfer.part == Part::Body)
        touch(transfer, n * step);
  for (const Transfer &transfer : transfers)
    if (transfer.part == Part::Behind)
      touch(transfer, (count - written) * step);
  return touched;
}

/// "ab" if the history has a before b.
std::set<std::string> pairsOf(const std::string &history) {
  std::set<std::string> pairs;
  for (size_t second = 0; second < history.size(); ++second)
    for (size_t first = 0; first < second; ++first)
      pairs.insert({history[first], history[second]});
  return pairs;
}

/// Sweeps over rows or columns of them, each begun before the repeat and ended
/// behind it, in any order there.
struct Sweeps {
  int64_t step, turns, count, size;
  std::vector<Transfer> transfers;
  bool storesTwice = false;

  explicit Sweeps(std::mt19937 &random) {
    step = 1 + random() % 3;
    turns = 3 + random() % 4;
    count = 2 + random() % (turns - 2);
    size = turns * step;
    const bool byColumns = random() % 2;
    std::vector<Transfer> before, body, behind;
    std::set<std::pair<int64_t, int64_t>> stored;
    const char names = char('a' + 1 + random() % 4);
    for (char name = 'a'; name < names; ++name) {
      const int64_t first = random() % (turns - count + 1),
                    row = random() % step,
                    column = byColumns ? int64_t(random() % 2) : -1;
      const bool isStore = random() % 3 == 0;
      storesTwice |= isStore && !stored.insert({row, column}).second;
      for (int64_t n = 0; n < turns; ++n) {
        auto add = [&](std::vector<Transfer> &part, Part where) {
          part.insert(part.begin() + random() % (part.size() + 1),
                      {rows(where, isStore, n * step + row, column), name});
        };
        if (n < first)
          add(before, Part::Before);
        else if (n == first)
          add(body, Part::Body);
        else if (n >= first + count)
          add(behind, Part::Behind);
      }
    }
    transfers = before;
    transfers.insert(transfers.end(), body.begin(), body.end());
    transfers.insert(transfers.end(), behind.begin(), behind.end());
  }

  bool areSwept() const {
    return isSwept(GrowingRegion({size, 2}, 0),
                   std::vector<PlacedTile>(transfers.begin(), transfers.end()),
                   step, count);
  }
};

TEST(RegionTiles, SweepsGoOn) {
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Sweeps sweeps(random);
    const int64_t step = sweeps.step, count = sweeps.count;
    EXPECT_EQ(sweeps.areSwept(), !sweeps.storesTwice);
    const int64_t more = 1 + random() % 4;
    std::vector<std::string> now = history(sweeps.transfers, sweeps.size, step,
                                           count, count),
                             later = history(sweeps.transfers,
                                             sweeps.size + more * step, step,
                                             count + more, count);
    for (int64_t place = 0; place < 2 * step; ++place) {
      // What happens to elements that are whole iterations apart.
      std::set<std::string> pairs;
      for (size_t element = place; element < now.size(); element += 2 * step)
        pairs.merge(pairsOf(now[element]));
      for (size_t element = place; element < later.size();
           element += 2 * step) {
        EXPECT_EQ(later[element].size(), now[place].size());
        for (const std::string &pair : pairsOf(later[element]))
          EXPECT_TRUE(pairs.count(pair)) << "element " << element;
      }
    }
  }
}

TEST(RegionTiles, SweepsAreWhole) {
  // One transfer is left out, or comes again, or has another tile.
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Sweeps sweeps(random);
    const size_t number = random() % sweeps.transfers.size();
    const Transfer transfer = sweeps.transfers[number];
    switch (random() % 3) {
    case 0:
      // Without all of its sweep the others are whole.
      if (sweeps.turns == sweeps.count)
        continue;
      sweeps.transfers.erase(sweeps.transfers.begin() + number);
      break;
    case 1:
      if (transfer.part == Part::Body && sweeps.turns == sweeps.count)
        continue;
      sweeps.transfers.push_back(transfer);
      break;
    default:
      if (transfer.part == Part::Body)
        continue;
      sweeps.transfers[number].tile.at +=
          transfer.tile.at > 1 ? -2 : 2 * (sweeps.step > 1 ? 1 : sweeps.count);
    }
    EXPECT_FALSE(sweeps.areSwept());
  }
}

TEST(RegionTiles, TilesOfTwoFormsDoNotSweep) {
  // Rows by twos, from an even one and from an odd one on: each a sweep by
  // itself.
  auto two = [](Part part, int64_t row) {
    return PlacedTile{part, false, {2 * row, {2, 2}, {2, 1}}};
  };
  const GrowingRegion region({8, 2}, 0);
  std::vector<PlacedTile> even = {two(Part::Body, 0)},
                          odd = {two(Part::Body, 1)};
  EXPECT_TRUE(isSwept(region, even, /*step=*/2, /*count=*/4));
  EXPECT_TRUE(isSwept(region, odd, /*step=*/2, /*count=*/3));
  even = {two(Part::Body, 0), two(Part::Behind, 6)};
  EXPECT_TRUE(isSwept(region, even, /*step=*/2, /*count=*/3));
  even.push_back(odd.front());
  EXPECT_FALSE(isSwept(region, even, /*step=*/2, /*count=*/3));
  // Longer than a step.
  EXPECT_FALSE(isSwept(region, two(Part::Body, 0), /*step=*/1, /*count=*/7));
}

TEST(RegionTiles, CutsBetweenTheFirstAndTheLastIteration) {
  const GrowingRegion region({10, 2}, 0);
  std::vector<PlacedTile> tiles = {
      rows(Part::Before, false, 1), rows(Part::Body, false, 2),
      rows(Part::Body, true, 0), rows(Part::Behind, false, 9)};
  auto expectCut = [&](int64_t begin, int64_t end) {
    IndexRange cut = findCut(region, tiles, /*step=*/1, /*count=*/7);
    EXPECT_EQ(cut.begin, begin);
    EXPECT_EQ(cut.end, end);
  };
  expectCut(3, 6);
  tiles.push_back(rows(Part::Before, true, 6));
  expectCut(7, 6);
  tiles.push_back(rows(Part::Behind, true, 5));
  expectCut(7, 5);
}

} // namespace

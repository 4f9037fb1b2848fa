//===- RegionTiles.cpp - Tiles of a region that grows ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RegionTiles.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

using namespace fetta::hw;

int64_t RegionTile::last() const {
  int64_t last = at;
  for (auto [size, stride] : llvm::zip_equal(sizes, strides))
    last += (size - 1) * stride;
  return last;
}

GrowingRegion::GrowingRegion(llvm::ArrayRef<int64_t> shape, unsigned dim)
    : shape(shape), strides(shape.size(), 1), dim(dim) {
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * shape[d];
}

int64_t GrowingRegion::elementsOfIndex() const {
  return llvm::product_of(shape) / shape[dim];
}

GrowingRegion GrowingRegion::refine(llvm::ArrayRef<RegionTile> tiles) const {
  // Elements of an index of each dimension, and of a step or of all of a
  // tile's; each divides the next one.
  std::set<int64_t> steps(strides.begin(), strides.end()), more;
  steps.insert(llvm::product_of(shape));
  for (const RegionTile &tile : tiles)
    for (auto [size, stride] : llvm::zip_equal(tile.sizes, tile.strides))
      more.insert({stride, size * stride});
  for (int64_t step : more) {
    auto above = steps.upper_bound(step);
    if (step < 1 || above == steps.end())
      continue;
    const int64_t below = *std::prev(above);
    if (below < step && below != strides[dim] && step % below == 0 &&
        *above % step == 0)
      steps.insert(step);
  }
  llvm::SmallVector<int64_t> finer;
  unsigned growing = 0;
  for (auto [d, stride] : llvm::enumerate(strides)) {
    if (d == dim)
      growing = finer.size();
    if (d == dim || shape[d] == 1) {
      finer.push_back(shape[d]);
      continue;
    }
    for (auto step = steps.find(stride * shape[d]); *step > stride;) {
      const int64_t above = *step--;
      finer.push_back(above / *step);
    }
  }
  return GrowingRegion(finer, growing);
}

std::optional<llvm::SmallVector<IndexRange>>
GrowingRegion::splitTile(const RegionTile &tile) const {
  llvm::SmallVector<IndexRange> box;
  int64_t at = tile.at;
  for (int64_t stride : strides) {
    box.push_back({at / stride, at / stride + 1});
    at %= stride;
  }
  for (auto [tileSize, tileStride] :
       llvm::zip_equal(tile.sizes, tile.strides)) {
    int64_t left = tileSize, stride = tileStride;
    // A dimension of the tile may be several of the region, innermost first.
    while (left > 1 && stride > 0) {
      size_t d = 0;
      while (d + 1 < shape.size() &&
             (shape[d] == 1 || stride % strides[d] != 0))
        ++d;
      const int64_t step = stride / strides[d];
      int64_t here = left;
      if (box[d].end + (left - 1) * step > shape[d] && step > 0 &&
          shape[d] % step == 0)
        here = shape[d] / step;
      if (here <= 1 || left % here != 0)
        return std::nullopt;
      box[d].end += (here - 1) * step;
      left /= here;
      stride *= here;
    }
  }
  for (auto [range, size] : llvm::zip_equal(box, shape))
    if (range.end > size)
      return std::nullopt;
  return box;
}

llvm::SmallVector<IndexRange>
GrowingRegion::boxOf(const RegionTile &tile) const {
  if (auto box = splitTile(tile))
    return *box;
  llvm::SmallVector<IndexRange> box;
  for (int64_t size : shape)
    box.push_back({0, size});
  const int64_t begin = tile.at / strides[dim],
                end = tile.last() / strides[dim] + 1;
  // Of the last of the dimensions around, from its first to its last element.
  if (begin / shape[dim] == (end - 1) / shape[dim])
    box[dim] = {begin % shape[dim], (end - 1) % shape[dim] + 1};
  return box;
}

std::optional<RegionTile> GrowingRegion::grow(const RegionTile &tile,
                                              int64_t newSize,
                                              int64_t sweep) const {
  const int64_t oldBlock = shape[dim] * strides[dim],
                newBlock = newSize * strides[dim];
  // No dimension around the growing one: its elements are where they were.
  if (llvm::product_of(llvm::ArrayRef(shape).take_front(dim)) == 1)
    return tile;
  RegionTile grown = tile;
  grown.at = tile.at / oldBlock * newBlock + tile.at % oldBlock;
  int64_t last = tile.at % oldBlock + sweep;
  for (auto [size, stride] : llvm::zip_equal(tile.sizes, grown.strides)) {
    last += (size - 1) * (stride % oldBlock);
    stride = stride / oldBlock * newBlock + stride % oldBlock;
  }
  if (last >= oldBlock)
    return std::nullopt;
  return grown;
}

namespace {
/// Tiles that are the same but for a number of iterations, by that number.
struct AlikeTiles {
  llvm::SmallVector<IndexRange> box; ///< Of one of them.
  int64_t remainder = 0;             ///< Index where number 0 begins.
  /// Of loads and of stores.
  std::array<std::vector<int64_t>, 2> before, first, behind;
};
} // namespace

static bool meet(IndexRange a, IndexRange b) {
  return a.begin < b.end && b.begin < a.end;
}

/// Whether ranges meet when one of them is moved by some multiple of `step`.
static bool meetModulo(IndexRange a, IndexRange b, int64_t step) {
  auto remainder = [&](int64_t distance) {
    return (distance % step + step) % step;
  };
  return remainder(b.begin - a.begin) < a.end - a.begin ||
         remainder(a.begin - b.begin) < b.end - b.begin;
}

static std::vector<AlikeTiles> findAlike(const GrowingRegion &region,
                                         llvm::ArrayRef<PlacedTile> tiles,
                                         int64_t step) {
  const unsigned dim = region.growingDim();
  std::vector<AlikeTiles> all;
  std::map<std::vector<int64_t>, size_t> numberOf;
  for (const PlacedTile &tile : tiles) {
    llvm::SmallVector<IndexRange> box = region.boxOf(tile.tile);
    const auto [begin, end] = box[dim];
    std::vector<int64_t> key = {begin % step, end - begin};
    for (auto [d, other] : llvm::enumerate(box))
      if (d != dim)
        key.insert(key.end(), {other.begin, other.end});
    auto [it, isNew] = numberOf.try_emplace(std::move(key), all.size());
    if (isNew)
      all.push_back({box, begin % step, {}, {}, {}});
    AlikeTiles &alike = all[it->second];
    auto &part = tile.part == Part::Before ? alike.before
                 : tile.part == Part::Body ? alike.first
                                           : alike.behind;
    part[tile.isStore].push_back(begin / step);
  }
  return all;
}

/// Whether the numbers are, for each of `sweeps`, all of [its first, its last).
static bool fill(std::vector<int64_t> numbers,
                 llvm::ArrayRef<std::pair<int64_t, int64_t>> sweeps) {
  std::vector<int64_t> expected;
  for (auto [first, last] : sweeps)
    for (int64_t number = first; number < last; ++number)
      expected.push_back(number);
  llvm::sort(numbers);
  llvm::sort(expected);
  return numbers == expected;
}

bool fetta::hw::isSwept(const GrowingRegion &region,
                        llvm::ArrayRef<PlacedTile> tiles, int64_t step,
                        int64_t count) {
  const unsigned dim = region.growingDim();
  std::vector<AlikeTiles> all = findAlike(region, tiles, step);
  auto canShare = [&](const AlikeTiles &a, const AlikeTiles &b) {
    for (unsigned d = 0; d < a.box.size(); ++d)
      if (d == dim ? !meetModulo(a.box[d], b.box[d], step)
                   : !meet(a.box[d], b.box[d]))
        return false;
    return true;
  };
  for (size_t a = 0; a < all.size(); ++a) {
    const int64_t length = all[a].box[dim].end - all[a].box[dim].begin;
    if (length > step || all[a].first[true].size() > 1)
      return false;
    for (size_t b = 0; b < a; ++b)
      if (canShare(all[a], all[b]))
        return false;
    const int64_t numbers =
        (region.size() - all[a].remainder - length) / step + 1;
    for (bool isStore : {false, true}) {
      std::vector<std::pair<int64_t, int64_t>> before, behind;
      for (int64_t first : all[a].first[isStore]) {
        before.push_back({0, first});
        behind.push_back({first + count, numbers});
      }
      if (!fill(all[a].before[isStore], before) ||
          !fill(all[a].behind[isStore], behind))
        return false;
    }
  }
  return true;
}

IndexRange fetta::hw::findCut(const GrowingRegion &region,
                              llvm::ArrayRef<PlacedTile> tiles, int64_t step,
                              int64_t count) {
  IndexRange cut{0, region.size()};
  for (const PlacedTile &tile : tiles) {
    auto [begin, end] = region.boxOf(tile.tile)[region.growingDim()];
    if (tile.part != Part::Behind)
      cut.begin = std::max(cut.begin, end);
    if (tile.part != Part::Before)
      cut.end = std::min(
          cut.end, begin + (tile.part == Part::Body ? (count - 1) * step : 0));
  }
  return cut;
}

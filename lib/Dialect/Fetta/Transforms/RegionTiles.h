//===- RegionTiles.h - Tiles of a region that grows -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Transfers name elements of a region by their linear place, which changes
/// when one of its dimensions grows. Here a tile is told by indices instead.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_FETTA_TRANSFORMS_REGIONTILES_H
#define FETTA_LIB_DIALECT_FETTA_TRANSFORMS_REGIONTILES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>

namespace fetta::hw {

/// Elements at + sum of index_d * strides_d, 0 <= index_d < sizes_d.
struct RegionTile {
  int64_t at = 0;
  llvm::SmallVector<int64_t> sizes, strides;

  /// The element furthest behind.
  int64_t last() const;
};

/// Where a transfer stands, seen from a repeat.
enum class Part { Before, Body, Behind };

struct PlacedTile {
  Part part = Part::Before;
  bool isStore = false;
  RegionTile tile; ///< In the body: of the first iteration.
};

/// Indices [begin, end) of a dimension.
struct IndexRange {
  int64_t begin = 0, end = 0;
};

/// A row-major region and the dimension that grows.
class GrowingRegion {
public:
  GrowingRegion(llvm::ArrayRef<int64_t> shape, unsigned dim);

  /// Elements from one index of the growing dimension to the next.
  int64_t elementsPerIndex() const { return strides[dim]; }
  /// Elements of all dimensions but the growing one.
  int64_t elementsOfIndex() const;
  int64_t size() const { return shape[dim]; }
  unsigned growingDim() const { return dim; }

  /// The same region with more dimensions, where tiles have strides within one
  /// that does not grow: as if it were several, merged to one.
  GrowingRegion refine(llvm::ArrayRef<RegionTile> tiles) const;
  llvm::ArrayRef<int64_t> sizes() const { return shape; }

  /// Indices of each dimension within which a tile lies, as close as its
  /// dimensions can be told apart: where one goes over rows and begins or ends
  /// within them, all indices of dimensions other than the growing one.
  llvm::SmallVector<IndexRange> boxOf(const RegionTile &tile) const;

  /// The same indices of a region with `newSize` indices of the growing
  /// dimension. Nothing if the tile, moved by up to `sweep` elements, goes from
  /// the last index of the growing dimension on to the first one: then its
  /// elements have no one stride in the larger region.
  std::optional<RegionTile> grow(const RegionTile &tile, int64_t newSize,
                                 int64_t sweep) const;

private:
  /// Indices of each dimension, or nothing where they cannot be told apart.
  std::optional<llvm::SmallVector<IndexRange>>
  splitTile(const RegionTile &tile) const;

  llvm::SmallVector<int64_t> shape, strides;
  unsigned dim;
};

/// Whether all tiles make whole sweeps: for each transfer of the body, which
/// moves on by `step` indices in each of `count` iterations, those before the
/// repeat have all tiles of this form in front of its first one, and those
/// behind it all behind its last one, each once. No two sweeps share elements
/// unless they have the same tiles, and one of these stores at most.
///
/// In a program of more iterations they make whole sweeps, too, and if one of
/// two sweeps comes to a tile before the other one, it does so now to some
/// tile: with tiles of both in the body, which is first depends on their
/// distance and on the order in the body alone, and where one of them has its
/// first tile of the body, the other one is before or behind the repeat or at
/// that distance.
bool isSwept(const GrowingRegion &region, llvm::ArrayRef<PlacedTile> tiles,
             int64_t step, int64_t count);

/// The index at which the last tile ends that is touched before the repeat or
/// in its first iteration, and that at which the first one begins that is
/// touched in its last iteration or behind it.
IndexRange findCut(const GrowingRegion &region,
                   llvm::ArrayRef<PlacedTile> tiles, int64_t step,
                   int64_t count);

} // namespace fetta::hw

#endif // FETTA_LIB_DIALECT_FETTA_TRANSFORMS_REGIONTILES_H

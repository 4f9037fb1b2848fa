//===- Transfers.cpp --------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Transfers.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

Value fetta::reshape(OpBuilder &builder, Location loc, Value value,
                     RankedTensorType type) {
  auto from = cast<RankedTensorType>(value.getType());
  if (from == type)
    return value;
  if (auto groups = getReassociationIndicesForReshape(from, type)) {
    if (from.getRank() > type.getRank())
      return tensor::CollapseShapeOp::create(builder, loc, type, value,
                                             *groups);
    return tensor::ExpandShapeOp::create(builder, loc, type, value, *groups);
  }
  auto flat =
      RankedTensorType::get({from.getNumElements()}, from.getElementType());
  auto all = [](int64_t rank) {
    SmallVector<ReassociationIndices> groups;
    if (rank)
      groups.push_back(llvm::to_vector<2>(llvm::seq<int64_t>(0, rank)));
    return groups;
  };
  value = tensor::CollapseShapeOp::create(builder, loc, flat, value,
                                          all(from.getRank()));
  return tensor::ExpandShapeOp::create(builder, loc, type, value,
                                       all(type.getRank()));
}

namespace {
/// A tile as a rectangle of the region under another row-major shape.
struct TileSlice {
  SmallVector<int64_t> region; ///< Shape of the region.
  SmallVector<int64_t> offsets, sizes;
  /// Dimensions of the tile of more than one element, by falling stride, and
  /// their sizes. The rectangle is a reshape of a tensor of these.
  SmallVector<int64_t> order, shape;
};
} // namespace

/// Strides that divide each other are the radices of the region's shape; an
/// offset without carry between its digits makes a rectangle.
static std::optional<TileSlice> findSlice(int64_t elements,
                                          ArrayRef<int64_t> tile, int64_t at,
                                          ArrayRef<int64_t> strides) {
  TileSlice slice;
  for (auto [d, size] : llvm::enumerate(tile))
    if (size > 1)
      slice.order.push_back(d);
  llvm::stable_sort(slice.order, [&](int64_t a, int64_t b) {
    return strides[a] > strides[b];
  });
  // Dimensions that are dense with the next one are one.
  SmallVector<std::pair<int64_t, int64_t>> merged; // stride, size
  for (int64_t d : slice.order) {
    slice.shape.push_back(tile[d]);
    if (!merged.empty() && merged.back().first == strides[d] * tile[d])
      merged.back() = {strides[d], merged.back().second * tile[d]};
    else
      merged.push_back({strides[d], tile[d]});
  }
  if (merged.empty() || merged.back().first > 1)
    merged.push_back({1, 1});
  int64_t outer = elements;
  for (auto [stride, size] : merged) {
    if (stride == 0 || outer % stride)
      return std::nullopt;
    int64_t digit = at / stride, radix = outer / stride;
    if (digit + size > radix)
      return std::nullopt;
    slice.region.push_back(radix);
    slice.offsets.push_back(digit);
    slice.sizes.push_back(size);
    at %= stride;
    outer = stride;
  }
  return slice;
}

static SmallVector<OpFoldResult> constants(OpBuilder &builder,
                                           ArrayRef<int64_t> values) {
  return getAsIndexOpFoldResult(builder.getContext(), values);
}

static Value transpose(OpBuilder &builder, Location loc, Value value,
                       ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return value;
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape;
  for (int64_t d : permutation)
    shape.push_back(type.getDimSize(d));
  Value empty =
      tensor::EmptyOp::create(builder, loc, shape, type.getElementType());
  return linalg::TransposeOp::create(builder, loc, value, empty, permutation)
      ->getResult(0);
}

/// Where each dimension of the tile, in its own order, stands in `order`.
static SmallVector<int64_t> toTileOrder(ArrayRef<int64_t> order) {
  auto positions =
      llvm::to_vector(llvm::seq<int64_t>(0, int64_t(order.size())));
  llvm::sort(positions,
             [&](int64_t a, int64_t b) { return order[a] < order[b]; });
  return positions;
}

Value fetta::readTile(OpBuilder &builder, LoadOp op, Value source) {
  Location loc = op.getLoc();
  auto region = cast<RankedTensorType>(source.getType());
  std::optional<TileSlice> slice =
      findSlice(region.getNumElements(), op.getType().getShape(), op.getAt(),
                op.getElementStrides());
  if (!slice)
    return {};
  Value value = reshape(builder, loc, source, region.clone(slice->region));
  SmallVector<int64_t> ones(slice->region.size(), 1);
  value = tensor::ExtractSliceOp::create(
      builder, loc, value, constants(builder, slice->offsets),
      constants(builder, slice->sizes), constants(builder, ones));
  value = reshape(builder, loc, value, region.clone(slice->shape));
  value = transpose(builder, loc, value, toTileOrder(slice->order));
  return reshape(builder, loc, value, region.clone(op.getType().getShape()));
}

Value fetta::writeTile(OpBuilder &builder, StoreOp op) {
  Location loc = op.getLoc();
  RankedTensorType region = op.getType();
  ArrayRef<int64_t> shape = op.getSource().getType().getShape();
  std::optional<TileSlice> slice = findSlice(
      region.getNumElements(), shape, op.getAt(), op.getElementStrides());
  if (!slice)
    return {};
  SmallVector<int64_t> positions = toTileOrder(slice->order);
  SmallVector<int64_t> ownOrder;
  for (int64_t position : positions)
    ownOrder.push_back(slice->shape[position]);
  Value tile = reshape(builder, loc, op.getSource(), region.clone(ownOrder));
  tile = transpose(builder, loc, tile, toTileOrder(positions));
  tile = reshape(builder, loc, tile, region.clone(slice->sizes));
  Value into = reshape(builder, loc, op.getInto(), region.clone(slice->region));
  SmallVector<int64_t> ones(slice->region.size(), 1);
  into = tensor::InsertSliceOp::create(
      builder, loc, tile, into, constants(builder, slice->offsets),
      constants(builder, slice->sizes), constants(builder, ones));
  return reshape(builder, loc, into, region);
}

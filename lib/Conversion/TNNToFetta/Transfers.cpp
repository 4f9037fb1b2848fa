//===- Transfers.cpp --------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Transfers.h"

using namespace mlir;
using namespace fetta;

DramTile fetta::wholeTile(ArrayRef<int64_t> shape) {
  DramTile tile;
  tile.shape.assign(shape.begin(), shape.end());
  tile.strides.assign(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    tile.strides[d - 1] = tile.strides[d] * shape[d];
  return tile;
}

std::optional<DramTile> fetta::sliceTile(const DramTile &source,
                                         OffsetSizeAndStrideOpInterface slice,
                                         const llvm::SmallBitVector &dropped) {
  auto isStatic = [](ArrayRef<int64_t> values) {
    return llvm::none_of(values, ShapedType::isDynamic);
  };
  if (!isStatic(slice.getStaticOffsets()) ||
      !isStatic(slice.getStaticSizes()) || !isStatic(slice.getStaticStrides()))
    return std::nullopt;
  DramTile tile;
  tile.at = source.at;
  for (auto [d, stride] : llvm::enumerate(source.strides)) {
    tile.at += slice.getStaticOffsets()[d] * stride;
    if (dropped.test(d))
      continue;
    tile.shape.push_back(slice.getStaticSizes()[d]);
    tile.strides.push_back(slice.getStaticStrides()[d] * stride);
  }
  return tile;
}

std::optional<DramTile> fetta::reshapeTile(const DramTile &tile,
                                           ArrayRef<int64_t> shape) {
  DramTile result;
  result.at = tile.at;
  result.shape.assign(shape.begin(), shape.end());
  result.strides.assign(shape.size(), 1);
  // From the innermost dimension out: neighbours that are dense in each other
  // make one run of elements, which dimensions of the new shape divide.
  size_t from = tile.shape.size(), to = shape.size();
  while (to > 0) {
    if (shape[to - 1] == 1) {
      --to;
      continue;
    }
    while (from > 0 && tile.shape[from - 1] == 1)
      --from;
    if (from == 0)
      return std::nullopt;
    int64_t run = tile.shape[from - 1], stride = tile.strides[from - 1];
    --from;
    int64_t covered = 1;
    while (covered < run) {
      if (to == 0)
        return std::nullopt;
      int64_t size = shape[to - 1];
      while (run % (covered * size)) {
        while (from > 0 && tile.shape[from - 1] == 1)
          --from;
        if (from == 0 || tile.strides[from - 1] != run * stride)
          return std::nullopt;
        run *= tile.shape[--from];
      }
      result.strides[--to] = covered * stride;
      covered *= size;
    }
  }
  return result;
}

DenseI64ArrayAttr fetta::getStrides(MLIRContext *context,
                                    const DramTile &tile) {
  DramTile dense = wholeTile(tile.shape);
  for (auto [size, stride, denseStride] :
       llvm::zip_equal(tile.shape, tile.strides, dense.strides))
    if (size != 1 && stride != denseStride)
      return DenseI64ArrayAttr::get(context, tile.strides);
  return {};
}

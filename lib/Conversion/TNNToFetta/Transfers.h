//===- Transfers.h - Tiles of tensors in DRAM -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What slices and reshapes of arguments and results are to DMA: a first
/// element and strides.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONVERSION_TNNTOFETTA_TRANSFERS_H
#define FETTA_LIB_CONVERSION_TNNTOFETTA_TRANSFERS_H

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace fetta {

/// A tile of a row-major tensor: where it begins, its shape, and the elements
/// between neighbours in each dimension.
struct DramTile {
  int64_t at = 0;
  llvm::SmallVector<int64_t> shape, strides;
};

/// All of a row-major tensor.
DramTile wholeTile(llvm::ArrayRef<int64_t> shape);

/// The part of `source` that a slice with static offsets, sizes and strides
/// leaves (of the dimensions that `type`, its result, keeps); nothing where one
/// is dynamic.
std::optional<DramTile> sliceTile(const DramTile &source,
                                  mlir::OffsetSizeAndStrideOpInterface slice,
                                  const llvm::SmallBitVector &dropped);

/// The tile under another shape of as many elements, in the same row-major
/// order; nothing where a dimension would have no single stride.
std::optional<DramTile> reshapeTile(const DramTile &tile,
                                    llvm::ArrayRef<int64_t> shape);

/// The strides as an attribute; null for a dense tile.
mlir::DenseI64ArrayAttr getStrides(mlir::MLIRContext *context,
                                   const DramTile &tile);

} // namespace fetta

#endif // FETTA_LIB_CONVERSION_TNNTOFETTA_TRANSFERS_H

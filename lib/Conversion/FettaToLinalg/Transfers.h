//===- Transfers.h - DMA tiles as slices ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Tiles of row-major tensors, given by strides, as slices of plain tensors.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONVERSION_FETTATOLINALG_TRANSFERS_H
#define FETTA_LIB_CONVERSION_FETTATOLINALG_TRANSFERS_H

#include "fetta/Dialect/Fetta/IR/FettaOps.h"

namespace fetta {

/// A row-major reshape; through one dimension where neither shape refines the
/// other.
mlir::Value reshape(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value value, mlir::RankedTensorType type);

/// The tile that `op` loads out of `source`, a plain tensor; null where its
/// strides make it no rectangle under any shape of the source.
mlir::Value readTile(mlir::OpBuilder &builder, hw::LoadOp op,
                     mlir::Value source);
/// The region of `op` with its tile, both plain tensors already, written over
/// it; null as above.
mlir::Value writeTile(mlir::OpBuilder &builder, hw::StoreOp op);

} // namespace fetta

#endif // FETTA_LIB_CONVERSION_FETTATOLINALG_TRANSFERS_H

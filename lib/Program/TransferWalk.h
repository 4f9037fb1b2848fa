//===- TransferWalk.h - The elements of a transfer, in order ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The walk of a transfer over its blocks (docs/Queues.md, section 2), for
/// planning it and for choosing the blocks.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PROGRAM_TRANSFERWALK_H
#define FETTA_LIB_PROGRAM_TRANSFERWALK_H

#include "fetta/Program/TransferPlan.h"

#include <algorithm>

namespace fetta {

/// What a piece of a walk is: neighbouring elements, or those of one row.
enum class PieceOf { Run, Row };

/// Rows and places of the elements of some dimensions, in row-major order.
struct FlatElements {
  FlatElements(llvm::ArrayRef<DimLayout> dims, llvm::ArrayRef<int64_t> strides,
               PieceOf pieceOf);

  std::vector<int64_t> row, at;
  /// First element behind the piece that goes on from each.
  std::vector<int64_t> pieceEnd;
  int64_t size() const { return int64_t(row.size()); }
};

/// Dimensions in front of the flat part of a walk. Without blocks the walk is
/// that of whole ones; the last dimension stands for the flat part then, so
/// that its table is short.
inline size_t outerDims(const TransferShape &transfer) {
  return transfer.blocks.empty()
             ? std::max<size_t>(transfer.layout->dims.size(), 1) - 1
             : transfer.blocks.size() - 1;
}

/// The flat part of a walk.
inline FlatElements flatPart(const TransferShape &transfer, PieceOf pieceOf) {
  size_t outer = outerDims(transfer);
  return FlatElements(llvm::ArrayRef(transfer.layout->dims).drop_front(outer),
                      transfer.strides.drop_front(outer), pieceOf);
}

/// Calls visit(row, place behind the transfer's first element, elements) for
/// the pieces of a transfer in order, until it returns false. Pieces of
/// neighbouring runs may touch.
template <typename Visit>
void walkBlocks(const TransferShape &transfer, const FlatElements &flat,
                Visit visit) {
  llvm::ArrayRef<DimLayout> dims = transfer.layout->dims;
  llvm::ArrayRef<int64_t> blocks = transfer.blocks;
  size_t outer = outerDims(transfer);
  llvm::SmallVector<int64_t, 6> size;
  for (size_t d = 0; d < outer; ++d)
    size.push_back(blocks.empty() ? dims[d].size : blocks[d]);
  int64_t flatBlock = blocks.empty() ? flat.size() : blocks.back();
  llvm::SmallVector<int64_t, 6> first(outer, 0), index(outer, 0);
  while (true) {
    for (int64_t begin = 0; begin < flat.size(); begin += flatBlock) {
      int64_t end = std::min(begin + flatBlock, flat.size());
      index = first;
      while (true) {
        int64_t row = 0, at = 0;
        for (size_t d = 0; d < outer; ++d) {
          row += (index[d] >> dims[d].lowBits) * dims[d].rowStride;
          at += index[d] * transfer.strides[d];
        }
        for (int64_t i = begin; i < end;) {
          int64_t stop = std::min(end, flat.pieceEnd[size_t(i)]);
          if (!visit(row + flat.row[size_t(i)], at + flat.at[size_t(i)],
                     stop - i))
            return;
          i = stop;
        }
        size_t d = outer;
        while (d-- > 0) {
          if (++index[d] < std::min(first[d] + size[d], dims[d].size))
            break;
          index[d] = first[d];
        }
        if (d == size_t(-1))
          break;
      }
    }
    size_t d = outer;
    while (d-- > 0) {
      first[d] += size[d];
      if (first[d] < dims[d].size)
        break;
      first[d] = 0;
    }
    if (d == size_t(-1))
      return;
  }
}

} // namespace fetta

#endif // FETTA_LIB_PROGRAM_TRANSFERWALK_H

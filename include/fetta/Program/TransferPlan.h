//===- TransferPlan.h - What a transfer moves, in order ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The bursts of one transfer and the rows of tensor memory that pass through
/// the staging buffer meanwhile (docs/Queues.md, section 2). Knows no time:
/// positions are bytes on the DRAM link. The compiler chooses blocks by the
/// same plan that the simulator times.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_PROGRAM_TRANSFERPLAN_H
#define FETTA_PROGRAM_TRANSFERPLAN_H

#include "fetta/Program/Program.h"

#include <map>
#include <vector>

namespace fetta {

/// A stay of a row in the staging buffer.
struct StagedRow {
  int64_t row = 0; ///< Of the layout, relative to the tensor's base row.
  /// Load: bytes on the link when its first element is there. Store: bytes
  /// before the burst that needs its first element.
  int64_t from = 0;
  /// Bytes on the link with the last element of this stay.
  int64_t to = 0;
  bool returns = false; ///< It was here before, and was evicted.
};

struct TransferPlan {
  int64_t bytes = 0;           ///< Whole bursts.
  std::vector<StagedRow> rows; ///< In order of `from`.
  std::vector<uint32_t> ends;  ///< The same, in order of `to`.
};

/// What a transfer costs, but for its tensor's slab and the region's place.
struct TransferShape {
  const Layout *layout = nullptr; ///< Of its tensor.
  int64_t elementBytes = 2;
  int64_t firstByte = 0; ///< Address of the first element.
  /// As in Dma.
  llvm::ArrayRef<int64_t> strides, blocks;
  bool store = false;
};
TransferShape shapeOf(const Program &program, const Dma &dma);

/// Walks the elements of a legal transfer.
TransferPlan planTransfer(const TransferShape &transfer,
                          const Machine &machine);

/// Plans of a program; transfers that differ only in base row, or by whole
/// bursts in their address, share one.
class TransferPlans {
public:
  explicit TransferPlans(const Program &program) : program(program) {}
  const TransferPlan &of(const Dma &dma);

private:
  const Program &program;
  std::map<std::vector<int64_t>, TransferPlan> plans;
};

/// The blocks (empty: row-major) with which a transfer keeps link and slab busy
/// for the shortest time, of those that cut between two dimensions: outside the
/// cut as many indices as share a row, inside it runs of whole bursts. Blocks
/// of at most half of the staging rows go before those of more, because then
/// the next one assembles while the last is written. `transfer.blocks` is not
/// read.
llvm::SmallVector<int64_t, 6> chooseBlocks(const TransferShape &transfer,
                                           const Machine &machine);

} // namespace fetta

#endif // FETTA_PROGRAM_TRANSFERPLAN_H

//===- DmaPlan.h - What a transfer moves, in order --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The bursts of one transfer and the rows of tensor memory that pass through
/// the staging buffer meanwhile (docs/Queues.md, section 2). Knows no time:
/// positions are bytes on the DRAM link.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_DMAPLAN_H
#define FETTA_LIB_SIMULATOR_DMAPLAN_H

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

struct DmaPlan {
  int64_t bytes = 0;           ///< Whole bursts.
  std::vector<StagedRow> rows; ///< In order of `from`.
  std::vector<uint32_t> ends;  ///< The same, in order of `to`.
};

/// Walks the elements of a transfer.
DmaPlan planDma(const Program &program, const Dma &dma);

/// Plans of a program; transfers that differ only in base row, or by whole
/// bursts in their address, share one.
class DmaPlans {
public:
  explicit DmaPlans(const Program &program) : program(program) {}
  const DmaPlan &of(const Dma &dma);

private:
  const Program &program;
  std::map<std::vector<int64_t>, DmaPlan> plans;
};

/// Macros of tensor memory that hold words of a tensor in a full row.
int64_t macrosPerRow(const TensorEntry &tensor, const Machine &machine);

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_DMAPLAN_H

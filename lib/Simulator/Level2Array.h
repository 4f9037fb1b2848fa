//===- Level2Array.h - Processing elements and accumulators -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The registers of the processing elements, the pipelines through them, and
/// the two halves of the accumulators, for the cycle-stepped model.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_LEVEL2ARRAY_H
#define FETTA_LIB_SIMULATOR_LEVEL2ARRAY_H

#include "Level2Network.h"

#include "llvm/Support/Error.h"

#include <deque>
#include <map>

namespace fetta::level2 {

/// Products on their way down the columns.
struct ColumnPacket {
  std::shared_ptr<BeatControl> beat;
  std::vector<SumTarget> targets;
  /// Output-stationary: takes the sums of this row out. Its cycles before the
  /// multiplier are those of a beat.
  bool drainsTile = false;
  uint32_t peRow = 0;
  std::vector<float> words;    ///< Per row lane.
  std::vector<float> columns;  ///< Output-stationary: per column lane.
  std::vector<float> products; ///< Per PE row and lane.
  std::vector<float> sums;     ///< Per column lane.
};

class Array {
public:
  Array(const Machine &machine, Counters &counters);

  /// A row has come through `stream` or `hold`. Returns a lane that captured a
  /// word that was never written.
  std::optional<uint32_t> arrive(RowPacket &row, bool throughHold);
  /// Starts to take the sums of a PE row out.
  void drainTile(std::unique_ptr<ColumnPacket> packet);
  /// Ends a cycle. A result's sums enter the network, one sub-beat a cycle.
  std::unique_ptr<SumPacket> clock();
  bool isIdle() const;

private:
  struct Operands {
    std::shared_ptr<BeatControl> beat;
    std::vector<float> words;
    std::vector<SumTarget> targets;
  };
  void tryMultiply();

  const Machine &machine;
  Counters &counters;
  uint32_t lanes, positions, rows;
  /// Stationary registers of each PE, two sets: [set][row * lanes + lane].
  std::array<std::vector<float>, 2> weights;
  /// Registers of output-stationary sums, likewise.
  std::array<std::vector<float>, 2> sums;
  /// What lanes have captured of the operands that are arriving.
  std::array<std::vector<float>, 2> latch;
  /// Operands that are complete: through stream, through hold.
  std::array<std::deque<Operands>, 2> complete;
  Pipe<ColumnPacket> columns, tileDrains;
  /// Sub-beats of sums that wait for the reduction network.
  std::deque<std::unique_ptr<SumPacket>> leaving;
};

/// A row of sums with a valid bit each.
struct SumRow {
  std::vector<float> words;
  std::vector<uint8_t> valid;
  int64_t row = -1; ///< Physical row that it goes to, or -1.
};

/// One half of the accumulators.
struct Half {
  std::vector<SumRow> rows;
  size_t scope = 0; ///< Whose sums are in the rows.
  /// Rows of a scope that is still draining while the next but one begins: the
  /// buffer in front of the slab holds them.
  std::map<std::pair<size_t, int64_t>, SumRow> held; ///< By scope and row.
};

} // namespace fetta::level2

#endif // FETTA_LIB_SIMULATOR_LEVEL2ARRAY_H

//===- Level2Nest.h - What a contraction asks of the machine ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Beats, tiles, scopes and accesses of one loop nest, one by one, straight
/// from docs/Machine.md section 3. The cycle-stepped model is a check of the
/// tile-event model and of the values, so it shares no geometry with them.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_LEVEL2NEST_H
#define FETTA_LIB_SIMULATOR_LEVEL2NEST_H

#include "fetta/Layout/Nest.h"
#include "fetta/Machine/Machine.h"

#include <cstdint>
#include <vector>

namespace fetta::level2 {

using Index = llvm::SmallVector<int64_t, 8>;

/// One sub-beat of one operand.
struct Access {
  bool inside = false; ///< Otherwise it touches no row.
  int64_t slab = 0;
  int64_t row = 0; ///< Physical; of the high plane for an FP32 result.
  uint32_t flips = 0;
  /// Per lane: captures the word (reading), carries a valid sum (result).
  std::vector<uint8_t> lanes;
  int64_t accumulatorRow = 0; ///< Of a result.
};

/// One beat of the loop nest.
struct Beat {
  Index index;      ///< Of every mode, loops only.
  Index scopeStart; ///< The same at the start of its scope.
  bool firstOfTile = false, lastOfTile = false;
  bool firstOfScope = false, lastOfScope = false;
};

class NestView {
public:
  NestView(const Nest &nest, const Machine &machine);

  const Nest &nest() const { return *source; }
  bool outputStationary() const { return output; }
  OperandId streamed() const {
    return operandOn(source->dataflow, Net::Stream);
  }
  OperandId held() const { return operandOn(source->dataflow, Net::Hold); }
  int64_t beats() const { return count; }
  /// Tiles of the whole nest.
  int64_t tiles() const { return tileCount; }
  Beat beat(int64_t number) const;
  /// PE rows that carry something, ascending: those with a 0 in every row bit
  /// that carries nothing.
  const std::vector<uint32_t> &peRowsInUse() const { return rowsInUse; }
  int64_t subBeats(OperandId id) const;

  /// A streamed row, or one that output-stationary beats take through `hold`.
  Access read(OperandId id, const Index &index, int64_t subBeat) const;
  /// The part of a stationary tile that goes into one PE row.
  Access load(const Index &index, uint32_t peRow, int64_t subBeat) const;
  /// Sums of a stationary beat.
  Access result(const Beat &beat, int64_t subBeat) const;
  /// Sums of one PE row of an output-stationary tile.
  Access drain(const Beat &beat, uint32_t peRow, int64_t subBeat) const;
  /// The bank of a result's lane.
  uint32_t resultBank(uint32_t lane, uint32_t flips) const;

  /// How many drains of this nest write each row (accumulator rows, so to
  /// speak): {physical row, drains}, ascending. Of FP32 the high plane.
  std::vector<std::pair<int64_t, int64_t>> writtenRows() const;

  /// A row of the accumulators and its words that a scope sums into.
  struct ScopeRow {
    int64_t accumulatorRow, row;
    std::vector<uint8_t> banks;
  };
  /// Those of the scope that starts with a beat, ascending.
  std::vector<ScopeRow> scopeRows(int64_t firstBeat) const;
  int64_t scopeBeats() const;
  /// Scopes that begin in this nest.
  int64_t newScopes() const {
    return count / scopeBeats() - !source->clearAtStart;
  }

private:
  using LaneBit = std::optional<ModeBit>;
  struct Port {
    llvm::SmallVector<LaneBit, 12> bits; ///< Per lane bit.
    llvm::SmallVector<unsigned, 4> serial;
    /// Lanes that take part: position in range and, for a result, no copy.
    std::vector<uint8_t> present;
    std::vector<Index> parts; ///< Per lane, what its bits add to each mode.
    /// Lane bit that drives each bank bit, or -1.
    llvm::SmallVector<int, 12> driver;
  };
  Port makePort(OperandId id) const;
  Access access(OperandId id, Index index, int64_t subBeat) const;
  Access resultAccess(const Index &index, const Index &scopeStart,
                      int64_t subBeat) const;
  Index countersOf(int64_t number) const;
  Index indexOf(const Index &counters, size_t loops) const;
  Index withRow(Index index, uint32_t peRow) const;

  const Nest *source;
  const Machine *machine;
  bool output;
  int64_t count = 1, tileCount = 0;
  std::vector<uint32_t> rowsInUse;
  std::array<Port, 3> ports;
};

} // namespace fetta::level2

#endif // FETTA_LIB_SIMULATOR_LEVEL2NEST_H

//===- Cycles.cpp - Closed-form cycles of a loop nest ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Machine/Machine.h"
#include "fetta/Mapping/Mapping.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace fetta;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace {

/// Rows that the drain of a scope visits, one mode of the result at a time:
/// they are the product over its modes.
class ScopeRows {
public:
  ScopeRows(const Nest &nest) : nest(nest) {
    for (unsigned l = 0; l < nest.scopeLevel; ++l)
      counters.push_back(0);
    for (unsigned m = 0; m < nest.modeCount(); ++m)
      if (nest.c().holds(m))
        modes.push_back({m, laneBitsOf(m), {}});
  }

  /// Rows of the current scope.
  int64_t rows() {
    int64_t product = 1;
    for (ModeRows &m : modes)
      product *= rowsOf(m);
    return product;
  }

  /// The next scope in loop order.
  void advance() {
    for (unsigned l = nest.scopeLevel; l-- > 0;) {
      if (++counters[l] < nest.loops[l].count)
        return;
      counters[l] = 0;
    }
  }

private:
  struct ModeRows {
    unsigned mode;
    unsigned laneBits;
    /// Rows by the position of the loops outside the scope; 0: not known yet.
    SmallVector<int64_t, 8> known;
  };

  unsigned laneBitsOf(unsigned mode) const {
    unsigned count = 0;
    auto add = [&](ArrayRef<std::optional<ModeBit>> lanes) {
      for (const std::optional<ModeBit> &bit : lanes)
        count += bit && bit->mode == mode;
    };
    add(nest.lanes.ce);
    add(nest.lanes.row);
    add(nest.lanes.column);
    return count;
  }

  int64_t rowsOf(ModeRows &m) {
    size_t position = 0;
    int64_t start = 0;
    for (unsigned l = 0; l < nest.scopeLevel; ++l) {
      const Loop &loop = nest.loops[l];
      if (loop.mode != m.mode)
        continue;
      position = position * size_t(loop.count) + size_t(counters[l]);
      start += counters[l] * loop.weight;
    }
    if (position >= m.known.size())
      m.known.resize(position + 1, 0);
    if (m.known[position] == 0)
      m.known[position] = countRows(m, start) + 1;
    return m.known[position] - 1;
  }

  int64_t countRows(const ModeRows &m, int64_t start) const {
    // Starts of the index blocks that the loops inside the scope visit.
    SmallVector<int64_t, 32> starts = {start};
    for (const Loop &loop : llvm::drop_begin(nest.loops, nest.scopeLevel)) {
      if (loop.mode != m.mode)
        continue;
      size_t known = starts.size();
      for (int64_t c = 1; c < loop.count; ++c)
        for (size_t i = 0; i < known; ++i)
          starts.push_back(starts[i] + c * loop.weight);
    }
    unsigned lowBits = nest.c().modes[m.mode]->lowBits;
    int64_t block = int64_t(1) << m.laneBits, row = int64_t(1) << lowBits;
    SmallVector<int64_t, 32> rows;
    for (int64_t first : starts)
      for (int64_t i = first; i < std::min(first + block, nest.sizes[m.mode]);
           i = (i / row + 1) * row)
        rows.push_back(i / row);
    llvm::sort(rows);
    return std::unique(rows.begin(), rows.end()) - rows.begin();
  }

  const Nest &nest;
  SmallVector<int64_t, 8> counters; ///< Of the loops outside the scope.
  SmallVector<ModeRows, 8> modes;
};

/// Beats of one stationary tile, or of one output-stationary tile.
int64_t tileBeats(const Nest &nest) {
  const Operand &held = nest.operands[operandOn(nest.dataflow, Net::Hold)];
  int64_t product = 1;
  for (const Loop &loop : llvm::reverse(nest.loops)) {
    if (loop.count == 1)
      continue;
    bool ends = nest.dataflow == Dataflow::OutputStationary
                    ? !nest.isReduced(loop.mode)
                    : held.holds(loop.mode);
    if (ends)
      break;
    product *= loop.count;
  }
  return product;
}

int64_t rowsInUse(const Nest &nest) {
  return int64_t(1) << llvm::count_if(
             nest.lanes.row, [](const auto &bit) { return bit.has_value(); });
}

/// Sum switches with two valid inputs. Per result word that reaches the
/// network: one less than the lanes it comes from, which differ in the CE bits
/// that carry reduced bits.
int64_t additions(const Nest &nest, int64_t tile) {
  unsigned meeting = 0;
  for (const std::optional<ModeBit> &bit : nest.lanes.ce)
    meeting += bit && nest.isReduced(bit->mode);
  int64_t words = 1;
  for (unsigned m = 0; m < nest.modeCount(); ++m)
    if (!nest.isReduced(m))
      words *= nest.sizes[m];
  for (const Loop &loop : nest.loops)
    if (nest.isReduced(loop.mode))
      words *= loop.count;
  // The innermost run of reduced loops stays inside the PEs.
  if (nest.dataflow == Dataflow::OutputStationary)
    words /= tile;
  return words * ((int64_t(1) << meeting) - 1);
}

} // namespace

SerialCycles fetta::serialCycles(const Nest &nest, const Machine &machine) {
  bool outputStationary = nest.dataflow == Dataflow::OutputStationary;
  OperandId streamed = operandOn(nest.dataflow, Net::Stream);
  OperandId held = operandOn(nest.dataflow, Net::Hold);
  int64_t planes = nest.c().elementType == ElementType::F32 ? 2 : 1;

  SerialCycles cycles;
  cycles.beats = beats(nest);
  cycles.fill = machine.pipelineCycles();
  // Sums of a beat leave in sub-beats once its last word is there.
  if (!outputStationary)
    cycles.fill += std::min(subBeats(nest.operands[streamed]),
                            subBeats(nest.operands[OperandC])) -
                   1;
  int64_t tile = tileBeats(nest);
  cycles.tiles = cycles.beats / tile;
  cycles.networkAdditions = additions(nest, tile);
  // What a beat uses besides its streamed operand; what goes once per tile.
  OperandId perBeat = outputStationary ? held : OperandC;
  OperandId perTile = outputStationary ? OperandC : held;
  int64_t cost = std::max(subBeats(nest.operands[streamed]),
                          subBeats(nest.operands[perBeat]));
  int64_t transfer = rowsInUse(nest) * subBeats(nest.operands[perTile]);
  cycles.bankConflict = cycles.beats * (cost - 1);
  if (!outputStationary) {
    cycles.firstLoad = transfer;
    cycles.loadBeats = transfer * cycles.tiles;
  }

  int64_t scopes = 1, perScope = 1;
  for (auto [l, loop] : llvm::enumerate(nest.loops))
    (l < nest.scopeLevel ? scopes : perScope) *= loop.count;
  // Tiles that begin in a scope; none begins in most scopes when a tile lasts
  // longer than a scope (no reduced loop, free loops outside the scope).
  int64_t tilesPerScope = std::max<int64_t>(1, perScope / tile);
  int64_t tileCycles = tile * cost;
  int64_t period = std::max(tileCycles, transfer);

  // Times count from the end of the first load, without the fill.
  int64_t now = 0;         // End of the beats so far.
  int64_t tileStart = 0;   // Of the latest stationary tile.
  int64_t transferred = 0; // End of the latest output-stationary tile drain.
  int64_t drained[2] = {0, 0}; // End of the last drain of each half.
  ScopeRows scopeRows(nest);
  for (int64_t j = 0; j < scopes; ++j, scopeRows.advance()) {
    int64_t half = drained[j & 1];
    if (outputStationary) {
      // A tile does not finish before the drain of the tile before it has; the
      // first drain of a scope waits for its half of the accumulators.
      now = std::max(now + tileCycles, transferred);
      transferred = std::max(now, half) + transfer;
      if (tilesPerScope > 1) {
        now = std::max(now + tileCycles, transferred) +
              (tilesPerScope - 2) * period;
        transferred = now + transfer;
      }
    } else {
      int64_t start = now;
      bool begins = j * perScope % tile == 0;
      if (begins && j > 0)
        start = std::max(start, tileStart + transfer);
      cycles.stationaryReload += start - now;
      start = std::max(start, half);
      if (begins)
        tileStart = start + (tilesPerScope - 1) * period;
      cycles.stationaryReload += (tilesPerScope - 1) * (period - tileCycles);
      now = begins ? tileStart + std::min(tile, perScope) * cost
                   : start + perScope * cost;
      transferred = now;
    }
    bool last = j + 1 == scopes;
    int64_t rows = last && !nest.drainAtEnd ? 0 : scopeRows.rows() * planes;
    // Drains go one after another.
    int64_t start = std::max(transferred, drained[~j & 1]);
    drained[j & 1] = start + rows;
    if (last) {
      cycles.drainBusy = start - transferred;
      cycles.drain = transferred - now + rows;
    }
  }
  cycles.drainBusy += now - cycles.beats * cost - cycles.stationaryReload;
  return cycles;
}

//===- Cycles.cpp - Closed-form cycles of a loop nest ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Scopes.h"

#include "fetta/Machine/Machine.h"
#include "fetta/Mapping/Mapping.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace fetta;
using namespace fetta::mapping;

namespace {

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

  ScopeCosts costs;
  costs.outputStationary = outputStationary;
  for (const Loop &loop : llvm::drop_begin(nest.loops, nest.scopeLevel))
    costs.perScope *= loop.count;
  costs.tile = tile;
  costs.beat = cost;
  costs.transfer = transfer;
  costs.planes = planes;
  ScopeTimeline timeline(nest, costs);
  timeline.run();
  cycles.stationaryReload = timeline.reload();
  cycles.drainedRows = cycles.beats / costs.perScope * timeline.lastRows();
  cycles.drain = timeline.lastTransfer();
  if (nest.drainAtEnd)
    cycles.drain += timeline.lastRows();
  cycles.drainBusy = timeline.lastWait() + timeline.end() -
                     cycles.beats * cost - cycles.stationaryReload;
  return cycles;
}

//===- ClosedCounters.cpp - Counters of a nest without running it ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Whether an element lies inside a tensor is decided mode by mode, and so is
// which macros of a row are touched: a macro is named by the high bank bits,
// each of which is an index bit of one mode. So every count over all beats and
// lanes is a product over the modes of a sum over what moves that mode.
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/ClosedCounters.h"

#include "NestGeometry.h"
#include "fetta/Machine/EnergyTable.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallBitVector.h"

#include <algorithm>

using namespace fetta;

namespace {

using Parts = std::vector<int64_t>;
static constexpr unsigned macroBankBit = 4;
static_assert(banksPerMacro == 1 << macroBankBit, "16 banks in a macro");

void extend(Parts &parts, int64_t count, int64_t weight) {
  size_t old = parts.size();
  for (int64_t i = 1; i < count; ++i)
    for (size_t j = 0; j < old; ++j)
      parts.push_back(parts[j] + i * weight);
}

/// Values that the loops [from, to) of a mode give its index.
Parts loopParts(const Nest &nest, unsigned mode, size_t from, size_t to) {
  Parts parts = {0};
  for (size_t l = from; l < to; ++l)
    if (nest.loops[l].mode == mode)
      extend(parts, nest.loops[l].count, nest.loops[l].weight);
  return parts;
}

/// Iterations of loops [0, level) over modes that an operand lacks.
int64_t otherLoops(const Nest &nest, const Operand &operand, size_t level) {
  int64_t product = 1;
  for (size_t l = 0; l < level; ++l)
    if (!operand.holds(nest.loops[l].mode))
      product *= nest.loops[l].count;
  return product;
}

/// One operand behind its network.
class PortCount {
public:
  /// Visits at loops [0, level), and for each PE row where `peRows`.
  PortCount(const Nest &nest, OperandId id, const Machine &machine,
            size_t level, bool peRows)
      : nest(nest), operand(nest.operands[id]), machine(machine),
        net(netOf(nest.dataflow, id)), bits(laneBits(nest, net, machine)) {
    for (auto [bank, driver] : llvm::enumerate(bankDrivers(nest, id, machine)))
      if (bank >= macroBankBit && driver.kind == BankDriver::Lane)
        macroLanes |= uint32_t(1) << driver.lane;
    words = rows = macros = otherLoops(nest, operand, level);
    if (peRows)
      for (const std::optional<ModeBit> &bit : nest.lanes.row)
        if (bit && !operand.holds(bit->mode)) {
          words *= 2;
          rows *= 2;
          macros *= 2;
        }
    for (unsigned l = 0; l < bits.size(); ++l) {
      bool serial = operand.serialLanes >> l & 1;
      if (bits[l] && operand.holds(bits[l]->mode))
        continue;
      // The lane bit selects copies, or words that meet in the network.
      if (carriesWords(l)) {
        words *= 2;
        if (net == Net::Reduce && !serial)
          meeting *= 2;
      }
      if (serial) {
        rows *= 2;
        if (carriesWords(l))
          macros *= 2;
      }
    }
    for (unsigned mode = 0; mode < nest.modeCount(); ++mode)
      if (operand.holds(mode))
        addMode(mode, level, peRows);
  }

  int64_t words = 1;   ///< On lanes, inside all edges.
  int64_t rows = 1;    ///< Accesses that touch the slab.
  int64_t macros = 1;  ///< Macros that these accesses use.
  int64_t meeting = 1; ///< Words that the network adds to one.

private:
  /// Whether lanes with a 1 in this bit, which no held mode uses, take part.
  bool carriesWords(unsigned l) const {
    unsigned position = machine.positionBits();
    unsigned used =
        net == Net::Stream ? machine.peRowBits : machine.peColumnBits;
    if (l < position && l >= used)
      return false;
    if (net == Net::Reduce)
      return bits[l].has_value(); // Otherwise a copy.
    bool stationary = nest.dataflow != Dataflow::OutputStationary;
    if (net == Net::Stream && stationary && l < position)
      return bits[l].has_value(); // Otherwise +0.0.
    return true;
  }

  void addMode(unsigned mode, size_t level, bool peRows) {
    Parts starts = loopParts(nest, mode, 0, level);
    if (peRows)
      for (const std::optional<ModeBit> &bit : nest.lanes.row)
        if (bit && bit->mode == mode)
          extend(starts, 2, int64_t(1) << bit->bit);
    // Lane parts with the index bits that tell macros apart.
    Parts lanes = {0};
    int64_t macroMask = 0;
    for (unsigned l = 0; l < bits.size(); ++l) {
      if (!bits[l] || bits[l]->mode != mode)
        continue;
      int64_t weight = int64_t(1) << bits[l]->bit;
      if (operand.serialLanes >> l & 1) {
        extend(starts, 2, weight);
        continue;
      }
      extend(lanes, 2, weight);
      if (macroLanes >> l & 1)
        macroMask |= weight;
    }
    int64_t last = *std::max_element(lanes.begin(), lanes.end());
    int64_t allMacros = int64_t(1) << llvm::popcount(uint64_t(macroMask));
    const DimLayout &dim = *operand.modes[mode];
    int64_t inWords = 0, inRows = 0, inMacros = 0;
    for (int64_t start : starts) {
      inRows += start >> dim.lowBits < dim.chunks();
      if (start + last < nest.sizes[mode]) {
        inWords += int64_t(lanes.size());
        inMacros += allMacros;
        continue;
      }
      Parts seen;
      for (int64_t part : lanes)
        if (start + part < nest.sizes[mode]) {
          ++inWords;
          seen.push_back(part & macroMask);
        }
      llvm::sort(seen);
      inMacros += std::unique(seen.begin(), seen.end()) - seen.begin();
    }
    words *= inWords;
    rows *= inRows;
    macros *= inMacros;
  }

  const Nest &nest;
  const Operand &operand;
  const Machine &machine;
  Net net;
  llvm::SmallVector<std::optional<ModeBit>, 12> bits;
  uint32_t macroLanes = 0; ///< Lane bits that drive high bank bits.
};

/// Rows that drains write, and the macros that they use in one plane.
struct DrainCount {
  int64_t rows = 1, macros = 1;
};

DrainCount countDrains(const Nest &nest) {
  DrainCount count;
  const Operand &c = nest.c();
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
    if (!c.holds(mode))
      continue;
    Parts inside = loopParts(nest, mode, nest.scopeLevel, nest.loops.size());
    auto extendByLanes = [&](llvm::ArrayRef<std::optional<ModeBit>> lanes) {
      for (const std::optional<ModeBit> &bit : lanes)
        if (bit && bit->mode == mode)
          extend(inside, 2, int64_t(1) << bit->bit);
    };
    extendByLanes(nest.lanes.ce);
    extendByLanes(nest.lanes.row);
    extendByLanes(nest.lanes.column);
    llvm::sort(inside);
    int64_t macroMask = 0;
    for (unsigned bank = macroBankBit; bank < c.banks.size(); ++bank)
      if (c.banks[bank].source && c.banks[bank].source->mode == mode)
        macroMask |= int64_t(1) << c.banks[bank].source->bit;
    unsigned lowBits = c.modes[mode]->lowBits;
    int64_t rows = 0, macros = 0;
    for (int64_t start : loopParts(nest, mode, 0, nest.scopeLevel)) {
      // Indices ascend, so those of a chunk follow each other.
      Parts seen;
      int64_t chunk = -1;
      auto close = [&] {
        llvm::sort(seen);
        macros += std::unique(seen.begin(), seen.end()) - seen.begin();
        seen.clear();
      };
      for (int64_t part : inside) {
        int64_t index = start + part;
        if (index >= nest.sizes[mode])
          break;
        if (index >> lowBits != chunk) {
          close();
          chunk = index >> lowBits;
          ++rows;
        }
        if (seen.empty() || seen.back() != (index & macroMask))
          seen.push_back(index & macroMask);
      }
      close();
    }
    count.rows *= rows;
    count.macros *= macros;
  }
  return count;
}

} // namespace

Counters fetta::closedCounters(const Nest &nest, const Machine &machine) {
  NestLevels levels(nest, machine);
  bool outputStationary = levels.outputStationary;
  size_t all = nest.loops.size();
  Counters n;
  n.multiplyAdds = multiplyAdds(nest);
  n.beats = beats(nest);
  n.idleMultiplyAdds = n.beats * machine.pes() - n.multiplyAdds;
  n.tiles = NestLevels::iterationsOutside(nest, levels.tileLevel);

  PortCount stream(nest, levels.streamed, machine, all, false);
  PortCount hold(nest, levels.held, machine,
                 outputStationary ? all : levels.tileLevel, !outputStationary);
  n.streamWords = stream.words;
  n.holdWords = hold.words;
  n.rowReads = stream.rows + hold.rows;
  n.macroReads = stream.macros + hold.macros;
  if (!outputStationary)
    n.loadBeats =
        n.tiles * levels.peRowsInUse * subBeats(nest.operands[levels.held]);

  PortCount result(nest, OperandC, machine,
                   outputStationary ? levels.tileLevel : all, outputStationary);
  int64_t arrivals = result.words / result.meeting;
  n.reduceWords = result.words;
  n.networkAdds = result.words - arrivals;
  n.columnAdds =
      result.words *
      ((outputStationary ? NestLevels::beatsInside(nest, levels.tileLevel)
                         : levels.peRowsInUse) -
       1);
  if (outputStationary)
    n.tileDrainBeats = n.tiles * levels.peRowsInUse * subBeats(nest.c());

  n.drainedWords = 1;
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode)
    if (!nest.isReduced(mode))
      n.drainedWords *= nest.sizes[mode];
  DrainCount drains = countDrains(nest);
  int64_t planes = nest.c().elementType == ElementType::F32 ? 2 : 1;
  n.drainedRows = drains.rows;
  n.rowWrites = drains.rows * planes;
  n.macroWrites = drains.macros * planes;
  // A word is assigned once in its scope, or reloaded at its start.
  n.accumulatorAdds = arrivals - (nest.accumulate ? 0 : n.drainedWords);
  n.accumulatorWrites = arrivals + (nest.accumulate ? n.drainedWords : 0);
  n.accumulatorReads = n.accumulatorAdds + n.drainedWords;
  if (nest.accumulate) {
    n.rowReads += 2 * drains.rows;
    n.macroReads += 2 * drains.macros;
  }
  return n;
}

//===- Level2Nest.cpp - What a contraction asks of the machine ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Level2Nest.h"

#include "llvm/ADT/STLExtras.h"

#include <map>
#include <set>

using namespace fetta;
using namespace fetta::level2;

NestView::NestView(const Nest &nest, const Machine &machine)
    : source(&nest), machine(&machine),
      output(nest.dataflow == Dataflow::OutputStationary) {
  for (const Loop &loop : nest.loops)
    count *= loop.count;
  uint32_t unused = 0;
  for (size_t i = 0; i < nest.lanes.row.size(); ++i)
    if (!nest.lanes.row[i])
      unused |= uint32_t(1) << i;
  for (uint32_t row = 0; row < uint32_t(machine.peRows()); ++row)
    if (!(row & unused))
      rowsInUse.push_back(row);
  for (OperandId id : {OperandA, OperandB, OperandC})
    ports[id] = makePort(id);
  // Tiles change with the loops of the held operand's modes, or of the modes
  // of the result; every loop from the innermost such one outwards starts one.
  size_t inner = 0;
  for (size_t l = 0; l < nest.loops.size(); ++l) {
    unsigned mode = nest.loops[l].mode;
    bool changes =
        output ? !nest.isReduced(mode) : nest.operands[held()].holds(mode);
    if (changes && nest.loops[l].count > 1)
      inner = l + 1;
  }
  tileCount = 1;
  for (size_t l = 0; l < inner; ++l)
    tileCount *= nest.loops[l].count;
}

NestView::Port NestView::makePort(OperandId id) const {
  const Nest &nest = *source;
  const Operand &operand = nest.operands[id];
  bool rows = id == streamed(); // Its lanes are the PE rows.
  const auto &inside = rows ? nest.lanes.row : nest.lanes.column;
  Port port;
  for (unsigned i = 0; i < machine->positionBits(); ++i)
    port.bits.push_back(i < inside.size() ? inside[i] : LaneBit());
  port.bits.append(nest.lanes.ce.begin(), nest.lanes.ce.end());
  for (unsigned i = 0; i < port.bits.size(); ++i)
    if (operand.serialLanes >> i & 1)
      port.serial.push_back(i);

  uint32_t lanes = uint32_t(machine->lanes());
  uint32_t positions = uint32_t(1) << machine->positionBits();
  port.present.assign(lanes, 0);
  port.parts.assign(lanes, Index(nest.modeCount(), 0));
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    bool present = lane % positions < uint32_t(1) << inside.size();
    for (unsigned i = 0; i < port.bits.size(); ++i) {
      if (!(lane >> i & 1))
        continue;
      if (port.bits[i]) {
        port.parts[lane][port.bits[i]->mode] += int64_t(1) << port.bits[i]->bit;
      } else if (id == OperandC) {
        present = false; // A copy.
      } else if (rows && !output && i < machine->positionBits()) {
        present = false; // Such a row takes +0.0.
      }
    }
    port.present[lane] = present;
  }
  for (const BankBit &bank : operand.banks) {
    int driver = -1;
    for (unsigned i = 0; i < port.bits.size() && bank.source; ++i)
      if (port.bits[i] && *port.bits[i] == *bank.source &&
          !(operand.serialLanes >> i & 1))
        driver = int(i);
    port.driver.push_back(driver);
  }
  return port;
}

int64_t NestView::subBeats(OperandId id) const {
  return int64_t(1) << ports[id].serial.size();
}

Index NestView::countersOf(int64_t number) const {
  Index counters(source->loops.size(), 0);
  for (size_t l = counters.size(); l-- > 0;) {
    counters[l] = number % source->loops[l].count;
    number /= source->loops[l].count;
  }
  return counters;
}

Index NestView::indexOf(const Index &counters, size_t loops) const {
  Index index(source->modeCount(), 0);
  for (size_t l = 0; l < loops; ++l)
    index[source->loops[l].mode] += counters[l] * source->loops[l].weight;
  return index;
}

Beat NestView::beat(int64_t number) const {
  const Nest &nest = *source;
  Index now = countersOf(number);
  // What changes between two neighbouring beats.
  auto changes = [&](const Index &from, const Index &to) {
    bool tile = false, scope = false;
    for (size_t l = 0; l < to.size(); ++l) {
      if (from[l] == to[l])
        continue;
      unsigned mode = nest.loops[l].mode;
      tile |=
          output ? !nest.isReduced(mode) : nest.operands[held()].holds(mode);
      scope |= l < nest.scopeLevel;
    }
    return std::pair(tile, scope);
  };
  Beat beat;
  beat.index = indexOf(now, now.size());
  beat.scopeStart = indexOf(now, nest.scopeLevel);
  beat.firstOfTile = beat.firstOfScope = number == 0;
  beat.lastOfTile = beat.lastOfScope = number + 1 == count;
  if (number > 0)
    std::tie(beat.firstOfTile, beat.firstOfScope) =
        changes(countersOf(number - 1), now);
  if (number + 1 < count)
    std::tie(beat.lastOfTile, beat.lastOfScope) =
        changes(now, countersOf(number + 1));
  return beat;
}

Access NestView::access(OperandId id, Index index, int64_t subBeat) const {
  const Nest &nest = *source;
  const Operand &operand = nest.operands[id];
  const Port &port = ports[id];
  Access access;
  access.slab = operand.slab;
  access.lanes.assign(port.present.size(), 0);
  uint32_t serialValue = 0;
  for (size_t i = 0; i < port.serial.size(); ++i)
    serialValue |= uint32_t(subBeat >> i & 1) << port.serial[i];
  for (uint32_t lane = 0; lane < access.lanes.size(); ++lane) {
    bool takes =
        port.present[lane] && (lane & operand.serialLanes) == serialValue;
    for (unsigned mode = 0; mode < nest.modeCount() && takes; ++mode)
      if (operand.holds(mode))
        takes = index[mode] + port.parts[lane][mode] < nest.sizes[mode];
    access.lanes[lane] = takes;
  }
  // The index that is common to all lanes of the sub-beat.
  for (unsigned i : port.serial)
    if (serialValue >> i & 1 && port.bits[i] &&
        operand.holds(port.bits[i]->mode))
      index[port.bits[i]->mode] += int64_t(1) << port.bits[i]->bit;
  access.inside = true;
  int64_t row = 0;
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
    if (!operand.holds(mode))
      continue;
    const DimLayout &dim = *operand.modes[mode];
    int64_t chunk = index[mode] >> dim.lowBits;
    access.inside &= chunk < dim.chunks();
    row += chunk * dim.rowStride;
  }
  bool wide = operand.elementType == ElementType::F32;
  access.row = operand.baseRow + row * (wide ? 2 : 1);
  for (size_t j = 0; j < operand.banks.size(); ++j) {
    const BankBit &bank = operand.banks[j];
    bool bit = bank.constant;
    if (bank.source)
      bit = port.driver[j] < 0 &&
            (index[bank.source->mode] >> bank.source->bit & 1);
    access.flips |= uint32_t(bit) << j;
  }
  return access;
}

Index NestView::withRow(Index index, uint32_t peRow) const {
  for (size_t i = 0; i < source->lanes.row.size(); ++i)
    if (peRow >> i & 1 && source->lanes.row[i])
      index[source->lanes.row[i]->mode] += int64_t(1)
                                           << source->lanes.row[i]->bit;
  return index;
}

Access NestView::read(OperandId id, const Index &index, int64_t subBeat) const {
  return access(id, index, subBeat);
}

Access NestView::load(const Index &index, uint32_t peRow,
                      int64_t subBeat) const {
  return access(held(), withRow(index, peRow), subBeat);
}

Access NestView::resultAccess(const Index &index, const Index &scopeStart,
                              int64_t subBeat) const {
  Access result = access(OperandC, index, subBeat);
  const Operand &c = source->c();
  Index full = index;
  for (size_t i = 0; i < ports[OperandC].serial.size(); ++i) {
    const LaneBit &bit = ports[OperandC].bits[ports[OperandC].serial[i]];
    if (subBeat >> i & 1 && bit && c.holds(bit->mode))
      full[bit->mode] += int64_t(1) << bit->bit;
  }
  result.accumulatorRow = source->accumulatorBase;
  for (unsigned mode = 0; mode < source->modeCount(); ++mode)
    if (c.holds(mode))
      result.accumulatorRow += ((full[mode] >> c.modes[mode]->lowBits) -
                                (scopeStart[mode] >> c.modes[mode]->lowBits)) *
                               source->accumulatorStrides[mode];
  return result;
}

Access NestView::result(const Beat &beat, int64_t subBeat) const {
  return resultAccess(beat.index, beat.scopeStart, subBeat);
}

Access NestView::drain(const Beat &beat, uint32_t peRow,
                       int64_t subBeat) const {
  return resultAccess(withRow(beat.index, peRow), beat.scopeStart, subBeat);
}

uint32_t NestView::resultBank(uint32_t lane, uint32_t flips) const {
  uint32_t bank = flips;
  for (size_t j = 0; j < ports[OperandC].driver.size(); ++j)
    if (ports[OperandC].driver[j] >= 0)
      bank ^= (lane >> ports[OperandC].driver[j] & 1) << j;
  return bank;
}

std::vector<std::pair<int64_t, int64_t>> NestView::writtenRows() const {
  std::map<int64_t, int64_t> drains;
  std::set<int64_t> ofScope;
  std::set<std::vector<int64_t>> seen;
  auto visit = [&](const Access &access) {
    if (access.inside && llvm::is_contained(access.lanes, 1))
      ofScope.insert(access.row);
  };
  for (int64_t b = 0; b < count; ++b) {
    Beat beat = this->beat(b);
    // Beats that differ in reduced modes only write the same rows.
    std::vector<int64_t> key;
    for (unsigned mode = 0; mode < source->modeCount(); ++mode)
      if (!source->isReduced(mode))
        key.push_back(beat.index[mode]);
    if (seen.insert(key).second)
      for (int64_t s = 0; s < subBeats(OperandC); ++s) {
        if (!output)
          visit(result(beat, s));
        else
          for (uint32_t row : rowsInUse)
            visit(drain(beat, row, s));
      }
    if (!beat.lastOfScope)
      continue;
    if (b + 1 < count || source->drainAtEnd)
      for (int64_t row : ofScope)
        ++drains[row];
    ofScope.clear();
    seen.clear();
  }
  return {drains.begin(), drains.end()};
}

int64_t NestView::scopeBeats() const {
  int64_t beats = 1;
  for (size_t l = source->scopeLevel; l < source->loops.size(); ++l)
    beats *= source->loops[l].count;
  return beats;
}

std::vector<NestView::ScopeRow> NestView::scopeRows(int64_t firstBeat) const {
  std::map<int64_t, ScopeRow> rows;
  auto visit = [&](const Access &access) {
    if (!access.inside || !llvm::is_contained(access.lanes, 1))
      return;
    ScopeRow &row = rows[access.accumulatorRow];
    row.accumulatorRow = access.accumulatorRow;
    row.row = access.row;
    row.banks.resize(access.lanes.size(), 0);
    for (uint32_t lane = 0; lane < access.lanes.size(); ++lane)
      if (access.lanes[lane])
        row.banks[resultBank(lane, access.flips)] = 1;
  };
  for (int64_t b = firstBeat; b < firstBeat + scopeBeats(); ++b) {
    Beat beat = this->beat(b);
    for (int64_t s = 0; s < subBeats(OperandC); ++s) {
      if (!output)
        visit(result(beat, s));
      else
        for (uint32_t row : rowsInUse)
          visit(drain(beat, row, s));
    }
  }
  std::vector<ScopeRow> list;
  for (auto &entry : rows)
    list.push_back(std::move(entry.second));
  return list;
}

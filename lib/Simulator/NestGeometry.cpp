//===- NestGeometry.cpp - Lanes, rows and levels of a nest ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NestGeometry.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace fetta;

OperandPort::OperandPort(const Nest &nest, OperandId id, const Machine &machine,
                         bool laneTables)
    : op(&nest.operands[id]),
      lanes(laneTables ? uint32_t(machine.lanes()) : 0) {
  auto bits = laneBits(nest, netOf(nest.dataflow, id), machine);
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode)
    if (op->holds(mode))
      modes.push_back(mode);
  parts.assign(modes.size() * lanes, 0);
  maxParts.assign(modes.size(), 0);
  for (auto [i, mode] : llvm::enumerate(modes)) {
    for (auto [l, bit] : llvm::enumerate(bits)) {
      if (!bit || bit->mode != mode)
        continue;
      maxParts[i] += int64_t(1) << bit->bit;
      for (uint32_t lane = 0; lane < lanes; ++lane)
        if (lane >> l & 1)
          parts[i * lanes + lane] += int64_t(1) << bit->bit;
    }
  }
  servedIn.assign(lanes, 0);
  for (auto [l, bit] : llvm::enumerate(bits)) {
    if (!(op->serialLanes >> l & 1))
      continue;
    for (uint32_t lane = 0; lane < lanes; ++lane)
      servedIn[lane] |= (lane >> l & 1) << serial.size();
    bool matters = bit && op->holds(bit->mode);
    serial.push_back(matters ? bit : std::optional<ModeBit>());
  }
  for (auto [bank, driver] : llvm::enumerate(bankDrivers(nest, id, machine))) {
    if (driver.kind == BankDriver::Temporal)
      temporal.push_back({unsigned(bank), driver.temporal});
    else if (driver.kind == BankDriver::Constant && driver.constant)
      constantFlips |= uint32_t(1) << bank;
  }
}

ModeIndex OperandPort::serialIndex(const ModeIndex &index,
                                   uint32_t subBeat) const {
  ModeIndex result = index;
  for (auto [i, bit] : llvm::enumerate(serial))
    if (bit && (subBeat >> i & 1))
      result[bit->mode] += int64_t(1) << bit->bit;
  return result;
}

RowAccess OperandPort::access(const ModeIndex &index, uint32_t subBeat) const {
  // One sub-beat is the common case, and asked for in every beat.
  if (subBeat == 0)
    return accessAt(index);
  return accessAt(serialIndex(index, subBeat));
}

RowAccess OperandPort::accessAt(const ModeIndex &full) const {
  RowAccess access;
  access.inside = true;
  for (unsigned mode : modes) {
    const DimLayout &dim = *op->modes[mode];
    int64_t chunk = full[mode] >> dim.lowBits;
    access.inside &= chunk << dim.lowBits < dim.size;
    access.row += chunk * dim.rowStride;
  }
  access.flips = constantFlips;
  for (const TemporalBank &t : temporal)
    access.flips ^= uint32_t(full[t.source.mode] >> t.source.bit & 1) << t.bank;
  return access;
}

uint32_t OperandPort::edgeState(const ModeIndex &index,
                                llvm::ArrayRef<int64_t> sizes) {
  ModeIndex left(modes.size());
  bool whole = true;
  for (size_t i = 0; i < modes.size(); ++i) {
    // All lanes are inside from maxPart + 1 on, none at 0 and below.
    int64_t room = sizes[modes[i]] - index[modes[i]];
    left[i] = std::clamp<int64_t>(room, 0, maxParts[i] + 1);
    whole &= room > maxParts[i];
  }
  if (whole)
    return 0;
  if (!latestEdge || latestEdge->first != left)
    latestEdge =
        &*edgeStates.try_emplace(left, uint32_t(edgeStates.size()) + 1).first;
  return latestEdge->second;
}

void OperandPort::clearBeyondEdge(const ModeIndex &index,
                                  llvm::ArrayRef<int64_t> sizes,
                                  uint8_t *keep) const {
  for (auto [i, mode] : llvm::enumerate(modes)) {
    int64_t room = sizes[mode] - index[mode];
    if (maxParts[i] < room)
      continue;
    const int64_t *part = parts.data() + i * lanes;
    for (uint32_t lane = 0; lane < lanes; ++lane)
      keep[lane] &= part[lane] < room;
  }
}

/// Level just inside the innermost loop (of more than one iteration) for which
/// `changes` holds.
template <typename Predicate>
static unsigned levelInside(const Nest &nest, Predicate changes) {
  for (unsigned l = nest.loops.size(); l-- > 0;)
    if (nest.loops[l].count > 1 && changes(nest.loops[l].mode))
      return l + 1;
  return 0;
}

NestLevels::NestLevels(const Nest &nest, const Machine &machine)
    : outputStationary(nest.dataflow == Dataflow::OutputStationary),
      streamed(operandOn(nest.dataflow, Net::Stream)),
      held(operandOn(nest.dataflow, Net::Hold)), scopeLevel(nest.scopeLevel) {
  tileLevel = levelInside(nest, [&](unsigned mode) {
    return outputStationary ? !nest.isReduced(mode)
                            : nest.operands[held].holds(mode);
  });
  llvm::SmallVector<unsigned, 4> assigned;
  for (unsigned bit = 0; bit < nest.lanes.row.size(); ++bit)
    if (nest.lanes.row[bit])
      assigned.push_back(bit);
  peRowsInUse = int64_t(1) << assigned.size();
  for (uint32_t i = 0; i < peRowsInUse; ++i) {
    uint32_t row = 0;
    ModeIndex index(nest.modeCount(), 0);
    for (auto [j, bit] : llvm::enumerate(assigned)) {
      if (!(i >> j & 1))
        continue;
      row |= uint32_t(1) << bit;
      ModeBit source = *nest.lanes.row[bit];
      index[source.mode] += int64_t(1) << source.bit;
    }
    peRow.push_back(row);
    peRowIndex.push_back(index);
  }
}

int64_t NestLevels::beatsInside(const Nest &nest, unsigned level) {
  int64_t product = 1;
  for (size_t l = level; l < nest.loops.size(); ++l)
    product *= nest.loops[l].count;
  return product;
}

int64_t NestLevels::iterationsOutside(const Nest &nest, unsigned level) {
  int64_t product = 1;
  for (size_t l = 0; l < level; ++l)
    product *= nest.loops[l].count;
  return product;
}

int LoopCounters::advance(unsigned end) {
  for (unsigned l = end; l-- > 0;) {
    const Loop &loop = nest->loops[l];
    if (++counters[l] < loop.count) {
      modeIndex[loop.mode] += loop.weight;
      return int(l);
    }
    counters[l] = 0;
    modeIndex[loop.mode] -= (loop.count - 1) * loop.weight;
  }
  return -1;
}

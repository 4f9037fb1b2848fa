//===- ContractPlan.cpp - What timing asks of one loop nest ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContractPlan.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace fetta;

ContractPlan::ContractPlan(const Nest &nest, const Machine &machine)
    : nest(nest), levels(nest, machine),
      ports{OperandPort(nest, OperandA, machine, /*laneTables=*/false),
            OperandPort(nest, OperandB, machine, /*laneTables=*/false),
            OperandPort(nest, OperandC, machine, /*laneTables=*/false)},
      subBeats{ports[0].subBeats(), ports[1].subBeats(), ports[2].subBeats()},
      machine(machine) {
  if (levels.outputStationary) {
    plainCycles = std::max(subBeats[OperandA], subBeats[OperandB]);
    beatCycles = streamSlab() == holdSlab()
                     ? subBeats[OperandA] + subBeats[OperandB]
                     : plainCycles;
    tileDrain = levels.peRowsInUse * subBeats[OperandC];
    blockLevel = levels.tileLevel;
  } else {
    plainCycles = beatCycles =
        std::max(subBeats[levels.streamed], subBeats[OperandC]);
    sumLag = std::min(subBeats[levels.streamed], subBeats[OperandC]) - 1;
    loadBeats = levels.peRowsInUse * subBeats[levels.held];
    blockLevel = std::max(levels.tileLevel, levels.scopeLevel);
  }
  blockBeats = NestLevels::beatsInside(nest, blockLevel);
  tiles = NestLevels::iterationsOutside(nest, levels.tileLevel);
  scopes = NestLevels::iterationsOutside(nest, levels.scopeLevel);
  planes = nest.c().elementType == ElementType::F32 ? 2 : 1;
  for (OperandId id : {OperandA, OperandB})
    beyond[id] = accesses(id) < visits(id);
}

ModeIndex ContractPlan::beatIndex(const ModeIndex &start, int64_t beat) const {
  ModeIndex index = start;
  for (size_t l = nest.loops.size(); l-- > blockLevel && beat > 0;) {
    const Loop &loop = nest.loops[l];
    index[loop.mode] += beat % loop.count * loop.weight;
    beat /= loop.count;
  }
  return index;
}

//===----------------------------------------------------------------------===//
// Counts
//===----------------------------------------------------------------------===//

std::vector<int64_t> ContractPlan::indexParts(unsigned mode, OperandId id,
                                              size_t from, size_t to,
                                              bool peRows) const {
  std::vector<int64_t> parts = {0};
  auto extend = [&](int64_t count, int64_t weight) {
    size_t old = parts.size();
    for (int64_t i = 1; i < count; ++i)
      for (size_t j = 0; j < old; ++j)
        parts.push_back(parts[j] + i * weight);
  };
  for (size_t l = from; l < to; ++l)
    if (nest.loops[l].mode == mode)
      extend(nest.loops[l].count, nest.loops[l].weight);
  auto extendByBit = [&](const std::optional<ModeBit> &bit) {
    if (bit && bit->mode == mode)
      extend(2, int64_t(1) << bit->bit);
  };
  auto lanes = laneBits(nest, netOf(nest.dataflow, id), machine);
  for (size_t l = 0; l < lanes.size(); ++l)
    if (nest.operands[id].serialLanes >> l & 1)
      extendByBit(lanes[l]);
  if (peRows)
    for (const auto &bit : nest.lanes.row)
      extendByBit(bit);
  return parts;
}

int64_t ContractPlan::visits(OperandId id) const {
  unsigned level = isLoad(id) ? levels.tileLevel : unsigned(nest.loops.size());
  return NestLevels::iterationsOutside(nest, level) * subBeats[id] *
         (isLoad(id) ? levels.peRowsInUse : 1);
}

int64_t ContractPlan::accesses(OperandId id) const {
  const Operand &operand = nest.operands[id];
  size_t level = isLoad(id) ? levels.tileLevel : nest.loops.size();
  // Of all that is visited, in each mode, the part inside the tensor.
  int64_t count = visits(id);
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
    if (!operand.holds(mode))
      continue;
    const DimLayout &dim = *operand.modes[mode];
    std::vector<int64_t> parts = indexParts(mode, id, 0, level, isLoad(id));
    count /= int64_t(parts.size());
    count *= llvm::count_if(
        parts, [&](int64_t i) { return i >> dim.lowBits < dim.chunks(); });
  }
  return count;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

ContractPlan::Row ContractPlan::rowOf(OperandId id, const ModeIndex &index,
                                      int64_t subBeat) const {
  RowAccess access = ports[id].access(index, uint32_t(subBeat));
  return {access.inside, nest.operands[id].baseRow + access.row};
}

ContractPlan::Row ContractPlan::rowOfLoad(const ModeIndex &index,
                                          int64_t step) const {
  int64_t perRow = subBeats[levels.held];
  ModeIndex full = index;
  const ModeIndex &part = levels.peRowIndex[size_t(step / perRow)];
  for (size_t m = 0; m < full.size(); ++m)
    full[m] += part[m];
  return rowOf(levels.held, full, step % perRow);
}

void ContractPlan::scopeRows(const ModeIndex &scopeStart, int64_t baseRow,
                             int64_t planes, std::vector<int32_t> &rows) {
  const Operand &c = nest.c();
  // Accumulator row and tensor row, mode by mode.
  std::vector<std::pair<int64_t, int64_t>> found = {{0, 0}}, next;
  for (unsigned mode : ports[OperandC].heldModes()) {
    const DimLayout &dim = *c.modes[mode];
    auto [it, isNew] = chunksOfScope.try_emplace({mode, scopeStart[mode]});
    if (isNew) {
      for (int64_t part :
           indexParts(mode, OperandC, levels.scopeLevel, nest.loops.size(),
                      levels.outputStationary))
        if (scopeStart[mode] + part < nest.sizes[mode])
          it->second.push_back((scopeStart[mode] + part) >> dim.lowBits);
      llvm::sort(it->second);
      it->second.erase(std::unique(it->second.begin(), it->second.end()),
                       it->second.end());
    }
    int64_t first = scopeStart[mode] >> dim.lowBits;
    next.clear();
    for (auto [row, tensorRow] : found)
      for (int64_t chunk : it->second)
        next.push_back({row + (chunk - first) * nest.accumulatorStrides[mode],
                        tensorRow + chunk * dim.rowStride});
    std::swap(found, next);
  }
  llvm::sort(found);
  rows.clear();
  for (auto [row, tensorRow] : found)
    rows.push_back(int32_t(baseRow + tensorRow * planes));
}

std::pair<int64_t, uint32_t>
ContractPlan::words(const ModeIndex &index, const ModeIndex &scopeStart) const {
  const OperandPort &port = ports[OperandC];
  ModeIndex full = port.serialIndex(index, 0);
  int64_t row = 0;
  for (unsigned mode : port.heldModes()) {
    unsigned b = nest.c().modes[mode]->lowBits;
    row += ((full[mode] >> b) - (scopeStart[mode] >> b)) *
           nest.accumulatorStrides[mode];
  }
  return {row, port.access(index, 0).flips};
}

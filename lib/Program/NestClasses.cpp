//===- NestClasses.cpp - Contractions that differ in places only ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NestClasses.h"

using namespace fetta;

/// All of a nest but slabs and base rows as numbers. Every list begins with its
/// length, so unequal nests have unequal numbers.
static llvm::SmallVector<int64_t, 256> numbersOf(const Nest &nest) {
  llvm::SmallVector<int64_t, 256> list = {
      int64_t(nest.dataflow),     int64_t(nest.scopeLevel),
      int64_t(nest.clearAtStart), int64_t(nest.drainAtEnd),
      int64_t(nest.accumulate),   nest.accumulatorBase};
  auto addBit = [&](const std::optional<ModeBit> &value, int64_t without) {
    list.push_back(value ? int64_t(value->mode) : without);
    list.push_back(value ? int64_t(value->bit) : 0);
  };
  list.push_back(int64_t(nest.sizes.size()));
  list.append(nest.sizes.begin(), nest.sizes.end());
  list.push_back(int64_t(nest.accumulatorStrides.size()));
  list.append(nest.accumulatorStrides.begin(), nest.accumulatorStrides.end());
  list.push_back(int64_t(nest.loops.size()));
  for (const Loop &loop : nest.loops)
    list.append({int64_t(loop.mode), loop.count, loop.weight});
  auto lanes = [&](const auto &table) {
    list.push_back(int64_t(table.size()));
    for (const std::optional<ModeBit> &value : table)
      addBit(value, -1);
  };
  lanes(nest.lanes.ce);
  lanes(nest.lanes.row);
  lanes(nest.lanes.column);
  for (const Operand &operand : nest.operands) {
    list.append({int64_t(operand.elementType), int64_t(operand.serialLanes),
                 int64_t(operand.modes.size())});
    for (const std::optional<DimLayout> &dim : operand.modes) {
      list.push_back(dim.has_value());
      if (dim)
        list.append({dim->size, int64_t(dim->lowBits), dim->rowStride});
    }
    list.push_back(int64_t(operand.banks.size()));
    for (const BankBit &bank : operand.banks)
      addBit(bank.source, -1 - int64_t(bank.constant));
  }
  return list;
}

/// Rule N9, the only one that depends on places.
bool NestClasses::fits(const Nest &nest, const NestClass &known) const {
  auto inside = [&](int64_t slab, int64_t baseRow, uint32_t footprint) {
    return slab >= 0 && slab < machine.slabs && baseRow >= 0 &&
           baseRow <= machine.rowsPerSlab - footprints[footprint].height;
  };
  for (OperandId id : {OperandA, OperandB, OperandC})
    if (!inside(nest.operands[id].slab, nest.operands[id].baseRow,
                known.footprints[id]))
      return false;
  return !nest.roundsSums() ||
         inside(nest.sums.slab, nest.sums.baseRow, known.sums);
}

llvm::Expected<uint32_t> NestClasses::classOf(const Nest &nest) {
  llvm::SmallVector<int64_t, 256> numbersOfNest = numbersOf(nest);
  std::optional<uint32_t> number = numbers.find(numbersOfNest);
  if (!number || !fits(nest, classes[*number]))
    if (llvm::Error error = verifyNest(nest, machine))
      return error;
  if (number)
    return *number;
  NestClass added;
  for (OperandId id : {OperandA, OperandB, OperandC})
    added.footprints[id] = footprints.of(nest.operands[id]);
  if (nest.accumulate)
    added.sums = footprints.of(nest.partialSums());
  classes.push_back(added);
  return numbers.intern(numbersOfNest).first;
}

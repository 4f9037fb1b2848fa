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

/// Whether nests are equal but for slabs and base rows.
static bool alike(const Nest &a, const Nest &b) {
  auto sameOperand = [](const Operand &x, const Operand &y) {
    return x.elementType == y.elementType && x.serialLanes == y.serialLanes &&
           x.modes == y.modes && x.banks == y.banks;
  };
  return a.dataflow == b.dataflow && a.scopeLevel == b.scopeLevel &&
         a.clearAtStart == b.clearAtStart && a.drainAtEnd == b.drainAtEnd &&
         a.accumulate == b.accumulate &&
         a.accumulatorBase == b.accumulatorBase && a.sizes == b.sizes &&
         a.accumulatorStrides == b.accumulatorStrides && a.loops == b.loops &&
         a.lanes.ce == b.lanes.ce && a.lanes.row == b.lanes.row &&
         a.lanes.column == b.lanes.column &&
         std::equal(a.operands.begin(), a.operands.end(), b.operands.begin(),
                    sameOperand);
}

/// The class behind the last one, if that is right.
std::optional<uint32_t> NestClasses::guess(const Nest &nest) const {
  if (classes.empty())
    return std::nullopt;
  uint32_t number = next[last];
  if (!alike(nest, firsts[number]) || !fits(nest, classes[number]))
    return std::nullopt;
  return number;
}

llvm::Expected<uint32_t> NestClasses::classOf(const Nest &nest) {
  if (std::optional<uint32_t> guessed = guess(nest))
    return last = *guessed;
  llvm::SmallVector<int64_t, 256> numbersOfNest = numbersOf(nest);
  std::optional<uint32_t> number = numbers.find(numbersOfNest);
  if (!number || !fits(nest, classes[*number]))
    if (llvm::Error error = verifyNest(nest, machine))
      return error;
  auto follow = [&](uint32_t found) {
    if (last < next.size())
      next[last] = found;
    return last = found;
  };
  if (number)
    return follow(*number);
  NestClass added;
  for (OperandId id : {OperandA, OperandB, OperandC})
    added.footprints[id] = footprints.of(nest.operands[id]);
  if (nest.accumulate)
    added.sums = footprints.of(nest.partialSums());
  classes.push_back(added);
  firsts.push_back(nest);
  next.push_back(0);
  return follow(numbers.intern(numbersOfNest).first);
}

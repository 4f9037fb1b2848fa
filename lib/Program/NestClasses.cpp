//===- NestClasses.cpp - Contractions that differ in places only ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NestClasses.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/xxhash.h"

using namespace fetta;

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

/// Equal for nests that are alike. What is left out here is compared above.
static uint64_t hashOf(const Nest &nest) {
  llvm::SmallVector<int64_t, 64> list = {int64_t(nest.dataflow),
                                         int64_t(nest.scopeLevel),
                                         int64_t(nest.accumulate)};
  list.append(nest.sizes.begin(), nest.sizes.end());
  for (const Loop &loop : nest.loops)
    list.append({int64_t(loop.mode), loop.count, loop.weight});
  for (const Operand &operand : nest.operands) {
    list.push_back(int64_t(operand.elementType));
    for (const std::optional<DimLayout> &dim : operand.modes)
      list.push_back(dim ? dim->rowStride : -1);
  }
  return llvm::xxh3_64bits(
      llvm::ArrayRef<uint8_t>(reinterpret_cast<const uint8_t *>(list.data()),
                              list.size() * sizeof(int64_t)));
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
  // The map keeps its two largest keys for itself.
  llvm::SmallVector<uint32_t, 1> &known = byHash[hashOf(nest) >> 1];
  const auto *it = llvm::find_if(
      known, [&](uint32_t number) { return alike(nest, firsts[number]); });
  const bool isNew = it == known.end();
  if (isNew || !fits(nest, classes[*it]))
    if (llvm::Error error = verifyNest(nest, machine))
      return error;
  const uint32_t number = isNew ? uint32_t(classes.size()) : *it;
  if (last < next.size())
    next[last] = number;
  last = number;
  if (!isNew)
    return number;
  NestClass added;
  for (OperandId id : {OperandA, OperandB, OperandC})
    added.footprints[id] = footprints.of(nest.operands[id]);
  if (nest.accumulate)
    added.sums = footprints.of(nest.partialSums());
  classes.push_back(added);
  firsts.push_back(nest);
  next.push_back(0);
  known.push_back(number);
  return number;
}

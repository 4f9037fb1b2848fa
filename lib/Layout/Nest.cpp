//===- Nest.cpp - Rules of one contraction --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Layout/Nest.h"

#include "fetta/Machine/Machine.h"

#include "llvm/ADT/STLExtras.h"

using namespace fetta;
using llvm::ArrayRef;
using llvm::SmallVector;

OperandId fetta::operandOn(Dataflow dataflow, Net net) {
  if (net == Net::Reduce)
    return OperandC;
  bool streamsA = dataflow != Dataflow::AStationary;
  return (net == Net::Stream) == streamsA ? OperandA : OperandB;
}

Net fetta::netOf(Dataflow dataflow, OperandId operand) {
  if (operand == OperandC)
    return Net::Reduce;
  return operandOn(dataflow, Net::Stream) == operand ? Net::Stream : Net::Hold;
}

SmallVector<std::optional<ModeBit>, 12>
fetta::laneBits(const Nest &nest, Net net, const Machine &machine) {
  SmallVector<std::optional<ModeBit>, 12> bits(machine.laneBits());
  ArrayRef<std::optional<ModeBit>> position =
      net == Net::Stream ? nest.lanes.row : nest.lanes.column;
  llvm::copy(position, bits.begin());
  llvm::copy(nest.lanes.ce, bits.begin() + machine.positionBits());
  return bits;
}

uint32_t fetta::spatialLanes(const Nest &nest, OperandId operand,
                             const Machine &machine) {
  const Operand &op = nest.operands[operand];
  uint32_t mask = 0;
  auto bits = laneBits(nest, netOf(nest.dataflow, operand), machine);
  for (auto [lane, bit] : llvm::enumerate(bits))
    if (bit && op.holds(bit->mode))
      mask |= uint32_t(1) << lane;
  return mask;
}

/// Bank bit that `bit` drives in the operand's layout, if any.
static std::optional<unsigned> bankOfBit(const Operand &op, ModeBit bit) {
  for (auto [bank, driver] : llvm::enumerate(op.banks))
    if (driver.source && *driver.source == bit)
      return unsigned(bank);
  return std::nullopt;
}

uint32_t fetta::missingLanes(const Nest &nest, OperandId operand,
                             const Machine &machine) {
  const Operand &op = nest.operands[operand];
  auto bits = laneBits(nest, netOf(nest.dataflow, operand), machine);
  uint32_t spatial = spatialLanes(nest, operand, machine);
  uint32_t mask = 0;
  for (auto [lane, bit] : llvm::enumerate(bits))
    if ((spatial >> lane & 1) && !bankOfBit(op, *bit))
      mask |= uint32_t(1) << lane;
  return mask;
}

SmallVector<BankDriver, 8> fetta::bankDrivers(const Nest &nest,
                                              OperandId operand,
                                              const Machine &machine) {
  const Operand &op = nest.operands[operand];
  auto lanes = laneBits(nest, netOf(nest.dataflow, operand), machine);
  SmallVector<BankDriver, 8> drivers;
  for (const BankBit &bank : op.banks) {
    BankDriver driver;
    if (!bank.source) {
      driver.kind = BankDriver::Constant;
      driver.constant = bank.constant;
      drivers.push_back(driver);
      continue;
    }
    driver.kind = BankDriver::Temporal;
    driver.temporal = *bank.source;
    for (auto [lane, bit] : llvm::enumerate(lanes)) {
      if (bit && *bit == *bank.source && !(op.serialLanes >> lane & 1)) {
        driver.kind = BankDriver::Lane;
        driver.lane = lane;
      }
    }
    drivers.push_back(driver);
  }
  return drivers;
}

BitMap fetta::bankMap(const Nest &nest, OperandId operand,
                      const Machine &machine) {
  BitMap map;
  for (const BankDriver &driver : bankDrivers(nest, operand, machine))
    map.rows.push_back(
        driver.kind == BankDriver::Lane ? uint32_t(1) << driver.lane : 0);
  return map;
}

int64_t fetta::beats(const Nest &nest) {
  int64_t product = 1;
  for (const Loop &loop : nest.loops)
    product *= loop.count;
  return product;
}

int64_t fetta::multiplyAdds(const Nest &nest) {
  int64_t product = 1;
  for (int64_t size : nest.sizes)
    product *= size;
  return product;
}

std::pair<int64_t, int64_t> fetta::rowRange(const Operand &operand) {
  int64_t last = 0;
  for (const std::optional<DimLayout> &dim : operand.modes)
    if (dim)
      last += (dim->chunks() - 1) * dim->rowStride;
  int64_t planes = operand.elementType == ElementType::F32 ? 2 : 1;
  return {operand.baseRow, operand.baseRow + (last + 1) * planes - 1};
}

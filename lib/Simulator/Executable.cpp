//===- Executable.cpp - Can a contraction be run at all? ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Executable.h"

#include "fetta/Support/Error.h"

#include "llvm/ADT/STLExtras.h"

using namespace fetta;

/// Indices times strides of 32 bits must stay below 2^63. Tensor memory holds
/// at most 2^28 words, so no program that means something comes near.
static constexpr int64_t MaxLoopIndex = int64_t(1) << 30;
static constexpr unsigned MaxLaneBit = 24, MaxIndexBit = 62;

llvm::Error fetta::checkExecutable(const Program &program, size_t instruction,
                                   int64_t maxBeats) {
  const auto &contract = std::get<Contract>(program.code[instruction]);
  const Nest &nest = contract.nest;
  const Machine &machine = program.machine;
  size_t modes = nest.sizes.size();
  auto refused = [&](llvm::StringRef what) {
    return makeError("instruction {0} cannot be run: {1}", instruction, what);
  };

  if (contract.op >= program.ops.size())
    return refused("it names an operation that does not exist");
  for (uint32_t tensor : contract.tensors)
    if (tensor >= program.tensors.size())
      return refused("it names a tensor that does not exist");
  if (nest.roundsSums() && contract.tensorSums >= program.tensors.size())
    return refused("its partial sums are of a tensor that does not exist");

  if (nest.lanes.ce.size() != machine.ceBits ||
      nest.lanes.row.size() != machine.peRowBits ||
      nest.lanes.column.size() != machine.peColumnBits)
    return refused("its lane table is for another array");
  auto laneExists = [&](const std::optional<ModeBit> &bit) {
    return !bit || (bit->mode < modes && bit->bit < MaxLaneBit);
  };
  if (!llvm::all_of(nest.lanes.ce, laneExists) ||
      !llvm::all_of(nest.lanes.row, laneExists) ||
      !llvm::all_of(nest.lanes.column, laneExists))
    return refused("a lane carries an index bit that does not exist");

  int64_t beats = 1, reach = 0;
  for (const Loop &loop : nest.loops) {
    int64_t last;
    if (loop.mode >= modes)
      return refused("a loop moves a mode that does not exist");
    if (loop.count < 1 || loop.weight < 0)
      return refused("a loop has no iterations");
    if (llvm::MulOverflow(beats, loop.count, beats) || beats > maxBeats)
      return refused("its loops take more than " + std::to_string(maxBeats) +
                     " beats");
    if (llvm::MulOverflow(loop.count - 1, loop.weight, last) ||
        llvm::AddOverflow(reach, last, reach) || reach > MaxLoopIndex)
      return refused("its loops reach indices beyond 2^30");
  }

  if (nest.accumulatorStrides.size() != modes)
    return refused("it needs one accumulator stride per mode");
  for (const Operand &operand : nest.operands) {
    if (operand.modes.size() != modes)
      return refused("an operand needs one entry per mode");
    if (operand.banks.size() != machine.laneBits())
      return refused("an operand has bank bits of another machine");
    for (const BankBit &bank : operand.banks)
      if (bank.source &&
          (bank.source->mode >= modes || bank.source->bit > MaxIndexBit))
        return refused("a bank bit names an index bit that does not exist");
    for (const auto &dim : operand.modes)
      if (dim && dim->lowBits > MaxIndexBit)
        return refused("a dimension has more low bits than an index");
  }
  return llvm::Error::success();
}

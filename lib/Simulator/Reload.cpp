//===- Reload.cpp - Partial sums back into the accumulators ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The machine reloads the rows of a scope at its start. Here a row is reloaded
// when the first sums arrive at it: no two scopes share a row (rule N16), so
// nothing can have changed it in between.
//
//===----------------------------------------------------------------------===//

#include "ContractRunner.h"

#include "fetta/Machine/EnergyTable.h"
#include "fetta/Support/BFloat16.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using namespace fetta;

llvm::Error ContractRunner::reloadRow(const ModeIndex &index, int64_t row,
                                      int64_t tensorRow) {
  const Operand &c = nest.c();
  SumsPlace place = nest.sumsPlace();
  int64_t high = place.baseRow + 2 * tensorRow;
  if (!memory.contains(place.slab, high) ||
      !memory.contains(place.slab, high + 1))
    return fail(OperandC, "partial sums in row " + llvm::Twine(high) +
                              " of slab " + llvm::Twine(place.slab) +
                              " cannot be reloaded");
  const uint16_t *highWords = memory.row(place.slab, high),
                 *lowWords = memory.row(place.slab, high + 1);
  const uint8_t *highThere = memory.written(place.slab, high),
                *lowThere = memory.written(place.slab, high + 1);
  float *sum = accumulators.words.data() + row * accumulators.lanes;
  uint8_t *there = accumulators.valid.data() + row * accumulators.lanes;
  int64_t words = 0;
  for (uint32_t bank = 0; bank < lanes; ++bank) {
    // The indices of the chunk's word in this bank, if it is one.
    ModeIndex at = index;
    for (unsigned mode : result.heldModes())
      at[mode] = index[mode] >> c.modes[mode]->lowBits
                                    << c.modes[mode]->lowBits;
    bool inside = true;
    for (auto [j, bit] : llvm::enumerate(c.banks)) {
      bool set = bank >> j & 1;
      if (bit.source)
        at[bit.source->mode] |= int64_t(set) << bit.source->bit;
      else
        inside &= set == bit.constant;
    }
    for (unsigned mode : result.heldModes())
      inside &= at[mode] < nest.sizes[mode];
    if (!inside)
      continue;
    if (!countOnly && (!highThere[bank] || !lowThere[bank]))
      return fail(OperandC, "goes on from word " + llvm::Twine(bank) +
                                " of row " + llvm::Twine(high) + " in slab " +
                                llvm::Twine(place.slab) +
                                ", which was never written");
    sum[bank] = bitsToFloat(uint32_t(highWords[bank]) << 16 | lowWords[bank]);
    there[bank] = 1;
    touched[bank / banksPerMacro] = 1;
    ++words;
  }
  counters.accumulatorWrites += words;
  counters.rowReads += 2;
  counters.macroReads += 2 * countMacros(touched);
  return llvm::Error::success();
}

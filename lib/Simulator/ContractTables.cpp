//===- ContractTables.cpp - Values of one contraction, by rows ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The part of ContractRunner that handles whole rows by the tables that
// ResolvedRoutes makes of switch words, flips, captures and valid bits.
//
//===----------------------------------------------------------------------===//

#include "ContractRunner.h"

#include "fetta/Machine/EnergyTable.h"

#include <algorithm>
#include <numeric>

using namespace fetta;

const GatherTable &ContractRunner::gatherTable(ReadPort &read,
                                               const ModeIndex &index,
                                               uint32_t edge, uint32_t subBeat,
                                               uint32_t flips) {
  const GatherTable *&table = read.tables[tableKey(edge, subBeat, flips)];
  if (!table) {
    keepInside(read.port, index);
    std::string captures(lanes, '\0');
    for (uint32_t lane : read.captures[subBeat])
      captures[lane] = char(keep[lane]);
    table = &resolved.gather(read.route, flips, captures);
  }
  return *table;
}

bool ContractRunner::readByTable(ReadPort &read, const ModeIndex &index,
                                 float *out) {
  const Operand &operand = read.port.operand();
  uint32_t edge = read.port.edgeState(index, nest.sizes);
  bool first = true;
  for (uint32_t s = 0; s < read.captures.size(); ++s) {
    RowAccess access = read.port.access(index, s);
    if (!access.inside)
      continue;
    int64_t row = operand.baseRow + access.row;
    if (!memory.contains(operand.slab, row))
      return false;
    const GatherTable &table = gatherTable(read, index, edge, s, access.flips);
    counters.*read.words += table.words;
    ++counters.rowReads;
    counters.macroReads += table.macros;
    if (countOnly)
      continue;
    // What fails is an error, so it does not matter that it was counted.
    if (!covers(memory.written(operand.slab, row), table.reads.data(), lanes))
      return false;
    if (first && table.words != lanes)
      std::fill(out, out + lanes, 0.0f);
    first = false;
    const uint16_t *words = memory.row(operand.slab, row);
    if (table.whole)
      table.whole.apply(out, words);
    else
      gatherWords(out, words, table.moves);
  }
  if (first && !countOnly)
    std::fill(out, out + lanes, 0.0f);
  return true;
}

void ContractRunner::accumulateByTable(const ReductionPlan &plan, float *words,
                                       int64_t row) {
  for (const WordMoves &stage : plan.stages)
    if (!countOnly)
      addWords(words, words, stage);
  float *sum = accumulators.words.data() + row * accumulators.lanes;
  uint8_t *there = accumulators.valid.data() + row * accumulators.lanes;
  int64_t adds = 0, arrivals = int64_t(plan.arrivals.size());
  if (countOnly) {
    for (uint32_t bank = 0; bank < lanes; ++bank)
      adds += there[bank] & plan.arrives[bank];
  } else if (!meets(there, plan.arrives.data(), lanes)) {
    copyWords(sum, words, plan.toBanks);
  } else if (covers(there, plan.arrives.data(), lanes)) {
    addWords(sum, words, plan.toBanks);
    adds = arrivals;
  } else {
    for (const ReductionPlan::Arrival &arrival : plan.arrivals) {
      float word = words[arrival.lane];
      adds += there[arrival.bank];
      sum[arrival.bank] = there[arrival.bank] ? sum[arrival.bank] + word : word;
    }
  }
  unite(there, plan.arrives.data(), lanes);
  counters.accumulatorAdds += adds;
  counters.accumulatorReads += adds;
  counters.accumulatorWrites += arrivals;
}

void ContractRunner::drainRowByTable(int64_t row, int64_t target) {
  const Operand &c = nest.c();
  const float *sum = accumulators.words.data() + row * accumulators.lanes;
  const uint8_t *there = accumulators.valid.data() + row * accumulators.lanes;
  int64_t planes = c.elementType == ElementType::F32 ? 2 : 1;
  for (int64_t plane = 0; plane < planes && !countOnly; ++plane)
    unite(memory.written(c.slab, target + plane), there, lanes);
  if (countOnly)
    ; // Memory stays as it is.
  else if (planes == 1)
    roundWords(memory.row(c.slab, target), sum, there, lanes);
  else
    splitWords(memory.row(c.slab, target), memory.row(c.slab, target + 1), sum,
               there, lanes);
  int64_t words = 0, macros = 0;
  for (uint32_t bank = 0; bank < lanes; bank += banksPerMacro) {
    uint32_t end = std::min(lanes, bank + uint32_t(banksPerMacro));
    int64_t here = std::accumulate(there + bank, there + end, int64_t(0));
    words += here;
    macros += here > 0;
  }
  counters.drainedWords += words;
  counters.accumulatorReads += words;
  counters.macroWrites += macros * planes;
}

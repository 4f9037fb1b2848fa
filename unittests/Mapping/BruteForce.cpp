//===- BruteForce.cpp - A nest, beat by beat ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BruteForce.h"

#include "llvm/ADT/STLExtras.h"

#include <map>
#include <numeric>
#include <set>
#include <vector>

using namespace fetta;
using namespace fetta::test;
using llvm::ArrayRef;
using Index = std::vector<int64_t>;

namespace {

/// One processing element of one beat.
struct Point {
  int64_t ce, row, column;
  bool copy; ///< A lane bit that carries nothing is 1.
  bool rowCopy;
  Index index;
};

class Walker {
public:
  Walker(const Nest &nest, const Machine &machine)
      : nest(nest), machine(machine),
        outputStationary(nest.dataflow == Dataflow::OutputStationary) {
    for (const Loop &loop : nest.loops)
      counters.push_back(0 * loop.count);
    visits.assign(size_t(multiplyAdds(nest)), 0);
    for (const auto &bit : nest.lanes.row)
      peRowsInUse *= bit ? 2 : 1;
  }

  Walk run() {
    bool first = true;
    do
      beat(first);
    while (first = false, advance());
    finishTile();
    finishScope();
    for (int count : visits)
      require(count == 1, "an index is not visited exactly once");
    result.total = drainEnd + machine.pipelineCycles();
    // Sums wait for the last word of their beat, then leave one a cycle.
    OperandId streamed = operandOn(nest.dataflow, Net::Stream);
    if (!outputStationary)
      result.total +=
          std::min(subBeats(nest.operands[streamed]), subBeats(nest.c())) - 1;
    return result;
  }

private:
  void require(bool holds, const char *what) {
    if (!holds && result.broken.empty())
      result.broken = what;
  }

  bool advance() {
    for (size_t l = counters.size(); l-- > 0;) {
      if (++counters[l] < nest.loops[l].count)
        return true;
      counters[l] = 0;
    }
    return false;
  }

  std::vector<Point> points() const {
    std::vector<Point> list;
    Index base(nest.modeCount(), 0);
    for (size_t l = 0; l < counters.size(); ++l)
      base[nest.loops[l].mode] += counters[l] * nest.loops[l].weight;
    for (int64_t ce = 0; ce < machine.ces(); ++ce)
      for (int64_t row = 0; row < machine.peRows(); ++row)
        for (int64_t column = 0; column < machine.peColumns(); ++column) {
          Point p{ce, row, column, false, false, base};
          auto apply = [&](int64_t position, const auto &bits, bool &copy) {
            for (size_t j = 0; j < bits.size(); ++j) {
              if (!(position >> j & 1))
                continue;
              if (bits[j])
                p.index[bits[j]->mode] += int64_t(1) << bits[j]->bit;
              else
                copy = true;
            }
          };
          apply(ce, nest.lanes.ce, p.copy);
          apply(column, nest.lanes.column, p.copy);
          apply(row, nest.lanes.row, p.rowCopy);
          list.push_back(std::move(p));
        }
    return list;
  }

  bool inside(const Index &index, const Operand *op = nullptr) const {
    for (unsigned m = 0; m < nest.modeCount(); ++m)
      if ((!op || op->holds(m)) && index[m] >= nest.sizes[m])
        return false;
    return true;
  }
  Index restricted(const Index &index, const Operand &op) const {
    Index result;
    for (unsigned m = 0; m < nest.modeCount(); ++m)
      if (op.holds(m))
        result.push_back(index[m]);
    return result;
  }
  /// Chunks of the operand: stands for a memory row.
  Index chunks(const Index &index, const Operand &op) const {
    Index result;
    for (unsigned m = 0; m < nest.modeCount(); ++m)
      if (op.holds(m))
        result.push_back(index[m] >> op.modes[m]->lowBits);
    return result;
  }
  int64_t bank(const Index &index, const Operand &op) const {
    int64_t bank = 0;
    for (size_t j = 0; j < op.banks.size(); ++j) {
      const BankBit &b = op.banks[j];
      bank |= int64_t(b.source ? index[b.source->mode] >> b.source->bit & 1
                               : b.constant)
              << j;
    }
    return bank;
  }
  int64_t memoryRow(const Index &index, const Operand &op) const {
    int64_t row = 0;
    for (unsigned m = 0; m < nest.modeCount(); ++m)
      if (op.holds(m))
        row += (index[m] >> op.modes[m]->lowBits) * op.modes[m]->rowStride;
    return row;
  }

  /// Rows that the points need of an operand, one sub-beat each. Different
  /// words of one row lie in different banks.
  template <typename Keep>
  int64_t rowsNeeded(ArrayRef<Point> list, const Operand &op, Keep keep) {
    std::map<Index, std::map<int64_t, Index>> rows;
    for (const Point &p : list) {
      if (!keep(p))
        continue;
      auto &row = rows[chunks(p.index, op)];
      if (!inside(p.index, &op))
        continue;
      Index word = restricted(p.index, op);
      auto [it, added] = row.try_emplace(bank(p.index, op), word);
      require(added || it->second == word, "two words in one bank");
    }
    return int64_t(rows.size());
  }

  void beat(bool first) {
    std::vector<Point> list = points();
    for (const Point &p : list)
      if (!p.copy && !p.rowCopy && inside(p.index)) {
        size_t id = 0;
        for (unsigned m = 0; m < nest.modeCount(); ++m)
          id = id * size_t(nest.sizes[m]) + size_t(p.index[m]);
        ++visits[id];
      }

    const Operand &a = nest.operands[OperandA], &b = nest.operands[OperandB];
    bool aHeld = nest.dataflow == Dataflow::AStationary;
    const Operand &held = aHeld ? a : b, &streamed = aHeld ? b : a;
    auto columnZero = [](const Point &p) { return p.column == 0; };
    auto rowZero = [](const Point &p) { return p.row == 0; };
    // The streamed operand does not see columns, the others see no rows.
    int64_t cost = rowsNeeded(list, streamed, columnZero);
    int64_t heldCost = rowsNeeded(list, held, rowZero);
    int64_t resultCost = rowsNeeded(list, nest.c(), rowZero);
    if (outputStationary)
      cost = std::max(cost, heldCost);
    else
      cost = std::max(cost, resultCost);
    ++result.beats;
    result.beatCycles += cost;

    // Which tile and which scope this beat belongs to.
    Index tile, scope;
    size_t run = counters.size();
    while (run > 0 && (nest.isReduced(nest.loops[run - 1].mode) ||
                       nest.loops[run - 1].count == 1))
      --run;
    for (size_t l = 0; l < counters.size(); ++l) {
      if (outputStationary ? l < run : held.holds(nest.loops[l].mode))
        tile.push_back(counters[l]);
      if (l < nest.scopeLevel)
        scope.push_back(counters[l]);
    }
    bool newTile = first || tile != lastTile;
    bool newScope = first || scope != lastScope;
    if (newTile && !first)
      finishTile();
    if (newScope && !first)
      finishScope();
    if (newScope) {
      halfFree = previousDrainEnd;
      accumulators.clear();
      scopeStart = list.front().index;
      firstOfScope = true;
    }
    int64_t start = now;
    if (newTile) {
      ++result.tiles;
      if (outputStationary) {
        tileRows = resultCost; // Of one PE row.
      } else {
        int64_t load = peRowsInUse * heldCost;
        result.loadBeats += load;
        // Started with the tile before, or when its load was over.
        loadEnd = std::max(loadEnd, tileStart) + load;
        start = std::max(start, loadEnd);
      }
    }
    if (!outputStationary && firstOfScope)
      start = std::max(start, halfFree);
    if (newTile)
      tileStart = start;
    now = start + cost;
    lastTile = tile;
    lastScope = scope;
    if (!outputStationary) {
      firstOfScope = false;
      collect(list, rowZero, resultCost);
    } else {
      lastPoints = std::move(list);
    }
  }

  void finishTile() {
    if (!outputStationary)
      return;
    now = std::max(now, peDrainEnd);
    int64_t start = firstOfScope ? std::max(now, halfFree) : now;
    firstOfScope = false;
    peDrainEnd = start + peRowsInUse * tileRows;
    for (int64_t row = 0; row < machine.peRows(); ++row)
      collect(
          lastPoints,
          [&](const Point &p) { return p.row == row && !p.rowCopy; }, tileRows);
  }

  /// Words that leave through the network in one go of `rows` sub-beats.
  template <typename Keep>
  void collect(ArrayRef<Point> list, Keep keep, int64_t rows) {
    std::map<Index, int64_t> lanesOfWord;
    std::map<Index, const Point *> pointOfWord;
    for (const Point &p : list) {
      if (!keep(p) || p.copy || !inside(p.index, &nest.c()))
        continue;
      Index word = restricted(p.index, nest.c());
      ++lanesOfWord[word];
      pointOfWord[word] = &p;
    }
    for (auto &[word, lanes] : lanesOfWord) {
      result.networkAdditions += lanes - 1;
      const Point &p = *pointOfWord[word];
      int64_t row = nest.accumulatorBase;
      for (unsigned m = 0; m < nest.modeCount(); ++m) {
        if (!nest.c().holds(m))
          continue;
        unsigned low = nest.c().modes[m]->lowBits;
        row += ((p.index[m] >> low) - (scopeStart[m] >> low)) *
               nest.accumulatorStrides[m];
      }
      require(row >= 0 && row < machine.accumulatorRows,
              "a word beyond the accumulators");
      int64_t column = bank(p.index, nest.c());
      auto [it, added] = accumulators.try_emplace({row, column}, word);
      require(added || it->second == word, "two words in one accumulator");
      drainedRows.insert(memoryRow(p.index, nest.c()));
    }
  }

  void finishScope() {
    int64_t planes = nest.c().elementType == ElementType::F32 ? 2 : 1;
    int64_t ready = outputStationary ? peDrainEnd : now;
    previousDrainEnd = drainEnd;
    drainEnd = std::max(ready, drainEnd);
    if (nest.drainAtEnd)
      drainEnd += int64_t(drainedRows.size()) * planes;
    result.drainedRows += int64_t(drainedRows.size());
    drainedRows.clear();
  }

  const Nest &nest;
  const Machine &machine;
  bool outputStationary;
  Walk result;
  std::vector<int64_t> counters;
  std::vector<int> visits;
  int64_t peRowsInUse = 1;
  Index lastTile, lastScope, scopeStart;
  std::vector<Point> lastPoints;
  std::map<std::pair<int64_t, int64_t>, Index> accumulators;
  std::set<int64_t> drainedRows;
  bool firstOfScope = true;
  int64_t now = 0, tileStart = 0, loadEnd = 0, tileRows = 1;
  int64_t peDrainEnd = 0, drainEnd = 0, previousDrainEnd = 0, halfFree = 0;
};

} // namespace

Walk test::walk(const Nest &nest, const Machine &machine) {
  return Walker(nest, machine).run();
}

Layout test::lowBitLayout(ArrayRef<int64_t> sizes, ArrayRef<unsigned> lowBits,
                          const Machine &machine) {
  llvm::SmallVector<BankBit, 8> banks;
  for (unsigned d = 0; d < sizes.size(); ++d)
    for (unsigned bit = 0; bit < lowBits[d]; ++bit)
      banks.push_back({ModeBit{d, bit}, false});
  banks.resize(machine.laneBits());
  llvm::SmallVector<unsigned, 8> order(sizes.size());
  std::iota(order.begin(), order.end(), 0u);
  return Layout::packed(sizes, banks, order);
}

Nest HandMade::build(const Machine &machine) const {
  Nest nest;
  nest.dataflow = dataflow;
  nest.sizes = sizes;
  nest.loops = loops;
  nest.scopeLevel = scopeLevel;
  nest.lanes.ce.assign(ce.begin(), ce.end());
  nest.lanes.ce.resize(machine.ceBits);
  nest.lanes.row.assign(row.begin(), row.end());
  nest.lanes.row.resize(machine.peRowBits);
  nest.lanes.column.assign(column.begin(), column.end());
  nest.lanes.column.resize(machine.peColumnBits);
  for (OperandId id : {OperandA, OperandB, OperandC})
    nest.operands[id] =
        operandFromLayout(layouts[id], modes[id], unsigned(sizes.size()));
  for (OperandId id : {OperandA, OperandB, OperandC})
    nest.operands[id].serialLanes = missingLanes(nest, id, machine);
  // Room for all rows of the result, whatever the scope.
  nest.accumulatorStrides.assign(sizes.size(), 0);
  for (unsigned m = 0; m < sizes.size(); ++m)
    if (nest.c().holds(m))
      nest.accumulatorStrides[m] = nest.c().modes[m]->rowStride;
  return nest;
}

//===- StepForm.cpp - The closed form of a step ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StepForm.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace fetta;
using namespace fetta::mapping;

/// Bits of every group, and the chunks that they leave.
struct StepForm::Lanes {
  unsigned row, rowCE, column, columnCE, otherCE, batchCE;
  double rows, columns, others, batches; ///< Chunks.
};

StepForm::StepForm(const Machine &machine, const EnergyTable &table)
    : rowBits(machine.peRowBits), columnBits(machine.peColumnBits),
      ceBits(machine.ceBits), fill(double(machine.pipelineCycles())),
      pes(double(machine.pes())) {
  unsigned bitsInMacro = llvm::Log2_64(uint64_t(banksPerMacro));
  unsigned macroBits = std::max(machine.laneBits(), bitsInMacro) - bitsInMacro;
  // CE bits that choose no macro are taken to be used first.
  plainBits = ceBits - std::min(ceBits, macroBits);
  for (unsigned bits = 0; bits <= LaneSpread::maxBits; ++bits)
    macros[bits] =
        double(1u << std::min(macroBits, bits - std::min(bits, plainBits)));
  auto value = [&](EnergyEvent event) { return table[event].value; };
  double stages = machine.networkStages();
  energies = {value(EnergyEvent::MultiplyBF16),
              value(EnergyEvent::AddFP32Column),
              value(EnergyEvent::AddFP32Reduction),
              value(EnergyEvent::AddFP32Accumulator),
              value(EnergyEvent::SwitchStage16) * stages,
              value(EnergyEvent::SwitchStage32) * stages,
              value(EnergyEvent::MemoryMacroRead),
              value(EnergyEvent::MemoryMacroWrite),
              value(EnergyEvent::AccumulatorRead),
              value(EnergyEvent::AccumulatorWrite)};
}

/// Bits that more than one group could have go to all of them in turn; what
/// is left at the end goes to the batch.
template <typename Visit>
void StepForm::forEach(const LaneGroups &groups, Visit visit) const {
  const LaneSpread &column = *groups.columns, &other = *groups.other,
                   &batch = *groups.batch;
  Lanes lanes;
  lanes.column = std::min(columnBits, column.bits);
  unsigned mostColumnCE = column.bits - lanes.column;
  for (lanes.row = 0; lanes.row < groups.rows->size(); ++lanes.row) {
    const LaneSpread &row = (*groups.rows)[lanes.row];
    for (lanes.rowCE = 0; lanes.rowCE <= std::min(row.bits, ceBits);
         ++lanes.rowCE) {
      lanes.rows = row.chunks[lanes.rowCE];
      unsigned left = ceBits - lanes.rowCE;
      for (lanes.columnCE = 0; lanes.columnCE <= std::min(mostColumnCE, left);
           ++lanes.columnCE) {
        lanes.columns = column.chunks[lanes.column + lanes.columnCE];
        unsigned rest = left - lanes.columnCE;
        unsigned mostOther = std::min(other.bits, rest);
        // Without a batch the other group takes what is left.
        for (lanes.otherCE = batch.bits == 0 ? mostOther : 0;
             lanes.otherCE <= mostOther; ++lanes.otherCE) {
          lanes.others = other.chunks[lanes.otherCE];
          lanes.batchCE = std::min(batch.bits, rest - lanes.otherCE);
          lanes.batches = batch.chunks[lanes.batchCE];
          visit(lanes);
        }
      }
    }
  }
}

/// What lanes do not change.
struct StepForm::Words {
  double results, streamed, held;
  double streamCopies; ///< Of a streamed word, at most.
  double fixed;        ///< Picojoules.
};

StepForm::Words StepForm::wordsOf(const LaneGroups &groups) const {
  const StepEnergies &e = energies;
  Words words;
  words.results = groups.batchSize * groups.streamSize * groups.heldSize;
  words.streamed = groups.batchSize * groups.streamSize * groups.reducedSize;
  words.held = groups.batchSize * groups.heldSize * groups.reducedSize;
  words.streamCopies =
      std::ceil(groups.heldSize /
                double(1u << std::min(columnBits, groups.columns->bits)));
  words.fixed =
      words.results * (groups.reducedSize * e.multiply + e.accumulatorRead) +
      std::ceil(words.results / double(banksPerMacro)) * e.macroWrite;
  return words;
}

StepEstimate StepForm::cyclesOf(const LaneGroups &groups,
                                const Lanes &lanes) const {
  StepEstimate step;
  step.dataflow = groups.dataflow;
  bool outputStationary = groups.dataflow == Dataflow::OutputStationary;
  double tiles = lanes.batches * lanes.columns *
                 lanes.rows; // Stationary: those of the held operand.
  double transfer = double(1u << lanes.row);
  step.beats = tiles * lanes.others;
  step.stalls = (tiles - 1) * std::max(0.0, transfer - lanes.others);
  (outputStationary ? step.lastTile : step.load) = transfer;
  step.fill = fill;
  // Drains hide behind beats as far as there are any.
  step.drain = std::max(1.0, groups.resultRows - step.occupancy());
  step.rowAccesses = step.beats * (outputStationary ? 2 : 1) +
                     groups.resultRows +
                     (outputStationary ? 0 : tiles * transfer);
  return step;
}

double StepForm::energyOf(const LaneGroups &groups, const Lanes &lanes) const {
  const StepEnergies &e = energies;
  Words words = wordsOf(groups);
  double tiles = lanes.batches * lanes.columns * lanes.rows;
  double beats = tiles * lanes.others;
  double rowCEs = double(1u << lanes.rowCE),
         otherCEs = double(1u << lanes.otherCE);
  // A row of PEs shares a streamed word: copies for CEs and for time.
  double streamWords =
      words.streamed * std::min(words.streamCopies,
                                lanes.columns * double(1u << lanes.columnCE));
  // A word of the array's result for each result and CE that holds a part.
  double parts, arrivals, addsPerWord, holdWords;
  double reads = beats * macros[lanes.rowCE + lanes.otherCE + lanes.batchCE];
  if (groups.dataflow == Dataflow::OutputStationary) {
    parts = words.results * std::min(groups.reducedSize, otherCEs);
    arrivals = words.results;
    addsPerWord = lanes.others - 1;
    holdWords = words.held * std::min(groups.streamSize, lanes.rows * rowCEs);
    reads += beats * macros[lanes.columnCE + lanes.otherCE + lanes.batchCE];
  } else {
    parts = words.results * std::min(groups.reducedSize, lanes.rows * rowCEs);
    arrivals = words.results * lanes.rows;
    addsPerWord = double((1u << lanes.row) - 1);
    holdWords = words.held * std::min(groups.streamSize, otherCEs);
    reads += tiles * double(1u << lanes.row) *
             macros[lanes.columnCE + lanes.rowCE + lanes.batchCE];
  }
  return words.fixed + parts * (addsPerWord * e.columnAdd + e.reduction) +
         (parts - arrivals) * e.reductionAdd +
         (arrivals - words.results) * (e.accumulatorAdd + e.accumulatorRead) +
         arrivals * e.accumulatorWrite +
         (streamWords + holdWords) * e.distribution + reads * e.macroRead;
}

void StepForm::minimize(const LaneGroups &groups, StepEstimate &best) const {
  double least = best.latency(), accesses = best.rowAccesses;
  std::optional<Lanes> chosen;
  forEach(groups, [&](const Lanes &lanes) {
    if (lanes.rows * lanes.columns * lanes.others * lanes.batches > least)
      return;
    StepEstimate step = cyclesOf(groups, lanes);
    double latency = step.latency();
    if (latency > least || (latency == least && step.rowAccesses >= accesses))
      return;
    least = latency;
    accesses = step.rowAccesses;
    chosen = lanes;
  });
  if (!chosen)
    return;
  best = cyclesOf(groups, *chosen);
  best.energy = energyOf(groups, *chosen);
}

void StepForm::boundLatency(const LaneGroups &groups, double &least) const {
  forEach(groups, [&](const Lanes &lanes) {
    if (lanes.rows * lanes.columns * lanes.others * lanes.batches < least)
      least = std::min(least, cyclesOf(groups, lanes).latency());
  });
}

/// Each term of energyOf at its least. A group of size G with chunks n behind e
/// CE bits and p others has n * 2^e >= G / 2^p, whatever its modes: so words
/// and, with the CE bits of an access, macros have a least number each.
double StepForm::energyBound(const LaneGroups &groups) const {
  const StepEnergies &e = energies;
  Words words = wordsOf(groups);
  double beats = words.results * groups.reducedSize / pes;
  double columns = double(1u << columnBits), ces = double(1u << ceBits),
         plain = double(1u << plainBits);
  double copies = std::ceil(groups.heldSize / columns);
  double heldChunks = std::ceil(copies / ces);
  double toAccumulator = e.accumulatorAdd + e.accumulatorRead;
  // What an arrival costs more than an addition in the network.
  double reductionAdd =
      std::min(e.reductionAdd, toAccumulator + e.accumulatorWrite);
  double least = std::numeric_limits<double>::infinity();
  for (unsigned p = 0; p <= rowBits; ++p) {
    double rows = double(1u << p);
    double reads =
        std::max(beats, words.streamed * heldChunks / (rows * plain));
    double hold, array;
    if (groups.dataflow == Dataflow::OutputStationary) {
      double streamRows = std::ceil(groups.streamSize / rows);
      hold = words.held * streamRows;
      reads += std::max(beats, words.held * std::ceil(streamRows / ces) /
                                   (columns * plain));
      // Linear in the CEs that share a sum: at one end or at the other.
      double perPart = e.reduction + e.reductionAdd - e.columnAdd;
      double parts = perPart > 0 ? 1 : std::min(groups.reducedSize, ces);
      array =
          words.results * (parts * perPart + groups.reducedSize * e.columnAdd -
                           e.reductionAdd + e.accumulatorWrite);
    } else {
      double parts = std::ceil(groups.reducedSize / rows);
      hold = words.held;
      reads += words.held / (columns * plain);
      array = words.results *
              (parts * ((rows - 1) * e.columnAdd + e.reduction + reductionAdd) +
               std::ceil(parts / ces) *
                   (toAccumulator + e.accumulatorWrite - reductionAdd) -
               toAccumulator);
    }
    least = std::min(least,
                     array + (words.streamed * copies + hold) * e.distribution +
                         reads * e.macroRead);
  }
  return words.fixed + least;
}

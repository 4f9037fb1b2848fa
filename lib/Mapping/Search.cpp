//===- Search.cpp - The space of mappings and its search ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Search.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <tuple>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;
using llvm::SmallVector;

static int64_t chunksOf(int64_t size, unsigned bits) {
  return (size + (int64_t(1) << bits) - 1) >> bits;
}

unsigned mapping::spatialBits(const Problem &problem, unsigned mode,
                              LaneShare share, OperandId operand) {
  bool rowsAreTemporal = problem.onRows(mode) && operand != problem.streamed;
  return rowsAreTemporal ? share.ce : share.total();
}

SmallVector<unsigned, 8> mapping::operandLowBits(const Problem &problem,
                                                 ArrayRef<LaneShare> lanes,
                                                 OperandId operand) {
  if (problem.lowBits[operand])
    return *problem.lowBits[operand];
  SmallVector<unsigned, 8> lowBits(problem.modes.size(), 0);
  unsigned left = problem.machine.laneBits();
  for (unsigned m = 0; m < problem.modes.size(); ++m) {
    if (problem.modes[m].in[operand])
      lowBits[m] = spatialBits(problem, m, lanes[m], operand);
    left -= lowBits[m];
  }
  for (; left > 0; --left) {
    // Compares chunks / ceil(chunks / 2) without division.
    std::optional<unsigned> best;
    int64_t bestBefore = 0, bestAfter = 1;
    for (unsigned m = 0; m < problem.modes.size(); ++m) {
      const Mode &mode = problem.modes[m];
      int64_t before = chunksOf(mode.size, lowBits[m]);
      if (!mode.in[operand] || before == 1)
        continue;
      int64_t after = (before + 1) / 2;
      int64_t ours = before * bestAfter, theirs = bestBefore * after;
      if (!best || ours > theirs || (ours == theirs && before > bestBefore)) {
        best = m;
        bestBefore = before;
        bestAfter = after;
      }
    }
    if (!best)
      break;
    ++lowBits[*best];
  }
  return lowBits;
}

int64_t mapping::rowsOfExtent(int64_t extent, int64_t size, unsigned lowBits) {
  int64_t all = chunksOf(size, lowBits), row = int64_t(1) << lowBits;
  if (extent >= size)
    return all;
  if (extent % row == 0)
    return extent / row;
  if (row % extent == 0)
    return 1;
  return std::min(all, (extent + row - 1) / row + 1);
}

MappingCost CutNumbers::cost(unsigned beatBits, unsigned transferBits) const {
  MappingCost cost;
  cost.transfer = rowsInUse << transferBits;
  int64_t tiles = beats / tile;
  int64_t stall = std::max<int64_t>(0, cost.transfer - (tile << beatBits));
  int64_t scopeCycles = beats / scopes << beatBits;
  if (tiles >= scopes)
    scopeCycles += stall * (tiles / scopes);
  cost.occupancy = (beats << beatBits) + (tiles - 1) * stall +
                   (scopes - 1) * std::max<int64_t>(0, drain - scopeCycles);
  cost.drain = lastDrain;
  // What comes before the last rows of the operands runs while these are on
  // their way. Stalls are spread over the beats; a held operand is loaded
  // first.
  auto waitFor = [&](int64_t late, int64_t latency) {
    if (late == 0)
      return int64_t(0);
    // Up to 2^48 beats: the product needs more than 64 bits.
    auto before = int64_t(__int128(beats - late) * cost.occupancy / beats);
    return std::max<int64_t>(0, latency - before);
  };
  cost.wait = std::max(
      waitFor(streamedWait, latency),
      waitFor(heldWait, latency + (outputStationary ? 0 : cost.transfer)));
  return cost;
}

namespace {

class Enumerator {
public:
  Enumerator(const Problem &problem, CandidateVisitor &visitor, int64_t &budget)
      : problem(problem), machine(problem.machine), visitor(visitor),
        budget(budget), current(now.lanes), loops(now.resultLoops) {
    now.dataflow = problem.dataflow;
    for (unsigned m = 0; m < problem.modes.size(); ++m) {
      const Mode &mode = problem.modes[m];
      current.push_back({});
      if (mode.bits > 0)
        order.push_back(m);
      blocks.emplace_back();
      for (unsigned bits = 0; bits <= mode.bits; ++bits)
        blocks.back().push_back(blockings(chunksOf(mode.size, bits)));
    }
    // Modes that may use rows or columns first, large ones first: the bound is
    // tight early.
    llvm::stable_sort(order, [&](unsigned a, unsigned b) {
      auto key = [&](unsigned m) {
        return std::make_tuple(!problem.onRows(m) && !problem.onColumns(m),
                               -problem.modes[m].size);
      };
      return key(a) < key(b);
    });
    restSize.resize(order.size() + 1, 1);
    for (size_t i = order.size(); i-- > 0;)
      restSize[i] = restSize[i + 1] * double(problem.modes[order[i]].size);
  }

  void run() {
    // Without lanes every scope can be brought down to one row: there always
    // is a mapping.
    int64_t beats = 1;
    for (const Mode &mode : problem.modes)
      beats *= mode.size;
    evaluate(beats, 0);
    assign(0, machine.peRowBits, machine.peColumnBits, machine.ceBits, 1);
  }

  void cutsOf(ArrayRef<LaneShare> lanes) {
    current.assign(lanes.begin(), lanes.end());
    int64_t beats = 1;
    unsigned rowBits = 0;
    for (unsigned m = 0; m < problem.modes.size(); ++m) {
      beats *= chunksOf(problem.modes[m].size, lanes[m].total());
      if (problem.onRows(m))
        rowBits += lanes[m].position;
    }
    evaluate(beats, rowBits);
  }

private:
  /// Inner counts that a loop of `count` iterations may be split at, largest
  /// first: divisors, and balanced blocks that run over the end a little.
  static SmallVector<int64_t, 8> blockings(int64_t count) {
    SmallVector<int64_t, 8> list;
    if (count == 1)
      return list;
    for (int64_t i = 1; i * i <= count; ++i)
      if (count % i == 0) {
        list.push_back(i);
        list.push_back(count / i);
      }
    for (int64_t parts = 2; parts < count; parts *= 2)
      list.push_back((count + parts - 1) / parts);
    llvm::sort(list, std::greater<int64_t>());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    list.erase(list.begin()); // The whole loop.
    return list;
  }

  void assign(size_t depth, unsigned rows, unsigned columns, unsigned ces,
              int64_t product) {
    if (budget <= 0)
      return;
    // Every lane bit that is left halves the beats at most.
    double bound = double(product) * restSize[depth] /
                   double(int64_t(1) << (rows + columns + ces));
    if (visitor.skip(std::max(bound, double(product))))
      return;
    if (depth == order.size()) {
      --budget;
      evaluate(product, machine.peRowBits - rows);
      return;
    }
    unsigned m = order[depth];
    const Mode &mode = problem.modes[m];
    unsigned &free = problem.onRows(m) ? rows : columns;
    unsigned most = problem.onRows(m) || problem.onColumns(m)
                        ? std::min(free, mode.bits)
                        : 0;
    for (unsigned position = most + 1; position-- > 0;) {
      free -= position;
      for (unsigned ce = std::min(ces, mode.bits - position) + 1; ce-- > 0;) {
        current[m] = {position, ce};
        assign(depth + 1, rows, columns, ces - ce,
               product * chunksOf(mode.size, position + ce));
      }
      free += position;
    }
    current[m] = {};
  }

  unsigned missingBits(OperandId operand) const {
    const auto &lowBits = problem.lowBits[operand];
    unsigned missing = 0;
    if (!lowBits)
      return missing;
    for (unsigned m : order) {
      if (!problem.modes[m].in[operand])
        continue;
      unsigned bits = spatialBits(problem, m, current[m], operand);
      missing += bits - std::min(bits, (*lowBits)[m]);
    }
    return missing;
  }

  /// Scores the lane assignment with every cut of the loops.
  void evaluate(int64_t beats, unsigned rowBits) {
    unsigned missing[3];
    for (OperandId id : {OperandA, OperandB, OperandC})
      missing[id] = missingBits(id);
    bool outputStationary = problem.outputStationary();
    OperandId perBeat = outputStationary ? problem.held : OperandC;
    OperandId perTile = outputStationary ? OperandC : problem.held;
    beatBits = std::max(missing[problem.streamed], missing[perBeat]);
    transferBits = missing[perTile];
    now.numbers.rowsInUse = int64_t(1) << rowBits;
    if (visitor.skip(double(beats) * double(int64_t(1) << beatBits)))
      return;
    beatReads = int64_t(1) << missing[problem.streamed];
    if (outputStationary)
      beatReads += int64_t(1) << missing[problem.held];

    lowBits = operandLowBits(problem, current, OperandC);
    for (OperandId id : {OperandA, OperandB})
      if (problem.produced[id])
        bits[id] = operandLowBits(problem, current, id);
    loops.clear();
    reduced = fixedRows = 1;
    for (unsigned m = 0; m < problem.modes.size(); ++m) {
      const Mode &mode = problem.modes[m];
      int64_t chunks = chunksOf(mode.size, current[m].total());
      if (mode.group == Group::Reduced)
        reduced *= chunks;
      else if (chunks > 1)
        loops.push_back(m);
      else
        fixedRows *= chunksOf(mode.size, lowBits[m]);
    }
    // Free modes of the streamed operand stay inside longest: they make the
    // tiles last.
    std::stable_partition(loops.begin(), loops.end(), [&](unsigned m) {
      return problem.modes[m].group != Group::StreamFree;
    });
    cutLoops();
  }

  /// Moves the loops out of the scope step by step, outermost first: down to
  /// the iterations that share rows of the result, then these too.
  void cutLoops() {
    parts.resize(loops.size());
    SmallVector<int64_t, 8> shared;
    for (unsigned i = 0; i < loops.size(); ++i) {
      unsigned m = loops[i], laneBits = current[m].total();
      int64_t count = chunksOf(problem.modes[m].size, laneBits);
      shared.push_back(
          lowBits[m] > laneBits
              ? std::min(count, int64_t(1) << (lowBits[m] - laneBits))
              : 1);
      split(i, count);
    }
    score();
    for (unsigned i = 0; i < loops.size(); ++i) {
      for (int64_t inside : blocksOf(i))
        if (inside > shared[i])
          scoreSplit(i, inside);
      if (parts[i].inside != shared[i])
        scoreSplit(i, shared[i]);
    }
    for (unsigned i = 0; i < loops.size(); ++i)
      for (int64_t inside : blocksOf(i))
        if (inside < shared[i])
          scoreSplit(i, inside);
  }

  ArrayRef<int64_t> blocksOf(unsigned i) const {
    return blocks[loops[i]][current[loops[i]].total()];
  }

  /// Puts `inside` iterations of a loop inside the scope.
  void split(unsigned i, int64_t inside) {
    const Mode &mode = problem.modes[loops[i]];
    unsigned laneBits = current[loops[i]].total(), low = lowBits[loops[i]];
    Part &part = parts[i];
    part.inside = inside;
    part.outside = (chunksOf(mode.size, laneBits) + inside - 1) / inside;
    part.streams = mode.group == Group::StreamFree;
    int64_t extent = inside << laneBits;
    int64_t lastStart = (part.outside - 1) * extent;
    part.rows = rowsOfExtent(extent, mode.size, low);
    part.ownRows = part.outside == 1 || extent % (int64_t(1) << low) == 0;
    part.lastRows = ((mode.size - 1) >> low) - (lastStart >> low) + 1;
  }
  void scoreSplit(unsigned i, int64_t inside) {
    split(i, inside);
    score();
  }

  void score() {
    int64_t scopes = 1, scopeBeats = reduced;
    int64_t rows = fixedRows, lastRows = fixedRows; // Full and last scope.
    int64_t streamInside = 1, streamOutside = 1;
    bool heldInside = false;
    for (const Part &part : parts) {
      if (problem.accumulates && !part.ownRows)
        return;
      scopes *= part.outside;
      scopeBeats *= part.inside;
      rows *= part.rows;
      lastRows *= part.lastRows;
      if (part.streams) {
        streamInside *= part.inside;
        streamOutside *= part.outside;
      } else if (part.inside > 1) {
        heldInside = true;
      }
    }
    if (rows > machine.accumulatorRows)
      return;
    CutNumbers &numbers = now.numbers;
    numbers.beats = scopes * scopeBeats;
    numbers.scopes = scopes;
    numbers.drain = rows * problem.planes;
    numbers.lastDrain = lastRows * problem.planes;
    numbers.tile = reduced;
    if (!problem.outputStationary()) {
      numbers.tile = streamInside;
      // Nothing held changes between scopes that only stream further.
      if (reduced == 1 && !heldInside)
        numbers.tile *= streamOutside;
    }
    numbers.outputStationary = problem.outputStationary();
    numbers.latency = machine.pipelineCycles() + 2;
    numbers.streamedWait = waitFor(problem.streamed);
    numbers.heldWait = waitFor(problem.held);
    now.cost = numbers.cost(beatBits, transferBits);
    now.cost.rowAccesses = numbers.beats * beatReads + scopes * numbers.drain;
    if (!problem.outputStationary())
      now.cost.rowAccesses += numbers.beats / numbers.tile * now.cost.transfer;
    now.inside.clear();
    for (const Part &part : parts)
      now.inside.push_back(part.inside);
    visitor.visit(now);
  }

  /// Beats from the first one that needs the last row of an operand to the
  /// end. Loops of the operand are at their end then, as far as their
  /// iterations do not share that row; the others are at their start.
  int64_t waitFor(OperandId id) const {
    if (!problem.produced[id])
      return 0;
    // From the innermost loop outwards, in the order of NestBuilder.
    int64_t inner = 1, wait = 1;
    auto pass = [&](unsigned m, int64_t count, int64_t step) {
      if (count == 1)
        return;
      int64_t late = count - 1;
      if (problem.modes[m].in[id]) {
        // Iterations of the operand's last row.
        unsigned laneBits = current[m].total();
        int64_t shared =
            bits[id][m] > laneBits ? int64_t(1) << (bits[id][m] - laneBits) : 1;
        late %= std::max<int64_t>(1, shared / step);
      }
      wait += late * inner;
      inner *= count;
    };
    auto passReduced = [&] {
      for (unsigned m = problem.modes.size(); m-- > 0;)
        if (problem.modes[m].group == Group::Reduced)
          pass(m, chunksOf(problem.modes[m].size, current[m].total()), 1);
    };
    if (problem.outputStationary())
      passReduced();
    for (unsigned i = loops.size(); i-- > 0;)
      pass(loops[i], parts[i].inside, 1);
    if (!problem.outputStationary())
      passReduced();
    for (unsigned i = loops.size(); i-- > 0;)
      pass(loops[i], parts[i].outside, parts[i].inside);
    return wait;
  }

  /// A loop over a mode of the result, cut by the scope.
  struct Part {
    int64_t inside = 1, outside = 1;
    int64_t rows = 1;     ///< Of the result, in a full scope.
    int64_t lastRows = 1; ///< In the last one, whose drain is exposed.
    bool streams = false; ///< The held operand does not hold the mode.
    bool ownRows = true;  ///< No two scopes share a row, as far as this goes.
  };

  const Problem &problem;
  const Machine &machine;
  CandidateVisitor &visitor;
  int64_t &budget;
  SmallVector<unsigned, 8> order;  ///< Modes that have bits.
  SmallVector<double, 8> restSize; ///< Product of the sizes from here on.
  /// Per mode and number of lane bits.
  SmallVector<SmallVector<SmallVector<int64_t, 8>, 8>, 8> blocks;

  // The lane assignment at hand.
  Candidate now;
  SmallVector<LaneShare, 8> &current;
  SmallVector<unsigned, 8> lowBits; ///< Of the result.
  /// Of the operands that other contractions write.
  std::array<SmallVector<unsigned, 8>, 2> bits;
  SmallVector<unsigned, 8> &loops; ///< Over modes of the result.
  SmallVector<Part, 8> parts;      ///< Of these loops.
  unsigned beatBits = 0;           ///< A beat takes 2^beatBits cycles.
  unsigned transferBits = 0;       ///< A tile's load or drain likewise.
  int64_t beatReads = 1;
  int64_t reduced = 1;   ///< Product of the reduced loops.
  int64_t fixedRows = 1; ///< Rows of the result's modes without a loop.
};

class BestVisitor : public CandidateVisitor {
public:
  BestVisitor(const Problem &problem, const CostWeights &weights,
              std::optional<Candidate> &best)
      : weights(weights), best(best) {
    // At least one load or drain beat and one drained row come on top.
    overhead = double(weights.transfer + weights.drain * problem.planes);
  }
  bool skip(double occupancy) const override {
    return best && double(weights.occupancy) * occupancy + overhead >=
                       double(best->score);
  }
  void visit(const Candidate &candidate) override {
    int64_t score = weights.score(candidate.cost);
    if (best && std::make_pair(best->score, best->cost.rowAccesses) <=
                    std::make_pair(score, candidate.cost.rowAccesses))
      return;
    best = candidate;
    best->score = score;
  }

private:
  const CostWeights &weights;
  std::optional<Candidate> &best;
  double overhead;
};

} // namespace

void mapping::enumerate(const Problem &problem, CandidateVisitor &visitor,
                        int64_t &budget) {
  Enumerator(problem, visitor, budget).run();
}

void mapping::enumerateCuts(const Problem &problem, ArrayRef<LaneShare> lanes,
                            CandidateVisitor &visitor) {
  int64_t budget = 0;
  Enumerator(problem, visitor, budget).cutsOf(lanes);
}

void mapping::searchCuts(const Problem &problem, const CostWeights &weights,
                         ArrayRef<LaneShare> lanes,
                         std::optional<Candidate> &best) {
  BestVisitor visitor(problem, weights, best);
  enumerateCuts(problem, lanes, visitor);
}

void mapping::search(const Problem &problem, const CostWeights &weights,
                     std::optional<Candidate> &best, int64_t &budget) {
  BestVisitor visitor(problem, weights, best);
  enumerate(problem, visitor, budget);
}

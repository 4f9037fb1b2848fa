//===- Search.cpp - The space of mappings and its search ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <tuple>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace {

/// Scores lane assignments with every cut of their loops.
class Cuts {
public:
  Cuts(const Problem &problem, CandidateVisitor &visitor)
      : problem(problem), machine(problem.machine), visitor(visitor),
        use(problem), current(now.lanes), loops(now.resultLoops) {
    now.dataflow = problem.dataflow;
    blocks.resize(problem.modes.size());
    for (OperandId id : {OperandA, OperandB, OperandC})
      if (problem.lowBits[id])
        bits[id] = *problem.lowBits[id];
  }

  void evaluate(const LaneAssignment &assignment, ArrayRef<LaneShare> lanes) {
    beatBits = assignment.beatBits;
    transferBits = assignment.transferBits;
    fillBits = problem.outputStationary()
                   ? 0
                   : std::min(assignment.missing[unsigned(Use::Streamed)],
                              assignment.missing[unsigned(Use::PerBeat)]);
    now.numbers.rowsInUse = int64_t(1) << assignment.rowBits;
    beatReads = int64_t(1) << assignment.missing[unsigned(Use::Streamed)];
    if (problem.outputStationary())
      beatReads += int64_t(1) << assignment.missing[unsigned(Use::PerBeat)];
    // What no cut can do without.
    MappingCost least;
    least.occupancy = assignment.occupancy;
    least.transfer = now.numbers.rowsInUse << transferBits;
    least.drain = problem.planes + (int64_t(1) << fillBits) - 1;
    least.rowAccesses = assignment.beats * beatReads + problem.planes;
    if (!problem.outputStationary())
      least.rowAccesses += assignment.beats / assignment.tile * least.transfer;
    if (visitor.skip(least))
      return;
    ++sinceBetter;

    current.assign(lanes.begin(), lanes.end());
    for (OperandId id : {OperandA, OperandB, OperandC})
      if (!problem.lowBits[id] && (id == OperandC || problem.produced[id]))
        bits[id] = operandLowBits(problem, current, id);
    // All rows of the result are drained, once at least.
    least.rowAccesses += problem.planes * (rowsOfResult() - 1);
    if (visitor.skip(least))
      return;
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
        fixedRows *= chunksOf(mode.size, bits[OperandC][m]);
    }
    // Free modes of the streamed operand stay inside longest: they make the
    // tiles last.
    std::stable_partition(loops.begin(), loops.end(), [&](unsigned m) {
      return problem.modes[m].group != Group::StreamFree;
    });
    orderByHand();
    if (!holdByHand())
      return;
    cutLoops();
    // Few get this far without being good.
    if (sinceBetter <= thorough && loops.size() > 1 &&
        loops.size() <= mostCutLoops)
      cutAnyLoops();
  }

  /// Lane assignments that were evaluated since the last one that the visitor
  /// liked.
  int64_t sinceBetter = 0;

private:
  /// Loops of which any set is tried outside the scope, for assignments so soon
  /// after one that was of use.
  static constexpr size_t mostCutLoops = 5;
  static constexpr int64_t thorough = 2;

  /// Inner counts that a loop of `count` iterations may be split at, largest
  /// first: divisors, and balanced blocks that run over the end a little.
  static SmallVector<int64_t, 8> blockings(int64_t count) {
    SmallVector<int64_t, 8> list;
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

  int64_t rowsOfResult() const {
    int64_t rows = 1;
    for (auto [m, mode] : llvm::enumerate(problem.modes))
      if (mode.in[OperandC])
        rows *= chunksOf(mode.size, bits[OperandC][m]);
    return rows;
  }

  /// Loops that are ordered by hand share the places that they have.
  void orderByHand() {
    if (problem.loopOrder.empty())
      return;
    auto rank = [&](unsigned m) {
      return llvm::find(problem.loopOrder, m) - problem.loopOrder.begin();
    };
    SmallVector<unsigned, 8> named, places;
    for (auto [place, m] : llvm::enumerate(loops))
      if (llvm::is_contained(problem.loopOrder, m)) {
        named.push_back(m);
        places.push_back(unsigned(place));
      }
    llvm::sort(named,
               [&](unsigned a, unsigned b) { return rank(a) < rank(b); });
    for (auto [place, m] : llvm::zip_equal(places, named))
      loops[place] = m;
  }

  /// Notes how many iterations constraints put inside the scope; false if that
  /// is impossible with these lanes.
  bool holdByHand() {
    held.assign(loops.size(), std::nullopt);
    for (unsigned m = 0; m < problem.modes.size(); ++m) {
      const Mode &mode = problem.modes[m];
      if (!mode.scope || *mode.scope >= mode.size)
        continue;
      int64_t block = int64_t(1) << current[m].total();
      if (*mode.scope % block != 0)
        return false;
      // Whole modes are on lanes only if they lie inside.
      auto *loop = llvm::find(loops, m);
      if (loop == loops.end())
        return false;
      held[loop - loops.begin()] = *mode.scope / block;
    }
    for (auto [i, m] : llvm::enumerate(loops))
      if (const auto &scope = problem.modes[m].scope;
          scope && *scope >= problem.modes[m].size)
        held[i] = wholeLoop(unsigned(i));
    return true;
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
          bits[OperandC][m] > laneBits
              ? std::min(count, int64_t(1) << (bits[OperandC][m] - laneBits))
              : 1);
      split(i, held[i].value_or(count));
    }
    score();
    for (unsigned i = 0; i < loops.size(); ++i) {
      for (int64_t inside : blocksOf(i))
        if (inside > shared[i])
          scoreSplit(i, inside);
      if (parts[i].inside != shared[i] && !held[i])
        scoreSplit(i, shared[i]);
    }
    for (unsigned i = 0; i < loops.size(); ++i)
      for (int64_t inside : blocksOf(i))
        if (inside < shared[i])
          scoreSplit(i, inside);
  }

  /// Any loops lie outside the scope and any inside, one of them in blocks.
  void cutAnyLoops() {
    unsigned sets = 1u << loops.size();
    for (unsigned outside = 1; outside + 1 < sets; ++outside) {
      auto place = [&](unsigned i) {
        split(i, held[i].value_or(outside >> i & 1 ? 1 : wholeLoop(i)));
      };
      for (unsigned i = 0; i < loops.size(); ++i)
        place(i);
      score();
      for (unsigned i = 0; i < loops.size(); ++i) {
        if (outside >> i & 1)
          continue;
        for (int64_t inside : blocksOf(i))
          if (inside > 1)
            scoreSplit(i, inside);
        place(i);
      }
    }
  }

  int64_t wholeLoop(unsigned i) const {
    return chunksOf(problem.modes[loops[i]].size, current[loops[i]].total());
  }
  ArrayRef<int64_t> blocksOf(unsigned i) {
    if (held[i])
      return {};
    unsigned m = loops[i], laneBits = current[m].total();
    auto &known = blocks[m];
    if (known.size() <= laneBits)
      known.resize(laneBits + 1);
    if (known[laneBits].empty())
      known[laneBits] = blockings(chunksOf(problem.modes[m].size, laneBits));
    return known[laneBits];
  }

  /// Puts `inside` iterations of a loop inside the scope.
  void split(unsigned i, int64_t inside) {
    const Mode &mode = problem.modes[loops[i]];
    unsigned laneBits = current[loops[i]].total();
    unsigned low = bits[OperandC][loops[i]];
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
    for (const Part &part : parts) {
      if (problem.accumulates && !part.ownRows)
        return;
      scopes *= part.outside;
      scopeBeats *= part.inside;
      rows *= part.rows;
      lastRows *= part.lastRows;
    }
    if (rows > machine.accumulatorRows)
      return;
    CutNumbers &numbers = now.numbers;
    numbers.beats = scopes * scopeBeats;
    numbers.scopes = scopes;
    numbers.drain = rows * problem.planes;
    numbers.lastDrain = lastRows * problem.planes;
    numbers.tile = problem.outputStationary() ? reduced : tileBeats();
    numbers.outputStationary = problem.outputStationary();
    numbers.latency = machine.pipelineCycles() + 2;
    numbers.streamedWait = numbers.heldWait = 0;
    MappingCost &cost = now.cost;
    cost = numbers.cost(beatBits, transferBits, fillBits);
    cost.rowAccesses = numbers.beats * beatReads + scopes * numbers.drain;
    if (!problem.outputStationary())
      cost.rowAccesses += numbers.beats / numbers.tile * cost.transfer;
    if (visitor.skip(cost))
      return;
    numbers.streamedWait = waitFor(problem.streamed);
    numbers.heldWait = waitFor(problem.held);
    cost.wait = numbers.wait(cost);
    now.inside.clear();
    for (const Part &part : parts)
      now.inside.push_back(part.inside);
    if (visitor.visit(now))
      sinceBetter = 0;
  }

  /// Beats of a stationary tile: the innermost loops that the held operand
  /// lacks.
  int64_t tileBeats() const {
    int64_t tile = 1;
    for (const Part &part : llvm::reverse(parts)) {
      if (!part.streams && part.inside > 1)
        return tile;
      tile *= part.inside;
    }
    // Nothing held changes between scopes that only stream further.
    if (reduced > 1)
      return tile;
    for (const Part &part : llvm::reverse(parts)) {
      if (!part.streams && part.outside > 1)
        return tile;
      tile *= part.outside;
    }
    return tile;
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
  OperandUse use;
  /// Per mode and number of lane bits, as far as they are needed.
  SmallVector<SmallVector<SmallVector<int64_t, 8>, 8>, 8> blocks;

  // The lane assignment at hand.
  Candidate now;
  SmallVector<LaneShare, 8> &current;
  /// Low bits of the result, and of operands that other contractions write.
  std::array<SmallVector<unsigned, 8>, 3> bits;
  SmallVector<unsigned, 8> &loops; ///< Over modes of the result.
  SmallVector<Part, 8> parts;      ///< Of these loops.
  /// Of these loops: iterations inside the scope, where constraints say so.
  SmallVector<std::optional<int64_t>, 8> held;
  unsigned beatBits = 0;     ///< A beat takes 2^beatBits cycles.
  unsigned transferBits = 0; ///< A tile's load or drain likewise.
  unsigned fillBits = 0;     ///< Sub-beats of the last sums.
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
    overhead = weights.transfer + weights.drain * problem.planes;
  }
  int64_t mostOccupancy() const override {
    if (!best)
      return std::numeric_limits<int64_t>::max();
    // Strictly better, or there would be no end to equals.
    return llvm::divideFloorSigned(best->score - overhead - 1,
                                   weights.occupancy);
  }
  bool skip(const MappingCost &cost) const override {
    return best && std::make_pair(best->score, best->cost.rowAccesses) <=
                       std::make_pair(weights.score(cost), cost.rowAccesses);
  }
  bool visit(const Candidate &candidate) override {
    if (skip(candidate.cost))
      return false;
    best = candidate;
    best->score = weights.score(candidate.cost);
    return true;
  }

private:
  const CostWeights &weights;
  std::optional<Candidate> &best;
  int64_t overhead;
};

/// Visits what is of interest in a space, in growing numbers of beats.
/// `mayStop` says whether the rest may be left out where nothing in it is of
/// interest.
void explore(LaneSpace &space, Cuts &cuts, const CandidateVisitor &visitor,
             bool conflictsOnly, llvm::function_ref<bool()> mayStop) {
  auto isDone = [&] {
    return mayStop() && !space.isPromising(visitor, conflictsOnly);
  };
  const unsigned least = conflictsOnly ? 1 : 0; // Bits of sub-beats.
  if (space.roughLeast() << least > visitor.mostOccupancy() || isDone() ||
      space.empty())
    return;
  int64_t next = space.leastBeats() << least;
  while (!space.exhausted() && next <= visitor.mostOccupancy()) {
    space.grow(next, visitor.mostOccupancy());
    while (const LaneAssignment *assignment = space.next()) {
      if (assignment->occupancy > visitor.mostOccupancy())
        break;
      if (cuts.sinceBetter > patience)
        return;
      if (conflictsOnly && assignment->beatBits == 0)
        continue;
      cuts.evaluate(*assignment, space.shares(*assignment));
      if (cuts.sinceBetter == 0 && isDone())
        return;
    }
    // Steps that grow: what is found makes the rest of less interest.
    next = std::min(visitor.mostOccupancy(), next + next / 8 + 1);
    if (next <= space.limit())
      break;
  }
}

} // namespace

void mapping::enumerate(const Problem &problem, CandidateVisitor &visitor,
                        LaneCatalogs &catalogs) {
  if (!problem.possible)
    return;
  Cuts cuts(problem, visitor);
  LaneSpace space(problem, LaneSpace::FreeBeats, catalogs),
      all(problem, LaneSpace::All, catalogs);
  OperandUse use(problem);
  const bool hasConflicts =
      problem.lowBits[use.streamed] || problem.lowBits[use.perBeat];
  // Sub-beats at least double the cycles. How long that space is searched
  // depends on what was of no use in the first one.
  auto isLast = [&] {
    return !hasConflicts || all.roughLeast() << 1 > visitor.mostOccupancy();
  };
  explore(space, cuts, visitor, /*conflictsOnly=*/false, isLast);
  // Without lanes every scope can be brought down to one row: there always is
  // a mapping.
  if (visitor.mostOccupancy() == std::numeric_limits<int64_t>::max() &&
      llvm::all_of(problem.modes, [](const Mode &mode) {
        return mode.position.value_or(0) == 0 && mode.ce.value_or(0) == 0;
      })) {
    SmallVector<LaneShare, 8> none(problem.modes.size());
    cuts.evaluate(assessLanes(problem, none), none);
  }
  if (hasConflicts)
    explore(all, cuts, visitor, /*conflictsOnly=*/true, [] { return true; });
}

void mapping::enumerateCuts(const Problem &problem, ArrayRef<LaneShare> lanes,
                            CandidateVisitor &visitor) {
  Cuts(problem, visitor).evaluate(assessLanes(problem, lanes), lanes);
}

void mapping::searchCuts(const Problem &problem, const CostWeights &weights,
                         ArrayRef<LaneShare> lanes,
                         std::optional<Candidate> &best) {
  BestVisitor visitor(problem, weights, best);
  enumerateCuts(problem, lanes, visitor);
}

void mapping::search(const Problem &problem, const CostWeights &weights,
                     LaneCatalogs &catalogs, std::optional<Candidate> &best) {
  BestVisitor visitor(problem, weights, best);
  enumerate(problem, visitor, catalogs);
}

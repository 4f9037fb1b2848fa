//===- Lanes.h - Lane assignments of a contraction --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// How many bits of every mode lie on rows or columns and on CEs, for one
/// contraction under one dataflow: the assignments in the order of their beats,
/// as many as a search asks for. A table of the fewest beats that any rest of
/// the modes can reach with any rest of the lanes makes the enumeration visit
/// branches only that hold an assignment which is asked for.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_LANES_H
#define FETTA_LIB_MAPPING_LANES_H

#include "Search.h"

#include <limits>
#include <tuple>
#include <vector>

namespace fetta::mapping {

/// ceil(size / 2^bits).
inline int64_t chunksOf(int64_t size, unsigned bits) {
  return (size + (int64_t(1) << bits) - 1) >> bits;
}

/// One lane assignment.
struct LaneAssignment {
  size_t index = 0; ///< Of its shares in the space.
  int64_t beats = 1;
  int64_t tile = 1; ///< Most beats of a tile, whatever the cut.
  /// Least of any cut, with these sub-beats.
  int64_t occupancy = 0;
  unsigned rowBits = 0;
  std::array<unsigned, 3> missing = {}; ///< Spatial bits, by operand.
  unsigned beatBits = 0;                ///< A beat takes 2^beatBits cycles.
  unsigned transferBits = 0;            ///< A tile's load or drain likewise.
};

/// Which operands a problem uses in every beat, and which once per tile.
struct OperandUse {
  OperandId streamed, perBeat, perTile;
  explicit OperandUse(const Problem &problem)
      : streamed(problem.streamed),
        perBeat(problem.outputStationary() ? problem.held : OperandC),
        perTile(problem.outputStationary() ? OperandC : problem.held) {}
};

class LaneSpace {
public:
  /// Which assignments belong to the space.
  enum Kind {
    All,
    /// Those whose beats meet no conflict on the layouts that are given.
    /// Conflicts in loads and drains of tiles are allowed: they hide.
    FreeBeats,
  };

  LaneSpace(const Problem &problem, Kind kind);

  /// The fewest beats of all assignments of the space, times their sub-beats
  /// for FreeBeats only.
  int64_t leastBeats() {
    tabulate();
    return most(0, full);
  }
  /// No more than that, and known without a table.
  int64_t roughLeast() const;

  /// The next one of the assignments that the last grow() has found, least
  /// occupancy first; null when there are no more.
  const LaneAssignment *next();
  /// Up to which beats (times sub-beats) the space has been looked at.
  int64_t limit() const { return covered; }
  /// Finds the assignments whose beats, times sub-beats, lie above limit() and
  /// up to `upTo`. Gives up after `searchBudget` ones, and leaves those out
  /// whose occupancy is above `mostOccupancy`, which must not grow from call to
  /// call.
  void grow(int64_t upTo, int64_t mostOccupancy);
  /// Whether there are no more.
  bool exhausted() const { return covered >= beatsWithoutLanes; }
  /// Whether there is an assignment at all.
  bool empty() { return leastBeats() == unreachable; }

  llvm::ArrayRef<LaneShare> shares(const LaneAssignment &assignment) const {
    return llvm::ArrayRef(pool).slice(assignment.index * numModes, numModes);
  }

  /// The assignment without lanes; not for constraints that ask for some.
  LaneAssignment withoutLanes();
  /// What is known of shares that come from elsewhere.
  LaneAssignment assess(llvm::ArrayRef<LaneShare> lanes);

private:
  static constexpr int64_t unreachable = std::numeric_limits<int64_t>::max();

  /// Missing spatial bits of the three operands, a byte each: sums stay below
  /// the lane bits of all modes.
  using MissingBits = uint32_t;
  static MissingBits packMissing(OperandId id, unsigned bits) {
    return MissingBits(bits) << 8 * id;
  }
  static unsigned missingOf(OperandId id, MissingBits missing) {
    return missing >> 8 * id & 0xff;
  }
  unsigned beatBits(MissingBits missing) const {
    return std::max(missingOf(use.streamed, missing),
                    missingOf(use.perBeat, missing));
  }

  /// A share that a mode may have.
  struct Option {
    int64_t chunks;
    LaneShare share;
    unsigned lanes; ///< What it takes of the lane bits that are left.
    MissingBits missing = 0;
  };
  struct ModeOptions {
    unsigned mode;
    bool rows, columns; ///< Where its position bits lie.
    unsigned kind;      ///< The same, as in Part.
    bool tile;          ///< Its chunks are beats of a tile.
    /// Those that constraints allow, most bits first.
    std::vector<Option> options;
  };

  /// The options of a mode with at most `cap` lane bits.
  void addOptions(unsigned mode, unsigned cap);
  unsigned missingBits(unsigned mode, LaneShare share, OperandId id) const;
  void tabulate();
  /// Lists what grow() may find up to `upTo`; whether that is all there is.
  bool list(int64_t upTo);
  /// What the modes that have their lanes make of an assignment.
  struct Part {
    int64_t beats = 1, tile = 1;
    unsigned left = 0; ///< Lane bits, as one number.
    /// The same of each kind: none, rows or columns, and CEs.
    std::array<unsigned, 3> free = {};
    unsigned ces = 0;
    unsigned rowBits = 0;
    MissingBits missing = 0;
  };
  void assign(size_t depth, const Part &part);
  /// What modes from some depth on come to without lanes.
  struct Rest {
    int64_t beats = 1, tile = 1;
    /// Whether any of them may use lane bits of each kind, and CE bits.
    std::array<bool, 3> uses = {};
    bool usesCEs = false;
  };
  bool hasLanesFor(const Rest &rest, const Part &part) const {
    return (rest.uses[1] && part.free[1]) || (rest.uses[2] && part.free[2]) ||
           (rest.usesCEs && part.ces);
  }
  void finish(const Part &part);
  LaneAssignment assess(const Part &part) const;
  int64_t most(size_t depth, size_t left) const {
    return least[depth * states + left];
  }
  size_t rowStep() const { return 1; }
  size_t columnStep() const { return machine.peRowBits + 1; }
  size_t ceStep() const { return columnStep() * (machine.peColumnBits + 1); }

  const Problem &problem;
  const Machine &machine;
  OperandUse use;
  size_t numModes;
  llvm::SmallVector<unsigned, 8> order; ///< Modes that have bits.
  std::vector<ModeOptions> options;     ///< By place in `order`.
  llvm::SmallVector<Rest, 9> rests;     ///< By depth; empty until needed.
  size_t states = 0, full = 0; ///< Lane bits that are left, as one number.
  /// By depth and lane bits left: fewest beats of the modes from there on.
  /// Empty until it is asked for.
  std::vector<int64_t> least;
  int64_t beatsWithoutLanes = 1;
  int64_t covered = 0, wanted = 0, longest = 0;
  int64_t budget = 0;
  llvm::SmallVector<LaneShare, 8> current;
  /// Assignments up to `listed`, and their shares. They reach as far as what is
  /// of interest does, so that few calls list, if that is within the budget.
  std::vector<LaneAssignment> latest;
  std::vector<LaneShare> pool;
  int64_t listed = 0;
  bool isAheadTooFar = false;
  /// Those that grow() has found, as a heap: few of them are looked at.
  struct Rank {
    int64_t occupancy, tile;
    unsigned rowAndTransferBits, number;
    bool operator<(const Rank &o) const {
      return std::make_tuple(o.occupancy, o.rowAndTransferBits, -o.tile,
                             o.number) <
             std::make_tuple(occupancy, rowAndTransferBits, -tile, number);
    }
  };
  std::vector<Rank> heap;
};

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_LANES_H

//===- Lanes.h - Lane assignments of a contraction --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// How many bits of every mode lie on rows or columns and on CEs, for one
/// contraction under one dataflow: the assignments in the order of their beats,
/// as many as a search asks for.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_LANES_H
#define FETTA_LIB_MAPPING_LANES_H

#include "LaneCatalog.h"

#include <tuple>

namespace fetta::mapping {

/// Which operands a problem uses in every beat, and which once per tile.
struct OperandUse {
  OperandId streamed, perBeat, perTile;
  explicit OperandUse(const Problem &problem)
      : streamed(problem.streamed),
        perBeat(problem.outputStationary() ? problem.held : OperandC),
        perTile(problem.outputStationary() ? OperandC : problem.held) {}

  /// By `Use`.
  std::array<OperandId, 3> all() const { return {streamed, perBeat, perTile}; }
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

  LaneSpace(const Problem &problem, Kind kind, LaneCatalogs &catalogs);

  /// The fewest beats of all assignments of the space, times their sub-beats
  /// for FreeBeats only.
  int64_t leastBeats() { return getCatalog().leastBeats(); }
  /// No more than that, and known without a catalog.
  int64_t roughLeast() const { return leastCost(mostRowBits()).occupancy; }

  /// Whether an assignment may be of interest, or one with conflicts, as far as
  /// is known without a catalog.
  bool isPromising(const CandidateVisitor &visitor, bool conflictsOnly) const;

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
  bool empty() { return leastBeats() == LaneCatalog::unreachable; }

  /// By mode; valid until the next call.
  llvm::ArrayRef<LaneShare> shares(const LaneAssignment &assignment);

private:
  LaneCatalog &getCatalog();
  /// Row bits that an assignment may have.
  unsigned mostRowBits() const { return std::min(rowBits, machine.peRowBits); }
  /// What no cut of an assignment with so many row bits costs less than.
  MappingCost leastCost(unsigned rowBits) const;

  const Problem &problem;
  const Machine &machine;
  Kind kind;
  LaneCatalogs &catalogs;
  LaneCatalog *catalog = nullptr;       ///< Null until it is asked for.
  llvm::SmallVector<unsigned, 8> order; ///< Modes that have bits.
  llvm::SmallVector<LaneShare, 8> lanes;
  int64_t beatsWithoutLanes = 1;
  int64_t tilesWithoutLanes = 1;        ///< Tiles at least.
  int64_t resultRows = 1;               ///< At least.
  unsigned rowBits = 0, columnBits = 0; ///< Of the modes that may lie there.
  int64_t covered = 0;
  /// Assignments up to `listed`. They reach as far as what is of interest does,
  /// so that few calls list, if that is within the budget.
  const LaneCatalog::List *latest = nullptr;
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

/// What is known of shares that come from elsewhere.
LaneAssignment assessLanes(const Problem &problem,
                           llvm::ArrayRef<LaneShare> lanes);

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_LANES_H

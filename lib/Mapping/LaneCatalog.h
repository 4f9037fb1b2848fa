//===- LaneCatalog.h - Lane assignments of modes that are alike ---*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Which shares of the lanes some modes may have depends on their sizes, on
/// what they are to the array, and on the layouts of their operands, not on the
/// contraction that they belong to. The contractions of a program have few such
/// lists of modes, so what was found out about one is kept for all of them. A
/// table of the fewest beats that any rest of the modes can reach with any rest
/// of the lanes makes the enumeration visit branches only that hold an
/// assignment which is asked for.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_LANECATALOG_H
#define FETTA_LIB_MAPPING_LANECATALOG_H

#include "Search.h"

#include <limits>
#include <map>
#include <memory>
#include <vector>

namespace fetta::mapping {

/// ceil(size / 2^bits).
inline int64_t chunksOf(int64_t size, unsigned bits) {
  return (size + (int64_t(1) << bits) - 1) >> bits;
}

/// What an operand is to a problem: streamed, used once more in every beat, or
/// once per tile.
enum class Use : uint8_t { Streamed, PerBeat, PerTile };

/// One lane assignment.
struct LaneAssignment {
  size_t index = 0; ///< Of its shares in a list.
  int64_t beats = 1;
  int64_t tile = 1; ///< Most beats of a tile, whatever the cut.
  /// Least of any cut, with these sub-beats.
  int64_t occupancy = 0;
  unsigned rowBits = 0;
  std::array<unsigned, 3> missing = {}; ///< Spatial bits, by `Use`.
  unsigned beatBits = 0;                ///< A beat takes 2^beatBits cycles.
  unsigned transferBits = 0;            ///< A tile's load or drain likewise.

  /// With these missing bits and rows.
  LaneAssignment(int64_t beats, int64_t tile, unsigned rowBits,
                 std::array<unsigned, 3> missing);
};

/// A mode as its lanes see it.
struct LaneMode {
  int64_t size;
  Group group;
  unsigned cap; ///< Bits on lanes, at most.
  /// By hand: bits on rows or columns, and on CEs.
  std::optional<unsigned> position, ce;
  /// By `Use`: how many spatial bits the layout provides; `cap` where it is
  /// free, or the operand lacks the mode.
  std::array<unsigned, 3> low;
};

/// Lane assignments of some modes, in an order that decides which ones are
/// found first.
class LaneCatalog {
public:
  static constexpr int64_t unreachable = std::numeric_limits<int64_t>::max();

  LaneCatalog(const Machine &machine, bool outputStationary,
              llvm::ArrayRef<LaneMode> modes);

  /// The fewest beats of all assignments, without their sub-beats.
  int64_t leastBeats() const { return least[full]; }

  struct List {
    std::vector<LaneAssignment> found;
    std::vector<LaneShare> shares; ///< Of each, by mode.
    bool complete = true;          ///< Else there are more than these.
  };
  /// At least the assignments whose beats, times sub-beats, are up to `upTo`;
  /// where these are `searchBudget` or more, the first ones.
  const List &list(int64_t upTo);

private:
  /// Missing spatial bits by `Use`, a byte each: sums stay below the lane bits
  /// of all modes.
  using MissingBits = uint32_t;
  static MissingBits packMissing(Use use, unsigned bits) {
    return MissingBits(bits) << 8 * unsigned(use);
  }
  static unsigned missingOf(Use use, MissingBits missing) {
    return missing >> 8 * unsigned(use) & 0xff;
  }
  static unsigned beatBits(MissingBits missing) {
    return std::max(missingOf(Use::Streamed, missing),
                    missingOf(Use::PerBeat, missing));
  }

  /// A share that a mode may have.
  struct Option {
    int64_t chunks;
    LaneShare share;
    unsigned lanes; ///< What it takes of the lane bits that are left.
    MissingBits missing = 0;
  };
  struct ModeOptions {
    int64_t size;
    bool rows, columns; ///< Where its position bits lie.
    unsigned kind;      ///< The same, as in Part.
    bool tile;          ///< Its chunks are beats of a tile.
    /// Those that constraints allow, most bits first.
    std::vector<Option> options;
  };
  void addOptions(const LaneMode &mode, bool outputStationary);
  void tabulate();
  void summarize();

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
  void finish(const Part &part);
  /// What modes from some place on come to without lanes.
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
  size_t rowStep() const { return 1; }
  size_t columnStep() const { return machine.peRowBits + 1; }
  size_t ceStep() const { return columnStep() * (machine.peColumnBits + 1); }

  const Machine &machine;
  std::vector<ModeOptions> options; ///< By place.
  llvm::SmallVector<Rest, 9> rests; ///< By place; one more at the end.
  size_t states = 0, full = 0;      ///< Lane bits that are left, as one number.
  /// By place and lane bits left: fewest beats of the modes from there on.
  std::vector<int64_t> least;

  std::map<int64_t, List> lists; ///< By what they were asked for.
  // The list at hand.
  List *current = nullptr;
  int64_t wanted = 0, budget = 0;
  llvm::SmallVector<LaneShare, 8> shares;
};

/// The catalogs of all lists of modes that were asked for.
class LaneCatalogs {
public:
  explicit LaneCatalogs(const Machine &machine) : machine(machine) {}

  LaneCatalog &get(bool outputStationary, llvm::ArrayRef<LaneMode> modes);

private:
  const Machine &machine;
  std::map<llvm::SmallVector<int64_t, 48>, std::unique_ptr<LaneCatalog>>
      catalogs;
};

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_LANECATALOG_H

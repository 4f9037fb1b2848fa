//===- NestGeometry.h - Lanes, rows and levels of a nest --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the value and the timing half of the simulator both derive from a loop
/// nest: index parts of lanes, rows of sub-beats, and the loop levels at which
/// tiles and scopes change (docs/Machine.md, section 3).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_NESTGEOMETRY_H
#define FETTA_LIB_SIMULATOR_NESTGEOMETRY_H

#include "fetta/Layout/Nest.h"
#include "fetta/Machine/Machine.h"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace fetta {

/// Index of every mode, without the part that lanes contribute.
using ModeIndex = llvm::SmallVector<int64_t, 8>;

/// The row that one sub-beat reads or writes.
struct RowAccess {
  bool inside = false; ///< Otherwise the row lies beyond the tensor.
  int64_t row = 0;     ///< Relative to the base row, in rows of the layout.
  uint32_t flips = 0;  ///< Constant of the lane -> bank map.
};

/// One operand behind its network.
class OperandPort {
public:
  /// Without `laneTables` only rows and sub-beats may be asked for: what is
  /// known of single lanes takes most of the time to set up.
  OperandPort(const Nest &nest, OperandId id, const Machine &machine,
              bool laneTables = true);

  const Operand &operand() const { return *op; }
  int64_t subBeats() const { return int64_t(1) << serial.size(); }
  /// Sub-beat that serves a lane.
  uint32_t subBeatOf(uint32_t lane) const { return servedIn[lane]; }
  /// Modes that the operand holds.
  llvm::ArrayRef<unsigned> heldModes() const { return modes; }
  /// Largest index part that a lane adds to held mode number i.
  int64_t maxPart(size_t i) const { return maxParts[i]; }

  /// `index`: loops, and the PE-row counter where there is one.
  RowAccess access(const ModeIndex &index, uint32_t subBeat) const;
  /// The index with the serial lane bits of a sub-beat put in.
  ModeIndex serialIndex(const ModeIndex &index, uint32_t subBeat) const;

  /// Which lanes lie beyond an edge: 0 if none, otherwise the number of one of
  /// the different sets that came up so far.
  uint32_t edgeState(const ModeIndex &index, llvm::ArrayRef<int64_t> sizes);

  /// Clears keep[lane] on every lane that lies beyond an edge of a mode that
  /// the operand holds.
  void clearBeyondEdge(const ModeIndex &index, llvm::ArrayRef<int64_t> sizes,
                       uint8_t *keep) const;

private:
  RowAccess accessAt(const ModeIndex &full) const;

  const Operand *op;
  uint32_t lanes;
  llvm::SmallVector<unsigned, 8> modes;
  /// Per held mode and lane, mode-major.
  std::vector<int64_t> parts;
  llvm::SmallVector<int64_t, 8> maxParts;
  /// Index bits of the serial lane bits, lowest lane bit first.
  llvm::SmallVector<std::optional<ModeBit>, 6> serial;
  std::vector<uint32_t> servedIn;
  uint32_t constantFlips = 0;
  struct TemporalBank {
    unsigned bank;
    ModeBit source;
  };
  llvm::SmallVector<TemporalBank, 8> temporal;
  /// Numbers of edge states, by index values left before each edge.
  std::map<ModeIndex, uint32_t> edgeStates;
  const std::pair<const ModeIndex, uint32_t> *latestEdge = nullptr;
};

/// Levels and counts of a nest. Level l means: loops [l, end) lie inside.
struct NestLevels {
  NestLevels(const Nest &nest, const Machine &machine);

  bool outputStationary;
  OperandId streamed, held; ///< Output-stationary: A and B.
  /// A tile changes when a loop outside this level advances: the stationary
  /// tile, or the sum in the PEs.
  unsigned tileLevel;
  unsigned scopeLevel;
  /// PE rows that carry something: 2 to the number of assigned row bits.
  int64_t peRowsInUse;
  /// PE row of each of them, and the index parts of its row bits.
  std::vector<uint32_t> peRow;
  std::vector<ModeIndex> peRowIndex;

  /// Beats inside a level.
  static int64_t beatsInside(const Nest &nest, unsigned level);
  /// Iterations of the loops outside a level.
  static int64_t iterationsOutside(const Nest &nest, unsigned level);
};

/// Counts through a loop nest, the last loop fastest.
class LoopCounters {
public:
  explicit LoopCounters(const Nest &nest)
      : nest(&nest), counters(nest.loops.size(), 0),
        modeIndex(nest.modeCount(), 0) {}
  const ModeIndex &index() const { return modeIndex; }
  /// Advances the loop inside `end` (loops [0, end)); returns the outermost
  /// loop that changed, or -1 when the nest is over.
  int advance(unsigned end);
  int advance() { return advance(unsigned(counters.size())); }

private:
  const Nest *nest;
  llvm::SmallVector<int64_t, 8> counters;
  ModeIndex modeIndex;
};

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_NESTGEOMETRY_H

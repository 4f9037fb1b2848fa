//===- ContractPlan.h - What timing asks of one loop nest -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Lengths of beats, loads and drains of one contraction, and the rows of
/// tensor memory that each of them touches. Knows no time.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_CONTRACTPLAN_H
#define FETTA_LIB_SIMULATOR_CONTRACTPLAN_H

#include "NestGeometry.h"

#include <map>
#include <utility>
#include <vector>

namespace fetta {

class ContractPlan {
public:
  ContractPlan(const Nest &nest, const Machine &machine);

  const Nest &nest;
  const NestLevels levels;
  const std::array<OperandPort, 3> ports;
  const std::array<int64_t, 3> subBeats; ///< Of operands A, B and C.

  bool outputStationary() const { return levels.outputStationary; }
  int64_t slab(OperandId id) const { return nest.operands[id].slab; }
  int64_t streamSlab() const { return slab(levels.streamed); }
  int64_t holdSlab() const { return slab(levels.held); }

  int64_t beatCycles = 1;  ///< Cycles of a beat with its sub-beats.
  int64_t plainCycles = 1; ///< The same, had every operand a slab of its own.
  /// Cycles from the last sub-beat of a stationary beat to that of its sums,
  /// which leave one by one behind the last word (docs/Queues.md, section 3).
  int64_t sumLag = 0;
  /// Loops inside this level run without a change of tile or scope.
  unsigned blockLevel = 0;
  int64_t blockBeats = 1; ///< Beats inside blockLevel.
  int64_t tiles = 1;
  int64_t loadBeats = 0; ///< Sub-beats that load a stationary tile.
  int64_t tileDrain = 0; ///< Sub-beats that drain an output-stationary tile.
  int64_t scopes = 1;
  int64_t planes = 1;                     ///< Row accesses of a drained row.
  static constexpr int64_t sumPlanes = 2; ///< Those of a reloaded one.

  /// Index of the beat number `beat` of the block that starts at `start`.
  ModeIndex beatIndex(const ModeIndex &start, int64_t beat) const;

  /// Row accesses of an operand that touch its slab, in the whole nest.
  int64_t accesses(OperandId id) const;
  /// Whether sub-beats of an operand go beyond its tensor.
  bool overhangs(OperandId id) const { return beyond[id]; }
  /// Physical rows that an operand's window lies in: first and last.
  std::pair<int64_t, int64_t> rowRange(OperandId id) const {
    return fetta::rowRange(nest.operands[id]);
  }

  /// One row access: whether it lies in the tensor, and its physical row.
  struct Row {
    bool inside;
    int64_t row;
  };
  Row rowOf(OperandId id, const ModeIndex &index, int64_t subBeat) const;
  /// Sub-beat number `step` of the load of the tile at `index`.
  Row rowOfLoad(const ModeIndex &index, int64_t step) const;

  /// Physical (high) rows that the drain of the scope at `scopeStart` writes,
  /// in the order of the accumulator rows; rows without an element of the scope
  /// are not among them.
  void scopeRows(const ModeIndex &scopeStart, std::vector<int32_t> &rows) {
    scopeRows(scopeStart, nest.c().baseRow, planes, rows);
  }
  /// The same rows of the partial sums that the scope goes on from, which have
  /// two planes.
  void reloadRows(const ModeIndex &scopeStart, std::vector<int32_t> &rows) {
    scopeRows(scopeStart, nest.sumsPlace().baseRow, sumPlanes, rows);
  }

  /// Accumulator row and flips of a beat: two beats with the same pair add to
  /// the same words.
  std::pair<int64_t, uint32_t> words(const ModeIndex &index,
                                     const ModeIndex &scopeStart) const;

private:
  void scopeRows(const ModeIndex &scopeStart, int64_t baseRow, int64_t planes,
                 std::vector<int32_t> &rows);
  /// Values that loops [from, to) of a mode, serial lane bits and (if asked)
  /// PE-row bits add to its index.
  std::vector<int64_t> indexParts(unsigned mode, OperandId id, size_t from,
                                  size_t to, bool peRows) const;
  int64_t visits(OperandId id) const;
  bool isLoad(OperandId id) const {
    return !levels.outputStationary && id == levels.held;
  }

  const Machine &machine;
  std::array<bool, 3> beyond = {false, false, false};
  /// Chunks of a mode in a scope, by mode and index at the scope's start.
  std::map<std::pair<unsigned, int64_t>, std::vector<int64_t>> chunksOfScope;
};

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_CONTRACTPLAN_H

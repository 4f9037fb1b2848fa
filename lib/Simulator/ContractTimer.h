//===- ContractTimer.h - Cycles of one contraction --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Steps through the tiles and scopes of one loop nest.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_CONTRACTTIMER_H
#define FETTA_LIB_SIMULATOR_CONTRACTTIMER_H

#include "NestGeometry.h"
#include "fetta/Simulator/Timing.h"

#include <map>

namespace fetta {

class ContractTimer {
public:
  ContractTimer(const Nest &nest, const Machine &machine);
  /// Fills classes, tiles and load beats; start and end stay untouched.
  void run(InstructionTiming &timing);
  /// Row accesses of each operand that touch its slab.
  int64_t accesses(OperandId id) const;
  /// Rows that drains write; after run().
  int64_t writes() const { return drained; }

private:
  void stationary();
  void outputStationary();
  /// Lets `cycles` pass in which the array reads `streamAccesses` rows; the
  /// stationary load and the drain of the last scope use what is left.
  void pass(int64_t cycles, int64_t streamAccesses);
  void stall(CycleClass cycleClass, int64_t cycles);
  /// Until the drain before the last is done; the last one takes its place.
  void waitForDrain();
  /// Row accesses of the drain of a scope that starts at an index: rows that
  /// hold no element of it are skipped.
  int64_t drainAccesses(const ModeIndex &scopeStart);
  /// Waits until a beat may touch the accumulator words of `index` again.
  void waitForWords(const ModeIndex &index, const ModeIndex &scopeStart);
  /// Values that loops [from, to) of a mode, serial lane bits and (if asked)
  /// PE-row bits add to its index.
  std::vector<int64_t> indexParts(unsigned mode, OperandId id, size_t from,
                                  size_t to, bool peRows) const;

  const Nest &nest;
  const Machine &machine;
  NestLevels levels;
  std::array<OperandPort, 3> ports;
  std::array<int64_t, 3> subBeats;
  int64_t streamSlab, holdSlab, resultSlab;

  CycleClasses queue;
  int64_t now = 0;
  int64_t tiles = 0, loadBeats = 0, drained = 0;
  /// Accesses that are left, and cycles that would be left without conflicts
  /// on slabs.
  int64_t loadLeft = 0, loadIdeal = 0, drainLeft = 0, drainIdeal = 0;
  int64_t nextLeft = 0, nextIdeal = 0; ///< The drain behind that one.
  std::map<std::pair<unsigned, int64_t>, int64_t> chunksOfScope;
  /// Last touch of (accumulator row, flips); only for fp32Add > 1.
  std::map<std::pair<int64_t, uint32_t>, int64_t> touched;
};

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_CONTRACTTIMER_H

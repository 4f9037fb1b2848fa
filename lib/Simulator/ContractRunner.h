//===- ContractRunner.h - Values of one contraction -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The array, the accumulators and one loop nest on them.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_CONTRACTRUNNER_H
#define FETTA_LIB_SIMULATOR_CONTRACTRUNNER_H

#include "NestGeometry.h"
#include "ResolvedRoutes.h"
#include "fetta/Simulator/Functional.h"

namespace fetta {

/// The half of the accumulators that accumulates. The other one holds no
/// values between instructions: a drain empties it before it is used again.
struct Accumulators {
  explicit Accumulators(const Machine &machine)
      : rows(machine.accumulatorRows), lanes(machine.lanes()),
        words(size_t(rows * lanes)), valid(words.size()),
        tensorRow(size_t(rows), -1) {}
  void clear();

  int64_t rows, lanes;
  std::vector<float> words;
  std::vector<uint8_t> valid;
  /// Row of the result (relative) that each row accumulates, or -1.
  std::vector<int64_t> tensorRow;
};

class ContractRunner {
public:
  /// `routes`: route in the slot of each network, indexed by Net.
  ContractRunner(const Program &program, size_t instruction,
                 const std::array<uint32_t, 3> &routes,
                 ResolvedRoutes &resolved, TensorMemory &memory,
                 Accumulators &accumulators, Counters &counters,
                 const DrainObserver &observer);
  llvm::Error run();

private:
  /// An operand that is read, behind its network.
  struct ReadPort {
    OperandPort port;
    uint32_t route;
    /// Lanes that capture in each sub-beat.
    std::vector<std::vector<uint32_t>> captures;
    /// Resolved lane -> bank by flips; null until used.
    std::vector<const std::vector<uint32_t> *> banks;
    int64_t Counters::*words;
  };
  ReadPort makeReadPort(OperandId id, Net net, uint32_t route) const;
  /// Reads one beat of an operand into `lanes`: +0.0 where a lane captures
  /// nothing or lies beyond an edge.
  llvm::Error read(ReadPort &port, const ModeIndex &index, float *lanes);
  llvm::Error loadTile(const ModeIndex &index);
  /// One beat: products, and their sums down the columns.
  void multiplyChain();
  /// One beat of an output-stationary tile.
  void multiplyInPlace(bool first);
  llvm::Error drainTile(const ModeIndex &index, const ModeIndex &scopeStart);
  /// Sends one FP32 word per column lane through the reduction network into
  /// the accumulators. Overwrites `words`.
  llvm::Error reduce(const ModeIndex &index, const ModeIndex &scopeStart,
                     float *words);
  const ReductionPlan &plan(uint32_t subBeat, uint32_t flips, bool edges);
  llvm::Error accumulate(const ReductionPlan &plan, const float *words,
                         int64_t row, int64_t tensorRow);
  llvm::Error drainScope();
  llvm::Error fail(OperandId id, const llvm::Twine &what) const;
  int64_t countMacros(std::vector<uint8_t> &touched) const;

  const Program &program;
  size_t instruction;
  const Contract &contract;
  const Nest &nest;
  const Machine &machine;
  ResolvedRoutes &resolved;
  TensorMemory &memory;
  Accumulators &accumulators;
  Counters &counters;
  const DrainObserver &observer;

  NestLevels levels;
  uint32_t lanes, positions; ///< Lanes in all, lane positions per CE.
  uint32_t peRows, peColumns;
  ReadPort stream, hold;
  OperandPort result;
  uint32_t resultRoute;
  /// Additions in the PEs behind each word that enters the reduction network.
  int64_t addsPerWord;
  /// Per sub-beat: lanes whose words are results and no copies.
  std::vector<std::string> resultLanes;
  std::string valid;
  /// Plans of beats without edges, [sub-beat][flips].
  std::vector<std::vector<const ReductionPlan *>> plans;

  std::vector<uint8_t> keep, touched;
  std::vector<float> streamed;          ///< Per row lane.
  std::vector<std::vector<float>> held; ///< Per PE row and column lane.
  std::vector<float> sums;              ///< Per column lane.
  /// Output-stationary: the registers, per PE row and column lane.
  std::vector<std::vector<float>> registers;
};

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_CONTRACTRUNNER_H

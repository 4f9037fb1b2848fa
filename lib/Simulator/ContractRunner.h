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

#include "llvm/ADT/DenseMap.h"

namespace fetta {

/// The half of the accumulators that accumulates. The other one holds no
/// values between instructions: a drain empties it before it is used again.
struct Accumulators {
  explicit Accumulators(const Machine &machine)
      : rows(machine.accumulatorRows), lanes(machine.lanes()),
        words(size_t(rows * lanes)), valid(words.size()),
        tensorRow(size_t(rows), -1) {}
  void clear();
  void clearRow(int64_t row);

  int64_t rows, lanes;
  std::vector<float> words;
  std::vector<uint8_t> valid;
  /// Row of the result (relative) that each row accumulates, or -1.
  std::vector<int64_t> tensorRow;
};

/// Number of what a route does in a beat of one instruction.
inline uint64_t tableKey(uint32_t edge, uint32_t subBeat, uint32_t flips) {
  return uint64_t(edge) << 32 | uint64_t(subBeat) << 16 | flips;
}

class ContractRunner {
public:
  /// `routes`: route in the slot of each network, indexed by Net.
  ContractRunner(const Program &program, size_t instruction,
                 const std::array<uint32_t, 3> &routes,
                 ResolvedRoutes &resolved, TensorMemory &memory,
                 Accumulators &accumulators, Counters &counters,
                 const DrainObserver &observer, ValuePath path);
  llvm::Error run();

private:
  /// An operand that is read, behind its network.
  struct ReadPort {
    OperandPort port;
    uint32_t route;
    /// Lanes that capture in each sub-beat.
    std::vector<std::vector<uint32_t>> captures;
    /// Resolved lane -> bank by flips; null until used.
    std::vector<const std::vector<uint16_t> *> banks;
    int64_t Counters::*words;
    llvm::DenseMap<uint64_t, const GatherTable *> tables =
        llvm::DenseMap<uint64_t, const GatherTable *>();
  };
  ReadPort makeReadPort(OperandId id, Net net, uint32_t route) const;
  /// Reads one beat of an operand into `lanes`: +0.0 where a lane captures
  /// nothing or lies beyond an edge.
  llvm::Error read(ReadPort &port, const ModeIndex &index, float *lanes);
  /// The same by tables; false where it fails, for read() to say why.
  bool readByTable(ReadPort &port, const ModeIndex &index, float *lanes);
  const GatherTable &gatherTable(ReadPort &port, const ModeIndex &index,
                                 uint32_t edge, uint32_t subBeat,
                                 uint32_t flips);
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
  /// Sets `keep` to the lanes of the result inside all edges.
  void keepInside(const OperandPort &port, const ModeIndex &index);
  const ReductionPlan &plan(const ModeIndex &index, uint32_t edge,
                            uint32_t subBeat, uint32_t flips);
  /// The accumulator row of a sub-beat, as one that holds a row of the result.
  llvm::Expected<int64_t> claimRow(const ModeIndex &index,
                                   const ModeIndex &scopeStart,
                                   uint32_t subBeat, int64_t tensorRow);
  /// Adds in the network and then to a row. Overwrite `words`.
  void accumulate(const ReductionPlan &plan, float *words, int64_t row);
  void accumulateByTable(const ReductionPlan &plan, float *words, int64_t row);
  /// Fills an accumulator row that holds nothing yet with the partial sums in
  /// the result's row `tensorRow`, to which the indices `index` belong.
  llvm::Error reloadRow(const ModeIndex &index, int64_t row, int64_t tensorRow);
  llvm::Error drainScope();
  void drainRow(int64_t row, int64_t target);
  void drainRowByTable(int64_t row, int64_t target);
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
  bool byTable, countOnly;

  NestLevels levels;
  uint32_t lanes, positions; ///< Lanes in all, lane positions per CE.
  uint32_t peRows, peColumns;
  ArrayKernels kernels;
  ReadPort stream, hold;
  OperandPort result;
  uint32_t resultRoute;
  /// Additions in the PEs behind each word that enters the reduction network.
  int64_t addsPerWord;
  /// Per sub-beat: lanes whose words are results and no copies.
  std::vector<std::string> resultLanes;
  llvm::DenseMap<uint64_t, const ReductionPlan *> plans;

  std::vector<uint8_t> keep, touched;
  std::vector<float> streamed; ///< Per row lane.
  std::vector<float> held;     ///< Per PE row and column lane.
  std::vector<float> sums;     ///< Per column lane.
  /// Output-stationary: the registers, per PE row and column lane.
  std::vector<float> registers;
};

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_CONTRACTRUNNER_H

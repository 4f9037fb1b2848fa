//===- Level2Network.h - Networks, register by register ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Pipelines of the cycle-stepped model: memory read and distribution, and the
/// reduction network. A row of words moves one register a cycle and passes the
/// switches between the registers, each by its code.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_LEVEL2NETWORK_H
#define FETTA_LIB_SIMULATOR_LEVEL2NETWORK_H

#include "Level2Nest.h"
#include "fetta/Network/Network.h"
#include "fetta/Simulator/Counters.h"

#include <cassert>
#include <memory>

namespace fetta::level2 {

/// Registers one behind the other. What enters in a cycle has passed stage 0 at
/// its end and leaves at the end of its last.
template <typename T> class Pipe {
public:
  explicit Pipe(int64_t length) : stages(size_t(length)) {}
  bool isFree() const { return !stages.front(); }
  bool isEmpty() const {
    for (const auto &stage : stages)
      if (stage)
        return false;
    return true;
  }
  void enter(std::unique_ptr<T> value) {
    assert(isFree() && "two values in one register");
    stages.front() = std::move(value);
  }
  /// Ends a cycle: work(value, stage) for every value, then all move on. What
  /// leaves is returned.
  template <typename Work> std::unique_ptr<T> clock(Work work) {
    for (size_t k = stages.size(); k-- > 0;)
      if (stages[k])
        work(*stages[k], int64_t(k));
    std::unique_ptr<T> out = std::move(stages.back());
    for (size_t k = stages.size() - 1; k > 0; --k)
      stages[k] = std::move(stages[k - 1]);
    return out;
  }

private:
  std::vector<std::unique_ptr<T>> stages;
};

/// What travels with a beat of the loop nest.
struct BeatControl {
  size_t instruction = 0;
  bool outputStationary = false;
  unsigned weights = 0;     ///< Stationary registers that multiply.
  unsigned sums = 0;        ///< Registers of an output-stationary tile.
  bool firstOfTile = false; ///< Assigns these registers.
};

/// Where sums go, one per sub-beat of the result.
struct SumTarget {
  const Route *route = nullptr;
  Access access;
  size_t job = 0;         ///< Contraction, counted as they issue.
  size_t scope = 0;       ///< Counted over the program.
  bool endsScope = false; ///< The half drains behind it.
  bool endsJob = false;   ///< The last sums of the contraction.
};

/// A row on its way from a slab to the array.
struct RowPacket {
  const Route *route = nullptr;
  uint32_t flips = 0;
  std::vector<uint16_t> words;
  std::vector<uint8_t> known; ///< Whether the word was ever written.
  std::vector<uint8_t> captures;
  bool reads = false; ///< Otherwise its row lies beyond the tensor.
  bool first = false, last = false; ///< Of the sub-beats of the operand.
  OperandId operand = OperandA;
  int64_t slab = 0, row = 0;
  // A stationary load.
  bool isLoad = false, firstOfTile = false;
  uint32_t peRow = 0;
  // A beat.
  std::shared_ptr<BeatControl> beat;
  std::vector<SumTarget> targets; ///< With the last streamed row.
};

/// Sums on their way to the accumulators.
struct SumPacket {
  SumTarget target;
  std::vector<float> words;
  std::vector<uint8_t> valid;
  size_t instruction = 0;
};

/// Memory read and one distribution network.
class Distribution {
public:
  explicit Distribution(const Machine &machine);
  Pipe<RowPacket> &pipe() { return registers; }
  bool isIdle() const { return registers.isEmpty(); }
  std::unique_ptr<RowPacket> clock();

private:
  int64_t readCycles, stagesPerCycle;
  Pipe<RowPacket> registers;
};

/// The reduction network.
class Reduction {
public:
  explicit Reduction(const Machine &machine);
  Pipe<SumPacket> &pipe() { return registers; }
  bool isIdle() const { return registers.isEmpty(); }
  /// Counts additions.
  std::unique_ptr<SumPacket> clock(Counters &counters);

private:
  int64_t addingStages, addCycles, stagesPerCycle;
  Pipe<SumPacket> registers;
};

} // namespace fetta::level2

#endif // FETTA_LIB_SIMULATOR_LEVEL2NETWORK_H

//===- Level2.h - The machine cycle by cycle --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The cycle-stepped model (level 2 of docs/Machine.md section 8): queues,
/// slab ports, switches, registers and accumulators move cycle by cycle, with
/// values. Written from docs/Queues.md and docs/Machine.md; it shares neither
/// schedule nor geometry with the other models, which it checks.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_LEVEL2_H
#define FETTA_SIMULATOR_LEVEL2_H

#include "fetta/Program/Program.h"
#include "fetta/Simulator/Counters.h"
#include "fetta/Simulator/DramMemory.h"
#include "fetta/Simulator/TensorMemory.h"
#include "fetta/Simulator/Timing.h"

#include "llvm/Support/Error.h"

#include <functional>
#include <vector>

namespace fetta {

/// When a contraction did what; cycles from 0.
struct Level2Contraction {
  size_t instruction = 0;
  int64_t issued = -1;
  int64_t firstBeat = -1;
  int64_t lastBeat = -1;  ///< Last sub-beat; output-stationary: of its drain.
  int64_t completed = -1; ///< Last row written, or last sum accumulated.
};

struct Level2Run {
  int64_t cycles = 0; ///< Until all instructions have completed.
  std::vector<Level2Contraction> contractions;
  /// Words and rows that moved, additions that happened.
  Counters counters;
};

/// Runs a verified program; tensors that the host places must be in `memory`
/// and regions that it fills in `dram`, where results are afterwards. Errors: a
/// word that nobody wrote, a program that never ends. `progress` hears of every
/// 1,024 cycles.
llvm::Expected<Level2Run>
runLevel2(const Program &program, TensorMemory &memory, DramMemory &dram,
          DramModel model = DramModel::Bandwidth,
          const std::function<void(int64_t cycles)> &progress = nullptr);

/// Seconds that runLevel2 takes for so many cycles, on one core: switches of a
/// network times 9 ns, measured on fetta-edge (docs/Simulator.md).
double level2Seconds(const Machine &machine, int64_t cycles);

/// Refuses a run that would take more than an hour, and says how long.
llvm::Error checkLevel2Duration(const Machine &machine, int64_t cycles);

} // namespace fetta

#endif // FETTA_SIMULATOR_LEVEL2_H

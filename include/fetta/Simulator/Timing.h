//===- Timing.h - Cycles of a program ---------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The tile-event model (level 1 of docs/Machine.md section 8): one in-order
/// queue, contractions one after the other, tensors in tensor memory. Knows
/// nests, not values. Every cycle of every resource is in one named class.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_TIMING_H
#define FETTA_SIMULATOR_TIMING_H

#include "fetta/Program/Program.h"

#include "llvm/ADT/StringRef.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fetta {

/// What a resource does in a cycle. docs/Simulator.md explains each.
enum class CycleClass : uint8_t {
  Beat,             ///< Contract queue: first sub-beat of a beat.
  BankConflict,     ///< Further sub-beats; a network that waits for another's.
  FirstLoad,        ///< First stationary tile of an instruction.
  StationaryReload, ///< A stationary tile that streaming did not hide.
  SlabConflict,     ///< Two accesses to one slab.
  AccHazard,        ///< Distance of additions to one word (fp32_add > 1).
  DrainBusy,        ///< A drain that the next tile or scope has to wait for.
  Fill,             ///< Latency of memory, networks, array and accumulators.
  Drain,            ///< Last tile and accumulators to tensor memory.
  WaitRoute,        ///< Switch words on their way into a slot.
  Busy,             ///< Networks: words pass.
  Read,             ///< Slabs.
  Write,            ///< Slabs.
  IdleNoWork,       ///< Nothing was asked of the resource.
};
inline constexpr size_t numCycleClasses = size_t(CycleClass::IdleNoWork) + 1;

/// Name in reports, e.g. `stationary-reload`.
llvm::StringRef cycleClassName(CycleClass cycleClass);

/// Cycles by class.
struct CycleClasses {
  std::array<int64_t, numCycleClasses> cycles = {};
  int64_t &operator[](CycleClass c) { return cycles[size_t(c)]; }
  int64_t operator[](CycleClass c) const { return cycles[size_t(c)]; }
  int64_t total() const;
  CycleClasses &operator+=(const CycleClasses &o);
};

/// One instruction on the time axis.
struct InstructionTiming {
  int64_t start = 0; ///< First cycle, a wait for routes included.
  int64_t end = 0;   ///< First cycle after its last write.
  /// Contract queue; zero for instructions that take none of its time.
  CycleClasses queue;
  std::array<CycleClasses, 3> networks; ///< By Net.
  int64_t tiles = 0;
  int64_t loadBeats = 0; ///< All stationary loads, hidden or not.

  int64_t cycles() const { return end - start; }
};

struct ResourceTiming {
  std::string name; ///< `contract`, `stream`, `hold`, `reduce`, `slab0`, ...
  CycleClasses classes;
};

struct ProgramTiming {
  int64_t cycles = 0;
  std::vector<InstructionTiming> instructions; ///< As in program.code.
  /// The classes of each sum to `cycles`; a program for which they do not is a
  /// defect of the model and ends the process, in release builds too.
  std::vector<ResourceTiming> resources;
};

ProgramTiming timeProgram(const Program &program);

} // namespace fetta

#endif // FETTA_SIMULATOR_TIMING_H

//===- Timing.h - Cycles of a program ---------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The tile-event model (level 1 of docs/Simulator.md): the queues of
/// docs/Queues.md with all that they wait for. Knows nests, not values. Every
/// cycle of every resource is in one named class.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_TIMING_H
#define FETTA_SIMULATOR_TIMING_H

#include "fetta/Program/Program.h"

#include "llvm/ADT/StringRef.h"

#include <array>
#include <cstdint>
#include <functional>
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
  WaitRow,          ///< A row that is still to be written.
  WaitLoss,         ///< A result whose gradient is wanted.
  WaitSemaphore,    ///< Tokens.
  WaitSlot,         ///< Route loaders: the slot is still in use.
  WaitStaging,      ///< DRAM link: a row of tensor memory.
  Load,             ///< DRAM link: bytes come.
  Store,            ///< DRAM link: bytes go.
  Reload,           ///< Partial sums on their way back into accumulators.
  Busy,             ///< Words pass, sums arrive, a transfer runs.
  Read,             ///< Slabs.
  Write,            ///< Slabs.
  DmaRead,          ///< Slabs.
  DmaWrite,         ///< Slabs.
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
  int64_t issued = 0; ///< Contractions.
  /// First cycle that it has for itself: of the contract queue, a route loader
  /// or the DRAM link.
  int64_t start = 0;
  int64_t end = 0; ///< First cycle after its last write.
  /// Contract queue: from the end of the beats of the contraction before to the
  /// end of its own, waits included; what follows the last beats belongs to the
  /// last contraction. Zero for other instructions.
  CycleClasses queue;
  int64_t tiles = 0;
  int64_t loadBeats = 0;               ///< All stationary loads, hidden or not.
  int64_t drainedRows = 0;             ///< Row accesses.
  int64_t reloadedRows = 0;            ///< Row accesses.
  int64_t dramBytes = 0;               ///< Whole bursts, by either model.
  int64_t dmaReads = 0, dmaWrites = 0; ///< Row accesses of a transfer.
  int64_t dmaMacrosPerRow = 0;         ///< Macros that such an access touches.
  int64_t stagedWords = 0;             ///< 16-bit words of its tensor.

  int64_t cycles() const { return queue.total(); }
};

struct ResourceTiming {
  std::string name; ///< As docs/Simulator.md lists them.
  CycleClasses classes;
};

/// What a transfer takes (docs/Queues.md, section 2).
enum class DramModel : uint8_t { Ideal, Bandwidth };
/// `ideal` or `bandwidth`.
llvm::StringRef dramModelName(DramModel model);

struct ProgramTiming {
  int64_t cycles = 0;
  DramModel dram = DramModel::Bandwidth;
  std::vector<InstructionTiming> instructions; ///< As in program.code.
  /// The classes of each sum to `cycles`; a program for which they do not is a
  /// defect of the model and ends the process, in release builds too.
  std::vector<ResourceTiming> resources;
  /// The classes of a resource, which must exist.
  const CycleClasses &of(llvm::StringRef resource) const;
  /// Steps that the model took: parts of blocks of beats, stationary loads,
  /// drains, reloads, route loads, transfers and the rows they stage.
  int64_t events = 0;
};

/// Names of ProgramTiming::resources, in their order.
std::vector<std::string> resourceNames(const Machine &machine);

/// Sees what the resources do.
class TimelineSink {
public:
  virtual ~TimelineSink() = default;
  /// `resource` (in the order of ProgramTiming::resources) spends [from, to)
  /// on `cycleClass` for an instruction, or for none (~0). Intervals of one
  /// resource come in order of time and do not overlap; cycles with nothing to
  /// do have none. Slabs are `busy` whoever uses them.
  virtual void interval(unsigned resource, CycleClass cycleClass, int64_t from,
                        int64_t to, uint32_t instruction) = 0;
};

struct TimingOptions {
  DramModel dram = DramModel::Bandwidth;
  TimelineSink *sink = nullptr;
  /// Called when a contraction issues, with how many have and how many there
  /// are.
  std::function<void(int64_t done, int64_t all)> progress = nullptr;
};

/// Times a verified program; one that is not may end the process.
ProgramTiming timeProgram(const Program &program,
                          const TimingOptions &options = {});

} // namespace fetta

#endif // FETTA_SIMULATOR_TIMING_H

//===- EnergyTable.h - Energy per event -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Energy is counters times table entries, plus static power times time. A
/// table is a preset file (machines/energy) with a source and a range for every
/// entry: published figures differ by up to 19x, so no entry has a default and
/// every report shows the range (docs/Energy.md).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_MACHINE_ENERGYTABLE_H
#define FETTA_MACHINE_ENERGYTABLE_H

#include "fetta/Machine/Machine.h"
#include "fetta/Machine/TableEntry.h"

#include "llvm/ADT/ArrayRef.h"

#include <array>
#include <vector>

namespace fetta {

/// Everything a table must have an entry for. The keys of the files and their
/// units stand in EnergyTable.cpp, in the same order.
enum class EnergyEvent : uint8_t {
  MultiplyBF16,       ///< Product of two BF16, rounded to FP32.
  AddFP32Column,      ///< Adder of a PE column, or of an output-stationary PE.
  AddFP32Reduction,   ///< Two valid words in a sum switch.
  AddFP32Accumulator, ///< Addition to a valid accumulator word.
  SwitchStage16,      ///< A 16-bit word through one stage of a distribution.
  SwitchStage32,      ///< A 32-bit word through one stage of the reduction.
  MemoryMacroRead,    ///< 256-bit read of a 64 KB macro.
  MemoryMacroWrite,   ///< 256-bit write of a 64 KB macro.
  AccumulatorRead,    ///< A 32-bit word.
  AccumulatorWrite,   ///< A 32-bit word.
  RouteStoreRead,     ///< A byte of route words that become active.
  RouteStoreLoad,     ///< A byte of route words written to a slot.
  InstructionFetch,   ///< A byte of instructions or descriptors.
  DramTransfer,       ///< A byte from or to DRAM.
  // Static power: milliwatts for each instance (see `instances`).
  StaticPE,
  StaticSwitch,
  StaticMemoryMacro,
  StaticAccumulatorKiB,
};
inline constexpr unsigned numEnergyEvents =
    unsigned(EnergyEvent::StaticAccumulatorKiB) + 1;

inline bool isStatic(EnergyEvent event) {
  return event >= EnergyEvent::StaticPE;
}

/// Picojoules for an event, milliwatts for an instance of a static component.
using EnergyEntry = TableEntry;
using EnergyMethod = TableMethod;

struct EnergyTable {
  std::string name;
  std::array<EnergyEntry, numEnergyEvents> entries;

  const EnergyEntry &operator[](EnergyEvent event) const {
    return entries[size_t(event)];
  }

  /// Reads a table. A missing or unknown entry, a wrong unit or an impossible
  /// range is an error with file, line and column.
  static llvm::Expected<EnergyTable> load(llvm::StringRef path);
  /// The same from text; `name` stands for the file in messages.
  static llvm::Expected<EnergyTable> parse(llvm::StringRef text,
                                           llvm::StringRef name);
  /// A table of machines/energy by its name, as `energy_preset` gives it; the
  /// files are built in. The error lists the names there are.
  static llvm::Expected<EnergyTable> preset(llvm::StringRef name);
  static std::vector<std::string> presetNames();
};

/// Key in the files, e.g. `multiply_bf16`.
llvm::StringRef energyKey(EnergyEvent event);
/// `pj` or `mw`.
llvm::StringRef energyUnit(EnergyEvent event);

/// Instances of a static component in a machine.
int64_t instances(EnergyEvent event, const Machine &machine);

/// A slab is made of macros of 64 KB, 256 bits wide: 16 banks each. An
/// access is billed for the macros whose words it uses.
inline constexpr int64_t banksPerMacro = 16;
inline constexpr int64_t rowsPerMacro = 2048;

} // namespace fetta

#endif // FETTA_MACHINE_ENERGYTABLE_H

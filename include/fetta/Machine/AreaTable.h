//===- AreaTable.h - Area of a machine --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Area is instances times table entries. As with energy, a table is a preset
/// file (machines/area) with a source and a range for every entry, and no entry
/// has a default (docs/Area.md, with what is left out).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_MACHINE_AREATABLE_H
#define FETTA_MACHINE_AREATABLE_H

#include "fetta/Machine/Machine.h"
#include "fetta/Machine/TableEntry.h"

#include <array>
#include <vector>

namespace fetta {

/// What takes area. The keys of the files stand in AreaTable.cpp.
enum class AreaComponent : uint8_t {
  PE,           ///< BF16 multiplier, FP32 adder, operand registers.
  AdderFP32,    ///< Of the reduction network and of the accumulators.
  Switch16,     ///< 2x2 switch of a distribution network.
  Switch32,     ///< 2x2 switch of the reduction network, without its adder.
  MemoryMacro,  ///< 64 KB, 256 bits wide.
  Accumulator,  ///< A KiB with a read and a write port.
  RouteStore,   ///< A KiB of route slots.
  StagingBuffer ///< A KiB of the DMA engines.
};
inline constexpr unsigned numAreaComponents =
    unsigned(AreaComponent::StagingBuffer) + 1;

struct AreaTable {
  std::string name;
  std::array<TableEntry, numAreaComponents> entries; ///< Square micrometres.

  const TableEntry &operator[](AreaComponent component) const {
    return entries[size_t(component)];
  }

  /// As EnergyTable::load, parse and preset, of machines/area.
  static llvm::Expected<AreaTable> load(llvm::StringRef path);
  static llvm::Expected<AreaTable> parse(llvm::StringRef text,
                                         llvm::StringRef name);
  static llvm::Expected<AreaTable> preset(llvm::StringRef name);
  static std::vector<std::string> presetNames();
};

/// The table that tools use unless told otherwise.
inline constexpr llvm::StringLiteral defaultAreaPreset = "scaled7nm";

/// A preset by its name, or a file that ends in .yaml; empty: the default.
llvm::Expected<AreaTable> areaTableFor(llvm::StringRef nameOrFile);

/// Key in the files, e.g. `switch_16bit`.
llvm::StringRef areaKey(AreaComponent component);

/// Instances in a machine; KiB are not rounded.
double instances(AreaComponent component, const Machine &machine);

/// Square millimetres of one component, and of all together.
FigureRange areaOf(AreaComponent component, const Machine &machine,
                   const AreaTable &table);
FigureRange areaOf(const Machine &machine, const AreaTable &table);

/// One line per component and the sum: what `fetta-sim machine FILE --explain`
/// prints behind the parameters.
void describeArea(const Machine &machine, const AreaTable &table,
                  llvm::raw_ostream &os);

} // namespace fetta

#endif // FETTA_MACHINE_AREATABLE_H

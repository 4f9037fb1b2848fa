//===- EnergyTable.cpp - Energy per event ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Machine/EnergyTable.h"
#include "TableReader.h"
#include "fetta/Support/YamlReader.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace fetta;

static constexpr llvm::StringLiteral eventKeys[] = {
    "multiply_bf16",          "add_fp32_column",       "add_fp32_reduction",
    "add_fp32_accumulator",   "switch_stage_16bit",    "switch_stage_32bit",
    "memory_macro_read",      "memory_macro_write",    "accumulator_read_word",
    "accumulator_write_word", "route_store_read_byte", "route_store_load_byte",
    "instruction_fetch_byte", "dram_transfer_byte",    "static_pe",
    "static_switch",          "static_memory_macro",   "static_accumulator_kib",
};
static_assert(std::size(eventKeys) == numEnergyEvents,
              "one key for every event");

llvm::StringRef fetta::energyKey(EnergyEvent event) {
  return eventKeys[size_t(event)];
}

llvm::StringRef fetta::energyUnit(EnergyEvent event) {
  return isStatic(event) ? "mw" : "pj";
}

int64_t fetta::instances(EnergyEvent event, const Machine &machine) {
  switch (event) {
  case EnergyEvent::StaticPE:
    return machine.pes();
  case EnergyEvent::StaticSwitch:
    // Stream, hold and reduction.
    return 3 * int64_t(machine.networkStages()) * (machine.lanes() / 2);
  case EnergyEvent::StaticMemoryMacro:
    return machine.slabs *
           int64_t(llvm::divideCeil(machine.lanes(), banksPerMacro) *
                   llvm::divideCeil(machine.rowsPerSlab, rowsPerMacro));
  case EnergyEvent::StaticAccumulatorKiB:
    return int64_t(llvm::divideCeil(
        2 * machine.accumulatorRows * machine.lanes() * 4, 1024));
  default:
    return 0;
  }
}

namespace {

/// The files of machines/energy.
struct Preset {
  llvm::StringLiteral name, text;
};
const Preset presets[] = {
#include "EnergyPresets.inc"
};

} // namespace

llvm::Expected<EnergyTable> EnergyTable::parse(llvm::StringRef text,
                                               llvm::StringRef name) {
  llvm::SmallVector<llvm::StringRef, 32> keys(std::begin(eventKeys),
                                              std::end(eventKeys));
  auto unit = [](size_t i) { return energyUnit(EnergyEvent(i)); };
  llvm::Expected<TableText> read =
      parseTable(text, name, {keys, unit, /*volts=*/true});
  if (!read)
    return read.takeError();
  EnergyTable table;
  table.name = std::move(read->name);
  std::move(read->entries.begin(), read->entries.end(), table.entries.begin());
  return table;
}

llvm::Expected<EnergyTable> EnergyTable::load(llvm::StringRef path) {
  llvm::Expected<std::string> text = yaml::readFile(path);
  if (!text)
    return text.takeError();
  return parse(*text, path == "-" ? "<stdin>" : path);
}

std::vector<std::string> EnergyTable::presetNames() {
  std::vector<std::string> names;
  for (const Preset &preset : presets)
    names.push_back(preset.name.str());
  return names;
}

llvm::Expected<EnergyTable> EnergyTable::preset(llvm::StringRef name) {
  for (const Preset &preset : presets)
    if (preset.name == name)
      return parse(preset.text, ("energy/" + name + ".yaml").str());
  return llvm::createStringError(
      "there is no energy preset '" + name +
      "'; there are: " + llvm::join(presetNames(), ", "));
}

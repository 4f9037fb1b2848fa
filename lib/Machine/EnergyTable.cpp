//===- EnergyTable.cpp - Energy per event ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Machine/EnergyTable.h"
#include "YamlReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

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

static constexpr llvm::StringRef methodWords[] = {"measured", "table", "scaled",
                                                  "assumed"};

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

llvm::Expected<double> number(const yaml::Node &entry, llvm::StringRef key) {
  const yaml::Node *node = entry.find(key);
  double value;
  if (node->isMapping || llvm::StringRef(node->scalar).getAsDouble(value) ||
      !std::isfinite(value) || value < 0)
    return yaml::errorAt(node->location,
                         "'" + key + "' must be a number that is not negative");
  return value;
}

llvm::Expected<llvm::StringRef> word(const yaml::Node &entry,
                                     llvm::StringRef key) {
  const yaml::Node *node = entry.find(key);
  if (node->isMapping || node->scalar.empty())
    return yaml::errorAt(node->location, "'" + key + "' must be a text");
  return llvm::StringRef(node->scalar);
}

llvm::Error parseEntry(const yaml::Node &node, EnergyEvent event,
                       EnergyEntry &entry) {
  static constexpr llvm::StringRef keys[] = {
      "value", "low", "high", "unit", "source", "node_nm", "volts", "method"};
  if (!node.isMapping)
    return yaml::errorAt(node.location,
                         "'" + energyKey(event) + "' must be a mapping with " +
                             llvm::join(llvm::ArrayRef(keys), ", "));
  if (llvm::Error error = yaml::checkKeys(node, keys, keys))
    return error;
  for (auto [key, member] :
       {std::pair<llvm::StringRef, double *>{"value", &entry.value},
        {"low", &entry.low},
        {"high", &entry.high},
        {"node_nm", &entry.nodeNanometres},
        {"volts", &entry.volts}}) {
    llvm::Expected<double> value = number(node, key);
    if (!value)
      return value.takeError();
    *member = *value;
  }
  if (entry.low > entry.value || entry.value > entry.high)
    return yaml::errorAt(node.find("value")->location,
                         "the value of '" + energyKey(event) +
                             "' must lie between 'low' and 'high'");
  llvm::Expected<llvm::StringRef> unit = word(node, "unit");
  if (!unit)
    return unit.takeError();
  if (*unit != energyUnit(event))
    return yaml::errorAt(node.find("unit")->location,
                         "the unit of '" + energyKey(event) + "' is '" + *unit +
                             "', it must be '" + energyUnit(event) + "'");
  llvm::Expected<llvm::StringRef> source = word(node, "source");
  if (!source)
    return source.takeError();
  entry.source = source->str();
  llvm::Expected<llvm::StringRef> method = word(node, "method");
  if (!method)
    return method.takeError();
  const auto *found = llvm::find(methodWords, *method);
  if (found == std::end(methodWords))
    return yaml::errorAt(node.find("method")->location,
                         "'method' is '" + *method + "', it must be one of: " +
                             llvm::join(llvm::ArrayRef(methodWords), ", "));
  entry.method = EnergyMethod(found - std::begin(methodWords));
  return llvm::Error::success();
}

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
  llvm::Expected<yaml::Node> root = yaml::parse(text, name);
  if (!root)
    return root.takeError();
  static constexpr llvm::StringRef keys[] = {"name", "entries"};
  if (llvm::Error error = yaml::checkKeys(*root, keys, keys))
    return error;
  EnergyTable table;
  llvm::Expected<llvm::StringRef> tableName = word(*root, "name");
  if (!tableName)
    return tableName.takeError();
  table.name = tableName->str();
  const yaml::Node &entries = *root->find("entries");
  if (!entries.isMapping)
    return yaml::errorAt(entries.location, "'entries' must be a mapping");
  llvm::SmallVector<llvm::StringRef, 32> events(std::begin(eventKeys),
                                                std::end(eventKeys));
  if (llvm::Error error = yaml::checkKeys(entries, events, events))
    return error;
  for (unsigned i = 0; i < numEnergyEvents; ++i)
    if (llvm::Error error = parseEntry(*entries.find(eventKeys[i]),
                                       EnergyEvent(i), table.entries[i]))
      return error;
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

//===- AreaTable.cpp - Area of a machine ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Machine/AreaTable.h"
#include "TableReader.h"
#include "fetta/Machine/EnergyTable.h"
#include "fetta/Support/YamlReader.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace fetta;

static constexpr llvm::StringRef componentKeys[] = {
    "pe",           "adder_fp32",      "switch_16bit",    "switch_32bit",
    "memory_macro", "accumulator_kib", "route_store_kib", "staging_kib"};
static_assert(std::size(componentKeys) == numAreaComponents,
              "one key for every component");

/// The files of machines/area.
static const struct {
  llvm::StringLiteral name, text;
} presets[] = {
#include "AreaPresets.inc"
};

llvm::StringRef fetta::areaKey(AreaComponent component) {
  return componentKeys[size_t(component)];
}

llvm::Expected<AreaTable> AreaTable::parse(llvm::StringRef text,
                                           llvm::StringRef name) {
  auto unit = [](size_t) { return llvm::StringRef("um2"); };
  llvm::Expected<TableText> read =
      parseTable(text, name, {componentKeys, unit, /*volts=*/false});
  if (!read)
    return read.takeError();
  AreaTable table;
  table.name = std::move(read->name);
  std::move(read->entries.begin(), read->entries.end(), table.entries.begin());
  return table;
}

llvm::Expected<AreaTable> AreaTable::load(llvm::StringRef path) {
  llvm::Expected<std::string> text = yaml::readFile(path);
  if (!text)
    return text.takeError();
  return parse(*text, path == "-" ? "<stdin>" : path);
}

std::vector<std::string> AreaTable::presetNames() {
  std::vector<std::string> names;
  for (const auto &preset : presets)
    names.push_back(preset.name.str());
  return names;
}

llvm::Expected<AreaTable> AreaTable::preset(llvm::StringRef name) {
  for (const auto &preset : presets)
    if (preset.name == name)
      return parse(preset.text, ("area/" + name + ".yaml").str());
  return llvm::createStringError(
      "there is no area preset '" + name +
      "'; there are: " + llvm::join(presetNames(), ", "));
}

llvm::Expected<AreaTable> fetta::areaTableFor(llvm::StringRef nameOrFile) {
  if (nameOrFile.ends_with(".yaml"))
    return AreaTable::load(nameOrFile);
  return AreaTable::preset(
      nameOrFile.empty() ? llvm::StringRef(defaultAreaPreset) : nameOrFile);
}

double fetta::instances(AreaComponent component, const Machine &machine) {
  double lanes = double(machine.lanes());
  double switches = double(machine.networkStages()) * lanes / 2;
  switch (component) {
  case AreaComponent::PE:
    return double(machine.pes());
  case AreaComponent::AdderFP32:
    // One in each switch of the p adding stages, one for each accumulator bank.
    return double(machine.laneBits()) * lanes / 2 + lanes;
  case AreaComponent::Switch16:
    return 2 * switches; // Stream and hold.
  case AreaComponent::Switch32:
    return switches;
  case AreaComponent::MemoryMacro:
    // A lower memory is a share of a macro: what counts are its bits.
    return double(machine.slabs) *
           double(llvm::divideCeil(machine.lanes(), banksPerMacro)) *
           double(machine.rowsPerSlab) / double(rowsPerMacro);
  case AreaComponent::Accumulator:
    return 2 * double(machine.accumulatorRows) * lanes * 4 / 1024;
  case AreaComponent::RouteStore:
    // Two bits a switch, and for each bank bit a mask over p stages.
    return 3 * double(machine.routeSlots) *
           (2 * switches + double(machine.laneBits()) * machine.laneBits()) /
           8 / 1024;
  case AreaComponent::StagingBuffer:
    return 2 * double(machine.stagingRows) * lanes * 2 / 1024;
  }
  llvm_unreachable("unknown component");
}

FigureRange fetta::areaOf(AreaComponent component, const Machine &machine,
                          const AreaTable &table) {
  FigureRange area;
  area.add(table[component], instances(component, machine) * 1e-6);
  return area;
}

FigureRange fetta::areaOf(const Machine &machine, const AreaTable &table) {
  FigureRange area;
  for (unsigned i = 0; i < numAreaComponents; ++i)
    area.add(areaOf(AreaComponent(i), machine, table));
  return area;
}

void fetta::describeArea(const Machine &machine, const AreaTable &table,
                         llvm::raw_ostream &os) {
  os << "\narea in mm2 (table " << table.name
     << "; modelled: no clock tree, control, vector unit, DRAM interface)\n"
     << llvm::formatv("  {0,-18}{1,12}{2,10}{3,10}{4,10}  {5}\n", "",
                      "instances", "nominal", "low", "high", "method");
  auto line = [&](llvm::StringRef what, const std::string &count,
                  const FigureRange &area, llvm::StringRef method) {
    std::string text =
        llvm::formatv("  {0,-18}{1,12}{2,10:F3}{3,10:F3}{4,10:F3}  {5}", what,
                      count, area.nominal, area.low, area.high, method);
    os << llvm::StringRef(text).rtrim() << '\n';
  };
  for (unsigned i = 0; i < numAreaComponents; ++i) {
    AreaComponent component = AreaComponent(i);
    double count = instances(component, machine);
    bool whole = count == double(int64_t(count));
    line(areaKey(component),
         whole ? std::to_string(int64_t(count))
               : llvm::formatv("{0:F1}", count).str(),
         areaOf(component, machine, table),
         methodName(table[component].method));
  }
  line("all", "", areaOf(machine, table), "");
}

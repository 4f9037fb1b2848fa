//===- Machine.cpp - Parameters of the modelled accelerator ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Machine/Machine.h"
#include "Fields.h"
#include "fetta/Machine/EnergyTable.h"
#include "fetta/Support/YamlReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/xxhash.h"

using namespace fetta;

/// Route words and bank numbers are stored in at most this many bits.
static constexpr unsigned maxLaneBits = 12;

llvm::Error Machine::check() const {
  for (const MachineField &field : machineFields())
    if (std::string complaint = field.complaint(field.get(*this));
        !complaint.empty())
      return llvm::createStringError(complaint);
  if (clockHz % 1000000 != 0)
    return llvm::createStringError("the clock must be a multiple of 1 MHz");
  if (laneBits() < 1 || laneBits() > maxLaneBits)
    return llvm::createStringError(
        "a network of %lld lanes (%lld CEs of max(%lld, %lld) positions) is "
        "out of range: between 2 and %u lanes are possible; change "
        "'contraction_engines', 'pe_rows' or 'pe_columns'",
        (long long)lanes(), (long long)ces(), (long long)peRows(),
        (long long)peColumns(), 1u << maxLaneBits);
  if (name.empty())
    return llvm::createStringError("the machine has no name");
  if (energyPreset.empty() || !llvm::all_of(energyPreset, [](char c) {
        return llvm::isAlnum(c) || c == '-' || c == '_';
      }))
    return llvm::createStringError(
        "'energy_preset' must name a preset, in letters, digits, '-' and '_'");
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Machine files
//===----------------------------------------------------------------------===//

namespace {

/// The value node of `key: {value: V, source: S}`; records S.
llvm::Expected<const yaml::Node *> sourcedValue(const yaml::Entry &entry,
                                                Machine &machine) {
  if (!entry.value.isMapping)
    return yaml::errorAt(entry.value.location,
                         "'" + entry.key + "' has no source; write {value: " +
                             entry.value.scalar +
                             ", source: \"where it comes from, or assumed\"}");
  static constexpr llvm::StringRef keys[] = {"value", "source"};
  if (llvm::Error error = yaml::checkKeys(entry.value, keys, keys))
    return error;
  for (llvm::StringRef key : keys) {
    const yaml::Node *node = entry.value.find(key);
    if (node->isMapping || node->scalar.empty())
      return yaml::errorAt(node->location, "the " + key + " of '" + entry.key +
                                               "' must be a word or number");
  }
  machine.sources[entry.key] = entry.value.find("source")->scalar;
  return entry.value.find("value");
}

/// The number a scalar stands for, or what is wrong with it.
llvm::Expected<int64_t> fieldValue(const MachineField &field,
                                   llvm::StringRef text) {
  int64_t value;
  if (!field.words.empty()) {
    const auto *word = llvm::find(field.words, text);
    if (word == field.words.end())
      return llvm::createStringError(
          "'" + field.key + "' is '" + text + "', it must be one of: " +
          llvm::join(field.words, ", ") + yaml::didYouMean(text, field.words));
    value = word - field.words.begin();
  } else if (text.getAsInteger(10, value)) {
    return llvm::createStringError("'" + field.key + "' is '" + text +
                                   "', it must be a whole number");
  }
  if (std::string complaint = field.complaint(value); !complaint.empty())
    return llvm::createStringError(complaint);
  return value;
}

const MachineField *findField(llvm::StringRef key) {
  for (const MachineField &field : machineFields())
    if (field.key == key)
      return &field;
  return nullptr;
}

llvm::SmallVector<llvm::StringRef, 32> allKeys() {
  llvm::SmallVector<llvm::StringRef, 32> keys = {nameKey};
  for (const MachineField &field : machineFields())
    keys.push_back(field.key);
  keys.push_back(energyPresetKey);
  return keys;
}

/// Presets are looked up here and in files only: a program may come from tools
/// with other presets built in, and runs with a table of its user's.
llvm::Error checkPreset(llvm::StringRef preset) {
  if (llvm::is_contained(EnergyTable::presetNames(), preset))
    return llvm::Error::success();
  return EnergyTable::preset(preset).takeError();
}

} // namespace

std::vector<llvm::StringRef> Machine::keys() {
  llvm::SmallVector<llvm::StringRef, 32> all = allKeys();
  return {all.begin() + 1, all.end()};
}

llvm::Error Machine::set(llvm::StringRef key, llvm::StringRef text) {
  if (key == energyPresetKey) {
    if (llvm::Error error = checkPreset(text))
      return error;
    energyPreset = text.str();
    return llvm::Error::success();
  }
  const MachineField *field = findField(key);
  if (!field)
    return llvm::createStringError("unknown key '" + key + "' of a machine" +
                                   yaml::didYouMean(key, keys()));
  llvm::Expected<int64_t> value = fieldValue(*field, text);
  if (!value)
    return value.takeError();
  field->set(*this, *value);
  return llvm::Error::success();
}

std::string Machine::get(llvm::StringRef key) const {
  return key == energyPresetKey ? energyPreset : findField(key)->text(*this);
}

llvm::Expected<Machine> Machine::parse(llvm::StringRef text,
                                       llvm::StringRef name) {
  llvm::Expected<yaml::Node> root = yaml::parse(text, name);
  if (!root)
    return root.takeError();
  llvm::SmallVector<llvm::StringRef, 32> keys = allKeys();
  if (llvm::Error error = yaml::checkKeys(*root, keys, keys))
    return error;
  Machine machine;
  const yaml::Node *preset = nullptr;
  for (const yaml::Entry &entry : root->entries) {
    if (entry.key == nameKey) {
      if (entry.value.isMapping || entry.value.scalar.empty())
        return yaml::errorAt(entry.value.location, "'name' must be a word");
      machine.name = entry.value.scalar;
      continue;
    }
    llvm::Expected<const yaml::Node *> node = sourcedValue(entry, machine);
    if (!node)
      return node.takeError();
    if (entry.key == energyPresetKey) {
      preset = *node;
      machine.energyPreset = preset->scalar;
      continue;
    }
    const MachineField *field = findField(entry.key);
    llvm::Expected<int64_t> value = fieldValue(*field, (*node)->scalar);
    if (!value)
      return yaml::errorAt((*node)->location, toString(value.takeError()));
    field->set(machine, *value);
  }
  if (llvm::Error error = machine.check())
    return yaml::errorAt(root->location, toString(std::move(error)));
  if (llvm::Error error = checkPreset(machine.energyPreset))
    return yaml::errorAt(preset->location, toString(std::move(error)));
  return machine;
}

llvm::Expected<Machine> Machine::load(llvm::StringRef path) {
  llvm::Expected<std::string> text = yaml::readFile(path);
  if (!text)
    return text.takeError();
  return parse(*text, path == "-" ? "<stdin>" : path);
}

//===----------------------------------------------------------------------===//
// Canonical JSON
//===----------------------------------------------------------------------===//

static llvm::json::Object toJson(const Machine &machine) {
  llvm::json::Object object;
  for (const MachineField &field : machineFields()) {
    if (field.words.empty())
      object[field.key] = field.get(machine);
    else
      object[field.key] = field.text(machine);
  }
  object[energyPresetKey] = machine.energyPreset;
  return object;
}

// json::Value prints objects with sorted keys.
static std::string print(llvm::json::Object object) {
  return llvm::formatv("{0}", llvm::json::Value(std::move(object))).str();
}

std::string Machine::canonicalJson() const {
  llvm::json::Object object = toJson(*this);
  object[nameKey] = name;
  return print(std::move(object));
}

uint64_t Machine::fingerprint() const {
  return llvm::xxh3_64bits(print(toJson(*this)));
}

llvm::Expected<Machine> Machine::fromJson(llvm::StringRef json) {
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(json);
  if (!value)
    return value.takeError();
  const llvm::json::Object *object = value->getAsObject();
  if (!object)
    return llvm::createStringError("a machine is a JSON object");
  llvm::SmallVector<llvm::StringRef, 32> keys = allKeys();
  for (const auto &entry : *object)
    if (!llvm::is_contained(keys, llvm::StringRef(entry.first)))
      return llvm::createStringError(
          "unknown key '" + llvm::StringRef(entry.first) + "' of a machine" +
          yaml::didYouMean(entry.first, keys));
  for (llvm::StringRef key : keys)
    if (!object->get(key))
      return llvm::createStringError("missing key '" + key + "' of a machine");
  Machine machine;
  for (const MachineField &field : machineFields()) {
    std::string text;
    if (std::optional<llvm::StringRef> word = object->getString(field.key))
      text = word->str();
    else if (std::optional<int64_t> number = object->getInteger(field.key))
      text = std::to_string(*number);
    llvm::Expected<int64_t> parsed = fieldValue(field, text);
    if (!parsed)
      return parsed.takeError();
    field.set(machine, *parsed);
  }
  for (auto [key, member] :
       {std::pair<llvm::StringRef, std::string *>{nameKey, &machine.name},
        {energyPresetKey, &machine.energyPreset}}) {
    std::optional<llvm::StringRef> word = object->getString(key);
    if (!word)
      return llvm::createStringError("'" + key + "' of a machine is no string");
    *member = word->str();
  }
  if (llvm::Error error = machine.check())
    return error;
  return machine;
}

//===- SweepReader.cpp - Reads a sweep file -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SweepReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace fetta;

/// Every index of the suite that counts tokens is X's first.
static constexpr llvm::StringLiteral tokensWord = "tokens";

namespace {
struct SuiteLayer {
  llvm::StringLiteral name, einsum, sizes;
};
} // namespace

static constexpr SuiteLayer suite[] = {
#define FETTA_LAYER(name, einsum, sizes, optimum, digits, source)              \
  {name, einsum, sizes},
#include "Suite.def"
#undef FETTA_LAYER
};

std::string SweepReader::besideFile(llvm::StringRef path) const {
  if (llvm::sys::path::is_absolute(path))
    return path.str();
  llvm::SmallString<128> result(llvm::sys::path::parent_path(spec.path));
  llvm::sys::path::append(result, path);
  return result.str().str();
}

llvm::Expected<llvm::StringRef> SweepReader::word(const yaml::Node &parent,
                                                  llvm::StringRef key) const {
  const yaml::Node *node = parent.find(key);
  if (node->isMapping || node->isSequence || node->scalar.empty())
    return yaml::errorAt(node->location, "'" + key + "' must be a word");
  return llvm::StringRef(node->scalar);
}

llvm::Error SweepReader::read() {
  static constexpr llvm::StringRef keys[] = {
      "machine", "set",       "mode",    "dram", "area", "layer",
      "order",   "objective", "layouts", "vary", "zip"};
  static constexpr llvm::StringRef required[] = {"machine", "layer"};
  if (llvm::Error error = yaml::checkKeys(root, keys, required))
    return error;
  if (llvm::Error error = readModes())
    return error;
  if (llvm::Error error = readMachine())
    return error;
  if (llvm::Error error = readLayer(*root.find("layer")))
    return error;
  return readAxes();
}

llvm::Error SweepReader::readModes() {
  auto choose = [&](llvm::StringRef key, llvm::StringRef first,
                    llvm::StringRef second) -> llvm::Expected<bool> {
    if (!root.find(key))
      return false;
    llvm::Expected<llvm::StringRef> value = word(root, key);
    if (!value)
      return value.takeError();
    if (*value != first && *value != second)
      return yaml::errorAt(root.find(key)->location,
                           "'" + key + "' is '" + *value + "', it must be " +
                               first + " or " + second +
                               yaml::didYouMean(*value, {first, second}));
    return *value == second;
  };
  llvm::Expected<bool> scheduled = choose("mode", "cost-model", "scheduled");
  if (!scheduled)
    return scheduled.takeError();
  spec.mode = *scheduled ? SweepMode::Scheduled : SweepMode::CostModel;
  llvm::Expected<bool> ideal = choose("dram", "bandwidth", "ideal");
  if (!ideal)
    return ideal.takeError();
  spec.dram = *ideal ? DramModel::Ideal : DramModel::Bandwidth;
  for (auto [key, kind] : {std::pair<llvm::StringRef, SweepTarget::Kind>{
                               "order", SweepTarget::Order},
                           {"objective", SweepTarget::Objective},
                           {"layouts", SweepTarget::Layouts}}) {
    if (!root.find(key))
      continue;
    llvm::Expected<llvm::StringRef> value = word(root, key);
    if (!value)
      return value.takeError();
    if (llvm::Error error = setOrderKey(kind, *value, spec.order, spec.layouts))
      return yaml::errorAt(root.find(key)->location,
                           toString(std::move(error)));
  }
  return llvm::Error::success();
}

llvm::Error SweepReader::readMachine() {
  llvm::Expected<llvm::StringRef> path = word(root, "machine");
  if (!path)
    return path.takeError();
  llvm::Expected<Machine> machine = Machine::load(besideFile(*path));
  if (!machine)
    return machine.takeError();
  spec.machine = std::move(*machine);
  if (const yaml::Node *set = root.find("set")) {
    if (!set->isMapping)
      return yaml::errorAt(set->location,
                           "'set' must be a mapping of machine keys to values");
    for (const yaml::Entry &entry : set->entries)
      if (llvm::Error error = spec.machine.set(entry.key, entry.value.scalar))
        return yaml::errorAt(entry.location, toString(std::move(error)));
    if (llvm::Error error = spec.machine.check())
      return yaml::errorAt(set->location, toString(std::move(error)));
  }
  std::string area;
  if (root.find("area")) {
    llvm::Expected<llvm::StringRef> value = word(root, "area");
    if (!value)
      return value.takeError();
    area = value->ends_with(".yaml") ? besideFile(*value) : value->str();
  }
  llvm::Expected<AreaTable> table = areaTableFor(area);
  if (!table)
    return root.find("area") ? yaml::errorAt(root.find("area")->location,
                                             toString(table.takeError()))
                             : table.takeError();
  spec.area = std::move(*table);
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Layer
//===----------------------------------------------------------------------===//

llvm::Error SweepReader::readLayer(const yaml::Node &layer) {
  static constexpr llvm::StringRef keys[] = {"einsum", "suite", "model",
                                             "name",   "sizes", "parameters"};
  if (!layer.isMapping)
    return yaml::errorAt(layer.location,
                         "'layer' must be a mapping with einsum and sizes, or "
                         "suite, or model");
  if (llvm::Error error = yaml::checkKeys(layer, keys, {}))
    return error;
  unsigned given = 0;
  for (llvm::StringRef key : {"einsum", "suite", "model"})
    given += layer.find(key) != nullptr;
  if (given != 1)
    return yaml::errorAt(layer.location, "a layer has one of einsum (with "
                                         "sizes), suite and model");
  if (layer.find("name")) {
    llvm::Expected<llvm::StringRef> name = word(layer, "name");
    if (!name)
      return name.takeError();
    spec.layerName = name->str();
  }
  if (const yaml::Node *model = layer.find("model")) {
    if (spec.mode != SweepMode::Scheduled)
      return yaml::errorAt(model->location,
                           "a model file is compiled: it needs mode: "
                           "scheduled; the cost model takes an einsum");
    for (llvm::StringRef key : {"sizes", "parameters"})
      if (const yaml::Node *node = layer.find(key))
        return yaml::errorAt(node->location, "a model file has its own sizes; "
                                             "give an einsum to vary them");
    llvm::Expected<llvm::StringRef> path = word(layer, "model");
    if (!path)
      return path.takeError();
    spec.modelPath = besideFile(*path);
    llvm::Expected<std::string> text = yaml::readFile(spec.modelPath);
    if (!text)
      return yaml::errorAt(model->location, toString(text.takeError()));
    spec.modelText = std::move(*text);
    if (spec.layerName.empty())
      spec.layerName = llvm::sys::path::filename(spec.modelPath).str();
    return llvm::Error::success();
  }
  llvm::StringRef sizes;
  std::string einsum;
  const yaml::Node *source = layer.find("einsum");
  if (source) {
    llvm::Expected<llvm::StringRef> text = word(layer, "einsum");
    if (!text)
      return text.takeError();
    einsum = text->str();
    if (spec.layerName.empty())
      spec.layerName = einsum;
  } else {
    source = layer.find("suite");
    llvm::Expected<llvm::StringRef> name = word(layer, "suite");
    if (!name)
      return name.takeError();
    const SuiteLayer *found = llvm::find_if(
        suite, [&](const SuiteLayer &entry) { return entry.name == *name; });
    if (found == std::end(suite)) {
      llvm::SmallVector<llvm::StringRef, 24> names;
      for (const SuiteLayer &entry : suite)
        names.push_back(entry.name);
      return yaml::errorAt(source->location,
                           "there is no layer '" + *name + "' in the suite" +
                               yaml::didYouMean(*name, names) +
                               "; there are: " + llvm::join(names, ", "));
    }
    einsum = found->einsum.str();
    sizes = found->sizes;
    if (spec.layerName.empty())
      spec.layerName = name->str();
  }
  llvm::Expected<EinsumSpec> parsed =
      parseEinsum(einsum, {source->location.file, source->location.line,
                           source->location.column});
  if (!parsed)
    return parsed.takeError();
  spec.layer.einsum = std::move(*parsed);
  spec.layer.sizes.assign(spec.layer.einsum.names.size(), 0);
  return readSizes(layer, sizes);
}

llvm::Error SweepReader::readSizes(const yaml::Node &layer,
                                   llvm::StringRef known) {
  const std::vector<std::string> &names = spec.layer.einsum.names;
  llvm::SmallVector<llvm::StringRef, 24> nameRefs(names.begin(), names.end());
  // Sizes of a suite's layer: "a=32,b=8".
  llvm::SmallVector<llvm::StringRef, 24> parts;
  known.split(parts, ',', -1, false);
  for (llvm::StringRef part : parts) {
    auto [name, size] = part.split('=');
    auto index = unsigned(llvm::find(names, name) - names.begin());
    if (llvm::Error error = setLayerSize(spec.layer, index, size))
      return error;
  }
  std::map<std::string, const yaml::Node *> values;
  if (const yaml::Node *node = layer.find("parameters")) {
    if (!node->isMapping)
      return yaml::errorAt(node->location,
                           "'parameters' must be a mapping of names to sizes");
    for (const yaml::Entry &entry : node->entries) {
      if (llvm::is_contained(Machine::keys(), entry.key))
        return yaml::errorAt(entry.location, "parameter '" + entry.key +
                                                 "' has the name of a key of "
                                                 "machine files");
      values[entry.key] = &entry.value;
      parameters[entry.key];
    }
  }
  if (const yaml::Node *node = layer.find("sizes")) {
    if (!node->isMapping)
      return yaml::errorAt(node->location, "'sizes' must be a mapping of "
                                           "indices to sizes or parameters");
    for (const yaml::Entry &entry : node->entries) {
      auto index = unsigned(llvm::find(names, entry.key) - names.begin());
      if (index == names.size())
        return yaml::errorAt(entry.location,
                             "the einsum has no index '" + entry.key + "'" +
                                 yaml::didYouMean(entry.key, nameRefs));
      const yaml::Node *size = &entry.value;
      auto parameter = values.find(size->scalar);
      if (parameter != values.end()) {
        parameters[parameter->first].push_back(index);
        size = parameter->second;
      }
      if (llvm::Error error = setLayerSize(spec.layer, index, size->scalar)) {
        std::string message = toString(std::move(error));
        if (parameter == values.end() && !values.empty()) {
          llvm::SmallVector<llvm::StringRef> known;
          for (const auto &[name, value] : values)
            known.push_back(name);
          message += ", or a parameter: " + llvm::join(known, ", ") +
                     yaml::didYouMean(size->scalar, known);
        }
        return yaml::errorAt(size->location, message);
      }
    }
  }
  for (const auto &[name, indices] : parameters)
    if (indices.empty())
      return yaml::errorAt(values[name]->location,
                           "no size uses parameter '" + name + "'");
  for (auto [name, size] : llvm::zip_equal(names, spec.layer.sizes))
    if (size == 0)
      return yaml::errorAt(layer.location, "index '" + name + "' has no size");
  // X's first index, unless that name is taken.
  if (!llvm::is_contained(names, tokensWord.str()) &&
      !spec.layer.einsum.operands.front().empty() &&
      parameters[tokensWord.str()].empty())
    parameters[tokensWord.str()].push_back(
        spec.layer.einsum.operands.front().front());
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

llvm::Expected<llvm::SmallVector<SweepTarget, 4>>
SweepReader::targetsOf(llvm::StringRef name,
                       const yaml::Location &location) const {
  std::vector<llvm::StringRef> machineKeys = Machine::keys();
  if (llvm::is_contained(machineKeys, name))
    return llvm::SmallVector<SweepTarget, 4>{
        {SweepTarget::MachineKey, name.str()}};
  for (auto [key, kind] : {std::pair<llvm::StringRef, SweepTarget::Kind>{
                               "order", SweepTarget::Order},
                           {"objective", SweepTarget::Objective},
                           {"layouts", SweepTarget::Layouts}})
    if (name == key)
      return llvm::SmallVector<SweepTarget, 4>{{kind, ""}};
  llvm::SmallVector<SweepTarget, 4> targets;
  if (auto it = parameters.find(name.str()); it != parameters.end()) {
    for (unsigned index : it->second)
      targets.push_back({SweepTarget::Size, "", index});
    return targets;
  }
  const std::vector<std::string> &names = spec.layer.einsum.names;
  auto index = unsigned(llvm::find(names, name) - names.begin());
  if (index < names.size()) {
    targets.push_back({SweepTarget::Size, "", index});
    return targets;
  }
  std::vector<llvm::StringRef> all = machineKeys;
  all.insert(all.end(), {"order", "objective", "layouts"});
  for (const auto &parameter : parameters)
    all.push_back(parameter.first);
  all.insert(all.end(), names.begin(), names.end());
  return yaml::errorAt(
      location, "unknown key '" + name + "'" + yaml::didYouMean(name, all) +
                    (spec.modelPath.empty()
                         ? "; a sweep varies keys of the machine file, "
                           "order, objective, layouts, parameters and "
                           "indices of the layer"
                         : "; with a model file a sweep varies keys of "
                           "the machine file, order and layouts"));
}

/// What is wrong with a value wherever it stands. A number that is out of range
/// is wrong for its points alone.
llvm::Error SweepReader::checkValue(const SweepTarget &target,
                                    llvm::StringRef value,
                                    const yaml::Location &location) const {
  int64_t number;
  bool isNumber = !value.getAsInteger(10, number);
  if (target.kind == SweepTarget::Size) {
    Layer layer = spec.layer;
    if (llvm::Error error = setLayerSize(layer, target.index, value))
      return yaml::errorAt(location, toString(std::move(error)));
  } else if (target.kind == SweepTarget::MachineKey) {
    Machine machine = spec.machine;
    llvm::Error error = machine.set(target.machineKey, value);
    if (!error || isNumber) {
      llvm::consumeError(std::move(error));
      return llvm::Error::success();
    }
    return yaml::errorAt(location, toString(std::move(error)));
  } else {
    OrderChoice order = spec.order;
    LayoutChoice layouts;
    if (llvm::Error error = setOrderKey(target.kind, value, order, layouts))
      return yaml::errorAt(location, toString(std::move(error)));
  }
  return llvm::Error::success();
}

llvm::Error SweepReader::addColumn(const yaml::Entry &entry, SweepAxis &axis) {
  SweepColumn column;
  llvm::SmallVector<llvm::StringRef, 4> words;
  llvm::SplitString(entry.key, words);
  for (llvm::StringRef name : words) {
    if (!varied.insert(name.str()).second)
      return yaml::errorAt(entry.location, "'" + name + "' varies twice");
    llvm::Expected<llvm::SmallVector<SweepTarget, 4>> targets =
        targetsOf(name, entry.location);
    if (!targets)
      return targets.takeError();
    for (SweepTarget &target : *targets) {
      for (const SweepColumn &other : spec.columns)
        for (const SweepTarget &known : other.targets)
          if (known.kind == SweepTarget::Size &&
              target.kind == SweepTarget::Size && known.index == target.index)
            return yaml::errorAt(entry.location,
                                 "the size of '" +
                                     spec.layer.einsum.names[target.index] +
                                     "' varies twice: as '" + other.name +
                                     "' and as '" + name + "'");
      column.targets.push_back(std::move(target));
    }
    column.name += (column.name.empty() ? "" : "+") + name.str();
  }
  if (words.empty())
    return yaml::errorAt(entry.location, "a key is missing");
  llvm::Expected<std::vector<std::string>> values = expandValues(entry.value);
  if (!values)
    return values.takeError();
  for (const SweepTarget &target : column.targets)
    for (const std::string &value : *values)
      if (llvm::Error error = checkValue(target, value, entry.value.location))
        return error;
  axis.columns.push_back(unsigned(spec.columns.size()));
  axis.values.push_back(std::move(*values));
  spec.columns.push_back(std::move(column));
  return llvm::Error::success();
}

llvm::Error SweepReader::readAxes() {
  for (llvm::StringRef key : {"vary", "zip"})
    if (const yaml::Node *node = root.find(key); node && !node->isMapping)
      return yaml::errorAt(node->location,
                           "'" + key + "' must be a mapping of keys to values");
  if (const yaml::Node *vary = root.find("vary"))
    for (const yaml::Entry &entry : vary->entries) {
      SweepAxis axis;
      if (llvm::Error error = addColumn(entry, axis))
        return error;
      spec.axes.push_back(std::move(axis));
    }
  if (const yaml::Node *zip = root.find("zip")) {
    SweepAxis axis;
    for (const yaml::Entry &entry : zip->entries) {
      if (llvm::Error error = addColumn(entry, axis))
        return error;
      if (axis.values.back().size() != axis.size())
        return yaml::errorAt(
            entry.value.location,
            "the lists of 'zip' advance together and must be equally long: '" +
                zip->entries.front().key + "' has " + llvm::Twine(axis.size()) +
                " values, '" + entry.key + "' has " +
                llvm::Twine(axis.values.back().size()));
    }
    if (!axis.columns.empty())
      spec.axes.push_back(std::move(axis));
  }
  return llvm::Error::success();
}

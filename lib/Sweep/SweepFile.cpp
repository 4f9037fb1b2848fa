//===- SweepFile.cpp - What a sweep varies --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SweepReader.h"
#include "fetta/Sweep/CostModel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace fetta;

/// Beyond this, products of sizes leave 64 bits anyway.
static constexpr int64_t maxSize = int64_t(1) << 40;

uint64_t SweepSpec::pointCount() const {
  uint64_t count = 1;
  for (const SweepAxis &axis : axes)
    if (__builtin_mul_overflow(count, uint64_t(axis.size()), &count))
      return tooMany;
  return count;
}

std::vector<llvm::StringRef> SweepSpec::valuesOf(uint64_t point) const {
  std::vector<llvm::StringRef> values(columns.size());
  for (const SweepAxis &axis : llvm::reverse(axes)) {
    size_t step = point % axis.size();
    point /= axis.size();
    for (auto [i, column] : llvm::enumerate(axis.columns))
      values[column] = axis.values[i][step];
  }
  return values;
}

bool SweepSpec::changesMapping(const SweepAxis &axis) const {
  bool modelled = order.model.has_value();
  for (const SweepAxis &other : axes)
    for (auto [i, column] : llvm::enumerate(other.columns))
      for (const SweepTarget &target : columns[column].targets)
        modelled |= target.kind == SweepTarget::Objective &&
                    llvm::any_of(other.values[i], [](const auto &value) {
                      return parseModelObjective(value).has_value();
                    });
  return llvm::any_of(axis.columns, [&](unsigned column) {
    return llvm::any_of(columns[column].targets, [&](const SweepTarget &t) {
      // The order may depend on the price of energy, with static power.
      return t.kind != SweepTarget::MachineKey ||
             !llvm::is_contained(keysBesideMapping(), t.machineKey) ||
             (modelled &&
              (t.machineKey == "energy_preset" || t.machineKey == "clock_mhz"));
    });
  });
}

llvm::Error fetta::setOrderKey(SweepTarget::Kind kind, llvm::StringRef value,
                               OrderChoice &order, LayoutChoice &layouts) {
  if (kind == SweepTarget::Order) {
    std::optional<ContractionOrder> found = parseContractionOrder(value);
    if (!found || *found == ContractionOrder::Given) {
      llvm::SmallVector<llvm::StringRef> names;
      for (const ContractionOrderName &entry : contractionOrderNames())
        if (entry.order != ContractionOrder::Given)
          names.push_back(entry.name);
      return makeError("'order' is '{0}', it must be one of: {1}{2}", value,
                       llvm::join(names, ", "), yaml::didYouMean(value, names));
    }
    order.order = *found;
  } else if (kind == SweepTarget::Objective) {
    std::optional<Objective> found = parseObjective(value);
    order.model = parseModelObjective(value);
    if (!found && !order.model)
      return makeError("'objective' is '{0}', it must be {1}", value,
                       listObjectives());
    order.objective = found.value_or(Objective());
    order.objectiveName = value.str();
  } else {
    if (value != "joint" && value != "separate")
      return makeError("'layouts' is '{0}', it must be joint or separate",
                       value);
    layouts = value == "joint" ? LayoutChoice::Joint : LayoutChoice::Separate;
  }
  return llvm::Error::success();
}

llvm::Error fetta::setLayerSize(Layer &layer, unsigned index,
                                llvm::StringRef value) {
  int64_t size;
  if (value.getAsInteger(10, size) || size < 1 || size > maxSize)
    return makeError("the size of '{0}' is '{1}', it must be a whole number "
                     "from 1 to 2^40",
                     layer.einsum.names[index], value);
  layer.sizes[index] = size;
  return llvm::Error::success();
}

llvm::Expected<SweepPoint> SweepSpec::resolve(uint64_t number) const {
  SweepPoint point{machine, layer, order, layouts};
  std::vector<llvm::StringRef> values = valuesOf(number);
  for (auto [column, value] : llvm::zip_equal(columns, values))
    for (const SweepTarget &target : column.targets) {
      llvm::Error error =
          target.kind == SweepTarget::MachineKey
              ? point.machine.set(target.machineKey, value)
          : target.kind == SweepTarget::Size
              ? setLayerSize(point.layer, target.index, value)
              : setOrderKey(target.kind, value, point.order, point.layouts);
      if (error)
        return error;
    }
  if (llvm::Error error = point.machine.check())
    return error;
  return point;
}

std::string SweepSpec::workloadOf(uint64_t number) const {
  std::string text;
  std::vector<llvm::StringRef> values = valuesOf(number);
  for (auto [column, value] : llvm::zip_equal(columns, values))
    if (column.targets.front().kind == SweepTarget::Size ||
        column.targets.front().machineKey == "energy_preset")
      text += (text.empty() ? "" : " ") + column.name + "=" + value.str();
  return text;
}

llvm::Expected<SweepSpec> SweepSpec::parse(llvm::StringRef text,
                                           llvm::StringRef path) {
  llvm::Expected<yaml::Node> root = yaml::parse(
      text, path == "-" ? "<stdin>" : path, yaml::Sequences::Allowed);
  if (!root)
    return root.takeError();
  SweepSpec spec;
  spec.path = path.str();
  spec.text = text.str();
  if (llvm::Error error = SweepReader(*root, spec).read())
    return error;
  return spec;
}

llvm::Expected<SweepSpec> SweepSpec::load(llvm::StringRef path) {
  llvm::Expected<std::string> text = yaml::readFile(path);
  if (!text)
    return text.takeError();
  return parse(*text, path);
}

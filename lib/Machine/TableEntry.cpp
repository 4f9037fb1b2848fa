//===- TableEntry.cpp - Figures with a range and a source -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Machine/TableEntry.h"
#include "TableReader.h"
#include "fetta/Support/YamlReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace fetta;

static constexpr llvm::StringRef methodWords[] = {"measured", "table", "scaled",
                                                  "assumed"};

llvm::StringRef fetta::methodName(TableMethod method) {
  return methodWords[size_t(method)];
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

llvm::Error parseEntry(const yaml::Node &node, llvm::StringRef key,
                       llvm::StringRef unit, bool volts, TableEntry &entry) {
  llvm::SmallVector<llvm::StringRef, 8> keys = {
      "value", "low", "high", "unit", "source", "node_nm", "method"};
  if (volts)
    keys.insert(keys.end() - 1, "volts");
  if (!node.isMapping)
    return yaml::errorAt(node.location, "'" + key +
                                            "' must be a mapping with " +
                                            llvm::join(keys, ", "));
  if (llvm::Error error = yaml::checkKeys(node, keys, keys))
    return error;
  for (auto [name, member] :
       {std::pair<llvm::StringRef, double *>{"value", &entry.value},
        {"low", &entry.low},
        {"high", &entry.high},
        {"node_nm", &entry.nodeNanometres},
        {"volts", &entry.volts}}) {
    if (!llvm::is_contained(keys, name))
      continue;
    llvm::Expected<double> value = number(node, name);
    if (!value)
      return value.takeError();
    *member = *value;
  }
  if (entry.low > entry.value || entry.value > entry.high)
    return yaml::errorAt(node.find("value")->location,
                         "the value of '" + key +
                             "' must lie between 'low' and 'high'");
  llvm::Expected<llvm::StringRef> found = word(node, "unit");
  if (!found)
    return found.takeError();
  if (*found != unit)
    return yaml::errorAt(node.find("unit")->location,
                         "the unit of '" + key + "' is '" + *found +
                             "', it must be '" + unit + "'");
  llvm::Expected<llvm::StringRef> source = word(node, "source");
  if (!source)
    return source.takeError();
  entry.source = source->str();
  llvm::Expected<llvm::StringRef> method = word(node, "method");
  if (!method)
    return method.takeError();
  const auto *known = llvm::find(methodWords, *method);
  if (known == std::end(methodWords))
    return yaml::errorAt(node.find("method")->location,
                         "'method' is '" + *method + "', it must be one of: " +
                             llvm::join(llvm::ArrayRef(methodWords), ", "));
  entry.method = TableMethod(known - std::begin(methodWords));
  return llvm::Error::success();
}

} // namespace

llvm::Expected<TableText> fetta::parseTable(llvm::StringRef text,
                                            llvm::StringRef name,
                                            const TableFormat &format) {
  llvm::Expected<yaml::Node> root = yaml::parse(text, name);
  if (!root)
    return root.takeError();
  static constexpr llvm::StringRef topKeys[] = {"name", "entries"};
  if (llvm::Error error = yaml::checkKeys(*root, topKeys, topKeys))
    return error;
  TableText table;
  llvm::Expected<llvm::StringRef> tableName = word(*root, "name");
  if (!tableName)
    return tableName.takeError();
  table.name = tableName->str();
  const yaml::Node &entries = *root->find("entries");
  if (!entries.isMapping)
    return yaml::errorAt(entries.location, "'entries' must be a mapping");
  if (llvm::Error error = yaml::checkKeys(entries, format.keys, format.keys))
    return error;
  table.entries.resize(format.keys.size());
  for (size_t i = 0; i < format.keys.size(); ++i)
    if (llvm::Error error =
            parseEntry(*entries.find(format.keys[i]), format.keys[i],
                       format.unit(i), format.volts, table.entries[i]))
      return error;
  return table;
}

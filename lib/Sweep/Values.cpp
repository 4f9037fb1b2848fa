//===- Values.cpp - Lists and ranges of a sweep ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/SweepFile.h"

using namespace fetta;

static constexpr size_t maxValues = 1000000;

static llvm::Error tooManyValues(const yaml::Node &node) {
  return yaml::errorAt(node.location, "more than " + llvm::Twine(maxValues) +
                                          " values on one axis");
}

/// "A..B", "A..B +N" or "A..B xN"; nothing if the text is no range.
static llvm::Expected<std::optional<std::vector<std::string>>>
expandRange(const yaml::Node &node) {
  llvm::StringRef text = llvm::StringRef(node.scalar).trim();
  auto [from, rest] = text.split("..");
  if (rest.empty() && !text.contains(".."))
    return std::nullopt;
  auto refuse = [&](const llvm::Twine &what) {
    return yaml::errorAt(node.location, "range '" + text + "': " + what);
  };
  auto [to, step] = rest.trim().split(' ');
  step = step.trim();
  int64_t first, last, by = 1;
  if (from.trim().getAsInteger(10, first) || to.getAsInteger(10, last))
    return refuse("expected FROM..TO, FROM..TO +STEP or FROM..TO xFACTOR with "
                  "whole numbers, e.g. 2..64 x2");
  bool factor = step.consume_front("x");
  if (!step.empty() || factor) {
    if (!factor && !step.consume_front("+"))
      return refuse("a step is written +N, a factor xN");
    if (step.trim().getAsInteger(10, by) || by < (factor ? 2 : 1))
      return refuse(factor ? "a factor is a whole number from 2 on"
                           : "a step is a whole number from 1 on");
  }
  if (first > last)
    return refuse("it is empty: " + llvm::Twine(first) + " is beyond " +
                  llvm::Twine(last));
  if (factor && first < 1)
    return refuse("it never ends: a range with a factor starts at 1 or above");
  std::vector<std::string> values;
  for (int64_t value = first;;) {
    values.push_back(std::to_string(value));
    if (values.size() > maxValues)
      return tooManyValues(node);
    int64_t next;
    if ((factor ? __builtin_mul_overflow(value, by, &next)
                : __builtin_add_overflow(value, by, &next)) ||
        next > last)
      break;
    value = next;
  }
  return values;
}

llvm::Expected<std::vector<std::string>>
fetta::expandValues(const yaml::Node &node) {
  if (node.isMapping)
    return yaml::errorAt(node.location,
                         "expected a value, a list [A, B, ...] or a range "
                         "FROM..TO xFACTOR");
  std::vector<std::string> values;
  if (!node.isSequence) {
    llvm::Expected<std::optional<std::vector<std::string>>> range =
        expandRange(node);
    if (!range)
      return range.takeError();
    if (*range)
      return std::move(**range);
    if (node.scalar.empty())
      return yaml::errorAt(node.location, "a value is missing");
    values.push_back(node.scalar);
    return values;
  }
  for (const yaml::Node &item : node.items) {
    if (item.isMapping || item.isSequence)
      return yaml::errorAt(item.location, "a list holds values and ranges");
    llvm::Expected<std::vector<std::string>> part = expandValues(item);
    if (!part)
      return part.takeError();
    values.insert(values.end(), part->begin(), part->end());
    if (values.size() > maxValues)
      return tooManyValues(node);
  }
  if (values.empty())
    return yaml::errorAt(node.location, "the list is empty");
  return values;
}

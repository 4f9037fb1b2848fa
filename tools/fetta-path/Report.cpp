//===- Report.cpp - What fetta-path prints --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "fetta/Contraction/Path.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

using namespace llvm;
using namespace fetta;

/// The keys of the JSON object and their meaning; raised when either changes.
static constexpr int64_t schemaVersion = 1;

/// 1234567 as 1,234,567.
static std::string groupDigits(Cost cost) {
  std::string digits = toString(cost);
  for (int position = static_cast<int>(digits.size()) - 3; position > 0;
       position -= 3)
    digits.insert(position, ",");
  return digits;
}

namespace {

/// Spells index lists the way the einsum does.
class Spelling {
public:
  Spelling(const PathReport &report)
      : network(report.prepared.network), named(report.spec.namedModes) {}
  std::string list(ArrayRef<unsigned> indices) const {
    return network.formatIndices(indices, named ? " " : "");
  }
  StringRef comma() const { return named ? ", " : ","; }
  StringRef arrow() const { return named ? " -> " : "->"; }

private:
  const ClosedNetwork &network;
  bool named;
};

/// Columns as wide as their widest entry.
class Table {
public:
  explicit Table(SmallVector<std::string> header) {
    rows.push_back(std::move(header));
  }
  void add(SmallVector<std::string> row) { rows.push_back(std::move(row)); }
  /// The first \p numRight columns are flush right.
  void print(raw_ostream &os, size_t numRight) const {
    for (const auto &row : rows) {
      std::string line;
      for (auto [column, text] : enumerate(row)) {
        size_t width = 0;
        for (const auto &other : rows)
          width = std::max(width, other[column].size());
        std::string padding(width - text.size(), ' ');
        line += column == 0 ? "" : "  ";
        line += column < numRight ? padding + text : text + padding;
      }
      os << StringRef(line).rtrim() << '\n';
    }
  }

private:
  std::vector<SmallVector<std::string>> rows;
};

} // namespace

static std::string describeCertificate(const PathReport &report) {
  const SearchResult &result = report.result;
  if (result.proven)
    return std::string("proven optimal over all trees, outer products "
                       "included; ") +
           (report.optimalityChecked
                ? "independently checked"
                : "not independently checked (see --check-limit)");
  std::string text = "not proven";
  if (!result.reason.empty())
    text += " (" + result.reason + ")";
  text += "; no tree costs less than " + groupDigits(result.lowerBound);
  if (result.lowerBound != 0) {
    raw_string_ostream os(text);
    os << format(" (gap %.4gx)",
                 toDouble(result.flops) / toDouble(result.lowerBound));
  }
  return text;
}

/// The whole einsum as one loop nest, as opt_einsum's "naive" count.
static std::optional<Cost> naiveCost(const ClosedNetwork &network) {
  IndexList all;
  for (unsigned index : seq<unsigned>(0, network.getIndices().size()))
    if (network.ends(index).any())
      all.push_back(index);
  return network.volume(all);
}

static void printSteps(const PathReport &report, raw_ostream &os) {
  const ClosedNetwork &network = report.prepared.network;
  const ContractionTree &tree = report.result.tree;
  if (tree.getSteps().empty())
    return;
  Spelling spelling(report);
  // Operands keep their own order of indices; results are in index order.
  std::vector<std::string> nameOf;
  std::vector<unsigned> present;
  for (auto [leaf, indices] : enumerate(network.getLeaves())) {
    nameOf.push_back(spelling.list(indices));
    if (leaf != tree.rootLeaf())
      present.push_back(leaf);
  }
  std::string output = nameOf[tree.rootLeaf()];
  Table table({"step", "operands", "multiply-adds", "share", "result elements",
               "contraction", "remaining"});
  ContractionPath path = tree.linearPath();
  for (auto [number, step] : enumerate(tree.getSteps())) {
    const StepCost &cost = report.cost.steps[number];
    bool isLast = number + 1 == tree.getSteps().size();
    nameOf.push_back(isLast ? output : spelling.list(cost.result));
    erase_if(present, [&](unsigned value) {
      return value == step.lhs || value == step.rhs;
    });
    present.push_back(network.numLeaves() + number);
    std::string share;
    raw_string_ostream(share) << format(
        "%.1f%%", 100 * toDouble(cost.flops) / toDouble(report.cost.flops));
    std::string remaining =
        join(map_range(present,
                       [&](unsigned value) -> const std::string & {
                         return nameOf[value];
                       }),
             spelling.comma());
    table.add({std::to_string(number),
               "(" + std::to_string(path[number][0]) + ", " +
                   std::to_string(path[number][1]) + ")",
               groupDigits(cost.flops), share, groupDigits(cost.resultVolume),
               nameOf[step.lhs] + spelling.comma().str() + nameOf[step.rhs] +
                   spelling.arrow().str() + nameOf.back(),
               remaining + spelling.arrow().str() + output});
  }
  os << '\n';
  table.print(os, /*numRight=*/5);
}

void fetta::printText(const PathReport &report, raw_ostream &os) {
  const ClosedNetwork &network = report.prepared.network;
  auto field = [&](StringRef name) -> raw_ostream & {
    return os << left_justify(name, 21) << "  ";
  };
  field("einsum") << formatEinsum(report.spec) << '\n';
  field("order") << stringifyContractionOrder(report.order) << '\n';
  field("path") << formatContractionPath(report.result.tree.linearPath())
                << '\n';
  field("multiply-adds") << groupDigits(report.cost.flops) << '\n';
  std::optional<Cost> naive = naiveCost(network);
  field("as one loop nest")
      << (naive ? groupDigits(*naive) : "more than 128 bits");
  if (naive && report.cost.flops != 0)
    os << format(" (%.4gx)", toDouble(*naive) / toDouble(report.cost.flops));
  os << '\n';
  field("largest intermediate")
      << groupDigits(report.cost.largestIntermediate) << " elements\n";
  field("certificate") << describeCertificate(report) << '\n';

  Spelling spelling(report);
  for (const TensorReduction &reduction : report.prepared.reductions) {
    field("before the first step") << "operand " << reduction.tensor << ':';
    if (!reduction.diagonal.empty())
      os << " diagonal of [" << spelling.list(reduction.diagonal) << ']';
    if (!reduction.summed.empty())
      os << (reduction.diagonal.empty() ? "" : ",") << " sum over ["
         << spelling.list(reduction.summed) << ']';
    os << ", " << groupDigits(reduction.elements) << " elements\n";
  }
  if (report.prepared.numSizeOne != 0)
    field("indices of size 1")
        << report.prepared.numSizeOne << ", without influence\n";
  printSteps(report, os);
}

void fetta::printJson(const PathReport &report, raw_ostream &os) {
  json::OStream json(os);
  json.object([&] {
    json.attribute("schema", schemaVersion);
    json.attribute("einsum", formatEinsum(report.spec));
    json.attribute("order", stringifyContractionOrder(report.order));
    json.attribute("flops", toString(report.cost.flops));
    json.attributeArray("path", [&] {
      for (const auto &operands : report.result.tree.linearPath())
        json.array([&] {
          for (unsigned operand : operands)
            json.value(operand);
        });
    });
    json.attribute("proven", report.result.proven);
    json.attribute("independently_checked", report.optimalityChecked);
    json.attribute("lower_bound_flops", toString(report.result.lowerBound));
    json.attribute("largest_intermediate_elements",
                   toString(report.cost.largestIntermediate));
  });
  os << '\n';
}

//===- Report.cpp - What fetta-path prints --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MachineReport.h"
#include "SlicingReport.h"

#include "SearchControl.h"

#include "fetta/Contraction/LowerBound.h"
#include "fetta/Contraction/Path.h"
#include "fetta/Contraction/TreeText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

using namespace llvm;
using namespace fetta;

/// The keys of the JSON object and their meaning; raised when either changes.
static constexpr int64_t schemaVersion = 1;

namespace {

/// Spells index lists the way the einsum does.
class Spelling {
public:
  Spelling(const PathReport &report)
      : network(report.prepared.network), named(report.spec.namedModes) {}
  std::string list(ArrayRef<unsigned> indices) const {
    return network.formatIndices(indices, named ? " " : "");
  }
  /// A label for each value of the report's tree.
  std::vector<std::string> values(const PathReport &report) const {
    return labelValues(network, report.result.tree, report.cost,
                       named ? " " : "");
  }
  StringRef comma() const { return named ? ", " : ","; }
  StringRef arrow() const { return named ? " -> " : "->"; }

private:
  const ClosedNetwork &network;
  bool named;
};

} // namespace

void Table::print(raw_ostream &os, size_t numRight) const {
  SmallVector<size_t> widths(rows.front().size(), 0);
  for (const auto &row : rows)
    for (auto [width, text] : zip_equal(widths, row))
      width = std::max(width, text.size());
  for (const auto &row : rows) {
    std::string line;
    for (auto [column, text] : enumerate(row)) {
      std::string padding(widths[column] - text.size(), ' ');
      line += column == 0 ? "" : "  ";
      line += column < numRight ? padding + text : text + padding;
    }
    os << StringRef(line).rtrim() << '\n';
  }
}

raw_ostream &fetta::printField(raw_ostream &os, StringRef name) {
  return os << left_justify(name, 21) << "  ";
}

std::string fetta::formatShare(Cost part, Cost whole) {
  std::string text;
  if (whole != 0)
    raw_string_ostream(text)
        << format("%.1f%%", 100 * toDouble(part) / toDouble(whole));
  return text;
}

std::string fetta::formatRatio(Cost cost, Cost other) {
  std::string text;
  if (other != 0)
    raw_string_ostream(text)
        << format("%.4gx", toDouble(cost) / toDouble(other));
  return text;
}

std::string fetta::describeCertificate(const SearchResult &result,
                                       bool optimalityChecked) {
  if (result.proven)
    return std::string("proven optimal over all trees, outer products "
                       "included; ") +
           (optimalityChecked
                ? "independently checked"
                : "not independently checked (see --check-limit)");
  std::string text = "not proven";
  if (!result.reason.empty())
    text += " (" + result.reason + ")";
  text += "; no tree costs less than " + groupDigits(result.lowerBound);
  std::string gap = formatRatio(result.value, result.lowerBound);
  if (!gap.empty())
    text += " (gap " + gap + ")";
  return text;
}

/// What an exact search looked at, and what it left out.
static std::string describeSearch(const SearchResult &result) {
  const ExactCertificate &certificate = result.certificate;
  std::string text = groupDigits(certificate.pairs) + " pairs of " +
                     groupDigits(certificate.sets) + " sets; ";
  text += certificate.enumeration == Enumeration::ConnectedPairs
              ? "connected ones and absorbed outer products"
              : "all subsets";
  text += ", without those beyond a greedy tree's value";
  if (certificate.fusedTensors != 0)
    text += "; tensors fused with their equals: " +
            std::to_string(certificate.fusedTensors);
  return text;
}

static StringRef nameOf(Enumeration enumeration) {
  switch (enumeration) {
  case Enumeration::None:
    return "none";
  case Enumeration::AllSubsets:
    return "all-subsets";
  case Enumeration::ConnectedPairs:
    return "connected-pairs";
  }
  llvm_unreachable("all enumerations are named");
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
  std::vector<std::string> nameOf = spelling.values(report);
  std::vector<unsigned> present;
  for (unsigned leaf : seq(tree.numLeaves()))
    if (leaf != tree.rootLeaf())
      present.push_back(leaf);
  const std::string &output = nameOf[tree.rootLeaf()];
  Table table({"step", "operands", "scaling", "multiply-adds", "share",
               "result elements", "contraction", "remaining"});
  ContractionPath path = tree.linearPath();
  for (auto [number, step] : enumerate(tree.getSteps())) {
    const StepCost &cost = report.cost.steps[number];
    erase_if(present, [&](unsigned value) {
      return value == step.lhs || value == step.rhs;
    });
    present.push_back(network.numLeaves() + number);
    // As opt_einsum does.
    constexpr size_t maxRemaining = 20;
    std::string remaining = "...";
    if (present.size() <= maxRemaining)
      remaining = join(map_range(present,
                                 [&](unsigned value) -> const std::string & {
                                   return nameOf[value];
                                 }),
                       spelling.comma());
    table.add(
        {std::to_string(number),
         "(" + std::to_string(path[number][0]) + ", " +
             std::to_string(path[number][1]) + ")",
         std::to_string(cost.result.size() + cost.summed.size()),
         groupDigits(cost.flops), formatShare(cost.flops, report.cost.flops),
         groupDigits(cost.resultVolume),
         nameOf[step.lhs] + spelling.comma().str() + nameOf[step.rhs] +
             spelling.arrow().str() + nameOf[network.numLeaves() + number],
         remaining + spelling.arrow().str() + output});
  }
  os << '\n';
  table.print(os, /*numRight=*/6);
}

/// What the value of an objective counts.
static std::string unitOf(const Objective &objective) {
  if (objective.isFlops())
    return "multiply-adds";
  if (objective.isLargest)
    return "elements at most";
  if (objective.flopWeight == 0)
    return "elements written";
  return "multiply-adds + " + std::to_string(objective.writeWeight) +
         " x elements written";
}

/// How somebody else's path compares with the searched one.
static void printComparison(const PathReport &report, raw_ostream &os) {
  const SearchResult &best = report.reference->result;
  Cost value = report.result.value;
  std::string unit = unitOf(report.objective);
  if (report.checkedFormat)
    printField(os, "check")
        << "a contraction tree, as "
        << (*report.checkedFormat == PathFormat::Linear ? "linear" : "SSA")
        << " path; cost recomputed independently\n";
  printField(os, "searched order")
      << formatContractionPath(best.tree.linearPath()) << '\n';
  printField(os, "its multiply-adds") << groupDigits(best.flops) << '\n';
  if (!report.objective.isFlops())
    printField(os, "its objective")
        << groupDigits(best.value) << " (" << unit << ")\n";
  printField(os, "its certificate")
      << describeCertificate(best, report.reference->optimalityChecked) << '\n';
  printField(os, "distance");
  if (value == best.value) {
    os << "none: both are alike\n";
    return;
  }
  bool isWorse = value > best.value;
  os << groupDigits(isWorse ? value - best.value : best.value - value)
     << (report.objective.isFlops() ? " multiply-adds" : "")
     << (isWorse ? " more" : " less") << " than the "
     << (best.proven ? "optimum (" : "searched order (")
     << formatRatio(value, best.value) << ")\n";
}

void fetta::printText(const PathReport &report, const ReportOptions &options,
                      raw_ostream &os) {
  const ClosedNetwork &network = report.prepared.network;
  const ContractionTree &tree = report.result.tree;
  Spelling spelling(report);
  if (options.dot) {
    printTreeAsDot(network, tree, report.cost, spelling.values(report),
                   formatEinsum(report.spec), os);
    return;
  }
  auto field = [&](StringRef name) -> raw_ostream & {
    return printField(os, name);
  };
  field("einsum") << formatEinsum(report.spec) << '\n';
  field("order") << stringifyContractionOrder(report.order) << '\n';
  field("path") << formatContractionPath(tree.linearPath()) << '\n';
  if (options.ssa)
    field("SSA path") << formatContractionPath(tree.ssaPath()) << '\n';
  field("multiply-adds") << groupDigits(report.cost.flops) << '\n';
  std::optional<Cost> naive = naiveCost(network);
  field("as one loop nest")
      << (naive ? groupDigits(*naive) : "more than 128 bits");
  if (naive && report.cost.flops != 0)
    os << " (" << formatRatio(*naive, report.cost.flops) << ")";
  os << '\n';
  field("largest intermediate")
      << groupDigits(report.cost.largestIntermediate) << " elements\n";
  if (!report.objective.isFlops())
    field("objective") << groupDigits(report.result.value) << " ("
                       << unitOf(report.objective) << ")\n";
  field("certificate") << describeCertificate(report.result,
                                              report.optimalityChecked)
                       << '\n';
  if (report.result.certificate.enumeration != Enumeration::None)
    field("search") << describeSearch(report.result) << '\n';
  const SearchResult &searched =
      report.reference ? report.reference->result : report.result;
  if (searched.work)
    field("work") << formatWork(*searched.work)
                  << (searched.stopped ? " (stopped early)"
                      : hasTimeLimit()
                          ? " (by --seconds, not reproducible without these)"
                          : "")
                  << '\n';
  if (report.reference && (report.order != ContractionOrder::CSSE ||
                           (report.machine && report.machine->order)))
    printComparison(report, os);

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
  if (report.training)
    printTrainingText(report, os);
  else
    printSteps(report, os);
  if (report.sliced)
    printSlicedText(report, os);
  if (report.machine)
    printMachineText(report, os);
  if (options.tree) {
    os << '\n';
    printTree(network, tree, report.cost, spelling.values(report), os);
  }
}

/// A value and, nested, the operands it is made of.
static void printTreeJson(const PathReport &report,
                          ArrayRef<std::string> labels, json::OStream &json) {
  const ContractionTree &tree = report.result.tree;
  // A stack of its own: a chain is as deep as it is long. None: close.
  SmallVector<std::optional<unsigned>> todo = {tree.resultValue()};
  json.attributeBegin("tree");
  while (!todo.empty()) {
    std::optional<unsigned> value = todo.pop_back_val();
    if (!value) {
      json.arrayEnd();
      json.attributeEnd();
      json.objectEnd();
      continue;
    }
    json.objectBegin();
    json.attribute("indices", labels[*value]);
    if (*value < tree.numLeaves()) {
      json.attribute("operand", *value < tree.rootLeaf() ? *value : *value - 1);
      json.objectEnd();
      continue;
    }
    unsigned number = *value - tree.numLeaves();
    const StepCost &cost = report.cost.steps[number];
    json.attribute("step", number);
    json.attribute("flops", toString(cost.flops));
    json.attribute("elements", toString(cost.resultVolume));
    json.attributeBegin("operands");
    json.arrayBegin();
    const ContractionTree::Step &step = tree.getSteps()[number];
    todo.append({std::nullopt, step.rhs, step.lhs});
  }
  json.attributeEnd();
}

static void printPathJson(StringRef key, const ContractionPath &path,
                          json::OStream &json) {
  json.attributeArray(key, [&] {
    for (const auto &operands : path)
      json.array([&] {
        for (unsigned operand : operands)
          json.value(operand);
      });
  });
}

/// What the heuristics have done, under the names of the options.
static void printWorkJson(const SearchResult &result, json::OStream &json) {
  json.attributeObject("work", [&] {
    json.attribute("trials", result.work->trials);
    json.attributeArray("anneal", [&] {
      for (uint64_t sweeps : result.work->sweeps)
        json.value(sweeps);
    });
    json.attribute("window", result.work->window);
    json.attribute("rounds", result.work->rounds);
    json.attribute("seed", result.work->seed);
    json.attribute("reproducible", !hasTimeLimit() && !result.stopped);
  });
}

void fetta::printJson(const PathReport &report, const ReportOptions &options,
                      raw_ostream &os) {
  const ContractionTree &tree = report.result.tree;
  std::vector<std::string> labels = Spelling(report).values(report);
  json::OStream json(os);
  json.object([&] {
    json.attribute("schema", schemaVersion);
    json.attribute("einsum", formatEinsum(report.spec));
    json.attribute("order", stringifyContractionOrder(report.order));
    json.attribute("flops", toString(report.cost.flops));
    printPathJson("path", tree.linearPath(), json);
    if (options.ssa)
      printPathJson("ssa_path", tree.ssaPath(), json);
    json.attribute("proven", report.result.proven);
    json.attribute("independently_checked", report.optimalityChecked);
    // A bound of multiply-adds, whatever is minimized.
    json.attribute("lower_bound_flops",
                   toString(report.objective.isFlops()
                                ? report.result.lowerBound
                                : lowerBound(report.prepared.network)));
    json.attribute("largest_intermediate_elements",
                   toString(report.cost.largestIntermediate));
    const ExactCertificate &certificate = report.result.certificate;
    if (certificate.enumeration != Enumeration::None)
      json.attributeObject("certificate", [&] {
        json.attribute("enumeration", nameOf(certificate.enumeration));
        json.attribute("pairs", static_cast<int64_t>(certificate.pairs));
        json.attribute("sets", static_cast<int64_t>(certificate.sets));
        json.attribute("fused_tensors", certificate.fusedTensors);
        json.attribute("table_bytes",
                       static_cast<int64_t>(certificate.tableBytes));
      });
    if (!report.objective.isFlops())
      json.attributeObject("objective", [&] {
        json.attribute("counts", unitOf(report.objective));
        json.attribute("value", toString(report.result.value));
        json.attribute("lower_bound", toString(report.result.lowerBound));
      });
    const SearchResult &searched =
        report.reference ? report.reference->result : report.result;
    if (searched.work)
      printWorkJson(searched, json);
    if (report.reference) {
      const SearchResult &best = report.reference->result;
      json.attributeObject("reference", [&] {
        json.attribute("flops", toString(best.flops));
        printPathJson("path", best.tree.linearPath(), json);
        json.attribute("proven", best.proven);
        json.attribute("independently_checked",
                       report.reference->optimalityChecked);
        if (best.value != 0)
          json.attribute("ratio",
                         toDouble(report.result.value) / toDouble(best.value));
      });
    }
    if (report.checkedFormat)
      json.attribute("checked_format",
                     *report.checkedFormat == PathFormat::Linear ? "linear"
                                                                 : "ssa");
    if (report.sliced)
      printSlicedJson(report, json);
    if (report.training)
      printTrainingJson(report, json);
    if (report.machine)
      printMachineJson(report, json);
    if (options.tree)
      printTreeJson(report, labels, json);
    if (options.dot) {
      std::string dot;
      raw_string_ostream dotStream(dot);
      printTreeAsDot(report.prepared.network, tree, report.cost, labels,
                     formatEinsum(report.spec), dotStream);
      json.attribute("dot", dot);
    }
  });
  os << '\n';
}

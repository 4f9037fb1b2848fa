//===- TreeText.cpp - Contraction trees to look at ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/TreeText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/GraphWriter.h"

using namespace llvm;
using namespace fetta;

std::string fetta::groupDigits(Cost cost) {
  std::string digits = toString(cost);
  for (int position = static_cast<int>(digits.size()) - 3; position > 0;
       position -= 3)
    digits.insert(position, ",");
  return digits;
}

std::vector<std::string> fetta::labelValues(const ClosedNetwork &network,
                                            const ContractionTree &tree,
                                            const TreeCost &cost,
                                            StringRef separator) {
  std::vector<std::string> labels;
  for (const IndexList &indices : network.getLeaves())
    labels.push_back(network.formatIndices(indices, separator));
  for (const StepCost &step : cost.steps)
    labels.push_back(network.formatIndices(step.result, separator));
  // The result is the root leaf's tensor.
  if (!tree.getSteps().empty())
    labels.back() = labels[tree.rootLeaf()];
  return labels;
}

/// Operands are numbered without the root leaf.
static unsigned operandNumber(const ContractionTree &tree, unsigned leaf) {
  return leaf < tree.rootLeaf() ? leaf : leaf - 1;
}

void fetta::printTree(const ClosedNetwork &network, const ContractionTree &tree,
                      const TreeCost &cost, ArrayRef<std::string> labels,
                      raw_ostream &os) {
  struct Entry {
    unsigned value;
    std::string above; ///< What stands before the lines of its operands.
    StringRef branch;
  };
  // A stack of its own: a chain is as deep as it is long.
  std::vector<Entry> todo = {{tree.resultValue(), "", ""}};
  while (!todo.empty()) {
    Entry entry = std::move(todo.back());
    todo.pop_back();
    StringRef label = labels[entry.value];
    os << entry.above << entry.branch << (label.empty() ? "(scalar)" : label);
    if (entry.value < tree.numLeaves()) {
      os << "  operand " << operandNumber(tree, entry.value) << '\n';
      continue;
    }
    unsigned number = entry.value - tree.numLeaves();
    const ContractionTree::Step &step = tree.getSteps()[number];
    os << "  step " << number << ": " << groupDigits(cost.steps[number].flops)
       << format(" (%.1f%%)\n", 100 * toDouble(cost.steps[number].flops) /
                                    toDouble(cost.flops));
    std::string above = entry.above;
    if (!entry.branch.empty())
      above += entry.branch == "`-- " ? "    " : "|   ";
    todo.push_back({step.rhs, above, "`-- "});
    todo.push_back({step.lhs, std::move(above), "|-- "});
  }
}

void fetta::printTreeAsDot(const ClosedNetwork &network,
                           const ContractionTree &tree, const TreeCost &cost,
                           ArrayRef<std::string> labels, StringRef title,
                           raw_ostream &os) {
  auto quoted = [](StringRef text) { return DOT::EscapeString(text.str()); };
  os << "digraph contraction {\n  label=\"" << quoted(title)
     << "\";\n  node [shape=box];\n";
  for (unsigned leaf : seq(tree.numLeaves())) {
    if (leaf == tree.rootLeaf())
      continue;
    os << "  v" << leaf << " [label=\"" << quoted(labels[leaf]) << "\\noperand "
       << operandNumber(tree, leaf);
    if (std::optional<Cost> volume = network.volume(network.getLeaves()[leaf]))
      os << ", " << groupDigits(*volume) << " elements";
    os << "\", style=filled];\n";
  }
  for (auto [number, step] : enumerate(tree.getSteps())) {
    unsigned value = tree.numLeaves() + number;
    os << "  v" << value << " [label=\"" << quoted(labels[value]) << "\\nstep "
       << number << ": " << groupDigits(cost.steps[number].flops)
       << " multiply-adds\\n"
       << groupDigits(cost.steps[number].resultVolume) << " elements\"];\n";
    for (unsigned operand : {step.lhs, step.rhs})
      os << "  v" << operand << " -> v" << value << ";\n";
  }
  os << "}\n";
}

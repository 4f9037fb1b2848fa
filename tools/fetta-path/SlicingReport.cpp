//===- SlicingReport.cpp - Orders within a memory limit -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SlicingReport.h"

#include "SearchControl.h"
#include "fetta/Contraction/Path.h"
#include "fetta/Contraction/TreeText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace fetta;

static cl::opt<uint64_t> memoryLimit(
    "memory-limit",
    cl::desc("Find the order whose intermediates and result never take more "
             "elements than this at once, with indices cut into pieces if need "
             "be; shown besides the order without a limit"),
    cl::value_desc("elements"), cl::cat(pathCategory()));

bool fetta::hasMemoryLimit() { return memoryLimit.getNumOccurrences() != 0; }

Expected<SlicedPlan> fetta::searchWithinLimit(const ClosedNetwork &network) {
  SlicingOptions options;
  options.search = makeSearchOptions(Objective::flops());
  return searchSliced(network, network.numLeaves() - 1, memoryLimit, options);
}

static std::string formatSlices(const PathReport &report) {
  if (report.sliced->slices.empty())
    return "none";
  return join(map_range(report.sliced->slices,
                        [&](const Slice &slice) {
                          const NetworkIndex &index =
                              report.prepared.network.getIndices()[slice.index];
                          return index.name + " in " +
                                 std::to_string(slice.pieces);
                        }),
              ", ");
}

void fetta::printSlicedText(const PathReport &report, raw_ostream &os) {
  const SlicedPlan &plan = *report.sliced;
  os << '\n';
  printField(os, "memory limit")
      << groupDigits(memoryLimit) << " elements of intermediates and result\n";
  printField(os, "  pieces") << formatSlices(report);
  if (plan.runs > 1)
    os << ": the path is run " << groupDigits(plan.runs) << " times";
  os << '\n';
  printField(os, "  path") << formatContractionPath(plan.tree.linearPath())
                           << '\n';
  printField(os, "  alive at once") << groupDigits(plan.peak) << " elements\n";
  printField(os, "  multiply-adds")
      << groupDigits(plan.flops) << " ("
      << formatRatio(plan.flops, plan.unslicedFlops) << ")\n";
  if (plan.accumulations != 0)
    printField(os, "  added to the result")
        << groupDigits(plan.accumulations) << " elements\n";
  printField(os, "  certificate")
      << (plan.proven ? "the best over all trees and pieces"
                      : "found piece by piece, not proven")
      << '\n';
}

void fetta::printSlicedJson(const PathReport &report, json::OStream &json) {
  const SlicedPlan &plan = *report.sliced;
  json.attributeObject("sliced", [&] {
    json.attribute("limit_elements", toString(Cost(memoryLimit.getValue())));
    json.attributeObject("pieces", [&] {
      for (const Slice &slice : plan.slices)
        json.attribute(report.prepared.network.getIndices()[slice.index].name,
                       slice.pieces);
    });
    json.attribute("path", formatContractionPath(plan.tree.linearPath()));
    json.attribute("runs", toString(plan.runs));
    json.attribute("flops", toString(plan.flops));
    json.attribute("accumulated_elements", toString(plan.accumulations));
    json.attribute("peak_elements", toString(plan.peak));
    json.attribute("proven", plan.proven);
  });
}

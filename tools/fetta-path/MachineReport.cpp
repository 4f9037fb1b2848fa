//===- MachineReport.cpp - Orders for a machine ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MachineReport.h"

#include "SearchControl.h"
#include "fetta/Contraction/Path.h"
#include "fetta/Contraction/TreeText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace llvm;
using namespace fetta;

static cl::opt<std::string>
    machineFile("machine",
                cl::desc("Machine file (YAML) for --objective latency, energy "
                         "and edp, and --pareto latency-energy"),
                cl::value_desc("file"), cl::cat(pathCategory()));
static cl::opt<unsigned> layouts(
    "layouts",
    cl::desc("With --machine: layout classes of a tensor, 1 to 8; 1: each step "
             "finds its tensors as it likes them (default 8 up to 9 tensors, 4 "
             "up to 12, else 1)"),
    cl::value_desc("count"), cl::init(0), cl::cat(pathCategory()));
static cl::opt<unsigned> candidates(
    "candidates",
    cl::desc("With --machine: the best orders of the search that are "
             "scheduled (default 8)"),
    cl::value_desc("count"), cl::init(MachineOrderOptions().candidates),
    cl::cat(pathCategory()));

std::string fetta::checkMachineOptions(bool needed) {
  bool isGiven = machineFile.getNumOccurrences() != 0;
  if (needed && !isGiven)
    return "--objective latency, energy and edp and --pareto latency-energy "
           "take a machine: give --machine FILE";
  if (!needed && isGiven)
    return "--machine goes with --objective latency, energy or edp, or with "
           "--pareto latency-energy";
  if (!needed &&
      (layouts.getNumOccurrences() != 0 || candidates.getNumOccurrences() != 0))
    return "--layouts and --candidates go with --machine";
  if (layouts > CostModel::maxLayouts ||
      (layouts == 0 && layouts.getNumOccurrences() != 0))
    return "--layouts is 1 to 8";
  if (candidates == 0)
    return "--candidates is at least 1";
  return "";
}

Expected<MachineReport>
fetta::orderOnMachine(const ClosedNetwork &network, const TrainingGoal &goal,
                      std::optional<ModelObjective> objective, bool withFront) {
  Expected<Machine> machine = Machine::load(machineFile);
  if (!machine)
    return machine.takeError();
  MachineReport report;
  report.machine = std::move(*machine);
  MachineOrderOptions options;
  options.layouts = layouts;
  options.candidates = candidates;
  if (objective) {
    options.objective = report.objective = *objective;
    Expected<MachineOrder> order =
        orderForMachine(network, goal, report.machine, options);
    if (!order)
      return order.takeError();
    report.order = std::move(*order);
  }
  if (withFront) {
    Expected<std::vector<ModelTree>> front =
        frontForMachine(network, goal, report.machine, options);
    if (!front)
      return front.takeError();
    report.front = std::move(*front);
  }
  return report;
}

static std::string grouped(double figure) {
  // Figures of costs near 2^128 exceed it.
  if (!(figure < 0x1p127))
    return formatv("{0:e3}", figure);
  return groupDigits(static_cast<Cost>(std::round(figure)));
}

/// Mapped candidates against the first as mapped, the others as scheduled.
static std::string timesFirst(const MachineReport &on,
                              const OrderCandidate &candidate) {
  OrderCandidate first = on.order->fewestFlops();
  if (!candidate.mapped)
    first.mapped.reset();
  double ours = valueOf(on.objective, candidate);
  double theirs = valueOf(on.objective, first);
  // Nothing is as much as nothing: all may be done before the first step.
  return formatv("{0:f3}x", ours == theirs ? 1 : ours / theirs);
}

static void printOrder(const MachineReport &on, raw_ostream &os) {
  const MachineOrder &order = *on.order;
  printField(os, "chosen") << order.best().origin << ", of "
                           << order.candidates.size()
                           << " orders that were scheduled\n";
  if (order.optimum) {
    const Price &best = order.optimum->price;
    printField(os, "proven") << "no tree";
    if (order.layouts > 1)
      os << " with " << order.layouts << " layout classes a tensor";
    os << " is better one step after the other: " << grouped(best.latency)
       << " cycles, " << grouped(best.energy) << " pJ\n";
    if (order.layouts == 1)
      printField(os, "  relaxed")
          << "each step finds its tensors in the layouts that suit it\n";
    printField(os, "  of splits")
        << grouped(double(order.splits)) << " of "
        << grouped(double(order.allSplits)) << " were priced\n";
  } else {
    printField(os, "proven") << "nothing: " << order.reason << '\n';
  }
  printField(os, "static power")
      << formatv("{0:f1} pJ a cycle, in no figure here\n", order.staticPower);
  os << '\n';
  Table table({"mapped", "scheduled", "serial", "dynamic pJ", "to the first",
               "order", "path"});
  for (auto [number, candidate] : enumerate(order.candidates))
    table.add(
        {candidate.mapped ? grouped(*candidate.mapped) : "",
         grouped(candidate.scheduled), grouped(candidate.serial.latency),
         grouped(candidate.serial.energy), timesFirst(on, candidate),
         candidate.origin.str() + (number == order.chosen ? " (chosen)" : ""),
         formatContractionPath(candidate.tree.linearPath())});
  table.print(os, /*numRight=*/5);
}

void fetta::printMachineText(const PathReport &report, raw_ostream &os) {
  const MachineReport &on = *report.machine;
  os << '\n';
  printField(os, "machine") << on.machine.name;
  if (on.order)
    os << ", objective " << stringifyModelObjective(on.objective);
  os << '\n';
  if (on.order)
    printOrder(on, os);
  if (on.front.empty())
    return;
  os << "\norders that no other beats in serial cycles and in energy:\n";
  Table front({"serial", "dynamic pJ", "path"});
  for (const ModelTree &point : on.front)
    front.add({grouped(point.price.latency), grouped(point.price.energy),
               formatContractionPath(point.tree.linearPath())});
  front.print(os, /*numRight=*/2);
}

static void printOrderJson(const MachineReport &on, json::OStream &json) {
  const MachineOrder &order = *on.order;
  json.attribute("objective", stringifyModelObjective(on.objective));
  json.attribute("proven", order.optimum.has_value());
  if (order.optimum)
    json.attributeObject("serial_optimum", [&] {
      json.attribute("layout_classes", order.layouts);
      json.attribute("cycles", order.optimum->price.latency);
      json.attribute("dynamic_pj", order.optimum->price.energy);
      json.attribute("path",
                     formatContractionPath(order.optimum->tree.linearPath()));
      json.attribute("splits_priced", static_cast<int64_t>(order.splits));
      json.attribute("splits", static_cast<int64_t>(order.allSplits));
    });
  else
    json.attribute("reason", order.reason);
  json.attribute("static_pj_per_cycle", order.staticPower);
  json.attribute("chosen", static_cast<int64_t>(order.chosen));
  json.attributeArray("candidates", [&] {
    for (const OrderCandidate &candidate : order.candidates)
      json.object([&] {
        json.attribute("origin", candidate.origin);
        json.attribute("path",
                       formatContractionPath(candidate.tree.linearPath()));
        json.attribute("scheduled_cycles", candidate.scheduled);
        if (candidate.mapped)
          json.attribute("mapped_cycles", *candidate.mapped);
        json.attribute("serial_cycles", candidate.serial.latency);
        json.attribute("dynamic_pj", candidate.serial.energy);
      });
  });
}

void fetta::printMachineJson(const PathReport &report, json::OStream &json) {
  const MachineReport &on = *report.machine;
  json.attributeObject("machine", [&] {
    json.attribute("name", on.machine.name);
    if (on.order)
      printOrderJson(on, json);
    if (on.front.empty())
      return;
    json.attributeArray("front", [&] {
      for (const ModelTree &point : on.front)
        json.object([&] {
          json.attribute("serial_cycles", point.price.latency);
          json.attribute("dynamic_pj", point.price.energy);
          json.attribute("path",
                         formatContractionPath(point.tree.linearPath()));
        });
    });
  });
}

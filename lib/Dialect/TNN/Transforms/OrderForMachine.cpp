//===- OrderForMachine.cpp --------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OrderForMachine.h"
#include "TrainingSearches.h"

#include "fetta/Contraction/Path.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "mlir/IR/Remarks.h"

#include <cmath>

using namespace mlir;
using namespace fetta;
using namespace fetta::tnn;

static llvm::Expected<Machine> machineFor(llvm::StringRef file,
                                          func::FuncOp function) {
  if (!file.empty())
    return Machine::load(file);
  auto module = function->getParentOfType<ModuleOp>();
  auto attribute =
      module ? module->getAttrOfType<hw::MachineAttr>(hw::kMachineAttr)
             : hw::MachineAttr();
  if (!attribute)
    return llvm::createStringError(
        "the objective takes a machine: set machine=FILE, or attach one with "
        "fetta-attach-machine");
  return attribute.getMachine();
}

static std::string keyOf(const ClosedNetwork &network, const TrainingGoal &goal,
                         ModelObjective objective, unsigned exactLimit,
                         const Machine &machine) {
  std::string key;
  llvm::raw_string_ostream os(key);
  writeKey(os, network, goal);
  os << '|' << unsigned(objective) << '|' << exactLimit << '|'
     << machine.canonicalJson();
  return key;
}

llvm::Expected<MachineOrder> MachineOrders::search(
    const ClosedNetwork &network, const TrainingGoal &goal,
    ModelObjective objective, unsigned exactLimit, llvm::StringRef file,
    std::optional<ContractionTree> fewestFlops, func::FuncOp function) {
  llvm::Expected<Machine> machine = machineFor(file, function);
  if (!machine)
    return machine.takeError();
  std::string key = keyOf(network, goal, objective, exactLimit, *machine);
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (auto it = known.find(key); it != known.end())
      return it->second;
  }
  MachineOrderOptions options;
  options.objective = objective;
  options.fewestFlops = std::move(fewestFlops);
  options.exactLimit = std::min(options.exactLimit, exactLimit);
  llvm::Expected<MachineOrder> order =
      orderForMachine(network, goal, *machine, options);
  if (!order)
    return order.takeError();
  std::lock_guard<std::mutex> lock(mutex);
  // Whoever else was at it has found the same.
  return known.try_emplace(std::move(key), std::move(*order)).first->second;
}

static int64_t whole(double figure) { return int64_t(std::llround(figure)); }

void tnn::reportMachineOrder(Location loc, llvm::StringRef function,
                             ModelObjective objective,
                             const MachineOrder &order) {
  remark::RemarkOpts options = remark::RemarkOpts::name("machine-order")
                                   .category("tnn-order-contractions")
                                   .function(function);
  const OrderCandidate &best = order.best(), &fewest = order.fewestFlops();
  auto text = [](double figure) { return std::to_string(whole(figure)); };
  auto remark = remark::passed(loc, options);
  remark << remark::metric("objective",
                           stringifyModelObjective(objective).str())
         << remark::metric("origin", best.origin.str())
         << remark::metric("scheduled_cycles", text(best.scheduled))
         << remark::metric("serial_cycles", text(best.serial.latency))
         << remark::metric("dynamic_pj", text(best.serial.energy))
         << remark::metric("fewest_multiply_adds_scheduled_cycles",
                           text(fewest.scheduled))
         << remark::metric("fewest_multiply_adds_dynamic_pj",
                           text(fewest.serial.energy))
         << remark::metric("proven", order.optimum.has_value());
  if (order.optimum)
    remark << remark::metric("layout_classes", order.layouts)
           << remark::metric("optimal_serial_cycles",
                             text(order.optimum->price.latency))
           << remark::metric("optimal_serial_dynamic_pj",
                             text(order.optimum->price.energy));
  else
    remark << remark::metric("reason", order.reason);
}

static llvm::json::Object figuresOf(const OrderCandidate &candidate) {
  llvm::json::Object object{
      {"origin", candidate.origin},
      {"path", formatContractionPath(candidate.tree.linearPath())},
      {"scheduled_cycles", whole(candidate.scheduled)},
      {"serial_cycles", whole(candidate.serial.latency)},
      {"dynamic_pj", whole(candidate.serial.energy)}};
  if (candidate.mapped)
    object["mapped_cycles"] = whole(*candidate.mapped);
  return object;
}

llvm::json::Object tnn::traceMachineOrder(ModelObjective objective,
                                          const MachineOrder &order) {
  llvm::json::Array candidates;
  for (const OrderCandidate &candidate : order.candidates)
    candidates.push_back(figuresOf(candidate));
  llvm::json::Object object{{"objective", stringifyModelObjective(objective)},
                            {"chosen", int64_t(order.chosen)},
                            {"candidates", std::move(candidates)},
                            {"static_pj_per_cycle", order.staticPower},
                            {"proven", order.optimum.has_value()}};
  if (!order.optimum) {
    object["reason"] = order.reason;
    return object;
  }
  object["optimum"] = llvm::json::Object{
      {"of", "the serial closed form, over all trees and layout classes"},
      {"layout_classes", order.layouts},
      {"path", formatContractionPath(order.optimum->tree.linearPath())},
      {"serial_cycles", whole(order.optimum->price.latency)},
      {"dynamic_pj", whole(order.optimum->price.energy)},
      {"splits_priced", int64_t(order.splits)},
      {"splits", int64_t(order.allSplits)}};
  return object;
}

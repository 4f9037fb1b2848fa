//===- Trace.cpp - What every resource did, cycle by cycle ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Trace.h"

#include "fetta/Simulator/Report.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

using namespace fetta;

TraceWriter::TraceWriter(const Program &program, const TraceOptions &options,
                         llvm::raw_ostream &os)
    : program(program), options(options), os(os), begin(os.tell()), json(os) {
  json.objectBegin();
  json.attributeBegin("traceEvents");
  json.arrayBegin();
  int64_t thread = 0;
  for (const std::string &name : resourceNames(program.machine)) {
    for (bool sort : {false, true})
      json.value(llvm::json::Object{
          {"ph", "M"},
          {"name", sort ? "thread_sort_index" : "thread_name"},
          {"pid", 0},
          {"tid", thread},
          {"args", sort ? llvm::json::Object{{"sort_index", thread}}
                        : llvm::json::Object{{"name", name}}}});
    ++thread;
  }
}

/// What an instruction is called in the trace.
static std::string nameOf(const Program &program, uint32_t instruction) {
  const Instruction &i = program.code[instruction];
  if (const auto *contract = std::get_if<Contract>(&i))
    return contract->op < program.ops.size() ? program.ops[contract->op].name
                                             : "contract";
  if (const auto *load = std::get_if<LoadRoute>(&i))
    return llvm::formatv("route {0} to slot {1}", load->route, load->slot);
  if (const auto *dma = std::get_if<Dma>(&i))
    return llvm::formatv("{0} {1}", dma->store ? "store" : "load",
                         program.tensors[dma->tensor].name);
  return "sync";
}

void TraceWriter::interval(unsigned resource, CycleClass cycleClass,
                           int64_t from, int64_t to, uint32_t instruction) {
  from = std::max(from, options.from);
  to = std::min(to, options.to);
  if (from >= to)
    return;
  if (int64_t(os.tell() - begin) >= options.maxBytes) {
    ++cutIntervals;
    complete = std::min(complete, from);
    return;
  }
  ++intervals;
  llvm::StringRef className = cycleClassName(cycleClass);
  bool named = instruction < program.code.size();
  bool works =
      cycleClass == CycleClass::Beat || cycleClass == CycleClass::Busy ||
      cycleClass == CycleClass::Load || cycleClass == CycleClass::Store;
  json.objectBegin();
  json.attribute("ph", "X");
  json.attribute("name", named && works ? nameOf(program, instruction)
                                        : className.str());
  json.attribute("cat", className);
  json.attribute("pid", 0);
  json.attribute("tid", int64_t(resource));
  json.attribute("ts", from);
  json.attribute("dur", to - from);
  if (named)
    json.attributeObject("args", [&] {
      json.attribute("instruction", int64_t(instruction));
      if (!works)
        json.attribute("of", nameOf(program, instruction));
    });
  json.objectEnd();
  os << '\n';
}

void TraceWriter::finish() {
  json.arrayEnd();
  json.attributeEnd();
  json.attributeObject("otherData", [&] {
    json.attribute("schema_version", reportSchemaVersion);
    json.attribute("unit", "1 us = 1 cycle");
    json.attribute("clock_hz", program.machine.clockHz);
    json.attribute("machine", program.machine.name);
    json.attribute("intervals", intervals);
    json.attribute("cut_intervals", cutIntervals);
    if (cutIntervals)
      json.attribute("complete_until_cycle", complete);
  });
  json.objectEnd();
  os << '\n';
}

//===- Alike.cpp ------------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Alike.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace fetta;

using tnn::SliceClass;

ProgramSpec ProgramSketch::build() const {
  ProgramSpec program;
  program.values.resize(values.size());
  for (auto [value, shape] : llvm::zip_equal(program.values, values))
    value.sizes.assign(shape.begin(), shape.end());
  for (auto &[value, layout] : layouts)
    program.values[value].layout = layout;
  program.steps.reserve(steps.size());
  for (const Step &step : steps)
    program.steps.push_back({*step.contraction, step.values});
  return program;
}

/// Values that contractions of one class see first, as the same operand, form a
/// group.
static void groupValues(ProgramSpec &program,
                        ArrayRef<const SliceClass *> classes) {
  std::map<std::tuple<unsigned, SmallVector<int64_t, 4>, unsigned,
                      SmallVector<int64_t, 8>>,
           unsigned>
      groups;
  std::vector<bool> seen(program.values.size());
  for (auto [step, kind] : llvm::zip_equal(program.steps, classes))
    for (unsigned id = 0; id < 3; ++id) {
      unsigned number = step.values[id];
      if (seen[number])
        continue;
      seen[number] = true;
      ProgramSpec::Value &value = program.values[number];
      auto group =
          groups.insert({{kind->contract, kind->sizes, id, value.sizes},
                         unsigned(groups.size())});
      value.group = group.first->second;
    }
}

/// Whether every value has one layout. Of slices it has: they all look like
/// those that were mapped. Pieces and tiles may share what no two of their
/// classes shared there.
static bool agree(const ProgramSketch &program,
                  ArrayRef<const SliceClass *> classes,
                  ArrayRef<const MappedContraction *> mappings) {
  if (llvm::all_of(classes, [](const SliceClass *kind) {
        return kind->sizes.size() <= 1;
      }))
    return true;
  std::vector<std::optional<Layout>> layouts(program.values.size());
  for (auto [step, mapping] : llvm::zip_equal(program.steps, mappings))
    for (unsigned id = 0; id < 3; ++id) {
      unsigned number = step.values[id];
      std::optional<Layout> layout =
          relabel(mapping->layouts[id], program.values[number]);
      if (!layout || (layouts[number] && layouts[number] != layout))
        return false;
      layouts[number] = std::move(layout);
    }
  return true;
}

llvm::Expected<StepMappings>
fetta::mapProgramLike(StringRef function, const ProgramSketch &sketch,
                      ArrayRef<Operation *> ops, const Machine &machine,
                      const ProgramOptions &options, AlikeContractions *alike,
                      unsigned *failedStep) {
  StepMappings result;
  std::vector<const SliceClass *> classes;
  for (Operation *op : ops) {
    if (!alike)
      break;
    auto it = alike->classes.find(op);
    if (it == alike->classes.end())
      break;
    classes.push_back(&it->second);
  }
  bool hasClasses = alike && !ops.empty() && classes.size() == ops.size();
  if (hasClasses) {
    auto &known = alike->mapped[function.str()];
    for (const SliceClass *kind : classes)
      if (auto it = known.find(*kind); it != known.end())
        result.steps.push_back(&it->second);
      else
        break;
    if (result.steps.size() == ops.size() &&
        agree(sketch, classes, result.steps))
      return result;
    result.steps.clear();
  }
  ProgramSpec program = sketch.build();
  if (hasClasses)
    groupValues(program, classes);
  llvm::Expected<MappedProgram> mapped =
      mapProgram(program, machine, options, failedStep);
  if (!mapped)
    return mapped.takeError();
  if (hasClasses)
    for (auto [kind, step] : llvm::zip_equal(classes, mapped->steps))
      alike->mapped[function.str()].try_emplace(*kind, step);
  result.own = std::move(mapped->steps);
  result.steps.reserve(result.own.size());
  for (const MappedContraction &step : result.own)
    result.steps.push_back(&step);
  return result;
}

void fetta::remarkMapping(StringRef function, hw::ContractOp contract,
                          const MappedContraction &mapping,
                          const Machine &machine) {
  if (!contract->getContext()->getRemarkEngine())
    return; // Nobody asked; there are many.
  const SerialCycles &cycles = mapping.cycles;
  remark::analysis(contract.getLoc(), remark::RemarkOpts::name("mapping")
                                          .category("convert-tnn-to-fetta")
                                          .function(function))
      << remark::add("einsum=\"{0}\" dataflow={1}", contract.getEinsum(),
                     stringifyDataflowKind(contract.getDataflow()))
      << remark::metric("beats", cycles.beats)
      << remark::metric("bank_conflict", cycles.bankConflict)
      << remark::metric("first_load", cycles.firstLoad)
      << remark::metric("stationary_reload", cycles.stationaryReload)
      << remark::metric("drain_busy", cycles.drainBusy)
      << remark::metric("fill", cycles.fill)
      << remark::metric("drain", cycles.drain)
      << remark::metric("cycles", cycles.total())
      << remark::metric("multiply_adds", multiplyAdds(mapping.nest))
      << remark::metric("utilization",
                        double(multiplyAdds(mapping.nest)) /
                            (double(machine.pes()) * double(cycles.total())));
}

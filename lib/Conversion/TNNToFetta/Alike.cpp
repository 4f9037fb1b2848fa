//===- Alike.cpp ------------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Alike.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace fetta;

using Key = decltype(AlikeContractions::mapped)::key_type;

/// Values that contractions of one class see first, as the same operand, form a
/// group.
static void groupValues(ProgramSpec &program, ArrayRef<Key> keys) {
  std::map<std::tuple<unsigned, int64_t, unsigned, SmallVector<int64_t, 8>>,
           unsigned>
      groups;
  std::vector<bool> seen(program.values.size());
  for (auto [step, key] : llvm::zip_equal(program.steps, keys))
    for (unsigned id = 0; id < 3; ++id) {
      unsigned number = step.values[id];
      if (seen[number])
        continue;
      seen[number] = true;
      ProgramSpec::Value &value = program.values[number];
      auto group =
          groups.insert({{std::get<1>(key), std::get<2>(key), id, value.sizes},
                         unsigned(groups.size())});
      value.group = group.first->second;
    }
}

llvm::Expected<std::vector<MappedContraction>>
fetta::mapProgramLike(StringRef function, ProgramSpec &program,
                      ArrayRef<Operation *> ops, const Machine &machine,
                      const ProgramOptions &options, AlikeContractions *alike,
                      unsigned *failedStep) {
  std::vector<Key> keys;
  for (auto [op, step] : llvm::zip_equal(ops, program.steps)) {
    if (!alike)
      break;
    auto it = alike->classes.find(op);
    if (it == alike->classes.end())
      break;
    keys.push_back({function.str(), it->second.contract, it->second.size,
                    step.contraction.accumulates});
  }
  bool hasClasses = !ops.empty() && keys.size() == ops.size();
  if (hasClasses) {
    std::vector<MappedContraction> steps;
    for (const Key &key : keys)
      if (auto it = alike->mapped.find(key); it != alike->mapped.end())
        steps.push_back(it->second);
      else
        break;
    if (steps.size() == ops.size())
      return steps;
    groupValues(program, keys);
  }
  llvm::Expected<MappedProgram> mapped =
      mapProgram(program, machine, options, failedStep);
  if (!mapped)
    return mapped.takeError();
  if (hasClasses)
    for (auto [key, step] : llvm::zip_equal(keys, mapped->steps))
      alike->mapped.try_emplace(key, step);
  return std::move(mapped->steps);
}

void fetta::remarkMapping(StringRef function, hw::ContractOp contract,
                          const MappedContraction &mapping,
                          const Machine &machine) {
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

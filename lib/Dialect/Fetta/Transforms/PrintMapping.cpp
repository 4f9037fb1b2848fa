//===- PrintMapping.cpp ------------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/Fetta/Transforms/Passes.h"
#include "fetta/Mapping/Mapping.h"
#include "fetta/Support/OutputFile.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace fetta::hw {
#define GEN_PASS_DEF_FETTAPRINTMAPPINGPASS
#include "fetta/Dialect/Fetta/Transforms/Passes.h.inc"
} // namespace fetta::hw

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

/// The contractions of one function.
class Printer {
public:
  Printer(const Machine &machine, raw_ostream &os) : machine(machine), os(os) {}

  LogicalResult print(FunctionOpInterface function) {
    os << "function " << function.getName() << '\n';
    WalkResult result = function.walk([&](ContractOp op) {
      return failed(print(op)) ? WalkResult::interrupt()
                               : WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

private:
  LogicalResult print(ContractOp op) {
    llvm::Expected<EinsumModes> einsum = parseEinsum(op.getEinsum());
    if (!einsum)
      return op.emitOpError() << llvm::toString(einsum.takeError());
    llvm::Expected<Nest> nest = getNest(op, homes);
    if (!nest)
      return op.emitOpError() << llvm::toString(nest.takeError());
    SerialCycles cycles = serialCycles(*nest, machine);
    os << "\n%" << numberOf(op.getResult()) << ": \"" << op.getEinsum() << "\"";
    if (auto repeat = dyn_cast<RepeatOp>(op->getParentOp()))
      os << ", " << repeat.getCount() << " times";
    os << "\n";
    os << "alone " << cycles.total() << " cycles: " << cycles.beats << " beats";
    for (auto [what, count] :
         {std::pair("bank conflict", cycles.bankConflict),
          std::pair("first load", cycles.firstLoad),
          std::pair("stationary reload", cycles.stationaryReload),
          std::pair("drain busy", cycles.drainBusy),
          std::pair("fill", cycles.fill), std::pair("drain", cycles.drain)})
      if (count > 0)
        os << ", " << count << ' ' << what;
    os << llvm::format("; %.1f %% of the multipliers in the beats\n",
                       100.0 * double(multiplyAdds(*nest)) /
                           (double(machine.pes()) * double(cycles.beats)));
    SmallVector<std::string> names;
    for (StringRef name : einsum->names)
      names.push_back(name.str());
    os << describe(*nest, names);
    for (unsigned id = 0; id < 3; ++id)
      printTensor(op.getTensor(id), id, einsum->modes[id], names);
    return success();
  }

  /// The picture comes where a tensor is first seen; relabelings are seen as
  /// tensors of their own.
  void printTensor(Value value, unsigned id, ArrayRef<unsigned> modes,
                   ArrayRef<std::string> names) {
    static constexpr StringLiteral operands[3] = {"A", "B", "C"};
    auto type = cast<RankedTensorType>(value.getType());
    bool known = numbers.contains(value);
    os << operands[id] << " = %" << numberOf(value);
    if (id < 2 && known) {
      os << ", above\n";
      return;
    }
    os << " [";
    SmallVector<std::string> dims;
    for (unsigned mode : modes)
      dims.push_back(names[mode]);
    llvm::interleave(dims, os, " ");
    os << "] " << RankedTensorType::get(type.getShape(), type.getElementType())
       << ", " << getPhysicalRows(type)
       << (getPhysicalRows(type) == 1 ? " row\n" : " rows\n")
       << drawLayout(*getLayout(type), dims);
  }

  unsigned numberOf(Value value) {
    return numbers.insert({value, unsigned(numbers.size())}).first->second;
  }

  const Machine &machine;
  raw_ostream &os;
  HomeFinder homes;
  llvm::DenseMap<Value, unsigned> numbers; ///< In the order of appearance.
};

struct PrintMappingPass
    : fetta::hw::impl::FettaPrintMappingPassBase<PrintMappingPass> {
  using FettaPrintMappingPassBase::FettaPrintMappingPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<Machine> machine = getMachine(module);
    if (failed(machine))
      return signalPassFailure();
    std::string text;
    llvm::raw_string_ostream os(text);
    for (auto function : module.getOps<FunctionOpInterface>())
      if (!function.isExternal() &&
          failed(Printer(*machine, os).print(function)))
        return signalPassFailure();
    markAllAnalysesPreserved();
    if (file.empty()) {
      llvm::errs() << text;
      return;
    }
    if (llvm::Error error = writeOutputFile(file, text)) {
      module.emitError() << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }
};

} // namespace

//===- ProgramOrder.cpp ------------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/Transforms/ProgramOrder.h"
#include "fetta/Dialect/Fetta/Transforms/UnrollRepeats.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

FailureOr<Block *> fetta::hw::getProgramBlock(FunctionOpInterface function) {
  Block *block = nullptr;
  if (function.isExternal() || !function
                                    .walk([](Operation *op) {
                                      return isa<PlaceOp>(op) ||
                                                     isInstruction(op)
                                                 ? WalkResult::interrupt()
                                                 : WalkResult::advance();
                                    })
                                    .wasInterrupted())
    return block;
  Region &body = function.getFunctionBody();
  if (!body.hasOneBlock())
    return function.emitError() << "a program is straight-line code; function '"
                                << function.getName() << "' has "
                                << body.getBlocks().size() << " blocks";
  return &body.front();
}

LogicalResult fetta::hw::forEachProgram(
    ModuleOp module, llvm::function_ref<LogicalResult(FunctionOpInterface,
                                                      Block &, const Machine &)>
                         body) {
  for (auto function : module.getOps<FunctionOpInterface>()) {
    FailureOr<Block *> block = getProgramBlock(function);
    if (failed(block))
      return failure();
    if (!*block)
      continue;
    FailureOr<Machine> machine = getMachine(function);
    if (failed(machine) || failed(refuseRepeats(function)) ||
        failed(body(function, **block, *machine)))
      return failure();
  }
  return success();
}

TensorMemoryUse::TensorMemoryUse(Block &block) {
  auto use = [&](Value value, int64_t position) {
    if (std::optional<unsigned> home = find(value))
      live[*home].end = std::max(live[*home].end, position);
  };
  llvm::SmallVector<Value> collected;
  for (Operation &op : block) {
    if (auto collect = dyn_cast<CollectOp>(op)) {
      collected.push_back(collect.getSource());
      continue;
    }
    bool instruction = isInstruction(&op);
    if (instruction)
      for (Value operand : op.getOperands())
        use(operand, positions);
    auto contract = dyn_cast<ContractOp>(op);
    Value source =
        contract && contract.isInPlace() ? contract.getInit() : Value();
    if (auto relabel = dyn_cast<RelabelOp>(op))
      source = relabel.getSource();
    if (source) {
      if (std::optional<unsigned> home = find(source))
        index[&op] = *home;
    } else if (isa<PlaceOp, LoadOp, ContractOp>(op)) {
      auto type = cast<RankedTensorType>(op.getResult(0).getType());
      LiveValue value;
      value.rows = getPhysicalRows(type);
      value.begin = isa<PlaceOp>(op) ? 0 : positions;
      value.end = positions;
      value.streamed = isa<LoadOp>(op);
      if (HomeAttr home = getHome(op.getResult(0)))
        value.fixed = SlabRows{home.getSlab(), home.getRow()};
      index[&op] = homes.size();
      homes.push_back(&op);
      live.push_back(value);
    }
    if (auto store = dyn_cast<StoreOp>(op))
      if (std::optional<unsigned> home = find(store.getSource()))
        live[*home].streamed = true;
    positions += instruction;
  }
  for (Value value : collected)
    use(value, positions);
}

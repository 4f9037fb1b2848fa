//===- ProgramOrder.cpp ------------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/Transforms/ProgramOrder.h"
#include "fetta/Dialect/Fetta/Transforms/UnrollRepeats.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

SyncAttr fetta::hw::getSync(Operation *op) {
  return llvm::TypeSwitch<Operation *, SyncAttr>(op)
      .Case<LoadOp, StoreOp, ContractOp, SyncOp>(
          [](auto op) { return op.getSyncAttr(); })
      .Default(SyncAttr());
}

void fetta::hw::setSync(Operation *op, SyncAttr sync) {
  llvm::TypeSwitch<Operation *>(op).Case<LoadOp, StoreOp, ContractOp, SyncOp>(
      [&](auto op) { op.setSyncAttr(sync); });
}

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
    ModuleOp module,
    llvm::function_ref<LogicalResult(FunctionOpInterface, Block &,
                                     const Machine &)>
        body,
    bool withRepeats) {
  for (auto function : module.getOps<FunctionOpInterface>()) {
    FailureOr<Block *> block = getProgramBlock(function);
    if (failed(block))
      return failure();
    if (!*block)
      continue;
    FailureOr<Machine> machine = getMachine(function);
    if (failed(machine) || (!withRepeats && failed(refuseRepeats(function))) ||
        failed(body(function, **block, *machine)))
      return failure();
  }
  return success();
}

TensorMemoryUse::TensorMemoryUse(Block &block) {
  SmallVector<Value> collected;
  addBlock(block, collected);
  for (Value value : collected)
    use(value, positions);
}

void TensorMemoryUse::use(Value value, int64_t position) {
  if (std::optional<unsigned> home = find(value))
    live[*home].end = std::max(live[*home].end, position);
}

void TensorMemoryUse::addBlock(Block &block,
                               SmallVectorImpl<Value> &collected) {
  for (Operation &op : block) {
    if (auto collect = dyn_cast<CollectOp>(op)) {
      collected.push_back(collect.getSource());
      continue;
    }
    if (auto repeat = dyn_cast<RepeatOp>(op)) {
      addRepeat(repeat);
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
        index[op.getResult(0)] = *home;
    } else if (isa<PlaceOp, LoadOp, ContractOp>(op)) {
      auto type = cast<RankedTensorType>(op.getResult(0).getType());
      LiveValue value;
      value.rows = getPhysicalRows(type);
      value.begin = isa<PlaceOp>(op) ? 0 : positions;
      value.end = positions;
      value.streamed = isa<LoadOp>(op);
      if (HomeAttr home = getHome(op.getResult(0)))
        value.fixed = SlabRows{home.getSlab(), home.getRow()};
      index[op.getResult(0)] = homes.size();
      homes.push_back(&op);
      live.push_back(value);
    }
    if (auto store = dyn_cast<StoreOp>(op))
      if (std::optional<unsigned> home = find(store.getSource()))
        live[*home].streamed = true;
    positions += instruction;
  }
}

void TensorMemoryUse::addRepeat(RepeatOp repeat) {
  Block &body = *repeat.getBody();
  SmallVector<Value> collected; // A body collects nothing.
  for (auto [argument, init] :
       llvm::zip_equal(body.getArguments(), repeat.getInits()))
    if (std::optional<unsigned> home = find(init))
      index[argument] = *home;
  addBlock(body, collected);
  int64_t last = positions - 1;
  // The next iteration reads what the first has read from before the repeat.
  for (Operation &op : body)
    for (Value operand : op.getOperands())
      if (operand.getParentBlock() != &body)
        use(operand, last);
  // What is yielded lives to the end of the body, and in the next iteration as
  // long as the initial value has in the first, in the same rows.
  for (auto [argument, result, yielded] :
       llvm::zip_equal(body.getArguments(), repeat.getResults(),
                       repeat.getYield().getValues())) {
    if (!argument.use_empty() || !result.use_empty())
      use(yielded, last);
    if (std::optional<unsigned> home = find(yielded))
      index[result] = *home;
  }
}

//===- FettaRepeat.cpp - fetta.repeat and its rules ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpRules.h"

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

//===----------------------------------------------------------------------===//
// Rules of operations inside
//===----------------------------------------------------------------------===//

/// The first use of `value` or of a view of it that does not come before `op`.
static Operation *findLaterUse(Operation *op, Value value) {
  for (Operation *user : value.getUsers()) {
    if (user == op)
      continue;
    if (isa<RelabelOp>(user)) {
      if (Operation *later = findLaterUse(op, user->getResult(0)))
        return later;
      continue;
    }
    Operation *here = op->getBlock()->findAncestorOpInBlock(*user);
    if (!here || here == op || op->isBeforeInBlock(here))
      return user;
  }
  return nullptr;
}

LogicalResult fetta::hw::verifyNoLaterUse(Operation *op, StringRef what,
                                          Value value) {
  if (isa_and_nonnull<RepeatOp>(op->getParentOp()) &&
      value.getParentBlock() != op->getBlock()) {
    InFlightDiagnostic diag = op->emitOpError()
                              << "overwrites its " << what
                              << ", which lies before the repeat: the next "
                                 "iteration needs it; carry it with iter";
    diag.attachNote(value.getLoc()) << "made here";
    return diag;
  }
  if (Operation *later = findLaterUse(op, value)) {
    InFlightDiagnostic diag = op->emitOpError() << "overwrites its " << what
                                                << ", which has a later use";
    diag.attachNote(later->getLoc()) << "used here";
    return diag;
  }
  return success();
}

LogicalResult fetta::hw::verifyAdvance(Operation *op, int64_t advance,
                                       int64_t room) {
  if (!advance)
    return success();
  auto repeat = dyn_cast_or_null<RepeatOp>(op->getParentOp());
  if (!repeat)
    return op->emitOpError()
           << "advances by " << advance
           << " elements, which it may in the body of fetta.repeat only";
  if (advance < 0)
    return op->emitOpError() << "advances by " << advance
                             << " elements, which should be positive";
  int64_t last = int64_t(repeat.getCount()) - 1;
  if (advance > room / last)
    return op->emitOpError()
           << "reaches outside of the region: " << last << " times " << advance
           << " elements further in the last iteration, behind the tile of the "
              "first are "
           << room;
  return success();
}

//===----------------------------------------------------------------------===//
// The repeat
//===----------------------------------------------------------------------===//

void RepeatOp::build(OpBuilder &builder, OperationState &state, int64_t count,
                     ValueRange inits) {
  OpBuilder::InsertionGuard guard(builder);
  state.addAttribute(getCountAttrName(state.name),
                     builder.getI64IntegerAttr(count));
  state.addOperands(inits);
  state.addTypes(inits.getTypes());
  Block *body = builder.createBlock(state.addRegion());
  for (Value init : inits)
    body->addArgument(init.getType(), init.getLoc());
}

YieldOp RepeatOp::getYield() {
  return cast<YieldOp>(getBody()->getTerminator());
}

ParseResult RepeatOp::parse(OpAsmParser &parser, OperationState &result) {
  IntegerAttr count;
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> inits;
  if (parser.parseAttribute(count, parser.getBuilder().getI64Type(),
                            getCountAttrName(result.name), result.attributes))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("iter"))) {
    SMLoc location = parser.getCurrentLocation();
    if (parser.parseAssignmentList(arguments, inits) ||
        parser.parseColonTypeList(result.types))
      return failure();
    if (result.types.size() != inits.size())
      return parser.emitError(location)
             << inits.size() << " carried values, but " << result.types.size()
             << " types";
    if (parser.resolveOperands(inits, result.types, location, result.operands))
      return failure();
    for (auto [argument, type] : llvm::zip_equal(arguments, result.types))
      argument.type = type;
  }
  return failure(parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
                 parser.parseRegion(*result.addRegion(), arguments));
}

void RepeatOp::print(OpAsmPrinter &printer) {
  printer << ' ' << getCount();
  if (!getInits().empty()) {
    printer << " iter(";
    llvm::interleaveComma(
        llvm::zip_equal(getBody()->getArguments(), getInits()), printer,
        [&](auto pair) {
          printer << std::get<0>(pair) << " = " << std::get<1>(pair);
        });
    printer << ") : ";
    llvm::interleaveComma(getInits().getTypes(), printer);
  }
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(),
                                           {getCountAttrName()});
  printer << ' ';
  printer.printRegion(getRegion(), /*printEntryBlockArgs=*/false);
}

/// What a repeat begins with: values with a home of their own and chains of
/// stores, which it overwrites.
static LogicalResult verifyInit(RepeatOp op, unsigned number, Value init) {
  bool inMemory = bool(cast<RankedTensorType>(init.getType()).getEncoding());
  Operation *source = init.getDefiningOp();
  if (inMemory ? !isa_and_nonnull<LoadOp, ContractOp, RepeatOp>(source)
               : !isa_and_nonnull<tensor::EmptyOp, StoreOp, RepeatOp>(source))
    return op.emitOpError()
           << "carries #" << number << ", whose initial value should come from "
           << (inMemory ? "fetta.load, fetta.contract or fetta.repeat"
                        : "tensor.empty, fetta.store or fetta.repeat")
           << ", got "
           << (source ? source->getName().getStringRef() : "an argument");
  // tensor.empty makes a new region at every use.
  if (isa<tensor::EmptyOp>(source))
    return success();
  if (llvm::count(op.getInits(), init) > 1)
    return op.emitOpError() << "carries one value twice, as #" << number;
  return verifyNoLaterUse(op, "initial value #" + std::to_string(number), init);
}

LogicalResult RepeatOp::verify() {
  int64_t count = getCountAttr().getInt();
  if (count < 2 || count > UINT32_MAX)
    return emitOpError() << "runs its body at least twice and less than 2^32 "
                            "times, got "
                         << count;
  if ((*this)->getParentOfType<RepeatOp>())
    return emitOpError()
           << "stands in the body of another; repeats do not nest";
  Block &body = *getBody();
  if (!llvm::equal(body.getArgumentTypes(), getInits().getTypes()) ||
      !llvm::equal(getResultTypes(), getInits().getTypes()))
    return emitOpError() << "carries values of types (" << getInits().getTypes()
                         << "), but the types of its body's arguments are ("
                         << body.getArgumentTypes()
                         << ") and its results have (" << getResultTypes()
                         << ")";
  bool isEmpty = true;
  for (Operation &op : body) {
    if (!isa<LoadOp, StoreOp, ContractOp, RelabelOp, SyncOp, RepeatOp, YieldOp>(
            op)) {
      InFlightDiagnostic diag =
          emitOpError() << "holds " << op.getName()
                        << "; a body holds fetta.load, fetta.store, "
                           "fetta.contract, fetta.relabel and fetta.sync";
      diag.attachNote(op.getLoc()) << "here";
      return diag;
    }
    isEmpty &= isa<RelabelOp, YieldOp>(op);
  }
  if (isEmpty)
    return emitOpError() << "repeats no instruction";
  for (auto [number, init] : llvm::enumerate(getInits()))
    if (failed(verifyInit(*this, number, init)))
      return failure();
  return success();
}

/// The region of what is yielded is the carried one: a chain of stores from the
/// argument on.
static LogicalResult verifyYieldedRegion(RepeatOp op, unsigned number,
                                         Value yielded) {
  BlockArgument argument = op.getBody()->getArgument(number);
  Value value = yielded;
  while (auto store = value.getDefiningOp<StoreOp>()) {
    if (store->getBlock() != op.getBody())
      break;
    value = store.getInto();
  }
  if (value != argument || value == yielded)
    return op.getYield().emitOpError()
           << "#" << number
           << " should be a chain of stores that begins with the argument of "
              "the body";
  return success();
}

/// What is yielded is computed or loaded by the body, to the carried home.
static LogicalResult verifyYieldedTensor(RepeatOp op, unsigned number,
                                         Value yielded) {
  BlockArgument argument = op.getBody()->getArgument(number);
  Value value = yielded;
  Operation *home = nullptr;
  while ((home = value.getDefiningOp()) && home->getBlock() == op.getBody()) {
    auto contract = dyn_cast<ContractOp>(home);
    if (!contract || !contract.isInPlace())
      break;
    value = contract.getInit();
  }
  if (value == argument && value != yielded)
    return success();
  if (!isa_and_nonnull<LoadOp, ContractOp>(home) ||
      home->getBlock() != op.getBody())
    return op.getYield().emitOpError()
           << "#" << number
           << " should come from a fetta.load or fetta.contract of the body, "
              "or continue the sums of its argument";
  HomeAttr before = getHome(op.getInits()[number]);
  HomeAttr after = getHome(value);
  if (before != after) {
    InFlightDiagnostic diag = op.emitOpError() << "carries #" << number
                                               << " in one home, but begins ";
    auto describe = [&](HomeAttr home) {
      if (home)
        diag << "in " << home;
      else
        diag << "without";
    };
    describe(before);
    diag << " and yields ";
    describe(after);
    diag.attachNote(home->getLoc()) << "yielded from here";
    return diag;
  }
  // It lies where the argument did.
  if (auto contract = dyn_cast<ContractOp>(home))
    for (Value operand : {contract.getLhs(), contract.getRhs()}) {
      while (auto view = operand.getDefiningOp<RelabelOp>())
        operand = view.getSource();
      if (operand == argument)
        return home->emitOpError()
               << "overwrites its operand, carried value #" << number;
    }
  return verifyNoLaterUse(home, "carried value #" + std::to_string(number),
                          argument);
}

LogicalResult RepeatOp::verifyRegions() {
  YieldOp yield = getYield();
  if (yield.getValues().getTypes() != getInits().getTypes())
    return yield.emitOpError()
           << "has types (" << yield.getValues().getTypes()
           << "), the repeat carries (" << getInits().getTypes() << ")";
  llvm::SmallPtrSet<void *, 8> seen;
  for (auto [number, value] : llvm::enumerate(yield.getValues())) {
    if (!seen.insert(value.getAsOpaquePointer()).second)
      return yield.emitOpError() << "names one value twice, as #" << number;
    bool inMemory = bool(cast<RankedTensorType>(value.getType()).getEncoding());
    if (failed(inMemory ? verifyYieldedTensor(*this, number, value)
                        : verifyYieldedRegion(*this, number, value)))
      return failure();
  }
  return success();
}

//===- SliceWriter.cpp ------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SliceWriter.h"
#include "StaticSlices.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fetta::tnn;

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

SliceWriter::SliceWriter(func::FuncOp function, const BatchAnalysis *batch,
                         int64_t size, int64_t sample, SliceClasses *classes,
                         std::vector<CutMode> cuts, const ModePlan &plan)
    : function(function), batch(batch), size(size),
      all(batch ? int64_t(llvm::divideCeil(batch->getBatch(), size)) : 1),
      count(sample > 0 ? std::min(all, sample) : all), cuts(std::move(cuts)),
      plan(plan), builder(function.getContext()), classes(classes) {}

//===----------------------------------------------------------------------===//
// Who holds what
//===----------------------------------------------------------------------===//

bool SliceWriter::isSliceWork(ContractOp op) const {
  return llvm::any_of(op->getOperands(),
                      [&](Value operand) { return isPerSlice(operand); });
}

void SliceWriter::findParameters() {
  for (BlockArgument argument : function.getArguments()) {
    auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      kRoleAttr);
    if (batch ? kindOf(argument) == Kind::Whole
              : role && role.getValue() == kRoleParam)
      ofParameters.insert(argument);
  }
  for (Operation &op : function.getBody().front())
    if (op.getNumResults() == 1 &&
        (!batch ||
         (kindOf(op.getResult(0)) == Kind::Whole && !batch->isLate(&op))) &&
        llvm::all_of(op.getOperands(), [&](Value operand) {
          return ofParameters.contains(operand);
        }))
      ofParameters.insert(op.getResult(0));
}

SmallVector<unsigned, 4> SliceWriter::cutsOf(Value value) const {
  SmallVector<unsigned, 4> held;
  for (auto [c, cut] : llvm::enumerate(cuts))
    if (cut.mode.isHeldBy(value))
      held.push_back(unsigned(c));
  return held;
}

SmallVector<unsigned, 4> SliceWriter::cutsOf(ContractOp op) const {
  SmallVector<unsigned, 4> held;
  for (auto [c, cut] : llvm::enumerate(cuts))
    if (cut.mode.isHeldBy(op.getLhs()) || cut.mode.isHeldBy(op.getRhs()))
      held.push_back(unsigned(c));
  return held;
}

SmallVector<unsigned, 4> SliceWriter::summedCuts(ContractOp op) const {
  SmallVector<unsigned, 4> summed = cutsOf(op);
  llvm::erase_if(summed, [&](unsigned c) {
    return cuts[c].mode.isHeldBy(op.getResult());
  });
  return summed;
}

SliceWriter::Key SliceWriter::keyOf(Value value, const Place &place) const {
  Pieces pieces(cuts.size(), -1);
  SmallVector<unsigned, 4> held = cutsOf(value);
  for (unsigned c : held)
    pieces[c] = place.pieces[c];
  bool again =
      !plan.keepsParameters && !held.empty() &&
      (ofParameters.contains(value) || isa<BlockArgument>(getViewed(value)));
  return {value.getAsOpaquePointer(), isPerSlice(value) ? place.slice : -1,
          pieces, again ? place.visit : 0};
}

RankedTensorType SliceWriter::partType(Value value, const Place &place) const {
  RankedTensorType type = tensorType(value);
  SmallVector<int64_t> shape(type.getShape());
  if (kindOf(value) == Kind::Sliced)
    shape[batch->dimensionOf(value)] = length(place.slice);
  for (unsigned c : cutsOf(value))
    if (place.pieces[c] >= 0)
      shape[cuts[c].mode.dimensionOf(value)] = cuts[c].length(place.pieces[c]);
  return type.clone(shape);
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

Value SliceWriter::extract(Value value, Value source, const Place &place,
                           bool ofBatch, ArrayRef<unsigned> ofCuts) {
  auto type = tensorType(source);
  SmallVector<int64_t> offsets(type.getRank(), 0), sizes(type.getShape());
  if (ofBatch) {
    int64_t dimension = batch->dimensionOf(value);
    offsets[dimension] = begin(place.slice);
    sizes[dimension] = length(place.slice);
  }
  for (unsigned c : ofCuts) {
    int64_t dimension = cuts[c].mode.dimensionOf(value);
    offsets[dimension] = cuts[c].begin(place.pieces[c]);
    sizes[dimension] = cuts[c].length(place.pieces[c]);
  }
  return extractSlice(builder, value.getLoc(), source, offsets, sizes);
}

Value SliceWriter::makeView(Operation *op, const Place &place) {
  Value value = op->getResult(0), source = op->getOperand(0);
  // Modes that begin behind this view are cut out of it.
  SmallVector<unsigned, 4> begun = cutsOf(value);
  llvm::erase_if(begun,
                 [&](unsigned c) { return cuts[c].mode.isHeldBy(source); });
  Place before = place;
  for (unsigned c : begun)
    before.pieces[c] = -1;
  Value viewed = get(source, before);
  RankedTensorType type = partType(value, before);
  SmallVector<ReassociationIndices> groups = getReshapeGroups(op);
  Value made;
  if (isa<tensor::ExpandShapeOp>(op))
    made = tensor::ExpandShapeOp::create(builder, op->getLoc(), type, viewed,
                                         groups);
  else if (isa<tensor::CollapseShapeOp>(op))
    made = tensor::CollapseShapeOp::create(builder, op->getLoc(), type, viewed,
                                           groups);
  else if (isa<arith::ExtFOp>(op))
    made = arith::ExtFOp::create(builder, op->getLoc(), type, viewed);
  else
    made = arith::TruncFOp::create(builder, op->getLoc(), type, viewed);
  made.getDefiningOp()->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  return begun.empty() ? made
                       : extract(value, made, place, /*ofBatch=*/false, begun);
}

Value SliceWriter::get(Value value, const Place &place) {
  Key key = keyOf(value, place);
  if (Value known = parts[key])
    return known;
  Value made;
  if (isa<BlockArgument>(value)) {
    SmallVector<unsigned, 4> held = cutsOf(value);
    bool ofBatch = kindOf(value) == Kind::Sliced;
    made = ofBatch || !held.empty()
               ? extract(value, value, place, ofBatch, held)
               : value;
  } else if (isView(value.getDefiningOp())) {
    made = makeView(value.getDefiningOp(), place);
  } else {
    auto op = cast<ContractOp>(value.getDefiningOp());
    assert(ofParameters.contains(value) && "others are written in order");
    forPieces(summedCuts(op), place,
              [&](const Place &inside) { runContract(op, inside); });
    return parts[key];
  }
  return parts[key] = made;
}

void SliceWriter::forPieces(ArrayRef<unsigned> over, Place place,
                            llvm::function_ref<void(const Place &)> body) {
  if (over.empty())
    return body(place);
  for (int64_t piece = 0; piece < cuts[over.front()].count(); ++piece) {
    place.pieces[over.front()] = piece;
    forPieces(over.drop_front(), place, body);
  }
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

void SliceWriter::runContract(ContractOp op, const Place &place) {
  Value result = op.getResult();
  Key key = keyOf(result, place);
  bool isTotal = kindOf(result) == Kind::Total;
  bool endsSum = llvm::all_of(summedCuts(op), [&](unsigned c) {
    return place.pieces[c] + 1 == cuts[c].count();
  });
  bool isLast = endsSum && (!isTotal || place.slice + 1 == count);
  bool inDram = isTotal && !plan.keepsSums && canSpill(result);
  Value lhs = get(op.getLhs(), place), rhs = get(op.getRhs(), place);
  Value &sum = sums[key];
  Value init = sum;
  if (!init && op.getInit())
    init = get(op.getInit(), place);
  if (!init && inDram)
    init = loadSums(result, place);
  RankedTensorType type = partType(result, place);
  if (!isLast) // Only the last part of a sum rounds it.
    type = type.clone(builder.getF32Type());
  auto contract = ContractOp::create(builder, op.getLoc(), type, lhs, rhs, init,
                                     op.getEinsum());
  contract->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  if (classes) {
    SliceClass &kind = (*classes)[contract];
    kind = {numbers.lookup(op),
            {isSliceWork(op) ? length(place.slice) : 0},
            /*continues=*/bool(init),
            /*goesOn=*/!isLast};
    for (unsigned c : cutsOf(op))
      kind.sizes.push_back(cuts[c].length(place.pieces[c]));
  }
  if (!endsSum || (!isLast && !inDram)) {
    sum = contract;
    return;
  }
  sum = Value();
  parts[key] = contract;
  returnParts(result, place);
  if (!isLast)
    dropParts(result, place);
}

/// Each contraction joins the first loop over its cuts that comes after all
/// that it needs. What is summed over pieces is there when the loop is over.
std::vector<SliceWriter::Loop>
SliceWriter::makeLoops(ArrayRef<ContractOp> ops) const {
  std::vector<Loop> loops;
  llvm::DenseMap<Operation *, size_t> loopOf;
  for (ContractOp op : ops) {
    SmallVector<unsigned, 4> over = cutsOf(op);
    size_t first = 0;
    for (Value operand : op->getOperands()) {
      auto source = getViewed(operand).getDefiningOp<ContractOp>();
      auto it = source ? loopOf.find(source) : loopOf.end();
      if (it == loopOf.end())
        continue;
      bool isSide =
          loops[it->second].cuts == over && summedCuts(source).empty();
      first = std::max(first, it->second + !isSide);
    }
    while (first < loops.size() && loops[first].cuts != over)
      ++first;
    if (first == loops.size())
      loops.push_back({over, {}});
    loops[first].ops.push_back(op);
    loopOf[op] = first;
  }
  return loops;
}

void SliceWriter::runLoops(ArrayRef<Loop> loops, int64_t slice) {
  for (const Loop &loop : loops)
    forPieces(loop.cuts, {slice, Pieces(cuts.size(), -1), ++visits},
              [&](const Place &place) {
                for (ContractOp op : loop.ops)
                  runContract(op, place);
              });
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void SliceWriter::returnParts(Value value, const Place &place) {
  bool ofBatch = kindOf(value) == Kind::Sliced;
  SmallVector<unsigned, 4> held = cutsOf(value);
  if (!ofBatch && held.empty())
    return;
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    // A view in which the mode ends is one of the whole.
    if (isView(user) && cutsOf(user->getResult(0)) == held) {
      returnParts(user->getResult(0), place);
      continue;
    }
    if (!isView(user) && !user->hasTrait<OpTrait::IsTerminator>())
      continue;
    RankedTensorType type = tensorType(value);
    Location loc = value.getLoc();
    Value into = results.lookup(&use);
    if (!into)
      into = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                     type.getElementType());
    Value part = get(value, place);
    SmallVector<int64_t> offsets(type.getRank(), 0);
    if (ofBatch)
      offsets[batch->dimensionOf(value)] = begin(place.slice);
    for (unsigned c : held)
      offsets[cuts[c].mode.dimensionOf(value)] = cuts[c].begin(place.pieces[c]);
    results[&use] = insertSlice(builder, loc, part, into, offsets);
  }
}

/// Parts that are only for this slice, and views of them.
void SliceWriter::dropParts(Value value, const Place &place) {
  parts.erase(keyOf(value, place));
  for (Operation *user : value.getUsers())
    if (isView(user))
      dropParts(user->getResult(0), place);
}

static bool isReshape(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op);
}

bool SliceWriter::canSpill(Value value) const {
  SmallVector<unsigned, 4> held = cutsOf(value);
  return !held.empty() && llvm::any_of(value.getUsers(), [&](Operation *user) {
    if (!isView(user))
      return user->hasTrait<OpTrait::IsTerminator>();
    // What is rounded is no sum to go on from.
    return cutsOf(user->getResult(0)) != held ||
           (isReshape(user) && canSpill(user->getResult(0)));
  });
}

Value SliceWriter::loadSums(Value value, const Place &place) {
  if (place.slice == 0)
    return {};
  SmallVector<unsigned, 4> held = cutsOf(value);
  for (OpOperand &use : value.getUses()) {
    if (Value stored = results.lookup(&use))
      return extract(value, stored, place, /*ofBatch=*/false, held);
    Operation *user = use.getOwner();
    if (!isReshape(user) || cutsOf(user->getResult(0)) != held)
      continue;
    Value part = loadSums(user->getResult(0), place);
    if (!part)
      continue;
    // Back through the view.
    RankedTensorType type = partType(value, place);
    SmallVector<ReassociationIndices> groups = getReshapeGroups(user);
    if (isa<tensor::ExpandShapeOp>(user))
      return tensor::CollapseShapeOp::create(builder, user->getLoc(), type,
                                             part, groups);
    return tensor::ExpandShapeOp::create(builder, user->getLoc(), type, part,
                                         groups);
  }
  return {};
}

/// What was put together from parts, behind the views in which modes end.
Value SliceWriter::getReturned(OpOperand &operand) {
  if (Value result = results.lookup(&operand))
    return result;
  Operation *op = operand.get().getDefiningOp();
  if (!op || !isView(op))
    return {};
  Value source = getReturned(op->getOpOperand(0));
  if (!source)
    return {};
  Operation *view = builder.clone(*op);
  view->setOperand(0, source);
  return view->getResult(0);
}

void SliceWriter::finish(Operation *terminator) {
  for (OpOperand &operand : terminator->getOpOperands()) {
    Value value = operand.get();
    if (Value returned = getReturned(operand))
      operand.set(returned);
    else if (!isPerSlice(value) && cutsOf(value).empty())
      operand.set(get(value, {0, Pieces(cuts.size(), -1), 0}));
  }
}

//===----------------------------------------------------------------------===//
// The order of everything
//===----------------------------------------------------------------------===//

/// Arguments that contractions read through views only.
llvm::SetVector<Value>
SliceWriter::slicedArgumentsOf(ArrayRef<ContractOp> ops) const {
  llvm::SetVector<Value> arguments;
  for (ContractOp op : ops)
    for (Value value : op->getOperands()) {
      Value viewed = getViewed(value);
      if (isa<BlockArgument>(viewed) && kindOf(viewed) == Kind::Sliced &&
          cutsOf(value).empty())
        arguments.insert(viewed);
    }
  return arguments;
}

int64_t SliceWriter::countContractions() {
  findParameters();
  int64_t total = 0;
  for (ContractOp op : function.getBody().front().getOps<ContractOp>()) {
    int64_t each = isSliceWork(op) ? all : 1;
    for (unsigned c : cutsOf(op))
      each = llvm::SaturatingMultiply<uint64_t>(each, cuts[c].count());
    total = int64_t(std::min<uint64_t>(
        llvm::SaturatingAdd<uint64_t>(total, each), INT64_MAX));
  }
  return total;
}

SliceWriter::Work SliceWriter::findWork() {
  findParameters();
  Work work;
  for (ContractOp op : function.getBody().front().getOps<ContractOp>()) {
    numbers[op] = unsigned(numbers.size());
    auto phase = op->getAttrOfType<StringAttr>(kPhaseAttr);
    if (ofParameters.contains(op.getResult())) {
      if (cutsOf(op).empty())
        work.once.push_back(op);
    } else if (batch && !isSliceWork(op)) {
      work.last.push_back(op);
    } else {
      (!phase || phase.getValue() == kPhaseForward ? work.forward
                                                   : work.backward)
          .push_back(op);
    }
  }
  return work;
}

void SliceWriter::run() {
  Block &block = function.getBody().front();
  Operation *terminator = block.getTerminator();
  const Work work = findWork();
  llvm::SetVector<Value> early = slicedArgumentsOf(work.forward);
  llvm::SetVector<Value> late = slicedArgumentsOf(work.backward);
  std::vector<Loop> forwardLoops = makeLoops(work.forward),
                    backwardLoops = makeLoops(work.backward),
                    lastLoops = makeLoops(work.last);
  SmallVector<Operation *> old;
  for (Operation &op : block.without_terminator())
    old.push_back(&op);

  builder.setInsertionPoint(terminator);
  auto load = [&](const llvm::SetVector<Value> &arguments, int64_t slice) {
    if (slice < count)
      for (Value argument : arguments)
        get(argument, {slice, Pieces(cuts.size(), -1), 0});
  };
  auto runSlice = [&](ArrayRef<Loop> loops, int64_t slice) {
    if (slice < count)
      runLoops(loops, slice);
  };
  load(early, 0);
  for (ContractOp op : work.once)
    runContract(op, {0, Pieces(cuts.size(), -1), 0});
  // Forward work is one slice ahead, its arguments two: transfers overlap
  // contractions, and a loss lies between the two phases of a slice.
  const int64_t ahead = plan.inTurn ? 0 : 1;
  if (ahead) {
    runSlice(forwardLoops, 0);
    load(late, 0);
    load(early, 1);
  }
  for (int64_t slice = 0; slice < count; ++slice) {
    load(early, slice + 2 * ahead);
    runSlice(forwardLoops, slice + ahead);
    load(late, slice + ahead);
    runSlice(backwardLoops, slice);
  }
  runLoops(lastLoops, count - 1);
  finish(terminator);
  // What stays is a view of an argument that the function returns.
  for (Operation *op : llvm::reverse(old))
    if (op->use_empty())
      op->erase();
}

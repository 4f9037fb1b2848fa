//===- SliceBatch.cpp -------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Slices over the batch: the analysis finds the dimension of every value that
/// is the batch and what becomes of the value, the rewriter writes the slices.
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "fetta/Dialect/TNN/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/SetVector.h"

namespace fetta::tnn {
#define GEN_PASS_DEF_TNNSLICEBATCHPASS
#include "fetta/Dialect/TNN/Transforms/Passes.h.inc"
} // namespace fetta::tnn

using namespace mlir;
using namespace fetta::tnn;

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Reshapes and casts: one operand, one result, linear.
static bool isView(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, arith::TruncFOp,
             arith::ExtFOp>(op);
}

static SmallVector<ReassociationIndices> getGroups(Operation *op) {
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return expand.getReassociationIndices();
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return collapse.getReassociationIndices();
  return {};
}

/// The first used argument that is no parameter and has a leading dimension.
static BlockArgument findBatchArgument(func::FuncOp function) {
  for (BlockArgument argument : function.getArguments()) {
    auto role = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      kRoleAttr);
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if ((!role || role.getValue() != kRoleParam) && type &&
        type.hasStaticShape() && type.getRank() > 0 && !argument.use_empty())
      return argument;
  }
  return {};
}

std::optional<int64_t> fetta::tnn::getBatchSize(func::FuncOp function) {
  if (function.isExternal())
    return std::nullopt;
  BlockArgument argument = findBatchArgument(function);
  return argument ? std::optional(tensorType(argument).getDimSize(0))
                  : std::nullopt;
}

namespace {
/// What becomes of a value.
enum class Kind {
  Whole,   ///< Has no batch: computed once.
  Sliced,  ///< Has the batch as a dimension: one value for each slice.
  Partial, ///< A sum over the batch in bf16: one value for each slice, whose
           ///< sum is the value.
  Total,   ///< A sum over the batch in f32: goes on from slice to slice.
};

/// Which dimension of every value is the batch, and kinds.
class BatchAnalysis {
public:
  explicit BatchAnalysis(func::FuncOp function) : function(function) {}

  LogicalResult run();

  Kind kindOf(Value value) const { return kinds.lookup(value); }
  /// Batch dimension of a sliced value.
  int64_t dimensionOf(Value value) const { return dimensions.at(value); }
  int64_t getBatch() const { return batch; }
  /// Whether a sum must wait for all slices (it depends on a total).
  bool isLate(Operation *op) const { return late.contains(op); }

private:
  LogicalResult checkOperation(Operation &op);
  LogicalResult propagate(Operation &op, bool &changed);
  LogicalResult setDimension(Operation &op, Value value, int64_t dimension,
                             bool &changed);
  LogicalResult classify(Operation &op);
  LogicalResult classifyContract(ContractOp op);

  func::FuncOp function;
  int64_t batch = 0;
  llvm::DenseMap<Value, int64_t> dimensions;
  llvm::DenseMap<Value, Kind> kinds;
  llvm::DenseSet<Operation *> late;
};

/// Writes the slices.
class SliceWriter {
public:
  SliceWriter(func::FuncOp function, const BatchAnalysis &analysis,
              int64_t size, int64_t maxSlices)
      : function(function), analysis(analysis), size(size),
        count(std::min((analysis.getBatch() + size - 1) / size, maxSlices)),
        slices(count), builder(function.getContext()) {}

  void run();

private:
  bool isSliceWork(ContractOp op) const {
    return llvm::any_of(op->getOperands(), [&](Value operand) {
      Kind kind = analysis.kindOf(operand);
      return kind == Kind::Sliced || kind == Kind::Partial;
    });
  }
  int64_t begin(int64_t slice) const { return slice * size; }
  int64_t length(int64_t slice) const {
    return std::min(size, analysis.getBatch() - begin(slice));
  }
  RankedTensorType sliceType(Value value, int64_t slice) const;
  /// The value as a whole, or for one slice; makes slices of arguments and
  /// views where they are first asked for.
  Value get(Value value, int64_t slice);
  void runContract(ContractOp op, int64_t slice);
  void runOnce(Operation &op);
  void returnSlices(Value value, int64_t slice);

  func::FuncOp function;
  const BatchAnalysis &analysis;
  int64_t size, count;
  llvm::DenseMap<Value, Value> whole; ///< Whole values and totals so far.
  std::vector<llvm::DenseMap<Value, Value>> slices;
  /// Results of the function that are put together from slices.
  llvm::DenseMap<OpOperand *, Value> results;
  OpBuilder builder;
};
} // namespace

//===----------------------------------------------------------------------===//
// Analysis
//===----------------------------------------------------------------------===//

LogicalResult BatchAnalysis::checkOperation(Operation &op) {
  if (isa<ContractOp>(op) || isView(&op) ||
      op.hasTrait<OpTrait::IsTerminator>())
    return success();
  return op.emitOpError() << "cannot be sliced over the batch, only "
                             "contractions and reshapes can";
}

LogicalResult BatchAnalysis::setDimension(Operation &op, Value value,
                                          int64_t dimension, bool &changed) {
  auto [entry, isNew] = dimensions.insert({value, dimension});
  changed |= isNew;
  if (entry->second != dimension)
    return op.emitOpError()
           << "cannot be sliced: dimensions " << entry->second << " and "
           << dimension << " of " << value.getType() << " are both the batch";
  return success();
}

LogicalResult BatchAnalysis::propagate(Operation &op, bool &changed) {
  if (auto contract = dyn_cast<ContractOp>(op)) {
    EinsumAttr einsum = contract.getEinsum();
    std::pair<Value, SmallVector<StringAttr>> tensors[] = {
        {contract.getLhs(), einsum.getInputModes(0)},
        {contract.getRhs(), einsum.getInputModes(1)},
        {contract.getResult(), einsum.getOutputModes()},
        {contract.getInit(), einsum.getOutputModes()}};
    for (auto &[value, modes] : tensors) {
      auto dimension = value ? dimensions.find(value) : dimensions.end();
      if (dimension == dimensions.end())
        continue;
      StringAttr mode = modes[dimension->second];
      for (auto &[other, otherModes] : tensors) {
        auto *position = llvm::find(otherModes, mode);
        if (other && position != otherModes.end() &&
            failed(setDimension(op, other, position - otherModes.begin(),
                                changed)))
          return failure();
      }
    }
    return success();
  }
  if (!isView(&op))
    return success();
  Value source = op.getOperand(0), result = op.getResult(0);
  SmallVector<ReassociationIndices> groups = getGroups(&op);
  if (groups.empty()) { // A cast, or a scalar.
    for (auto [from, to] : {std::pair(source, result), {result, source}})
      if (auto it = dimensions.find(from); it != dimensions.end())
        if (failed(setDimension(op, to, it->second, changed)))
          return failure();
    return success();
  }
  bool expands = isa<tensor::ExpandShapeOp>(op);
  Value coarse = expands ? source : result, fine = expands ? result : source;
  RankedTensorType fineType = tensorType(fine);
  for (auto [coarseDim, group] : llvm::enumerate(groups)) {
    auto c = dimensions.find(coarse);
    bool isCoarse = c != dimensions.end() && c->second == int64_t(coarseDim);
    auto f = dimensions.find(fine);
    bool isFine = f != dimensions.end() && llvm::is_contained(group, f->second);
    if (!isCoarse && !isFine)
      continue;
    SmallVector<int64_t> parts;
    for (int64_t d : group)
      if (fineType.getDimSize(d) == batch)
        parts.push_back(d);
    if (parts.size() != 1 || tensorType(coarse).getDimSize(coarseDim) != batch)
      return op.emitOpError()
             << "cannot be sliced: it " << (expands ? "splits" : "merges")
             << " the batch of " << batch;
    if (failed(setDimension(op, coarse, coarseDim, changed)) ||
        failed(setDimension(op, fine, parts.front(), changed)))
      return failure();
  }
  return success();
}

LogicalResult BatchAnalysis::classifyContract(ContractOp op) {
  Value result = op.getResult();
  SmallVector<Value> sliced, partial;
  for (Value factor : op.getFactors()) {
    if (kindOf(factor) == Kind::Sliced)
      sliced.push_back(factor);
    else if (kindOf(factor) == Kind::Partial)
      partial.push_back(factor);
  }
  if (op.getInit() && (!sliced.empty() || !partial.empty() ||
                       kindOf(op.getInit()) != Kind::Whole))
    return op.emitOpError() << "cannot be sliced: it goes on from sums already";
  if (partial.size() + !sliced.empty() > 1)
    return op.emitOpError()
           << "cannot be sliced: it multiplies a sum over the batch, which is "
              "known only after the last slice, by "
           << (sliced.empty() ? "another one" : "a slice");
  if (dimensions.contains(result)) {
    kinds[result] = Kind::Sliced;
    return success();
  }
  if (sliced.empty() && partial.empty()) {
    kinds[result] = Kind::Whole;
    return success();
  }
  // A sum over the batch. The machine adds up in f32 and rounds when it drains
  // the last time: what goes on as bf16 goes on for each slice.
  if (op.getType().getElementType().isF32()) {
    kinds[result] = Kind::Total;
    return success();
  }
  kinds[result] = Kind::Partial;
  return success();
}

LogicalResult BatchAnalysis::classify(Operation &op) {
  if (auto contract = dyn_cast<ContractOp>(op)) {
    if (failed(classifyContract(contract)))
      return failure();
  } else if (isView(&op)) {
    kinds[op.getResult(0)] = kindOf(op.getOperand(0));
  } else if (op.hasTrait<OpTrait::IsTerminator>()) {
    for (OpOperand &operand : op.getOpOperands())
      if (kindOf(operand.get()) == Kind::Partial)
        return op.emitOpError()
               << "cannot be sliced: result #" << operand.getOperandNumber()
               << " is a sum over the batch that is rounded to "
               << tensorType(operand.get()).getElementType()
               << "; sums over slices are in f32, so make it "
               << tensorType(operand.get())
                      .clone(Float32Type::get(op.getContext()));
  }
  // What needs a total waits for the last slice.
  bool isLate = llvm::any_of(op.getOperands(), [&](Value operand) {
    return kindOf(operand) == Kind::Total ||
           (operand.getDefiningOp() && late.contains(operand.getDefiningOp()));
  });
  if (!isLate)
    return success();
  if (op.getNumResults() && kindOf(op.getResult(0)) == Kind::Sliced)
    return op.emitOpError() << "cannot be sliced: it needs a sum over the "
                               "batch, which is known only after the last "
                               "slice";
  late.insert(&op);
  return success();
}

LogicalResult BatchAnalysis::run() {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError()
           << "cannot be sliced: it has "
           << function.getBody().getBlocks().size() << " blocks";
  Block &block = function.getBody().front();
  BlockArgument argument = findBatchArgument(function);
  if (!argument)
    return function.emitOpError()
           << "cannot be sliced: every argument is a parameter, none has a "
              "batch";
  batch = tensorType(argument).getDimSize(0);
  for (Operation &op : block)
    if (failed(checkOperation(op)))
      return failure();
  dimensions[argument] = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (Operation &op : block)
      if (failed(propagate(op, changed)))
        return failure();
  }
  for (BlockArgument other : function.getArguments())
    kinds[other] = dimensions.contains(other) ? Kind::Sliced : Kind::Whole;
  for (Operation &op : block)
    if (failed(classify(op)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Rewriting
//===----------------------------------------------------------------------===//

RankedTensorType SliceWriter::sliceType(Value value, int64_t slice) const {
  RankedTensorType type = tensorType(value);
  if (analysis.kindOf(value) != Kind::Sliced)
    return type;
  SmallVector<int64_t> shape(type.getShape());
  shape[analysis.dimensionOf(value)] = length(slice);
  return type.clone(shape);
}

/// Offsets, sizes and strides of a slice of a tensor.
static std::array<SmallVector<OpFoldResult>, 3>
getSlice(OpBuilder &builder, RankedTensorType type, int64_t dimension,
         int64_t begin, int64_t length) {
  SmallVector<int64_t> offsets(type.getRank(), 0), sizes(type.getShape()),
      strides(type.getRank(), 1);
  offsets[dimension] = begin;
  sizes[dimension] = length;
  return {getAsIndexOpFoldResult(builder.getContext(), offsets),
          getAsIndexOpFoldResult(builder.getContext(), sizes),
          getAsIndexOpFoldResult(builder.getContext(), strides)};
}

Value SliceWriter::get(Value value, int64_t slice) {
  Kind kind = analysis.kindOf(value);
  bool perSlice = kind == Kind::Sliced || kind == Kind::Partial;
  Value &known = perSlice ? slices[slice][value] : whole[value];
  if (known)
    return known;
  Value made;
  if (isa<BlockArgument>(value)) {
    made = value;
    if (perSlice) {
      auto [offsets, sizes, strides] =
          getSlice(builder, tensorType(value), analysis.dimensionOf(value),
                   begin(slice), length(slice));
      made = tensor::ExtractSliceOp::create(builder, value.getLoc(), value,
                                            offsets, sizes, strides);
    }
  } else {
    Operation *op = value.getDefiningOp();
    assert(isView(op) && "contractions are written in order");
    Value source = get(op->getOperand(0), slice);
    RankedTensorType type = sliceType(value, slice);
    SmallVector<ReassociationIndices> groups = getGroups(op);
    if (isa<tensor::ExpandShapeOp>(op))
      made = tensor::ExpandShapeOp::create(builder, op->getLoc(), type, source,
                                           groups);
    else if (isa<tensor::CollapseShapeOp>(op))
      made = tensor::CollapseShapeOp::create(builder, op->getLoc(), type,
                                             source, groups);
    else if (isa<arith::ExtFOp>(op))
      made = arith::ExtFOp::create(builder, op->getLoc(), type, source);
    else
      made = arith::TruncFOp::create(builder, op->getLoc(), type, source);
    made.getDefiningOp()->setDiscardableAttrs(
        op->getDiscardableAttrDictionary());
  }
  // The map may have grown.
  (perSlice ? slices[slice][value] : whole[value]) = made;
  return made;
}

void SliceWriter::runContract(ContractOp op, int64_t slice) {
  Value result = op.getResult();
  bool isTotal = analysis.kindOf(result) == Kind::Total;
  Value lhs = get(op.getLhs(), slice), rhs = get(op.getRhs(), slice);
  Value init = isTotal        ? whole.lookup(result)
               : op.getInit() ? get(op.getInit(), slice)
                              : Value();
  auto contract =
      ContractOp::create(builder, op.getLoc(), sliceType(result, slice), lhs,
                         rhs, init, op.getEinsum());
  contract->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  Kind kind = analysis.kindOf(result);
  bool perSlice = kind == Kind::Sliced || kind == Kind::Partial;
  (perSlice ? slices[slice][result] : whole[result]) = contract;
  if (kind == Kind::Sliced)
    returnSlices(result, slice);
}

/// Inserts the slice of a value, or of a view of it, that the function returns.
void SliceWriter::returnSlices(Value value, int64_t slice) {
  for (OpOperand &use : value.getUses()) {
    if (isView(use.getOwner())) {
      returnSlices(use.getOwner()->getResult(0), slice);
      continue;
    }
    if (!use.getOwner()->hasTrait<OpTrait::IsTerminator>())
      continue;
    Value &result = results[&use];
    RankedTensorType type = tensorType(value);
    Location loc = value.getLoc();
    if (!result)
      result = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                       type.getElementType());
    auto [offsets, sizes, strides] =
        getSlice(builder, type, analysis.dimensionOf(value), begin(slice),
                 length(slice));
    Value inserted = tensor::InsertSliceOp::create(
        builder, loc, get(value, slice), result, offsets, sizes, strides);
    results[&use] = inserted;
  }
}

void SliceWriter::run() {
  Block &block = function.getBody().front();
  Operation *terminator = block.getTerminator();
  SmallVector<ContractOp> once, forward, backward, last;
  for (ContractOp op : block.getOps<ContractOp>()) {
    auto phase = op->getAttrOfType<StringAttr>(kPhaseAttr);
    if (isSliceWork(op))
      (!phase || phase.getValue() == kPhaseForward ? forward : backward)
          .push_back(op);
    else
      (analysis.isLate(op) ? last : once).push_back(op);
  }
  // Arguments that some contraction reads through views only.
  auto argumentsOf = [&](ArrayRef<ContractOp> ops) {
    llvm::SetVector<Value> arguments;
    for (ContractOp op : ops)
      for (Value value : op->getOperands()) {
        while (value.getDefiningOp() && isView(value.getDefiningOp()))
          value = value.getDefiningOp()->getOperand(0);
        if (isa<BlockArgument>(value) && analysis.kindOf(value) == Kind::Sliced)
          arguments.insert(value);
      }
    return arguments;
  };
  llvm::SetVector<Value> early = argumentsOf(forward);
  llvm::SetVector<Value> lateArguments = argumentsOf(backward);
  SmallVector<Operation *> old;
  for (Operation &op : block.without_terminator())
    old.push_back(&op);

  builder.setInsertionPoint(terminator);
  auto load = [&](const llvm::SetVector<Value> &arguments, int64_t slice) {
    if (slice < count)
      for (Value argument : arguments)
        get(argument, slice);
  };
  auto runSlice = [&](ArrayRef<ContractOp> ops, int64_t slice) {
    if (slice < count)
      for (ContractOp op : ops)
        runContract(op, slice);
  };
  load(early, 0);
  for (ContractOp op : once)
    runContract(op, 0);
  // Forward work is one slice ahead, its arguments two: transfers overlap
  // contractions, and a loss lies between the two phases of a slice.
  runSlice(forward, 0);
  load(lateArguments, 0);
  load(early, 1);
  for (int64_t slice = 0; slice < count; ++slice) {
    load(early, slice + 2);
    runSlice(forward, slice + 1);
    load(lateArguments, slice + 1);
    runSlice(backward, slice);
  }
  for (ContractOp op : last)
    runContract(op, 0);
  for (OpOperand &operand : terminator->getOpOperands()) {
    Value value = operand.get();
    auto result = results.find(&operand);
    if (result != results.end())
      operand.set(result->second);
    else if (Kind kind = analysis.kindOf(value);
             kind == Kind::Whole || kind == Kind::Total)
      operand.set(get(value, 0));
  }
  // What stays is a view of an argument that the function returns.
  for (Operation *op : llvm::reverse(old))
    if (op->use_empty())
      op->erase();
}

LogicalResult fetta::tnn::sliceBatch(func::FuncOp function, int64_t size,
                                     int64_t maxSlices) {
  assert(size > 0 && "a slice holds something");
  BatchAnalysis analysis(function);
  if (failed(analysis.run()))
    return failure();
  if (size < analysis.getBatch())
    SliceWriter(function, analysis, size, maxSlices).run();
  return success();
}

namespace {
struct TNNSliceBatchPass
    : fetta::tnn::impl::TNNSliceBatchPassBase<TNNSliceBatchPass> {
  using Base = fetta::tnn::impl::TNNSliceBatchPassBase<TNNSliceBatchPass>;
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || slices == 1)
      return;
    if (slices < 1) {
      function.emitError() << "slices should be positive, got "
                           << slices.getValue();
      return signalPassFailure();
    }
    std::optional<int64_t> batch = getBatchSize(function);
    if (batch && slices > *batch) {
      function.emitError() << "cannot be cut into " << slices.getValue()
                           << " slices, the batch is " << *batch;
      return signalPassFailure();
    }
    int64_t size = batch ? (*batch + slices - 1) / slices : 1;
    if (failed(sliceBatch(function, size)))
      signalPassFailure();
  }
};
} // namespace

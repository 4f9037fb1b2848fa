//===- SliceBatch.cpp -------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Writes the slices of what the analysis has found.
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "BatchAnalysis.h"
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

namespace {
/// Writes the slices.
class SliceWriter {
public:
  SliceWriter(func::FuncOp function, const BatchAnalysis &analysis,
              int64_t size, bool sample, SliceClasses *classes)
      : function(function), analysis(analysis), size(size),
        all((analysis.getBatch() + size - 1) / size),
        count(sample ? std::min(all, kSample) : all), slices(count),
        classes(classes), builder(function.getContext()) {}

  /// Slices of a sample: seven follow each other, the last may be smaller.
  static constexpr int64_t kSample = 8;

  void run();

private:
  bool isSliceWork(ContractOp op) const {
    return llvm::any_of(op->getOperands(), [&](Value operand) {
      Kind kind = analysis.kindOf(operand);
      return kind == Kind::Sliced || kind == Kind::Partial;
    });
  }
  /// Of a sample, the last slice is that of the batch.
  int64_t begin(int64_t slice) const {
    return (slice + 1 == count ? all - 1 : slice) * size;
  }
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
  int64_t size, all, count; ///< Elements of a slice; slices; those written.
  llvm::DenseMap<Value, Value> whole; ///< Whole values and totals so far.
  std::vector<llvm::DenseMap<Value, Value>> slices;
  /// Results of the function that are put together from slices.
  llvm::DenseMap<OpOperand *, Value> results;
  llvm::DenseMap<Operation *, unsigned> numbers; ///< Of contractions.
  SliceClasses *classes;
  OpBuilder builder;
};
} // namespace

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
    SmallVector<ReassociationIndices> groups = getReshapeGroups(op);
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
  if (classes)
    (*classes)[contract] = {numbers.lookup(op),
                            isSliceWork(op) ? length(slice) : 0};
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
    numbers[op] = unsigned(numbers.size());
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
                                     bool sample, SliceClasses *classes) {
  assert(size > 0 && "a slice holds something");
  BatchAnalysis analysis(function);
  if (failed(analysis.run()))
    return failure();
  if (size < analysis.getBatch())
    SliceWriter(function, analysis, size, sample, classes).run();
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

//===- SliceBatch.cpp -------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Slices over the batch and pieces of other modes: the pass, and what others
/// ask of it.
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "SliceWriter.h"
#include "StreamWriter.h"
#include "fetta/Dialect/TNN/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace fetta::tnn {
#define GEN_PASS_DEF_TNNSLICEBATCHPASS
#include "fetta/Dialect/TNN/Transforms/Passes.h.inc"
} // namespace fetta::tnn

using namespace mlir;
using namespace fetta::tnn;

/// Values by number: arguments, then results.
static SmallVector<Value> numberValues(func::FuncOp function) {
  SmallVector<Value> values(function.getArguments());
  for (Operation &op : function.getBody().front())
    llvm::append_range(values, op.getResults());
  return values;
}

namespace {
/// What a writer works with.
struct Slicing {
  std::optional<BatchAnalysis> batch; ///< Without it there is one slice.
  std::vector<CutMode> cuts;

  bool isWhole() const { return !batch && cuts.empty(); }
};
} // namespace

static FailureOr<Slicing> analyze(func::FuncOp function, int64_t size,
                                  const ModePlan &plan) {
  assert(size > 0 && "a slice holds something");
  Slicing slicing;
  std::optional<BatchAnalysis> &batch = slicing.batch;
  if (plan.cuts.empty() || size < getBatchSize(function).value_or(1)) {
    batch.emplace(function);
    if (failed(batch->run()))
      return failure();
    if (size >= batch->getBatch())
      batch.reset();
  }
  if (plan.cuts.empty())
    return slicing;
  if (failed(checkSliceable(function)))
    return failure();
  SmallVector<Value> values = numberValues(function);
  for (const ModeCut &cut : plan.cuts) {
    ModeDimensions mode(function, "the mode",
                        ModeDimensions::Splits::EndAtBoundary);
    Value seed = values[cut.value];
    if (failed(mode.follow(seed, cut.dimension)))
      return failure();
    if (batch && batch->kindOf(seed) == Kind::Sliced &&
        batch->dimensionOf(seed) == cut.dimension)
      return function.emitOpError()
             << "cannot be sliced: the mode to be cut is the batch";
    for (auto [other, earlier] : llvm::zip(plan.cuts, slicing.cuts)) {
      Value first = values[other.value];
      if ((earlier.mode.isHeldBy(seed) &&
           earlier.mode.dimensionOf(seed) == cut.dimension) ||
          (mode.isHeldBy(first) && mode.dimensionOf(first) == other.dimension))
        return function.emitOpError()
               << "cannot be sliced: one mode of size " << mode.getSize()
               << " is to be cut into pieces of " << other.size << " and of "
               << cut.size << "; name each mode once";
    }
    slicing.cuts.push_back({std::move(mode), cut.size});
  }
  return slicing;
}

LogicalResult fetta::tnn::sliceBatch(func::FuncOp function, int64_t size,
                                     int64_t sample, SliceClasses *classes,
                                     const ModePlan &plan) {
  if (!plan.streams.empty()) {
    BatchAnalysis batch(function);
    return failed(batch.run())
               ? failure()
               : StreamWriter(function, batch, size, sample, classes, plan)
                     .run();
  }
  FailureOr<Slicing> slicing = analyze(function, size, plan);
  if (failed(slicing))
    return failure();
  if (!slicing->isWhole())
    SliceWriter(function, slicing->batch ? &*slicing->batch : nullptr, size,
                sample, classes, std::move(slicing->cuts), plan)
        .run();
  return success();
}

FailureOr<int64_t> fetta::tnn::countContractions(func::FuncOp function,
                                                 int64_t size,
                                                 const ModePlan &plan) {
  if (!plan.streams.empty()) {
    BatchAnalysis batch(function);
    if (failed(batch.run()))
      return failure();
    return StreamWriter(function, batch, size, /*sample=*/0,
                        /*classes=*/nullptr, plan)
        .countContractions();
  }
  FailureOr<Slicing> slicing = analyze(function, size, plan);
  if (failed(slicing))
    return failure();
  return SliceWriter(function, slicing->batch ? &*slicing->batch : nullptr,
                     size, /*sample=*/0, /*classes=*/nullptr,
                     std::move(slicing->cuts), plan)
      .countContractions();
}

FailureOr<SliceOrder> fetta::tnn::findSliceOrder(func::FuncOp function) {
  BatchAnalysis batch(function);
  if (failed(batch.run()))
    return failure();
  SliceWriter writer(function, &batch, /*size=*/1, /*sample=*/1,
                     /*classes=*/nullptr, /*cuts=*/{}, ModePlan());
  SliceOrder order;
  SliceWriter::Work work = writer.findWork();
  for (ArrayRef<ContractOp> part :
       {ArrayRef(work.once), ArrayRef(work.forward), ArrayRef(work.backward),
        ArrayRef(work.last)})
    llvm::append_range(order.contracts, part);
  for (Value value : numberValues(function))
    if (batch.kindOf(value) == Kind::Sliced)
      order.batchDimensions[value] = unsigned(batch.dimensionOf(value));
  return order;
}

FailureOr<SmallVector<Operation *>>
fetta::tnn::findRepeated(func::FuncOp function) {
  BatchAnalysis batch(function);
  if (failed(batch.run()))
    return failure();
  SmallVector<Operation *> repeated;
  for (ContractOp op : function.getBody().front().getOps<ContractOp>()) {
    auto any = [&](Kind kind) {
      return llvm::any_of(op.getFactors(), [&](Value factor) {
        return batch.kindOf(factor) == kind;
      });
    };
    if (any(Kind::Partial) && !any(Kind::Sliced))
      repeated.push_back(op);
  }
  return repeated;
}

FailureOr<ModeCut> fetta::tnn::findMode(func::FuncOp function, StringRef name,
                                        int64_t count) {
  for (auto [number, value] : llvm::enumerate(numberValues(function))) {
    auto contract = value.getDefiningOp<ContractOp>();
    if (!contract)
      continue;
    std::pair<Value, SmallVector<StringAttr>> tensors[] = {
        {contract.getResult(), contract.getEinsum().getOutputModes()},
        {contract.getLhs(), contract.getEinsum().getInputModes(0)},
        {contract.getRhs(), contract.getEinsum().getInputModes(1)}};
    for (auto &[tensor, modes] : tensors) {
      auto *mode = llvm::find_if(
          modes, [&](StringAttr mode) { return mode.getValue() == name; });
      if (mode == modes.end())
        continue;
      auto dimension = unsigned(mode - modes.begin());
      int64_t size =
          cast<RankedTensorType>(tensor.getType()).getDimSize(dimension);
      if (count < 1 || count > size)
        return contract.emitOpError()
               << "cannot be sliced into " << count << " pieces: mode '" << name
               << "' has size " << size;
      SmallVector<Value> values = numberValues(function);
      return ModeCut{unsigned(llvm::find(values, tensor) - values.begin()),
                     dimension, int64_t(llvm::divideCeil(size, count))};
    }
  }
  return function.emitOpError()
         << "cannot be sliced: no contraction has a mode '" << name << "'";
}

namespace {
struct TNNSliceBatchPass
    : fetta::tnn::impl::TNNSliceBatchPassBase<TNNSliceBatchPass> {
  using Base = fetta::tnn::impl::TNNSliceBatchPassBase<TNNSliceBatchPass>;
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || (slices == 1 && modes.empty() && batch == 0))
      return;
    if (batch < 0) {
      function.emitError() << "batch should not be negative, got "
                           << batch.getValue();
      return signalPassFailure();
    }
    if (slices < 1) {
      function.emitError() << "slices should be positive, got "
                           << slices.getValue();
      return signalPassFailure();
    }
    if (batch > 0 && failed(setBatch(function, batch)))
      return signalPassFailure();
    std::optional<int64_t> elements = getBatchSize(function);
    if (elements && slices > *elements) {
      function.emitError() << "cannot be cut into " << slices.getValue()
                           << " slices, the batch is " << *elements;
      return signalPassFailure();
    }
    ModePlan plan;
    plan.keepsParameters = !recompute;
    plan.keepsSums = !spill;
    plan.inTurn = inTurn;
    for (StringRef text : modes) {
      auto [name, number] = text.split(':');
      int64_t pieces;
      if (number.getAsInteger(10, pieces)) {
        function.emitError()
            << "modes should be MODE:PIECES, got '" << text << "'";
        return signalPassFailure();
      }
      FailureOr<ModeCut> cut = findMode(function, name, pieces);
      if (failed(cut))
        return signalPassFailure();
      plan.cuts.push_back(*cut);
    }
    int64_t size = elements ? (*elements + slices - 1) / slices : 1;
    if (failed(sliceBatch(function, size, /*sample=*/0,
                          /*classes=*/nullptr, plan)))
      signalPassFailure();
  }
};
} // namespace

//===- SliceEstimate.cpp ----------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SliceEstimate.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace fetta;

/// A value of more than this part of a slab is large: slabs hold a few of them,
/// and what is left over counts as taken.
static constexpr int64_t kLarge = 8;

/// Contractions of a program, at most. Each has a nest, transfers and tokens of
/// its own: so many take a minute or two to compile.
static constexpr int64_t kMostContractions = int64_t(1) << 16;

int64_t fetta::nextCount(int64_t count) {
  if (count < 3)
    return count + 1;
  return llvm::isPowerOf2_64(count) ? count + count / 2 : count / 3 * 4;
}

int64_t fetta::estimateRows(RankedTensorType type, const Machine &machine) {
  SmallVector<int64_t> chunks(type.getShape());
  for (unsigned bit = 0; bit < machine.laneBits(); ++bit) {
    auto *best = llvm::max_element(chunks, [](int64_t a, int64_t b) {
      return double(a) / double((a + 1) / 2) < double(b) / double((b + 1) / 2);
    });
    if (best != chunks.end())
      *best = (*best + 1) / 2;
  }
  int64_t rows = type.getElementType().isF32() ? 2 : 1;
  for (int64_t count : chunks)
    if (llvm::MulOverflow(rows, count, rows))
      return INT64_MAX;
  return rows;
}

/// The value in memory that a value is, or is a view or a continued sum of.
static Value findRoot(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    auto contract = dyn_cast<tnn::ContractOp>(op);
    if (contract && contract.getInit() &&
        contract.getType().getElementType().isF32())
      value = contract.getInit();
    else if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                 arith::TruncFOp, tensor::InsertSliceOp>(op))
      value = op->getOperand(0);
    else
      break;
  }
  return value;
}

RowEstimate fetta::estimateRows(func::FuncOp function, const Machine &machine) {
  llvm::MapVector<Value, std::pair<int64_t, int64_t>> lives;
  llvm::DenseMap<Value, int64_t> rows;
  int64_t position = 0;
  auto touch = [&](Value value) {
    Value root = findRoot(value);
    if (isa_and_nonnull<tensor::EmptyOp>(root.getDefiningOp()))
      return;
    auto [it, isNew] = lives.insert({root, {position, position}});
    it->second.second = position;
    auto type = cast<RankedTensorType>(value.getType());
    int64_t needed = estimateRows(type, machine);
    // The shape that a contraction sees counts, not that of the argument.
    int64_t &known = rows[root];
    known = known ? std::min(known, needed) : needed;
  };
  for (Operation &op : function.getBody().front()) {
    ++position;
    if (isa<tnn::ContractOp>(op)) {
      for (Value operand : op.getOperands())
        touch(operand);
      touch(op.getResult(0));
    } else if (isa<tensor::ExtractSliceOp>(op)) {
      touch(op.getResult(0));
    } else if (isa<tensor::InsertSliceOp>(op)) {
      touch(op.getOperand(0));
    }
  }
  RowEstimate estimate;
  std::vector<int64_t> change(position + 2, 0);
  for (auto &[root, life] : lives) {
    if (rows[root] > machine.rowsPerSlab) {
      estimate.peak = INT64_MAX;
      return estimate;
    }
    // Large values leave room that nothing else needs.
    if (rows[root] > machine.rowsPerSlab / kLarge)
      rows[root] = machine.rowsPerSlab / (machine.rowsPerSlab / rows[root]);
    if (isa_and_nonnull<tensor::ExtractSliceOp>(root.getDefiningOp()))
      estimate.largestSlice = std::max(estimate.largestSlice, rows[root]);
    change[life.first] += rows[root];
    change[life.second + 1] -= rows[root];
  }
  int64_t alive = 0;
  for (int64_t delta : change)
    estimate.peak = std::max(estimate.peak, alive += delta);
  return estimate;
}

StepWork fetta::estimateWork(func::FuncOp function, const Machine &machine,
                             LinkModel link) {
  StepWork work;
  for (auto op : function.getOps<tnn::ContractOp>()) {
    ++work.contracts;
    llvm::Expected<hw::EinsumModes> einsum =
        hw::parseEinsum(op.getEinsum().getSpec());
    if (!einsum) {
      llvm::consumeError(einsum.takeError());
      continue;
    }
    std::vector<int64_t> sizes(einsum->names.size(), 1);
    for (auto [modes, value] : {std::pair(&einsum->modes[0], op.getLhs()),
                                {&einsum->modes[1], op.getRhs()}})
      for (auto [mode, size] : llvm::zip_equal(
               *modes, cast<RankedTensorType>(value.getType()).getShape()))
        sizes[mode] = size;
    double multiplyAdds = 1;
    for (int64_t size : sizes)
      multiplyAdds *= double(size);
    work.array += multiplyAdds / double(machine.pes());
  }
  if (link == LinkModel::Ideal)
    return work;
  double bytes = 0;
  for (TypeRange types :
       {function.getArgumentTypes(), function.getResultTypes()})
    for (Type type : types)
      if (auto tensor = dyn_cast<RankedTensorType>(type))
        bytes += double(tensor.getNumElements()) *
                 (tensor.getElementType().isF32() ? 4 : 2);
  work.link =
      bytes * double(machine.clockHz) / double(machine.dramBytesPerSecond);
  return work;
}

double StepWork::cycles(int64_t slices) const {
  // A contraction more takes some 15 cycles of loads and drains that nothing
  // hides, a slice some 60 of waiting for its own transfers (measured on the
  // worked example).
  constexpr double eachContract = 15, eachSlice = 60;
  double count = double(slices);
  double sliced =
      array + (slices > 1 ? count * double(contracts) * eachContract : 0);
  return std::max(sliced, link) + std::min(sliced, link) / count +
         count * eachSlice;
}

LogicalResult fetta::checkContractions(ArrayRef<SlicedFunction> functions) {
  int64_t all = 0, most = -1;
  const SlicedFunction *longest = nullptr;
  for (const SlicedFunction &sliced : functions) {
    // Whoever slices says what stands in the way.
    ScopedDiagnosticHandler quiet(sliced.function->getContext(),
                                  [](Diagnostic &) { return success(); });
    FailureOr<int64_t> count =
        tnn::countContractions(sliced.function, sliced.size, sliced.plan);
    if (failed(count))
      continue;
    all += std::min(*count, INT64_MAX - all);
    if (*count > most) {
      most = *count;
      longest = &sliced;
    }
  }
  if (all <= kMostContractions)
    return success();
  func::FuncOp function = longest->function;
  int64_t batch = tnn::getBatchSize(function).value_or(1);
  int64_t size = std::min(batch, longest->size);
  InFlightDiagnostic report = emitError(function.getLoc());
  report << "function '" << function.getName() << "' is at least " << all
         << " contractions in " << int64_t(llvm::divideCeil(batch, size))
         << " slices of " << size << " of " << batch;
  if (size_t modes = longest->plan.cuts.size())
    report << " and pieces of " << modes << " modes";
  report << "; a program has " << kMostContractions << " at most";
  report.attachNote()
      << "take a smaller batch, fewer slices, or a machine with "
         "more rows_per_slab";
  return report;
}

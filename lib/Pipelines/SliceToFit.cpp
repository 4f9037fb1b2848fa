//===- SliceToFit.cpp -------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SliceToFit.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

//===----------------------------------------------------------------------===//
// How many rows are alive
//===----------------------------------------------------------------------===//

/// Rows of a tensor in a layout that gives bank bits to the dimensions whose
/// chunks shrink most, as the mapper's free layouts do.
static int64_t estimateRows(RankedTensorType type, const Machine &machine) {
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
    if (contract && contract.getInit())
      value = contract.getInit();
    else if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                 arith::TruncFOp, tensor::InsertSliceOp>(op))
      value = op->getOperand(0);
    else
      break;
  }
  return value;
}

/// Rows of all tensors at the position of a function where most are alive; more
/// than there are where one tensor exceeds a slab. An argument lives from its
/// first use (its slice: from where it stands) to its last one, a result until
/// it is stored.
static int64_t estimatePeak(func::FuncOp function, const Machine &machine) {
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
  std::vector<int64_t> change(position + 2, 0);
  for (auto &[root, life] : lives) {
    if (rows[root] > machine.rowsPerSlab)
      return INT64_MAX;
    change[life.first] += rows[root];
    change[life.second + 1] -= rows[root];
  }
  int64_t peak = 0, alive = 0;
  for (int64_t delta : change)
    peak = std::max(peak, alive += delta);
  return peak;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
class SliceToFitPass
    : public PassWrapper<SliceToFitPass, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SliceToFitPass)

  SliceToFitPass(std::string slices, std::function<void(OpPassManager &)> build)
      : slices(std::move(slices)), build(std::move(build)) {}

  StringRef getArgument() const override { return "fetta-slice-to-fit"; }
  StringRef getDescription() const override {
    return "Slice over the batch until the tensors fit, and map";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    OpPassManager passes(ModuleOp::getOperationName());
    build(passes);
    passes.getDependentDialects(registry);
    registry.insert<arith::ArithDialect, tensor::TensorDialect>();
  }

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  using Diagnostics = std::vector<Diagnostic>;

  LogicalResult run();
  /// Cuts into `count` slices, of the size that `sizeOf(batch, count)` says,
  /// and runs the passes.
  LogicalResult runWith(int64_t count, int64_t (*sizeOf)(int64_t, int64_t));
  /// The next number of slices from `count` on that should fit, if any.
  std::optional<int64_t> estimate(int64_t count, const Machine &machine,
                                  Diagnostics &reasons);
  /// Runs `body` and keeps what it reports.
  LogicalResult quietly(Diagnostics &reports,
                        llvm::function_ref<LogicalResult()> body) {
    ScopedDiagnosticHandler handler(&getContext(), [&](Diagnostic &report) {
      reports.push_back(std::move(report));
      return success();
    });
    return body();
  }
  void emit(Diagnostics &reports) {
    for (Diagnostic &report : reports)
      getContext().getDiagEngine().emit(std::move(report));
    reports.clear();
  }
  int64_t largestBatch() {
    int64_t batch = 1;
    for (auto function : getOperation().getOps<func::FuncOp>())
      batch = std::max(batch, tnn::getBatchSize(function).value_or(1));
    return batch;
  }

  std::string slices;
  std::function<void(OpPassManager &)> build;
};
} // namespace

/// Elements of a slice where a batch is cut into `count`. Up to a quarter more
/// than needed, so that the size is a multiple of a power of two, which fills
/// lanes.
static int64_t sliceSize(int64_t batch, int64_t count) {
  int64_t size = llvm::divideCeil(batch, count);
  int64_t unit = std::min<int64_t>(64, llvm::bit_floor(uint64_t(size)) / 4);
  return unit > 1 && count > 1 ? llvm::alignTo(size, unit) : size;
}

/// With 8 slices an eighth of the transfers is not behind contractions; below
/// 64 elements the sums over slices take a noticeable share of the array.
static constexpr int64_t kSlicesToOverlap = 8, kSmallestUsefulSlice = 64;

/// 1, 2, 3, 4, 6, 8, 12, 16, ...
static int64_t nextCount(int64_t count) {
  if (count < 3)
    return count + 1;
  return llvm::isPowerOf2_64(count) ? count + count / 2 : count / 3 * 4;
}

std::optional<int64_t> SliceToFitPass::estimate(int64_t count,
                                                const Machine &machine,
                                                Diagnostics &reasons) {
  int64_t capacity = machine.slabs * machine.rowsPerSlab,
          batch = largestBatch();
  for (;; count = std::min(nextCount(count), batch)) {
    bool fits = true;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || !function.getBody().hasOneBlock())
        continue;
      if (count == 1) {
        fits &= estimatePeak(function, machine) <= capacity;
        continue;
      }
      // Four slices are as many as ever live at the same time.
      OwningOpRef<func::FuncOp> copy = function.clone();
      int64_t size = sliceSize(tnn::getBatchSize(function).value_or(1), count);
      if (failed(quietly(reasons, [&]() {
            return tnn::sliceBatch(*copy, size, /*maxSlices=*/4);
          })))
        return std::nullopt;
      fits &= estimatePeak(*copy, machine) <= capacity;
    }
    if (fits)
      return count;
    if (count >= batch)
      return std::nullopt;
  }
}

LogicalResult SliceToFitPass::runWith(int64_t count,
                                      int64_t (*sizeOf)(int64_t, int64_t)) {
  if (count > 1)
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() &&
          failed(tnn::sliceBatch(
              function,
              sizeOf(tnn::getBatchSize(function).value_or(1), count))))
        return failure();
  OpPassManager passes(ModuleOp::getOperationName());
  build(passes);
  return runPipeline(passes, getOperation());
}

static bool exceedsMemory(ArrayRef<Diagnostic> reports) {
  return llvm::any_of(reports, [](const Diagnostic &report) {
    return StringRef(report.str()).contains(kExceedsMemory);
  });
}

LogicalResult SliceToFitPass::run() {
  ModuleOp module = getOperation();
  int64_t count = 1, batch = largestBatch();
  if (slices != "auto") {
    if (StringRef(slices).getAsInteger(10, count) || count < 1)
      return mlir::emitError(module.getLoc())
             << "slices should be auto or a positive number, got '" << slices
             << "'";
    if (count > batch)
      return mlir::emitError(module.getLoc())
             << "cannot be cut into " << count << " slices, the batch is "
             << batch;
    return runWith(count, [](int64_t batch, int64_t count) {
      return int64_t(llvm::divideCeil(batch, count));
    });
  }
  FailureOr<Machine> machine = getMachine(module);
  if (failed(machine))
    return failure();
  Diagnostics reasons;
  std::optional<int64_t> start = estimate(1, *machine, reasons);
  // The first slice is loaded before anything runs and the last one stored
  // after everything: where there is more than one, let those be small parts.
  if (start && *start > 1)
    start = std::max(*start,
                     std::min(kSlicesToOverlap, batch / kSmallestUsefulSlice));
  for (count = start.value_or(1);;) {
    OwningOpRef<ModuleOp> backup;
    if (start && count < batch)
      backup = module.clone();
    Diagnostics reports;
    if (succeeded(
            quietly(reports, [&]() { return runWith(count, sliceSize); }))) {
      emit(reports);
      return success();
    }
    if (backup && exceedsMemory(reports)) {
      module.getBodyRegion().takeBody(backup->getBodyRegion());
      std::optional<int64_t> more =
          estimate(std::min(nextCount(count), batch), *machine, reasons);
      if (more) {
        count = *more;
        continue;
      }
    }
    bool isMemory = exceedsMemory(reports);
    emit(reports);
    if (isMemory && !reasons.empty())
      emit(reasons);
    else if (isMemory && batch > 1 && count >= batch)
      mlir::emitRemark(module.getLoc())
          << "not even slices of one of the " << batch
          << " elements of the batch fit";
    return failure();
  }
}

std::unique_ptr<Pass>
fetta::createSliceToFitPass(std::string slices,
                            std::function<void(OpPassManager &)> build) {
  return std::make_unique<SliceToFitPass>(std::move(slices), std::move(build));
}

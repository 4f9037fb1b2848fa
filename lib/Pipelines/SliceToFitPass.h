//===- SliceToFitPass.h -----------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The pass that orders, slices and maps, whose choice of an order and a number
/// of slices by estimates stands in one file and whose trials in another.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PIPELINES_SLICETOFITPASS_H
#define FETTA_LIB_PIPELINES_SLICETOFITPASS_H

#include "SliceEstimate.h"
#include "SliceToFit.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"

namespace fetta::hw {

/// Orders contractions, cuts the batch (and other modes) into slices until the
/// tensors fit, and maps.
class SliceToFitPass
    : public mlir::PassWrapper<SliceToFitPass,
                               mlir::OperationPass<mlir::ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SliceToFitPass)

  explicit SliceToFitPass(SliceToFitOptions options)
      : options(std::move(options)) {}
  SliceToFitPass(const SliceToFitPass &other)
      : PassWrapper(other), options(other.options) {}

  llvm::StringRef getArgument() const override { return "fetta-slice-to-fit"; }
  llvm::StringRef getDescription() const override {
    return "Order, slice over the batch until the tensors fit, and map";
  }
  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    mlir::OpPassManager passes(mlir::ModuleOp::getOperationName());
    for (auto &order : options.orders)
      order(passes);
    options.map(passes, nullptr, 0, false);
    options.finish(passes);
    passes.getDependentDialects(registry);
    registry.insert<mlir::arith::ArithDialect, mlir::tensor::TensorDialect>();
  }

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  using Diagnostics = std::vector<mlir::Diagnostic>;
  using SizeFunction = int64_t (*)(int64_t batch, int64_t count);

  /// How a number of slices turned out.
  enum class Outcome { Fits, ExceedsMemory, Refused };

  mlir::LogicalResult run();
  mlir::LogicalResult runGiven();
  mlir::LogicalResult runAuto();
  using OrderFunction = std::function<void(mlir::OpPassManager &)>;
  mlir::LogicalResult order(const OrderFunction &add);
  /// Orders, and says how many slices should fit, if any number does; or, where
  /// `nothingFits`, takes the best tree for small slices.
  mlir::FailureOr<std::optional<int64_t>> chooseOrder(bool nothingFits);
  /// The same, in pieces of other modes where no number of slices fits.
  mlir::FailureOr<std::optional<int64_t>> chooseOrderOrPieces();
  /// Where not even pieces fit: what the tree for the whole batch keeps of each
  /// of its elements is too much, and a tree for small slices computes more of
  /// it anew, or is fewer pieces. Leaves the module alone if there is none.
  /// Tries once.
  mlir::FailureOr<std::optional<int64_t>> orderForSmallSlices();
  /// The next number of slices from `count` on that should fit, if any, with
  /// `ahead` slices of an argument that are loaded before their time.
  std::optional<int64_t> estimate(int64_t count, int64_t ahead = 0);
  /// Says so where `count` slices are more contractions than a program may
  /// have.
  mlir::LogicalResult checkCount(int64_t count, SizeFunction sizeOf);
  /// Work in `count` slices, and in pieces where there is a plan.
  StepWork workOf(mlir::func::FuncOp function, int64_t count);
  /// Cycles of all functions in slices, and in pieces where there is a plan.
  double estimateCycles(int64_t count);
  /// How many larger slices fit that follow one after the other, if that takes
  /// no longer than `count` slices of which one runs ahead; slices do so from
  /// then on.
  std::optional<int64_t> countInTurn(int64_t count);
  /// Rows of a function in slices and pieces.
  mlir::FailureOr<RowEstimate> estimateSlicedRows(mlir::func::FuncOp function,
                                                  int64_t count);
  /// `start`, or more slices if these are faster.
  int64_t fastestCount(int64_t start);
  /// The same, with gradients through DRAM if that is faster in so many slices.
  int64_t preferredCount(int64_t start);
  /// Cuts into `count` slices of the size that `sizeOf` says and maps: first a
  /// few slices, then all; with the first of `fills` that fits.
  Outcome tryCount(int64_t count, SizeFunction sizeOf,
                   llvm::ArrayRef<unsigned> fills, Diagnostics &reports);
  /// Writes functions in slices of so many elements. `sample`: only so many
  /// slices are written, if not 0.
  mlir::LogicalResult
  writeSlices(const llvm::StringMap<int64_t> &sizes, int64_t sample,
              const std::shared_ptr<AlikeContractions> &alike);
  mlir::LogicalResult map(unsigned fill,
                          const std::shared_ptr<AlikeContractions> &alike,
                          bool steady = false);
  mlir::LogicalResult finish();
  /// Compiles functions, or their stages, for a few iterations, and repeats
  /// what these do over and over: where that is possible, a finished module
  /// that is the same as one in which all are written. Otherwise the module is
  /// undefined.
  bool compileRepeated(const llvm::StringMap<int64_t> &sizes, unsigned fill,
                       const std::shared_ptr<AlikeContractions> &alike,
                       Diagnostics &reports);
  void restore(mlir::OwningOpRef<mlir::ModuleOp> &backup) {
    mlir::OwningOpRef<mlir::ModuleOp> copy = backup->clone();
    getOperation().getBodyRegion().takeBody(copy->getBodyRegion());
    knownRows.clear();
  }

  /// Runs `body` and keeps what it reports.
  mlir::LogicalResult quietly(Diagnostics &reports,
                              llvm::function_ref<mlir::LogicalResult()> body) {
    mlir::ScopedDiagnosticHandler handler(
        &getContext(), [&](mlir::Diagnostic &report) {
          reports.push_back(std::move(report));
          return mlir::success();
        });
    return body();
  }
  void emit(Diagnostics &reports) {
    for (mlir::Diagnostic &report : reports)
      getContext().getDiagEngine().emit(std::move(report));
    reports.clear();
  }
  /// What a user can do about tensors that do not fit, as a note.
  void addRemedy(Diagnostics &reports, const llvm::Twine &remedy);
  /// Functions with a body, in the order of the module.
  auto functions() {
    return llvm::make_filter_range(getOperation().getOps<mlir::func::FuncOp>(),
                                   [](mlir::func::FuncOp function) {
                                     return !function.isExternal() &&
                                            function.getBody().hasOneBlock();
                                   });
  }
  static int64_t batchOf(mlir::func::FuncOp function) {
    return tnn::getBatchSize(function).value_or(1);
  }
  int64_t largestBatch() {
    int64_t batch = 1;
    for (auto function : getOperation().getOps<mlir::func::FuncOp>())
      batch = std::max(batch, batchOf(function));
    return batch;
  }

  /// Cuts modes of functions whose values are too large in slices of any size;
  /// false if there are none.
  bool planModes();
  /// Lets gradients whose sums cost more than their multiply-adds in `count`
  /// slices go through DRAM; false if there are none, or little is gained.
  bool planGradients(int64_t count);
  void withRows(llvm::function_ref<void(const tnn::MemoryRows &)> body);
  using Plans = llvm::StringMap<tnn::ModePlan>;
  tnn::ModePlan planOf(mlir::func::FuncOp function) const {
    tnn::ModePlan plan = plans.lookup(function.getName());
    plan.inTurn = options.inTurn;
    return plan;
  }

  SliceToFitOptions options;
  Machine machine;
  /// Before an order was chosen, if there is a choice.
  mlir::OwningOpRef<mlir::ModuleOp> unordered;
  Plans plans; ///< By function; empty before a plan.
  /// Mappings by number of slices.
  std::map<int64_t, std::shared_ptr<AlikeContractions>> tried;
  /// Rows of functions as they are now, by the size of slices and whether
  /// these follow one after the other.
  llvm::StringMap<std::map<std::pair<int64_t, bool>, RowEstimate>> knownRows;
  Diagnostics cannotSlice; ///< Why, if so.
  /// The number of slices that are too many contractions, if so.
  std::optional<int64_t> tooMany;
};

} // namespace fetta::hw

#endif // FETTA_LIB_PIPELINES_SLICETOFITPASS_H

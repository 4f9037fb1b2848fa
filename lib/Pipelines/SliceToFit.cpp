//===- SliceToFit.cpp -------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SliceToFitPass.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

/// Per cent of tensor memory up to which transfers run ahead.
static constexpr unsigned kFills[] = {85, 65, 45}, kJustInTime[] = {0};

/// Numbers of slices that are tried with the first of these.
static constexpr size_t kMoreSlices = 3;

static bool exceedsMemory(ArrayRef<Diagnostic> reports) {
  return llvm::any_of(reports, [](const Diagnostic &report) {
    return StringRef(report.str()).contains(kExceedsMemory);
  });
}

void SliceToFitPass::addRemedy(Diagnostics &reports, const Twine &remedy) {
  for (Diagnostic &report : reports)
    if (StringRef(report.str()).contains(kExceedsMemory)) {
      report.attachNote(report.getLocation()) << remedy;
      return;
    }
}

LogicalResult SliceToFitPass::checkCount(int64_t count, SizeFunction sizeOf) {
  std::vector<SlicedFunction> sliced;
  for (func::FuncOp function : functions())
    if (tnn::ModePlan plan = planOf(function); count > 1 || !plan.isEmpty())
      sliced.push_back({function, sizeOf(batchOf(function), count), plan});
  return checkContractions(sliced);
}

LogicalResult
SliceToFitPass::writeSlices(const llvm::StringMap<int64_t> &sizes,
                            int64_t sample,
                            const std::shared_ptr<AlikeContractions> &alike) {
  for (func::FuncOp function : functions())
    if (auto size = sizes.find(function.getName()); size != sizes.end())
      if (failed(tnn::sliceBatch(function, size->second, sample,
                                 &alike->classes, planOf(function))))
        return failure();
  return success();
}

LogicalResult
SliceToFitPass::map(unsigned fill,
                    const std::shared_ptr<AlikeContractions> &alike,
                    bool steady) {
  OpPassManager passes(ModuleOp::getOperationName());
  options.map(passes, alike, fill, steady);
  return runPipeline(passes, getOperation());
}

SliceToFitPass::Outcome SliceToFitPass::tryCount(int64_t count,
                                                 SizeFunction sizeOf,
                                                 ArrayRef<unsigned> fills,
                                                 Diagnostics &reports) {
  OwningOpRef<ModuleOp> backup = getOperation().clone();
  std::shared_ptr<AlikeContractions> &alike = tried[count];
  if (!alike)
    alike = std::make_shared<AlikeContractions>();
  llvm::StringMap<int64_t> sizes;
  for (func::FuncOp function : functions())
    if (count > 1 || !planOf(function).isEmpty())
      sizes[function.getName()] = sizeOf(batchOf(function), count);
  for (unsigned fill : fills) {
    auto run = [&](int64_t sample) {
      alike->isTrial = sample > 0;
      alike->classes.clear();
      reports.clear();
      return quietly(reports, [&]() {
        return success(succeeded(writeSlices(sizes, sample, alike)) &&
                       succeeded(map(fill, alike)));
      });
    };
    // Mappings are those of the sample, whichever way it is filled.
    LogicalResult fits = success();
    if (count > 1) {
      fits = run(tnn::kMappingSample);
      restore(backup);
      if (succeeded(fits)) {
        if (compileRepeated(sizes, fill, alike, reports))
          return Outcome::Fits;
        restore(backup);
      }
    }
    if (succeeded(fits))
      fits = run(/*sample=*/0);
    if (succeeded(fits))
      return succeeded(finish()) ? Outcome::Fits : Outcome::Refused;
    restore(backup);
    if (!exceedsMemory(reports))
      return Outcome::Refused;
  }
  return Outcome::ExceedsMemory;
}

LogicalResult SliceToFitPass::runGiven() {
  int64_t count, batch = largestBatch();
  StringRef text = options.slices;
  if (text.getAsInteger(10, count) || count < 1)
    return mlir::emitError(getOperation().getLoc())
           << "slices should be auto or a positive number, got '" << text
           << "'";
  if (count > batch)
    return mlir::emitError(getOperation().getLoc())
           << "cannot be cut into " << count << " slices, the batch is "
           << batch;
  if (count > 1 && !options.inDram)
    return mlir::emitError(getOperation().getLoc())
           << "memory=resident keeps arguments and results in tensor memory as "
              "a whole and cannot be cut into "
           << count << " slices; take memory=dram, or slices=1";
  if (failed(order(options.orders.front())))
    return failure();
  if (failed(checkCount(count, equalSize)))
    return failure();
  Diagnostics reports;
  Outcome outcome = tryCount(count, equalSize, kFills, reports);
  if (outcome == Outcome::ExceedsMemory)
    addRemedy(reports, options.inDram
                           ? "slices=auto finds how many slices fit"
                           : "memory=dram slices=auto cuts the batch into as "
                             "many slices as fit");
  emit(reports);
  return success(outcome == Outcome::Fits);
}

LogicalResult SliceToFitPass::runAuto() {
  FailureOr<std::optional<int64_t>> start = chooseOrderOrPieces();
  if (failed(start))
    return failure();
  if (!*start && tooMany)
    return checkCount(*tooMany, sliceSize);
  int64_t batch = largestBatch();
  // Without rows that are used again, slices take as many rows as the whole.
  bool canSlice = options.inDram && options.reuse && *start;
  int64_t count = canSlice && **start > 1 ? preferredCount(**start) : 1;
  if (options.more > 0 && (count == 1 || count >= batch))
    return mlir::emitError(getOperation().getLoc()) << "has no more slices";
  for (unsigned step = 0; step < options.more; ++step)
    count = std::min(nextCount(count), batch);
  // More slices rather than transfers that do not run ahead; these before still
  // more slices.
  SmallVector<std::pair<int64_t, ArrayRef<unsigned>>> attempts;
  ArrayRef<unsigned> fills(options.justInTime ? ArrayRef(kJustInTime) : kFills);
  if (!options.schedule)
    fills = fills.take_front(1);
  for (Diagnostics reports;;) {
    if (attempts.empty()) {
      SmallVector<int64_t> counts = {count};
      while (canSlice && counts.back() > 1 && counts.size() < kMoreSlices &&
             counts.back() < batch)
        counts.push_back(std::min(nextCount(counts.back()), batch));
      for (ArrayRef<unsigned> group :
           {fills.take_front(1), fills.drop_front(1)})
        for (int64_t next : counts)
          if (!group.empty())
            attempts.push_back({next, group});
      std::reverse(attempts.begin(), attempts.end());
      count = counts.back();
    }
    auto [tryNow, tryFills] = attempts.pop_back_val();
    Outcome outcome = tryCount(tryNow, sliceSize, tryFills, reports);
    if (outcome == Outcome::ExceedsMemory && !attempts.empty())
      continue;
    if (outcome == Outcome::ExceedsMemory && canSlice && count < batch)
      if (std::optional<int64_t> more =
              estimate(std::min(nextCount(count), batch))) {
        count = *more;
        continue;
      }
    if (outcome == Outcome::ExceedsMemory && canSlice && plans.empty() &&
        planModes())
      if (std::optional<int64_t> more = estimate(1)) {
        count = preferredCount(*more);
        continue;
      }
    if (outcome == Outcome::ExceedsMemory && canSlice) {
      FailureOr<std::optional<int64_t>> more = orderForSmallSlices();
      if (failed(more))
        return failure();
      if (*more) {
        count = preferredCount(**more);
        continue;
      }
    }
    if (outcome == Outcome::ExceedsMemory && !options.inDram)
      addRemedy(reports, "memory=dram cuts the batch into as many slices as "
                         "fit");
    else if (outcome == Outcome::ExceedsMemory && !options.reuse)
      addRemedy(reports, "reuse=0 gives every tensor rows of its own, and "
                         "slices do not help; reuse=1 cuts the batch into as "
                         "many slices as fit");
    emit(reports);
    if (outcome == Outcome::ExceedsMemory && tooMany)
      (void)checkCount(*tooMany, sliceSize);
    if (outcome != Outcome::ExceedsMemory)
      return success(outcome == Outcome::Fits);
    if (!cannotSlice.empty())
      emit(cannotSlice);
    else if (canSlice && batch > 1 && count >= batch)
      mlir::emitRemark(getOperation().getLoc())
          << "not even slices of one of the " << batch
          << " elements of the batch fit";
    return failure();
  }
}

LogicalResult SliceToFitPass::run() {
  FailureOr<Machine> attached = getMachine(getOperation());
  if (failed(attached))
    return failure();
  machine = *attached;
  return options.slices == "auto" ? runAuto() : runGiven();
}

std::unique_ptr<Pass> fetta::createSliceToFitPass(SliceToFitOptions options) {
  return std::make_unique<SliceToFitPass>(std::move(options));
}

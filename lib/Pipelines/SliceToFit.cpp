//===- SliceToFit.cpp -------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SliceToFit.h"
#include "SliceEstimate.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {
class SliceToFitPass
    : public PassWrapper<SliceToFitPass, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(SliceToFitPass)

  explicit SliceToFitPass(SliceToFitOptions options)
      : options(std::move(options)) {}
  SliceToFitPass(const SliceToFitPass &other)
      : PassWrapper(other), options(other.options) {}

  StringRef getArgument() const override { return "fetta-slice-to-fit"; }
  StringRef getDescription() const override {
    return "Order, slice over the batch until the tensors fit, and map";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    OpPassManager passes(ModuleOp::getOperationName());
    for (auto &order : options.orders)
      order(passes);
    options.map(passes, nullptr, 0);
    passes.getDependentDialects(registry);
    registry.insert<arith::ArithDialect, tensor::TensorDialect>();
  }

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  using Diagnostics = std::vector<Diagnostic>;
  using SizeFunction = int64_t (*)(int64_t batch, int64_t count);

  /// How a number of slices turned out.
  enum class Outcome { Fits, ExceedsMemory, Refused };

  LogicalResult run();
  LogicalResult runGiven();
  LogicalResult runAuto();
  using OrderFunction = std::function<void(OpPassManager &)>;
  LogicalResult order(const OrderFunction &add);
  /// Orders, and says how many slices should fit, if any number does.
  FailureOr<std::optional<int64_t>> chooseOrder();
  std::optional<int64_t> estimate(int64_t count, int64_t ahead = 0);
  /// Says so where `count` slices are more contractions than a program may
  /// have.
  LogicalResult checkCount(int64_t count, SizeFunction sizeOf);
  /// Cycles of all functions in slices.
  double estimateCycles(int64_t count);
  int64_t preferredCount(int64_t start);
  /// Cuts into `count` slices of the size that `sizeOf` says and maps: first a
  /// few slices, then all; with the first of `fills` that fits.
  Outcome tryCount(int64_t count, SizeFunction sizeOf, ArrayRef<unsigned> fills,
                   Diagnostics &reports);
  LogicalResult mapSlices(int64_t count, SizeFunction sizeOf, unsigned fill,
                          const std::shared_ptr<AlikeContractions> &alike);
  void restore(OwningOpRef<ModuleOp> &backup) {
    OwningOpRef<ModuleOp> copy = backup->clone();
    getOperation().getBodyRegion().takeBody(copy->getBodyRegion());
  }

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
  /// What a user can do about tensors that do not fit, as a note.
  void addRemedy(Diagnostics &reports, const Twine &remedy);
  /// Functions with a body, in the order of the module.
  auto functions() {
    return llvm::make_filter_range(
        getOperation().getOps<func::FuncOp>(), [](func::FuncOp function) {
          return !function.isExternal() && function.getBody().hasOneBlock();
        });
  }
  static int64_t batchOf(func::FuncOp function) {
    return tnn::getBatchSize(function).value_or(1);
  }
  int64_t largestBatch() {
    int64_t batch = 1;
    for (auto function : getOperation().getOps<func::FuncOp>())
      batch = std::max(batch, batchOf(function));
    return batch;
  }

  /// Cuts modes of functions whose values are too large in slices of any size;
  /// false if there are none.
  bool planModes();
  tnn::ModePlan planOf(func::FuncOp function) const {
    tnn::ModePlan plan = plans.lookup(function.getName());
    plan.inTurn = options.inTurn;
    return plan;
  }

  SliceToFitOptions options;
  Machine machine;
  llvm::StringMap<tnn::ModePlan> plans; ///< By function; empty before a plan.
  /// Mappings by number of slices.
  std::map<int64_t, std::shared_ptr<AlikeContractions>> tried;
  Diagnostics cannotSlice; ///< Why, if so.
  /// The number of slices that are too many contractions, if so.
  std::optional<int64_t> tooMany;
};
} // namespace

/// Where one slice does not do: the first load and the last store have nothing
/// to hide behind, so more slices are better until what each costs outweighs
/// it, here to 1 %. Slices below this many elements are not asked for.
static constexpr int64_t kSmallestUsefulSlice = 16;
static constexpr double kCloseEnough = 1.01;

/// Per cent of tensor memory up to which transfers run ahead.
static constexpr unsigned kFills[] = {85, 65, 45}, kJustInTime[] = {0};

/// How many slices ahead there should be room for, and how much longer the
/// array may take for it.
static constexpr int64_t kSlicesAhead = 2;
static constexpr double kWorthOfRoom = 1.03;

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

bool SliceToFitPass::planModes() {
  auto rowsOf = [&](RankedTensorType type) {
    return estimateRows(type, machine);
  };
  tnn::MemoryRows rows{machine.rowsPerSlab, machine.slabs * machine.rowsPerSlab,
                       rowsOf,
                       double(machine.pes()) * double(machine.clockHz) /
                           double(machine.dramBytesPerSecond)};
  bool cuts = false;
  for (func::FuncOp function : functions()) {
    tnn::ModePlan plan = tnn::planStreams(function, rows);
    if (plan.isEmpty())
      plan = tnn::planModes(function, rows);
    cuts |= !plan.isEmpty();
    plans[function.getName()] = std::move(plan);
  }
  tried.clear();
  return cuts;
}

LogicalResult SliceToFitPass::checkCount(int64_t count, SizeFunction sizeOf) {
  std::vector<SlicedFunction> sliced;
  for (func::FuncOp function : functions())
    if (tnn::ModePlan plan = planOf(function); count > 1 || !plan.isEmpty())
      sliced.push_back({function, sizeOf(batchOf(function), count), plan});
  return checkContractions(sliced);
}

/// The next number of slices from `count` on that should fit, if any, with
/// `ahead` slices of an argument that are loaded before their time.
std::optional<int64_t> SliceToFitPass::estimate(int64_t count, int64_t ahead) {
  int64_t batch = largestBatch();
  tooMany.reset();
  std::vector<std::pair<func::FuncOp, SliceBound>> bounds;
  for (func::FuncOp function : functions())
    if (planOf(function).isEmpty())
      bounds.push_back({function, SliceBound(function, machine)});
  const int64_t capacity = machine.slabs * machine.rowsPerSlab;
  for (;; count = std::min(nextCount(count), batch)) {
    Diagnostics ignored;
    if (failed(
            quietly(ignored, [&]() { return checkCount(count, sliceSize); }))) {
      tooMany = count;
      return std::nullopt;
    }
    bool fits = count == 1 || llvm::all_of(bounds, [&](const auto &bound) {
                  int64_t size = sliceSize(batchOf(bound.first), count);
                  return bound.second.leastRows(size) <= capacity;
                });
    for (func::FuncOp function : functions()) {
      if (!fits)
        break;
      if (count == 1 && planOf(function).isEmpty()) {
        fits &= estimateRows(function, machine).fits(machine);
        continue;
      }
      OwningOpRef<func::FuncOp> copy = function.clone();
      int64_t size = sliceSize(batchOf(function), count);
      if (failed(quietly(cannotSlice, [&]() {
            return tnn::sliceBatch(*copy, size, tnn::kSliceSample,
                                   /*classes=*/nullptr, planOf(function));
          })))
        return std::nullopt;
      fits &= estimateRows(*copy, machine).fits(machine, ahead);
    }
    if (fits)
      return count;
    if (count >= batch)
      return std::nullopt;
  }
}

double SliceToFitPass::estimateCycles(int64_t count) {
  double cycles = 0;
  for (func::FuncOp function : functions())
    cycles += estimateWork(function, machine, options.link).cycles(count);
  return cycles;
}

/// `start`, or more slices if these are faster.
int64_t SliceToFitPass::preferredCount(int64_t start) {
  if (options.link == LinkModel::Ideal)
    return start; // More would only cost.
  // Room for transfers that run ahead is worth a little.
  if (std::optional<int64_t> roomy = estimate(start, kSlicesAhead))
    if (estimateCycles(*roomy) <= estimateCycles(start) * kWorthOfRoom)
      start = *roomy;
  int64_t most = std::max(start, largestBatch() / kSmallestUsefulSlice);
  double least = estimateCycles(start);
  for (int64_t count = start; count <= most; count = nextCount(count))
    least = std::min(least, estimateCycles(count));
  int64_t count = start;
  while (count < most && estimateCycles(count) > least * kCloseEnough)
    count = nextCount(count);
  return std::min(count, most);
}

LogicalResult SliceToFitPass::order(const OrderFunction &add) {
  OpPassManager passes(ModuleOp::getOperationName());
  add(passes);
  return runPipeline(passes, getOperation());
}

FailureOr<std::optional<int64_t>> SliceToFitPass::chooseOrder() {
  OwningOpRef<ModuleOp> unordered;
  if (options.orders.size() > 1)
    unordered = getOperation().clone();
  if (failed(order(options.orders.front())))
    return failure();
  std::optional<int64_t> best = estimate(1);
  const int64_t batch = largestBatch();
  const bool isTiny = !best || batch / *best < kSmallestUsefulSlice;
  StepWork work;
  for (func::FuncOp function : functions())
    work += estimateWork(function, machine, options.link);
  const bool forSlices =
      options.orderForSlices && best && work.repeatsMuch(*best);
  if (!unordered || best == 1 || !cannotSlice.empty() ||
      (!isTiny && !forSlices))
    return best;
  OwningOpRef<ModuleOp> chosen;
  std::string weighed, taken;
  double leastCycles = 0;
  auto weigh = [&](const Twine &name, std::optional<int64_t> count) {
    double cycles = count ? estimateCycles(*count) : 0;
    weighed += ((weighed.empty() ? "" : "; ") + name + ": ").str();
    weighed += count ? std::to_string(*count) + " slices, about " +
                           std::to_string(int64_t(cycles)) + " cycles"
                     : "fits in no slices";
    if (chosen && (!count || (best && cycles >= leastCycles)))
      return;
    best = count;
    leastCycles = cycles;
    chosen = getOperation().clone();
    taken = name.str();
  };
  weigh("0", best);
  auto tryOrder = [&](const Twine &name, const OrderFunction &add) {
    restore(unordered);
    if (failed(order(add)))
      return failure();
    weigh(name, estimate(1));
    return success();
  };
  if (isTiny)
    for (size_t number = 1; number < options.orders.size(); ++number)
      if (failed(tryOrder(Twine(number), options.orders[number])))
        return failure();
  // A tree for smaller slices may need fewer slices, and so on.
  if (forSlices)
    for (int64_t known = 0; known != *best;) {
      known = *best;
      int64_t size = sliceSize(batch, known);
      if (failed(tryOrder("of slices of " + Twine(size), [&](OpPassManager &p) {
            options.orderForSlices(p, size);
          })))
        return failure();
    }
  restore(chosen);
  remark::analysis(
      getOperation().getLoc(),
      remark::RemarkOpts::name("order-to-fit").category("fetta-slice-to-fit"))
      << remark::add("orders of contractions weighed: {0}; taken: {1}", weighed,
                     taken);
  return best;
}

LogicalResult
SliceToFitPass::mapSlices(int64_t count, SizeFunction sizeOf, unsigned fill,
                          const std::shared_ptr<AlikeContractions> &alike) {
  alike->classes.clear();
  for (auto function : getOperation().getOps<func::FuncOp>()) {
    tnn::ModePlan plan = planOf(function);
    if (function.isExternal() || (count == 1 && plan.isEmpty()))
      continue;
    int64_t size = sizeOf(batchOf(function), count);
    if (failed(tnn::sliceBatch(function, size,
                               alike->isTrial ? tnn::kMappingSample : 0,
                               &alike->classes, plan)))
      return failure();
  }
  OpPassManager passes(ModuleOp::getOperationName());
  options.map(passes, alike, fill);
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
  for (unsigned fill : fills) {
    // Mappings are those of the sample, whichever way it is filled.
    for (bool isTrial : {true, false}) {
      if (isTrial && count == 1)
        continue;
      alike->isTrial = isTrial;
      reports.clear();
      if (succeeded(quietly(reports, [&]() {
            return mapSlices(count, sizeOf, fill, alike);
          }))) {
        if (!isTrial)
          return Outcome::Fits;
        restore(backup);
        continue;
      }
      restore(backup);
      if (!exceedsMemory(reports))
        return Outcome::Refused;
      break;
    }
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
  FailureOr<std::optional<int64_t>> start = chooseOrder();
  if (failed(start))
    return failure();
  if (!*start && options.inDram && options.reuse && planModes())
    *start = estimate(1);
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

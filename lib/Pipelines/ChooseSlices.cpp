//===- ChooseSlices.cpp -----------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which order of the contractions, and how many slices of the batch or pieces
// of other modes, should fit and be fast: by estimates, before anything is
// mapped.
//
//===----------------------------------------------------------------------===//

#include "SliceToFitPass.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

/// Where one slice does not do: the first load and the last store have nothing
/// to hide behind, so more slices are better until what each costs outweighs
/// it, here to 1 %. Where slices are below this many elements, other trees may
/// be better.
static constexpr int64_t kSmallestUsefulSlice = 16;
static constexpr double kCloseEnough = 1.01;

/// How many slices ahead there should be room for, and how much longer the
/// array may take for it.
static constexpr int64_t kSlicesAhead = 2;
static constexpr double kWorthOfRoom = 1.03;

/// How much longer slices in turn may take by estimate: larger ones have fewer
/// tensors that meet.
static constexpr double kAsFast = 1.005;

/// How many times longer slices should take, by estimate, for gradients to go
/// through DRAM instead.
static constexpr double kWorthOfStreams = 1.02;

/// Where nothing fits, trees for slices so many times smaller are tried in
/// turn.
static constexpr int64_t kSmallerSlice = 4;

void SliceToFitPass::withRows(
    llvm::function_ref<void(const tnn::MemoryRows &)> body) {
  auto rowsOf = [&](RankedTensorType type) {
    return estimateRows(type, machine);
  };
  body({machine.rowsPerSlab, machine.slabs * machine.rowsPerSlab, rowsOf,
        double(machine.pes()) * double(machine.clockHz) /
            double(machine.dramBytesPerSecond),
        double(machine.pes())});
}

bool SliceToFitPass::planModes() {
  bool cuts = false;
  withRows([&](const tnn::MemoryRows &rows) {
    for (func::FuncOp function : functions()) {
      tnn::ModePlan plan = tnn::planStreams(function, rows);
      if (plan.isEmpty())
        plan = tnn::planModes(function, rows);
      cuts |= !plan.isEmpty();
      plans[function.getName()] = std::move(plan);
    }
  });
  tried.clear();
  knownRows.clear();
  return cuts;
}

bool SliceToFitPass::planGradients(int64_t count) {
  Plans streams;
  double before = 0, after = 0;
  withRows([&](const tnn::MemoryRows &rows) {
    for (func::FuncOp function : functions()) {
      StepWork work = estimateWork(function, machine, options.link),
               with = work;
      tnn::GradientStreams gradients;
      if (planOf(function).isEmpty())
        gradients = tnn::planGradients(function, rows,
                                       sliceSize(batchOf(function), count));
      work.array += gradients.cycles;
      work.repeated += gradients.cycles;
      if (options.link != LinkModel::Ideal)
        with.link += linkCycles(gradients.bytes, machine);
      with.contracts -= int64_t(gradients.plan.streams.size());
      before += work.cycles(count);
      after += with.cycles(count);
      if (!gradients.plan.isEmpty())
        streams[function.getName()] = std::move(gradients.plan);
    }
  });
  if (streams.empty() || after * kWorthOfStreams > before)
    return false;
  for (auto &[name, plan] : streams)
    plans[name] = std::move(plan);
  tried.clear();
  knownRows.clear();
  return true;
}

FailureOr<RowEstimate> SliceToFitPass::estimateSlicedRows(func::FuncOp function,
                                                          int64_t count) {
  int64_t size = sliceSize(batchOf(function), count);
  auto &known = knownRows[function.getName()];
  std::pair<int64_t, bool> key(size, options.inTurn);
  if (auto it = known.find(key); it != known.end())
    return it->second;
  OwningOpRef<func::FuncOp> copy = function.clone();
  if (failed(quietly(cannotSlice, [&]() {
        return tnn::sliceBatch(*copy, size, tnn::kSliceSample,
                               /*classes=*/nullptr, planOf(function));
      })))
    return failure();
  return known[key] = estimateRows(*copy, machine);
}

std::optional<int64_t> SliceToFitPass::estimate(int64_t count, int64_t ahead) {
  int64_t batch = largestBatch();
  tooMany.reset();
  std::vector<std::pair<func::FuncOp, SliceBound>> bounds;
  for (func::FuncOp function : functions())
    bounds.push_back(
        {function, SliceBound(function, machine, planOf(function))});
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
      FailureOr<RowEstimate> rows = estimateSlicedRows(function, count);
      if (failed(rows))
        return std::nullopt;
      fits &= rows->fits(machine, ahead);
    }
    if (fits)
      return count;
    if (count >= batch)
      return std::nullopt;
  }
}

StepWork SliceToFitPass::workOf(func::FuncOp function, int64_t count) {
  tnn::ModePlan plan = planOf(function);
  if (!plan.cuts.empty()) {
    int64_t size = sliceSize(batchOf(function), count);
    FailureOr<StepWork> work =
        estimateSlicedWork({function, size, plan}, machine, options.link);
    if (succeeded(work))
      return *work;
  }
  return estimateWork(function, machine, options.link);
}

double SliceToFitPass::estimateCycles(int64_t count) {
  double cycles = 0;
  for (func::FuncOp function : functions())
    cycles += workOf(function, count).cycles(count, options.inTurn);
  return cycles;
}

int64_t SliceToFitPass::preferredCount(int64_t start) {
  int64_t count = fastestCount(start);
  if (count > 1 && planGradients(count))
    // Without sums, fewer slices may do.
    if (std::optional<int64_t> fewer = estimate(1))
      count = std::min(count, *fewer);
  return count;
}

std::optional<int64_t> SliceToFitPass::countInTurn(int64_t count) {
  StepWork work;
  for (func::FuncOp function : functions())
    work += workOf(function, count);
  bool isInPieces = false;
  for (func::FuncOp function : functions()) {
    if (!planOf(function).streams.empty())
      return std::nullopt; // Stages are not estimated.
    isInPieces |= !planOf(function).cuts.empty();
  }
  // What pieces spill is waited for, too.
  if (options.inTurn || work.link * (isInPieces ? 2 : 1) >= work.array)
    return std::nullopt;
  double ahead = estimateCycles(count) * kAsFast;
  for (func::FuncOp function : functions())
    if (FailureOr<RowEstimate> rows = estimateSlicedRows(function, count);
        succeeded(rows) && rows->isTight(machine)) {
      ahead *= kWorthOfRoom;
      break;
    }
  options.inTurn = true;
  std::optional<int64_t> inTurn = estimate(1);
  if (inTurn && estimateCycles(*inTurn) <= ahead)
    return inTurn;
  options.inTurn = false;
  return std::nullopt;
}

int64_t SliceToFitPass::fastestCount(int64_t start) {
  if (options.link == LinkModel::Ideal)
    return start; // More would only cost.
  // Room for transfers that run ahead is worth a little.
  if (std::optional<int64_t> roomy = estimate(start, kSlicesAhead))
    if (estimateCycles(*roomy) <= estimateCycles(start) * kWorthOfRoom)
      start = *roomy;
  if (std::optional<int64_t> inTurn = countInTurn(start))
    start = *inTurn;
  const int64_t batch = largestBatch();
  double least = estimateCycles(start);
  for (int64_t count = start; count < batch;) {
    count = std::min(nextCount(count), batch);
    double more = estimateCycles(count);
    if (more > least * kWorthOfRoom)
      break;
    least = std::min(least, more);
  }
  int64_t count = start;
  while (count < batch && estimateCycles(count) > least * kCloseEnough)
    count = std::min(nextCount(count), batch);
  return count;
}

LogicalResult SliceToFitPass::order(const OrderFunction &add) {
  knownRows.clear();
  OpPassManager passes(ModuleOp::getOperationName());
  add(passes);
  return runPipeline(passes, getOperation());
}

FailureOr<std::optional<int64_t>>
SliceToFitPass::chooseOrder(bool nothingFits) {
  const int64_t batch = largestBatch();
  std::optional<int64_t> best;
  bool isTiny = false, forSlices = nothingFits;
  if (!nothingFits) {
    if (failed(order(options.orders.front())))
      return failure();
    best = estimate(1);
    isTiny = !best || batch / *best < kSmallestUsefulSlice;
    StepWork work;
    for (func::FuncOp function : functions())
      work += estimateWork(function, machine, options.link);
    forSlices = options.orderForSlices && best && work.repeatsMuch(*best);
    if (!unordered || best == 1 || !cannotSlice.empty() ||
        (!isTiny && !forSlices))
      return best;
  }
  OwningOpRef<ModuleOp> chosen;
  Plans chosenPlans;
  std::string weighed, taken;
  double leastCycles = 0;
  auto weigh = [&](const Twine &name, std::optional<int64_t> count) {
    double cycles = count ? estimateCycles(*count) : 0;
    weighed += ((weighed.empty() ? "" : "; ") + name + ": ").str();
    weighed += count ? std::to_string(*count) + " slices" +
                           (plans.empty() ? "" : " in pieces") + ", about " +
                           std::to_string(int64_t(cycles)) + " cycles"
                     : "fits in no slices";
    if (chosen && (!count || (best && cycles >= leastCycles)))
      return;
    best = count;
    leastCycles = cycles;
    chosen = getOperation().clone();
    chosenPlans = plans;
    taken = name.str();
  };
  if (!nothingFits)
    weigh("0", best);
  bool fitsWhole = false;
  auto tryOrder = [&](const Twine &name, const OrderFunction &add) {
    restore(unordered);
    if (failed(order(add)))
      return failure();
    plans.clear();
    std::optional<int64_t> count = estimate(1);
    fitsWhole = bool(count);
    if (nothingFits && !fitsWhole && planModes())
      count = estimate(1);
    weigh(name, count);
    return success();
  };
  if (isTiny)
    for (size_t number = 1; number < options.orders.size(); ++number)
      if (failed(tryOrder(Twine(number), options.orders[number])))
        return failure();
  auto tryOrderForSlices = [&](int64_t size) {
    return tryOrder("of slices of " + Twine(size),
                    [&](OpPassManager &p) { options.orderForSlices(p, size); });
  };
  for (int64_t size = batch; nothingFits && !fitsWhole && size > 1;) {
    size /= kSmallerSlice;
    if (failed(tryOrderForSlices(std::max<int64_t>(size, 1))))
      return failure();
  }
  // A tree for smaller slices may need fewer slices, and so on.
  if (forSlices && best)
    for (int64_t known = 0; known != *best;) {
      known = *best;
      if (failed(tryOrderForSlices(sliceSize(batch, known))))
        return failure();
    }
  restore(chosen);
  plans = chosenPlans;
  remark::analysis(
      getOperation().getLoc(),
      remark::RemarkOpts::name("order-to-fit").category("fetta-slice-to-fit"))
      << remark::add("orders of contractions weighed: {0}; taken: {1}", weighed,
                     taken);
  return best;
}

FailureOr<std::optional<int64_t>> SliceToFitPass::chooseOrderOrPieces() {
  if (options.orders.size() > 1)
    unordered = getOperation().clone();
  FailureOr<std::optional<int64_t>> count = chooseOrder(/*nothingFits=*/false);
  if (failed(count) || *count || !options.inDram || !options.reuse)
    return count;
  if (planModes())
    *count = estimate(1);
  if (*count)
    return count;
  return orderForSmallSlices();
}

FailureOr<std::optional<int64_t>> SliceToFitPass::orderForSmallSlices() {
  if (largestBatch() == 1 || !unordered || !options.orderForSlices ||
      !cannotSlice.empty())
    return std::optional<int64_t>();
  OwningOpRef<ModuleOp> before = getOperation().clone();
  auto known = std::make_pair(plans, tooMany);
  plans.clear();
  tried.clear();
  FailureOr<std::optional<int64_t>> count = chooseOrder(/*nothingFits=*/true);
  if (succeeded(count) && !*count) {
    restore(before);
    std::tie(plans, tooMany) = known;
  }
  unordered = {}; // Once is enough.
  return count;
}

//===- ScheduleQueues.cpp ---------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TransferOrder.h"

#include "fetta/Dialect/Fetta/Transforms/ProgramOrder.h"
#include "fetta/Mapping/Mapping.h"
#include "fetta/Mapping/RowOrder.h"
#include "fetta/Schedule/ListSchedule.h"
#include "fetta/Target/Queues/Passes.h"

#include "llvm/ADT/SetVector.h"

#include <queue>

namespace fetta {
#define GEN_PASS_DEF_FETTASCHEDULEQUEUESPASS
#include "fetta/Target/Queues/Passes.h.inc"
} // namespace fetta

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

/// In programs of more contractions, and for contractions of more cycles, waits
/// are taken for whole: orders are not searched as closely there, and running
/// pairs takes time.
static constexpr size_t mostFollowed = 64;
static constexpr int64_t mostCycles = 4096;

/// Orders are run where the array waits for at least this part of the time.
/// Elsewhere transfers and slabs matter as much, which runs do not know. With
/// an ideal link only slabs do.
static constexpr int64_t waitsMatterFrom = 4, waitsMatterIfIdeal = 32;

/// Cycles of the machine for which orders of a program are run: some 5 ms.
static constexpr int64_t runBudget = 1 << 18;

namespace {

/// What a contraction takes.
struct Costs {
  const Nest *nest = nullptr;
  int64_t occupancy = 0; ///< Of the array.
  int64_t drain = 0;     ///< From the last beat to the last write.
  int64_t lastDrain = 0; ///< Of the last tile, into the accumulators.
  int64_t firstLoad = 0; ///< Of the held operand, before the first beat.
  std::optional<OperandId> held;

  Costs(const Nest &nest, const Machine &machine);
};

class QueueScheduler {
public:
  QueueScheduler(FunctionOpInterface function, Block &block,
                 const Machine &machine)
      : function(function), block(block), machine(machine),
        transfers(function) {}

  LogicalResult run(ScheduleOptions options, unsigned ahead, unsigned fill);

private:
  LogicalResult findCosts();
  int64_t addRows();
  void addContract(ScheduleTask &task, ContractOp op);
  template <typename TransferOp>
  void addTransfer(ScheduleTask &task, TransferOp op, RankedTensorType tile);
  void addStore(ScheduleTask &task, StoreOp op);
  void addWait(ScheduleTask &task, Value value, int64_t latency);
  void addWait(ScheduleTask &task, Operation *before, int64_t latency);
  LogicalResult sortTasks();
  void limitLoads(unsigned ahead);
  std::vector<RowTask> rowTasks(ArrayRef<unsigned> contracts) const;
  std::vector<unsigned> reorder(ArrayRef<unsigned> order,
                                ArrayRef<unsigned> contracts) const;
  void runOrders(std::vector<unsigned> &order, const ScheduleOptions &options);
  void emit(Operation *op);

  FunctionOpInterface function;
  Block &block;
  const Machine &machine;
  TransferOrder transfers;

  SmallVector<Operation *> instructions; ///< As `tasks`.
  llvm::DenseMap<Operation *, unsigned> taskOf;
  std::vector<ScheduleTask> tasks;
  llvm::DenseMap<const Nest *, std::unique_ptr<Costs>> known;
  llvm::DenseMap<Operation *, const Costs *> costs; ///< Of contractions.
  llvm::SmallPtrSet<Operation *, 32> emitted;
};

} // namespace

/// The operation behind views, partial sums not looked through.
static Operation *definingOp(Value value) {
  Operation *op = value.getDefiningOp();
  while (auto relabel = dyn_cast_or_null<RelabelOp>(op))
    op = relabel.getSource().getDefiningOp();
  return op;
}

//===----------------------------------------------------------------------===//
// What tasks take, and what they wait for
//===----------------------------------------------------------------------===//

Costs::Costs(const Nest &nest, const Machine &machine) : nest(&nest) {
  SerialCycles cycles = serialCycles(nest, machine);
  occupancy = cycles.beats + cycles.bankConflict + cycles.stationaryReload +
              cycles.drainBusy;
  drain = cycles.fill + cycles.drain;
  firstLoad = cycles.firstLoad;
  if (nest.dataflow == Dataflow::OutputStationary) {
    lastDrain = (int64_t(1) << llvm::count_if(
                     nest.lanes.row, [](auto &bit) { return bool(bit); })) *
                subBeats(nest.c());
    return;
  }
  for (OperandId id : {OperandA, OperandB})
    if (netOf(nest.dataflow, id) == Net::Hold)
      held = id;
}

LogicalResult QueueScheduler::findCosts() {
  for (Operation *op : instructions) {
    auto contract = dyn_cast<ContractOp>(op);
    if (!contract)
      continue;
    llvm::Expected<const Nest &> nest = getUnplacedNest(contract);
    if (!nest)
      return op->emitOpError() << llvm::toString(nest.takeError());
    std::unique_ptr<Costs> &cost = known[&*nest];
    if (!cost)
      cost = std::make_unique<Costs>(*nest, machine);
    costs[op] = cost.get();
  }
  return success();
}

/// `task` begins at least `latency` cycles after `before` has ended.
void QueueScheduler::addWait(ScheduleTask &task, Operation *before,
                             int64_t latency) {
  auto it = taskOf.find(before);
  if (it == taskOf.end())
    return;
  const Costs *contract = costs.lookup(before);
  task.after.push_back(
      {it->second,
       latency + (contract ? contract->lastDrain : machine.dramLatencyCycles)});
}

/// The same for what made a value in tensor memory.
void QueueScheduler::addWait(ScheduleTask &task, Value value, int64_t latency) {
  Operation *op = definingOp(value);
  if (!isa_and_nonnull<PlaceOp>(op))
    return addWait(task, op, latency);
  // The host places what others have made possible.
  for (Operation *before : transfers.before(op))
    addWait(task, before, latency);
}

void QueueScheduler::addContract(ScheduleTask &task, ContractOp op) {
  const Costs &cost = *costs.lookup(op);
  task.occupancy = cost.occupancy;
  task.drain = cost.drain;
  for (OperandId id : {OperandA, OperandB}) {
    Operation *made = definingOp(op.getTensor(id));
    const Costs *before = costs.lookup(made);
    if (before && costs.size() <= mostFollowed &&
        std::max(before->occupancy, cost.occupancy) <= mostCycles) {
      // Row by row: some beats need not wait for the last row.
      Following gap = followingOf(*before->nest, *cost.nest,
                                  {id == OperandA, id == OperandB}, machine);
      task.after.push_back({taskOf.at(made), gap.start, gap.finish});
      continue;
    }
    // A row that is written `pipeline + 1` cycles after the last beat can be
    // read in the cycle after; a held operand is loaded before the first beat.
    addWait(task, op.getTensor(id),
            (isa_and_nonnull<LoadOp>(made) ? 0 : machine.pipelineCycles()) + 1 +
                (cost.held == id ? cost.firstLoad : 0));
  }
  if (op.getInit())
    addWait(task, op.getInit(), 0);
}

/// Holds the link for whole bursts of every run of neighbouring elements.
template <typename TransferOp>
void QueueScheduler::addTransfer(ScheduleTask &task, TransferOp op,
                                 RankedTensorType tile) {
  int64_t run = 1, runs = 1;
  SmallVector<int64_t> strides(op.getElementStrides());
  for (auto [size, stride] :
       llvm::reverse(llvm::zip_equal(tile.getShape(), strides)))
    (runs == 1 && (stride == run || size == 1) ? run : runs) *= size;
  int64_t bytes = getElementType(tile) == ElementType::F32 ? 4 : 2;
  int64_t bursts =
      runs * int64_t(llvm::divideCeil(run * bytes, machine.dramBurstBytes));
  task.occupancy = int64_t(std::ceil(double(bursts * machine.dramBurstBytes) *
                                     double(machine.clockHz) /
                                     double(machine.dramBytesPerSecond)));
  task.drain = machine.dramLatencyCycles;
  for (Operation *before : transfers.before(op))
    addWait(task, before, 0);
}

void QueueScheduler::addStore(ScheduleTask &task, StoreOp op) {
  task.engine = Engine::Store;
  addTransfer(task, op, op.getSource().getType());
  Operation *source = definingOp(op.getSource());
  if (const Costs *contract = costs.lookup(source))
    task.after.push_back({taskOf.at(source), contract->drain, 0});
  else
    addWait(task, source, 0);
  // Slices of one region keep the order of the block.
  if (auto before = taskOf.find(op.getInto().getDefiningOp());
      before != taskOf.end())
    task.after.push_back({before->second, 0, 0});
}

/// Gives tasks an order in which each follows those that it waits for: that of
/// the block, but for what a loss puts behind later ones.
LogicalResult QueueScheduler::sortTasks() {
  size_t count = tasks.size();
  std::vector<SmallVector<unsigned, 4>> followers(count);
  std::vector<unsigned> open(count), order;
  std::priority_queue<unsigned, std::vector<unsigned>, std::greater<>> ready;
  for (unsigned t = 0; t < count; ++t) {
    open[t] = unsigned(tasks[t].after.size());
    for (const TaskWait &wait : tasks[t].after)
      followers[wait.task].push_back(t);
    if (open[t] == 0)
      ready.push(t);
  }
  while (!ready.empty()) {
    order.push_back(ready.top());
    ready.pop();
    for (unsigned follower : followers[order.back()])
      if (--open[follower] == 0)
        ready.push(follower);
  }
  if (order.size() < count)
    return function.emitError()
           << "a result of function '" << function.getName()
           << "' needs its own gradient; a loss stands between them";
  std::vector<unsigned> numberOf(count);
  for (auto [number, task] : llvm::enumerate(order))
    numberOf[task] = unsigned(number);
  std::vector<ScheduleTask> sorted(count);
  SmallVector<Operation *> sortedOps;
  for (auto [t, task] : llvm::zip_equal(order, sorted)) {
    task = std::move(tasks[t]);
    for (TaskWait &wait : task.after)
      wait.task = numberOf[wait.task];
    for (unsigned &used : task.uses)
      used = numberOf[used];
    sortedOps.push_back(instructions[t]);
    taskOf[instructions[t]] = numberOf[t];
  }
  tasks = std::move(sorted);
  instructions = std::move(sortedOps);
  return success();
}

/// Of each argument that is loaded in parts, at most `ahead` are there before
/// they are used.
void QueueScheduler::limitLoads(unsigned ahead) {
  llvm::DenseMap<Value, SmallVector<unsigned>> loads;
  for (auto [t, op] : llvm::enumerate(instructions))
    if (auto load = dyn_cast<LoadOp>(op)) {
      SmallVector<unsigned> &before = loads[load.getSource()];
      if (before.size() >= ahead)
        tasks[t].behind = before[before.size() - ahead];
      before.push_back(unsigned(t));
    }
}

/// Rows of the tasks' values; returns those of what the host places.
int64_t QueueScheduler::addRows() {
  TensorMemoryUse memory(block);
  int64_t placed = 0;
  SmallVector<std::optional<unsigned>> makers;
  for (auto [op, value] : llvm::zip_equal(memory.homes, memory.live)) {
    auto it = taskOf.find(op);
    makers.push_back(it == taskOf.end() ? std::nullopt
                                        : std::optional(it->second));
    (makers.back() ? tasks[*makers.back()].rows : placed) += value.rows;
  }
  for (auto [task, op] : llvm::zip_equal(tasks, instructions))
    for (Value operand : op->getOperands())
      if (std::optional<unsigned> home = memory.find(operand))
        if (makers[*home])
          task.uses.push_back(*makers[*home]);
  return placed;
}

//===----------------------------------------------------------------------===//
// Runs of whole orders
//===----------------------------------------------------------------------===//

/// The contractions among the tasks, in the order of `contracts`, for runs; the
/// result of each has its number.
std::vector<RowTask>
QueueScheduler::rowTasks(ArrayRef<unsigned> contracts) const {
  llvm::DenseMap<unsigned, unsigned> numberOf;
  for (auto [number, task] : llvm::enumerate(contracts))
    numberOf[task] = unsigned(number);
  std::vector<RowTask> result;
  for (auto [number, t] : llvm::enumerate(contracts)) {
    auto op = cast<ContractOp>(instructions[t]);
    RowTask task;
    task.walk = RowWalk(*costs.lookup(op)->nest, machine);
    task.values[OperandC] = unsigned(number);
    llvm::SmallSetVector<unsigned, 8> direct, behind;
    auto writer = [&](Value value) {
      auto it = taskOf.find(definingOp(value));
      if (it == taskOf.end() || !numberOf.contains(it->second))
        return ArrayClock::none;
      direct.insert(it->second);
      return numberOf.at(it->second);
    };
    for (OperandId id : {OperandA, OperandB})
      task.values[id] = writer(op.getTensor(id));
    if (op.getInit())
      writer(op.getInit());
    // What it does not read lies behind a transfer or a loss.
    SmallVector<unsigned> open;
    auto follow = [&](unsigned from) {
      for (const TaskWait &wait : tasks[from].after)
        if (!direct.contains(wait.task) && behind.insert(wait.task) &&
            tasks[wait.task].engine != Engine::Array)
          open.push_back(wait.task);
    };
    for (follow(t); !open.empty();)
      follow(open.pop_back_val());
    for (unsigned before : direct)
      task.before.push_back(numberOf.at(before));
    for (unsigned before : behind)
      if (auto it = numberOf.find(before); it != numberOf.end()) {
        task.before.push_back(it->second);
        task.written.push_back(it->second);
      }
    result.push_back(std::move(task));
  }
  return result;
}

/// `order` with its contractions in the order of `contracts`; transfers stay
/// where they are as far as dependences allow.
std::vector<unsigned>
QueueScheduler::reorder(ArrayRef<unsigned> order,
                        ArrayRef<unsigned> contracts) const {
  size_t count = tasks.size();
  std::vector<unsigned> place(count), open(count);
  std::vector<SmallVector<unsigned, 4>> followers(count);
  const unsigned *next = contracts.begin();
  for (auto [position, task] : llvm::enumerate(order))
    place[tasks[task].engine == Engine::Array ? *next++ : task] =
        unsigned(position);
  auto wait = [&](unsigned task, unsigned before) {
    followers[before].push_back(task);
    ++open[task];
  };
  for (unsigned t = 0; t < count; ++t)
    for (const TaskWait &before : tasks[t].after)
      wait(t, before.task);
  for (size_t n = 1; n < contracts.size(); ++n)
    wait(contracts[n], contracts[n - 1]);
  using Entry = std::pair<unsigned, unsigned>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
  for (unsigned t = 0; t < count; ++t)
    if (open[t] == 0)
      ready.push({place[t], t});
  std::vector<unsigned> result;
  while (!ready.empty()) {
    result.push_back(ready.top().second);
    ready.pop();
    for (unsigned follower : followers[result.back()])
      if (--open[follower] == 0)
        ready.push({place[follower], follower});
  }
  return result;
}

/// Small programs that wait a lot are run, order by order.
void QueueScheduler::runOrders(std::vector<unsigned> &order,
                               const ScheduleOptions &options) {
  auto [window, rows, link, isSteady] = options;
  if (costs.size() > mostFollowed)
    return;
  int64_t length = scheduleLength(tasks, order, LinkModel::Ideal),
          waits = length;
  std::vector<unsigned> contracts, inOrder;
  for (auto [t, task] : llvm::enumerate(tasks))
    if (task.engine == Engine::Array) {
      waits -= task.occupancy;
      contracts.push_back(unsigned(t));
    }
  bool ideal = link == LinkModel::Ideal;
  if ((ideal ? waitsMatterIfIdeal : waitsMatterFrom) * waits < length)
    return;
  for (unsigned task : order)
    if (tasks[task].engine == Engine::Array)
      inOrder.push_back(
          unsigned(llvm::lower_bound(contracts, task) - contracts.begin()));
  std::vector<unsigned> better = improveOrder(
      rowTasks(contracts), std::move(inOrder), window, runBudget, machine);
  for (unsigned &number : better)
    number = contracts[number];
  std::vector<unsigned> found = reorder(order, better);
  if (found.size() == order.size() &&
      peakRows(tasks, found) <= std::max(rows, peakRows(tasks, order)) &&
      (ideal || scheduleLength(tasks, found, link) <=
                    scheduleLength(tasks, order, link)))
    order = std::move(found);
}

/// Moves an operation to the end of the block, behind the views that it reads.
void QueueScheduler::emit(Operation *op) {
  if (!emitted.insert(op).second)
    return;
  for (Value operand : op->getOperands())
    if (Operation *source = operand.getDefiningOp();
        source && source->getBlock() == &block && !isInstruction(source))
      emit(source);
  op->moveBefore(block.getTerminator());
}

LogicalResult QueueScheduler::run(ScheduleOptions options, unsigned ahead,
                                  unsigned fill) {
  SmallVector<Operation *> all;
  for (Operation &op : block.without_terminator()) {
    if (isa<SyncOp>(op))
      return success(); // Ordered by hand.
    all.push_back(&op);
    if (!isInstruction(&op))
      continue;
    taskOf[&op] = unsigned(instructions.size());
    instructions.push_back(&op);
  }
  if (failed(findCosts()))
    return failure();
  tasks.reserve(instructions.size());
  for (Operation *op : instructions) {
    ScheduleTask &task = tasks.emplace_back();
    if (auto contract = dyn_cast<ContractOp>(op)) {
      addContract(task, contract);
    } else if (auto load = dyn_cast<LoadOp>(op)) {
      task.engine = Engine::Load;
      addTransfer(task, load, load.getType());
      // What was spilled is read as the stores before it have left the region.
      if (auto before = taskOf.find(load.getSource().getDefiningOp());
          before != taskOf.end())
        task.after.push_back({before->second, 0, 0});
    } else {
      addStore(task, cast<StoreOp>(op));
    }
  }
  options.rows = machine.slabs * machine.rowsPerSlab / 100 * fill - addRows();
  if (failed(sortTasks()))
    return failure();
  limitLoads(ahead);
  std::vector<unsigned> order = listSchedule(tasks, options);
  runOrders(order, options);
  for (Operation *op : all)
    if (isa<PlaceOp>(op))
      emit(op);
  for (unsigned task : order)
    emit(instructions[task]);
  // What nobody waits for, in the order in which it came.
  for (Operation *op : all)
    emit(op);
  return success();
}

namespace {
struct ScheduleQueuesPass
    : fetta::impl::FettaScheduleQueuesPassBase<ScheduleQueuesPass> {
  using Base::Base;
  void runOnOperation() override {
    if (ahead == 0 || fill > 100) {
      getOperation().emitError()
          << "option of fetta-schedule-queues: ahead is at least 1, got "
          << ahead.getValue() << ", and fill at most 100, got "
          << fill.getValue();
      return signalPassFailure();
    }
    if (failed(forEachProgram(getOperation(), [&](FunctionOpInterface function,
                                                  Block &block,
                                                  const Machine &machine) {
          return QueueScheduler(function, block, machine)
              .run({window, INT64_MAX, dram, steady}, ahead, fill);
        })))
      signalPassFailure();
  }
};
} // namespace

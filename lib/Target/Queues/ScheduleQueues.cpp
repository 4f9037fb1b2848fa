//===- ScheduleQueues.cpp ----------------------------------------*- C++
//-*-===//
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

namespace fetta {
#define GEN_PASS_DEF_FETTASCHEDULEQUEUESPASS
#include "fetta/Target/Queues/Passes.h.inc"
} // namespace fetta

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

/// In programs of more contractions waits are taken for whole: orders are not
/// searched as closely there, and running pairs takes time.
static constexpr size_t mostFollowed = 64;

/// Orders are run where the array waits for at least this part of the time.
/// Elsewhere transfers and slabs matter as much, which runs do not know.
static constexpr int64_t waitsMatterFrom = 4;

/// Cycles of the machine for which orders of a program are run: some 10 ms.
static constexpr int64_t runBudget = 1 << 20;

namespace {

class QueueScheduler {
public:
  QueueScheduler(FunctionOpInterface function, Block &block,
                 const Machine &machine)
      : function(function), block(block), machine(machine),
        transfers(function) {}

  LogicalResult run(unsigned window);

private:
  LogicalResult addTasks();
  void addTask(ContractOp op, const Nest &nest);
  void addWait(ArrayTask &task, Value value, int64_t latency, const Nest &nest,
               std::array<bool, 2> reads);
  std::vector<RowTask> rowTasks() const;
  void findUses(ArrayRef<unsigned> order);
  bool canEmit(Operation *op) const;
  void emit(Operation *op);
  void emitLoads(unsigned position);
  void emitStores();

  FunctionOpInterface function;
  Block &block;
  const Machine &machine;
  TransferOrder transfers;

  SmallVector<ContractOp> contracts;
  llvm::DenseMap<Operation *, unsigned> taskOf;
  std::vector<ArrayTask> tasks;
  std::vector<Nest> nests; ///< By task.
  /// Cycles in which the last tile drains into the accumulators.
  std::vector<int64_t> lastDrain;

  struct Load {
    LoadOp op;
    unsigned use = 0;      ///< Position of the first contraction that reads it.
    unsigned position = 0; ///< Where it may begin.
  };
  std::vector<Load> loads;
  SmallVector<StoreOp> stores;
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
// Contractions
//===----------------------------------------------------------------------===//

/// `nest` waits for `value`, which is what it `reads`.
void QueueScheduler::addWait(ArrayTask &task, Value value, int64_t latency,
                             const Nest &nest, std::array<bool, 2> reads) {
  Operation *op = definingOp(value);
  auto wait = [&](Operation *contract) {
    if (auto it = taskOf.find(contract); it != taskOf.end())
      task.after.push_back({it->second, latency + lastDrain[it->second]});
  };
  if (isa_and_nonnull<ContractOp>(op)) {
    auto it = taskOf.find(op);
    if (it == taskOf.end() || contracts.size() > mostFollowed ||
        !(reads[0] || reads[1]))
      return wait(op);
    // Row by row: some beats need not wait for the last row.
    Following gap = followingOf(nests[it->second], nest, reads, machine);
    task.after.push_back({it->second, gap.start, gap.finish});
    return;
  }
  if (!isa_and_nonnull<LoadOp, PlaceOp>(op))
    return;
  // What a transfer waits for was made by contractions.
  for (Operation *before : transfers.before(op))
    wait(isa<StoreOp>(before) ? definingOp(cast<StoreOp>(before).getSource())
                              : before);
}

void QueueScheduler::addTask(ContractOp op, const Nest &nest) {
  SerialCycles cycles = serialCycles(nest, machine);
  bool outputStationary = nest.dataflow == Dataflow::OutputStationary;
  ArrayTask task;
  task.occupancy = cycles.beats + cycles.bankConflict +
                   cycles.stationaryReload + cycles.drainBusy;
  task.drain = cycles.fill + cycles.drain;
  // A row that is written `pipeline + 1` cycles after the last beat can be read
  // in the cycle after; a held operand is loaded before the first beat.
  int64_t pipeline = machine.pipelineCycles();
  for (OperandId id : {OperandA, OperandB}) {
    bool held = !outputStationary && netOf(nest.dataflow, id) == Net::Hold;
    addWait(task, op.getTensor(id),
            pipeline + 1 + (held ? cycles.firstLoad : 0), nest,
            {id == OperandA, id == OperandB});
  }
  if (op.getInit())
    addWait(task, op.getInit(), 0, nest, {});
  tasks.push_back(std::move(task));
}

/// Tasks in an order in which each follows those that it waits for: that of the
/// block, but for contractions that a loss puts behind later ones.
LogicalResult QueueScheduler::addTasks() {
  for (auto [index, op] : llvm::enumerate(contracts)) {
    llvm::Expected<Nest> nest = getNest(op, machine);
    if (!nest)
      return op.emitOpError() << llvm::toString(nest.takeError());
    taskOf[op] = unsigned(index);
    lastDrain.push_back(
        nest->dataflow == Dataflow::OutputStationary
            ? (int64_t(1) << llvm::count_if(nest->lanes.row,
                                            [](auto &b) { return bool(b); })) *
                  subBeats(nest->c())
            : 0);
    nests.push_back(std::move(*nest));
  }
  for (auto [op, nest] : llvm::zip_equal(contracts, nests))
    addTask(op, nest);
  std::vector<bool> done(tasks.size());
  SmallVector<ContractOp> sorted;
  bool inOrder = true;
  while (sorted.size() < tasks.size()) {
    size_t before = sorted.size();
    for (size_t t = 0; t < tasks.size(); ++t) {
      if (done[t] || !llvm::all_of(tasks[t].after, [&](const TaskWait &wait) {
            return done[wait.task];
          }))
        continue;
      done[t] = true;
      inOrder &= t == sorted.size();
      sorted.push_back(contracts[t]);
    }
    if (sorted.size() == before)
      return function.emitError()
             << "a result of function '" << function.getName()
             << "' needs its own gradient; a loss stands between them";
  }
  if (inOrder)
    return success();
  contracts = sorted;
  taskOf.clear();
  tasks.clear();
  nests.clear();
  lastDrain.clear();
  return addTasks();
}

/// The tasks for runs; the result of each has its number.
std::vector<RowTask> QueueScheduler::rowTasks() const {
  std::vector<RowTask> result;
  for (unsigned t = 0; t < contracts.size(); ++t) {
    ContractOp op = contracts[t];
    RowTask task;
    task.walk = RowWalk(nests[t], machine);
    task.values[OperandC] = t;
    for (OperandId id : {OperandA, OperandB})
      if (auto it = taskOf.find(definingOp(op.getTensor(id)));
          it != taskOf.end())
        task.values[id] = it->second;
    Operation *init = op.getInit() ? definingOp(op.getInit()) : nullptr;
    for (const TaskWait &wait : tasks[t].after) {
      task.before.push_back(wait.task);
      // What it does not read lies behind a transfer or a loss.
      if (!llvm::is_contained(task.values, wait.task) &&
          contracts[wait.task] != init)
        task.written.push_back(wait.task);
    }
    result.push_back(std::move(task));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

/// Where every load may begin: one use ahead of the load before it from the
/// same array, and behind what it waits for.
void QueueScheduler::findUses(ArrayRef<unsigned> order) {
  std::vector<unsigned> positionOf(order.size());
  for (auto [position, task] : llvm::enumerate(order))
    positionOf[task] = unsigned(position);
  llvm::DenseMap<Operation *, unsigned> firstUse;
  for (auto [position, task] : llvm::enumerate(order))
    for (unsigned operand : {0, 1})
      firstUse.try_emplace(definingOp(contracts[task].getTensor(operand)),
                           unsigned(position));
  for (Load &load : loads) {
    auto it = firstUse.find(load.op);
    load.use = it == firstUse.end() ? unsigned(order.size()) : it->second;
  }
  llvm::stable_sort(loads,
                    [](const Load &a, const Load &b) { return a.use < b.use; });
  llvm::DenseMap<Value, unsigned> lastUse;
  for (Load &load : loads) {
    auto [it, isFirst] = lastUse.try_emplace(load.op.getSource(), load.use);
    if (!isFirst)
      load.position = std::exchange(it->second, load.use);
  }
}

bool QueueScheduler::canEmit(Operation *op) const {
  auto ready = [&](Operation *before) { return emitted.contains(before); };
  for (Value operand : op->getOperands())
    if (Operation *source = definingOp(operand);
        isa_and_nonnull<LoadOp, StoreOp, ContractOp>(source) && !ready(source))
      return false;
  return !isa<LoadOp, StoreOp>(op) || llvm::all_of(transfers.before(op), ready);
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

void QueueScheduler::emitLoads(unsigned position) {
  llvm::erase_if(loads, [&](Load &load) {
    if (load.position > position || !canEmit(load.op))
      return false;
    emit(load.op);
    return true;
  });
}

void QueueScheduler::emitStores() {
  llvm::erase_if(stores, [&](StoreOp store) {
    if (!canEmit(store))
      return false;
    emit(store);
    return true;
  });
}

LogicalResult QueueScheduler::run(unsigned window) {
  SmallVector<Operation *> all;
  for (Operation &op : block.without_terminator()) {
    all.push_back(&op);
    if (isa<SyncOp>(op))
      return success(); // Ordered by hand.
    if (auto load = dyn_cast<LoadOp>(op))
      loads.push_back({load});
    else if (auto store = dyn_cast<StoreOp>(op))
      stores.push_back(store);
    else if (auto contract = dyn_cast<ContractOp>(op))
      contracts.push_back(contract);
  }
  if (failed(addTasks()))
    return failure();
  std::vector<unsigned> order = listSchedule(tasks, window);
  int64_t length = scheduleLength(tasks, order), waits = length;
  for (const ArrayTask &task : tasks)
    waits -= task.occupancy;
  if (contracts.size() <= mostFollowed && waitsMatterFrom * waits >= length)
    order =
        improveOrder(rowTasks(), std::move(order), window, runBudget, machine);
  findUses(order);
  for (Operation *op : all)
    if (isa<PlaceOp>(op))
      emit(op);
  for (auto [position, task] : llvm::enumerate(order)) {
    emitLoads(unsigned(position));
    // A load whose turn has not come, but without which nothing goes on.
    for (Value operand : contracts[task]->getOperands())
      if (auto load = dyn_cast_or_null<LoadOp>(definingOp(operand)))
        if (canEmit(load))
          emit(load);
    emit(contracts[task]);
    emitStores();
  }
  llvm::erase_if(loads, [&](Load &load) { return emitted.contains(load.op); });
  emitLoads(unsigned(order.size()));
  emitStores();
  // What is left: what nobody waits for, in the order in which it came.
  for (Operation *op : all)
    emit(op);
  return success();
}

namespace {
struct ScheduleQueuesPass
    : fetta::impl::FettaScheduleQueuesPassBase<ScheduleQueuesPass> {
  using Base::Base;
  void runOnOperation() override {
    for (auto function : getOperation().getOps<FunctionOpInterface>()) {
      FailureOr<Block *> block = getProgramBlock(function);
      if (failed(block))
        return signalPassFailure();
      if (!*block)
        continue;
      FailureOr<Machine> machine = getMachine(function);
      if (failed(machine) ||
          failed(QueueScheduler(function, **block, *machine).run(window)))
        return signalPassFailure();
    }
  }
};
} // namespace

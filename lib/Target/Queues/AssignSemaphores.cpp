//===- AssignSemaphores.cpp -------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TransferOrder.h"

#include "fetta/Dialect/Fetta/Transforms/ProgramOrder.h"
#include "fetta/Schedule/TokenPlan.h"
#include "fetta/Target/Queues/Passes.h"

#include <map>

namespace fetta {
#define GEN_PASS_DEF_FETTAASSIGNSEMAPHORESPASS
#include "fetta/Target/Queues/Passes.h.inc"
} // namespace fetta

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

/// The last instruction of each queue that read and that wrote a row, or none.
struct RowState {
  std::array<int, QueueCount> read, written;
  RowState() {
    read.fill(-1);
    written.fill(-1);
  }
  bool operator==(const RowState &o) const {
    return read == o.read && written == o.written;
  }
};

/// The states of all rows of tensor memory: tensors take many rows, so
/// neighbours of equal state are kept together.
class RowStates {
public:
  explicit RowStates(int64_t rows) { spans[0] = {rows, RowState()}; }

  /// Calls visit(state) for all states in rows [begin, end), to change them.
  template <typename Visit>
  void forEach(int64_t begin, int64_t end, Visit visit) {
    auto first = splitAt(begin), last = splitAt(end);
    for (auto it = first; it != last; ++it)
      visit(it->second.state);
    for (auto it = first; it != last;) {
      auto next = std::next(it);
      if (next == last || !(next->second.state == it->second.state)) {
        it = next;
        continue;
      }
      it->second.end = next->second.end;
      spans.erase(next);
    }
  }

private:
  struct Span {
    int64_t end;
    RowState state;
  };
  using Spans = std::map<int64_t, Span>;

  Spans::iterator splitAt(int64_t row) {
    auto it = spans.lower_bound(row);
    if (it != spans.end() && it->first == row)
      return it;
    Span &before = std::prev(it)->second;
    if (before.end == row)
      return it;
    Span upper = before;
    before.end = row;
    return spans.emplace_hint(it, row, upper);
  }

  Spans spans; ///< By first row; they cover all.
};

class Synchroniser {
public:
  Synchroniser(FunctionOpInterface function, Block &block,
               const Machine &machine)
      : function(function), block(block), machine(machine),
        rows(machine.slabs * machine.rowsPerSlab), transfers(function) {}

  LogicalResult run();

private:
  LogicalResult access(Operation *op, Value value, bool write);
  void addInstruction(Operation *op, unsigned queue);
  void addTransferOrder(Operation *op);

  FunctionOpInterface function;
  Block &block;
  const Machine &machine;
  RowStates rows; ///< Row: slab * rowsPerSlab + row of the slab.
  TransferOrder transfers;
  HomeFinder homes;
  SmallVector<Operation *> ops;
  llvm::DenseMap<Operation *, unsigned> index;
  std::vector<QueueItem> items;
};

} // namespace

void Synchroniser::addInstruction(Operation *op, unsigned queue) {
  index[op] = items.size();
  ops.push_back(op);
  items.push_back({queue, {}});
}

/// Orders the last instruction after those of other queues that touched the
/// rows of `value`.
LogicalResult Synchroniser::access(Operation *op, Value value, bool write) {
  HomeAttr home = homes.getHome(value);
  if (!home)
    return op->emitOpError() << "has an operand or result without a home in "
                                "tensor memory; run fetta-allocate-memory";
  QueueItem &item = items.back();
  std::array<int, QueueCount> after;
  after.fill(-1);
  int64_t first = home.getSlab() * machine.rowsPerSlab + home.getRow();
  int64_t count = getPhysicalRows(
      cast<RankedTensorType>(homes.find(value)->getResult(0).getType()));
  rows.forEach(first, first + count, [&](RowState &state) {
    for (unsigned queue = 0; queue < QueueCount; ++queue) {
      after[queue] = std::max(after[queue], state.written[queue]);
      if (write)
        after[queue] = std::max(after[queue], state.read[queue]);
    }
    (write ? state.written : state.read)[item.queue] = int(items.size()) - 1;
  });
  for (unsigned queue = 0; queue < QueueCount; ++queue)
    if (queue != item.queue && after[queue] >= 0)
      item.after.push_back(unsigned(after[queue]));
  return success();
}

void Synchroniser::addTransferOrder(Operation *op) {
  for (Operation *before : transfers.before(op))
    if (auto it = index.find(before); it != index.end())
      items.back().after.push_back(it->second);
}

LogicalResult Synchroniser::run() {
  for (Operation &op : block) {
    if (getSync(&op))
      return success(); // Ordered by hand.
    LogicalResult done = success();
    if (auto load = dyn_cast<LoadOp>(op)) {
      addInstruction(load, unsigned(QueueKind::Load));
      addTransferOrder(load);
      done = access(load, load.getResult(), /*write=*/true);
    } else if (auto store = dyn_cast<StoreOp>(op)) {
      addInstruction(store, unsigned(QueueKind::Store));
      addTransferOrder(store);
      done = access(store, store.getSource(), /*write=*/false);
    } else if (auto contract = dyn_cast<ContractOp>(op)) {
      addInstruction(contract, unsigned(QueueKind::Contract));
      for (unsigned operand : {0, 1})
        if (succeeded(done))
          done = access(contract, contract.getTensor(operand), false);
      if (contract.getInit() && succeeded(done))
        done = access(contract, contract.getInit(), false);
      if (succeeded(done))
        done = access(contract, contract.getResult(), /*write=*/true);
    }
    if (failed(done))
      return failure();
  }
  llvm::Expected<std::vector<ItemTokens>> plan = planTokens(items);
  if (!plan)
    return function.emitError() << llvm::toString(plan.takeError());
  for (auto [op, tokens] : llvm::zip_equal(ops, *plan)) {
    if (tokens.waits.empty() && tokens.signals.empty())
      continue;
    auto list = [](ArrayRef<unsigned> semaphores) {
      SmallVector<hw::Token> tokens;
      for (unsigned semaphore : semaphores)
        tokens.push_back({semaphore, 1});
      return tokens;
    };
    auto sync = SyncAttr::get(function->getContext(), list(tokens.waits),
                              list(tokens.signals));
    setSync(op, sync);
  }
  return success();
}

namespace {
struct AssignSemaphoresPass
    : fetta::impl::FettaAssignSemaphoresPassBase<AssignSemaphoresPass> {
  void runOnOperation() override {
    if (failed(forEachProgram(getOperation(), [](FunctionOpInterface function,
                                                 Block &block,
                                                 const Machine &machine) {
          return Synchroniser(function, block, machine).run();
        })))
      signalPassFailure();
  }
};
} // namespace

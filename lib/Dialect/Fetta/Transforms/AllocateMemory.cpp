//===- AllocateMemory.cpp ----------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/Fetta/Transforms/Passes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace fetta::hw {
#define GEN_PASS_DEF_FETTAALLOCATEMEMORYPASS
#include "fetta/Dialect/Fetta/Transforms/Passes.h.inc"
} // namespace fetta::hw

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

/// Rows [begin, end) of a slab that are taken; sorted, disjoint.
struct Slab {
  SmallVector<std::pair<int64_t, int64_t>> taken;

  int64_t used() const {
    int64_t sum = 0;
    for (auto [begin, end] : taken)
      sum += end - begin;
    return sum;
  }
  /// First row of the first gap of `rows` rows, or nothing.
  std::optional<int64_t> firstFit(int64_t rows, int64_t size) const {
    int64_t begin = 0;
    for (auto [takenBegin, takenEnd] : taken) {
      if (takenBegin - begin >= rows)
        return begin;
      begin = std::max(begin, takenEnd);
    }
    return size - begin >= rows ? std::optional(begin) : std::nullopt;
  }
  void take(int64_t begin, int64_t rows) {
    taken.push_back({begin, begin + rows});
    llvm::sort(taken);
  }
};

/// A value to be placed and those that it meets in a contraction.
struct Node {
  int64_t rows = 0;
  llvm::SetVector<Operation *> neighbours;
};

HomeAttr homeOf(Operation *op) { return getHome(op->getResult(0)); }

void setHome(Operation *op, HomeAttr home) {
  if (auto place = dyn_cast<PlaceOp>(op))
    place.setHomeAttr(home);
  else
    cast<ContractOp>(op).setHomeAttr(home);
}

struct AllocateMemoryPass
    : fetta::hw::impl::FettaAllocateMemoryPassBase<AllocateMemoryPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<FunctionOpInterface>())
      if (failed(allocate(function)))
        return signalPassFailure();
  }

  LogicalResult allocate(FunctionOpInterface function) {
    llvm::MapVector<Operation *, Node> nodes;
    function.walk([&](Operation *op) {
      if (isa<PlaceOp, ContractOp>(op))
        nodes[op].rows =
            getPhysicalRows(cast<RankedTensorType>(op->getResult(0).getType()));
    });
    if (nodes.empty())
      return success();
    FailureOr<Machine> machine = getMachine(function);
    if (failed(machine))
      return failure();
    if (failed(checkCapacity(function, nodes, *machine)))
      return failure();
    function.walk([&](ContractOp op) {
      Operation *tensors[3];
      for (unsigned id = 0; id < 3; ++id)
        tensors[id] = getHomeOp(op.getTensor(id));
      for (Operation *a : tensors)
        for (Operation *b : tensors)
          if (a != b)
            nodes[a].neighbours.insert(b);
    });

    SmallVector<Slab> slabs(machine->slabs);
    SmallVector<Operation *> open;
    for (auto &[op, node] : nodes) {
      HomeAttr home = homeOf(op);
      if (home)
        slabs[home.getSlab()].take(home.getRow(), node.rows);
      else
        open.push_back(op);
    }
    while (!open.empty()) {
      // DSATUR: most slabs excluded first, then most neighbours.
      auto rank = [&](Operation *op) {
        const Node &node = nodes[op];
        llvm::SmallDenseSet<int64_t, 8> excluded;
        for (Operation *other : node.neighbours)
          if (HomeAttr home = homeOf(other))
            excluded.insert(home.getSlab());
        return std::pair(excluded.size(), node.neighbours.size());
      };
      auto next = open.begin();
      auto best = rank(*next);
      for (auto it = std::next(next); it != open.end(); ++it)
        if (auto r = rank(*it); r > best)
          next = it, best = r;
      if (failed(place(*next, nodes[*next], slabs, *machine)))
        return failure();
      open.erase(next);
    }
    return success();
  }

  /// Refuses what fits in no way, with the rows that are missing.
  LogicalResult checkCapacity(FunctionOpInterface function,
                              const llvm::MapVector<Operation *, Node> &nodes,
                              const Machine &machine) {
    int64_t total = 0;
    for (auto &[op, node] : nodes) {
      total += node.rows;
      if (failed(verifyFitsSlab(op, op->getResult(0).getType(), node.rows,
                                machine)))
        return failure();
    }
    int64_t capacity = machine.slabs * machine.rowsPerSlab;
    if (total <= capacity)
      return success();
    InFlightDiagnostic diag =
        function.emitError()
        << "function '" << function.getName() << "' exceeds tensor memory: its "
        << nodes.size() << " tensors take " << total
        << " rows, the machine has " << machine.slabs << " slabs of "
        << machine.rowsPerSlab << ": " << total - capacity << " too many";
    auto largest = llvm::max_element(
        nodes, [](auto &a, auto &b) { return a.second.rows < b.second.rows; });
    diag.attachNote(largest->first->getLoc())
        << "the largest takes " << largest->second.rows
        << " rows: " << largest->first->getResult(0).getType();
    return diag;
  }

  LogicalResult place(Operation *op, const Node &node,
                      MutableArrayRef<Slab> slabs, const Machine &machine) {
    // Fewest meetings in one slab, then the emptiest slab.
    std::optional<std::tuple<int64_t, int64_t, int64_t, int64_t>> best;
    int64_t largestGap = 0;
    for (auto [index, slab] : llvm::enumerate(slabs)) {
      largestGap = std::max(largestGap, machine.rowsPerSlab - slab.used());
      std::optional<int64_t> row =
          slab.firstFit(node.rows, machine.rowsPerSlab);
      if (!row)
        continue;
      int64_t meetings = llvm::count_if(node.neighbours, [&](Operation *o) {
        HomeAttr home = homeOf(o);
        return home && home.getSlab() == int64_t(index);
      });
      std::tuple candidate(meetings, slab.used(), int64_t(index), *row);
      if (!best || candidate < *best)
        best = candidate;
    }
    if (!best)
      return op->emitOpError()
             << "exceeds tensor memory: " << op->getResult(0).getType()
             << " takes " << node.rows << " rows in one slab, but at most "
             << largestGap << " are left in any: " << node.rows - largestGap
             << " too many";
    auto [meetings, used, slab, row] = *best;
    slabs[slab].take(row, node.rows);
    setHome(op, HomeAttr::get(&getContext(), slab, row));
    return success();
  }
};
} // namespace

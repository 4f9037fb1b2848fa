//===- RowOrder.cpp - Orders of contractions, row by row ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Mapping/RowOrder.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace fetta;
using llvm::ArrayRef;

/// Places that a task moves at once, and cycles by which a run may lag behind
/// the best one where the order is as before: drains that were late may still
/// make up for a few.
static constexpr size_t farthest = 12;
static constexpr int64_t slack = 8;

namespace {

/// Runs orders that begin alike only from where they part.
class OrderRuns {
public:
  OrderRuns(ArrayRef<RowTask> tasks, const Machine &machine)
      : tasks(tasks), machine(machine) {
    unsigned count = 0;
    for (const RowTask &task : tasks)
      for (unsigned value : task.values)
        if (value != ArrayClock::none)
          count = std::max(count, value + 1);
    clocks.resize(1);
    clocks[0].values.resize(count);
  }

  /// Runs an order to its end, keeping its dates; in front of `first` it is
  /// the kept one.
  int64_t keep(ArrayRef<unsigned> order, size_t first = 0) {
    clocks.resize(order.size() + 1);
    for (size_t n = first; n < order.size(); ++n) {
      clocks[n + 1] = clocks[n];
      step(order[n], clocks[n + 1]);
    }
    ArrayClock last = clocks.back();
    return finishDrains(last);
  }

  /// Runs one that has the tasks of the kept order in front of `first` and
  /// behind `last`; `spent` grows by the cycles. Ends early, with nothing, if
  /// it is behind the kept order by `slack` cycles when the others have run.
  std::optional<int64_t> run(ArrayRef<unsigned> order, size_t first,
                             size_t last, int64_t slack, int64_t &spent) {
    clock = clocks[first];
    int64_t begin = clock.now;
    for (size_t n = first; n < order.size(); ++n) {
      step(order[n], clock);
      if (n >= last && clock.now >= clocks[n + 1].now + slack) {
        spent += clock.now - begin;
        return std::nullopt;
      }
    }
    int64_t cycles = finishDrains(clock);
    spent += cycles - begin;
    return cycles;
  }

private:
  void step(unsigned task, ArrayClock &at) const {
    for (unsigned value : tasks[task].written)
      waitForRows(at, value);
    runWalk(tasks[task].walk, machine, at, tasks[task].values);
  }

  ArrayRef<RowTask> tasks;
  const Machine &machine;
  std::vector<ArrayClock> clocks; ///< In front of each position.
  ArrayClock clock;
};

} // namespace

int64_t fetta::runOrder(ArrayRef<RowTask> tasks, ArrayRef<unsigned> order,
                        const Machine &machine) {
  return OrderRuns(tasks, machine).keep(order);
}

/// Whether every task follows those that come before it, and passes no more
/// than `window` - 1 of the others.
static bool isLegal(ArrayRef<RowTask> tasks, ArrayRef<unsigned> order,
                    unsigned window) {
  std::vector<bool> done(tasks.size());
  unsigned first = 0;
  for (unsigned t : order) {
    if (t >= first + window ||
        !llvm::all_of(tasks[t].before, [&](unsigned b) { return done[b]; }))
      return false;
    done[t] = true;
    while (first < done.size() && done[first])
      ++first;
  }
  return true;
}

std::vector<unsigned> fetta::improveOrder(ArrayRef<RowTask> tasks,
                                          std::vector<unsigned> order,
                                          unsigned window, int64_t budget,
                                          const Machine &machine) {
  if (tasks.empty())
    return order;
  OrderRuns runs(tasks, machine);
  int64_t best = runs.keep(order);
  // A run begins where the order differs and ends soon behind that.
  auto moves = int64_t(2 * farthest * order.size());
  if (best / 16 * moves > budget)
    return order;
  for (bool better = true; better;) {
    better = false;
    for (size_t from = 0; from < order.size(); ++from)
      for (size_t to = from - std::min(from, farthest);
           to < std::min(order.size(), from + farthest + 1); ++to) {
        std::vector<unsigned> other = order;
        unsigned task = other[from];
        other.erase(other.begin() + ptrdiff_t(from));
        other.insert(other.begin() + ptrdiff_t(to), task);
        if (from == to || !isLegal(tasks, other, window))
          continue;
        int64_t spent = 0;
        std::optional<int64_t> cycles = runs.run(
            other, std::min(from, to), std::max(from, to), slack, spent);
        budget -= spent;
        if (cycles && *cycles < best) {
          best = *cycles;
          order = std::move(other);
          runs.keep(order, std::min(from, to));
          better = true;
        }
        if (budget <= 0)
          return order;
      }
  }
  return order;
}

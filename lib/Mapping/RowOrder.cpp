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

int64_t fetta::runOrder(ArrayRef<RowTask> tasks, ArrayRef<unsigned> order,
                        const Machine &machine) {
  ArrayClock clock;
  unsigned count = 0;
  for (const RowTask &task : tasks)
    for (unsigned value : task.values)
      if (value != ArrayClock::none)
        count = std::max(count, value + 1);
  clock.values.resize(count);
  for (unsigned t : order) {
    for (unsigned value : tasks[t].written)
      waitForRows(clock, value);
    runWalk(tasks[t].walk, machine, clock, tasks[t].values);
  }
  return finishDrains(clock);
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
  int64_t best = runOrder(tasks, order, machine);
  auto moves = int64_t(order.size() * (order.size() - 1));
  if (best * moves > budget)
    return order;
  for (bool better = true; better;) {
    better = false;
    for (size_t from = 0; from < order.size(); ++from)
      for (size_t to = 0; to < order.size(); ++to) {
        std::vector<unsigned> other = order;
        unsigned task = other[from];
        other.erase(other.begin() + ptrdiff_t(from));
        other.insert(other.begin() + ptrdiff_t(to), task);
        if (from == to || !isLegal(tasks, other, window))
          continue;
        int64_t cycles = runOrder(tasks, other, machine);
        budget -= cycles;
        if (cycles < best) {
          best = cycles;
          order = std::move(other);
          better = true;
        }
        if (budget <= 0)
          return order;
      }
  }
  return order;
}

//===- DmaEngine.h - Transfers at work --------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The DRAM link, the staging buffers of the two DMA queues, and the cycles
/// that they take from the slabs (docs/Queues.md, section 2). Works in the
/// windows of ArrayEngine.h.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_DMAENGINE_H
#define FETTA_LIB_SIMULATOR_DMAENGINE_H

#include "ResourceTrack.h"
#include "SlabBits.h"

#include "fetta/Program/TransferPlan.h"

#include <deque>
#include <memory>

namespace fetta {

class DmaEngine {
public:
  DmaEngine(const Program &program, ResourceTrack &link,
            std::vector<InstructionTiming> &timing, DramModel model);

  void issue(size_t instruction, int64_t now);
  /// Ends and begins what does so in cycle `now`; whether something completed.
  bool settle(int64_t now);
  /// Latest end of a window that starts at `now`.
  int64_t nextEvent(int64_t now) const;
  /// Marks the slabs of which DMA takes this cycle, whoever else wants it. The
  /// window must then be this one cycle.
  bool force(int64_t now, SlabBits &taken);
  /// Lets the cycles [now, next) pass; uses what is free in `taken`.
  void advance(int64_t now, int64_t next, SlabBits &taken);

  std::vector<size_t> takeCompleted() { return std::exchange(completed, {}); }
  bool done() const { return loads.empty() && stores.empty(); }
  /// Whether transfers of a queue have not completed.
  bool busy(Queue queue) const {
    return !(queue == Queue::Store ? stores : loads).empty();
  }
  /// Row accesses of each slab: reads, and writes.
  llvm::ArrayRef<std::array<int64_t, 2>> slabAccesses() const {
    return accesses;
  }
  /// Rows that entered or left a staging buffer, and transfers.
  int64_t events() const { return eventCount; }

private:
  /// A point of time in cycles and a fraction in 1 / `denominator`.
  struct Point {
    int64_t cycle = 0, fraction = 0;
    int64_t ceil() const { return cycle + (fraction > 0); }
  };
  struct Transfer {
    size_t instruction;
    const TransferPlan *plan;
    int64_t slab, planes;
    bool store;
    int64_t issued;
    bool started = false, linkDone = false;
    Point start;
    int64_t stood = 0;  ///< Cycles that the link stood still.
    size_t entered = 0; ///< Rows that are in the buffer or were.
    size_t left = 0;    ///< Rows (by `ends`) whose last element has passed.
    size_t moved = 0;   ///< Load: rows written. Store: rows fetched.
    int64_t accessesLeft = 0; ///< Of the row that is being moved.
    int64_t complete = 0;     ///< At the earliest.
  };
  using Transfers = std::deque<std::unique_ptr<Transfer>>;

  Point at(const Transfer &transfer, int64_t bytes) const;
  bool settleLink(int64_t now);
  void settleLoads(int64_t now);
  void settleStores(int64_t now);
  /// The load whose row is written next, the store whose row is fetched next.
  Transfer *writing() const;
  Transfer *fetching() const;
  /// Accesses that are left of the row that is moved next.
  int64_t accessesOf(const Transfer &transfer) const;
  /// Cycle in which the link wants the next row of a store.
  int64_t needed(const Transfer &store, int64_t now) const;
  /// Moves up to `rows` rows in the free cycles; returns those that it used.
  uint64_t move(Transfer &transfer, uint64_t free, int64_t rows);

  const Program &program;
  const Machine &machine;
  ResourceTrack &link;
  std::vector<InstructionTiming> &timing;
  DramModel model;
  TransferPlans plans;
  /// Cycles per byte = numerator / denominator.
  int64_t numerator, denominator;

  Transfers loads, stores;      ///< Not completed, in order.
  std::deque<Transfer *> queue; ///< Not through the link, in order of issue.
  Point linkFree;
  int64_t staged[2] = {0, 0}; ///< Rows in the buffers of loads, of stores.
  bool forced[2] = {false, false};
  std::vector<size_t> completed;
  std::vector<std::array<int64_t, 2>> accesses;
  int64_t eventCount = 0;
};

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_DMAENGINE_H

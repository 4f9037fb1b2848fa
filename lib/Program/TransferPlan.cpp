//===- TransferPlan.cpp - What a transfer moves, in order -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TransferWalk.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <numeric>

using namespace fetta;

namespace {

/// Follows a transfer piece by piece.
class Walk {
public:
  Walk(const TransferShape &transfer, const Machine &machine)
      : transfer(transfer), layout(*transfer.layout),
        burst(machine.dramBurstBytes), capacity(size_t(machine.stagingRows)),
        slotOfRow(size_t(layout.rows()), -1), left(wordsOfRows(layout)),
        visited(size_t(layout.rows()), false) {}

  TransferPlan run() {
    walkBlocks(
        transfer, PieceOf::Row,
        [&](int64_t row, int64_t at, int64_t count) { move(row, at, count); });
    plan.bytes = bursts * burst;
    plan.ends.resize(plan.rows.size());
    std::iota(plan.ends.begin(), plan.ends.end(), 0);
    std::stable_sort(plan.ends.begin(), plan.ends.end(),
                     [&](uint32_t a, uint32_t b) {
                       return plan.rows[a].to < plan.rows[b].to;
                     });
    return std::move(plan);
  }

private:
  static std::vector<int64_t> wordsOfRows(const Layout &layout);

  /// `count` neighbouring elements, the first `at` elements behind the
  /// transfer's first.
  void move(int64_t row, int64_t at, int64_t count) {
    int64_t begin = transfer.firstByte + at * transfer.elementBytes;
    int64_t end = begin + count * transfer.elementBytes;
    int64_t first = begin / burst, last = (end - 1) / burst;
    bool goesOn = begin == runEnd && bursts > 0;
    bool inOpenBurst = goesOn && first == lastBurst;
    int64_t firstBurst = bursts + (inOpenBurst ? 0 : 1);
    bursts += last - first + (inOpenBurst ? 0 : 1);
    lastBurst = last;
    runEnd = end;

    StagedRow &stay = plan.rows[size_t(stage(row, firstBurst))];
    stay.to = bursts * burst;
    left[size_t(row)] -= count;
    if (left[size_t(row)] == 0)
      release(size_t(slotOfRow[size_t(row)]));
  }

  /// The row's stay in the buffer.
  int64_t stage(int64_t row, int64_t firstBurst) {
    int64_t slot = slotOfRow[size_t(row)];
    ++time;
    if (slot >= 0) {
      slots[size_t(slot)].lastUse = time;
      return slots[size_t(slot)].stay;
    }
    if (slots.size() == capacity)
      release(size_t(std::min_element(slots.begin(), slots.end(),
                                      [](const Slot &a, const Slot &b) {
                                        return a.lastUse < b.lastUse;
                                      }) -
                     slots.begin()));
    StagedRow stay;
    stay.row = row;
    stay.from = (firstBurst - (transfer.store ? 1 : 0)) * burst;
    stay.returns = visited[size_t(row)];
    visited[size_t(row)] = true;
    plan.rows.push_back(stay);
    slotOfRow[size_t(row)] = int64_t(slots.size());
    slots.push_back({row, int64_t(plan.rows.size()) - 1, time});
    return slots.back().stay;
  }

  void release(size_t slot) {
    slotOfRow[size_t(slots[slot].row)] = -1;
    if (slot + 1 < slots.size()) {
      slots[slot] = slots.back();
      slotOfRow[size_t(slots[slot].row)] = int64_t(slot);
    }
    slots.pop_back();
  }

  const TransferShape &transfer;
  const Layout &layout;
  int64_t burst;
  size_t capacity;
  struct Slot {
    int64_t row, stay, lastUse;
  };
  std::vector<Slot> slots;
  std::vector<int64_t> slotOfRow, left;
  std::vector<bool> visited;
  int64_t time = 0, bursts = 0, lastBurst = -1, runEnd = -1;
  TransferPlan plan;
};

} // namespace

/// Elements in each row: when as many have passed, the row is complete.
std::vector<int64_t> Walk::wordsOfRows(const Layout &layout) {
  std::vector<std::pair<int64_t, int64_t>> rows = {{0, 1}}; // Row, elements.
  for (const DimLayout &dim : layout.dims) {
    std::vector<std::pair<int64_t, int64_t>> next;
    for (auto [row, words] : rows)
      for (int64_t chunk = 0; chunk < dim.chunks(); ++chunk)
        next.push_back({row + chunk * dim.rowStride,
                        words * std::min(int64_t(1) << dim.lowBits,
                                         dim.size - (chunk << dim.lowBits))});
    rows = std::move(next);
  }
  std::vector<int64_t> words(size_t(layout.rows()), 0);
  for (auto [row, count] : rows)
    words[size_t(row)] = count;
  return words;
}

TransferShape fetta::shapeOf(const Program &program, const Dma &dma) {
  const DramRegion &region = program.regions[dma.region];
  TransferShape shape;
  shape.layout = &program.tensors[dma.tensor].layout;
  shape.elementBytes = region.elementBytes();
  shape.firstByte = region.byteAddress + dma.offset * region.elementBytes();
  shape.strides = dma.strides;
  shape.blocks = dma.blocks;
  shape.store = dma.store;
  return shape;
}

TransferPlan fetta::planTransfer(const TransferShape &transfer,
                                 const Machine &machine) {
  return Walk(transfer, machine).run();
}

const TransferPlan &TransferPlans::of(const Dma &dma) {
  TransferShape shape = shapeOf(program, dma);
  int64_t burst = program.machine.dramBurstBytes;
  std::vector<int64_t> key = {int64_t(shape.strides.size()), shape.store,
                              shape.elementBytes,
                              (shape.firstByte % burst + burst) % burst};
  for (const DimLayout &dim : shape.layout->dims)
    key.insert(key.end(), {dim.size, int64_t(dim.lowBits), dim.rowStride});
  llvm::append_range(key, shape.strides);
  llvm::append_range(key, shape.blocks);
  auto [it, isNew] = plans.try_emplace(std::move(key));
  if (isNew)
    it->second = planTransfer(shape, program.machine);
  return it->second;
}

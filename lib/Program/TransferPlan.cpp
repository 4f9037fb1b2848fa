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
        stayOfRow(size_t(layout.rows()), -1), left(wordsOfRows(layout)),
        visited(size_t(layout.rows()), false), older(size_t(layout.rows()) + 1),
        newer(size_t(layout.rows()) + 1) {
    older[noRow()] = newer[noRow()] = noRow();
  }

  TransferPlan run() {
    walkBlocks(transfer, flatPart(transfer, PieceOf::Row),
               [&](int64_t row, int64_t at, int64_t count) {
                 move(row, at, count);
                 return true;
               });
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

    StagedRow &stay = plan.rows[size_t(stage(size_t(row), firstBurst))];
    stay.to = bursts * burst;
    left[size_t(row)] -= count;
    if (left[size_t(row)] == 0)
      release(size_t(row));
  }

  /// The row's stay in the buffer.
  int64_t stage(size_t row, int64_t firstBurst) {
    if (stayOfRow[row] >= 0) {
      unlink(row);
      append(row);
      return stayOfRow[row];
    }
    if (staged == capacity)
      release(newer[noRow()]);
    StagedRow stay;
    stay.row = int64_t(row);
    stay.from = (firstBurst - (transfer.store ? 1 : 0)) * burst;
    stay.returns = visited[row];
    visited[row] = true;
    stayOfRow[row] = int64_t(plan.rows.size());
    plan.rows.push_back(stay);
    append(row);
    ++staged;
    return stayOfRow[row];
  }

  void release(size_t row) {
    stayOfRow[row] = -1;
    unlink(row);
    --staged;
  }

  // Rows in the buffer, by their last use: a ring behind one that is no row.
  size_t noRow() const { return stayOfRow.size(); }
  void unlink(size_t row) {
    newer[older[row]] = newer[row];
    older[newer[row]] = older[row];
  }
  void append(size_t row) {
    older[row] = older[noRow()];
    newer[row] = noRow();
    newer[older[row]] = row;
    older[noRow()] = row;
  }

  const TransferShape &transfer;
  const Layout &layout;
  int64_t burst;
  size_t capacity, staged = 0;
  std::vector<int64_t> stayOfRow, left;
  std::vector<bool> visited;
  std::vector<size_t> older, newer;
  int64_t bursts = 0, lastBurst = -1, runEnd = -1;
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

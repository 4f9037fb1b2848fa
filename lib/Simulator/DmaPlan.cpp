//===- DmaPlan.cpp - What a transfer moves, in order ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DmaPlan.h"

#include "fetta/Machine/EnergyTable.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <numeric>

using namespace fetta;

namespace {

/// Walks a tensor row-major, pieces of neighbouring elements of one row at a
/// time.
class Walk {
public:
  Walk(const Layout &layout, const Dma &dma, int64_t address,
       int64_t elementBytes, const Machine &machine)
      : layout(layout), dma(dma), address(address), elementBytes(elementBytes),
        burst(machine.dramBurstBytes), capacity(size_t(machine.stagingRows)),
        slotOfRow(size_t(layout.rows()), -1), left(size_t(layout.rows()), 0),
        visited(size_t(layout.rows()), false) {}

  DmaPlan run() {
    // Every element's row once to know when a row is complete, then in order.
    forEachPiece([&](int64_t row, int64_t, int64_t count) {
      left[size_t(row)] += count;
    });
    forEachPiece(
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
  template <typename Visit> void forEachPiece(Visit visit) {
    size_t inner = layout.dims.size();
    llvm::SmallVector<int64_t, 6> index(inner, 0);
    const DimLayout one;
    const DimLayout &dim = inner ? layout.dims[inner - 1] : one;
    int64_t step = inner ? dma.strides[inner - 1] : 1;
    int64_t chunk = int64_t(1) << dim.lowBits;
    while (true) {
      int64_t row = 0, at = dma.offset;
      for (size_t d = 0; d + 1 < inner; ++d) {
        row += (index[d] >> layout.dims[d].lowBits) * layout.dims[d].rowStride;
        at += index[d] * dma.strides[d];
      }
      for (int64_t i = 0; i < dim.size; i += chunk) {
        int64_t count = std::min(chunk, dim.size - i);
        int64_t here = row + (i >> dim.lowBits) * dim.rowStride;
        if (step == 1)
          visit(here, at + i, count);
        else
          for (int64_t j = 0; j < count; ++j)
            visit(here, at + (i + j) * step, int64_t(1));
      }
      size_t d = inner ? inner - 1 : 0;
      while (d-- > 0) {
        if (++index[d] < layout.dims[d].size)
          break;
        index[d] = 0;
      }
      if (d == size_t(-1))
        return;
    }
  }

  /// `count` neighbouring elements from element `at` of the region on.
  void move(int64_t row, int64_t at, int64_t count) {
    int64_t begin = address + at * elementBytes;
    int64_t end = begin + count * elementBytes;
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
    stay.from = (firstBurst - (dma.store ? 1 : 0)) * burst;
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

  const Layout &layout;
  const Dma &dma;
  int64_t address, elementBytes, burst;
  size_t capacity;
  struct Slot {
    int64_t row, stay, lastUse;
  };
  std::vector<Slot> slots;
  std::vector<int64_t> slotOfRow, left;
  std::vector<bool> visited;
  int64_t time = 0, bursts = 0, lastBurst = -1, runEnd = -1;
  DmaPlan plan;
};

} // namespace

DmaPlan fetta::planDma(const Program &program, const Dma &dma) {
  const DramRegion &region = program.regions[dma.region];
  return Walk(program.tensors[dma.tensor].layout, dma, region.byteAddress,
              region.elementBytes(), program.machine)
      .run();
}

const DmaPlan &DmaPlans::of(const Dma &dma) {
  const DramRegion &region = program.regions[dma.region];
  const Layout &layout = program.tensors[dma.tensor].layout;
  int64_t burst = program.machine.dramBurstBytes;
  int64_t first = region.byteAddress + dma.offset * region.elementBytes();
  std::vector<int64_t> key = {dma.store, region.elementBytes(),
                              (first % burst + burst) % burst};
  for (const DimLayout &dim : layout.dims)
    key.insert(key.end(), {dim.size, int64_t(dim.lowBits), dim.rowStride});
  key.insert(key.end(), dma.strides.begin(), dma.strides.end());
  auto [it, isNew] = plans.try_emplace(std::move(key));
  if (isNew)
    it->second = planDma(program, dma);
  return it->second;
}

int64_t fetta::macrosPerRow(const TensorEntry &tensor, const Machine &machine) {
  int64_t macros = 1;
  for (auto [bit, bank] : llvm::enumerate(tensor.layout.banks))
    if (bank.source && int64_t(1) << bit >= banksPerMacro)
      macros *= 2;
  return macros;
}

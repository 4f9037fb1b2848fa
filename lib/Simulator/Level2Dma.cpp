//===- Level2Dma.cpp - Transfers, cycle by cycle --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The model `bandwidth` of docs/Queues.md section 2. Values move when a
// transfer completes; semaphores keep everybody else away until then.
//
//===----------------------------------------------------------------------===//

#include "Level2Engine.h"

#include "DmaRunner.h"

#include <algorithm>
#include <numeric>
#include <set>

using namespace fetta;
using namespace fetta::level2;

using Indices = std::vector<int64_t>;

/// Indices of a tensor's elements in the order of the walk, under what orders
/// them: the number of each block that holds the element, then its place.
static std::vector<std::pair<Indices, Indices>>
sortedElements(const Dma &dma, const Layout &layout) {
  std::vector<std::pair<Indices, Indices>> elements;
  for (int64_t e = 0; e < layout.elements(); ++e) {
    Indices index(layout.dims.size(), 0), counters;
    int64_t rest = e, behind = 1;
    for (size_t d = index.size(); d-- > 0; rest /= layout.dims[d].size) {
      index[d] = rest % layout.dims[d].size;
      if (d + 1 > dma.blocks.size())
        behind *= layout.dims[d].size;
    }
    for (size_t b = 0; b < dma.blocks.size(); ++b)
      counters.push_back(b + 1 < dma.blocks.size()
                             ? index[b]
                             : e % (behind * layout.dims[b].size));
    Indices key;
    for (auto [counter, block] : llvm::zip_equal(counters, dma.blocks))
      key.push_back(counter / block);
    llvm::append_range(key, counters);
    key.push_back(e);
    elements.push_back({std::move(key), std::move(index)});
  }
  if (!dma.blocks.empty())
    llvm::sort(elements);
  return elements;
}

/// Stays of rows in the staging buffer, from burst to burst, counted from 1.
static void planTransfer(const Program &program, const Dma &dma,
                         Transfer &transfer) {
  const TensorEntry &tensor = program.tensors[dma.tensor];
  const DramRegion &region = program.regions[dma.region];
  const Layout &layout = tensor.layout;
  int64_t burst = program.machine.dramBurstBytes;
  std::map<int64_t, int64_t> left;
  std::vector<std::pair<int64_t, int64_t>> elements; // Row, address.
  for (auto &[key, element] : sortedElements(dma, layout)) {
    int64_t at = dma.offset;
    for (auto [i, stride] : llvm::zip_equal(element, dma.strides))
      at += i * stride;
    elements.push_back({layout.rowOf(element),
                        region.byteAddress + at * region.elementBytes()});
  }
  auto forEach = [&](auto visit) {
    for (auto [row, address] : elements)
      visit(row, address);
  };
  forEach([&](int64_t row, int64_t) { ++left[row]; });
  int64_t bursts = 0, lastBurst = -1, runEnd = -1;
  std::vector<std::pair<int64_t, size_t>> staged; // Row, stay; latest last.
  std::set<int64_t> seen;
  forEach([&](int64_t row, int64_t begin) {
    int64_t end = begin + region.elementBytes();
    int64_t from = begin / burst, to = (end - 1) / burst;
    bool open = begin == runEnd && from == lastBurst;
    int64_t first = open ? bursts : bursts + 1;
    bursts += to - from + !open;
    lastBurst = to;
    runEnd = end;
    auto stay = std::find_if(staged.begin(), staged.end(),
                             [&](auto &s) { return s.first == row; });
    std::pair<int64_t, size_t> entry{row, transfer.stays.size()};
    if (stay != staged.end()) {
      entry = *stay;
      staged.erase(stay);
    } else {
      if (int64_t(staged.size()) == program.machine.stagingRows)
        staged.erase(staged.begin());
      transfer.stays.push_back({first, 0, !seen.insert(row).second});
    }
    transfer.stays[entry.second].to = bursts;
    if (--left[row] > 0)
      staged.push_back(entry);
  });
  transfer.bursts = bursts;
  transfer.ends.resize(transfer.stays.size());
  std::iota(transfer.ends.begin(), transfer.ends.end(), 0);
  std::stable_sort(transfer.ends.begin(), transfer.ends.end(),
                   [&](size_t a, size_t b) {
                     return transfer.stays[a].to < transfer.stays[b].to;
                   });
}

void Engine::beginTransfer(size_t instruction) {
  const auto &dma = std::get<Dma>(program.code[instruction]);
  const TensorEntry &tensor = program.tensors[dma.tensor];
  auto transfer = std::make_shared<Transfer>();
  transfer->instruction = instruction;
  transfer->store = dma.store;
  transfer->slab = tensor.slab;
  transfer->planes = tensor.elementType == ElementType::F32 ? 2 : 1;
  planTransfer(program, dma, *transfer);
  transfers.push_back(transfer);
  transferOf[instruction] = transfer;
}

/// Ticks: cycles times dramBytesPerSecond, so that a burst is a whole number.
int64_t Engine::burstEnd(const Transfer &transfer, int64_t burst) const {
  int64_t stood = 0;
  for (auto [sent, cycles] : transfer.stands)
    if (sent < burst)
      stood += cycles;
  return transfer.start + burst * machine.dramBurstBytes * machine.clockHz +
         stood * machine.dramBytesPerSecond;
}

/// The link stands still for a cycle: bursts that are not sent yet come later.
void Engine::standStill(Transfer &transfer) {
  int64_t sent = transfer.stands.empty() ? 0 : transfer.stands.back().first;
  while (sent < transfer.bursts &&
         burstEnd(transfer, sent + 1) <= now * machine.dramBytesPerSecond)
    ++sent;
  if (transfer.stands.empty() || transfer.stands.back().first != sent)
    transfer.stands.push_back({sent, 0});
  ++transfer.stands.back().second;
}

llvm::Error Engine::moveTransfers() {
  const int64_t cycle = machine.dramBytesPerSecond;
  const int64_t latency = machine.dramLatencyCycles;
  auto ceil = [&](int64_t ticks) { return (ticks + cycle - 1) / cycle; };
  // The link takes the next one when it is free.
  for (bool begun = true; begun;) {
    begun = false;
    for (auto &transfer : transfers) {
      if (transfer->linkDone)
        continue;
      if (transfer->start == Never) {
        transfer->start = std::max(linkFree, now * cycle);
        lastActivity = now;
      }
      int64_t end = burstEnd(*transfer, transfer->bursts);
      bool waits = transfer->store && transfer->moved < transfer->stays.size();
      if (!waits && end <= now * cycle) {
        transfer->linkDone = true;
        linkFree = end;
        begun = true;
      }
      break;
    }
  }
  bool stands = false;
  for (bool store : {false, true}) {
    int64_t &rows = stagedRows[store];
    bool forced = false;
    // Rows that come into the buffer or leave it with their bursts.
    for (auto &transfer : transfers) {
      if (transfer->store != store || transfer->start == Never)
        continue;
      auto &stays = transfer->stays;
      if (store) {
        while (transfer->left < transfer->moved &&
               transfer->left < stays.size() &&
               burstEnd(*transfer, stays[transfer->ends[transfer->left]].to) <=
                   now * cycle) {
          ++transfer->left;
          --rows;
        }
        // The burst that begins now needs a row that is not there.
        if (!transfer->linkDone && transfer->moved < stays.size() &&
            burstEnd(*transfer, stays[transfer->moved].from - 1) <=
                now * cycle) {
          standStill(*transfer);
          forced = true;
        }
        continue;
      }
      while (transfer->entered < stays.size() &&
             burstEnd(*transfer, stays[transfer->entered].from) / cycle +
                     latency <=
                 now) {
        if (rows == machine.stagingRows) {
          standStill(*transfer);
          forced = true;
          break;
        }
        ++transfer->entered;
        ++rows;
      }
    }
    stands |= forced;
    // One row access a cycle.
    for (auto &transfer : transfers) {
      if (transfer->store != store || transfer->moved == transfer->stays.size())
        continue;
      if (store) {
        // A row may come for the burst that the row in its place leaves with.
        bool together = forced && transfer->left < transfer->moved &&
                        transfer->stays[transfer->ends[transfer->left]].to >=
                            transfer->stays[transfer->moved].from;
        if (rows >= machine.stagingRows && transfer->part == 0 && !together)
          break;
      } else {
        size_t next = transfer->ends[transfer->moved];
        if (transfer->start == Never || next >= transfer->entered ||
            ceil(burstEnd(*transfer, transfer->stays[next].to)) + latency > now)
          break;
      }
      bool reserved = reservedSlab[store] == transfer->slab;
      if (portTaken[size_t(transfer->slab)] && !reserved) {
        // The link stands still: the array gives the next cycle.
        if (forced)
          wantedSlab[store] = transfer->slab;
        break;
      }
      portTaken[size_t(transfer->slab)] = 1;
      lastActivity = now;
      if (store && transfer->part == 0)
        ++rows;
      // What was evicted comes back before it is written again.
      bool twice =
          !store && transfer->stays[transfer->ends[transfer->moved]].returns;
      if (++transfer->part == transfer->planes * (twice ? 2 : 1)) {
        transfer->part = 0;
        ++transfer->moved;
        if (!store)
          --rows;
      }
      break;
    }
  }
  if (!transfers.empty() && !stands)
    lastActivity = now;
  // Completed ones, in order within their queue.
  for (auto it = transfers.begin(); it != transfers.end();) {
    Transfer &transfer = **it;
    bool done = transfer.linkDone && transfer.moved == transfer.stays.size();
    int64_t end =
        done ? ceil(burstEnd(transfer, transfer.bursts)) + latency : Never;
    if (transfer.store ? end > now + 1 : !done || end > now + 1) {
      ++it;
      continue;
    }
    if (llvm::Error error = runDma(program, transfer.instruction, memory, dram))
      return error;
    transfer.completed = now;
    lastTransfer = lastActivity = now;
    it = transfers.erase(it);
  }
  return llvm::Error::success();
}

void Engine::reservePorts() {
  reservedSlab = wantedSlab;
  wantedSlab = {-1, -1};
  for (int64_t slab : reservedSlab)
    if (slab >= 0)
      portTaken[size_t(slab)] = 1;
}

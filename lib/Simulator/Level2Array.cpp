//===- Level2Array.cpp - Processing elements ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Level2Array.h"

#include "fetta/Support/BFloat16.h"

#include "llvm/Support/ErrorHandling.h"

#include <algorithm>

using namespace fetta;
using namespace fetta::level2;

static int64_t columnCycles(const Machine &machine) {
  return machine.latency.multiply +
         machine.peRows() * machine.latency.columnAdd;
}

Array::Array(const Machine &machine, Counters &counters)
    : machine(machine), counters(counters), lanes(uint32_t(machine.lanes())),
      positions(uint32_t(1) << machine.positionBits()),
      rows(uint32_t(machine.peRows())), columns(columnCycles(machine)),
      tileDrains(machine.latency.memoryRead + machine.distributionCycles() +
                 columnCycles(machine)) {
  for (auto &set : weights)
    set.assign(size_t(rows) * lanes, 0.0f);
  for (auto &set : sums)
    set.assign(size_t(rows) * lanes, 0.0f);
  for (auto &words : latch)
    words.assign(lanes, 0.0f);
}

std::optional<uint32_t> Array::arrive(RowPacket &row, bool throughHold) {
  std::vector<float> &words = latch[throughHold];
  if (row.first) // Lanes that capture nothing hold +0.0.
    std::fill(words.begin(), words.end(), 0.0f);
  if (row.reads)
    for (uint32_t lane = 0; lane < lanes; ++lane) {
      if (!row.captures[lane])
        continue;
      if (!row.known[lane])
        return lane;
      words[lane] = bf16ToFloat(row.words[lane]);
      ++(throughHold ? counters.holdWords : counters.streamWords);
    }
  if (!row.last)
    return std::nullopt;
  if (row.isLoad) {
    // PE rows that the tile leaves out hold +0.0.
    if (row.firstOfTile)
      std::fill(weights[row.beat->weights].begin(),
                weights[row.beat->weights].end(), 0.0f);
    std::copy(words.begin(), words.end(),
              weights[row.beat->weights].begin() +
                  ptrdiff_t(row.peRow) * lanes);
    return std::nullopt;
  }
  complete[throughHold].push_back({row.beat, words, std::move(row.targets)});
  tryMultiply();
  return std::nullopt;
}

void Array::tryMultiply() {
  if (complete[0].empty())
    return;
  bool output = complete[0].front().beat->outputStationary;
  if (output && complete[1].empty())
    return;
  auto packet = std::make_unique<ColumnPacket>();
  Operands streamed = std::move(complete[0].front());
  complete[0].pop_front();
  packet->beat = streamed.beat;
  packet->words = std::move(streamed.words);
  packet->targets = std::move(streamed.targets);
  if (output) {
    if (complete[1].front().beat != packet->beat)
      llvm::report_fatal_error("operands of different beats meet");
    packet->columns = std::move(complete[1].front().words);
    complete[1].pop_front();
  }
  columns.enter(std::move(packet));
}

void Array::drainTile(std::unique_ptr<ColumnPacket> packet) {
  tileDrains.enter(std::move(packet));
}

std::unique_ptr<SumPacket> Array::clock() {
  auto leave = [&](ColumnPacket &packet) {
    if (!leaving.empty())
      llvm::report_fatal_error("column sums meet those of the beat before");
    for (SumTarget &target : packet.targets) {
      auto sum = std::make_unique<SumPacket>();
      sum->instruction = packet.beat->instruction;
      sum->words = packet.sums;
      sum->valid = target.access.lanes;
      if (!target.access.inside)
        std::fill(sum->valid.begin(), sum->valid.end(), 0);
      counters.reduceWords +=
          std::count(sum->valid.begin(), sum->valid.end(), 1);
      sum->target = std::move(target);
      leaving.push_back(std::move(sum));
    }
  };

  const int64_t multiply = machine.latency.multiply,
                add = machine.latency.columnAdd;
  // Sums leave a tile in the cycles in which a beat's products are added.
  const int64_t start = machine.latency.memoryRead +
                        machine.distributionCycles() + multiply + add - 1;
  std::unique_ptr<ColumnPacket> drained =
      tileDrains.clock([&](ColumnPacket &packet, int64_t cycle) {
        if (cycle != start)
          return;
        const float *row =
            sums[packet.beat->sums].data() + size_t(packet.peRow) * lanes;
        packet.sums.assign(row, row + lanes);
      });
  std::unique_ptr<ColumnPacket> added = columns.clock([&](ColumnPacket &packet,
                                                          int64_t cycle) {
    bool output = packet.beat->outputStationary;
    if (cycle == 0) {
      packet.products.resize(size_t(rows) * lanes);
      for (uint32_t row = 0; row < rows; ++row)
        for (uint32_t lane = 0; lane < lanes; ++lane) {
          float streamed = packet.words[lane / positions * positions + row];
          float held =
              output
                  ? packet.columns[lane]
                  : weights[packet.beat->weights][size_t(row) * lanes + lane];
          packet.products[size_t(row) * lanes + lane] = streamed * held;
        }
      return;
    }
    int64_t adds = cycle - multiply + 1;
    if (adds <= 0 || adds % add != 0)
      return; // Still in the multiplier, or the adder is not done.
    size_t row = size_t(adds / add - 1);
    if (output) {
      if (row > 0)
        return;
      std::vector<float> &held = sums[packet.beat->sums];
      for (size_t i = 0; i < held.size(); ++i)
        held[i] = packet.beat->firstOfTile ? packet.products[i]
                                           : held[i] + packet.products[i];
      return;
    }
    const float *products = packet.products.data() + row * lanes;
    if (row == 0)
      packet.sums.assign(products, products + lanes);
    else
      for (uint32_t lane = 0; lane < lanes; ++lane)
        packet.sums[lane] = packet.sums[lane] + products[lane];
  });
  if (drained)
    leave(*drained);
  if (added && !added->beat->outputStationary)
    leave(*added);
  if (leaving.empty())
    return nullptr;
  std::unique_ptr<SumPacket> out = std::move(leaving.front());
  leaving.pop_front();
  return out;
}

bool Array::isIdle() const {
  return columns.isEmpty() && tileDrains.isEmpty() && leaving.empty() &&
         complete[0].empty() && complete[1].empty();
}

//===- Level2Network.cpp - Networks, register by register -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Level2Network.h"

#include <algorithm>

using namespace fetta;
using namespace fetta::level2;

/// Calls pass(code after flips, upper line, lower line) for the switches of one
/// stage.
template <typename Pass>
static void passStage(const Route &route, uint32_t flips, int64_t stage,
                      Pass pass) {
  const Wiring &wiring = route.wiring;
  uint8_t toggle = flippedStages(route, flips) >> stage & 1;
  unsigned bit = wiring.stageBit(unsigned(stage));
  for (uint32_t sw = 0; sw < wiring.switches(); ++sw) {
    uint32_t low = sw & ((uint32_t(1) << bit) - 1);
    uint32_t upper = (sw >> bit << (bit + 1)) | low;
    pass(uint8_t(route.code(unsigned(stage), sw) ^ toggle), upper,
         upper | uint32_t(1) << bit);
  }
}

Distribution::Distribution(const Machine &machine)
    : readCycles(machine.latency.memoryRead),
      stagesPerCycle(machine.latency.switchStagesPerCycle),
      registers(machine.latency.memoryRead + machine.distributionCycles()) {}

std::unique_ptr<RowPacket> Distribution::clock() {
  return registers.clock([&](RowPacket &row, int64_t cycle) {
    if (!row.reads || cycle < readCycles)
      return;
    int64_t from = (cycle - readCycles) * stagesPerCycle;
    int64_t to =
        std::min<int64_t>(from + stagesPerCycle, row.route->wiring.stages());
    for (int64_t stage = from; stage < to; ++stage)
      passStage(*row.route, row.flips, stage,
                [&](uint8_t code, uint32_t upper, uint32_t lower) {
                  if (code == Cross) {
                    std::swap(row.words[upper], row.words[lower]);
                    std::swap(row.known[upper], row.known[lower]);
                  } else if (code != Through) {
                    uint32_t from = code == UpperToBoth ? upper : lower;
                    uint32_t to = code == UpperToBoth ? lower : upper;
                    row.words[to] = row.words[from];
                    row.known[to] = row.known[from];
                  }
                });
  });
}

Reduction::Reduction(const Machine &machine)
    : addingStages(machine.laneBits()), addCycles(machine.latency.reductionAdd),
      stagesPerCycle(machine.latency.switchStagesPerCycle),
      registers(machine.reductionCycles()) {}

std::unique_ptr<SumPacket> Reduction::clock(Counters &counters) {
  return registers.clock([&](SumPacket &sums, int64_t cycle) {
    const Route &route = *sums.target.route;
    // Adding stages take their own cycles, those behind them share some.
    int64_t from, to;
    if (cycle < addingStages * addCycles) {
      if ((cycle + 1) % addCycles != 0)
        return; // The adder is not done.
      from = cycle / addCycles;
      to = from + 1;
    } else {
      from = addingStages + (cycle - addingStages * addCycles) * stagesPerCycle;
      to = std::min<int64_t>(from + stagesPerCycle, route.wiring.stages());
    }
    for (int64_t stage = from; stage < to; ++stage)
      passStage(route, sums.target.access.flips, stage,
                [&](uint8_t code, uint32_t upper, uint32_t lower) {
                  float &u = sums.words[upper], &l = sums.words[lower];
                  uint8_t &hasU = sums.valid[upper], &hasL = sums.valid[lower];
                  if (code >= SumToUpper) {
                    if (hasU && hasL) {
                      u = u + l;
                      ++counters.networkAdds;
                    } else if (hasL) {
                      u = l;
                    }
                    hasU |= hasL;
                    hasL = 0;
                  }
                  if (code == Cross || code == SumToLower) {
                    std::swap(u, l);
                    std::swap(hasU, hasL);
                  }
                });
  });
}

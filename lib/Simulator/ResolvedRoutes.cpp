//===- ResolvedRoutes.cpp - What switch words do --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ResolvedRoutes.h"

using namespace fetta;

const std::vector<uint32_t> &ResolvedRoutes::distribution(uint32_t route,
                                                          uint32_t constant) {
  auto [it, isNew] = distributions.try_emplace({route, constant});
  if (isNew)
    it->second = replayDistribution(routes[route], constant);
  return it->second;
}

/// replayReduction tells which lanes meet at a bank, not how the adding tree
/// is shaped when some of them are invalid, so the words are walked here. A
/// switch never copies a word in this direction: a lane's word is in one place
/// at a time, and a sum can be kept in the place of its upper operand.
static ReductionPlan walk(const Route &route, uint32_t constant,
                          const std::string &valid) {
  constexpr uint32_t none = ~uint32_t(0);
  const Wiring &wiring = route.wiring;
  std::vector<uint32_t> line(wiring.lines());
  for (uint32_t l = 0; l < wiring.lines(); ++l)
    line[l] = valid[l] ? l : none;
  ReductionPlan plan;
  uint64_t flipped = flippedStages(route, constant);
  for (unsigned stage = 0; stage < wiring.stages(); ++stage) {
    unsigned bit = wiring.stageBit(stage);
    uint32_t below = (uint32_t(1) << bit) - 1;
    uint8_t toggle = flipped >> stage & 1;
    for (uint32_t sw = 0; sw < wiring.switches(); ++sw) {
      uint32_t &upper = line[(sw & ~below) << 1 | (sw & below)];
      uint32_t &lower = line[(sw & ~below) << 1 | (sw & below) | (below + 1)];
      switch (route.code(stage, sw) ^ toggle) {
      case Through:
        break;
      case Cross:
        std::swap(upper, lower);
        break;
      case SumToUpper:
      case SumToLower: {
        uint32_t sum = upper;
        if (upper == none)
          sum = lower;
        else if (lower != none)
          plan.adds.push_back({upper, lower});
        bool toUpper = (route.code(stage, sw) ^ toggle) == SumToUpper;
        upper = toUpper ? sum : none;
        lower = toUpper ? none : sum;
        break;
      }
      }
    }
  }
  for (uint32_t bank = 0; bank < wiring.lines(); ++bank)
    if (line[bank] != none)
      plan.arrivals.push_back({bank, line[bank]});
  return plan;
}

const ReductionPlan &ResolvedRoutes::reduction(uint32_t route,
                                               uint32_t constant,
                                               const std::string &valid) {
  auto [it, isNew] = reductions[{route, constant}].try_emplace(valid);
  if (isNew)
    it->second = walk(routes[route], constant, valid);
  return it->second;
}

//===- ResolvedRoutes.cpp - What switch words do --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ResolvedRoutes.h"

#include "fetta/Machine/EnergyTable.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <numeric>

using namespace fetta;

/// Calls stage(codes, toggle, distance of the lines of a switch) for every
/// stage from input to output.
template <typename Stage>
static void forEachStage(const Route &route, uint32_t constant, Stage stage) {
  const Wiring &wiring = route.wiring;
  uint64_t flipped = flippedStages(route, constant);
  for (unsigned i = 0; i < wiring.stages(); ++i)
    stage(&route.codes[size_t(i) * wiring.switches()], flipped >> i & 1,
          uint32_t(1) << wiring.stageBit(i));
}

/// The words on two lines behind a switch of a distribution. No branches:
/// codes are as good as random.
static inline void distribute(unsigned code, uint16_t &upper, uint16_t &lower) {
  unsigned differ = upper ^ lower;
  unsigned takesLower = -(code & 1), takesUpper = -((code ^ code >> 1) & 1);
  upper = uint16_t(upper ^ (differ & takesLower));
  lower = uint16_t(lower ^ (differ & takesUpper));
}

const std::vector<uint16_t> &ResolvedRoutes::distribution(uint32_t route,
                                                          uint32_t constant) {
  auto [it, isNew] = distributions.try_emplace({route, constant});
  std::vector<uint16_t> &line = it->second;
  if (!isNew)
    return line;
  line.resize(routes[route].wiring.lines());
  std::iota(line.begin(), line.end(), uint16_t(0));
  forEachStage(routes[route], constant,
               [&](const uint8_t *code, unsigned toggle, uint32_t distance) {
                 for (size_t u = 0; u < line.size(); u += distance)
                   for (size_t end = u + distance; u < end; ++u)
                     distribute(*code++ ^ toggle, line[u], line[u + distance]);
               });
  return line;
}

const GatherTable &ResolvedRoutes::gather(uint32_t route, uint32_t constant,
                                          const std::string &captures) {
  auto [it, isNew] = gathers[{route, constant}].try_emplace(captures);
  GatherTable &table = it->second;
  if (!isNew)
    return table;
  const std::vector<uint16_t> &banks = distribution(route, constant);
  std::vector<WordMoves::Move> moves;
  table.reads.assign(banks.size(), 0);
  for (size_t lane = 0; lane < banks.size(); ++lane) {
    if (!captures[lane])
      continue;
    moves.push_back({uint16_t(lane), banks[lane]});
    table.reads[banks[lane]] = 1;
  }
  table.words = int64_t(moves.size());
  table.moves = WordMoves(moves);
  if (moves.size() == banks.size() && !table.moves.ones.empty() &&
      RowPermutation::supported(banks.size()))
    table.whole = RowPermutation(banks);
  for (size_t bank = 0; bank < banks.size(); bank += banksPerMacro)
    table.macros += meets(&table.reads[bank], &table.reads[bank],
                          std::min<size_t>(banksPerMacro, banks.size() - bank));
  return table;
}

/// A switch never copies a word in this direction: a lane's word is in one
/// place at a time, and a sum can be kept in the place of one of its operands.
/// The lower-numbered one: lanes that do the same have neighbouring places.
static ReductionPlan walk(const Route &route, uint32_t constant,
                          const std::string &valid) {
  constexpr uint16_t none = 0xFFFF;
  size_t lines = route.wiring.lines();
  std::vector<uint16_t> line(lines);
  for (size_t l = 0; l < lines; ++l)
    line[l] = valid[l] ? uint16_t(l) : none;
  ReductionPlan plan;
  std::vector<WordMoves::Move> moves;
  // The lane that is added to each lane in a stage.
  std::vector<uint16_t> added(lines, none);
  forEachStage(
      route, constant,
      [&](const uint8_t *code, unsigned toggle, uint32_t distance) {
        bool sums = false;
        for (size_t u = 0; u < lines; u += distance)
          for (size_t end = u + distance; u < end; ++u, ++code) {
            uint16_t &upper = line[u], &lower = line[u + distance];
            if (*code >= SumToUpper) {
              uint16_t other = std::max(upper, lower); // None is the largest.
              upper = std::min(upper, lower);
              lower = none;
              if (other != none) {
                added[upper] = other;
                sums = true;
              }
            }
            if ((*code ^ toggle) & 1) // Cross, or the sum to the lower line.
              std::swap(upper, lower);
          }
        if (!sums)
          return;
        moves.clear();
        for (size_t lane = 0; lane < lines; ++lane) {
          if (added[lane] == none)
            continue;
          moves.push_back({uint16_t(lane), added[lane]});
          plan.adds.push_back({uint32_t(lane), added[lane]});
          added[lane] = none;
        }
        plan.stages.push_back(WordMoves(moves));
      });
  moves.clear();
  plan.arrives.assign(lines, 0);
  for (uint32_t bank = 0; bank < lines; ++bank) {
    if (line[bank] == none)
      continue;
    plan.arrivals.push_back({bank, line[bank]});
    plan.arrives[bank] = 1;
    moves.push_back({uint16_t(bank), line[bank]});
  }
  plan.toBanks = WordMoves(moves);
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

//===- Network.cpp - Wiring, words and replay -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RouterDetail.h"

#include "llvm/ADT/STLExtras.h"

#include <cassert>
#include <numeric>

using namespace fetta;

unsigned Wiring::stageBit(unsigned stage) const {
  assert(stage < stages() && "no such stage");
  return topology == NetworkTopology::Benes
             ? std::min(stage, 2 * bits - 2 - stage)
             : stage;
}

uint64_t fetta::flippedStages(const Route &route, uint32_t constant) {
  const Wiring &w = route.wiring;
  uint32_t mask = 0;
  for (unsigned j = 0; j < route.masks.size(); ++j)
    if (constant >> j & 1)
      mask ^= route.masks[j];
  return w.kind == NetKind::Distribution
             ? uint64_t(mask) << (w.stages() - w.bits)
             : uint64_t(mask);
}

/// Calls fn(stage, code after flips, upper line, lower line) for every switch,
/// from the network's input to its output.
template <typename Fn>
static void forEachSwitch(const Route &route, uint32_t constant, Fn fn) {
  const Wiring &w = route.wiring;
  assert(route.codes.size() == size_t(w.stages()) * w.switches() &&
         "one code per switch");
  uint64_t flips = flippedStages(route, constant);
  for (unsigned stage = 0; stage < w.stages(); ++stage) {
    unsigned bit = w.stageBit(stage);
    uint32_t low = (uint32_t(1) << bit) - 1;
    uint8_t flip = flips >> stage & 1;
    for (uint32_t sw = 0; sw < w.switches(); ++sw) {
      uint32_t upper = (sw & ~low) << 1 | (sw & low);
      fn(stage, uint8_t(route.code(stage, sw) ^ flip), upper,
         upper | uint32_t(1) << bit);
    }
  }
}

/// The stage that comes `step`th from the banks.
static unsigned stageFromBanks(const Wiring &w, unsigned step) {
  return w.kind == NetKind::Reduction ? w.stages() - 1 - step : step;
}

/// Takes the lines through one stage, from the banks to the lanes.
static void passStage(const Route &route, unsigned stage, uint8_t flip,
                      std::vector<uint32_t> &line) {
  const Wiring &w = route.wiring;
  uint32_t step = uint32_t(1) << w.stageBit(stage);
  // As forEachSwitch, and without branches: codes follow no pattern.
  const uint8_t *code = &route.codes[size_t(stage) * w.switches()];
  for (uint32_t *upper = line.data(), *end = upper + line.size(); upper != end;
       upper += 2 * step, code += step) {
    uint32_t *lower = upper + step;
    for (uint32_t j = 0; j < step; ++j) {
      uint8_t c = code[j] ^ flip;
      bool fromLower = c == Cross || c == LowerToBoth;
      bool fromUpper = c == Cross || c == UpperToBoth;
      uint32_t u = upper[j], l = lower[j];
      upper[j] = fromLower ? l : u;
      lower[j] = fromUpper ? u : l;
    }
  }
}

/// Pushes line numbers from the banks to the lanes. Read backwards, a reduction
/// is a distribution whose copies are the sums: a lane goes its way whether or
/// not it meets another, so this also tells where each lane's word arrives.
std::vector<uint32_t> detail::bankOfLane(const Route &route,
                                         uint32_t constant) {
  const Wiring &w = route.wiring;
  assert(route.codes.size() == size_t(w.stages()) * w.switches() &&
         "one code per switch");
  std::vector<uint32_t> line(w.lines());
  std::iota(line.begin(), line.end(), 0);
  uint64_t flips = flippedStages(route, constant);
  for (unsigned step = 0; step < w.stages(); ++step) {
    unsigned stage = stageFromBanks(w, step);
    passStage(route, stage, flips >> stage & 1, line);
  }
  return line;
}

std::vector<uint32_t> fetta::replayDistribution(const Route &route,
                                                uint32_t constant) {
  assert(route.wiring.kind == NetKind::Distribution);
  return detail::bankOfLane(route, constant);
}

std::vector<llvm::SmallVector<uint32_t, 4>>
fetta::replayReduction(const Route &route, uint32_t constant,
                       const std::vector<bool> &valid) {
  assert(route.wiring.kind == NetKind::Reduction);
  assert(valid.size() == route.wiring.lines() && "one flag per lane");
  // A line is valid when it carries at least one lane: a list by its first and
  // last lane, and of each lane the next one. So lists meet in one step.
  constexpr uint32_t none = ~uint32_t(0);
  struct List {
    uint32_t first = none, last = none;
  };
  const uint32_t lines = route.wiring.lines();
  std::vector<List> line(lines);
  std::vector<uint32_t> next(lines, none);
  for (uint32_t i = 0; i < lines; ++i)
    if (valid[i])
      line[i] = {i, i};
  forEachSwitch(route, constant,
                [&](unsigned, uint8_t code, uint32_t u, uint32_t l) {
                  if (code == Through)
                    return;
                  if (code == Cross) {
                    std::swap(line[u], line[l]);
                    return;
                  }
                  List sum = line[u].first == none ? line[l] : line[u];
                  if (line[u].first != none && line[l].first != none) {
                    next[line[u].last] = line[l].first;
                    sum.last = line[l].last;
                  }
                  line[u] = code == SumToLower ? List() : sum;
                  line[l] = code == SumToLower ? sum : List();
                });
  std::vector<llvm::SmallVector<uint32_t, 4>> lists(lines);
  for (uint32_t i = 0; i < lines; ++i)
    for (uint32_t lane = line[i].first; lane != none; lane = next[lane])
      lists[i].push_back(lane);
  return lists;
}

llvm::Expected<BitMap> fetta::liftRoute(const Route &route) {
  const Wiring &w = route.wiring;
  assert(route.codes.size() == size_t(w.stages()) * w.switches() &&
         "one code per switch");
  // The lines before each stage, counted from the banks: a mask changes nothing
  // before the first stage that it flips.
  std::vector<std::vector<uint32_t>> before(1);
  before.reserve(w.stages() + 1);
  before[0].resize(w.lines());
  std::iota(before[0].begin(), before[0].end(), 0);
  for (unsigned step = 0; step < w.stages(); ++step) {
    before.push_back(before.back());
    passStage(route, stageFromBanks(w, step), /*flip=*/0, before.back());
  }
  const std::vector<uint32_t> &bank = before.back();
  BitMap map;
  map.rows.assign(w.bits, 0);
  map.constant = bank[0];
  for (unsigned j = 0; j < w.bits; ++j) {
    uint32_t column = bank[uint32_t(1) << j] ^ bank[0];
    for (unsigned i = 0; i < w.bits; ++i)
      map.rows[i] |= (column >> i & 1) << j;
  }
  for (uint32_t lane = 0; lane < w.lines(); ++lane)
    if (bank[lane] != map.apply(lane))
      return llvm::createStringError(
          "the words realise no affine map: lane %u goes with bank %u; the "
          "lanes 0, 1, 2, 4, ... would ask for bank %u",
          lane, bank[lane], map.apply(lane));
  for (unsigned j = 0; j < route.masks.size(); ++j) {
    const uint64_t flips = flippedStages(route, uint32_t(1) << j);
    unsigned first = 0;
    while (first < w.stages() && !(flips >> stageFromBanks(w, first) & 1))
      ++first;
    std::vector<uint32_t> flipped = before[first];
    for (unsigned step = first; step < w.stages(); ++step) {
      unsigned stage = stageFromBanks(w, step);
      passStage(route, stage, flips >> stage & 1, flipped);
    }
    for (uint32_t lane = 0; lane < w.lines(); ++lane)
      if (flipped[lane] != (bank[lane] ^ uint32_t(1) << j))
        return llvm::createStringError(
            "the mask of bank bit %u is wrong: it takes lane %u to bank %u, "
            "not %u",
            j, lane, flipped[lane], bank[lane] ^ uint32_t(1) << j);
  }
  return map;
}

std::vector<uint8_t> fetta::packCodes(const Route &route) {
  std::vector<uint8_t> packed((route.codes.size() + 3) / 4, 0);
  for (size_t i = 0; i < route.codes.size(); ++i)
    packed[i / 4] |= uint8_t((route.codes[i] & 3) << (i % 4 * 2));
  return packed;
}

void fetta::unpackCodes(llvm::ArrayRef<uint8_t> packed, Route &route) {
  size_t count = size_t(route.wiring.stages()) * route.wiring.switches();
  assert(packed.size() == (count + 3) / 4 && "wrong number of bytes");
  route.codes.resize(count);
  for (size_t i = 0; i < count; ++i)
    route.codes[i] = packed[i / 4] >> (i % 4 * 2) & 3;
}

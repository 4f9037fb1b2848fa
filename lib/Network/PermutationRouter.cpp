//===- PermutationRouter.cpp - Link walk and looping algorithm ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RouterDetail.h"

#include "llvm/ADT/Twine.h"

#include <algorithm>
#include <cassert>
#include <limits>

using namespace fetta;

void detail::orient(Route &route) {
  if (route.wiring.kind == NetKind::Distribution)
    return;
  unsigned stages = route.wiring.stages();
  size_t switches = route.wiring.switches();
  for (unsigned s = 0; s < stages / 2; ++s)
    std::swap_ranges(route.codes.begin() + s * switches,
                     route.codes.begin() + (s + 1) * switches,
                     route.codes.begin() + (stages - 1 - s) * switches);
  for (uint32_t &mask : route.masks) {
    uint32_t reversed = 0;
    for (unsigned i = 0; i < route.wiring.bits; ++i)
      reversed |= (mask >> i & 1) << (route.wiring.bits - 1 - i);
    mask = reversed;
  }
}

/// Index of the switch of `line` in a stage of this bit.
static uint32_t switchOf(uint32_t line, unsigned bit) {
  uint32_t low = (uint32_t(1) << bit) - 1;
  return (line >> 1 & ~low) | (line & low);
}

llvm::Error detail::walkButterfly(const Wiring &wiring,
                                  llvm::ArrayRef<uint32_t> source,
                                  std::vector<uint8_t> &codes) {
  constexpr uint32_t none = std::numeric_limits<uint32_t>::max();
  uint32_t lines = wiring.lines(), switches = wiring.switches();
  codes.assign(size_t(wiring.bits) * switches, Through);
  std::vector<uint32_t> laneOn(lines), from(lines);
  uint32_t done = 0; // Bits of the stages so far.
  for (unsigned s = 0; s < wiring.bits; ++s) {
    unsigned bit = bitFromBanks(wiring, s);
    uint32_t unit = uint32_t(1) << bit;
    done |= unit;
    std::fill(laneOn.begin(), laneOn.end(), none);
    for (uint32_t lane = 0; lane < lines; ++lane) {
      uint32_t line = (lane & done) | (source[lane] & ~done);
      if (laneOn[line] == none) {
        laneOn[line] = lane;
        from[line] = source[lane] >> bit & 1;
        continue;
      }
      uint32_t other = laneOn[line];
      if (source[other] == source[lane])
        continue;
      bool reduces = wiring.kind == NetKind::Reduction;
      return llvm::createStringError(
          "a butterfly of %u lines does not pass the map: lanes %u (bank %u) "
          "and %u (bank %u) meet %s stage %u, switch %u, %s line",
          lines, other, source[other], lane, source[lane],
          reduces ? "before" : "after", reduces ? wiring.bits - 1 - s : s,
          switchOf(line, bit), line & unit ? "lower" : "upper");
    }
    for (uint32_t line = 0; line < lines; ++line) {
      if (line & unit || (laneOn[line] == none && laneOn[line | unit] == none))
        continue;
      // An unused output takes what makes no copy.
      uint32_t lower = line | unit;
      uint32_t up = laneOn[line] == none ? !from[lower] : from[line];
      uint32_t down = laneOn[lower] == none ? !up : from[lower];
      codes[size_t(s) * switches + switchOf(line, bit)] =
          up == down ? (up ? LowerToBoth : UpperToBoth)
                     : (up ? Cross : Through);
    }
  }
  return llvm::Error::success();
}

/// Looping algorithm (Opferman and Tsao-Wu, 1971). At each level every pair of
/// inputs and every pair of outputs goes to different halves; following these
/// two rules in turn closes loops, each of which has two settings. Both halves
/// are networks of the same kind.
static void loop(Route &route, unsigned level, uint32_t path,
                 std::vector<uint32_t> source) {
  const Wiring &w = route.wiring;
  uint32_t pairs = uint32_t(source.size()) / 2;
  uint32_t switches = w.switches();
  auto code = [&](unsigned stage, uint32_t pair) -> uint8_t & {
    return route.codes[size_t(stage) * switches + (pair << level | path)];
  };
  if (pairs == 1) {
    code(level, 0) = source[0] ? Cross : Through;
    return;
  }
  constexpr uint8_t open = 2;
  std::vector<uint32_t> reader(source.size());
  for (uint32_t lane = 0; lane < source.size(); ++lane)
    reader[source[lane]] = lane;
  std::vector<uint8_t> half(source.size(), open); // Of every lane.
  for (uint32_t start = 0; start < source.size(); ++start)
    for (uint32_t lane = start; half[lane] == open;) {
      half[lane] = 0;
      uint32_t partner = reader[source[lane] ^ 1];
      half[partner] = 1;
      lane = partner ^ 1;
    }
  std::vector<uint32_t> inner[2];
  inner[0].resize(pairs);
  inner[1].resize(pairs);
  for (uint32_t lane = 0; lane < source.size(); ++lane) {
    inner[half[lane]][lane / 2] = source[lane] / 2;
    if (lane % 2 == 0)
      code(w.stages() - 1 - level, lane / 2) = half[lane] ? Cross : Through;
    if (source[lane] % 2 == 0)
      code(level, source[lane] / 2) = half[lane] ? Cross : Through;
  }
  for (uint32_t h = 0; h < 2; ++h)
    loop(route, level + 1, path | h << level, std::move(inner[h]));
}

llvm::Expected<Route> fetta::routePermutation(const Wiring &wiring,
                                              llvm::ArrayRef<uint32_t> source) {
  if (source.size() != wiring.lines())
    return llvm::createStringError(
        "a permutation of %u lanes for a network of %u",
        unsigned(source.size()), wiring.lines());
  std::vector<uint32_t> reader(wiring.lines(), wiring.lines());
  for (uint32_t lane = 0; lane < source.size(); ++lane) {
    if (source[lane] >= wiring.lines())
      return llvm::createStringError("lane %u: there is no bank %u (of %u)",
                                     lane, source[lane], wiring.lines());
    if (reader[source[lane]] != wiring.lines())
      return llvm::createStringError(
          "no permutation: lanes %u and %u both use bank %u",
          reader[source[lane]], lane, source[lane]);
    reader[source[lane]] = lane;
  }
  Route route;
  route.wiring = wiring;
  if (wiring.topology == NetworkTopology::Butterfly) {
    if (llvm::Error error = detail::walkButterfly(wiring, source, route.codes))
      return error;
  } else {
    route.codes.assign(size_t(wiring.stages()) * wiring.switches(), Through);
    loop(route, 0, 0, source.vec());
  }
  detail::orient(route);
  if (detail::bankOfLane(route, 0) != source.vec())
    return llvm::createStringError(
        "internal error: the replay of a routed permutation went astray");
  return route;
}

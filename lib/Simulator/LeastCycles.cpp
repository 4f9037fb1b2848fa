//===- LeastCycles.cpp - What no mapping of a contraction goes below ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Machine/Machine.h"
#include "fetta/Simulator/ArrayJobs.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace fetta;

namespace {

/// The least product of ceil(size / 2^bits) over the modes of a group, by the
/// bits that they share.
using Chunks = llvm::SmallVector<int64_t, 12>;

Chunks leastChunks(llvm::ArrayRef<int64_t> sizes, unsigned bits) {
  Chunks least(bits + 1, 1);
  for (int64_t size : sizes)
    for (unsigned all = bits + 1; all-- > 0;) {
      int64_t best = std::numeric_limits<int64_t>::max();
      for (unsigned own = 0; own <= all; ++own)
        best = std::min(best, least[all - own] *
                                  int64_t(llvm::divideCeil(
                                      uint64_t(size), uint64_t(1) << own)));
      least[all] = best;
    }
  return least;
}

/// All lane shares of one dataflow: the groups of modes that may lie on PE rows
/// and on columns (and CEs), the group that lies on CEs and changes the tile,
/// too, and the one whose chunks are the beats of a tile.
struct Shares {
  const Machine &machine;
  const Chunks &row, &column, &tile, &inside;

  void improve(LeastCycles &least) const {
    unsigned c = machine.ceBits;
    for (unsigned rows = 0; rows <= machine.peRowBits; ++rows)
      for (unsigned x = 0; x <= c; ++x)
        for (unsigned y = 0; x + y <= c; ++y)
          for (unsigned z = 0; x + y + z <= c; ++z) {
            int64_t tiles =
                row[x + rows] * column[y + machine.peColumnBits] * tile[z];
            int64_t beats = inside[c - x - y - z];
            // A load or the drain of a tile takes a cycle for each PE row.
            int64_t step = std::max(int64_t(1) << rows, beats);
            int64_t window = (tiles - 1) * step + beats;
            least.window = std::min(least.window, window);
            least.alone =
                std::min(least.alone, window + (int64_t(1) << rows) - 1);
          }
  }
};

} // namespace

const LeastCycles &LeastCyclesOf::operator()(const Nest &nest) {
  // Batch, free in A, free in B, reduced.
  std::array<llvm::SmallVector<int64_t, 8>, 4> groups;
  llvm::SmallVector<int64_t, 8> result;
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
    int64_t size = nest.sizes[mode];
    if (size == 1)
      continue;
    unsigned group = nest.isReduced(mode)    ? 3
                     : !nest.b().holds(mode) ? 1
                     : !nest.a().holds(mode) ? 2
                                             : 0;
    groups[group].push_back(size);
    if (group != 3)
      result.push_back(size);
  }
  llvm::SmallVector<int64_t, 12> key;
  for (llvm::SmallVector<int64_t, 8> &group : groups) {
    llvm::sort(group);
    key.append(group.begin(), group.end());
    key.push_back(0);
  }
  bool wide = nest.c().elementType == ElementType::F32;
  key.push_back(wide);
  auto [it, isNew] = known.try_emplace(std::move(key));
  LeastCycles &least = it->second;
  if (!isNew)
    return least;
  unsigned bits = machine.ceBits + machine.positionBits();
  std::array<Chunks, 4> of;
  for (unsigned group = 0; group < 4; ++group)
    of[group] = leastChunks(groups[group], bits);
  auto &[batch, a, b, reduced] = of;
  least.window = least.alone = std::numeric_limits<int64_t>::max();
  // B-, A- and output-stationary.
  Shares{machine, reduced, b, batch, a}.improve(least);
  Shares{machine, reduced, a, batch, b}.improve(least);
  Shares{machine, a, b, batch, reduced}.improve(least);
  least.word = reduced[machine.ceBits + machine.peRowBits];
  least.drain = leastChunks(result, machine.laneBits())[machine.laneBits()] *
                (wide ? 2 : 1);
  return least;
}

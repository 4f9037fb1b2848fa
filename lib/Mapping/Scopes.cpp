//===- Scopes.cpp - The cycles of a nest, scope by scope ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Scopes.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;
using llvm::SmallVector;

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

ScopeRows::ScopeRows(const Nest &nest) : nest(nest) {
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
    if (!nest.c().holds(mode))
      continue;
    ModeRows m;
    m.mode = mode;
    m.row = int64_t(1) << nest.c().modes[mode]->lowBits;
    auto countLanes = [&](ArrayRef<std::optional<ModeBit>> lanes) {
      for (const std::optional<ModeBit> &bit : lanes)
        if (bit && bit->mode == mode)
          m.block *= 2;
    };
    countLanes(nest.lanes.ce);
    countLanes(nest.lanes.row);
    countLanes(nest.lanes.column);
    m.span = m.block - 1;
    SmallVector<std::pair<int64_t, int64_t>, 4> inside; // Weight, count.
    for (const Loop &loop : llvm::drop_begin(nest.loops, nest.scopeLevel))
      if (loop.mode == mode && loop.count > 1) {
        inside.push_back({loop.weight, loop.count});
        m.span += loop.weight * (loop.count - 1);
      }
    llvm::sort(inside);
    int64_t extent = m.block;
    for (auto [weight, count] : inside) {
      m.contiguous &= weight == extent;
      extent *= count;
    }
    auto aligned = int64_t(llvm::PowerOf2Ceil(uint64_t(m.span) + 1));
    m.oneRow = aligned <= m.row;
    for (const Loop &loop : ArrayRef(nest.loops).take_front(nest.scopeLevel))
      m.oneRow &= loop.mode != mode || loop.weight % aligned == 0;
    modes.push_back(m);
  }
}

int64_t ScopeRows::startOf(unsigned mode, ArrayRef<int64_t> counters,
                           unsigned levels) const {
  int64_t start = 0;
  for (unsigned l = 0; l < levels; ++l)
    if (nest.loops[l].mode == mode)
      start += counters[l] * nest.loops[l].weight;
  return start;
}

int64_t ScopeRows::rows(ArrayRef<int64_t> counters) const {
  int64_t product = 1;
  for (const ModeRows &m : modes)
    product *= rowsOf(m, startOf(m.mode, counters, nest.scopeLevel));
  return product;
}

int64_t ScopeRows::rowsOf(const ModeRows &m, int64_t start) const {
  int64_t size = nest.sizes[m.mode];
  if (start >= size)
    return 0;
  if (m.contiguous)
    return std::min(start + m.span, size - 1) / m.row - start / m.row + 1;
  // Starts of the index blocks that the loops inside the scope visit.
  SmallVector<int64_t, 32> starts = {start};
  for (const Loop &loop : llvm::drop_begin(nest.loops, nest.scopeLevel)) {
    if (loop.mode != m.mode)
      continue;
    size_t known = starts.size();
    for (int64_t c = 1; c < loop.count; ++c)
      for (size_t i = 0; i < known; ++i)
        starts.push_back(starts[i] + c * loop.weight);
  }
  SmallVector<int64_t, 32> visited;
  for (int64_t first : starts)
    for (int64_t i = first; i < std::min(first + m.block, size);
         i = (i / m.row + 1) * m.row)
      visited.push_back(i / m.row);
  llvm::sort(visited);
  return std::unique(visited.begin(), visited.end()) - visited.begin();
}

int64_t ScopeRows::alike(unsigned level, ArrayRef<int64_t> counters) const {
  const Loop &loop = nest.loops[level];
  const auto *m = llvm::find_if(
      modes, [&](const ModeRows &rows) { return rows.mode == loop.mode; });
  int64_t left = loop.count - 1 - counters[level];
  if (!m->oneRow && loop.weight % m->row != 0)
    return 0;
  // Up to the edge; ranges that it cuts differ.
  int64_t last = startOf(loop.mode, counters, level + 1) + m->span;
  for (unsigned l = level + 1; l < nest.scopeLevel; ++l)
    if (nest.loops[l].mode == loop.mode)
      last += (nest.loops[l].count - 1) * nest.loops[l].weight;
  int64_t room = nest.sizes[loop.mode] - 1 - last;
  return room < 0 ? 0 : std::min(left, room / loop.weight);
}

//===----------------------------------------------------------------------===//
// Cycles
//===----------------------------------------------------------------------===//

ScopeTimeline::ScopeTimeline(const Nest &nest, const ScopeCosts &costs)
    : nest(nest), costs(costs), scopeRows(nest), counters(nest.scopeLevel, 0),
      // Tiles that begin in a scope; none begins in most scopes when a tile
      // lasts longer than a scope (no reduced loop, free loops outside it).
      tilesPerScope(std::max<int64_t>(1, costs.perScope / costs.tile)),
      scopesPerTile(std::max<int64_t>(1, costs.tile / costs.perScope)),
      tileCycles(costs.tile * costs.beat),
      period(std::max(tileCycles, costs.transfer)),
      // The first load is over at the start.
      tileStart(-costs.transfer) {}

ScopeTimeline::Relative ScopeTimeline::relative() const {
  // What is over by now does not matter when.
  auto ahead = [&](int64_t time) { return std::max<int64_t>(0, time - now); };
  return {std::max(-costs.transfer, tileStart - now), ahead(transferred),
          ahead(own), ahead(other)};
}

void ScopeTimeline::walk(unsigned level) {
  if (level == nest.scopeLevel) {
    scope();
    return;
  }
  int64_t &counter = counters[level];
  int64_t scopes = 1; // Of an iteration.
  for (unsigned l = level + 1; l < nest.scopeLevel; ++l)
    scopes *= nest.loops[l].count;
  for (counter = 0; counter < nest.loops[level].count; ++counter) {
    Relative before = relative();
    bool beginsTile = phase == 0 && scopes < scopesPerTile;
    int64_t start = now, reloadsBefore = reloads;
    walk(level + 1);
    // The iteration that begins a tile which outlasts it is one of its kind.
    if (beginsTile || !(relative() == before))
      continue;
    int64_t alike = scopeRows.alike(level, counters);
    phase = (phase + alike * scopes) % scopesPerTile;
    int64_t shift = (now - start) * alike;
    reloads += (reloads - reloadsBefore) * alike;
    for (int64_t *time : {&now, &tileStart, &transferred, &own, &other})
      *time += shift;
    counter += alike;
  }
  counter = 0;
}

void ScopeTimeline::scope() {
  if (costs.outputStationary) {
    // A tile does not finish before the drain of the tile before it has; the
    // first drain of a scope waits for its half of the accumulators.
    now = std::max(now + tileCycles, transferred);
    transferred = std::max(now, own) + costs.transfer;
    if (tilesPerScope > 1) {
      now = std::max(now + tileCycles, transferred) +
            (tilesPerScope - 2) * period;
      transferred = now + costs.transfer;
    }
  } else {
    int64_t start = now;
    bool begins = phase == 0;
    if (begins)
      start = std::max(start, tileStart + costs.transfer);
    reloads += start - now;
    start = std::max(start, own);
    if (begins)
      tileStart = start + (tilesPerScope - 1) * period;
    reloads += (tilesPerScope - 1) * (period - tileCycles);
    now = begins ? tileStart + std::min(costs.tile, costs.perScope) * costs.beat
                 : start + costs.perScope * costs.beat;
    transferred = now;
    phase = (phase + 1) % scopesPerTile;
  }
  rows = scopeRows.rows(counters) * costs.planes;
  // Drains go one after another.
  int64_t start = std::max(transferred, other);
  waited = start - transferred;
  own = other;
  other = start + rows;
}

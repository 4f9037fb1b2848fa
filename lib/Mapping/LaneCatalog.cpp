//===- LaneCatalog.cpp - Lane assignments of modes that are alike
//-----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneCatalog.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;

LaneAssignment::LaneAssignment(int64_t beats, int64_t tile, unsigned rowBits,
                               std::array<unsigned, 3> missing)
    : beats(beats), tile(tile), rowBits(rowBits), missing(missing),
      beatBits(std::max(missing[unsigned(Use::Streamed)],
                        missing[unsigned(Use::PerBeat)])),
      transferBits(missing[unsigned(Use::PerTile)]) {
  occupancy = beats << beatBits;
  int64_t transfer = int64_t(1) << (rowBits + transferBits);
  int64_t stall = transfer - (tile << beatBits);
  if (stall > 0)
    occupancy += (beats / tile - 1) * stall;
}

LaneCatalog::LaneCatalog(const Machine &machine, bool outputStationary,
                         ArrayRef<LaneMode> modes)
    : machine(machine) {
  options.reserve(modes.size());
  for (const LaneMode &mode : modes)
    addOptions(mode, outputStationary);
  states = ceStep() * (machine.ceBits + 1);
  full = states - 1;
  shares.resize(modes.size());
  tabulate();
}

void LaneCatalog::addOptions(const LaneMode &mode, bool outputStationary) {
  ModeOptions list;
  list.size = mode.size;
  list.rows =
      mode.group == (outputStationary ? Group::StreamFree : Group::Reduced);
  list.columns = mode.group == Group::HoldFree;
  list.kind = list.rows ? 1 : list.columns ? 2 : 0;
  list.tile =
      mode.group == (outputStationary ? Group::Reduced : Group::StreamFree);
  unsigned lanes = list.rows      ? machine.peRowBits
                   : list.columns ? machine.peColumnBits
                                  : 0;
  size_t step = list.rows ? rowStep() : columnStep();
  list.options.reserve((std::min(lanes, mode.cap) + 1) *
                       (std::min(machine.ceBits, mode.cap) + 1));
  for (unsigned position = std::min(lanes, mode.cap) + 1; position-- > 0;)
    for (unsigned ce = std::min(machine.ceBits, mode.cap - position) + 1;
         ce-- > 0;) {
      if (mode.position.value_or(position) != position ||
          mode.ce.value_or(ce) != ce)
        continue;
      Option option{chunksOf(mode.size, position + ce),
                    {position, ce},
                    unsigned(position * step + ce * ceStep())};
      for (Use use : {Use::Streamed, Use::PerBeat, Use::PerTile}) {
        // Rows are temporal in a load and in a drain.
        bool isSpatial = !list.rows || use == Use::Streamed;
        unsigned bits = isSpatial ? position + ce : ce;
        unsigned low = mode.low[unsigned(use)];
        if (bits > low)
          option.missing |= packMissing(use, bits - low);
      }
      list.options.push_back(option);
    }
  options.push_back(std::move(list));
}

void LaneCatalog::tabulate() {
  least.assign((options.size() + 1) * states, unreachable);
  std::fill_n(least.begin() + options.size() * states, states, 1);
  for (size_t place = options.size(); place-- > 0;) {
    const int64_t *rest = &least[(place + 1) * states];
    int64_t *out = &least[place * states];
    const ModeOptions &list = options[place];
    for (const Option &option : list.options) {
      unsigned position = option.share.position;
      for (unsigned ces = option.share.ce; ces <= machine.ceBits; ++ces)
        for (unsigned c = list.columns ? position : 0;
             c <= machine.peColumnBits; ++c) {
          size_t first = ces * ceStep() + c * columnStep();
          for (size_t left = first + (list.rows ? position : 0);
               left < first + columnStep(); ++left)
            if (int64_t after = rest[left - option.lanes]; after != unreachable)
              out[left] = std::min(out[left], option.chunks * after);
        }
    }
  }
}

void LaneCatalog::summarize() {
  rests.resize(options.size() + 1);
  for (size_t place = options.size(); place-- > 0;) {
    const ModeOptions &list = options[place];
    Rest &rest = rests[place] = rests[place + 1];
    rest.beats *= list.size;
    rest.tile *= list.tile ? list.size : 1;
    for (const Option &option : list.options) {
      rest.uses[list.kind] |= option.share.position > 0;
      rest.usesCEs |= option.share.ce > 0;
    }
  }
}

const LaneCatalog::List &LaneCatalog::list(int64_t upTo) {
  // A list of more does, if nothing was left out.
  auto known = lists.lower_bound(upTo);
  for (auto it = known; it != lists.end(); ++it)
    if (it->second.complete || it->first == upTo)
      return it->second;
  if (rests.empty())
    summarize();
  current = &lists.emplace_hint(known, upTo, List())->second;
  wanted = upTo;
  budget = searchBudget;
  std::fill(shares.begin(), shares.end(), LaneShare());
  Part start;
  start.left = unsigned(full);
  start.free = {0, machine.peRowBits, machine.peColumnBits};
  start.ces = machine.ceBits;
  assign(0, start);
  current->complete = budget > 0;
  return *current;
}

void LaneCatalog::assign(size_t depth, const Part &part) {
  if (depth == options.size()) {
    finish(part);
    return;
  }
  const ModeOptions &list = options[depth];
  const int64_t *leastAfter = &least[(depth + 1) * states];
  const Rest &rest = rests[depth + 1];
  const unsigned free = part.free[list.kind];
  const int64_t mostBeats = wanted >> beatBits(part.missing);
  for (const Option &option : list.options) {
    if (option.share.position > free || option.share.ce > part.ces)
      continue;
    if (budget <= 0)
      return;
    const unsigned left = part.left - option.lanes;
    const int64_t after = leastAfter[left];
    if (after == unreachable)
      continue;
    const int64_t beats = part.beats * option.chunks;
    const int64_t fewest = beats * after;
    if (fewest > mostBeats)
      continue;
    const MissingBits missing = part.missing + option.missing;
    if (fewest > wanted >> beatBits(missing))
      continue;
    Part next;
    next.beats = beats;
    next.tile = list.tile ? part.tile * option.chunks : part.tile;
    next.left = left;
    next.free = part.free;
    next.free[list.kind] -= option.share.position;
    next.ces = part.ces - option.share.ce;
    next.rowBits = part.rowBits + (list.rows ? option.share.position : 0);
    next.missing = missing;
    shares[depth] = option.share;
    if (hasLanesFor(rest, next)) {
      assign(depth + 1, next);
      continue;
    }
    // The modes that are left stay without lanes, for which the table stands.
    next.beats *= rest.beats;
    next.tile *= rest.tile;
    finish(next);
  }
  shares[depth] = {};
}

void LaneCatalog::finish(const Part &part) {
  --budget;
  std::array<unsigned, 3> missing;
  for (Use use : {Use::Streamed, Use::PerBeat, Use::PerTile})
    missing[unsigned(use)] = missingOf(use, part.missing);
  current->found.emplace_back(part.beats, part.tile, part.rowBits, missing);
  current->found.back().index = current->found.size() - 1;
  current->shares.insert(current->shares.end(), shares.begin(), shares.end());
}

LaneCatalog &LaneCatalogs::get(bool outputStationary,
                               ArrayRef<LaneMode> modes) {
  llvm::SmallVector<int64_t, 48> key = {outputStationary};
  for (const LaneMode &mode : modes) {
    key.append({mode.size, int64_t(mode.group), mode.cap,
                mode.position ? int64_t(*mode.position) : -1,
                mode.ce ? int64_t(*mode.ce) : -1});
    key.append(mode.low.begin(), mode.low.end());
  }
  std::unique_ptr<LaneCatalog> &known = catalogs[std::move(key)];
  if (!known)
    known = std::make_unique<LaneCatalog>(machine, outputStationary, modes);
  return *known;
}

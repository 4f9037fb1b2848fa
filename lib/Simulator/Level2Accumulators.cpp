//===- Level2Accumulators.cpp - Scopes and their drains -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Level2Engine.h"

#include "fetta/Support/BFloat16.h"

#include "llvm/Support/ErrorHandling.h"

#include <algorithm>

using namespace fetta;
using namespace fetta::level2;

static int64_t planesOf(const Job &job) {
  return job.contract->nest.c().elementType == ElementType::F32 ? 2 : 1;
}

size_t Engine::openScope(size_t job) {
  scopes.emplace_back().job = job;
  auto &cycles = touched[(scopes.size() - 1) & 1];
  std::fill(cycles.begin(), cycles.end(), -machine.latency.fp32Add);
  return scopes.size() - 1;
}

void Engine::closeScope(size_t scope, size_t job, bool endsJob) {
  Scope &closed = scopes[scope];
  closed.job = job; // It may have been opened by an earlier one.
  closed.ended = reduceTaken;
  closed.endsJob = endsJob;
  closed.left = int64_t(closed.rows.size()) * planesOf(jobs[closed.job]);
}

bool Engine::halfIsFree(const NestView &view) const {
  if (view.nest().accumulate)
    return scopes.size() < reloaded.size() && reloaded[scopes.size()] < now;
  if (scopes.size() < 2)
    return true;
  // When the drain of the scope before the last would write its last row, if
  // every access to come had its cycle.
  int64_t pipeline = machine.pipelineCycles(), last = drainEnd;
  for (size_t s = drainingScope; s + 2 <= scopes.size(); ++s) {
    if (scopes[s].ended == Never)
      return false;
    int64_t first = std::max({scopes[s].ended + pipeline + 1, last + 1, now});
    last = first + scopes[s].left - 1;
  }
  // Sums of a beat leave once its last word has been read.
  int64_t lag =
      view.outputStationary()
          ? 0
          : std::min(view.subBeats(view.streamed()), view.subBeats(OperandC)) -
                1;
  return last < now + pipeline + lag;
}

void Engine::accumulate(const SumPacket &packet) {
  const SumTarget &target = packet.target;
  Half &half = halves[target.scope & 1];
  if (half.scope != target.scope) {
    // What the scope before it has not written yet waits in the buffer.
    for (size_t r = 0; r < half.rows.size(); ++r) {
      SumRow &row = half.rows[r];
      if (row.row < 0)
        continue;
      half.held[{half.scope, int64_t(r)}] = row;
      std::fill(row.valid.begin(), row.valid.end(), 0);
      row.row = -1;
    }
    mostHeldRows = std::max(mostHeldRows, int64_t(half.held.size()));
    half.scope = target.scope;
  }
  SumRow *into = nullptr;
  for (size_t bank = 0; bank < packet.words.size(); ++bank) {
    if (!packet.valid[bank])
      continue;
    into = &half.rows[size_t(target.access.accumulatorRow)];
    into->row = target.access.row;
    float &word = into->words[bank];
    uint8_t &valid = into->valid[bank];
    word = valid ? word + packet.words[bank] : packet.words[bank];
    counters.accumulatorAdds += valid;
    ++counters.accumulatorWrites;
    valid = 1;
  }
}

void Engine::drainScopes() {
  while (drainScope()) // Scopes without rows take no cycle.
    ;
}

bool Engine::drainScope() {
  if (drainingScope >= scopes.size())
    return false;
  Scope &scope = scopes[drainingScope];
  // The drain follows the last sum by a cycle, in which the halves change
  // their part, and by the conversion.
  if (scope.accumulated == Never ||
      now < scope.accumulated + machine.latency.convertWrite + 2)
    return false;
  Half &half = halves[drainingScope & 1];
  Job &job = jobs[scope.job];
  const Operand &c = job.contract->nest.c();
  if (!scope.rows.empty()) {
    if (portTaken[size_t(c.slab)])
      return false;
    portTaken[size_t(c.slab)] = 1;
    int64_t number = *scope.rows.begin();
    std::pair<size_t, int64_t> key{drainingScope, number};
    SumRow &row = half.scope != drainingScope ? half.held[key]
                                              : half.rows[size_t(number)];
    if (row.row < 0)
      llvm::report_fatal_error("a row drains that holds no sums");
    bool wide = planesOf(job) == 2;
    int64_t plane = row.row + lowPlane;
    uint16_t *words = memory.row(c.slab, plane);
    for (size_t bank = 0; bank < row.words.size(); ++bank) {
      if (!row.valid[bank])
        continue;
      uint32_t bits = floatToBits(canonicalizeNaN(row.words[bank]));
      words[bank] = !wide      ? floatToBF16(row.words[bank])
                    : lowPlane ? uint16_t(bits)
                               : uint16_t(bits >> 16);
      memory.written(c.slab, plane)[bank] = 1;
      counters.drainedWords += !lowPlane;
    }
    ++counters.rowWrites;
    lastWrite = lastActivity = now;
    --job.unwritten[plane];
    if (--unwritten[size_t(c.slab)][size_t(plane)] < 0)
      llvm::report_fatal_error("a row is drained more often than foreseen");
    --scope.left;
    drainEnd = now;
    if (wide && !lowPlane) {
      lowPlane = true;
      return false;
    }
    lowPlane = false;
    ++counters.drainedRows;
    std::fill(row.valid.begin(), row.valid.end(), 0);
    row.row = -1;
    half.held.erase(key);
    scope.rows.erase(scope.rows.begin());
    if (!scope.rows.empty())
      return false;
  }
  // Without rows it was over before the first would have been written.
  bool empty = drainEnd != now;
  scope.drained = empty ? now - 1 : now;
  if (scope.endsJob)
    job.completed = scope.drained;
  ++drainingScope;
  return empty;
}

//===----------------------------------------------------------------------===//
// Reloads
//===----------------------------------------------------------------------===//

void Engine::reload() {
  // The next scope of an accumulating contraction, over all contractions.
  while (reloadJob < jobs.size()) {
    const NestView &view = jobs[reloadJob].view;
    if (view.nest().accumulate && reloadBeat < view.beats())
      break;
    if (!view.nest().accumulate)
      reloaded.resize(reloaded.size() + size_t(view.newScopes()), 0);
    reloadBeat = 0;
    ++reloadJob;
  }
  if (reloadJob >= jobs.size())
    return;
  size_t number = reloaded.size();
  if (number >= 2 &&
      (scopes.size() < number - 1 || scopes[number - 2].drained >= now))
    return;
  Job &job = jobs[reloadJob];
  Half &half = halves[number & 1];
  if (reloadRows.empty()) {
    reloadRows = job.view.scopeRows(reloadBeat);
    half.scope = number;
  }
  // The row of the sums, told from that of the result.
  const Nest &nest = job.view.nest();
  int64_t planes = nest.roundsSums() ? 1 : 2;
  SumsPlace sums = nest.sumsPlace();
  if (!reloadRows.empty()) {
    const NestView::ScopeRow &row = reloadRows.front();
    int64_t plane =
        sums.baseRow + 2 * ((row.row - nest.c().baseRow) / planes) + reloadLow;
    // Rows of this and later contractions may be announced by now.
    int64_t before = unwritten[size_t(sums.slab)][size_t(plane)];
    for (size_t j = reloadJob; j < jobs.size(); ++j)
      if (auto own = jobs[j].unwritten.find(plane);
          own != jobs[j].unwritten.end() &&
          jobs[j].view.nest().c().slab == sums.slab)
        before -= own->second;
    if (before > 0 || portTaken[size_t(sums.slab)])
      return;
    portTaken[size_t(sums.slab)] = 1;
    ++counters.rowReads;
    lastActivity = now;
    const uint16_t *words = memory.row(sums.slab, plane);
    SumRow &into = half.rows[size_t(row.accumulatorRow)];
    into.row = row.row;
    for (size_t bank = 0; bank < into.words.size(); ++bank) {
      if (!row.banks[bank])
        continue;
      uint32_t bits = reloadLow ? floatToBits(into.words[bank]) | words[bank]
                                : uint32_t(words[bank]) << 16;
      into.words[bank] = bitsToFloat(bits);
      into.valid[bank] = 1;
      counters.accumulatorWrites += !reloadLow;
    }
    reloadLow = !reloadLow;
    if (reloadLow)
      return;
    reloadRows.erase(reloadRows.begin());
    if (!reloadRows.empty())
      return;
  }
  reloaded.push_back(now);
  reloadBeat += job.view.scopeBeats();
}

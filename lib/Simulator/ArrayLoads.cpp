//===- ArrayLoads.cpp - Loads, reloads and routes of the array ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArrayEngine.h"

#include <algorithm>

using namespace fetta;

bool ArrayEngine::settleLoader(int64_t now) {
  Work *work = workOf(released[size_t(Net::Hold)]);
  bool waited = loadWaits == CycleClass::WaitRow;
  loadWaits.reset();
  if (!work || work->plan.outputStationary())
    return false;
  OperandId held = work->plan.levels.held;
  bool begins = false;
  if (!loadRuns) {
    if (work->tilesBegun < work->tilesLoaded)
      return false; // The shadow registers are full.
    if (!routeReady(*work, Net::Hold))
      loadWaits = CycleClass::WaitRoute;
    else if (!lossPassed(*work, held))
      loadWaits = CycleClass::WaitLoss;
    if (loadWaits)
      return false;
    begins = loadRuns = loadStepwise = true;
    loadLeft = work->plan.loadBeats;
    loadIdealEnd = now + loadLeft;
    ++eventCount;
  }
  if (loadStepwise) {
    bool pending = mayBePending(*work, held);
    loadStepwise = pending || work->plan.overhangs(held);
    if (pending &&
        isPending(work->plan.slab(held),
                  work->plan.rowOfLoad(work->loads.index(),
                                       work->plan.loadBeats - loadLeft))) {
      loadWaits = CycleClass::WaitRow;
    } else if (waited) {
      loadIdealEnd = now + loadLeft;
    }
  }
  return begins;
}

bool ArrayEngine::settleReload(int64_t now) {
  reloadBlocked.reset();
  reloadAt = std::max(reloadAt, firstWork);
  Work *work = workOf(reloadAt);
  while (work && (!work->contract.nest.accumulate ||
                  work->scopesReloaded == work->plan.scopes))
    work = workOf(++reloadAt);
  if (!work)
    return false;
  int64_t scope = work->firstScope + work->scopesReloaded;
  bool begins = false;
  if (!reloadRuns) {
    if (drainedScopes < scope - 1) {
      int64_t conflicts;
      reloadBlocked =
          Blocked{CycleClass::DrainBusy, drainEnd(scope - 2, now, conflicts)};
      return false;
    }
    work->plan.reloadRows(work->reloads.index(), reloadRows);
    reloadNext = 0;
    begins = reloadRuns = true;
    ++eventCount;
  }
  int64_t slab = work->contract.nest.sumsPlace().slab;
  reloadStepwise =
      mayBePending(*work, slab, rowRange(work->contract.nest.partialSums())) ||
      work->tilesBegun > 0;
  if (!reloadStepwise)
    return begins;
  // Its own visit to the row, or that of the one that ends the scope, comes
  // later: no two of its scopes share one.
  int64_t row = reloadRows[size_t(reloadNext / ContractPlan::sumPlanes)] +
                reloadNext % ContractPlan::sumPlanes;
  const std::vector<int32_t> &pending = pendingRows[size_t(slab)];
  int32_t visits = row < int64_t(pending.size()) ? pending[size_t(row)] : 0;
  for (uint64_t w = reloadAt; const Work *later = workOf(w); ++w) {
    auto [first, last] = later->plan.rowRange(OperandC);
    visits -= later->tilesBegun > 0 && later->contract.nest.drainAtEnd &&
              later->plan.slab(OperandC) == slab && first <= row && row <= last;
  }
  if (visits > 0)
    reloadBlocked = Blocked{CycleClass::WaitRow, never};
  return begins;
}

bool ArrayEngine::settleRoutes(int64_t now) {
  bool changed = false;
  for (size_t net = 0; net < 3; ++net) {
    RouteQueue &queue = routeQueues[net];
    if (queue.runs && queue.end <= now) {
      queue.runs = false;
      queue.served = queue.requests.front().number;
      timing[queue.requests.front().instruction].end = now;
      queue.requests.pop_front();
      --loading;
      changed = true;
    }
    if (queue.runs || queue.requests.empty() ||
        released[net] < queue.requests.front().after)
      continue;
    queue.runs = true;
    queue.end = now + queue.requests.front().cycles;
    timing[queue.requests.front().instruction].start = now;
    ++eventCount;
  }
  return changed;
}

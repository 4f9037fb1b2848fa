//===- ArrayEngine.h - The contract queue at work ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Array, loader of stationary tiles, reduction network, accumulators and route
/// loaders side by side (docs/Queues.md, section 3). Time passes in windows of
/// at most 64 cycles in which nothing begins; inside a window the engines share
/// the slabs through one bit per slab and cycle, in order of precedence.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_ARRAYENGINE_H
#define FETTA_LIB_SIMULATOR_ARRAYENGINE_H

#include "ContractPlan.h"
#include "ResourceTrack.h"
#include "SlabBits.h"

#include <deque>
#include <memory>

namespace fetta {

/// Tracks of the resources that the array engine knows.
struct ArrayTracks {
  ResourceTrack *contract;
  std::array<ResourceTrack *, 3> networks, routes;
  std::array<ResourceTrack *, 2> halves;
};

class ArrayEngine {
public:
  ArrayEngine(const Program &program, ArrayTracks tracks,
              std::vector<InstructionTiming> &timing);

  /// Whether the queue's next contraction may issue, its tokens apart.
  bool shadowFree() const;
  void issueRoute(size_t instruction, int64_t now);
  void issueContract(size_t instruction, int64_t now);

  /// Begins and ends what does so in cycle `now`; whether something happened
  /// that others may wait for.
  bool settle(int64_t now);
  /// Latest end of a window that starts at `now`.
  int64_t nextEvent(int64_t now) const;
  /// Lets the cycles [now, next) pass. `taken`: cycles that DMA has forced;
  /// takes the array's accesses down in it. `waitsForTokens`: the contraction
  /// that cannot issue for that, or nobody.
  void advance(int64_t now, int64_t next, SlabBits &taken,
               uint32_t waitsForTokens);

  /// Instructions that have completed since the last call.
  std::vector<size_t> takeCompleted() { return std::exchange(completed, {}); }
  bool done() const { return works.empty() && loading == 0; }
  /// Row accesses of each slab by the array: reads, and writes.
  llvm::ArrayRef<std::array<int64_t, 2>> slabAccesses() const {
    return accesses;
  }
  /// Parts of blocks of beats, loads, drains, reloads and routes so far.
  int64_t events() const { return eventCount; }

private:
  using Touched = std::map<std::pair<int64_t, uint32_t>, int64_t>;
  /// A contraction between its issue and its last written row.
  struct Work {
    Work(size_t instruction, const Contract &contract, const Machine &machine)
        : instruction(instruction), contract(contract),
          plan(contract.nest, machine), beats(contract.nest),
          loads(contract.nest), reloads(contract.nest),
          scopeStart(beats.index()) {}
    size_t instruction;
    const Contract &contract;
    ContractPlan plan;
    uint64_t id = 0; ///< Counts contractions.
    int64_t firstScope = 0;
    std::array<uint64_t, 3> routeNumber = {0, 0, 0};
    std::array<uint64_t, 2> lossAfter = {0, 0}; ///< Of A and B.
    LoopCounters beats, loads, reloads;         ///< Where each engine stands.
    ModeIndex scopeStart;
    int64_t scope = 0, tilesBegun = 0, tilesLoaded = 0, scopesReloaded = 0;
    int64_t blockBeat = 0; ///< Beats of the block that are over.
    bool newTile = true, newScope = true;
    bool newScopeOfTile = true; ///< Output-stationary.
    /// The block at hand has begun; its first beat may still wait for a row.
    bool tileBegun = false;
    bool completed = false;
    /// Last touch of (accumulator row, flips); only where additions to one word
    /// keep a distance. Parts of one sum share it.
    std::shared_ptr<Touched> touched;

    int64_t scopeNumber() const { return firstScope + scope; }
  };
  /// A scope on its way out of the accumulators.
  struct Drain {
    Work *work;
    int64_t scope, firstDate;
    int64_t begin; ///< Of the scope.
    bool last;     ///< Of its contraction.
    bool stays;    ///< Nothing is drained: the scope stays open.
    std::vector<int32_t> rows;
    int64_t next = 0; ///< Row access.
    int64_t start = -1, conflicts = 0;
    int64_t left() const {
      return int64_t(rows.size()) * work->plan.planes - next;
    }
  };
  /// Rows that a contraction has still to write.
  struct Pending {
    uint64_t work;
    int64_t slab, first, last;
  };
  struct Blocked {
    CycleClass cycleClass;
    int64_t until; ///< When to look again, at the latest.
  };

  // Array.
  /// What the next block waits for to begin, and then each beat.
  std::optional<Blocked> tileBlocker(int64_t now);
  std::optional<Blocked> beatBlocker(int64_t now);
  void beginTile(int64_t now);
  std::optional<Blocked> waitsForLoad(const Work &work, int64_t now) const;
  /// The accumulators of scope number `scope` of the contraction.
  std::optional<Blocked> waitsForHalf(const Work &work, int64_t scope,
                                      int64_t now) const;
  std::optional<Blocked> waitsForWords(Work &work, const ModeIndex &index,
                                       const ModeIndex &scopeStart,
                                       int64_t now);
  void beginBlock(int64_t now);
  void endBlock(int64_t now);
  void endTile();
  bool beatByBeat(const Work &work) const;
  /// Cycles of the running block in which an operand reads a row.
  uint64_t blockBits(int64_t from, int64_t to, OperandId id) const;
  /// Cycles in the first `subBeats` of each beat of the running block.
  int64_t blockCount(int64_t from, int64_t to, int64_t subBeats) const;
  // Beside it.
  bool settleTileDrain(int64_t now);
  bool settleLoader(int64_t now);
  bool settleReload(int64_t now);
  bool settleRoutes(int64_t now);
  void endScope(Work &work, const ModeIndex &scopeStart, int64_t scope,
                int64_t end, bool last);
  void endDrain(int64_t end);
  bool settleDrains(int64_t now);
  void finishWork(Work &work, int64_t now);
  void passBeats(int64_t now, int64_t next, SlabBits &taken,
                 uint32_t waitsForTokens);
  void passLoader(int64_t now, int64_t next, SlabBits &taken);
  void passDrains(int64_t now, int64_t next, SlabBits &taken);
  void passReload(int64_t now, int64_t next, SlabBits &taken);
  void passRoutes(int64_t next);
  void passTileDrain(int64_t now, int64_t next);
  /// Class of a window without beats.
  CycleClass waitingClass(int64_t now, uint32_t waitsForTokens) const;
  // Rows and routes.
  void markPending(Work &work);
  bool mayBePending(const Work &work, OperandId id) const {
    return mayBePending(work, work.plan.slab(id), work.plan.rowRange(id));
  }
  bool mayBePending(const Work &work, int64_t slab,
                    std::pair<int64_t, int64_t> rows) const;
  bool someoneWaitsForRows() const;
  bool isPending(int64_t slab, const ContractPlan::Row &row) const;
  bool routeReady(const Work &work, Net net) const;
  bool lossPassed(const Work &work, OperandId id) const;
  /// When the drain of a scope ends if nothing holds it up, or never while its
  /// beats go on; `conflicts`: cycles that it and those before it have lost.
  int64_t drainEnd(int64_t scope, int64_t now, int64_t &conflicts) const;
  /// A contraction that has issued and not completed, or null.
  Work *workOf(uint64_t id) const;

  const Program &program;
  const Machine &machine;
  ArrayTracks tracks;
  std::vector<InstructionTiming> &timing;
  int64_t pipeline;

  std::deque<std::unique_ptr<Work>> works; ///< In order; not yet completed.
  uint64_t firstWork = 0; ///< Number of works.front() among contractions.
  uint64_t issuedWorks = 0;
  uint64_t arrayAt = 0;  ///< Contraction whose beats run or come next.
  uint64_t reloadAt = 0; ///< Contraction whose scope is reloaded next.
  /// Contractions that have made their last use of a network.
  std::array<uint64_t, 3> released = {0, 0, 0};
  std::shared_ptr<Touched> lastTouched; ///< Of the last contraction issued.
  int64_t scopesIssued = 0;
  bool scopeOpen = false; ///< The last contraction issued leaves one open.
  std::vector<size_t> completed;
  int64_t eventCount = 0;
  uint32_t queueOwner = nobody; ///< To whom the queue's cycles go.

  // Array.
  enum class State : uint8_t { Ready, Beating, TileEnd } state = State::Ready;
  std::optional<Blocked> blocked;
  int64_t blockBegin = 0, blockEnd = 0;
  int64_t chunkBeats = 0;   ///< Beats of the running part of a block.
  int64_t earliestBeat = 0; ///< Distance of additions, output-stationary.
  std::array<int64_t, 2> scopeBegin = {0, 0}; ///< By half.

  // Stationary loads.
  bool loadRuns = false, loadStepwise = false;
  std::optional<CycleClass> loadWaits;
  int64_t loadLeft = 0, loadIdealEnd = 0;

  // Drain of an output-stationary tile.
  enum class TileDrain : uint8_t { Idle, Waiting, Runs };
  TileDrain tileDrain = TileDrain::Idle;
  std::optional<Blocked> tileDrainBlocked;
  Work *tileWork = nullptr;
  ModeIndex tileIndex, tileScopeStart;
  int64_t tileDrainEnd = 0, tileScope = 0;
  bool tileFirstOfScope = false, tileEndsScope = false, tileLast = false;

  // Drains of scopes.
  std::deque<Drain> drains;
  int64_t drainedScopes = 0;
  int64_t drainsEnd = 0; ///< After the last row access of those before.

  // Reload.
  bool reloadRuns = false, reloadStepwise = false;
  std::optional<Blocked> reloadBlocked;
  std::vector<int32_t> reloadRows;
  int64_t reloadNext = 0; ///< Row access.

  struct RouteRequest {
    uint64_t number; ///< Counts from 1, for its network.
    size_t instruction;
    int64_t cycles;
    uint64_t after; ///< Contractions that must have released the network.
  };
  struct RouteQueue {
    std::deque<RouteRequest> requests; ///< The first one runs if `runs`.
    bool runs = false;
    int64_t end = 0;
    uint64_t asked = 0, served = 0;
    std::map<uint16_t, uint64_t> slotRequest; ///< Last request by slot.
    std::map<uint16_t, uint64_t> slotUser; ///< Contractions up to the last one.
  };
  std::array<RouteQueue, 3> routeQueues;
  int64_t loading = 0; ///< Route loads that have not ended.

  /// Visits that a row still waits for, by slab.
  std::vector<std::vector<int32_t>> pendingRows;
  std::vector<Pending> pendings;
  std::vector<std::array<int64_t, 2>> accesses;
  /// By tensor: contractions up to the last one that writes it.
  std::vector<uint64_t> writers;
  /// By tensor: the result whose gradient it is, or none.
  std::vector<int64_t> lossOf;
};

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_ARRAYENGINE_H

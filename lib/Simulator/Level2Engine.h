//===- Level2Engine.h - Queues and engines, cycle by cycle ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The control of the cycle-stepped model: what issues in a cycle, by the rules
/// of docs/Queues.md section 3. Names of the parts follow its paragraphs.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_LEVEL2ENGINE_H
#define FETTA_LIB_SIMULATOR_LEVEL2ENGINE_H

#include "Level2Array.h"
#include "fetta/Simulator/Level2.h"

#include <map>
#include <set>

namespace fetta::level2 {

/// A cycle that has not come yet.
inline constexpr int64_t Never = std::numeric_limits<int64_t>::max();

/// A route on its way into a slot.
struct RouteLoad {
  const Route *route = nullptr;
  int64_t cycles = 0;
  int64_t ready = Never; ///< First cycle in which it may be used.
  /// Contractions that used the slot before.
  std::vector<size_t> users;
};

/// A contraction that has issued.
struct Job {
  Job(size_t instruction, const Contract &contract, const Machine &machine)
      : instruction(instruction), contract(&contract),
        view(contract.nest, machine) {}

  size_t instruction;
  const Contract *contract;
  NestView view;
  std::array<std::shared_ptr<RouteLoad>, 3> routes;
  int64_t issued = Never;
  int64_t tilesBegun = 0;
  int64_t firstBeat = Never;
  /// Cycle of the last sub-beat, and of the last cycle of the last drain of an
  /// output-stationary tile.
  int64_t beatsEnd = Never, tileDrainsEnd = Never;
  int64_t loadsEnd = Never;
  /// Per tile: cycle in which its load ended, and its registers.
  std::vector<int64_t> loaded;
  std::vector<unsigned> registers;
  int64_t completed = Never;
  /// Writes to come, per row of its result.
  std::map<int64_t, int64_t> unwritten;

  /// Cycle after which it asks nothing more of a network.
  int64_t lastUse(Net net) const;
};

/// A transfer on its way through link and staging buffer.
struct Transfer {
  size_t instruction = 0;
  bool store = false;
  int64_t slab = 0, planes = 1;
  /// Stays of rows in the buffer, from burst to burst, counted from 1.
  struct Stay {
    int64_t from, to;
    bool returns; ///< Was evicted before.
  };
  std::vector<Stay> stays;
  std::vector<size_t> ends; ///< The same by their last burst.
  int64_t bursts = 0;
  int64_t start = Never; ///< On the link, in ticks.
  /// Cycles that the link stood still, behind so many bursts.
  std::vector<std::pair<int64_t, int64_t>> stands;
  bool linkDone = false;
  size_t entered = 0; ///< Load: rows in the buffer, or that were.
  size_t moved = 0;   ///< Rows written (load, by `ends`) or fetched (store).
  size_t left = 0;    ///< Store: rows that were sent.
  int64_t part = 0;   ///< Accesses of the row that is being moved.
  int64_t completed = Never;
};

class Engine {
public:
  Engine(const Program &program, TensorMemory &memory, DramMemory &dram,
         DramModel model);
  llvm::Expected<Level2Run> run(const std::function<void(int64_t)> &progress);

private:
  // One cycle.
  void signal();
  llvm::Error issue();
  void loadRoutes();
  void beats();
  void drainTiles();
  void loads();
  void drainScopes();
  bool drainScope();
  void reload();
  void reservePorts();
  llvm::Error moveTransfers();
  void standStill(Transfer &transfer);
  llvm::Error clock();

  // Parts of a beat.
  bool mayBeginBeat();
  void beginBeat();
  bool mayEndTile() const;
  bool mayTouchWords(const std::vector<SumTarget> &targets, int64_t first);
  void touchWords(const std::vector<SumTarget> &targets, int64_t first);
  void sendStreamed();
  void sendHeld();
  void endBeat();

  std::unique_ptr<RowPacket> readRow(const Access &access, const Route &route,
                                     OperandId operand);
  /// Whether the sub-beat can be served in this cycle; takes the slab's port.
  bool claim(const Job &job, OperandId operand, const Access &access);
  /// Whether a result whose gradient the operand is has been written.
  bool lossPassed(const Job &job, OperandId operand) const;
  bool isReady(const Job &job, Net net) const {
    return job.routes[size_t(net)]->ready <= now;
  }
  SumTarget target(size_t job, Access access, size_t scope) const;
  void accumulate(const SumPacket &packet);
  bool isDone() const;

  const Program &program;
  const Machine &machine;
  TensorMemory &memory;
  DramMemory &dram;
  int64_t now = 0, lastWrite = -1, lastTransfer = -1, lastActivity = 0;
  Counters counters;

  // Transfers.
  void beginTransfer(size_t instruction);
  int64_t burstEnd(const Transfer &transfer, int64_t burst) const;
  DramModel model;
  std::deque<std::shared_ptr<Transfer>> transfers; ///< In order of issue.
  std::map<size_t, std::shared_ptr<Transfer>> transferOf;
  int64_t linkFree = 0; ///< In ticks.
  std::array<int64_t, 2> stagedRows = {0, 0};
  std::array<int64_t, 2> wantedSlab = {-1, -1}, reservedSlab = {-1, -1};

  // Queues and routes.
  void sortQueues();
  llvm::Expected<bool> tryIssue(size_t instruction);
  bool isComplete(size_t instruction) const;
  std::array<std::deque<size_t>, QueueCount> queues;
  /// Issued and not known to be complete, in order.
  std::array<std::deque<size_t>, QueueCount> running;
  std::array<int64_t, SemaphoreCount> semaphores = {};
  std::map<size_t, size_t> jobOf; ///< By instruction.
  /// Per tensor: instructions that write the result whose gradient it is.
  std::vector<std::vector<size_t>> lossWriters;
  std::deque<Job> jobs;
  std::array<std::vector<std::shared_ptr<RouteLoad>>, 3> slots;
  std::array<std::deque<std::shared_ptr<RouteLoad>>, 3> loaders;
  std::array<std::vector<std::vector<size_t>>, 3> slotUsers;

  // Memory.
  std::vector<uint8_t> portTaken;              ///< Per slab, in this cycle.
  std::vector<std::vector<int64_t>> unwritten; ///< Writes to come, per row.

  // Stationary loads.
  size_t loadJob = 0;
  int64_t loadTile = 0, loadSubBeat = 0;
  size_t loadRow = 0;
  bool loading = false;
  unsigned nextRegisters = 0;

  // Beats.
  size_t beatJob = 0;
  int64_t beatNumber = 0;
  bool inBeat = false;
  Beat beat;
  std::shared_ptr<BeatControl> control;
  std::vector<SumTarget> targets;
  int64_t beatBegan = 0, beatEnded = -1, streamedSubBeat = 0, heldSubBeat = 0;
  /// Last cycle that the reduction network is taken, told as the cycle in which
  /// a beat that gets there then reads its operands.
  int64_t reduceTaken = -1;
  unsigned sumRegisters = 0;
  bool tileOpensScope = false;
  int64_t streamedAt = -1; ///< Cycle of the last streamed sub-beat.

  // Output-stationary tiles that drain.
  struct TileDrain {
    size_t job;
    Beat beat;
    std::shared_ptr<BeatControl> control;
    bool opensScope, endsScope, endsJob;
    int64_t ended; ///< Cycle of the tile's last beat.
  };
  std::deque<TileDrain> tileDrains;
  size_t tileDrainRow = 0;
  int64_t tileDrainEnd = -1;

  // Accumulators.
  std::array<Half, 2> halves;
  /// A scope, from its first sums on.
  struct Scope {
    size_t job = 0;
    /// Rows of the accumulators that it uses.
    std::set<int64_t> rows;
    /// Last cycle of its sums, told as `reduceTaken` is; Never while it grows.
    int64_t ended = Never;
    bool endsJob = false;
    int64_t accumulated = Never; ///< Cycle of its last sum.
    int64_t left = 0;            ///< Row accesses of its drain to come.
    int64_t drained = Never;     ///< Cycle of its last row.
  };
  std::deque<Scope> scopes;
  size_t drainingScope = 0;
  /// Whether a beat or tile drain of this cycle may open the next scope.
  bool halfIsFree(const NestView &view) const;
  size_t openScope(size_t job);
  void closeScope(size_t scope, size_t job, bool endsJob);
  /// Rows that a half had to give up before they were written, most at once.
  int64_t mostHeldRows = 0;
  /// Per scope: cycle in which its partial sums were back, 0 without any.
  std::vector<int64_t> reloaded;
  size_t reloadJob = 0;
  int64_t reloadBeat = 0;
  bool reloadLow = false;
  std::vector<NestView::ScopeRow> reloadRows;
  size_t drainRow = 0;
  bool lowPlane = false;
  int64_t drainEnd = -1;
  /// Cycle of the last addition to a word, where the adder is slow:
  /// [half][row * lanes + bank], and of the last beat of a tile.
  std::array<std::vector<int64_t>, 2> touched;
  int64_t tileTouched = -1;

  Distribution stream, hold;
  Array array;
  Reduction reduction;
  Pipe<SumPacket> accumulators;
};

} // namespace fetta::level2

#endif // FETTA_LIB_SIMULATOR_LEVEL2ENGINE_H

//===- Timing.cpp - Cycles of a program -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Timing.h"

#include "ArrayEngine.h"
#include "DmaEngine.h"

#include "llvm/Support/ErrorHandling.h"

#include <algorithm>
#include <numeric>

using namespace fetta;

llvm::StringRef fetta::cycleClassName(CycleClass cycleClass) {
  switch (cycleClass) {
  case CycleClass::Beat:
    return "beat";
  case CycleClass::BankConflict:
    return "bank-conflict";
  case CycleClass::FirstLoad:
    return "first-load";
  case CycleClass::StationaryReload:
    return "stationary-reload";
  case CycleClass::SlabConflict:
    return "slab-conflict";
  case CycleClass::AccHazard:
    return "acc-hazard";
  case CycleClass::DrainBusy:
    return "drain-busy";
  case CycleClass::Fill:
    return "fill";
  case CycleClass::Drain:
    return "drain";
  case CycleClass::WaitRoute:
    return "wait-route";
  case CycleClass::WaitRow:
    return "wait-row";
  case CycleClass::WaitLoss:
    return "wait-loss";
  case CycleClass::WaitSemaphore:
    return "wait-semaphore";
  case CycleClass::WaitSlot:
    return "wait-slot";
  case CycleClass::WaitStaging:
    return "wait-staging";
  case CycleClass::Load:
    return "load";
  case CycleClass::Store:
    return "store";
  case CycleClass::Reload:
    return "reload";
  case CycleClass::Busy:
    return "busy";
  case CycleClass::Read:
    return "read";
  case CycleClass::Write:
    return "write";
  case CycleClass::DmaRead:
    return "dma-read";
  case CycleClass::DmaWrite:
    return "dma-write";
  case CycleClass::IdleNoWork:
    return "idle-no-work";
  }
  llvm_unreachable("unknown class");
}

llvm::StringRef fetta::dramModelName(DramModel model) {
  return model == DramModel::Ideal ? "ideal" : "bandwidth";
}

int64_t CycleClasses::total() const {
  return std::accumulate(cycles.begin(), cycles.end(), int64_t(0));
}

CycleClasses &CycleClasses::operator+=(const CycleClasses &o) {
  for (size_t i = 0; i < cycles.size(); ++i)
    cycles[i] += o.cycles[i];
  return *this;
}

const CycleClasses &ProgramTiming::of(llvm::StringRef resource) const {
  for (const ResourceTiming &r : resources)
    if (r.name == resource)
      return r.classes;
  llvm_unreachable("unknown resource");
}

/// A model that loses or invents cycles must not report anything.
static void checkSum(llvm::StringRef what, const CycleClasses &classes,
                     int64_t total) {
  bool negative = llvm::any_of(classes.cycles, [](int64_t c) { return c < 0; });
  if (negative || classes.total() != total)
    llvm::report_fatal_error("cycle classes of " + what + " sum to " +
                             llvm::Twine(classes.total()) + ", not to " +
                             llvm::Twine(total));
}

namespace {

/// Runs the queues of a program against each other.
class ProgramTimer {
public:
  ProgramTimer(const Program &program, const TimingOptions &options);
  ProgramTiming run();

private:
  struct QueueState {
    std::vector<size_t> code; ///< Instructions, in order.
    size_t head = 0;          ///< Next to issue.
    size_t signalled = 0;     ///< Before it all have completed and signalled.
    bool atEnd() const { return head == code.size(); }
  };

  bool step();
  bool issue(Queue queue);
  bool tokensThere(const Tokens &tokens) const;
  bool signal();
  /// The contraction that waits for tokens, or nobody.
  uint32_t waitsForTokens() const;
  void passQueues(int64_t next);
  /// Hands the cycles of a window in which a slab was used to its track.
  void passSlab(ResourceTrack &track, uint64_t used) const;

  const Program &program;
  ProgramTiming timing;
  std::vector<ResourceTrack> tracks;
  std::vector<ResourceTrack> slabTracks; ///< For a sink only.
  std::unique_ptr<ArrayEngine> array;
  std::unique_ptr<DmaEngine> dma;
  std::array<QueueState, QueueCount> queues;
  std::vector<Tokens> tokenTable; ///< By instruction.
  std::vector<uint8_t> completed;
  std::array<int64_t, SemaphoreCount> tokens = {};
  int64_t now = 0;
  std::function<void(int64_t, int64_t)> progress;
  int64_t contracts = 0, contractsIssued = 0;
};

/// Tracks in the order of the report; slabs follow.
enum Resource : unsigned {
  ContractTrack,
  NetworkTracks,
  RouteTracks = NetworkTracks + 3,
  HalfTracks = RouteTracks + 3,
  QueueTracks = HalfTracks + 2, ///< Of load, store and vector.
  LinkTrack = QueueTracks + 3,
  TrackCount,
};
const char *const trackNames[] = {
    "contract",      "stream",      "hold",          "reduce",
    "stream-routes", "hold-routes", "reduce-routes", "accumulator0",
    "accumulator1",  "load",        "store",         "vector",
    "dram"};

} // namespace

std::vector<std::string> fetta::resourceNames(const Machine &machine) {
  std::vector<std::string> names(std::begin(trackNames), std::end(trackNames));
  for (int64_t s = 0; s < machine.slabs; ++s)
    names.push_back("slab" + std::to_string(s));
  return names;
}

ProgramTimer::ProgramTimer(const Program &program, const TimingOptions &options)
    : program(program), completed(program.code.size(), 0),
      progress(options.progress) {
  timing.instructions.resize(program.code.size());
  timing.dram = options.dram;
  for (unsigned i = 0; i < TrackCount; ++i)
    tracks.emplace_back(i, options.sink);
  for (unsigned s = 0; options.sink && s < program.machine.slabs; ++s)
    slabTracks.emplace_back(TrackCount + s, options.sink);
  ArrayTracks array;
  array.contract = &tracks[ContractTrack];
  for (size_t net = 0; net < 3; ++net) {
    array.networks[net] = &tracks[NetworkTracks + net];
    array.routes[net] = &tracks[RouteTracks + net];
  }
  array.halves = {&tracks[HalfTracks], &tracks[HalfTracks + 1]};
  this->array =
      std::make_unique<ArrayEngine>(program, array, timing.instructions);
  dma = std::make_unique<DmaEngine>(program, tracks[LinkTrack],
                                    timing.instructions, options.dram);
  for (const Instruction &instruction : program.code)
    tokenTable.push_back(tokensOf(instruction));
  for (size_t i = 0; i < program.code.size(); ++i) {
    if (std::holds_alternative<Halt>(program.code[i]))
      break;
    assert(!std::holds_alternative<Repeat>(program.code[i]) &&
           "a program runs with its repeats written out");
    queues[size_t(queueOf(program.code[i]))].code.push_back(i);
    contracts += std::holds_alternative<Contract>(program.code[i]);
  }
}

bool ProgramTimer::tokensThere(const Tokens &wanted) const {
  return llvm::all_of(wanted.waits, [&](const Token &token) {
    return tokens[token.semaphore] >= token.count;
  });
}

bool ProgramTimer::issue(Queue which) {
  QueueState &queue = queues[size_t(which)];
  if (queue.atEnd())
    return false;
  size_t i = queue.code[queue.head];
  const Tokens &wanted = tokenTable[i];
  bool contract = std::holds_alternative<Contract>(program.code[i]);
  if (!tokensThere(wanted) || (contract && !array->shadowFree()))
    return false;
  for (const Token &token : wanted.waits)
    tokens[token.semaphore] -= token.count;
  ++queue.head;
  if (contract) {
    array->issueContract(i, now);
    if (progress)
      progress(++contractsIssued, contracts);
  } else if (std::holds_alternative<LoadRoute>(program.code[i])) {
    array->issueRoute(i, now);
    completed[i] = 1; // What needs it waits for the slot, not for the queue.
  } else if (std::holds_alternative<Dma>(program.code[i])) {
    dma->issue(i, now);
  } else {
    timing.instructions[i].start = timing.instructions[i].end = now;
    completed[i] = 1;
  }
  return true;
}

bool ProgramTimer::signal() {
  bool changed = false;
  for (QueueState &queue : queues) {
    while (queue.signalled < queue.head &&
           completed[queue.code[queue.signalled]]) {
      size_t done = queue.code[queue.signalled++];
      for (const Token &token : tokenTable[done].signals) {
        tokens[token.semaphore] += token.count;
        changed |= token.count > 0;
      }
    }
  }
  return changed;
}

uint32_t ProgramTimer::waitsForTokens() const {
  const QueueState &queue = queues[size_t(Queue::Contract)];
  if (queue.atEnd() || tokensThere(tokenTable[queue.code[queue.head]]))
    return nobody;
  for (size_t i = queue.head; i < queue.code.size(); ++i)
    if (std::holds_alternative<Contract>(program.code[queue.code[i]]))
      return uint32_t(queue.code[i]);
  return nobody;
}

/// Everything that can happen in this cycle; whether more may follow.
bool ProgramTimer::step() {
  bool changed = array->settle(now);
  changed |= dma->settle(now);
  for (size_t i : array->takeCompleted())
    completed[i] = 1;
  for (size_t i : dma->takeCompleted())
    completed[i] = 1;
  changed |= signal();
  for (Queue queue :
       {Queue::Contract, Queue::Load, Queue::Store, Queue::Vector})
    while (issue(queue))
      changed = true;
  return changed;
}

/// The queues beside the contract queue, up to the end of a window.
void ProgramTimer::passQueues(int64_t next) {
  for (Queue which : {Queue::Load, Queue::Store, Queue::Vector}) {
    ResourceTrack &track = tracks[QueueTracks + unsigned(which) - 1];
    const QueueState &queue = queues[size_t(which)];
    if (which != Queue::Vector && dma->busy(which))
      track.add(next, CycleClass::Busy, nobody);
    else if (!queue.atEnd())
      track.add(next, CycleClass::WaitSemaphore,
                uint32_t(queue.code[queue.head]));
    else
      track.add(next, CycleClass::IdleNoWork, nobody);
  }
}

void ProgramTimer::passSlab(ResourceTrack &track, uint64_t used) const {
  while (used) {
    int first = llvm::countr_zero(used);
    int length = llvm::countr_one(used >> first);
    track.add(now + first, CycleClass::IdleNoWork, nobody);
    track.add(now + first + length, CycleClass::Busy, nobody);
    used &= ~(lowBits(length) << first);
  }
}

ProgramTiming ProgramTimer::run() {
  SlabBits taken(size_t(program.machine.slabs), 0);
  while (true) {
    while (step()) {
    }
    bool done = array->done() && dma->done() &&
                llvm::all_of(queues, [](const QueueState &q) {
                  return q.atEnd() && q.signalled == q.code.size();
                });
    if (done)
      break;
    std::fill(taken.begin(), taken.end(), 0);
    int64_t next = dma->force(now, taken)
                       ? now + 1
                       : std::min(array->nextEvent(now), dma->nextEvent(now));
    if (next >= never || next <= now)
      llvm::report_fatal_error(
          "the timing of the program does not go on after cycle " +
          llvm::Twine(now) + ": its queues wait for each other");
    array->advance(now, next, taken, waitsForTokens());
    dma->advance(now, next, taken);
    for (size_t s = 0; s < slabTracks.size(); ++s)
      passSlab(slabTracks[s], taken[s]);
    passQueues(next);
    now = next;
  }
  timing.cycles = now;
  std::vector<std::string> names = resourceNames(program.machine);
  timing.events = array->events() + dma->events();
  for (unsigned i = 0; i < TrackCount; ++i) {
    tracks[i].add(now, CycleClass::IdleNoWork, nobody);
    tracks[i].finish();
    timing.resources.push_back({names[i], tracks[i].classes()});
  }
  for (ResourceTrack &track : slabTracks)
    track.finish();
  for (size_t s = 0; s < taken.size(); ++s) {
    CycleClasses slab;
    slab[CycleClass::Read] = array->slabAccesses()[s][0];
    slab[CycleClass::Write] = array->slabAccesses()[s][1];
    slab[CycleClass::DmaRead] = dma->slabAccesses()[s][0];
    slab[CycleClass::DmaWrite] = dma->slabAccesses()[s][1];
    slab[CycleClass::IdleNoWork] = now - slab.total();
    timing.resources.push_back({names[TrackCount + s], slab});
  }
  for (const ResourceTiming &resource : timing.resources)
    checkSum(resource.name, resource.classes, timing.cycles);
  CycleClasses queue;
  for (const InstructionTiming &t : timing.instructions)
    queue += t.queue;
  if (!queues[size_t(Queue::Contract)].code.empty() && queue.total() > 0)
    checkSum("the contractions", queue, timing.cycles);
  return std::move(timing);
}

ProgramTiming fetta::timeProgram(const Program &program,
                                 const TimingOptions &options) {
  return ProgramTimer(program, options).run();
}

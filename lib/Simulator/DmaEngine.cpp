//===- DmaEngine.cpp - Transfers at work ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DmaEngine.h"

#include "fetta/Machine/EnergyTable.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <numeric>

using namespace fetta;

/// Macros of tensor memory that hold words of a tensor in a full row.
static int64_t macrosPerRow(const TensorEntry &tensor) {
  int64_t macros = 1;
  for (auto [bit, bank] : llvm::enumerate(tensor.layout.banks))
    if (bank.source && int64_t(1) << bit >= banksPerMacro)
      macros *= 2;
  return macros;
}

DmaEngine::DmaEngine(const Program &program, ResourceTrack &link,
                     std::vector<InstructionTiming> &timing, DramModel model)
    : program(program), machine(program.machine), link(link), timing(timing),
      model(model), plans(program), accesses(size_t(machine.slabs)) {
  int64_t common = std::gcd(machine.clockHz, machine.dramBytesPerSecond);
  numerator = machine.clockHz / common;
  denominator = machine.dramBytesPerSecond / common;
}

DmaEngine::Point DmaEngine::at(const Transfer &transfer, int64_t bytes) const {
  // Bytes times cycles per second may not fit 64 bits.
  __int128 value = __int128(bytes) * numerator + transfer.start.fraction;
  return {transfer.start.cycle + transfer.stood + int64_t(value / denominator),
          int64_t(value % denominator)};
}

void DmaEngine::issue(size_t instruction, int64_t now) {
  const auto &dma = std::get<Dma>(program.code[instruction]);
  const TensorEntry &tensor = program.tensors[dma.tensor];
  auto transfer = std::make_unique<Transfer>();
  transfer->instruction = instruction;
  transfer->plan = &plans.of(dma);
  transfer->slab = tensor.slab;
  transfer->planes = tensor.elementType == ElementType::F32 ? 2 : 1;
  transfer->store = dma.store;
  transfer->issued = now;
  InstructionTiming &t = timing[instruction];
  t.issued = now;
  t.dramBytes = transfer->plan->bytes;
  t.dmaMacrosPerRow = macrosPerRow(tensor);
  for (const StagedRow &row : transfer->plan->rows) {
    t.dmaReads += dma.store || row.returns ? transfer->planes : 0;
    t.dmaWrites += dma.store ? 0 : transfer->planes;
  }
  t.stagedWords = tensor.layout.elements() * transfer->planes;
  ++eventCount;
  if (model == DramModel::Ideal) {
    // No time, no port of a slab.
    t.start = t.end = now;
    completed.push_back(instruction);
    return;
  }
  accesses[size_t(tensor.slab)][0] += t.dmaReads;
  accesses[size_t(tensor.slab)][1] += t.dmaWrites;
  queue.push_back(transfer.get());
  (dma.store ? stores : loads).push_back(std::move(transfer));
}

//===----------------------------------------------------------------------===//
// What ends and begins
//===----------------------------------------------------------------------===//

bool DmaEngine::settleLink(int64_t now) {
  while (!queue.empty()) {
    Transfer &t = *queue.front();
    uint32_t owner = uint32_t(t.instruction);
    if (!t.started) {
      bool hasRow = !t.store || t.moved > 0 || t.plan->rows.empty();
      if (linkFree.ceil() > now || !hasRow)
        return false;
      // One that has waited for the link begins with the fraction of a cycle
      // that the one before has left.
      bool seamless = linkFree.ceil() == now && t.issued < now;
      t.start = seamless ? linkFree : Point{now, 0};
      t.started = true;
      timing[t.instruction].start = now;
      link.add(std::max(t.issued, linkFree.ceil()), CycleClass::IdleNoWork,
               nobody);
      link.add(now, CycleClass::WaitStaging, owner);
    }
    Point end = at(t, t.plan->bytes);
    if (end.ceil() > now)
      return false;
    t.linkDone = true;
    t.complete = std::max(t.complete, end.ceil() + machine.dramLatencyCycles);
    linkFree = end;
    CycleClass cycleClass = t.store ? CycleClass::Store : CycleClass::Load;
    link.add(end.ceil(), cycleClass, owner);
    link.recount(cycleClass, CycleClass::WaitStaging, t.stood);
    queue.pop_front();
  }
  return false;
}

void DmaEngine::settleLoads(int64_t now) {
  for (auto &load : loads) {
    if (!load->started)
      return;
    const TransferPlan &plan = *load->plan;
    while (load->entered < plan.rows.size() &&
           at(*load, plan.rows[load->entered].from).cycle +
                   machine.dramLatencyCycles <=
               now) {
      ++load->entered;
      ++staged[0];
      ++eventCount;
    }
    while (load->left < plan.ends.size() &&
           at(*load, plan.rows[plan.ends[load->left]].to).ceil() +
                   machine.dramLatencyCycles <=
               now)
      ++load->left;
  }
}

void DmaEngine::settleStores(int64_t now) {
  for (auto &store : stores) {
    if (!store->started)
      return;
    const TransferPlan &plan = *store->plan;
    while (store->left < plan.ends.size() &&
           at(*store, plan.rows[plan.ends[store->left]].to).ceil() <= now) {
      ++store->left;
      --staged[1];
    }
  }
}

bool DmaEngine::settle(int64_t now) {
  settleLink(now);
  settleLoads(now);
  settleStores(now);
  bool changed = false;
  for (Transfers *transfers : {&loads, &stores}) {
    // In order, as signals are.
    while (!transfers->empty()) {
      Transfer &t = *transfers->front();
      if (!t.linkDone || t.moved < t.plan->rows.size() || t.complete > now)
        break;
      timing[t.instruction].end = t.complete;
      completed.push_back(t.instruction);
      transfers->pop_front();
      changed = true;
    }
  }
  return changed;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

DmaEngine::Transfer *DmaEngine::writing() const {
  for (auto &load : loads)
    if (load->moved < load->left)
      return load.get();
  return nullptr;
}

DmaEngine::Transfer *DmaEngine::fetching() const {
  for (auto &store : stores)
    if (store->moved < store->plan->rows.size())
      return store.get();
  return nullptr;
}

int64_t DmaEngine::accessesOf(const Transfer &t) const {
  if (t.accessesLeft)
    return t.accessesLeft;
  size_t row = t.store ? t.moved : t.plan->ends[t.moved];
  return t.planes * (!t.store && t.plan->rows[row].returns ? 2 : 1);
}

int64_t DmaEngine::needed(const Transfer &store, int64_t now) const {
  if (store.started)
    return at(store, store.plan->rows[store.moved].from).cycle;
  // The link waits for the first row.
  bool next = !queue.empty() && queue.front() == &store;
  return next && linkFree.ceil() <= now ? now : never;
}

bool DmaEngine::force(int64_t now, SlabBits &taken) {
  forced[0] = forced[1] = false;
  if (Transfer *load = writing(); load && staged[0] > machine.stagingRows) {
    forced[0] = true;
    taken[size_t(load->slab)] |= 1;
    // Faster than one row a cycle: the link has to wait.
    if (staged[0] > machine.stagingRows + 1 && !queue.empty() &&
        queue.front()->started && !queue.front()->store)
      ++queue.front()->stood;
  }
  if (Transfer *store = fetching()) {
    int64_t date = needed(*store, now);
    if (now >= date - accessesOf(*store)) {
      if (!(taken[size_t(store->slab)] & 1)) {
        forced[1] = true;
        taken[size_t(store->slab)] |= 1;
      }
      if (store->started && now >= date)
        ++store->stood;
    }
  }
  return forced[0] || forced[1];
}

uint64_t DmaEngine::move(Transfer &t, uint64_t free, int64_t rows) {
  uint64_t used = 0;
  while (rows > 0 && free) {
    if (t.store && t.accessesLeft == 0) {
      ++staged[1];
      ++eventCount;
    }
    t.accessesLeft = accessesOf(t);
    uint64_t bits = firstBits(free, t.accessesLeft);
    t.accessesLeft -= llvm::popcount(bits);
    free &= ~bits;
    used |= bits;
    if (t.accessesLeft)
      break;
    ++t.moved;
    --rows;
    if (!t.store)
      --staged[0];
  }
  return used;
}

void DmaEngine::advance(int64_t now, int64_t next, SlabBits &taken) {
  auto free = [&](const Transfer &t, bool forced) {
    return forced ? uint64_t(1) : ~taken[size_t(t.slab)] & lowBits(next - now);
  };
  for (auto &load : loads) {
    if (load->moved == load->left)
      continue;
    uint64_t used =
        move(*load, free(*load, forced[0] && writing() == load.get()),
             int64_t(load->left - load->moved));
    taken[size_t(load->slab)] |= used;
    if (load->moved == load->plan->rows.size())
      load->complete = std::max(load->complete, now + bitsEnd(used));
    if (forced[0])
      break;
  }
  while (Transfer *store = fetching()) {
    int64_t room = machine.stagingRows - staged[1];
    if (store->accessesLeft || forced[1])
      room = std::max<int64_t>(room, 1);
    int64_t rows =
        std::min(room, int64_t(store->plan->rows.size() - store->moved));
    uint64_t used = move(*store, free(*store, forced[1]), rows);
    taken[size_t(store->slab)] |= used;
    if (forced[1] || !used || store->moved < store->plan->rows.size())
      break;
  }
  forced[0] = forced[1] = false;
}

int64_t DmaEngine::nextEvent(int64_t now) const {
  int64_t next = never;
  auto before = [&](int64_t cycle) {
    if (cycle > now)
      next = std::min(next, cycle);
  };
  if (!queue.empty()) {
    const Transfer &t = *queue.front();
    before(t.started ? at(t, t.plan->bytes).ceil() : linkFree.ceil());
  }
  bool moves = false;
  for (auto &load : loads) {
    if (!load->started)
      break;
    const TransferPlan &plan = *load->plan;
    int64_t latency = machine.dramLatencyCycles;
    if (load->entered < plan.rows.size())
      before(at(*load, plan.rows[load->entered].from).cycle + latency);
    if (load->left < plan.ends.size())
      before(at(*load, plan.rows[plan.ends[load->left]].to).ceil() + latency);
    before(load->complete);
    if (load->moved < load->left) {
      moves = true;
      if (load->left == plan.rows.size())
        before(now + accessesOf(*load) +
               int64_t(load->left - load->moved - 1) * load->planes);
    }
  }
  for (auto &store : stores)
    before(store->complete);
  if (const Transfer *store = fetching()) {
    bool room = store->accessesLeft || staged[1] < machine.stagingRows;
    moves |= room;
    before(needed(*store, now) - accessesOf(*store));
    // The first row lets the transfer begin.
    if (!store->started && store->moved == 0 && room)
      before(now + accessesOf(*store));
    if (!room)
      for (auto &earlier : stores)
        if (earlier->started && earlier->left < earlier->plan->ends.size()) {
          before(at(*earlier,
                    earlier->plan->rows[earlier->plan->ends[earlier->left]].to)
                     .ceil());
          break;
        }
  }
  return moves ? std::min(next, now + windowCycles) : next;
}

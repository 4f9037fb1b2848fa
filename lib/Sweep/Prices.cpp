//===- Prices.cpp - The half of the cost model that takes no time ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/CostModel.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <vector>

using namespace fetta;

namespace {

/// The DRAM link.
struct Link {
  explicit Link(const Machine &machine) : machine(machine) {}

  int64_t burstBytes(int64_t bytes) const {
    return int64_t(
        llvm::alignTo(uint64_t(bytes), uint64_t(machine.dramBurstBytes)));
  }
  int64_t bytes(const TransferFigures &transfer) const {
    return burstBytes(transfer.bytes) * transfer.count;
  }
  int64_t cycles(int64_t bytes) const {
    // Bytes times cycles per second may not fit 64 bits.
    unsigned __int128 product =
        (unsigned __int128)bytes * (unsigned __int128)machine.clockHz;
    return int64_t((product + uint64_t(machine.dramBytesPerSecond) - 1) /
                   uint64_t(machine.dramBytesPerSecond));
  }
  int64_t cyclesOf(const TransferFigures &transfer) const {
    return cycles(burstBytes(transfer.bytes));
  }
  int64_t cyclesOf(llvm::ArrayRef<TransferFigures> transfers) const {
    int64_t sum = 0;
    for (const TransferFigures &transfer : transfers)
      sum += bytes(transfer);
    return cycles(sum);
  }

  const Machine &machine;
};

int64_t allBytes(const MappedLayer &mapped, const Link &link) {
  int64_t sum = 0;
  for (const TransferFigures *transfer :
       {&mapped.x, &mapped.y, &mapped.dY, &mapped.dX})
    sum += link.bytes(*transfer);
  for (const auto *list :
       {&mapped.cores, &mapped.earlyGradients, &mapped.gradients})
    for (const TransferFigures &transfer : *list)
      sum += link.bytes(transfer);
  return sum;
}

/// Bytes of routes that are loaded and that become active: slots are replaced
/// least recently used first, as the program's builder does. Slices repeat the
/// sequence.
void countRoutes(const MappedLayer &mapped, const Machine &machine,
                 Counters &counters) {
  unsigned bits = machine.laneBits();
  int64_t switches = int64_t(machine.networkStages()) * (machine.lanes() / 2);
  auto bytes = int64_t(llvm::divideCeil(2 * switches + bits * bits, 8));
  for (const std::vector<uint16_t> &sequence : mapped.routes) {
    std::vector<uint16_t> slots; // Least recently used first.
    int64_t loads = 0, changes = 0, perSlice = 0;
    int active = -1;
    // The second slice is like all further ones.
    for (int64_t slice = 0; slice < std::min<int64_t>(mapped.slices, 2);
         ++slice) {
      perSlice = -loads;
      int64_t changesBefore = changes;
      for (uint16_t route : sequence) {
        changes += active != route;
        active = route;
        auto it = llvm::find(slots, route);
        if (it == slots.end()) {
          ++loads;
          if (int64_t(slots.size()) == machine.routeSlots)
            slots.erase(slots.begin());
        } else {
          slots.erase(it);
        }
        slots.push_back(route);
      }
      perSlice += loads;
      if (slice == 1) {
        loads += (mapped.slices - 2) * perSlice;
        changes += (mapped.slices - 2) * (changes - changesBefore);
      }
    }
    counters.routeBytes += loads * bytes;
    counters.activeRouteBytes += changes * bytes;
    counters.instructionBytes += loads * 16; // An instruction of one unit.
  }
}

} // namespace

namespace {

/// Replays loads, contractions and stores of all slices. The array works on
/// F0, F1, R0, F2, R1, ... (F: forward pass, R: the rest), loads come in the
/// order X0, X1, dY0, X2, dY1, ..., stores in that in which the array makes Y
/// and dX. The link serves whichever queue is ready first.
class LinkReplay {
public:
  LinkReplay(const MappedLayer &mapped, const Machine &machine)
      : mapped(mapped), link(machine), latency(machine.dramLatencyCycles) {
    slices.resize(size_t(mapped.slices));
    slices[0].xAllowed = 0;
    for (int64_t i = 0; i < mapped.slices; ++i) {
      if (i == 0)
        queueLoad(0, false);
      if (i + 1 < mapped.slices)
        queueLoad(i + 1, false);
      queueLoad(i, true);
    }
    // The same order on the array.
    for (const Transfer &load : loads)
      work.push_back({load.slice, load.gradient});
  }

  int64_t run() {
    while (advanceArray() || advanceLink())
      ;
    return std::max(end, arrayFree);
  }

private:
  static constexpr int64_t unknown = -1;
  struct Slice {
    int64_t xAllowed = unknown, xHere = unknown, yReady = unknown,
            yStored = unknown, dYHere = unknown, dXReady = unknown;
  };
  struct Transfer {
    int64_t slice = 0;
    bool gradient = false; ///< dY or dX, not X or Y.
  };

  void queueLoad(int64_t slice, bool gradient) {
    loads.push_back({slice, gradient});
  }
  const SliceCycles &partOf(int64_t slice) const {
    return slice == 0 ? mapped.first : mapped.further;
  }

  /// The next work of the array, if what it needs has a known time.
  bool advanceArray() {
    if (worked == work.size())
      return false;
    Transfer next = work[worked];
    Slice &slice = slices[size_t(next.slice)];
    const SliceCycles &part = partOf(next.slice);
    int64_t here = next.gradient ? slice.dYHere : slice.xHere;
    if (here == unknown)
      return false;
    ++worked;
    int64_t start = std::max(arrayFree, here);
    stores.push_back(next);
    if (!next.gradient) {
      arrayFree = slice.yReady = start + part.forward;
      if (next.slice + 1 < mapped.slices)
        slices[size_t(next.slice + 1)].xAllowed = start;
      return true;
    }
    slice.dXReady = start + part.backward;
    arrayFree = slice.dXReady + part.weights;
    return true;
  }

  int64_t readyOf(const Transfer &transfer, bool store) const {
    const Slice &slice = slices[size_t(transfer.slice)];
    if (store)
      return transfer.gradient ? slice.dXReady : slice.yReady;
    return transfer.gradient ? slice.yStored : slice.xAllowed;
  }

  int64_t move(int64_t ready, int64_t cycles) {
    linkFree = std::max(linkFree, ready) + cycles;
    end = std::max(end, linkFree + latency);
    return linkFree + latency;
  }

  bool advanceLink() {
    int64_t load =
        loaded < loads.size() ? readyOf(loads[loaded], false) : unknown;
    int64_t store =
        stored < stores.size() ? readyOf(stores[stored], true) : unknown;
    if (load == unknown && store == unknown)
      return storeGradients();
    if (store == unknown ||
        (load != unknown &&
         std::max(load, linkFree) <= std::max(store, linkFree))) {
      Transfer next = loads[loaded];
      Slice &slice = slices[size_t(next.slice)];
      int64_t cycles = link.cyclesOf(next.gradient ? mapped.dY : mapped.x);
      if (loaded++ == 0)
        cycles += link.cyclesOf(mapped.cores);
      (next.gradient ? slice.dYHere : slice.xHere) = move(load, cycles);
      return true;
    }
    Transfer next = stores[stored++];
    bool last = next.gradient && next.slice + 1 == mapped.slices;
    if (last) // Those of cores that are complete before dX.
      move(store - partOf(next.slice).backward,
           link.cyclesOf(mapped.earlyGradients));
    int64_t here =
        move(store, link.cyclesOf(next.gradient ? mapped.dX : mapped.y));
    if (!next.gradient)
      slices[size_t(next.slice)].yStored = here;
    return true;
  }

  /// Once, when all else is done.
  bool storeGradients() {
    if (finished)
      return false;
    finished = true;
    move(arrayFree, link.cyclesOf(mapped.gradients));
    return true;
  }

  const MappedLayer &mapped;
  Link link;
  int64_t latency;
  std::vector<Slice> slices;
  std::vector<Transfer> loads, stores, work;
  size_t loaded = 0, stored = 0, worked = 0;
  int64_t linkFree = 0, arrayFree = 0, end = 0;
  bool finished = false;
};

} // namespace

int64_t fetta::overlapWithLink(const MappedLayer &mapped,
                               const Machine &machine) {
  return LinkReplay(mapped, machine).run();
}

llvm::StringRef RawFigures::binding() const {
  return limit() == limitDram   ? "dram"
         : limit() == limitPath ? "critical_path"
                                : "compute";
}

RawFigures fetta::priceLayer(const MappedLayer &mapped, const Machine &machine,
                             DramModel dram) {
  Link link(machine);
  RawFigures p;
  p.multiplyAdds = mapped.multiplyAdds;
  p.slices = mapped.slices;
  p.contractions = mapped.contractions;
  p.arrayCycles = mapped.arrayCycles();
  p.dramBytes = allBytes(mapped, link);
  p.limitCompute =
      int64_t(llvm::divideCeil(mapped.multiplyAdds, machine.pes()));
  // The first contraction waits for the words of a route, without its masks.
  int64_t switches = int64_t(machine.networkStages()) * (machine.lanes() / 2);
  auto route = int64_t(llvm::divideCeil(llvm::divideCeil(2 * switches, 8),
                                        machine.routeBytesPerCycle));
  p.limitArray = mapped.arrayPath + route;
  p.limitPath = mapped.criticalPath + route;
  if (p.limitPath >= p.limitCompute)
    p.limitPath = std::max(p.limitPath, p.limitArray);
  bool takesTime = dram == DramModel::Bandwidth;
  p.limitDram = takesTime ? link.cycles(p.dramBytes) : 0;
  p.serialCycles = mapped.serialCycles + p.limitDram;
  p.cycles = takesTime ? overlapWithLink(mapped, machine) : p.arrayCycles;

  Counters counters = mapped.counters;
  counters.dramBytes = p.dramBytes;
  countRoutes(mapped, machine, counters);
  p.weights = energyWeights(counters, machine,
                            double(p.cycles) * 1e9 / double(machine.clockHz));
  return p;
}

PointFigures fetta::deriveFigures(const RawFigures &raw, const Machine &machine,
                                  const EnergyTable &energy,
                                  const AreaTable &area) {
  PointFigures p;
  static_cast<RawFigures &>(p) = raw;
  if (p.cycles > 0) {
    p.utilization =
        double(p.multiplyAdds) / (double(machine.pes()) * double(p.cycles));
    p.shareOfLimit = double(p.limit()) / double(p.cycles);
  }
  p.seconds = double(p.cycles) / double(machine.clockHz);
  for (unsigned i = 0; i < numEnergyEvents; ++i)
    (isStatic(EnergyEvent(i)) ? p.staticEnergy : p.dynamicEnergy)
        .add(energy.entries[i], p.weights[i]);
  p.area = areaOf(machine, area);
  return p;
}

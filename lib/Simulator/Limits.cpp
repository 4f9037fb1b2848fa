//===- Limits.cpp - What no schedule of a program can beat ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Limits.h"

#include "NestGeometry.h"
#include "fetta/Simulator/ArrayJobs.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <map>

using namespace fetta;

int64_t Limits::largest() const {
  return std::max({compute, array, dram, criticalPath});
}

llvm::StringRef Limits::binding() const {
  return largest() == dram           ? "dram"
         : largest() == criticalPath ? "critical_path"
                                     : "compute";
}

static int64_t beatsAtPeak(int64_t work, const Machine &machine) {
  return int64_t(llvm::divideCeil(uint64_t(work), uint64_t(machine.pes())));
}

namespace {

/// Finds the longest chain. Times are those of beats, counted from 1; a beat of
/// an output-stationary contraction counts as one of the cycle behind it, in
/// which its sums leave at the earliest.
class Chains {
public:
  explicit Chains(const Program &program)
      : program(program), machine(program.machine),
        pipeline(machine.pipelineCycles()), written(program.tensors.size()),
        after(program.tensors.size()), loaded(program.tensors.size()),
        leastCyclesOf(machine) {
    // No beat before a stationary load (or, output-stationary, no sum before
    // the drain of its tile), and neither before a route is there.
    if (std::optional<int64_t> route = firstRoute())
      begin += *route;
  }

  void bound(Limits &limits) {
    int64_t end = 0;
    for (const Instruction &instruction : program.code) {
      if (const auto *contract = std::get_if<Contract>(&instruction))
        end = std::max(end, add(*contract) + pipeline + 1);
      else if (const auto *dma = std::get_if<Dma>(&instruction))
        add(*dma);
    }
    limits.array = sharedArray(jobs, pipeline + 1);
    // Parts of a chain with other contractions between them.
    limits.criticalPath =
        end < limits.compute ? end : std::max(end, limits.array);
  }

private:
  struct Write {
    std::pair<int64_t, int64_t> rows;
    const Operand *window; ///< What it writes, for whoever writes it again.
    int64_t done; ///< The last row is written a pipeline and a cycle later.
    int64_t lastBeat = 0;
    int64_t firstWord = 0; ///< No word is complete before this beat.
    llvm::SmallVector<unsigned, 1> jobs; ///< Contractions that write them.
  };

  /// The last row that any of the contractions writes.
  struct Behind {
    int64_t end = 0;
    llvm::SmallVector<unsigned, 1> jobs;
    void add(const Behind &other) {
      end = std::max(end, other.end);
      jobs.append(other.jobs.begin(), other.jobs.end());
    }
  };

  /// Cycles that the words of the route take through which the first
  /// contraction streams, if it is loaded before.
  std::optional<int64_t> firstRoute() const {
    std::map<uint16_t, uint32_t> slots;
    for (const Instruction &instruction : program.code) {
      if (const auto *load = std::get_if<LoadRoute>(&instruction)) {
        if (load->net == Net::Stream)
          slots[load->slot] = load->route;
      } else if (const auto *contract = std::get_if<Contract>(&instruction)) {
        auto it = slots.find(contract->slots[size_t(Net::Stream)]);
        if (it == slots.end())
          return std::nullopt;
        // Masks depend on the mapping.
        size_t bits = 2 * program.routes[it->second].codes.size();
        return int64_t(llvm::divideCeil(llvm::divideCeil(bits, 8),
                                        uint64_t(machine.routeBytesPerCycle)));
      }
    }
    return std::nullopt;
  }

  /// First and last index of a region's first dimension that a transfer
  /// touches.
  std::pair<int64_t, int64_t> slice(const Dma &dma) const {
    const DramRegion &region = program.regions[dma.region];
    const Layout &layout = program.tensors[dma.tensor].layout;
    int64_t first = dma.offset, last = dma.offset;
    for (size_t d = 0; d < layout.dims.size(); ++d) {
      int64_t reach = (layout.dims[d].size - 1) * dma.strides[d];
      (reach < 0 ? first : last) += reach;
    }
    int64_t inner = region.shape.empty() || region.shape[0] == 0
                        ? 1
                        : region.elements() / region.shape[0];
    return {first / inner, last / inner};
  }

  /// A transfer hands on what its elements have to come after.
  void add(const Dma &dma) {
    const DramRegion &region = program.regions[dma.region];
    if (dma.store) {
      Behind last = after[dma.tensor];
      for (const Write &write : written[dma.tensor])
        last.add({write.done + pipeline + 1, write.jobs});
      stores[region.name].push_back({slice(dma), std::move(last)});
      return;
    }
    // What was in the tensor's place does not matter to who reads it now.
    written[dma.tensor].clear();
    after[dma.tensor] = {};
    loaded[dma.tensor] = true;
    llvm::StringRef name = region.name;
    bool gradient = name.consume_front("d_");
    auto it = stores.find(gradient ? name.str() : region.name);
    if (it == stores.end())
      return;
    auto [first, last] = slice(dma);
    bool sameShape = !gradient || sameShapes(name, region);
    for (const auto &[rows, behind] : it->second)
      if (!sameShape || (rows.first <= last && first <= rows.second))
        after[dma.tensor].add(behind);
  }

  bool sameShapes(llvm::StringRef name, const DramRegion &gradient) const {
    for (const DramRegion &region : program.regions)
      if (region.name == name)
        return region.shape == gradient.shape;
    return false;
  }

  int64_t add(const Contract &contract) {
    const Nest &nest = contract.nest;
    const LeastCycles &least = leastCyclesOf(nest);
    auto self = unsigned(jobs.size());
    jobs.push_back({0, 0, least, nest.drainAtEnd, 1, {}});
    using Date = ArrayJob::Date;
    auto follows = [&](unsigned job, Date from, Date to, int64_t cycles) {
      jobs[job].behind.push_back({self, from, to, cycles});
    };
    // First beat that multiplies, last beat, first complete word, last row.
    int64_t start = begin, last = 0, firstWord = 0;
    int64_t done = self == 0 ? begin + least.alone - 1 : 0;
    auto reads = [&](uint32_t tensor, const Operand &operand) {
      // Everything it does with the tensor comes after these.
      if (const Behind &loss = after[tensor]; loss.end > 0) {
        // It issues then, and loads or drains a tile besides its beats.
        start = std::max(start, loss.end + 2);
        done = std::max(done, loss.end + 1 + least.alone);
        for (unsigned job : loss.jobs) {
          follows(job, ArrayJob::Done, ArrayJob::Start, pipeline + 3);
          follows(job, ArrayJob::Done, ArrayJob::Done,
                  pipeline + 2 + least.alone);
        }
      }
      auto [first, end] = rowRange(operand);
      // Each of its words is a sum over all of an operand whose modes are all
      // reduced.
      bool wholly = true;
      for (auto [mode, dim] : llvm::enumerate(operand.modes))
        wholly &= !dim || nest.sizes[mode] == 1 || nest.isReduced(mode);
      bool fromContractions =
          !loaded[tensor] && !isPreloaded(program.tensors[tensor].role);
      std::optional<int64_t> earliest;
      std::optional<unsigned> writer;
      unsigned writers = 0;
      for (const Write &write : written[tensor]) {
        if (write.rows.second < first || end < write.rows.first)
          continue;
        writers += unsigned(write.jobs.size());
        writer = write.jobs.front();
        earliest =
            std::min(earliest.value_or(write.firstWord), write.firstWord);
        if (write.rows.first < first || end < write.rows.second)
          continue;
        last = std::max(
            {last, write.lastBeat + least.window, write.done + pipeline + 2});
        if (wholly)
          firstWord = std::max(firstWord, write.done + pipeline + 2);
        for (unsigned job : write.jobs) {
          follows(job, ArrayJob::Last, ArrayJob::Last, least.window);
          follows(job, ArrayJob::Done, ArrayJob::Last, pipeline + 2);
          if (wholly)
            follows(job, ArrayJob::Done, ArrayJob::First, pipeline + 2);
        }
      }
      // No beat multiplies before its words are there.
      if (fromContractions && earliest)
        start = std::max(start, *earliest + pipeline + 2);
      if (fromContractions && writers == 1)
        follows(*writer, ArrayJob::First, ArrayJob::Start, pipeline + 2);
    };
    for (OperandId id : {OperandA, OperandB}) {
      uint32_t tensor = contract.tensors[id];
      reads(tensor, nest.operands[id]);
      for (const Write &write : lossBefore(tensor)) {
        start = std::max(start, write.done + pipeline + 2);
        for (unsigned job : write.jobs)
          follows(job, ArrayJob::Done, ArrayJob::Start, pipeline + 2);
      }
    }
    uint32_t result = contract.tensors[OperandC];
    if (nest.accumulate && nest.dataflow != Dataflow::OutputStationary)
      reads(sumsTensor(contract), nest.partialSums());
    if (!nest.clearAtStart)
      start = std::max(start, open + 1);
    firstWord = std::max(firstWord, start + least.word - 1);
    last = std::max({last, firstWord, start + least.window - 1});
    jobs[self].start = start;
    jobs[self].first = firstWord;
    if (!nest.drainAtEnd) {
      open = last;
      return last;
    }
    done = std::max({done, last, firstWord + least.drain - 1});
    std::pair<int64_t, int64_t> rows = rowRange(nest.c());
    Write own{rows, &nest.c(), done, last, firstWord, {self}};
    for (Write &write : written[result])
      if (write.rows == rows && write.window->modes == own.window->modes &&
          write.window->banks == own.window->banks) {
        // What comes behind a part of a sum comes behind those before it.
        // Otherwise nobody reads any more what was there before.
        if (nest.accumulate && sumsTensor(contract) == result) {
          own.done = std::max(write.done, done);
          own.lastBeat = std::max(write.lastBeat, last);
          own.firstWord = std::min(write.firstWord, firstWord);
        }
        write = std::move(own);
        return done;
      }
    written[result].push_back(std::move(own));
    return done;
  }

  /// The writes of the result NAME of a tensor d_NAME that the host places.
  llvm::ArrayRef<Write> lossBefore(uint32_t tensor) const {
    llvm::StringRef name = program.tensors[tensor].name;
    if (!isPreloaded(program.tensors[tensor].role) || !name.consume_front("d_"))
      return {};
    for (size_t t = 0; t < program.tensors.size(); ++t)
      if (program.tensors[t].role == TensorRole::Result &&
          program.tensors[t].name == name)
        return written[t];
    return {};
  }

  const Program &program;
  const Machine &machine;
  int64_t pipeline;
  std::vector<std::vector<Write>> written; ///< By tensor.
  std::vector<Behind> after; ///< By tensor: what its load has to come after.
  std::vector<bool> loaded;  ///< By tensor: from DRAM.
  int64_t begin = 2;         ///< No beat counts before this one.
  /// By region: rows, and what their stores have to come after.
  std::map<std::string,
           std::vector<std::pair<std::pair<int64_t, int64_t>, Behind>>>
      stores;
  int64_t open = 0; ///< Last beat of what a scope that stays open holds.
  std::vector<ArrayJob> jobs;
  LeastCyclesOf leastCyclesOf;
};

} // namespace

Limits fetta::limitsOf(const Program &program, int64_t dramBytes) {
  const Machine &machine = program.machine;
  Limits limits;
  int64_t work = 0;
  for (const Instruction &instruction : program.code)
    if (const auto *contract = std::get_if<Contract>(&instruction))
      work += multiplyAdds(contract->nest);
  limits.compute = beatsAtPeak(work, machine);
  // Bytes times cycles per second may not fit 64 bits.
  unsigned __int128 cycles =
      (unsigned __int128)dramBytes * (unsigned __int128)machine.clockHz;
  limits.dram = int64_t((cycles + uint64_t(machine.dramBytesPerSecond) - 1) /
                        uint64_t(machine.dramBytesPerSecond));
  Chains(program).bound(limits);
  return limits;
}

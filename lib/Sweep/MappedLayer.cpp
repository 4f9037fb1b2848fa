//===- MappedLayer.cpp - The half of the cost model that maps -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Network/Network.h"
#include "fetta/Program/InstructionCoding.h"
#include "fetta/Schedule/ListSchedule.h"
#include "fetta/Simulator/ArrayJobs.h"
#include "fetta/Simulator/ClosedCounters.h"
#include "fetta/Sweep/CostModel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <algorithm>
#include <map>

using namespace fetta;

namespace {

/// The step that writes the result of phase `phase`.
unsigned writerOf(const LayerPlan &plan, unsigned phase) {
  return plan.plan.resultValue(phase) - plan.network.numLeaves();
}

/// One way to cut a step.
class SliceMapper {
public:
  SliceMapper(const LayerPlan &plan, int64_t tokens, int64_t slices)
      : plan(plan), tokens(tokens), slices(slices),
        program(buildProgram(plan, tokens, slices > 1)),
        steps(plan.plan.getSteps()), leaves(plan.network.numLeaves()) {}

  /// Rows of every value if all of them are dense.
  std::vector<int64_t> denseRows(const Machine &machine) const;
  /// Most rows that are alive at once.
  int64_t liveRows(llvm::ArrayRef<int64_t> rows) const;
  std::string nameOf(unsigned value) const;
  /// A text that is equal for equal slices on equal machines.
  std::string key(const Machine &seen, LayoutChoice layouts) const;
  MappedSlice measure(const Machine &seen, LayoutChoice layouts);

private:
  bool isGradient(unsigned value) const {
    return value >= leaves &&
           program.steps[value - leaves].contraction.resultType ==
               ElementType::F32;
  }
  bool isOnce(unsigned value) const {
    return value >= leaves ? !plan.perSlice(steps[value - leaves])
                           : value != 0 && value != plan.outputLeaf();
  }
  int64_t times(unsigned step) const {
    return plan.perSlice(steps[step]) ? slices : 1;
  }
  void serveButterfly(Nest &nest, const Machine &machine) const;
  void count(const Machine &machine);
  void schedule(const Machine &machine);
  void chain(const Machine &machine);
  void transfers(llvm::ArrayRef<int64_t> valueRows);

  const LayerPlan &plan;
  int64_t tokens, slices;
  ProgramSpec program;
  llvm::ArrayRef<SharedPlan::Step> steps;
  unsigned leaves;
  MappedProgram mapped;
  std::vector<int64_t> lastBeat; ///< Of every step of the first slice.
  MappedLayer figures;
};

} // namespace

//===----------------------------------------------------------------------===//
// Mapping and room
//===----------------------------------------------------------------------===//

/// What a butterfly cannot pass at once is served in sub-beats.
void SliceMapper::serveButterfly(Nest &nest, const Machine &machine) const {
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    Wiring wiring{machine.networks, machine.laneBits(),
                  id == OperandC ? NetKind::Reduction : NetKind::Distribution};
    uint32_t &serial = nest.operands[id].serialLanes;
    serial = serialLanesToRoute(wiring, bankMap(nest, id, machine), serial);
  }
}

std::vector<int64_t> SliceMapper::denseRows(const Machine &machine) const {
  std::vector<int64_t> rows;
  for (const ProgramSpec::Value &value : program.values) {
    int64_t elements = 1;
    for (int64_t size : value.sizes)
      elements *= size;
    rows.push_back(int64_t(llvm::divideCeil(elements, machine.lanes())) *
                   (isGradient(unsigned(rows.size())) ? 2 : 1));
  }
  return rows;
}

int64_t SliceMapper::liveRows(llvm::ArrayRef<int64_t> rows) const {
  auto last = int64_t(steps.size()) - 1;
  std::vector<int64_t> begin(rows.size(), 0), end(rows.size(), -1);
  for (auto [s, step] : llvm::enumerate(program.steps)) {
    begin[step.values[OperandC]] = int64_t(s);
    for (unsigned value : step.values)
      end[value] = int64_t(s);
  }
  // dY comes when Y is there. Between slices, what is made once stays, and so
  // do sums.
  begin[plan.outputLeaf()] = int64_t(writerOf(plan, 0));
  std::vector<int64_t> alive(steps.size(), 0);
  for (unsigned value : llvm::seq<unsigned>(0, rows.size())) {
    bool whole = slices > 1 && (isOnce(value) || isGradient(value));
    for (int64_t s = whole ? 0 : begin[value]; s <= (whole ? last : end[value]);
         ++s)
      alive[size_t(s)] += rows[value];
  }
  int64_t most = *std::max_element(alive.begin(), alive.end());
  if (slices > 1) // Of the next slice, while this one is at work.
    most += rows[0] + rows[plan.plan.resultValue(0)];
  return most;
}

std::string SliceMapper::nameOf(unsigned value) const {
  IndexList indices =
      value < leaves ? plan.network.getLeaves()[value]
                     : plan.network.openIndices(steps[value - leaves].leaves);
  return plan.network.formatIndices(indices);
}

//===----------------------------------------------------------------------===//
// Figures
//===----------------------------------------------------------------------===//

void SliceMapper::count(const Machine &machine) {
  figures.contractions = unsigned(steps.size());
  figures.conflicts = mapped.conflicts;
  std::array<std::vector<std::pair<std::vector<uint32_t>, uint32_t>>, 3> known;
  for (auto [s, contraction] : llvm::enumerate(mapped.steps)) {
    const Nest &nest = contraction.nest;
    Counters counters = closedCounters(nest, machine);
    Contract instruction;
    instruction.nest = nest;
    if (auto bytes = isa::encodeCode(Instruction(std::move(instruction))))
      counters.instructionBytes = int64_t(bytes->size());
    else // What an instruction cannot hold is refused by the compiler.
      llvm::consumeError(bytes.takeError());
    for (int64_t t = 0; t < times(unsigned(s)); ++t)
      figures.counters += counters;
    figures.serialCycles += contraction.cycles.total() * times(unsigned(s));
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      unsigned net = unsigned(netOf(nest.dataflow, id));
      BitMap map = bankMap(nest, id, machine);
      std::pair<std::vector<uint32_t>, uint32_t> key(
          {map.rows.begin(), map.rows.end()}, map.constant);
      auto it = llvm::find(known[net], key);
      auto number = uint16_t(it - known[net].begin());
      if (it == known[net].end())
        known[net].push_back(std::move(key));
      figures.routes[net].push_back(number);
    }
  }
  figures.multiplyAdds = figures.counters.multiplyAdds;
  figures.beats = figures.counters.beats;
}

/// As the compiler orders one slice: an operand can be read `pipeline + 1`
/// cycles after the last beat of what writes it, a held one is loaded first,
/// and what needs dY comes after all of Y.
void SliceMapper::schedule(const Machine &machine) {
  int64_t pipeline = machine.pipelineCycles();
  auto lastDrain = [&](unsigned s) -> int64_t {
    const Nest &nest = mapped.steps[s].nest;
    if (nest.dataflow != Dataflow::OutputStationary)
      return 0;
    auto rows = llvm::count_if(nest.lanes.row,
                               [](const auto &bit) { return bit.has_value(); });
    return (int64_t(1) << rows) * subBeats(nest.c());
  };
  unsigned y = writerOf(plan, 0), dX = writerOf(plan, 1);
  std::vector<ScheduleTask> tasks;
  for (auto [s, step] : llvm::enumerate(program.steps)) {
    const MappedContraction &contraction = mapped.steps[s];
    const SerialCycles &cycles = contraction.cycles;
    ScheduleTask task;
    task.occupancy = cycles.beats + cycles.bankConflict +
                     cycles.stationaryReload + cycles.drainBusy;
    task.drain = cycles.fill + cycles.drain;
    Dataflow dataflow = contraction.nest.dataflow;
    for (OperandId id : {OperandA, OperandB}) {
      bool held = dataflow != Dataflow::OutputStationary &&
                  netOf(dataflow, id) == Net::Hold;
      unsigned value = step.values[id];
      int64_t latency = pipeline + 1 + (held ? cycles.firstLoad : 0);
      if (value >= leaves)
        task.after.push_back(
            {value - leaves, latency + lastDrain(value - leaves)});
      else if (value == plan.outputLeaf())
        task.after.push_back({y, latency + lastDrain(y)});
    }
    tasks.push_back(std::move(task));
  }
  std::vector<unsigned> order = listSchedule(tasks);
  std::vector<int64_t> end(tasks.size(), 0);
  int64_t now = 0, length = 0, forwardEnd = 0, backwardEnd = 0;
  SliceCycles further;
  bool afterY = false, afterDX = false;
  for (unsigned s : order) {
    for (const TaskWait &wait : tasks[s].after)
      now = std::max(now, end[wait.task] + wait.latency);
    end[s] = now += tasks[s].occupancy;
    length = std::max(length, now + tasks[s].drain);
    int64_t &part = !afterY    ? further.forward
                    : !afterDX ? further.backward
                               : further.weights;
    if (plan.perSlice(steps[s]))
      part += tasks[s].occupancy;
    if (s == y) {
      afterY = true;
      forwardEnd = now + tasks[s].drain;
    }
    if (s == dX) {
      afterDX = true;
      backwardEnd = now + tasks[s].drain;
    }
  }
  lastBeat = std::move(end);
  figures.further = further;
  backwardEnd = std::max(backwardEnd, forwardEnd);
  figures.first = {forwardEnd, backwardEnd - forwardEnd,
                   std::max(length, backwardEnd) - backwardEnd};
}

/// docs/Queues.md, section 4, without the first route.
void SliceMapper::chain(const Machine &machine) {
  int64_t pipeline = machine.pipelineCycles();
  struct Times {
    int64_t start = 2, first = 0, last = 0, done = 0;
  };
  std::vector<Times> times(steps.size());
  std::vector<ArrayJob> jobs(steps.size());
  LeastCyclesOf leastCyclesOf(machine);
  unsigned y = writerOf(plan, 0);
  for (auto [s, step] : llvm::enumerate(program.steps)) {
    const Nest &nest = mapped.steps[s].nest;
    const LeastCycles &least = leastCyclesOf(nest);
    Times &own = times[s];
    if (s == 0)
      own.done = own.start + least.alone - 1;
    for (OperandId id : {OperandA, OperandB}) {
      unsigned value = step.values[id];
      auto follows = [&](unsigned from, ArrayJob::Date date, ArrayJob::Date to,
                         int64_t cycles) {
        jobs[from].behind.push_back({unsigned(s), date, to, cycles});
      };
      if (value == plan.outputLeaf()) {
        own.start = std::max(own.start, times[y].done + pipeline + 3);
        own.done =
            std::max(own.done, times[y].done + pipeline + 2 + least.alone);
        follows(y, ArrayJob::Done, ArrayJob::Start, pipeline + 3);
        follows(y, ArrayJob::Done, ArrayJob::Done, pipeline + 2 + least.alone);
      }
      if (value < leaves)
        continue;
      unsigned from = value - leaves;
      const Times &before = times[from];
      own.start = std::max(own.start, before.first + pipeline + 2);
      own.last = std::max(
          {own.last, before.last + least.window, before.done + pipeline + 2});
      follows(from, ArrayJob::First, ArrayJob::Start, pipeline + 2);
      follows(from, ArrayJob::Last, ArrayJob::Last, least.window);
      follows(from, ArrayJob::Done, ArrayJob::Last, pipeline + 2);
      const Operand &operand = nest.operands[id];
      bool wholly = true;
      for (unsigned mode = 0; mode < nest.modeCount(); ++mode)
        wholly &= !operand.holds(mode) || nest.sizes[mode] == 1 ||
                  nest.isReduced(mode);
      if (wholly) {
        own.first = std::max(own.first, before.done + pipeline + 2);
        follows(from, ArrayJob::Done, ArrayJob::First, pipeline + 2);
      }
    }
    own.first = std::max(own.first, own.start + least.word - 1);
    own.last = std::max({own.last, own.first, own.start + least.window - 1});
    own.done = std::max({own.done, own.last, own.first + least.drain - 1});
    jobs[s] = {own.start,
               own.first,
               least,
               true,
               this->times(unsigned(s)),
               std::move(jobs[s].behind)};
    bool goesOn = step.contraction.accumulates &&
                  nest.dataflow != Dataflow::OutputStationary;
    int64_t parts =
        goesOn ? (slices - 1) * std::max(least.window, pipeline + 2) : 0;
    figures.criticalPath =
        std::max(figures.criticalPath, own.done + parts + pipeline + 1);
  }
  figures.arrayPath = sharedArray(jobs, pipeline + 1);
}

void SliceMapper::transfers(llvm::ArrayRef<int64_t> valueRows) {
  auto add = [&](unsigned value, TransferFigures &transfer, int64_t times,
                 bool store) {
    int64_t words = isGradient(value) ? 2 : 1;
    for (int64_t size : program.values[value].sizes)
      words *= size;
    transfer = {words * 2, times};
    int64_t macros = 1;
    for (auto [bit, bank] : llvm::enumerate(mapped.layouts[value].banks))
      if (bank.source && int64_t(1) << bit >= banksPerMacro)
        macros *= 2;
    int64_t rows = valueRows[value] * times;
    Counters &n = figures.counters;
    (store ? n.dmaRowReads : n.dmaRowWrites) += rows;
    (store ? n.macroReads : n.macroWrites) += rows * macros;
    n.stagedWords += words * times;
    n.instructionBytes += 48 * times; // An instruction of three units.
  };
  add(0, figures.x, slices, false);
  add(plan.outputLeaf(), figures.dY, slices, false);
  add(plan.plan.resultValue(0), figures.y, slices, true);
  add(plan.plan.resultValue(1), figures.dX, slices, true);
  for (unsigned leaf : llvm::seq(1u, plan.outputLeaf())) {
    add(leaf, figures.cores.emplace_back(), 1, false);
    unsigned gradient = plan.plan.resultValue(leaf + 1);
    bool early = lastBeat[gradient - leaves] < lastBeat[writerOf(plan, 1)];
    auto &list = early ? figures.earlyGradients : figures.gradients;
    add(gradient, list.emplace_back(), 1, true);
  }
}

std::string SliceMapper::key(const Machine &seen, LayoutChoice layouts) const {
  std::string key = plan.content;
  for (int64_t part :
       {tokens, slices, int64_t(layouts), int64_t(seen.ceBits),
        int64_t(seen.peRowBits), int64_t(seen.peColumnBits),
        seen.accumulatorRows, int64_t(seen.networks), seen.pipelineCycles()})
    key += " " + std::to_string(part);
  return key;
}

MappedSlice SliceMapper::measure(const Machine &seen, LayoutChoice layouts) {
  MappedSlice slice;
  llvm::Expected<MappedProgram> result = mapProgram(program, seen, {layouts});
  if (!result) {
    slice.problem = toString(result.takeError());
    return slice;
  }
  mapped = std::move(*result);
  if (seen.networks == NetworkTopology::Butterfly)
    for (MappedContraction &contraction : mapped.steps) {
      serveButterfly(contraction.nest, seen);
      contraction.cycles = serialCycles(contraction.nest, seen);
    }
  for (auto [value, layout] : llvm::enumerate(mapped.layouts))
    slice.rows.push_back(layout.rows() * (isGradient(unsigned(value)) ? 2 : 1));
  figures.slices = slices;
  figures.tokensPerSlice = tokens;
  count(seen);
  schedule(seen);
  chain(seen);
  transfers(slice.rows);
  slice.figures = std::move(figures);
  return slice;
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

/// Tokens of a slice of `tokens / count`: a multiple of a power of two, up to a
/// quarter more than needed, because these fill lanes.
static int64_t sliceSize(int64_t tokens, int64_t count) {
  int64_t least = int64_t(llvm::divideCeil(tokens, count)), best = least;
  for (int64_t step = 2; step <= least; step *= 2) {
    int64_t size = int64_t(llvm::alignTo(uint64_t(least), uint64_t(step)));
    if (4 * size <= 5 * least)
      best = size;
  }
  return std::min(best, tokens);
}

/// 1, 2, 3, 4, 6, 8, 12, ...
static int64_t nextCount(int64_t count) {
  return count < 2                              ? count + 1
         : llvm::isPowerOf2_64(uint64_t(count)) ? count + count / 2
                                                : count / 3 * 4;
}

llvm::Expected<MappedLayer> fetta::mapLayer(const LayerPlan &plan,
                                            const Machine &machine,
                                            LayoutChoice layouts,
                                            MappingCache &cache) {
  if (plan.multiplyAdds() > uint64_t(1) << 60)
    return makeError("the step takes more than 2^60 multiply-adds");
  int64_t tokens = plan.tokenCount(),
          capacity = machine.slabs * machine.rowsPerSlab;
  Machine seen = seenByMapper(machine);
  int64_t previous = 0;
  for (int64_t count = 1;; count = nextCount(count)) {
    // One slice more than fits costs little; few do not hide the first load
    // and the last store.
    int64_t cut = count > 1 && count < 8 && tokens / 8 >= 64 ? 8 : count;
    int64_t size = sliceSize(tokens, cut);
    bool least = size == 1 || cut >= tokens;
    if (size == previous && !least)
      continue;
    previous = size;
    SliceMapper mapper(plan, size, int64_t(llvm::divideCeil(tokens, size)));
    auto beyond = [&](llvm::ArrayRef<int64_t> rows) {
      return *std::max_element(rows.begin(), rows.end()) > machine.rowsPerSlab;
    };
    std::vector<int64_t> rows = mapper.denseRows(machine);
    if (!beyond(rows) && mapper.liveRows(rows) <= capacity) {
      std::shared_ptr<const MappedSlice> slice =
          cache.get(mapper.key(seen, layouts),
                    [&] { return mapper.measure(seen, layouts); });
      if (!slice->problem.empty())
        return llvm::createStringError(slice->problem);
      rows = slice->rows;
      int64_t live = mapper.liveRows(rows);
      if (!beyond(rows) && live <= capacity) {
        MappedLayer figures = slice->figures;
        figures.liveRows = live;
        return figures;
      }
    }
    if (!least)
      continue;
    llvm::StringRef plural = size == 1 ? "" : "s";
    if (beyond(rows)) {
      auto value = std::max_element(rows.begin(), rows.end()) - rows.begin();
      return makeError("does not fit: tensor ({0}) takes {1} rows at {2} "
                       "token{3} a slice, a slab has {4}",
                       mapper.nameOf(unsigned(value)), rows[size_t(value)],
                       size, plural, machine.rowsPerSlab);
    }
    return makeError(
        "does not fit: {0} rows of tensor memory are alive at once "
        "at {1} token{2} a slice, the machine has {3}",
        mapper.liveRows(rows), size, plural, capacity);
  }
}

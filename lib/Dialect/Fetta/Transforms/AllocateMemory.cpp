//===- AllocateMemory.cpp ----------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/Transforms/Passes.h"
#include "fetta/Dialect/Fetta/Transforms/ProgramOrder.h"
#include "fetta/Mapping/Mapping.h"
#include "fetta/Support/OutputFile.h"
#include "llvm/ADT/TypeSwitch.h"

namespace fetta::hw {
#define GEN_PASS_DEF_FETTAALLOCATEMEMORYPASS
#define GEN_PASS_DEF_FETTAPRINTMEMORYPASS
#include "fetta/Dialect/Fetta/Transforms/Passes.h.inc"
} // namespace fetta::hw

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

static void setHome(Operation *op, HomeAttr home) {
  llvm::TypeSwitch<Operation *>(op).Case<PlaceOp, LoadOp, ContractOp>(
      [&](auto op) { op.setHomeAttr(home); });
}

/// Cycles in which each operand of a contraction wants its slab.
static std::array<int64_t, 3> slabCycles(const Nest &nest,
                                         const Machine &machine) {
  SerialCycles cycles = serialCycles(nest, machine);
  std::array<int64_t, 3> wanted;
  for (OperandId id : {OperandA, OperandB})
    wanted[id] = nest.dataflow != Dataflow::OutputStationary &&
                         netOf(nest.dataflow, id) == Net::Hold
                     ? cycles.loadBeats
                     : cycles.beats;
  wanted[OperandC] = cycles.drainedRows;
  return wanted;
}

/// Values that are accessed in the same cycles: the tensors of a contraction,
/// and the result that drains while the next contraction streams.
static FailureOr<std::vector<Meeting>>
findMeetings(Block &block, const TensorMemoryUse &memory,
             const Machine &machine) {
  std::vector<Meeting> meetings;
  std::optional<std::pair<unsigned, int64_t>> draining;
  llvm::DenseMap<const Nest *, std::array<int64_t, 3>> known;
  for (auto op : block.getOps<ContractOp>()) {
    llvm::Expected<const Nest &> nest = getUnplacedNest(op);
    if (!nest)
      return op.emitOpError() << llvm::toString(nest.takeError());
    auto [entry, isNew] = known.try_emplace(&*nest);
    if (isNew)
      entry->second = slabCycles(*nest, machine);
    const std::array<int64_t, 3> &cycles = entry->second;
    std::array<unsigned, 3> values;
    for (unsigned id = 0; id < 3; ++id) {
      std::optional<unsigned> value = memory.find(op.getTensor(id));
      if (!value)
        return op.emitOpError() << "reads a value that no operation placed in "
                                   "tensor memory";
      values[id] = *value;
    }
    auto meet = [&](unsigned a, unsigned b, int64_t times) {
      if (a != b)
        meetings.push_back({a, b, times});
    };
    for (unsigned a = 0; a < 3; ++a)
      for (unsigned b = 0; b < a; ++b)
        meet(values[a], values[b], std::min(cycles[a], cycles[b]));
    // Sums that end in another tensor are reloaded beside the beats.
    if (op.getInit() && !op.isInPlace())
      if (std::optional<unsigned> sums = memory.find(op.getInit()))
        for (unsigned id : {0, 1})
          meet(*sums, values[id], std::min(2 * cycles[OperandC], cycles[id]));
    if (draining)
      for (unsigned id : {0, 1})
        meet(draining->first, values[id],
             std::min({draining->second, cycles[id], machine.accumulatorRows}));
    // The sums of a contraction are read before its first beat.
    if (draining && op.getInit())
      if (std::optional<unsigned> sums = memory.find(op.getInit()))
        meet(draining->first, *sums,
             std::min(draining->second, cycles[OperandC]));
    draining = {values[OperandC], cycles[OperandC]};
  }
  return meetings;
}

/// Refuses what fits in no way, with the rows that are missing.
static LogicalResult refuse(FunctionOpInterface function,
                            const TensorMemoryUse &memory,
                            const MemoryShortage &shortage,
                            const Machine &machine) {
  int64_t capacity = machine.slabs * machine.rowsPerSlab;
  if (shortage.fragmented) {
    Operation *op = memory.homes[shortage.value];
    int64_t rows = memory.live[shortage.value].rows;
    InFlightDiagnostic diag = op->emitOpError()
                              << "exceeds tensor memory: "
                              << op->getResult(0).getType() << " takes " << rows
                              << " rows in one slab, but at most "
                              << rows - shortage.missing
                              << " are left in any: " << shortage.missing
                              << " too many; take more slices of the batch";
    return diag;
  }
  unsigned alive = 0;
  Operation *largest = nullptr;
  int64_t largestRows = 0;
  for (auto [op, value] : llvm::zip_equal(memory.homes, memory.live)) {
    if (value.begin > shortage.position || value.end < shortage.position)
      continue;
    ++alive;
    if (value.rows > largestRows) {
      largest = op;
      largestRows = value.rows;
    }
  }
  InFlightDiagnostic diag =
      function.emitError()
      << "function '" << function.getName()
      << "' exceeds tensor memory: " << alive
      << " tensors that are alive together take " << shortage.liveRows
      << " rows, the machine has " << machine.slabs << " slabs of "
      << machine.rowsPerSlab << ": " << shortage.liveRows - capacity
      << " too many; take more slices of the batch, fewer tokens, or a "
         "machine with more slabs or rows_per_slab";
  diag.attachNote(largest->getLoc())
      << "the largest takes " << largestRows
      << " rows: " << largest->getResult(0).getType();
  return diag;
}

/// Lifetimes with `distance` instructions around every value that DMA moves:
/// rows that pass from one queue to another at once make the second wait until
/// the first has completed.
static std::vector<LiveValue> keepApart(std::vector<LiveValue> values,
                                        int64_t distance, bool weigh) {
  for (LiveValue &value : values) {
    if (value.streamed) {
      value.begin -= distance;
      value.end += distance;
    }
    if (!weigh)
      value.loadCycles = value.storeCycles = 0;
  }
  return values;
}

/// What it costs when rows pass between a transfer and another queue at once:
/// the whole transfer, or the end of the contraction before it.
static void addTransferCycles(Block &block, TensorMemoryUse &memory,
                              const Machine &machine, LinkModel link) {
  auto cycles = [&](RankedTensorType type) -> int64_t {
    if (link == LinkModel::Ideal)
      return machine.pipelineCycles();
    double bytes = double(type.getNumElements()) *
                   (getElementType(type) == ElementType::F32 ? 4 : 2);
    return machine.dramLatencyCycles +
           int64_t(bytes * double(machine.clockHz) /
                   double(machine.dramBytesPerSecond));
  };
  for (Operation &op : block) {
    if (auto load = dyn_cast<LoadOp>(op)) {
      if (std::optional<unsigned> home = memory.find(load.getResult()))
        memory.live[*home].loadCycles = cycles(load.getType());
    } else if (auto store = dyn_cast<StoreOp>(op)) {
      if (std::optional<unsigned> home = memory.find(store.getSource()))
        memory.live[*home].storeCycles = cycles(store.getSource().getType());
    }
  }
}

namespace {
/// What is planned, and how; programs of one module may be alike.
struct Problem {
  std::vector<LiveValue> values;
  std::vector<Meeting> meetings;
  int64_t positions, slabs, rowsPerSlab;

  bool operator==(const Problem &o) const {
    return positions == o.positions && slabs == o.slabs &&
           rowsPerSlab == o.rowsPerSlab && values == o.values &&
           meetings == o.meetings;
  }
};

/// Plans every problem once.
class Planner {
public:
  using Plan = std::variant<MemoryPlan, MemoryShortage>;
  Planner(LinkModel link, bool improve, bool repeat)
      : link(link), improve(improve), repeat(repeat) {}

  const Plan &plan(Problem problem) {
    auto it = llvm::find_if(
        known, [&](const auto &entry) { return entry.first == problem; });
    if (it != known.end())
      return it->second;
    Plan found = find(problem);
    return known.emplace_back(std::move(problem), std::move(found)).second;
  }

private:
  Plan find(const Problem &problem) const;

  LinkModel link;
  bool improve, repeat;
  std::vector<std::pair<Problem, Plan>> known;
};
} // namespace

Planner::Plan Planner::find(const Problem &problem) const {
  // Where slices repeat, places that do, too; else as far apart as possible,
  // and where that does not fit, by what it costs.
  struct Attempt {
    int64_t distance;
    bool weigh, steady;
  };
  SmallVector<Attempt> attempts;
  if (link != LinkModel::Ideal)
    attempts = {{48, false, true},
                {24, false, true},
                {12, false, true},
                {6, false, true},
                {problem.positions, false, false},
                {48, false, false},
                {12, false, false}};
  attempts.append({{0, true, true}, {0, true, false}, {0, false, false}});
  Plan plan = MemoryShortage();
  for (auto [distance, weigh, steady] : attempts) {
    std::vector<LiveValue> values = keepApart(problem.values, distance, weigh);
    if (!steady) {
      plan = planMemory(values, problem.meetings, problem.slabs,
                        problem.rowsPerSlab, improve ? defaultPlanWork : 0);
    } else if (std::optional<MemoryPlan> found =
                   repeat && improve
                       ? planSteadyMemory(values, problem.meetings,
                                          problem.slabs, problem.rowsPerSlab)
                       : std::nullopt) {
      plan = *std::move(found);
    }
    if (std::holds_alternative<MemoryPlan>(plan))
      break;
  }
  return plan;
}

static LogicalResult allocate(FunctionOpInterface function, Block &block,
                              const Machine &machine, bool reuse,
                              LinkModel link, Planner &planner) {
  TensorMemoryUse memory(block);
  if (!reuse)
    for (LiveValue &value : memory.live)
      value.begin = 0, value.end = memory.positions;
  for (auto [op, value] : llvm::zip_equal(memory.homes, memory.live))
    if (failed(verifyFitsSlab(op, op->getResult(0).getType(), value.rows,
                              machine)))
      return failure();
  FailureOr<std::vector<Meeting>> meetings =
      findMeetings(block, memory, machine);
  if (failed(meetings))
    return failure();
  addTransferCycles(block, memory, machine, link);
  const Planner::Plan &plan =
      planner.plan({memory.live, std::move(*meetings), memory.positions,
                    machine.slabs, machine.rowsPerSlab});
  if (const auto *shortage = std::get_if<MemoryShortage>(&plan))
    return refuse(function, memory, *shortage, machine);
  for (auto [op, place] :
       llvm::zip_equal(memory.homes, std::get<MemoryPlan>(plan).places))
    setHome(op, HomeAttr::get(op->getContext(), place.slab, place.row));
  return success();
}

namespace {

struct AllocateMemoryPass
    : fetta::hw::impl::FettaAllocateMemoryPassBase<AllocateMemoryPass> {
  using Base::Base;
  void runOnOperation() override {
    Planner planner(dram, improve, steady);
    if (failed(forEachProgram(getOperation(), [&](FunctionOpInterface function,
                                                  Block &block,
                                                  const Machine &machine) {
          return allocate(function, block, machine, reuse, dram, planner);
        })))
      signalPassFailure();
  }
};

struct PrintMemoryPass
    : fetta::hw::impl::FettaPrintMemoryPassBase<PrintMemoryPass> {
  using Base::Base;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    std::string text;
    if (failed(forEachProgram(
            getOperation(),
            [&](FunctionOpInterface function, Block &block,
                const Machine &machine) {
              return print(function, block, machine, text);
            },
            /*withRepeats=*/true)))
      return signalPassFailure();
    if (file.empty()) {
      llvm::errs() << text;
      return;
    }
    if (llvm::Error error = writeOutputFile(file, text)) {
      getOperation().emitError() << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }

  LogicalResult print(FunctionOpInterface function, Block &block,
                      const Machine &machine, std::string &text) {
    TensorMemoryUse memory(block);
    std::vector<SlabRows> places;
    for (auto [op, value] : llvm::zip_equal(memory.homes, memory.live)) {
      if (!value.fixed)
        return op->emitOpError()
               << "has no home in tensor memory; run fetta-allocate-memory";
      places.push_back(*value.fixed);
    }
    text += "function '" + function.getName().str() +
            "': " + std::to_string(memory.homes.size()) + " tensors, " +
            std::to_string(memory.positions) + " instructions\n" +
            drawOccupancy(memory.live, places, machine.slabs,
                          machine.rowsPerSlab, memory.positions);
    return success();
  }
};
} // namespace

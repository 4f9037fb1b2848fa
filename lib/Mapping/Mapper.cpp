//===- Mapper.cpp - From a contraction to a loop nest ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaneCatalog.h"

#include "fetta/Support/Error.h"

#include "llvm/ADT/STLExtras.h"

#include <cassert>
#include <numeric>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;
using llvm::Error;
using llvm::SmallVector;

/// Cycles and accesses then fit 63 bits, sub-beats included.
static constexpr int64_t maxMultiplyAdds = int64_t(1) << 48;

static const char *const operandNames[3] = {"A", "B", "C"};

//===----------------------------------------------------------------------===//
// The specification
//===----------------------------------------------------------------------===//

static Error checkLayout(const ContractionSpec &spec, OperandId id,
                         const Machine &machine) {
  const std::optional<Layout> &layout = spec.layouts[id];
  if (!layout)
    return Error::success();
  std::string where = llvm::formatv("layout of operand {0}", operandNames[id]);
  if (Error error = layout->verify(machine.laneBits()))
    return addErrorContext(where, std::move(error));
  ArrayRef<unsigned> modes = spec.modes[id];
  if (layout->dims.size() != modes.size())
    return makeError("{0}: {1} dimensions for {2} modes", where,
                     layout->dims.size(), modes.size());
  for (auto [d, mode] : llvm::enumerate(modes))
    if (layout->dims[d].size != spec.sizes[mode])
      return makeError("{0}: dimension {1} has size {2}, its mode has {3}",
                       where, d, layout->dims[d].size, spec.sizes[mode]);
  return Error::success();
}

Error mapping::checkSpec(const ContractionSpec &spec, const Machine &machine) {
  int64_t product = 1;
  for (auto [m, size] : llvm::enumerate(spec.sizes)) {
    if (size < 1)
      return makeError("mode {0}: size {1} is not positive", m, size);
    if (llvm::MulOverflow(product, size, product) || product > maxMultiplyAdds)
      return makeError("more than 2^48 multiply-adds: split the contraction");
  }
  SmallVector<std::array<bool, 3>, 8> in(spec.sizes.size(),
                                         {false, false, false});
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    for (unsigned mode : spec.modes[id]) {
      if (mode >= spec.sizes.size())
        return makeError("operand {0} names mode {1}, but there are {2} modes",
                         operandNames[id], mode, spec.sizes.size());
      if (in[mode][id])
        return makeError("operand {0} names mode {1} twice: a diagonal is no "
                         "contraction",
                         operandNames[id], mode);
      in[mode][id] = true;
    }
  }
  for (auto [m, held] : llvm::enumerate(in)) {
    if (held[OperandA] + held[OperandB] + held[OperandC] < 2)
      return makeError("mode {0} belongs to fewer than two of A, B and C: sum "
                       "or broadcast it in an operation of its own",
                       m);
  }
  for (OperandId id : {OperandA, OperandB, OperandC})
    if (Error error = checkLayout(spec, id, machine))
      return error;
  return spec.constraints.empty() ? Error::success()
                                  : checkConstraints(spec, machine);
}

/// Constraints as the dataflow sees them.
static void holdTo(const MappingConstraints &constraints, Problem &problem) {
  auto at = [](const auto &list, unsigned m) {
    return m < list.size() ? list[m] : std::nullopt;
  };
  for (unsigned m = 0; m < problem.modes.size(); ++m) {
    Mode &mode = problem.modes[m];
    for (bool rows : {true, false}) {
      auto bits = at(rows ? constraints.rows : constraints.columns, m);
      if (!bits)
        continue;
      if (rows ? problem.onRows(m) : problem.onColumns(m))
        mode.position = bits;
      else if (*bits > 0)
        problem.possible = false;
    }
    mode.ce = at(constraints.ces, m);
    mode.scope = at(constraints.scope, m);
  }
}

Problem mapping::makeProblem(const ContractionSpec &spec,
                             const Machine &machine, Dataflow dataflow) {
  Problem problem{machine,
                  dataflow,
                  operandOn(dataflow, Net::Stream),
                  operandOn(dataflow, Net::Hold),
                  {},
                  {},
                  spec.resultType == ElementType::F32 ? 2 : 1,
                  spec.accumulates,
                  {},
                  spec.constraints.loops};
  for (int64_t size : spec.sizes)
    problem.modes.push_back({size,
                             llvm::Log2_64_Ceil(uint64_t(size)),
                             Group::Batch,
                             {},
                             {},
                             {},
                             {}});
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    for (unsigned m : spec.modes[id])
      problem.modes[m].in[id] = true;
    if (!spec.layouts[id])
      continue;
    problem.lowBits[id].emplace(spec.sizes.size(), 0);
    for (auto [d, m] : llvm::enumerate(spec.modes[id]))
      (*problem.lowBits[id])[m] = spec.layouts[id]->dims[d].lowBits;
  }
  for (Mode &mode : problem.modes) {
    if (!mode.in[OperandC])
      mode.group = Group::Reduced;
    else if (mode.in[problem.streamed] && mode.in[problem.held])
      mode.group = Group::Batch;
    else
      mode.group =
          mode.in[problem.streamed] ? Group::StreamFree : Group::HoldFree;
  }
  holdTo(spec.constraints, problem);
  return problem;
}

//===----------------------------------------------------------------------===//
// From a candidate to a nest
//===----------------------------------------------------------------------===//

namespace {

class NestBuilder {
public:
  NestBuilder(const ContractionSpec &spec, const Problem &problem,
              const Candidate &candidate)
      : spec(spec), problem(problem), machine(problem.machine),
        candidate(candidate) {}

  MappedContraction build() {
    Nest &nest = result.nest;
    nest.dataflow = candidate.dataflow;
    nest.sizes = spec.sizes;
    placeLanes();
    placeLoops();
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      result.layouts[id] =
          spec.layouts[id] ? *spec.layouts[id] : freeLayout(id);
      nest.operands[id] = operandFromLayout(result.layouts[id], spec.modes[id],
                                            unsigned(spec.sizes.size()));
    }
    nest.operands[OperandC].elementType = spec.resultType;
    nest.accumulate = spec.accumulates;
    for (OperandId id : {OperandA, OperandB, OperandC})
      nest.operands[id].serialLanes = missingLanes(nest, id, machine);
    strideAccumulators();
    result.cycles = serialCycles(nest, machine);
    return std::move(result);
  }

private:
  /// Which index bits lie on rows, columns and CEs is decided; their order is
  /// free. A bit goes, if it can, where given layouts have it as bank bit: such
  /// routes pass a butterfly.
  void placeLanes() {
    SmallVector<ModeBit, 8> ce, row, column;
    for (unsigned m = 0; m < problem.modes.size(); ++m) {
      LaneShare share = candidate.lanes[m];
      bool ceFirst = !problem.onColumns(m);
      for (unsigned bit = 0; bit < share.total(); ++bit) {
        bool onCE = ceFirst ? bit < share.ce : bit >= share.position;
        (onCE ? ce : problem.onRows(m) ? row : column).push_back({m, bit});
      }
    }
    LaneTable &lanes = result.nest.lanes;
    OperandId streamed = problem.streamed, held = problem.held;
    place(row, lanes.row, machine.peRowBits, 0, {streamed});
    place(column, lanes.column, machine.peColumnBits, 0, {held, OperandC});
    place(ce, lanes.ce, machine.ceBits, machine.positionBits(),
          {OperandA, OperandB, OperandC});
  }

  void place(llvm::SmallVectorImpl<ModeBit> &bits,
             llvm::SmallVectorImpl<std::optional<ModeBit>> &lanes,
             unsigned count, unsigned firstLane,
             std::initializer_list<OperandId> operands) {
    lanes.resize(count);
    auto matches = [&](ModeBit bit, unsigned lane) {
      unsigned score = 0;
      for (OperandId id : operands) {
        const std::optional<Layout> &layout = spec.layouts[id];
        if (!layout)
          continue;
        const BankBit &bank = layout->banks[lane];
        score += bank.source && bank.source->bit == bit.bit &&
                 spec.modes[id][bank.source->mode] == bit.mode;
      }
      return score;
    };
    // Best matches first; the rest fills up from the lowest lane bit.
    for (unsigned wanted = 3; wanted > 0; --wanted)
      for (unsigned lane = 0; lane < count; ++lane) {
        if (lanes[lane])
          continue;
        auto *it = llvm::find_if(bits, [&](ModeBit bit) {
          return matches(bit, firstLane + lane) >= wanted;
        });
        if (it == bits.end())
          continue;
        lanes[lane] = *it;
        bits.erase(it);
      }
    auto next = bits.begin();
    for (std::optional<ModeBit> &lane : lanes)
      if (!lane && next != bits.end())
        lane = *next++;
  }

  int64_t chunks(unsigned mode) const {
    return int64_t(llvm::divideCeil(uint64_t(spec.sizes[mode]),
                                    uint64_t(1) << laneBitsOf(mode)));
  }
  unsigned laneBitsOf(unsigned mode) const {
    return candidate.lanes[mode].total();
  }

  void placeLoops() {
    Nest &nest = result.nest;
    auto add = [&](unsigned mode, int64_t count, int64_t step) {
      if (count > 1)
        nest.loops.push_back({mode, count, step << laneBitsOf(mode)});
    };
    insideCount.assign(spec.sizes.size(), 1);
    for (auto [mode, count] :
         llvm::zip_equal(candidate.resultLoops, candidate.inside)) {
      add(mode, int64_t(llvm::divideCeil(chunks(mode), count)), count);
      insideCount[mode] = count;
    }
    nest.scopeLevel = unsigned(nest.loops.size());
    // The reduced loops: innermost for the sum in the PEs, else outermost. Then
    // the last rows of the operands are needed last, and the loops that the
    // held operand lacks are innermost, which makes its tiles last.
    auto addReduced = [&] {
      for (unsigned m = 0; m < problem.modes.size(); ++m)
        if (problem.modes[m].group == Group::Reduced)
          add(m, chunks(m), 1);
    };
    if (!problem.outputStationary())
      addReduced();
    for (unsigned mode : candidate.resultLoops)
      add(mode, insideCount[mode], 1);
    if (problem.outputStationary())
      addReduced();
  }

  /// Spatial bits on the bank bits of their lanes, then further low bits until
  /// the row is full: they make the tensor dense and are likely to be what
  /// another contraction looks for.
  Layout freeLayout(OperandId id) const {
    const Nest &nest = result.nest;
    ArrayRef<unsigned> modes = spec.modes[id];
    SmallVector<BankBit, 8> banks(machine.laneBits());
    SmallVector<int64_t, 8> sizes;
    for (unsigned m : modes)
      sizes.push_back(spec.sizes[m]);
    auto lanes = laneBits(nest, netOf(nest.dataflow, id), machine);
    SmallVector<unsigned, 8> lowBits =
        operandLowBits(problem, candidate.lanes, id);
    for (auto [lane, bit] : llvm::enumerate(lanes)) {
      if (!bit)
        continue;
      const unsigned *d = llvm::find(modes, bit->mode);
      if (d != modes.end() && bit->bit < lowBits[bit->mode])
        banks[lane].source = ModeBit{unsigned(d - modes.begin()), bit->bit};
    }
    unsigned bank = 0;
    for (auto [d, m] : llvm::enumerate(modes))
      for (unsigned bit = spatialBits(problem, m, candidate.lanes[m], id);
           bit < lowBits[m]; ++bit) {
        while (banks[bank].source)
          ++bank;
        banks[bank].source = ModeBit{unsigned(d), bit};
      }
    SmallVector<unsigned, 8> order(modes.size());
    std::iota(order.begin(), order.end(), 0u);
    return Layout::packed(sizes, banks, order);
  }

  void strideAccumulators() {
    Nest &nest = result.nest;
    nest.accumulatorStrides.assign(nest.modeCount(), 0);
    int64_t stride = 1;
    for (unsigned m = nest.modeCount(); m-- > 0;) {
      if (nest.isReduced(m))
        continue;
      int64_t rows = rowsOfExtent(insideCount[m] << laneBitsOf(m),
                                  nest.sizes[m], nest.c().modes[m]->lowBits);
      if (rows == 1)
        continue;
      nest.accumulatorStrides[m] = stride;
      stride *= rows;
    }
  }

  const ContractionSpec &spec;
  const Problem &problem;
  const Machine &machine;
  const Candidate &candidate;
  MappedContraction result;
  /// Iterations of every mode's loop that lie inside the scope.
  SmallVector<int64_t, 8> insideCount;
};

} // namespace

MappedContraction mapping::buildNest(const ContractionSpec &spec,
                                     const Problem &problem,
                                     const Candidate &candidate) {
  return NestBuilder(spec, problem, candidate).build();
}

llvm::Expected<MappedContraction>
fetta::mapContraction(const ContractionSpec &spec, const Machine &machine) {
  if (Error error = checkSpec(spec, machine))
    return error;
  std::optional<Candidate> best;
  LaneCatalogs catalogs(machine);
  for (Dataflow dataflow : allDataflows) {
    if (spec.dataflow && *spec.dataflow != dataflow)
      continue;
    search(makeProblem(spec, machine, dataflow), CostWeights(), catalogs, best);
  }
  if (!best) {
    Error error = checkConstraints(spec, machine);
    assert(error && "mapping without lanes is always possible");
    return error;
  }
  return buildNest(spec, makeProblem(spec, machine, best->dataflow), *best);
}

Operand fetta::operandFromLayout(const Layout &layout, ArrayRef<unsigned> modes,
                                 unsigned modeCount) {
  Operand operand;
  operand.modes.resize(modeCount);
  for (auto [d, mode] : llvm::enumerate(modes))
    operand.modes[mode] = layout.dims[d];
  for (BankBit bank : layout.banks) {
    if (bank.source)
      bank.source->mode = modes[bank.source->mode];
    operand.banks.push_back(bank);
  }
  return operand;
}

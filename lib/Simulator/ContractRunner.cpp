//===- ContractRunner.cpp - Values of one contraction ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContractRunner.h"

#include "fetta/Machine/EnergyTable.h"
#include "fetta/Support/BFloat16.h"
#include "fetta/Support/Error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <algorithm>

using namespace fetta;

void Accumulators::clearRow(int64_t row) {
  std::fill_n(valid.begin() + row * lanes, lanes, 0);
  tensorRow[size_t(row)] = -1;
}

void Accumulators::clear() {
  // Valid words are only in rows that hold one of the result.
  for (int64_t row = 0; row < rows; ++row)
    if (tensorRow[size_t(row)] >= 0)
      clearRow(row);
}

ContractRunner::ReadPort ContractRunner::makeReadPort(OperandId id, Net net,
                                                      uint32_t route) const {
  ReadPort read{OperandPort(nest, id, machine), route, {}, {}, nullptr};
  read.words =
      net == Net::Stream ? &Counters::streamWords : &Counters::holdWords;
  read.captures.resize(size_t(read.port.subBeats()));
  read.banks.assign(lanes, nullptr);
  // Stationary: row positions with a 1 in a row bit that carries nothing take
  // +0.0. Output-stationary: they are copies that nobody drains.
  uint32_t unassigned = 0;
  if (net == Net::Stream && !levels.outputStationary)
    for (auto [bit, source] : llvm::enumerate(nest.lanes.row))
      if (!source)
        unassigned |= uint32_t(1) << bit;
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    uint32_t position = lane % positions;
    if (position < (net == Net::Stream ? peRows : peColumns) &&
        !(position & unassigned))
      read.captures[read.port.subBeatOf(lane)].push_back(lane);
  }
  return read;
}

ContractRunner::ContractRunner(const Program &program, size_t instruction,
                               const std::array<uint32_t, 3> &routes,
                               ResolvedRoutes &resolved, TensorMemory &memory,
                               Accumulators &accumulators, Counters &counters,
                               const DrainObserver &observer, ValuePath path)
    : program(program), instruction(instruction),
      contract(std::get<Contract>(program.code[instruction])),
      nest(contract.nest), machine(program.machine), resolved(resolved),
      memory(memory), accumulators(accumulators), counters(counters),
      observer(observer), byTable(path != ValuePath::Lanes),
      countOnly(path == ValuePath::Count), levels(nest, machine),
      lanes(uint32_t(machine.lanes())),
      positions(uint32_t(1) << machine.positionBits()),
      peRows(uint32_t(machine.peRows())),
      peColumns(uint32_t(machine.peColumns())),
      kernels(byTable ? arrayKernels(peRows, positions, lanes)
                      : ArrayKernels{columnChainOfLanes, multiplyIntoLanes}),
      stream(makeReadPort(levels.streamed, Net::Stream,
                          routes[unsigned(Net::Stream)])),
      hold(makeReadPort(levels.held, Net::Hold, routes[unsigned(Net::Hold)])),
      result(nest, OperandC, machine),
      resultRoute(routes[unsigned(Net::Reduce)]), keep(lanes),
      touched(size_t(llvm::divideCeil(lanes, banksPerMacro))), streamed(lanes),
      held(size_t(levels.outputStationary ? 1 : peRows) * lanes), sums(lanes),
      registers(levels.outputStationary ? size_t(peRows) * lanes : 0) {
  uint32_t copies = 0;
  for (auto [l, bit] : llvm::enumerate(laneBits(nest, Net::Reduce, machine)))
    if (!bit)
      copies |= uint32_t(1) << l;
  resultLanes.assign(size_t(result.subBeats()), std::string(lanes, '\0'));
  for (uint32_t lane = 0; lane < lanes; ++lane)
    if (lane % positions < peColumns && !(lane & copies))
      resultLanes[result.subBeatOf(lane)][lane] = 1;
  addsPerWord =
      (levels.outputStationary ? NestLevels::beatsInside(nest, levels.tileLevel)
                               : levels.peRowsInUse) -
      1;
}

llvm::Error ContractRunner::fail(OperandId id, const llvm::Twine &what) const {
  const TensorEntry &tensor = program.tensors[contract.tensors[id]];
  return makeError("{0} (instruction {1}): operand {2}, tensor '{3}': {4}",
                   program.ops[contract.op].name, instruction,
                   llvm::StringRef("ABC").substr(id, 1), tensor.name,
                   what.str());
}

int64_t ContractRunner::countMacros(std::vector<uint8_t> &touched) const {
  int64_t count = 0;
  for (uint8_t &t : touched) {
    count += t;
    t = 0;
  }
  return count;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

void ContractRunner::keepInside(const OperandPort &port,
                                const ModeIndex &index) {
  std::fill(keep.begin(), keep.end(), 1);
  port.clearBeyondEdge(index, nest.sizes, keep.data());
}

llvm::Error ContractRunner::read(ReadPort &read, const ModeIndex &index,
                                 float *out) {
  if (byTable && readByTable(read, index, out))
    return llvm::Error::success();
  // By lanes from here on, to say which word is not there.
  const Operand &operand = read.port.operand();
  OperandId id = OperandId(&operand - nest.operands.data());
  std::fill(out, out + lanes, 0.0f);
  keepInside(read.port, index);
  for (uint32_t s = 0; s < read.captures.size(); ++s) {
    RowAccess access = read.port.access(index, s);
    if (!access.inside)
      continue;
    int64_t row = operand.baseRow + access.row;
    if (!memory.contains(operand.slab, row))
      return fail(id, "row " + llvm::Twine(row) + " of slab " +
                          llvm::Twine(operand.slab) + " does not exist");
    const std::vector<uint16_t> *&banks = read.banks[access.flips];
    if (!banks)
      banks = &resolved.distribution(read.route, access.flips);
    const uint16_t *words = memory.row(operand.slab, row);
    const uint8_t *written = memory.written(operand.slab, row);
    int64_t captured = 0;
    for (uint32_t lane : read.captures[s]) {
      if (!keep[lane])
        continue;
      uint32_t bank = (*banks)[lane];
      if (!written[bank])
        return fail(id, "reads word " + llvm::Twine(bank) + " of row " +
                            llvm::Twine(row) + " in slab " +
                            llvm::Twine(operand.slab) +
                            ", which was never written");
      out[lane] = bf16ToFloat(words[bank]);
      touched[bank / banksPerMacro] = 1;
      ++captured;
    }
    counters.*read.words += captured;
    ++counters.rowReads;
    counters.macroReads += countMacros(touched);
  }
  return llvm::Error::success();
}

llvm::Error ContractRunner::loadTile(const ModeIndex &index) {
  for (size_t i = 0; i < levels.peRow.size(); ++i) {
    ModeIndex full = index;
    for (size_t m = 0; m < full.size(); ++m)
      full[m] += levels.peRowIndex[i][m];
    float *row = held.data() + size_t(levels.peRow[i]) * lanes;
    if (llvm::Error error = read(hold, full, row))
      return error;
    counters.loadBeats += hold.port.subBeats();
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Processing elements
//===----------------------------------------------------------------------===//

/// Every operand is a BF16, so the product in float is the exact one rounded
/// once (docs/Machine.md, section 7). The build forbids contraction to FMA.
void ContractRunner::multiplyChain() {
  if (countOnly)
    return;
  kernels.columnChain(sums.data(), streamed.data(), held.data(), peRows,
                      positions, lanes);
}

void ContractRunner::multiplyInPlace(bool first) {
  if (countOnly)
    return;
  kernels.multiplyInto(registers.data(), streamed.data(), held.data(), peRows,
                       positions, lanes, first);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

const ReductionPlan &ContractRunner::plan(const ModeIndex &index, uint32_t edge,
                                          uint32_t subBeat, uint32_t flips) {
  const ReductionPlan *&plan = plans[tableKey(edge, subBeat, flips)];
  if (!plan) {
    keepInside(result, index);
    std::string valid = resultLanes[subBeat];
    for (uint32_t lane = 0; lane < lanes; ++lane)
      valid[lane] = char(valid[lane] & keep[lane]);
    plan = &resolved.reduction(resultRoute, flips, valid);
  }
  return *plan;
}

llvm::Error ContractRunner::reduce(const ModeIndex &index,
                                   const ModeIndex &scopeStart, float *words) {
  uint32_t edge = result.edgeState(index, nest.sizes);
  for (uint32_t s = 0; s < resultLanes.size(); ++s) {
    RowAccess access = result.access(index, s);
    if (!access.inside)
      continue;
    const ReductionPlan &p = plan(index, edge, s, access.flips);
    counters.reduceWords += int64_t(p.adds.size() + p.arrivals.size());
    counters.networkAdds += int64_t(p.adds.size());
    counters.columnAdds +=
        int64_t(p.adds.size() + p.arrivals.size()) * addsPerWord;
    if (p.arrivals.empty())
      continue;
    llvm::Expected<int64_t> row = claimRow(index, scopeStart, s, access.row);
    if (!row)
      return row.takeError();
    if (byTable)
      accumulateByTable(p, words, *row);
    else
      accumulate(p, words, *row);
  }
  return llvm::Error::success();
}

llvm::Expected<int64_t> ContractRunner::claimRow(const ModeIndex &index,
                                                 const ModeIndex &scopeStart,
                                                 uint32_t subBeat,
                                                 int64_t tensorRow) {
  int64_t row = nest.accumulatorBase;
  ModeIndex serial;
  if (subBeat)
    serial = result.serialIndex(index, subBeat);
  const ModeIndex &full = subBeat ? serial : index;
  for (unsigned mode : result.heldModes()) {
    unsigned b = result.operand().modes[mode]->lowBits;
    row += ((full[mode] >> b) - (scopeStart[mode] >> b)) *
           nest.accumulatorStrides[mode];
  }
  if (row < 0 || row >= accumulators.rows)
    return fail(OperandC, "accumulator row " + llvm::Twine(row) +
                              " does not exist: a half has " +
                              llvm::Twine(accumulators.rows));
  int64_t &holds = accumulators.tensorRow[size_t(row)];
  if (holds >= 0 && holds != tensorRow)
    return fail(OperandC, "accumulator row " + llvm::Twine(row) +
                              " would hold rows " + llvm::Twine(holds) +
                              " and " + llvm::Twine(tensorRow) +
                              " of the result at once");
  if (nest.accumulate && holds < 0)
    if (llvm::Error error = reloadRow(full, row, tensorRow))
      return error;
  holds = tensorRow;
  return row;
}

void ContractRunner::accumulate(const ReductionPlan &plan, float *words,
                                int64_t row) {
  for (const ReductionPlan::Add &add : plan.adds)
    words[add.to] = words[add.to] + words[add.from];
  float *sum = accumulators.words.data() + row * accumulators.lanes;
  uint8_t *there = accumulators.valid.data() + row * accumulators.lanes;
  int64_t adds = 0;
  for (const ReductionPlan::Arrival &arrival : plan.arrivals) {
    float word = words[arrival.lane];
    adds += there[arrival.bank];
    sum[arrival.bank] = there[arrival.bank] ? sum[arrival.bank] + word : word;
    there[arrival.bank] = 1;
  }
  counters.accumulatorAdds += adds;
  counters.accumulatorReads += adds;
  counters.accumulatorWrites += int64_t(plan.arrivals.size());
}

llvm::Error ContractRunner::drainTile(const ModeIndex &index,
                                      const ModeIndex &scopeStart) {
  for (size_t i = 0; i < levels.peRow.size(); ++i) {
    ModeIndex full = index;
    for (size_t m = 0; m < full.size(); ++m)
      full[m] += levels.peRowIndex[i][m];
    const float *row = registers.data() + size_t(levels.peRow[i]) * lanes;
    if (!countOnly)
      std::copy(row, row + lanes, sums.begin());
    if (llvm::Error error = reduce(full, scopeStart, sums.data()))
      return error;
    counters.tileDrainBeats += result.subBeats();
  }
  return llvm::Error::success();
}

llvm::Error ContractRunner::drainScope() {
  const Operand &c = nest.c();
  bool f32 = c.elementType == ElementType::F32;
  for (int64_t row = 0; row < accumulators.rows; ++row) {
    int64_t tensorRow = accumulators.tensorRow[size_t(row)];
    if (tensorRow < 0)
      continue;
    int64_t target = c.baseRow + tensorRow * (f32 ? 2 : 1);
    if (!memory.contains(c.slab, target) ||
        !memory.contains(c.slab, target + (f32 ? 1 : 0)))
      return fail(OperandC, "row " + llvm::Twine(target) + " of slab " +
                                llvm::Twine(c.slab) + " does not exist");
    if (byTable && !observer)
      drainRowByTable(row, target);
    else
      drainRow(row, target);
    ++counters.drainedRows;
    counters.rowWrites += f32 ? 2 : 1;
    accumulators.clearRow(row);
  }
  return llvm::Error::success();
}

void ContractRunner::drainRow(int64_t row, int64_t target) {
  const Operand &c = nest.c();
  bool f32 = c.elementType == ElementType::F32;
  const float *sum = accumulators.words.data() + row * accumulators.lanes;
  const uint8_t *there = accumulators.valid.data() + row * accumulators.lanes;
  int64_t words = 0;
  for (uint32_t bank = 0; bank < lanes; ++bank) {
    if (!there[bank])
      continue;
    ++words;
    touched[bank / banksPerMacro] = 1;
    if (observer)
      observer(instruction, c.slab, target, bank, sum[bank]);
    memory.written(c.slab, target)[bank] = 1;
    if (!f32) {
      memory.row(c.slab, target)[bank] = floatToBF16(sum[bank]);
      continue;
    }
    uint32_t bits = floatToBits(canonicalizeNaN(sum[bank]));
    memory.row(c.slab, target)[bank] = uint16_t(bits >> 16);
    memory.row(c.slab, target + 1)[bank] = uint16_t(bits);
    memory.written(c.slab, target + 1)[bank] = 1;
  }
  counters.drainedWords += words;
  counters.accumulatorReads += words;
  counters.macroWrites += countMacros(touched) * (f32 ? 2 : 1);
}

llvm::Error ContractRunner::run() {
  LoopCounters loops(nest);
  ModeIndex scopeStart = loops.index();
  if (nest.clearAtStart)
    accumulators.clear();
  bool newTile = true;
  for (int changed = 0; changed >= 0;) {
    ModeIndex index = loops.index();
    if (llvm::Error error = read(stream, index, streamed.data()))
      return error;
    if (levels.outputStationary) {
      if (llvm::Error error = read(hold, index, held.data()))
        return error;
      multiplyInPlace(newTile);
    } else {
      if (newTile)
        if (llvm::Error error = loadTile(index))
          return error;
      multiplyChain();
      if (llvm::Error error = reduce(index, scopeStart, sums.data()))
        return error;
    }
    ++counters.beats;
    counters.tiles += newTile;
    changed = loops.advance();
    newTile = changed < int(levels.tileLevel);
    if (levels.outputStationary && newTile)
      if (llvm::Error error = drainTile(index, scopeStart))
        return error;
    if (changed >= int(levels.scopeLevel))
      continue;
    if (changed >= 0 || nest.drainAtEnd)
      if (llvm::Error error = drainScope())
        return error;
    scopeStart = loops.index();
  }
  counters.multiplyAdds = multiplyAdds(nest);
  counters.idleMultiplyAdds =
      counters.beats * machine.pes() - counters.multiplyAdds;
  return llvm::Error::success();
}

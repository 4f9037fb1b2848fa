//===- NestVerify.cpp - The rules that one contraction must keep ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Layout/Nest.h"

#include "fetta/Machine/Machine.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace fetta;
using llvm::Error;
using llvm::MulOverflow;
using llvm::SmallVector;

namespace {

/// Limits of the instruction format (docs/ISA.md).
constexpr unsigned MaxModes = 32, MaxLoops = 255;

constexpr const char *operandNames[] = {"A", "B", "C"};

class Verifier {
public:
  Verifier(const Nest &nest, const Machine &machine)
      : nest(nest), machine(machine) {}
  Error run();

private:
  template <typename... Args>
  static Error broken(unsigned rule, const char *format, Args &&...args) {
    return llvm::createStringError(
        std::errc::invalid_argument, "N%u: %s", rule,
        llvm::formatv(format, std::forward<Args>(args)...).str().c_str());
  }

  Error lists();
  Error ranges();
  Error types();
  Error membership();
  Error lanes();
  Error dataflow();
  Error loops();
  Error operand(OperandId id);
  Error scope();
  Error accumulation();
  Error accumulators();
  int64_t accumulatorExtent(unsigned mode) const;

  const Nest &nest;
  const Machine &machine;
  /// Per mode: its lane bits (rule 2 makes them bits 0 to s-1).
  SmallVector<unsigned, 8> laneCount;
};

} // namespace

/// N1: lists have the lengths that machine and number of modes ask for.
Error Verifier::lists() {
  struct {
    const char *name;
    size_t size, wanted;
  } tables[] = {{"CE", nest.lanes.ce.size(), machine.ceBits},
                {"row", nest.lanes.row.size(), machine.peRowBits},
                {"column", nest.lanes.column.size(), machine.peColumnBits}};
  for (const auto &table : tables)
    if (table.size != table.wanted)
      return broken(1, "the lane table has {0} {1} bits, the machine {2}",
                    table.size, table.name, table.wanted);
  unsigned modes = nest.modeCount();
  if (modes > MaxModes || nest.loops.size() > MaxLoops)
    return broken(1,
                  "{0} modes and {1} loops; an instruction holds {2} and "
                  "{3}: merge modes or split the contraction",
                  modes, nest.loops.size(), MaxModes, MaxLoops);
  if (nest.accumulatorStrides.size() != modes)
    return broken(1, "{0} accumulator strides for {1} modes",
                  nest.accumulatorStrides.size(), modes);
  for (auto [id, op] : llvm::enumerate(nest.operands)) {
    if (op.modes.size() != modes)
      return broken(1, "operand {0} has {1} entries for {2} modes",
                    operandNames[id], op.modes.size(), modes);
    if (op.banks.size() != machine.laneBits())
      return broken(1, "operand {0} has {1} bank bits, the machine {2}",
                    operandNames[id], op.banks.size(), machine.laneBits());
  }
  return ranges();
}

/// N1, continued: what is named exists, and sizes can be computed with.
Error Verifier::ranges() {
  unsigned modes = nest.modeCount();
  int64_t product = 1;
  for (auto [mode, size] : llvm::enumerate(nest.sizes))
    if (size < 1 || MulOverflow(product, size, product))
      return broken(1,
                    "mode {0} has size {1}; sizes are positive, their "
                    "product is below 2^63",
                    mode, size);
  product = 1;
  for (auto [l, loop] : llvm::enumerate(nest.loops)) {
    if (loop.mode >= modes)
      return broken(1, "loop {0} moves mode {1} of {2}", l, loop.mode, modes);
    int64_t reach;
    if (loop.count < 1 || loop.weight < 1 ||
        MulOverflow(loop.count, loop.weight, reach) ||
        MulOverflow(product, loop.count, product))
      return broken(1,
                    "loop {0} has count {1} and weight {2}; both are "
                    "positive, products below 2^63",
                    l, loop.count, loop.weight);
  }
  for (const auto *table : {&nest.lanes.ce})
    for (const auto &bit : *table)
      if (bit && bit->mode >= modes)
        return broken(1, "a CE bit carries mode {0} of {1}", bit->mode, modes);
  for (const auto *table : {&nest.lanes.row, &nest.lanes.column})
    for (const auto &bit : *table)
      if (bit && bit->mode >= modes)
        return broken(1, "a row or column bit carries mode {0} of {1}",
                      bit->mode, modes);
  return Error::success();
}

/// N15: the array multiplies BF16.
Error Verifier::types() {
  for (OperandId id : {OperandA, OperandB})
    if (nest.operands[id].elementType != ElementType::BF16)
      return broken(15, "operand {0} is f32; only the result may be",
                    operandNames[id]);
  return Error::success();
}

/// N6: batch modes in all operands, free and reduced ones in two.
Error Verifier::membership() {
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
    unsigned held = llvm::count_if(
        nest.operands, [&](const Operand &op) { return op.holds(mode); });
    if (held < 2)
      return broken(6,
                    "mode {0} is held by {1} operand(s); a mode belongs to "
                    "at least two",
                    mode, held);
  }
  return Error::success();
}

/// N2: a mode with s lane bits puts bits 0 to s-1 on lanes, each once.
Error Verifier::lanes() {
  laneCount.assign(nest.modeCount(), 0);
  SmallVector<SmallVector<unsigned, 4>, 8> bits(nest.modeCount());
  for (const auto &bit : nest.lanes.ce)
    if (bit)
      bits[bit->mode].push_back(bit->bit);
  for (const auto &bit : nest.lanes.row)
    if (bit)
      bits[bit->mode].push_back(bit->bit);
  for (const auto &bit : nest.lanes.column)
    if (bit)
      bits[bit->mode].push_back(bit->bit);
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
    llvm::sort(bits[mode]);
    for (auto [wanted, bit] : llvm::enumerate(bits[mode]))
      if (bit != wanted)
        return broken(2,
                      "mode {0} has {1} lane bits, which must be its bits "
                      "0 to {2}, each once; bit {3} is {4}",
                      mode, bits[mode].size(), bits[mode].size() - 1, wanted,
                      bit > wanted ? "missing" : "not the only one");
    laneCount[mode] = unsigned(bits[mode].size());
  }
  return Error::success();
}

/// N3: which modes rows and columns may carry.
Error Verifier::dataflow() {
  auto group = [&](unsigned mode) {
    bool a = nest.a().holds(mode), b = nest.b().holds(mode),
         c = nest.c().holds(mode);
    return a && b && c ? 'b' : a && b ? 'k' : a ? 'm' : 'n';
  };
  char rows = 'k', columns = 'n';
  if (nest.dataflow == Dataflow::AStationary)
    columns = 'm';
  if (nest.dataflow == Dataflow::OutputStationary)
    rows = 'm';
  auto check = [&](const auto &table, char wanted, const char *name) -> Error {
    for (const auto &bit : table)
      if (bit && group(bit->mode) != wanted)
        return broken(3,
                      "a {0} bit carries mode {1}, which is a {2} mode; in "
                      "this dataflow {0}s carry {3} modes (b: in all "
                      "operands, m: A and C, n: B and C, k: A and B)",
                      name, bit->mode, group(bit->mode), wanted);
    return Error::success();
  };
  if (Error error = check(nest.lanes.row, rows, "row"))
    return error;
  return check(nest.lanes.column, columns, "column");
}

/// N4: loops leave the lane bits alone. N5: they visit every index once.
Error Verifier::loops() {
  for (auto [l, loop] : llvm::enumerate(nest.loops))
    if (loop.weight % (int64_t(1) << laneCount[loop.mode]))
      return broken(4,
                    "loop {0} has weight {1}, which is no multiple of {2}: "
                    "{3} bits of mode {4} are on lanes",
                    l, loop.weight, int64_t(1) << laneCount[loop.mode],
                    laneCount[loop.mode], loop.mode);
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
    SmallVector<Loop, 4> own;
    for (const Loop &loop : nest.loops)
      if (loop.mode == mode && loop.count > 1)
        own.push_back(loop);
    llvm::stable_sort(
        own, [](const Loop &a, const Loop &b) { return a.weight < b.weight; });
    int64_t covered = int64_t(1) << laneCount[mode];
    for (const Loop &loop : own) {
      if (loop.weight != covered)
        return broken(5,
                      "mode {0}: a loop has weight {1} where {2} is needed: "
                      "its indices would be visited {3}",
                      mode, loop.weight, covered,
                      loop.weight < covered ? "twice" : "in part only");
      if ((loop.count - 1) * loop.weight >= nest.sizes[mode])
        return broken(5,
                      "mode {0}: the last of {1} iterations with weight {2} "
                      "lies beyond size {3}",
                      mode, loop.count, loop.weight, nest.sizes[mode]);
      covered = loop.count * loop.weight;
    }
    if (covered < nest.sizes[mode])
      return broken(5, "mode {0}: loops and lanes visit {1} of {2} indices",
                    mode, covered, nest.sizes[mode]);
  }
  return Error::success();
}

/// N7: sizes; N8: layout; N9: rows; N10: serial lanes.
Error Verifier::operand(OperandId id) {
  const Operand &op = nest.operands[id];
  Layout layout;
  layout.banks.assign(op.banks.begin(), op.banks.end());
  for (auto [mode, dim] : llvm::enumerate(op.modes)) {
    if (dim && dim->size != nest.sizes[mode])
      return broken(7, "operand {0} has size {1} in mode {2}, the nest {3}",
                    operandNames[id], dim->size, mode, nest.sizes[mode]);
    // Dimension numbers of the layout are mode numbers.
    layout.dims.push_back(dim.value_or(DimLayout()));
  }
  if (Error error = layout.verify(machine.laneBits()))
    return broken(8, "operand {0}: {1}", operandNames[id],
                  llvm::toString(std::move(error)));
  int64_t planes = op.elementType == ElementType::F32 ? 2 : 1;
  if (op.slab < 0 || op.slab >= machine.slabs || op.baseRow < 0 ||
      layout.rows() > machine.rowsPerSlab / planes ||
      op.baseRow > machine.rowsPerSlab - layout.rows() * planes)
    return broken(9,
                  "operand {0} takes {1} rows from row {2} of slab {3}; "
                  "there are {4} slabs of {5} rows",
                  operandNames[id], layout.rows(), op.baseRow, op.slab,
                  machine.slabs, machine.rowsPerSlab);
  if (id == OperandC && nest.roundsSums() &&
      (nest.sums.slab < 0 || nest.sums.slab >= machine.slabs ||
       nest.sums.baseRow < 0 || layout.rows() > machine.rowsPerSlab / 2 ||
       nest.sums.baseRow > machine.rowsPerSlab - layout.rows() * 2))
    return broken(9,
                  "its partial sums take 2 planes of {0} rows from row {1} of "
                  "slab {2}; there are {3} slabs of {4} rows",
                  layout.rows(), nest.sums.baseRow, nest.sums.slab,
                  machine.slabs, machine.rowsPerSlab);
  uint32_t missing = missingLanes(nest, id, machine) & ~op.serialLanes;
  if (missing)
    return broken(10,
                  "operand {0}: lane bits {1:x} carry index bits that are "
                  "no bank bits and must be serialised",
                  operandNames[id], missing);
  uint32_t excess = op.serialLanes & ~spatialLanes(nest, id, machine);
  if (excess)
    return broken(10,
                  "operand {0}: lane bits {1:x} are serialised but carry "
                  "none of its index bits",
                  operandNames[id], excess);
  return Error::success();
}

/// N11: reduced loops inside the scope. N12: an open scope is the whole nest.
Error Verifier::scope() {
  if (nest.scopeLevel > nest.loops.size())
    return broken(11, "the scope starts at level {0} of {1} loops",
                  nest.scopeLevel, nest.loops.size());
  for (unsigned l = 0; l < nest.scopeLevel; ++l)
    if (nest.isReduced(nest.loops[l].mode))
      return broken(11,
                    "loop {0} over the reduced mode {1} lies outside the "
                    "accumulator scope, which starts at level {2}",
                    l, nest.loops[l].mode, nest.scopeLevel);
  if (nest.scopeLevel != 0 && (!nest.clearAtStart || !nest.drainAtEnd))
    return broken(12,
                  "an accumulator scope that stays open or goes on must be "
                  "the whole nest, not level {0}",
                  nest.scopeLevel);
  return Error::success();
}

/// N16: each scope reloads rows of its own.
Error Verifier::accumulation() {
  if (!nest.accumulate)
    return Error::success();
  if (!nest.clearAtStart)
    return broken(16, "it accumulates, so its scope cannot go on from the "
                      "contraction before as well");
  for (unsigned l = 0; l < nest.scopeLevel; ++l) {
    const Loop &loop = nest.loops[l];
    int64_t chunk = int64_t(1) << nest.c().modes[loop.mode]->lowBits;
    if (loop.count > 1 && loop.weight % chunk)
      return broken(16,
                    "loop {0} outside the accumulator scope moves mode {1} by "
                    "{2}, so two scopes would reload one row, whose chunks "
                    "have {3} indices; move the scope outwards",
                    l, loop.mode, loop.weight, chunk);
  }
  return Error::success();
}

/// Accumulator chunks of a mode of the result that one scope can touch: 1 +
/// max (index >> b) - (index at scope start >> b) over indices of the tensor.
///
/// The difference depends on the start modulo 2^b, and for one residue the
/// smallest start leaves most room before the edge. So the smallest start of
/// every residue is all that matters.
int64_t Verifier::accumulatorExtent(unsigned mode) const {
  unsigned b = nest.c().modes[mode]->lowBits;
  int64_t period = int64_t(1) << b, end = nest.c().modes[mode]->chunks() << b;
  std::vector<int64_t> first(period, -1); // -1: no start has this residue.
  first[0] = 0;
  SmallVector<Loop, 4> inside;
  for (auto [l, loop] : llvm::enumerate(nest.loops)) {
    if (loop.mode != mode || loop.count == 1)
      continue;
    if (l >= nest.scopeLevel) {
      inside.push_back(loop);
      continue;
    }
    std::vector<int64_t> next = first;
    for (int64_t start : first) {
      if (start < 0)
        continue;
      // More iterations come back to a residue with a larger start.
      for (int64_t i = 1; i < std::min(loop.count, period); ++i) {
        int64_t moved = start + i * loop.weight;
        int64_t &best = next[moved % period];
        if (best < 0 || moved < best)
          best = moved;
      }
    }
    first = std::move(next);
  }
  // The largest sum of inner iterations and lanes up to a limit: heaviest loop
  // first, because each weight exceeds all that lighter loops reach.
  llvm::stable_sort(
      inside, [](const Loop &a, const Loop &b) { return a.weight > b.weight; });
  inside.push_back({mode, int64_t(1) << laneCount[mode], 1});
  int64_t extent = 1;
  for (int64_t start : first) {
    if (start < 0 || start >= end)
      continue;
    int64_t index = start;
    for (const Loop &loop : inside)
      index += std::min(loop.count - 1, (end - 1 - index) / loop.weight) *
               loop.weight;
    extent = std::max(extent, (index >> b) - (start >> b) + 1);
  }
  return extent;
}

/// N13: accumulator rows exist. N14: no two results of a scope share a word.
Error Verifier::accumulators() {
  SmallVector<std::array<int64_t, 3>, 8> parts; // stride, extent, mode
  for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
    int64_t stride = nest.accumulatorStrides[mode];
    if (stride < 0 || (stride && !nest.c().holds(mode)))
      return broken(13,
                    "mode {0} has accumulator stride {1}; strides are not "
                    "negative and 0 for reduced modes",
                    mode, stride);
    if (!nest.c().holds(mode))
      continue;
    if (int64_t extent = accumulatorExtent(mode); extent > 1)
      parts.push_back({stride, extent, mode});
  }
  int64_t rows = machine.accumulatorRows, last = nest.accumulatorBase;
  auto fits = [&] { return last >= 0 && last < rows; };
  for (auto [stride, extent, mode] : parts) {
    int64_t reach;
    if (!fits() || MulOverflow(stride, extent - 1, reach) ||
        llvm::AddOverflow(last, reach, last))
      last = -1;
  }
  if (!fits())
    return broken(13,
                  "a scope needs accumulator rows beyond the {0} of a "
                  "half: base {1} and {2} modes with more than one chunk "
                  "in a scope; move the scope inwards",
                  rows, nest.accumulatorBase, parts.size());
  // Chunks in mixed radix: every stride steps over what smaller ones reach.
  // Chunks with equal numbers lie in different banks (rule 8).
  llvm::stable_sort(parts);
  int64_t span = 1;
  for (auto [stride, extent, mode] : parts) {
    if (stride < span)
      return broken(14,
                    "mode {0}: accumulator stride {1} is below {2}, so two "
                    "results of a scope would share a word",
                    mode, stride, span);
    span += stride * (extent - 1);
  }
  return Error::success();
}

Error Verifier::run() {
  if (Error error = lists())
    return error;
  if (Error error = types())
    return error;
  if (Error error = membership())
    return error;
  if (Error error = lanes())
    return error;
  if (Error error = dataflow())
    return error;
  if (Error error = loops())
    return error;
  for (OperandId id : {OperandA, OperandB, OperandC})
    if (Error error = operand(id))
      return error;
  if (Error error = scope())
    return error;
  if (Error error = accumulation())
    return error;
  return accumulators();
}

Error fetta::verifyNest(const Nest &nest, const Machine &machine) {
  return Verifier(nest, machine).run();
}

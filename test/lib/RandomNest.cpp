//===- RandomNest.cpp - Random contractions on the array ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomNest.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <random>

using namespace fetta;
using namespace fetta::test;

namespace {

class Generator {
public:
  Generator(const Machine &machine, const RandomNestOptions &options)
      : machine(machine), options(options), random(options.seed) {}

  RandomContraction draw() {
    while (!tryDraw()) {
    }
    return std::move(result);
  }

private:
  /// Uniform in [0, n). The standard distributions differ between libraries.
  uint64_t below(uint64_t n) { return random() % n; }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <typename Range> void shuffle(Range &range) {
    for (size_t i = range.size(); i > 1; --i)
      std::swap(range[i - 1], range[below(i)]);
  }

  bool tryDraw();
  void drawModes();
  void drawLanes();
  /// Puts lane bits of modes from `allowed` on `positions`.
  template <typename Positions>
  void fill(Positions &positions, llvm::ArrayRef<unsigned> allowed);
  void drawLoops();
  bool drawLayout(OperandId id, unsigned missing);
  bool drawAccumulators();
  bool drawSplit();
  Operand operand(OperandId id) const;

  bool isIn(OperandId id, unsigned mode) const {
    return llvm::is_contained(result.modes[id], mode);
  }

  const Machine &machine;
  const RandomNestOptions &options;
  std::mt19937_64 random;
  RandomContraction result;
  Nest nest;
  llvm::SmallVector<unsigned, 8> batch, m, n, k;
  llvm::SmallVector<unsigned, 8> laneBitsOf; ///< Per mode.
};

} // namespace

void Generator::drawModes() {
  batch.clear(), m.clear(), n.clear(), k.clear();
  result = {};
  auto add = [&](llvm::SmallVectorImpl<unsigned> &group, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      group.push_back(unsigned(result.sizes.size()));
      result.sizes.push_back(1 + int64_t(below(chance(30) ? 20 : 8)));
    }
  };
  add(batch, chance(40) ? 1 : 0);
  add(m, chance(95) ? 1 + unsigned(below(2)) : 0);
  add(n, chance(95) ? 1 + unsigned(below(2)) : 0);
  add(k, chance(90) ? 1 + unsigned(below(2)) : 0);
  auto collect = [&](OperandId id, auto &...groups) {
    (result.modes[id].append(groups.begin(), groups.end()), ...);
    shuffle(result.modes[id]);
  };
  collect(OperandA, batch, m, k);
  collect(OperandB, batch, n, k);
  collect(OperandC, batch, m, n);
}

template <typename Positions>
void Generator::fill(Positions &positions, llvm::ArrayRef<unsigned> allowed) {
  for (auto &position : positions) {
    if (allowed.empty() || chance(15))
      continue;
    unsigned mode = allowed[below(allowed.size())];
    if (int64_t(1) << laneBitsOf[mode] >= result.sizes[mode])
      continue;
    position = ModeBit{mode, laneBitsOf[mode]++};
  }
}

void Generator::drawLanes() {
  nest.lanes.ce.assign(machine.ceBits, std::nullopt);
  nest.lanes.row.assign(machine.peRowBits, std::nullopt);
  nest.lanes.column.assign(machine.peColumnBits, std::nullopt);
  laneBitsOf.assign(result.sizes.size(), 0);
  bool output = nest.dataflow == Dataflow::OutputStationary;
  fill(nest.lanes.row, output ? m : k);
  fill(nest.lanes.column, nest.dataflow == Dataflow::AStationary ? m : n);
  llvm::SmallVector<unsigned, 8> all;
  for (unsigned mode = 0; mode < result.sizes.size(); ++mode)
    all.push_back(mode);
  fill(nest.lanes.ce, all);
  // Which of a mode's lanes carries which of its bits.
  for (unsigned mode : all) {
    llvm::SmallVector<unsigned, 8> bits;
    for (unsigned bit = 0; bit < laneBitsOf[mode]; ++bit)
      bits.push_back(bit);
    shuffle(bits);
    auto rename = [&](auto &positions) {
      for (auto &position : positions)
        if (position && position->mode == mode) {
          position->bit = bits.back();
          bits.pop_back();
        }
    };
    rename(nest.lanes.ce);
    rename(nest.lanes.row);
    rename(nest.lanes.column);
  }
}

void Generator::drawLoops() {
  nest.loops.clear();
  for (auto [mode, size] : llvm::enumerate(result.sizes)) {
    int64_t weight = int64_t(1) << laneBitsOf[mode];
    int64_t chunks = int64_t(llvm::divideCeil(uint64_t(size), weight));
    if (chunks > 3 && chance(30)) {
      int64_t inner = 2 + int64_t(below(uint64_t(chunks) - 2));
      nest.loops.push_back({unsigned(mode), inner, weight});
      weight *= inner;
      chunks = int64_t(llvm::divideCeil(uint64_t(chunks), inner));
    }
    if (chunks > 1)
      nest.loops.push_back({unsigned(mode), chunks, weight});
  }
  shuffle(nest.loops);
  unsigned levels = 0;
  while (levels < nest.loops.size() &&
         !llvm::is_contained(k, nest.loops[levels].mode))
    ++levels;
  nest.scopeLevel = unsigned(below(levels + 1));
}

Operand Generator::operand(OperandId id) const {
  Operand operand;
  const Layout &layout = result.layouts[id];
  operand.modes.resize(result.sizes.size());
  for (auto [d, mode] : llvm::enumerate(result.modes[id]))
    operand.modes[mode] = layout.dims[d];
  operand.banks = layout.banks;
  for (BankBit &bank : operand.banks)
    if (bank.source)
      bank.source->mode = result.modes[id][bank.source->mode];
  operand.slab = options.slabs[id];
  operand.baseRow = result.baseRows[id];
  if (id == OperandC)
    operand.elementType = result.resultType;
  return operand;
}

bool Generator::drawLayout(OperandId id, unsigned missing) {
  auto &modes = result.modes[id];
  nest.operands[id] = Operand();
  nest.operands[id].modes.resize(result.sizes.size());
  for (unsigned mode : modes)
    nest.operands[id].modes[mode] = DimLayout{result.sizes[mode], 0, 0};
  // Low bits of each dimension: what access without conflicts needs.
  llvm::SmallVector<unsigned, 8> low(modes.size(), 0), need(modes.size(), 0);
  auto lanes = laneBits(nest, netOf(nest.dataflow, id), machine);
  auto spatialBits = [&](size_t d, unsigned from) {
    unsigned count = 0;
    for (const auto &bit : lanes)
      count += bit && bit->mode == modes[d] && bit->bit >= from;
    return count;
  };
  unsigned total = 0;
  for (size_t d = 0; d < modes.size(); ++d) {
    for (const auto &bit : lanes)
      if (bit && bit->mode == modes[d])
        low[d] = std::max(low[d], bit->bit + 1);
    need[d] = low[d];
    total += low[d];
  }
  unsigned lost = 0;
  for (int attempt = 0; attempt < 20 && lost < missing; ++attempt) {
    if (modes.empty())
      return false;
    size_t d = below(modes.size());
    if (low[d] == 0)
      continue;
    unsigned more = spatialBits(d, low[d] - 1) - spatialBits(d, low[d]);
    --low[d], --total;
    lost += more;
  }
  if (lost != missing || total > machine.laneBits())
    return false;
  for (size_t d = 0; d < modes.size(); ++d)
    if (low[d] == need[d] && total < machine.laneBits() && chance(30))
      ++low[d], ++total;
  llvm::SmallVector<BankBit, 12> banks;
  for (size_t d = 0; d < modes.size(); ++d)
    for (unsigned bit = 0; bit < low[d]; ++bit)
      banks.push_back({ModeBit{unsigned(d), bit}, false});
  while (banks.size() < machine.laneBits())
    banks.push_back({std::nullopt, chance(50)});
  shuffle(banks);
  llvm::SmallVector<int64_t, 8> sizes;
  llvm::SmallVector<unsigned, 8> order;
  for (auto [d, mode] : llvm::enumerate(modes)) {
    sizes.push_back(result.sizes[mode]);
    order.push_back(unsigned(d));
  }
  shuffle(order);
  result.layouts[id] = Layout::packed(sizes, banks, order);
  int64_t rows =
      result.layouts[id].rows() *
      (id == OperandC && result.resultType == ElementType::F32 ? 2 : 1);
  if (rows > machine.rowsPerSlab / 4)
    return false;
  // A quarter of the slab for each operand, should they share one.
  result.baseRows[id] =
      machine.rowsPerSlab / 4 * int64_t(id) +
      int64_t(below(uint64_t(machine.rowsPerSlab / 4 - rows + 1)));
  nest.operands[id] = operand(id);
  nest.operands[id].serialLanes = missingLanes(nest, id, machine);
  return unsigned(llvm::popcount(nest.operands[id].serialLanes)) == missing;
}

bool Generator::drawAccumulators() {
  nest.accumulatorStrides.assign(result.sizes.size(), 0);
  llvm::SmallVector<unsigned, 8> order(result.modes[OperandC]);
  shuffle(order);
  int64_t rows = 1;
  for (unsigned mode : order) {
    const DimLayout &dim = *nest.c().modes[mode];
    // Indices at which a scope starts, and those inside it.
    std::vector<int64_t> starts = {0}, inside = {0};
    auto extend = [](std::vector<int64_t> &values, int64_t count,
                     int64_t weight) {
      size_t old = values.size();
      for (int64_t i = 1; i < count; ++i)
        for (size_t j = 0; j < old; ++j)
          values.push_back(values[j] + i * weight);
    };
    for (auto [l, loop] : llvm::enumerate(nest.loops))
      if (loop.mode == mode)
        extend(l < nest.scopeLevel ? starts : inside, loop.count, loop.weight);
    extend(inside, int64_t(1) << laneBitsOf[mode], 1);
    int64_t extent = 1;
    for (int64_t start : starts)
      for (int64_t offset : inside)
        if ((start + offset) >> dim.lowBits < dim.chunks())
          extent = std::max(extent, ((start + offset) >> dim.lowBits) -
                                        (start >> dim.lowBits) + 1);
    nest.accumulatorStrides[mode] = extent > 1 ? rows : 0;
    rows *= extent;
    if (rows > machine.accumulatorRows)
      return false;
  }
  nest.accumulatorBase =
      int64_t(below(uint64_t(machine.accumulatorRows - rows + 1)));
  return true;
}

/// Splits a reduced mode at a multiple of its low bits in both operands. The
/// scope of the whole nest stays open in between.
bool Generator::drawSplit() {
  result.offsets.assign(1,
                        llvm::SmallVector<int64_t, 8>(result.sizes.size(), 0));
  if (!options.splitReduction || k.empty() || nest.scopeLevel != 0)
    return !options.splitReduction || chance(10);
  unsigned mode = k[below(k.size())];
  int64_t size = result.sizes[mode];
  int64_t unit = int64_t(1) << std::max({nest.a().modes[mode]->lowBits,
                                         nest.b().modes[mode]->lowBits});
  if (size <= unit)
    return chance(10);
  int64_t split = unit * (1 + int64_t(below(uint64_t((size - 1) / unit))));
  auto part = [&](int64_t from, int64_t to) {
    Nest half = nest;
    half.sizes[mode] = to - from;
    for (OperandId id : {OperandA, OperandB}) {
      DimLayout &dim = *half.operands[id].modes[mode];
      half.operands[id].baseRow += (from >> dim.lowBits) * dim.rowStride;
      dim.size = to - from;
    }
    int64_t weight = int64_t(1) << laneBitsOf[mode];
    int64_t count = int64_t(llvm::divideCeil(uint64_t(to - from), weight));
    bool first = true;
    llvm::erase_if(half.loops, [&](Loop &loop) {
      if (loop.mode != mode)
        return false;
      if (!first || count == 1)
        return true;
      loop.count = count;
      loop.weight = weight;
      first = false;
      return false;
    });
    half.clearAtStart = from == 0;
    half.drainAtEnd = to == size;
    return half;
  };
  result.nests = {part(0, split), part(split, size)};
  result.offsets.push_back(result.offsets[0]);
  result.offsets[1][mode] = split;
  return true;
}

bool Generator::tryDraw() {
  drawModes();
  int64_t work = 1;
  for (int64_t size : result.sizes)
    work *= size;
  if (work > options.maxMultiplyAdds)
    return false;
  nest = {};
  nest.dataflow = options.dataflow ? *options.dataflow : Dataflow(below(3));
  nest.sizes = result.sizes;
  result.resultType = chance(30) ? ElementType::F32 : ElementType::BF16;
  drawLanes();
  drawLoops();
  // Lane bits of C depend on C's modes only; sized before its layout is drawn.
  unsigned missing[3] = {0, 0, 0};
  for (unsigned i = 0; i < options.missingBits; ++i)
    ++missing[below(3)];
  for (OperandId id : {OperandA, OperandB, OperandC})
    if (!drawLayout(id, missing[id]))
      return false;
  if (!drawAccumulators())
    return false;
  result.nests = {nest};
  return drawSplit();
}

RandomContraction
fetta::test::randomContraction(const Machine &machine,
                               const RandomNestOptions &options) {
  return Generator(machine, options).draw();
}

std::string fetta::test::describe(const RandomContraction &contraction) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    os << (id == OperandA ? "" : id == OperandB ? ", " : " -> ");
    llvm::interleave(
        contraction.modes[id], os, [&](unsigned mode) { os << 'd' << mode; },
        " ");
  }
  os << " with sizes ";
  llvm::interleave(contraction.sizes, os, "x");
  os << ", " << contraction.nests.size() << " instruction(s), dataflow "
     << int(contraction.nests[0].dataflow);
  return text;
}

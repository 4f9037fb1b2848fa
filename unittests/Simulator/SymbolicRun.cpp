//===- SymbolicRun.cpp - A program run on names ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SymbolicMemory.h"

#include <optional>

using namespace fetta;
using namespace fetta::test;

namespace {

using Index = std::vector<int64_t>;
using Words = std::vector<std::optional<Formula>>; ///< Nothing: not valid.

/// What switch words do (section 4): stage s pairs the lines that differ in
/// bit min(s, 2p-2-s) on a Benes, in bit s on a butterfly; a toggled stage
/// flips the low bit of its codes.
template <typename Switch>
void walk(const Route &route, uint32_t constant, Switch visit) {
  unsigned p = route.wiring.bits;
  bool benes = route.wiring.topology == NetworkTopology::Benes;
  unsigned stages = benes ? 2 * p - 1 : p;
  unsigned first = route.wiring.kind == NetKind::Distribution ? stages - p : 0;
  uint32_t toggled = 0;
  for (size_t j = 0; j < route.masks.size(); ++j)
    if (constant >> j & 1)
      toggled ^= route.masks[j];
  for (unsigned s = 0; s < stages; ++s) {
    unsigned bit = benes ? std::min(s, 2 * p - 2 - s) : s;
    unsigned toggle =
        s >= first && s < first + p ? toggled >> (s - first) & 1 : 0;
    size_t sw = size_t(s) << (p - 1);
    for (uint32_t line = 0; line < uint32_t(1) << p; ++line)
      if (!(line >> bit & 1))
        visit(route.codes[sw++] ^ toggle, line, line | uint32_t(1) << bit);
  }
}

class Contraction {
public:
  Contraction(const Program &program, const std::array<uint32_t, 3> &routes,
              size_t number, Memory &memory,
              std::map<int64_t, std::pair<int64_t, Words>> &accumulators,
              SymbolicOutcome &outcome)
      : machine(program.machine), program(program), routes(routes),
        number(number), nest(std::get<Contract>(program.code[number]).nest),
        memory(memory), accumulators(accumulators), outcome(outcome),
        lanes(uint32_t(machine.lanes())),
        rows(uint32_t(1) << machine.peRowBits),
        columns(uint32_t(1) << machine.peColumnBits),
        positionBits(std::max(machine.peRowBits, machine.peColumnBits)),
        outputStationary(nest.dataflow == Dataflow::OutputStationary),
        streamed(nest.dataflow == Dataflow::AStationary ? 1 : 0),
        inPe(rows, std::vector<Formula>(lanes, 0)) {
    for (unsigned net = 0; net < 3; ++net) {
      sources[net] = lanesOf(Net(net));
      for (uint32_t lane = 0; lane < lanes; ++lane) {
        Index part = at(Index(nest.sizes.size(), 0), sources[net], lane);
        parts[net].insert(parts[net].end(), part.begin(), part.end());
      }
    }
    for (uint32_t row = 0; row < rows; ++row)
      if (!carriesNothing(nest.lanes.row, row))
        usedRows.push_back(row);
  }
  void run();

private:
  void reload(const Index &index, int64_t tensorRow, Words &sums);
  using Lanes = std::vector<std::optional<ModeBit>>;
  Lanes lanesOf(Net net) const {
    Lanes bits;
    if (net == Net::Stream)
      bits.assign(nest.lanes.row.begin(), nest.lanes.row.end());
    else
      bits.assign(nest.lanes.column.begin(), nest.lanes.column.end());
    bits.resize(positionBits);
    bits.insert(bits.end(), nest.lanes.ce.begin(), nest.lanes.ce.end());
    return bits;
  }
  template <typename Table>
  static bool carriesNothing(const Table &table, uint32_t lane) {
    for (size_t j = 0; j < table.size(); ++j)
      if ((lane >> j & 1) && !table[j])
        return true;
    return false;
  }
  /// Index with the bits of a lane, in the modes of an operand if one is given.
  static Index at(Index index, const Lanes &bits, uint32_t lane,
                  const Operand *operand = nullptr) {
    for (size_t j = 0; j < bits.size(); ++j)
      if (bits[j] && (lane >> j & 1) &&
          (!operand || operand->modes[bits[j]->mode]))
        index[bits[j]->mode] += int64_t(1) << bits[j]->bit;
    return index;
  }
  bool beyondEdge(const Operand &operand, Net net, uint32_t lane,
                  const Index &index) const {
    const int64_t *part = &parts[unsigned(net)][lane * index.size()];
    for (size_t m = 0; m < index.size(); ++m)
      if (operand.modes[m] && index[m] + part[m] >= nest.sizes[m])
        return true;
    return false;
  }
  /// Row of an index, nothing beyond the operand's chunks.
  static std::optional<int64_t> rowOf(const Operand &operand,
                                      const Index &index) {
    int64_t row = 0;
    for (size_t m = 0; m < index.size(); ++m) {
      if (!operand.modes[m])
        continue;
      const DimLayout &dim = *operand.modes[m];
      int64_t chunk = index[m] >> dim.lowBits;
      if (chunk << dim.lowBits >= dim.size)
        return std::nullopt;
      row += chunk * dim.rowStride;
    }
    return row;
  }
  /// What is added to the bank of every lane.
  static uint32_t constantOf(const Operand &operand, const Lanes &bits,
                             const Index &index) {
    uint32_t constant = 0;
    for (size_t j = 0; j < operand.banks.size(); ++j) {
      const BankBit &bank = operand.banks[j];
      bool set = bank.constant;
      if (bank.source) {
        set = index[bank.source->mode] >> bank.source->bit & 1;
        for (size_t l = 0; l < bits.size(); ++l)
          if (bits[l] == bank.source && !(operand.serialLanes >> l & 1))
            set = false; // The route takes it from the lane.
      }
      constant |= uint32_t(set) << j;
    }
    return constant;
  }
  /// Every value that the serial lane bits take.
  uint32_t nextSerial(uint32_t value, uint32_t mask) const {
    return ((value | ~mask) + 1) & mask;
  }

  void read(unsigned id, Net net, const Index &index,
            std::vector<Formula> &out);
  void reduce(const Index &index, const std::vector<Formula> &words);
  void drain();
  Index withRow(const Index &index, uint32_t row) const {
    return at(index, Lanes(nest.lanes.row.begin(), nest.lanes.row.end()), row);
  }

  const Machine &machine;
  const Program &program;
  std::array<uint32_t, 3> routes;
  size_t number;
  const Nest &nest;
  Memory &memory;
  std::map<int64_t, std::pair<int64_t, Words>> &accumulators;
  SymbolicOutcome &outcome;
  uint32_t lanes, rows, columns;
  unsigned positionBits;
  bool outputStationary;
  unsigned streamed;
  std::array<Lanes, 3> sources;              ///< Per network.
  std::array<std::vector<int64_t>, 3> parts; ///< Index parts of lanes.
  std::vector<uint32_t> usedRows;
  Index scopeStart;
  /// Stationary words, or the sums of an output-stationary tile.
  std::vector<std::vector<Formula>> inPe;
  std::map<std::pair<uint32_t, uint32_t>, std::vector<uint32_t>> banksOfLanes;
};

} // namespace

void Contraction::read(unsigned id, Net net, const Index &index,
                       std::vector<Formula> &out) {
  const Operand &operand = nest.operands[id];
  const Lanes &bits = sources[unsigned(net)];
  uint32_t route = routes[unsigned(net)];
  out.assign(lanes, 0);
  uint32_t serial = operand.serialLanes & (lanes - 1), value = 0;
  do {
    Index common = at(index, bits, value, &operand);
    if (auto row = rowOf(operand, common)) {
      *row += operand.baseRow;
      if (!memory.contains(operand.slab, *row)) {
        outcome.meaningless = true;
        return;
      }
      uint32_t constant = constantOf(operand, bits, common);
      auto [it, isNew] = banksOfLanes.try_emplace({route, constant});
      if (isNew) {
        std::vector<uint32_t> &line = it->second;
        for (uint32_t bank = 0; bank < lanes; ++bank)
          line.push_back(bank);
        walk(program.routes[route], constant,
             [&](unsigned code, uint32_t u, uint32_t l) {
               uint32_t upper = line[u], lower = line[l];
               line[u] = code == Cross || code == LowerToBoth ? lower : upper;
               line[l] = code == Cross || code == UpperToBoth ? upper : lower;
             });
      }
      const std::vector<Formula> *words = memory.row(operand.slab, *row);
      for (uint32_t lane = 0; lane < lanes; ++lane) {
        uint32_t position = lane & ((1u << positionBits) - 1);
        if ((lane & serial) != value ||
            position >= (net == Net::Stream ? rows : columns) ||
            (net == Net::Stream && !outputStationary &&
             carriesNothing(nest.lanes.row, position)) ||
            beyondEdge(operand, net, lane, index))
          continue;
        uint32_t bank = it->second[lane];
        out[lane] =
            words ? (*words)[bank] : Memory::initial(operand.slab, *row, bank);
      }
    }
    value = nextSerial(value, serial);
  } while (value);
}

void Contraction::reduce(const Index &index,
                         const std::vector<Formula> &words) {
  const Operand &c = nest.operands[2];
  const Lanes &bits = sources[2];
  uint32_t serial = c.serialLanes & (lanes - 1), value = 0;
  do {
    Index common = at(index, bits, value, &c);
    auto row = rowOf(c, common);
    if (row) {
      int64_t accumulator = nest.accumulatorBase;
      for (size_t m = 0; m < common.size(); ++m)
        if (c.modes[m])
          accumulator += ((common[m] >> c.modes[m]->lowBits) -
                          (scopeStart[m] >> c.modes[m]->lowBits)) *
                         nest.accumulatorStrides[m];
      Words line(lanes);
      for (uint32_t lane = 0; lane < lanes; ++lane)
        if ((lane & serial) == value &&
            (lane & ((1u << positionBits) - 1)) < columns &&
            !carriesNothing(bits, lane) &&
            !beyondEdge(c, Net::Reduce, lane, index))
          line[lane] = words[lane];
      walk(program.routes[routes[2]], constantOf(c, bits, common),
           [&](unsigned code, uint32_t u, uint32_t l) {
             if (code == Cross)
               std::swap(line[u], line[l]);
             if (code < SumToUpper)
               return;
             auto sum = line[u] && line[l] ? add(*line[u], *line[l])
                        : line[u]          ? line[u]
                                           : line[l];
             line[code == SumToUpper ? u : l] = sum;
             line[code == SumToUpper ? l : u] = std::nullopt;
           });
      auto [it, isNew] = accumulators.try_emplace(accumulator);
      auto &[tensorRow, sums] = it->second;
      if (isNew) {
        tensorRow = *row;
        sums.resize(lanes);
        if (nest.accumulate)
          reload(common, *row, sums);
      }
      if (accumulator < 0 || accumulator >= machine.accumulatorRows ||
          tensorRow != *row) {
        outcome.meaningless = true;
        return;
      }
      for (uint32_t bank = 0; bank < lanes; ++bank)
        if (line[bank])
          sums[bank] = sums[bank] ? add(*sums[bank], *line[bank]) : line[bank];
    }
    value = nextSerial(value, serial);
  } while (value);
}

/// The words of a row that lie inside all edges are there already.
void Contraction::reload(const Index &index, int64_t tensorRow, Words &sums) {
  const Operand &c = nest.operands[2];
  bool inPlace = c.elementType == ElementType::F32;
  int64_t slab = inPlace ? c.slab : nest.sums.slab;
  int64_t row = (inPlace ? c.baseRow : nest.sums.baseRow) + 2 * tensorRow;
  if (!memory.contains(slab, row) || !memory.contains(slab, row + 1)) {
    outcome.meaningless = true;
    return;
  }
  for (uint32_t bank = 0; bank < lanes; ++bank) {
    bool inside = true;
    Index low(index.size(), 0);
    for (size_t j = 0; j < c.banks.size(); ++j) {
      bool set = bank >> j & 1;
      if (!c.banks[j].source)
        inside = inside && set == c.banks[j].constant;
      else if (set)
        low[c.banks[j].source->mode] |= int64_t(1) << c.banks[j].source->bit;
    }
    for (size_t m = 0; m < index.size(); ++m)
      if (c.modes[m]) {
        int64_t chunk = index[m] >> c.modes[m]->lowBits;
        inside =
            inside && (chunk << c.modes[m]->lowBits | low[m]) < nest.sizes[m];
      }
    if (inside)
      sums[bank] = memory.whole(memory.read(slab, row, bank),
                                memory.read(slab, row + 1, bank));
  }
}

void Contraction::drain() {
  const Operand &c = nest.operands[2];
  bool f32 = c.elementType == ElementType::F32;
  for (auto &[accumulator, entry] : accumulators) {
    int64_t row = c.baseRow + entry.first * (f32 ? 2 : 1);
    if (!memory.contains(c.slab, row) || !memory.contains(c.slab, row + f32)) {
      outcome.meaningless = true;
      return;
    }
    for (uint32_t bank = 0; bank < lanes; ++bank) {
      if (!entry.second[bank])
        continue;
      Formula word = *entry.second[bank];
      outcome.drained[{number, c.slab, row, bank}] = word;
      memory.write(c.slab, row, bank,
                   f32 ? memory.high(word) : node(4, word, 0));
      if (f32)
        memory.write(c.slab, row + 1, bank, Memory::low(word));
    }
  }
  accumulators.clear();
}

void Contraction::run() {
  size_t loops = nest.loops.size();
  std::vector<int64_t> counter(loops, 0);
  auto indexNow = [&] {
    Index index(nest.sizes.size(), 0);
    for (size_t l = 0; l < loops; ++l)
      index[nest.loops[l].mode] += counter[l] * nest.loops[l].weight;
    return index;
  };
  unsigned held = 1 - streamed;
  /// Whether a counter that a tile hangs on changes when loop `outermost` and
  /// with it all loops inside it move.
  auto tileChanges = [&](size_t outermost) {
    for (size_t l = outermost; l < loops; ++l) {
      bool holds =
          outputStationary
              ? nest.operands[2].modes[nest.loops[l].mode].has_value()
              : nest.operands[held].modes[nest.loops[l].mode].has_value();
      if (holds && nest.loops[l].count > 1)
        return true;
    }
    return false;
  };
  if (nest.clearAtStart)
    accumulators.clear();
  scopeStart = indexNow();
  bool newTile = true, more = true;
  std::vector<Formula> stream, hold, sums(lanes);
  while (more && !outcome.meaningless) {
    Index index = indexNow();
    read(streamed, Net::Stream, index, stream);
    if (outputStationary)
      read(held, Net::Hold, index, hold);
    else if (newTile)
      for (uint32_t row : usedRows)
        read(held, Net::Hold, withRow(index, row), inPe[row]);
    uint32_t below = (1u << positionBits) - 1;
    for (uint32_t lane = 0; lane < lanes; ++lane)
      for (uint32_t row = 0; row < rows; ++row) {
        Formula s = stream[(lane & ~below) | row];
        if (outputStationary) {
          Formula product = multiply(s, hold[lane]);
          inPe[row][lane] = newTile ? product : add(inPe[row][lane], product);
        } else {
          Formula product = multiply(s, inPe[row][lane]);
          sums[lane] = row ? add(sums[lane], product) : product;
        }
      }
    if (!outputStationary)
      reduce(index, sums);
    // The outermost loop that moves; `loops` as a whole when the nest is over.
    size_t moved = loops;
    more = false;
    while (moved-- > 0) {
      if (++counter[moved] < nest.loops[moved].count) {
        more = true;
        break;
      }
      counter[moved] = 0;
    }
    newTile = !more || tileChanges(moved);
    if (outputStationary && newTile)
      for (uint32_t row : usedRows)
        reduce(withRow(index, row), inPe[row]);
    if (more ? moved < nest.scopeLevel : nest.drainAtEnd)
      drain();
    if (more && moved < nest.scopeLevel)
      scopeStart = indexNow();
  }
}

/// A transfer, element by element.
static void transfer(const Program &program, const Dma &dma, Memory &memory,
                     SymbolicOutcome &outcome) {
  outcome.meaningless = true;
  if (dma.tensor >= program.tensors.size() ||
      dma.region >= program.regions.size())
    return;
  const TensorEntry &t = program.tensors[dma.tensor];
  const DramRegion &region = program.regions[dma.region];
  bool f32 = t.elementType == ElementType::F32;
  if (t.elementType != region.elementType ||
      dma.strides.size() != t.layout.dims.size())
    return;
  std::vector<int64_t> index(dma.strides.size(), 0);
  for (int64_t left = t.layout.elements(); left; --left) {
    __int128 at = dma.offset;
    for (size_t d = 0; d < index.size(); ++d)
      at += __int128(index[d]) * dma.strides[d];
    if (at < 0 || at >= region.elements())
      return;
    int64_t row = t.baseRow + t.layout.rowOf(index) * (f32 ? 2 : 1);
    size_t bank = t.layout.bankOf(index);
    std::pair<uint32_t, int64_t> element = {dma.region, int64_t(at)};
    if (dma.store) {
      Formula word = memory.read(t.slab, row, bank);
      outcome.stored[element] =
          f32 ? memory.whole(word, memory.read(t.slab, row + 1, bank)) : word;
    } else {
      auto it = outcome.stored.find(element);
      Formula word = it != outcome.stored.end()
                         ? it->second
                         : node(8, dma.region, uint64_t(at));
      memory.write(t.slab, row, bank, f32 ? memory.high(word) : word);
      if (f32)
        memory.write(t.slab, row + 1, bank, Memory::low(word));
    }
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < t.layout.dims[d].size)
        break;
      index[d] = 0;
    }
  }
  outcome.meaningless = false;
}

SymbolicOutcome fetta::test::runSymbolically(const Program &program) {
  SymbolicOutcome outcome;
  Memory memory(program.machine);
  std::map<int64_t, std::pair<int64_t, Words>> accumulators;
  std::map<std::pair<Net, unsigned>, uint32_t> slots;
  for (size_t i = 0; i < program.code.size() && !outcome.meaningless; ++i) {
    if (const auto *load = std::get_if<LoadRoute>(&program.code[i]))
      slots[{load->net, load->slot}] = load->route;
    else if (const auto *contract = std::get_if<Contract>(&program.code[i])) {
      std::array<uint32_t, 3> routes;
      for (unsigned net = 0; net < 3; ++net)
        routes[net] = slots[{Net(net), contract->slots[net]}];
      Contraction(program, routes, i, memory, accumulators, outcome).run();
    } else if (const auto *dma = std::get_if<Dma>(&program.code[i])) {
      transfer(program, *dma, memory, outcome);
    } else if (std::holds_alternative<Halt>(program.code[i])) {
      break;
    }
  }
  return outcome;
}

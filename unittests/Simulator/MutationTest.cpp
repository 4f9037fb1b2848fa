//===- MutationTest.cpp - Changed programs are noticed --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Changes one switch state, descriptor field or loop bound of a program that
// is right. The change is noticed by verification, or because the run fails or
// drains another word. Changes that the replay of all uses of a route proves
// equivalent are set aside.
//
//===----------------------------------------------------------------------===//

#include "TestPrograms.h"
#include "fetta/Program/Container.h"
#include "fetta/Program/InstructionCoding.h"
#include "fetta/Simulator/Functional.h"
#include "fetta/Support/BFloat16.h"

#include "gtest/gtest.h"

#include <iostream>
#include <tuple>

using namespace fetta;
using namespace fetta::test;

namespace {

using Word = std::tuple<size_t, int64_t, int64_t, uint32_t, uint32_t>;

struct Score {
  unsigned drawn = 0, equivalent = 0, verified = 0, values = 0, survived = 0;
};

class Mutator {
public:
  Mutator(const Machine &machine, const RandomNestOptions &options)
      : random(options.seed),
        program(programOf(randomContraction(machine, options), machine)) {
    for (unsigned t : {0, 1})
      inputs.push_back(
          randomValues(random, size_t(program.tensors[t].layout.elements())));
    original = drain(program);
  }

  void switches(unsigned count, Score &score) {
    for (unsigned i = 0; i < count; ++i) {
      Program mutant = program;
      size_t r = random() % mutant.routes.size();
      Route &route = mutant.routes[r];
      size_t at = random() % route.codes.size();
      route.codes[at] ^= 1 + random() % 3;
      judge(mutant, sameUses(mutant, r), score,
            "route " + std::to_string(r) + " code " + std::to_string(at));
    }
  }

  void fields(Score &score) {
    for (size_t i = 0; i < program.code.size(); ++i) {
      const auto *contract = std::get_if<Contract>(&program.code[i]);
      if (!contract)
        continue;
      auto change = [&](const std::string &what, auto edit) {
        Program mutant = program;
        edit(std::get<Contract>(mutant.code[i]).nest);
        judge(mutant, false, score, what);
      };
      const Nest &nest = contract->nest;
      for (size_t l = 0; l < nest.loops.size(); ++l) {
        change("loop count + 1", [&](Nest &n) { ++n.loops[l].count; });
        change("loop count - 1", [&](Nest &n) { --n.loops[l].count; });
        change("loop weight", [&](Nest &n) { n.loops[l].weight *= 2; });
      }
      for (size_t m = 0; m < nest.sizes.size(); ++m) {
        change("mode size + 1", [&](Nest &n) { ++n.sizes[m]; });
        change("mode size - 1", [&](Nest &n) { --n.sizes[m]; });
        for (OperandId id : {OperandA, OperandB, OperandC}) {
          const auto &dim = nest.operands[id].modes[m];
          if (!dim)
            continue;
          auto edit = [&](const char *what, auto action) {
            change(what, [&](Nest &n) { action(*n.operands[id].modes[m]); });
          };
          edit("low bits + 1", [](DimLayout &d) { ++d.lowBits; });
          if (dim->lowBits)
            edit("low bits - 1", [](DimLayout &d) { --d.lowBits; });
          if (dim->chunks() > 1)
            edit("row stride", [](DimLayout &d) { ++d.rowStride; });
        }
      }
      for (OperandId id : {OperandA, OperandB, OperandC}) {
        change("base row", [&](Nest &n) { ++n.operands[id].baseRow; });
        change("slab", [&](Nest &n) { n.operands[id].slab = 3; });
        for (size_t b = 0; b < nest.operands[id].banks.size(); ++b)
          if (nest.operands[id].banks[b].source)
            change("bank bit",
                   [&](Nest &n) { n.operands[id].banks[b] = BankBit(); });
          else
            change("bank constant",
                   [&](Nest &n) { n.operands[id].banks[b].constant ^= true; });
        for (unsigned l = 0; l < program.machine.laneBits(); ++l)
          change("serial lane",
                 [&](Nest &n) { n.operands[id].serialLanes ^= 1u << l; });
      }
      auto lanes = [&](auto table) {
        for (size_t l = 0; l < table(nest).size(); ++l)
          if (table(nest)[l])
            change("lane", [&](Nest &n) { table(n)[l] = std::nullopt; });
      };
      lanes([](auto &n) -> auto & { return n.lanes.ce; });
      lanes([](auto &n) -> auto & { return n.lanes.row; });
      lanes([](auto &n) -> auto & { return n.lanes.column; });
    }
  }

  /// Flips one bit of a field of an instruction in the binary, with checksums
  /// made right again, as a wrong compiler would write it.
  void binary(unsigned count, Score &score) {
    const std::vector<uint8_t> bytes = must(encodeProgram(program));
    uint64_t offset = 0, size = 0;
    for (const SectionPlace &place : must(sectionsOf(bytes)))
      if (place.name == "code") {
        offset = place.offset;
        size = place.size;
      }
    ASSERT_GT(size, 0u);
    std::vector<isa::FieldPlace> places;
    must(isa::decodeCode(llvm::ArrayRef(bytes).slice(offset, size), &places));
    for (unsigned i = 0; i < count; ++i) {
      const isa::FieldPlace &place = places[random() % places.size()];
      const isa::FieldInfo &field = isa::info(place.field);
      uint64_t bit = 8 * offset + place.bit + random() % field.width;
      std::vector<uint8_t> changed = bytes;
      changed[bit / 8] ^= uint8_t(1u << bit % 8);
      must(resign(changed));
      ++score.drawn;
      auto decoded = decodeProgram(changed);
      if (!decoded) {
        llvm::consumeError(decoded.takeError());
        ++score.verified;
        continue;
      }
      if (drain(*decoded) != original) {
        ++score.values;
        continue;
      }
      if (usedCode(*decoded) == usedCode(program)) {
        ++score.equivalent;
        continue;
      }
      ++score.survived;
      std::cout << "survivor: field " << isa::info(field.record).name << '.'
                << field.name << '\n';
    }
  }

private:
  /// The code without what no index reaches: strides between chunks where there
  /// is one chunk; and without the base of the accumulator rows, which shifts
  /// all of them alike.
  static std::vector<uint8_t> usedCode(Program program) {
    for (Instruction &instruction : program.code) {
      auto *contract = std::get_if<Contract>(&instruction);
      if (!contract)
        continue;
      Nest &nest = contract->nest;
      for (Operand &operand : nest.operands)
        for (auto &dim : operand.modes)
          if (dim && dim->chunks() == 1)
            dim->rowStride = 0;
      for (unsigned mode = 0; mode < nest.modeCount(); ++mode) {
        auto moves = [&](const Loop &loop) { return loop.mode == mode; };
        bool loops = std::any_of(nest.loops.begin() + nest.scopeLevel,
                                 nest.loops.end(), moves);
        auto carries = [&](const std::optional<ModeBit> &bit) {
          return bit && bit->mode == mode;
        };
        bool lanes = llvm::any_of(nest.lanes.ce, carries) ||
                     llvm::any_of(nest.lanes.row, carries) ||
                     llvm::any_of(nest.lanes.column, carries);
        const auto &dim = nest.c().modes[mode];
        if (!dim || dim->chunks() == 1 || (!loops && !lanes))
          nest.accumulatorStrides[mode] = 0;
      }
      nest.accumulatorBase = 0;
    }
    return must(isa::encodeCode(program.code));
  }

  /// Everything that leaves the accumulators; empty when the run is refused.
  std::vector<Word> drain(const Program &p) {
    TensorMemory memory(p.machine);
    for (unsigned t : {0, 1})
      must(memory.store(p.tensors[t], inputs[t]));
    memory.poison(0xFFA5);
    std::vector<Word> words;
    auto ran = runProgram(
        p, memory,
        [&](size_t instruction, int64_t slab, int64_t row, uint32_t bank,
            float value) {
          words.push_back({instruction, slab, row, bank, floatToBits(value)});
        });
    if (ran)
      return words;
    llvm::consumeError(ran.takeError());
    return {};
  }

  /// Whether every use of a route does the same with the changed words: for
  /// all constants that its temporal bank bits can make, on all lanes that
  /// take or give a word.
  bool sameUses(const Program &mutant, size_t r) const {
    const Machine &machine = program.machine;
    std::array<std::vector<uint32_t>, 3> slots;
    for (auto &net : slots)
      net.resize(size_t(machine.routeSlots));
    for (const Instruction &instruction : program.code) {
      if (const auto *load = std::get_if<LoadRoute>(&instruction))
        slots[size_t(load->net)][load->slot] = load->route;
      const auto *contract = std::get_if<Contract>(&instruction);
      if (!contract)
        continue;
      for (OperandId id : {OperandA, OperandB, OperandC}) {
        Net net = netOf(contract->nest.dataflow, id);
        if (slots[size_t(net)][contract->slots[size_t(net)]] == r &&
            !sameUse(program.routes[r], mutant.routes[r], contract->nest, id))
          return false;
      }
    }
    return true;
  }

  bool sameUse(const Route &a, const Route &b, const Nest &nest,
               OperandId id) const {
    const Machine &machine = program.machine;
    Net net = netOf(nest.dataflow, id);
    auto lanes = laneBits(nest, net, machine);
    bool stationaryStream =
        net == Net::Stream && nest.dataflow != Dataflow::OutputStationary;
    uint32_t usedPositions =
        uint32_t(net == Net::Stream ? machine.peRows() : machine.peColumns());
    uint32_t fixed = 0, temporal = 0;
    auto drivers = bankDrivers(nest, id, machine);
    for (unsigned j = 0; j < drivers.size(); ++j) {
      fixed |= uint32_t(drivers[j].kind == BankDriver::Constant &&
                        drivers[j].constant)
               << j;
      // A bit above the size of its mode never is 1.
      temporal |= uint32_t(drivers[j].kind == BankDriver::Temporal &&
                           nest.sizes[drivers[j].temporal.mode] >
                               int64_t(1) << drivers[j].temporal.bit)
                  << j;
    }
    uint32_t serial = nest.operands[id].serialLanes;
    // Lanes that never lie inside all edges carry nothing.
    std::vector<bool> used(size_t(machine.lanes()));
    for (uint32_t lane = 0; lane < used.size(); ++lane) {
      bool in = lane % (1u << machine.positionBits()) < usedPositions;
      std::vector<int64_t> index(nest.modeCount(), 0);
      for (unsigned l = 0; l < lanes.size(); ++l) {
        if (!(lane >> l & 1))
          continue;
        if (lanes[l])
          index[lanes[l]->mode] += int64_t(1) << lanes[l]->bit;
        else if (id == OperandC || (stationaryStream && l < machine.peRowBits))
          in = false;
      }
      for (unsigned m = 0; m < index.size(); ++m)
        in &= !nest.operands[id].holds(m) || index[m] < nest.sizes[m];
      used[lane] = in;
    }
    for (uint32_t constant = 0; constant < used.size(); ++constant) {
      if ((constant & ~temporal) != fixed)
        continue;
      if (id != OperandC) {
        auto x = replayDistribution(a, constant);
        auto y = replayDistribution(b, constant);
        for (uint32_t lane = 0; lane < used.size(); ++lane)
          if (used[lane] && x[lane] != y[lane])
            return false;
        continue;
      }
      for (uint32_t s = 0; s < used.size(); ++s) {
        if (s & ~serial)
          continue;
        std::vector<bool> valid = used;
        for (uint32_t lane = 0; lane < used.size(); ++lane)
          valid[lane] = used[lane] && (lane & serial) == s;
        if (replayReduction(a, constant, valid) !=
            replayReduction(b, constant, valid))
          return false;
      }
    }
    return true;
  }

  void judge(const Program &mutant, bool equivalent, Score &score,
             const std::string &what) {
    ++score.drawn;
    if (equivalent) {
      ++score.equivalent;
      return;
    }
    bool verified = false;
    if (llvm::Error error = verifyProgram(mutant)) {
      llvm::consumeError(std::move(error));
      verified = true;
    }
    bool values = drain(mutant) != original;
    score.verified += verified;
    score.values += values;
    if (verified || values)
      return;
    ++score.survived;
    std::cout << "survivor: " << what << '\n';
  }

  std::mt19937_64 random;
  Program program;
  std::vector<std::vector<float>> inputs;
  std::vector<Word> original;
};

RandomNestOptions optionsOf(unsigned draw) {
  RandomNestOptions options;
  options.seed = 31000 + draw;
  options.dataflow = Dataflow(draw % 3);
  options.missingBits = draw % 4;
  options.splitReduction = draw % 5 == 0;
  options.maxMultiplyAdds = 400;
  return options;
}

Machine machineOf(unsigned draw) {
  return smallMachine(2 + draw % 2, 1 + draw / 3 % 2, 2);
}

TEST(Mutation, IsNoticed) {
  Score switches, fields;
  for (unsigned draw = 0; draw < 24; ++draw) {
    Mutator mutator(machineOf(draw), optionsOf(draw));
    mutator.switches(60, switches);
    mutator.fields(fields);
  }
  for (auto [name, score] :
       {std::pair("switch states", switches), std::pair("fields", fields)}) {
    std::cout << name << ": " << score.drawn << " drawn, " << score.equivalent
              << " equivalent, noticed by verification " << score.verified
              << ", by values " << score.values << ", survived "
              << score.survived << '\n';
    unsigned rest = score.drawn - score.equivalent;
    EXPECT_LE(score.survived * 100, rest) << name;
    EXPECT_GT(score.values, rest / 2) << name;
  }
}

TEST(Mutation, OfABinaryIsNoticed) {
  Score score;
  for (unsigned draw = 0; draw < 12; ++draw)
    Mutator(machineOf(draw), optionsOf(draw)).binary(100, score);
  std::cout << "fields of binaries: " << score.drawn << " drawn, refused "
            << score.verified << ", other values " << score.values
            << ", of no use " << score.equivalent << ", survived "
            << score.survived << '\n';
  // What survives are strides of accumulator rows that still keep all rows
  // apart: other rows, the same words.
  EXPECT_LE(score.survived * 100, score.drawn - score.equivalent);
}

} // namespace

//===- Mutants.h - Changes one thing in a program ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Makes the mutants of a program, signs their binaries again, and judges each:
/// does it compute the same for all values, does the loader refuse it, does a
/// run without verification show it?
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_SIMULATOR_MUTANTS_H
#define FETTA_UNITTESTS_SIMULATOR_MUTANTS_H

#include "RaceOracle.h"
#include "SymbolicRun.h"
#include "TestPrograms.h"
#include "fetta/Program/Container.h"
#include "fetta/Program/InstructionCoding.h"
#include "fetta/Simulator/Functional.h"
#include "fetta/Support/BFloat16.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include "gtest/gtest.h"

#include <map>
#include <optional>
#include <tuple>

namespace fetta::test {

using Bytes = std::vector<uint8_t>;

enum Kind {
  Switch,
  FlipMask,
  Descriptor,
  LoopBound,
  LaneEntry,
  Slot,
  Flag,
  Transfer,
  TokenField
};
constexpr unsigned Kinds = 9;
constexpr const char *kindNames[Kinds] = {
    "switch state",    "flip mask",  "descriptor",
    "loop and scope",  "lane table", "route slots",
    "flags, reserved", "transfer",   "tokens, queue"};
Kind kindOf(isa::Field field);

/// Counts of mutants; `equivalent*` and the others are disjoint.
struct Score {
  unsigned mutants = 0, equivalent = 0, equivalentRefused = 0,
           equivalentStopped = 0;
  unsigned decoding = 0;           ///< Refused by checks 1 to 4.
  unsigned verification = 0;       ///< Refused by checks 5 to 7.
  unsigned words = 0, stopped = 0; ///< Of those that decode.
  unsigned survived = 0, survivedValues = 0;

  unsigned rest() const { return mutants - equivalent; }
  unsigned loaded() const { return rest() - decoding - verification; }
  Score &operator+=(const Score &o) {
    for (auto member :
         {&Score::mutants, &Score::equivalent, &Score::equivalentRefused,
          &Score::equivalentStopped, &Score::decoding, &Score::verification,
          &Score::words, &Score::stopped, &Score::survived,
          &Score::survivedValues})
      this->*member += o.*member;
    return *this;
  }
};

/// Instruction, slab, physical row, bank -> bits of the word that the
/// accumulator drained there last, before rounding. Which accumulator rows a
/// scope takes does not show.
using Words =
    std::map<std::tuple<size_t, int64_t, int64_t, uint32_t>, uint32_t>;

/// BF16 values without zeros and of magnitudes so far apart that sums round: a
/// sum tells which words are in it and in which order.
std::vector<float> tellingValues(std::mt19937_64 &random, size_t count);

/// A program, what it drains, and the judgement of its mutants.
class Subject {
public:
  Subject(Program original, uint64_t seed)
      : program(std::move(original)), bytes(must(encodeProgram(program))),
        memory(program.machine) {
    must(decodeProgram(bytes));
    std::mt19937_64 random(seed);
    for (const TensorEntry &tensor : program.tensors)
      if (isPreloaded(tensor.role))
        must(memory.store(
            tensor, tellingValues(random, size_t(tensor.layout.elements()))));
    memory.poison(0xFFA5);
    for (const DramRegion &region : program.regions)
      regions.push_back(tellingValues(random, size_t(region.elements())));
    auto places = must(sectionsOf(bytes));
    code = *llvm::find_if(
        places, [](const SectionPlace &place) { return place.name == "code"; });
    must(isa::decodeCode(
        llvm::ArrayRef<uint8_t>(bytes).slice(code.offset, code.size), &fields));
    for (const Instruction &instruction : program.code)
      if (const auto *contract = std::get_if<Contract>(&instruction))
        maxBeats = std::max(maxBeats, 16 * beats(contract->nest));
    Program expanded = must(expandRepeats(program));
    drained = *run(expanded);
    outcome = runSymbolically(expanded);
    EXPECT_FALSE(outcome.meaningless);
    EXPECT_EQ(outcome.drained.size(),
              llvm::count_if(drained, [](const auto &word) {
                return std::get<0>(word.first) != ~size_t(0);
              }));
  }

  size_t switchCount() const {
    size_t count = 0;
    for (const Route &route : program.routes)
      count += route.codes.size();
    return count;
  }
  /// Code number `at` of all routes, exclusive-or `change`.
  void mutateSwitch(size_t at, unsigned change) {
    Program mutant = program;
    size_t route = 0;
    for (; at >= mutant.routes[route].codes.size(); ++route)
      at -= mutant.routes[route].codes.size();
    mutant.routes[route].codes[at] ^= change;
    judge(Switch, must(encodeProgram(mutant)), [&] {
      return llvm::formatv("route {0}, code {1} ^ {2}", route, at, change)
          .str();
    });
  }
  void mutateMasks() {
    for (size_t r = 0; r < program.routes.size(); ++r)
      for (size_t j = 0; j < program.routes[r].masks.size(); ++j)
        for (unsigned bit = 0; bit < program.machine.laneBits(); ++bit)
          mutateMask(r, j, bit);
  }
  void mutateMask(size_t route, size_t j, unsigned bit) {
    Program mutant = program;
    mutant.routes[route].masks[j] ^= uint32_t(1) << bit;
    judge(FlipMask, must(encodeProgram(mutant)), [&] {
      return llvm::formatv("route {0}, mask {1}, bit {2}", route, j, bit).str();
    });
  }

  /// An instruction's field by number, and its new value.
  using FieldChange = std::pair<size_t, uint64_t>;
  /// Every bit of every field of a kind changed, and every value one up and
  /// one down.
  std::vector<FieldChange> fieldChanges(Kind kind) const {
    std::vector<FieldChange> changes;
    for (size_t f = 0; f < fields.size(); ++f) {
      if (kindOf(fields[f].field) != kind)
        continue;
      unsigned width = isa::info(fields[f].field).width;
      uint64_t value = valueOf(fields[f]);
      for (unsigned bit = 0; bit < width; ++bit)
        changes.push_back({f, value ^ uint64_t(1) << bit});
      for (uint64_t next : {value + 1, value - 1}) {
        next &= llvm::maskTrailingOnes<uint64_t>(width);
        if (llvm::popcount(next ^ value) > 1)
          changes.push_back({f, next});
      }
    }
    return changes;
  }
  void mutateField(FieldChange change) {
    const isa::FieldPlace &place = fields[change.first];
    Bytes mutant = bytes;
    for (unsigned i = 0; i < isa::info(place.field).width; ++i) {
      uint64_t bit = code.offset * 8 + place.bit + i;
      mutant[bit / 8] &= uint8_t(~(1 << bit % 8));
      mutant[bit / 8] |= uint8_t((change.second >> i & 1) << bit % 8);
    }
    must(resign(mutant));
    judge(kindOf(place.field), mutant, [&] {
      const isa::FieldInfo &info = isa::info(place.field);
      return llvm::formatv("{0}.{1} at bit {2} of the code, {3} instead of {4}",
                           isa::info(info.record).name, info.name, place.bit,
                           change.second, valueOf(place))
          .str();
    });
  }
  /// (route, bank bit) of the masks that some beat toggles by, or whose bank
  /// bit is a constant 1.
  std::vector<std::pair<size_t, size_t>> usedMasks() const {
    std::vector<std::pair<size_t, size_t>> used;
    std::map<std::pair<Net, unsigned>, uint32_t> slots;
    for (const Instruction &instruction : program.code) {
      if (const auto *load = std::get_if<LoadRoute>(&instruction))
        slots[{load->net, load->slot}] = load->route;
      const auto *contract = std::get_if<Contract>(&instruction);
      if (!contract)
        continue;
      const Nest &nest = contract->nest;
      for (OperandId id : {OperandA, OperandB, OperandC}) {
        Net net = netOf(nest.dataflow, id);
        size_t route = slots[{net, contract->slots[unsigned(net)]}];
        auto drivers = bankDrivers(nest, id, program.machine);
        for (size_t j = 0; j < drivers.size(); ++j) {
          const BankDriver &d = drivers[j];
          if (d.constant ||
              (d.kind == BankDriver::Temporal &&
               (nest.sizes[d.temporal.mode] - 1) >> d.temporal.bit))
            used.push_back({route, j});
        }
      }
    }
    return used;
  }

  std::array<Score, Kinds> scores;
  std::vector<std::string> remarks;

private:
  uint64_t valueOf(const isa::FieldPlace &place) const {
    uint64_t value = 0;
    for (unsigned i = 0; i < isa::info(place.field).width; ++i) {
      uint64_t bit = code.offset * 8 + place.bit + i;
      value |= uint64_t(bytes[bit / 8] >> bit % 8 & 1) << i;
    }
    return value;
  }

  /// Drained words, and elements of DRAM that the host did not fill, as words
  /// of instruction ~0; nothing if the run stops.
  std::optional<Words> run(const Program &p) {
    TensorMemory copy = memory;
    Words words;
    DramMemory dram(p);
    for (size_t r = 0; r < regions.size(); ++r)
      if (isPreloaded(p.regions[r].role))
        must(dram.store(uint32_t(r), regions[r]));
    ExecutionOptions options;
    options.maxBeats = maxBeats;
    options.observer = [&](size_t instruction, int64_t slab, int64_t row,
                           uint32_t bank, float value) {
      words[{instruction, slab, row, bank}] =
          floatToBits(canonicalizeNaN(value));
    };
    auto ran = runProgram(p, copy, dram, options);
    if (!ran) {
      llvm::consumeError(ran.takeError());
      return std::nullopt;
    }
    for (uint32_t r = 0; r < p.regions.size(); ++r)
      for (int64_t e = 0; e < p.regions[r].elements(); ++e)
        if (auto value = dram.get(r, e))
          words[{~size_t(0), r, e, 0}] = floatToBits(canonicalizeNaN(*value));
    return words;
  }

  template <typename Describe>
  void judge(Kind kind, const Bytes &mutant, Describe describe) {
    Score &score = scores[kind];
    ++score.mutants;
    auto decoded = decodeUnverified(mutant);
    auto loaded = decodeProgram(mutant);
    bool refused = !loaded;
    llvm::consumeError(loaded.takeError());
    if (!decoded) {
      llvm::consumeError(decoded.takeError());
      EXPECT_TRUE(refused);
      ++score.decoding;
      return;
    }
    decoded = expandRepeats(std::move(*decoded));
    if (!decoded) {
      llvm::consumeError(decoded.takeError());
      EXPECT_TRUE(refused);
      ++score.verification;
      return;
    }
    if (kind == TokenField) {
      // The order of the stream gives the same values with any tokens: what
      // matters is whether another order could give others.
      bool sound =
          tokensPlay(*decoded) && !hasRace(*decoded, reachability(*decoded));
      score.equivalent += sound;
      score.equivalentRefused += sound && refused;
      score.verification += !sound && refused;
      score.survived += !sound && !refused;
      if (!sound && !refused)
        remarks.push_back("survives: " + describe());
      return;
    }
    auto words = run(*decoded);
    bool differs = words && *words != drained;
    // What stops for its fields has no meaning to compare.
    bool comparable = words || kind == Switch || kind == FlipMask;
    if (comparable && runSymbolically(*decoded) == outcome) {
      EXPECT_FALSE(differs) << "equivalent, yet other words: " << describe();
      ++score.equivalent;
      score.equivalentRefused += refused;
      score.equivalentStopped += !words;
      return;
    }
    score.verification += refused;
    score.words += differs;
    score.stopped += !words;
    bool unnoticed = words && !differs;
    score.survivedValues += unnoticed;
    if (unnoticed || !refused)
      remarks.push_back(std::string(!unnoticed ? "loads and shows in the run"
                                    : refused  ? "refused, does not show"
                                               : "survives") +
                        ": " + kindNames[kind] + ": " + describe());
    score.survived += unnoticed && !refused;
  }

  Program program;
  std::vector<std::vector<float>> regions;
  Bytes bytes;
  SectionPlace code;
  std::vector<isa::FieldPlace> fields;
  TensorMemory memory;
  int64_t maxBeats = 0;
  Words drained;
  SymbolicOutcome outcome;
};

/// Prints the table and the remarks; expects that at least 99 % of the mutants
/// of every kind that are not equivalent are noticed by the run (of those that
/// can be decoded) and by loader or run; with `loaderAlone` by the loader too.
void report(const std::string &title, const std::array<Score, Kinds> &scores,
            const std::vector<std::string> &remarks, bool loaderAlone = true);

} // namespace fetta::test

#endif // FETTA_UNITTESTS_SIMULATOR_MUTANTS_H

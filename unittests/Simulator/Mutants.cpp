//===- Mutants.cpp - Changes one thing in a program -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mutants.h"

#include <cmath>
#include <iostream>

using namespace fetta;
using namespace fetta::test;
using isa::Field;
using isa::Record;

Kind fetta::test::kindOf(Field field) {
  if (isa::info(field).isReserved())
    return Flag;
  switch (isa::info(field).record) {
  case Record::Loop:
    return LoopBound;
  case Record::Lane:
    return LaneEntry;
  case Record::LoadRoute:
    return Slot;
  case Record::Dma:
  case Record::Stride:
  case Record::Block:
    return Transfer;
  case Record::Head:
    return field == Field::Head_opcode || field == Field::Head_length
               ? Flag
               : TokenField;
  case Record::Halt:
  case Record::Sync:
  case Record::Repeat:
    return Flag;
  default:
    break;
  }
  switch (field) {
  case Field::Contract_loops:
  case Field::Contract_scope:
    return LoopBound;
  case Field::Resources_ce:
  case Field::Resources_row:
  case Field::Resources_column:
    return LaneEntry;
  case Field::Resources_streamSlot:
  case Field::Resources_holdSlot:
  case Field::Resources_reduceSlot:
    return Slot;
  case Field::Contract_dataflow:
  case Field::Contract_clear:
  case Field::Contract_drain:
  case Field::Contract_accumulate:
  case Field::Contract_op:
    return Flag;
  default:
    return Descriptor;
  }
}

std::vector<float> fetta::test::tellingValues(std::mt19937_64 &random,
                                              size_t count) {
  std::vector<float> values(count);
  for (float &value : values) {
    uint64_t r = random();
    value = std::ldexp(float(128 + r % 128), int((r >> 8) % 12) - 13);
    if (r >> 63)
      value = -value;
  }
  return values;
}

void fetta::test::report(const std::string &title,
                         const std::array<Score, Kinds> &scores,
                         const std::vector<std::string> &remarks,
                         bool loaderAlone) {
  std::cout << title << '\n'
            << llvm::formatv("{0,-28}{1,8}{2,11}{3,9}{4,7}{5,9}{6,13}{7,7}{8,7}"
                             "{9,10}\n",
                             "kind", "mutants", "equivalent", "(refused",
                             "stop)", "decoding", "verification", "words",
                             "stop", "survivors")
                   .str();
  Score all;
  auto line = [](const char *name, const Score &s) {
    std::cout << llvm::formatv("{0,-28}{1,8}{2,11}{3,9}{4,7}{5,9}{6,13}{7,7}"
                               "{8,7}{9,10}\n",
                               name, s.mutants, s.equivalent,
                               s.equivalentRefused, s.equivalentStopped,
                               s.decoding, s.verification, s.words, s.stopped,
                               s.survived)
                     .str();
  };
  for (unsigned kind = 0; kind < Kinds; ++kind) {
    const Score &s = scores[kind];
    line(kindNames[kind], s);
    all += s;
    EXPECT_LE(s.survived * 100, s.rest()) << kindNames[kind];
    if (loaderAlone) {
      EXPECT_LE(s.loaded() * 100, s.rest()) << kindNames[kind];
    }
    EXPECT_LE(s.survivedValues * 100, s.rest() - s.decoding) << kindNames[kind];
  }
  line("all", all);
  for (const std::string &remark : remarks)
    std::cout << remark << '\n';
}

//===- RandomProgram.cpp - Programs with random fields --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomProgram.h"

#include "fetta/Program/InstructionCoding.h"

using namespace fetta;
using namespace fetta::isa;

namespace {

/// Reads fields that nobody wrote.
class RandomCoder : public Coder<RandomCoder> {
public:
  static constexpr bool reads = true;
  explicit RandomCoder(std::mt19937 &rng) : rng(rng) {}

  uint64_t code(Field f, uint64_t) {
    if (info(f).isReserved())
      return 0;
    uint64_t max = info(f).maxValue;
    switch (f) {
    case Field::Contract_modes:
      modes = draw(8);
      return modes;
    case Field::Contract_loops:
    case Field::Dma_dims:
    case Field::Dma_blocks:
      return draw(8);
    // Masks of modes that exist.
    case Field::Operand_modes:
      return draw((uint64_t(1) << modes) - 1);
    // Zero behind a flag that is not set.
    case Field::Lane_used:
    case Field::Bank_indexed:
      flag = draw(1);
      return flag;
    case Field::Lane_mode:
    case Field::Lane_bit:
    case Field::Bank_mode:
    case Field::Bank_bit:
      return flag ? draw(max) : 0;
    case Field::Bank_constant:
      return flag ? 0 : draw(1);
    default:
      return draw(max);
    }
  }
  void begin(Record) {}
  void align() {}
  void refuse(LoadCode, const char *) {}

private:
  uint64_t draw(uint64_t max) {
    return std::uniform_int_distribution<uint64_t>(0, max)(rng);
  }
  std::mt19937 &rng;
  uint64_t modes = 0;
  bool flag = false;
};

std::string randomText(std::mt19937 &rng) {
  std::string text(rng() % 12, ' ');
  for (char &c : text)
    c = char('!' + rng() % 90);
  return text;
}

} // namespace

Instruction test::randomInstruction(std::mt19937 &rng) {
  RandomCoder coder(rng);
  auto draw = [&](auto body) {
    codeBody(coder, body);
    return Instruction(std::move(body));
  };
  auto token = [&]() -> Token {
    if (rng() % 2)
      return {};
    return {uint8_t(rng() % SemaphoreCount), uint8_t(1 + rng() % 7)};
  };
  Tokens tokens = {{token(), token()}, {token(), token()}};
  Contract contract;
  Dma dma;
  dma.store = rng() % 2;
  contract.tokens = dma.tokens = tokens;
  switch (rng() % 6) {
  case 0:
    return draw(LoadRoute());
  case 1:
    return draw(contract);
  case 2:
    return draw(dma);
  case 3:
    return draw(Sync{Queue(rng() % QueueCount), tokens});
  case 4:
    return draw(Repeat());
  default:
    return draw(Halt());
  }
}

Program test::randomProgram(std::mt19937 &rng, const Machine &machine) {
  Program program;
  program.machine = machine;
  program.producer = randomText(rng);
  for (unsigned n = rng() % 4; n; --n) {
    TensorEntry t;
    t.name = randomText(rng);
    for (unsigned d = rng() % 4; d; --d)
      t.shape.push_back(int64_t(rng()) - int64_t(rng()));
    t.elementType = ElementType(rng() % 2);
    t.role = TensorRole(rng() % 7);
    for (unsigned d = rng() % 4; d; --d)
      t.layout.dims.push_back({int64_t(rng()) - int64_t(rng()),
                               unsigned(rng() % 64), int64_t(rng())});
    for (unsigned b = rng() % 9; b; --b) {
      BankBit bank;
      if (rng() % 2)
        bank.source = ModeBit{unsigned(rng() % 65536), unsigned(rng() % 65536)};
      else
        bank.constant = rng() % 2;
      t.layout.banks.push_back(bank);
    }
    t.slab = int64_t(rng());
    t.baseRow = int64_t(rng());
    program.tensors.push_back(std::move(t));
  }
  for (unsigned n = rng() % 4; n; --n) {
    DramRegion r;
    r.name = randomText(rng);
    for (unsigned d = rng() % 4; d; --d)
      r.shape.push_back(int64_t(rng()) - int64_t(rng()));
    r.elementType = ElementType(rng() % 2);
    r.role = TensorRole(rng() % 7);
    r.byteAddress = int64_t(rng()) - int64_t(rng());
    program.regions.push_back(std::move(r));
  }
  for (unsigned n = rng() % 4; n; --n) {
    Route r;
    r.wiring.topology = NetworkTopology(rng() % 2);
    r.wiring.kind = NetKind(rng() % 2);
    r.wiring.bits = 1 + rng() % 6;
    r.codes.resize(size_t(r.wiring.stages()) * r.wiring.switches());
    for (uint8_t &code : r.codes)
      code = rng() % 4;
    if (rng() % 2)
      for (unsigned j = 0; j < r.wiring.bits; ++j)
        r.masks.push_back(rng() % (1u << r.wiring.bits));
    program.routes.push_back(std::move(r));
  }
  for (unsigned n = rng() % 4; n; --n)
    program.ops.push_back(
        {randomText(rng), randomText(rng), randomText(rng), Phase(rng() % 3)});
  for (unsigned n = rng() % 8; n; --n)
    program.code.push_back(randomInstruction(rng));
  return program;
}

Machine test::smallMachine() {
  Machine machine;
  machine.name = "small";
  machine.ceBits = 2;
  machine.rowsPerSlab = 64;
  machine.accumulatorRows = 16;
  machine.routeSlots = 4;
  machine.energyPreset = "none";
  return machine;
}

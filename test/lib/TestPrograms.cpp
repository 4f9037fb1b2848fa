//===- TestPrograms.cpp - Programs out of nests for tests
//------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPrograms.h"

#include "fetta/Support/BFloat16.h"

#include <cmath>

using namespace fetta;
using namespace fetta::test;

Machine fetta::test::loadMachine(const std::string &name) {
  return must(Machine::load(FETTA_SOURCE_DIR "/machines/" + name + ".yaml"));
}

Machine fetta::test::smallMachine(unsigned ce, unsigned rows,
                                  unsigned columns) {
  Machine machine = loadMachine("fetta-edge");
  machine.ceBits = ce;
  machine.peRowBits = rows;
  machine.peColumnBits = columns;
  machine.rowsPerSlab = 512;
  must(machine.check());
  return machine;
}

std::array<Route, 3> fetta::test::routesOf(const Nest &nest,
                                           const Machine &machine) {
  std::array<Route, 3> routes;
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    Wiring wiring{machine.networks, machine.laneBits(),
                  id == OperandC ? NetKind::Reduction : NetKind::Distribution};
    routes[unsigned(netOf(nest.dataflow, id))] =
        must(routeAffine(wiring, bankMap(nest, id, machine)));
  }
  return routes;
}

Operand fetta::test::operandOf(const TensorEntry &tensor,
                               llvm::ArrayRef<unsigned> modes,
                               size_t modeCount) {
  Operand operand;
  operand.modes.resize(modeCount);
  for (size_t d = 0; d < modes.size(); ++d)
    operand.modes[modes[d]] = tensor.layout.dims[d];
  operand.banks = tensor.layout.banks;
  for (BankBit &bank : operand.banks)
    if (bank.source)
      bank.source->mode = modes[bank.source->mode];
  operand.elementType = tensor.elementType;
  operand.slab = tensor.slab;
  operand.baseRow = tensor.baseRow;
  return operand;
}

Program fetta::test::programOf(const RandomContraction &contraction,
                               const Machine &machine) {
  ProgramBuilder builder(machine);
  std::array<uint32_t, 3> tensors;
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    TensorEntry tensor;
    tensor.name = std::string("ABC").substr(id, 1);
    for (unsigned mode : contraction.modes[id])
      tensor.shape.push_back(contraction.sizes[mode]);
    tensor.layout = contraction.layouts[id];
    tensor.role = id == OperandC ? TensorRole::Result : TensorRole::Input;
    tensor.elementType =
        id == OperandC ? contraction.resultType : ElementType::BF16;
    tensor.slab = contraction.nests[0].operands[id].slab;
    tensor.baseRow = contraction.baseRows[id];
    tensors[id] = builder.addTensor(std::move(tensor));
  }
  uint32_t op = builder.addOp({"contract0", describe(contraction), "", {}});
  for (const Nest &nest : contraction.nests) {
    std::array<uint32_t, 3> routes;
    auto words = routesOf(nest, machine);
    for (unsigned net = 0; net < 3; ++net)
      routes[net] = builder.addRoute(std::move(words[net]));
    builder.addContract(nest, tensors, routes, op);
  }
  return std::move(builder).finish();
}

Program fetta::test::throughBinary(const Program &program) {
  return must(decodeProgram(must(encodeProgram(program)), &program.machine));
}

void fetta::test::serialiseForNetworks(RandomContraction &contraction,
                                       const Machine &machine) {
  for (Nest &nest : contraction.nests)
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      Wiring wiring{machine.networks, machine.laneBits(),
                    id == OperandC ? NetKind::Reduction
                                   : NetKind::Distribution};
      uint32_t &serial = nest.operands[id].serialLanes;
      serial = serialLanesToRoute(wiring, bankMap(nest, id, machine), serial);
    }
}

std::vector<float> fetta::test::randomValues(std::mt19937_64 &random,
                                             size_t count) {
  std::vector<float> values(count);
  for (float &value : values) {
    float moderate = (float(random() % 2001) - 1000) / 256.0f;
    switch (random() % 16) {
    case 0:
      value = -0.0f;
      break;
    case 1:
      value = 0.0f;
      break;
    case 2:
      value = std::ldexp(1.0f, int(random() % 60) - 30);
      break;
    case 3:
      value = std::ldexp(moderate, -130);
      break;
    default:
      value = moderate;
    }
    value = roundToBF16(value);
  }
  return values;
}

ModeArray fetta::test::arrayOf(const RandomContraction &contraction,
                               OperandId id) {
  ModeArray array;
  for (unsigned mode : contraction.modes[id]) {
    array.modes.push_back(mode);
    array.sizes.push_back(contraction.sizes[mode]);
  }
  return array;
}

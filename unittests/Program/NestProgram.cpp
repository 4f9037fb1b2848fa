//===- NestProgram.cpp - Programs around random contractions --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NestProgram.h"

#include "llvm/ADT/STLExtras.h"

using namespace fetta;

Program test::routedProgram(const RandomContraction &contraction,
                            const Machine &machine) {
  ProgramBuilder builder(machine);
  std::array<uint32_t, 3> tensors;
  static constexpr const char *names[] = {"a", "b", "c"};
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    TensorEntry t;
    t.name = names[id];
    t.layout = contraction.layouts[id];
    for (const DimLayout &dim : t.layout.dims)
      t.shape.push_back(dim.size);
    t.role = id == OperandC ? TensorRole::Result : TensorRole::Input;
    if (id == OperandC)
      t.elementType = contraction.resultType;
    t.slab = contraction.nests[0].operands[id].slab;
    t.baseRow = contraction.baseRows[id];
    tensors[id] = builder.addTensor(t);
  }
  uint32_t op = builder.addOp(
      {"contract0", describe(contraction), "test.mlir:1:1", Phase::Forward});
  for (const Nest &nest : contraction.nests) {
    std::array<uint32_t, 3> routes;
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      Net net = netOf(nest.dataflow, id);
      Wiring wiring{machine.networks, machine.laneBits(),
                    id == OperandC ? NetKind::Reduction
                                   : NetKind::Distribution};
      routes[unsigned(net)] = builder.addRoute(
          llvm::cantFail(routeAffine(wiring, bankMap(nest, id, machine))));
    }
    builder.addContract(nest, tensors, routes, op);
  }
  return std::move(builder).finish();
}

Program test::tinyProgram() {
  Machine machine;
  machine.name = "tiny";
  machine.ceBits = 1;
  machine.peRowBits = 1;
  machine.peColumnBits = 1;
  machine.rowsPerSlab = 16;
  machine.accumulatorRows = 4;
  machine.routeSlots = 2;
  machine.energyPreset = "none";
  // C[m, n] = A[m, k] B[k, n] with m = 3, n = 2, k = 2: rows k, columns n.
  RandomContraction contraction;
  contraction.sizes = {3, 2, 2};
  contraction.modes = {{{0, 2}, {2, 1}, {0, 1}}};
  auto bit = [](unsigned dim) { return BankBit{ModeBit{dim, 0}, false}; };
  BankBit zero;
  contraction.layouts = {Layout::packed({3, 2}, {bit(1), zero}, {0, 1}),
                         Layout::packed({2, 2}, {bit(0), bit(1)}, {0, 1}),
                         Layout::packed({3, 2}, {bit(1), bit(0)}, {0, 1})};
  Nest nest;
  nest.sizes = contraction.sizes;
  nest.loops = {{0, 3, 1}};
  nest.lanes.ce = {std::nullopt};
  nest.lanes.row = {ModeBit{2, 0}};
  nest.lanes.column = {ModeBit{1, 0}};
  nest.accumulatorStrides = {1, 0, 0};
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    Operand &operand = nest.operands[id];
    operand.modes.resize(3);
    operand.banks = contraction.layouts[id].banks;
    for (auto [d, mode] : llvm::enumerate(contraction.modes[id]))
      operand.modes[mode] = contraction.layouts[id].dims[d];
    for (BankBit &bank : operand.banks)
      if (bank.source)
        bank.source->mode = contraction.modes[id][bank.source->mode];
    operand.slab = id;
  }
  contraction.nests = {nest};
  return routedProgram(contraction, machine);
}

Program test::tinyDmaProgram() {
  Program p = test::tinyProgram();
  for (unsigned t = 0; t < 3; ++t) {
    TensorEntry &tensor = p.tensors[t];
    p.regions.push_back({tensor.name, tensor.shape, tensor.elementType,
                         t == 2 ? TensorRole::Result : TensorRole::Input,
                         64 * int64_t(t)});
    tensor.role = TensorRole::Temporary;
    Dma dma;
    dma.store = t == 2;
    dma.region = dma.tensor = t;
    dma.strides = {2, 1};
    if (t == 2)
      dma.tokens.waits[0] = {9, 1};
    else
      dma.tokens.signals[0] = {4, 1};
    p.code.insert(t == 2 ? std::prev(p.code.end()) : p.code.begin() + t,
                  Instruction(dma));
  }
  Tokens &tokens = std::get<Contract>(p.code[5]).tokens;
  tokens.waits[0] = {4, 2};
  tokens.signals[0] = {9, 1};
  return p;
}

Program test::tinyRepeatProgram() {
  Program p = test::tinyDmaProgram();
  std::vector<Instruction> code = std::move(p.code);
  for (unsigned slice : {0u, 2u}) {
    p.regions[slice].shape[0] *= 2;
    auto &dma = std::get<Dma>(code[slice ? 6 : 0]);
    dma.advance = 6;
  }
  // What is stored may be computed again.
  const Token stored{10, 1};
  std::get<Dma>(code[0]).tokens.waits[0] = stored;
  std::get<Dma>(code[6]).tokens.signals[0] = stored;
  Sync first{Queue::Store, {}}, last{Queue::Load, {}};
  first.tokens.signals[0] = last.tokens.waits[0] = stored;
  p.code = {code[2], code[3], code[4], first, Repeat{4, 2}, code[0],
            code[1], code[5], code[6], last,  code[7]};
  return p;
}

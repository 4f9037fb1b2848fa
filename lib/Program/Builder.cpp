//===- Builder.cpp - Builds programs, loads routes when needed ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Program/Program.h"

#include "llvm/ADT/STLExtras.h"

using namespace fetta;

llvm::StringRef fetta::queueName(Queue queue) {
  static const char *const names[QueueCount] = {"contract", "load", "store",
                                                "vector"};
  return unsigned(queue) < QueueCount ? names[unsigned(queue)] : "no queue";
}

Queue fetta::queueOf(const Instruction &instruction) {
  if (const auto *dma = std::get_if<Dma>(&instruction))
    return dma->store ? Queue::Store : Queue::Load;
  if (const auto *sync = std::get_if<Sync>(&instruction))
    return sync->queue;
  return Queue::Contract;
}

Tokens fetta::tokensOf(const Instruction &instruction) {
  if (const auto *contract = std::get_if<Contract>(&instruction))
    return contract->tokens;
  if (const auto *dma = std::get_if<Dma>(&instruction))
    return dma->tokens;
  if (const auto *sync = std::get_if<Sync>(&instruction))
    return sync->tokens;
  return {};
}

ProgramBuilder::ProgramBuilder(Machine machine) {
  program.machine = std::move(machine);
}

void ProgramBuilder::reserve(size_t instructions) {
  program.code.reserve(instructions);
}

uint32_t ProgramBuilder::addTensor(TensorEntry tensor) {
  program.tensors.push_back(std::move(tensor));
  return uint32_t(program.tensors.size() - 1);
}

uint32_t ProgramBuilder::addRegion(DramRegion region) {
  program.regions.push_back(std::move(region));
  return uint32_t(program.regions.size() - 1);
}

uint32_t ProgramBuilder::addOp(OpEntry op) {
  program.ops.push_back(std::move(op));
  return uint32_t(program.ops.size() - 1);
}

uint32_t ProgramBuilder::addRoute(Route route) {
  auto it = llvm::find(program.routes, route);
  if (it == program.routes.end())
    it = program.routes.insert(it, std::move(route));
  return uint32_t(it - program.routes.begin());
}

uint16_t ProgramBuilder::slotFor(Net net, uint32_t route) {
  std::vector<Slot> &inUse = slots[unsigned(net)];
  auto it =
      llvm::find_if(inUse, [&](const Slot &s) { return s.route == route; });
  if (it == inUse.end()) {
    if (int64_t(inUse.size()) < program.machine.routeSlots)
      it = inUse.insert(it, Slot());
    else
      it = llvm::min_element(inUse, [](const Slot &a, const Slot &b) {
        return a.lastUse < b.lastUse;
      });
    it->route = route;
    auto slot = uint16_t(it - inUse.begin());
    program.code.push_back(LoadRoute{net, slot, route});
  }
  it->lastUse = ++useCounter;
  return uint16_t(it - inUse.begin());
}

void ProgramBuilder::addContract(Nest nest, std::array<uint32_t, 3> tensors,
                                 std::array<uint32_t, 3> routes, uint32_t op,
                                 Tokens tokens, uint32_t tensorSums) {
  Contract contract;
  for (unsigned net = 0; net < 3; ++net)
    contract.slots[net] = slotFor(Net(net), routes[net]);
  contract.nest = std::move(nest);
  contract.tensors = tensors;
  contract.tensorSums = tensorSums;
  contract.op = op;
  contract.tokens = tokens;
  program.code.push_back(std::move(contract));
}

void ProgramBuilder::addDma(Dma dma) {
  program.code.emplace_back(std::move(dma));
}

void ProgramBuilder::addSync(Sync sync) { program.code.emplace_back(sync); }

/// Moves every LoadRoute ahead as far as its slot is not in use, in the order
/// of loads of its network: the queue issues in order, so a load that stands
/// right before its contraction could overlap the one before that only.
static void hoistRouteLoads(std::vector<Instruction> &code) {
  std::vector<Instruction> hoisted;
  hoisted.reserve(code.size() + 1);
  for (Instruction &instruction : code) {
    const auto *load = std::get_if<LoadRoute>(&instruction);
    auto place = hoisted.end();
    auto blocks = [&](const Instruction &before) {
      if (const auto *other = std::get_if<LoadRoute>(&before))
        return other->net == load->net;
      const auto *contract = std::get_if<Contract>(&before);
      return contract && contract->slots[size_t(load->net)] == load->slot;
    };
    while (load && place != hoisted.begin() && !blocks(*std::prev(place)))
      --place;
    // Behind the loads of other networks that stand there already.
    while (load && place != hoisted.end() &&
           std::holds_alternative<LoadRoute>(*place))
      ++place;
    hoisted.insert(place, std::move(instruction));
  }
  code = std::move(hoisted);
}

Program ProgramBuilder::finish() && {
  hoistRouteLoads(program.code);
  program.code.push_back(Halt());
  return std::move(program);
}
